/** A digest of what an operation says, to tell a repetition from a mistaken reuse of its id. */

import { finish, mixBytes, mixNumber, mixText } from '../collections/digest.js';
import type { SessionOperation } from './calls.js';

/** 64 bits of the kind and all inputs. */
export function digestOf(operation: SessionOperation): string {
  const halves = [mixAny(0, operation), mixAny(0x5bd1_e995, operation)];
  return halves.map((half) => finish(half).toString(16).padStart(8, '0')).join('');
}

/** Fields in the order of their names, so that it does not matter how the operation was put together. */
function mixAny(digest: number, value: unknown): number {
  if (value instanceof Uint8Array) return mixBytes(mixText(digest, 'bytes'), value);
  if (typeof value === 'number') return mixNumber(mixText(digest, 'number'), value);
  if (typeof value !== 'object' || value === null) return mixText(digest, `${typeof value} ${String(value)}`);
  let mixed = digest;
  for (const [name, field] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (field !== undefined) mixed = mixAny(mixText(mixed, name), field);
  }
  return mixed;
}
