/** What the API makes of a request when it reads it: here there is nothing to read, and the same is meant. */

import type { Operation } from '../../core/index.js';
import { ofAnyNode } from '../api/requests/asked.js';

/**
 * A sequence without the blanks around its name, by which it is placed, and around its idempotency key, where a blank one is
 * none; and a time that names no node as the end of its millisecond, whatever any node did in it.
 */
export function asRead(operation: Operation): Operation {
  const at = 'at' in operation ? operation.at : undefined;
  if (at !== undefined) return { ...operation, at: ofAnyNode(at) } as Operation;
  if (!('name' in operation)) return operation;
  const name = operation.name.trim();
  if (operation.type !== 'ReserveSequence') return { ...operation, name };
  const { idempotencyKey = '', ...bare } = operation;
  const key = idempotencyKey.trim();
  return { ...bare, name, ...(key === '' ? {} : { idempotencyKey: key }) };
}
