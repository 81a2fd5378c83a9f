import { onTestFinished } from 'vitest';

import {
  createClient,
  isWavetankError,
  type ClientOptions,
  type WavetankClient,
  type WavetankError,
} from '../../../runtime-node/client/index.js';

export const STAMP = { n: 1, l: 2, c: 3 };
export const SET = { type: 0, revision: 7, lastModified: STAMP };
export const MUST_RETRY = { type: 101, reason: 'no leader' };

/** A client that is closed at the test's end. */
export function clientOf(
  endpoints: readonly string[],
  options: Omit<ClientOptions, 'endpoints'> = {},
): WavetankClient {
  const client = createClient({ endpoints, ...options });
  onTestFinished(() => client.close());
  return client;
}

/** The error with which an operation fails. */
export async function failureOf(operation: Promise<unknown>): Promise<WavetankError> {
  const error = await operation.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (isWavetankError(error)) return error;
  throw error;
}
