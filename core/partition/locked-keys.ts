/**
 * What is committed under the keys that a transaction has just locked: told with the locks, so that whoever takes them need not ask
 * again for what he takes them for.
 */

import { mapGet } from '../collections/ordered-map.js';
import { intentsIn } from './blocking.js';
import type { GetOperation } from './command.js';
import type { Contents } from './contents.js';
import { readKeys } from './keys.js';
import { NOTHING_AT_HAND } from './past.js';
import type { CommittedKey, LockNeed } from './transaction-command.js';
import { isReference, sizeOf } from './value-reference.js';

/** A longer value is not told unasked, nor are any when they come to more than that together: bytes. */
export const MAX_TOLD_VALUE_BYTES = 4_096;
export const MAX_TOLD_BYTES = 65_536;

/**
 * In the order of the locks of single keys. Left out is what can only be told later: a key that a prepared transaction is about to write,
 * and one that is over. `isOver` says which reads would find that.
 */
export function keysUnder(
  contents: Contents,
  needs: readonly LockNeed[],
  isOver: (read: GetOperation) => boolean,
): readonly CommittedKey[] {
  const told: CommittedKey[] = [];
  let bytes = 0;
  for (const need of needs) {
    if (need.type !== 'KeyLock') continue;
    const { key } = need;
    const read = { type: 'Get', key, tombstone: true } as const;
    if (intentsIn(contents, read).length > 0 || isOver(read)) continue;
    const value = mapGet(contents.keys, key)?.value ?? null;
    const size = sizeOf(value);
    const isShort = !isReference(value) && size <= MAX_TOLD_VALUE_BYTES && bytes + size <= MAX_TOLD_BYTES;
    if (isShort) bytes += size;
    const { outcome } = readKeys(contents, isShort ? read : { ...read, type: 'Exists' }, NOTHING_AT_HAND);
    if (outcome.family === undefined) told.push({ key, outcome });
  }
  return told;
}
