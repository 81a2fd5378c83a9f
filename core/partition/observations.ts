/**
 * Whether what a transaction has seen is still so (optimistic concurrency control: Kung and Robinson, 1981).
 *
 * A key is compared by its revision, which every write moves, and by whether it is live. A range holds if nothing in it was
 * written, deleted or over since the time at which it was read; whatever comes into a range carries a later time, so that
 * absent keys and empty ranges are covered as well (no phantoms). An intent of somebody else is in the way of either,
 * because it may be committed already.
 */

import { compareTimestamps, ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import { mapGet } from '../collections/ordered-map.js';
import type { Contents } from './contents.js';
import { NEVER_WRITTEN, type KeyVersion } from './key-entry.js';
import { isLive } from './key-history.js';
import { forEachWithin } from './key-range.js';
import type {
  KeyObservation,
  Observation,
  RangeObservation,
  StagedWrite,
  TransactionId,
} from './transaction-command.js';

/** Why a transaction cannot go on: what it met, and who is in the way, if somebody is. */
export interface Conflict {
  readonly reason: string;
  readonly blocker?: TransactionId;
}

/** What became of the observations. */
export type Checked =
  | { readonly holds: false; readonly conflict: Conflict }
  /** The latest change among all that was seen, as far as it is known; zero for none. */
  | { readonly holds: true; readonly latest: Timestamp };

/** Whether all of it is so, and nobody but the transaction has an intent on it. */
export function checkObservations(
  contents: Contents,
  transaction: TransactionId,
  reads: readonly Observation[],
): Checked {
  let latest = ZERO_TIMESTAMP;
  for (const observation of reads) {
    const checked =
      observation.type === 'Key'
        ? checkKey(contents, transaction, observation)
        : checkRange(contents, transaction, observation);
    if (!checked.holds) return checked;
    latest = later(latest, checked.latest);
  }
  return { holds: true, latest };
}

/** The first of the keys that somebody else means to write. */
export function foreignIntent(
  { transactions }: Contents,
  transaction: TransactionId,
  writes: readonly StagedWrite[],
): Conflict | undefined {
  if (transactions.intents.size === 0) return undefined;
  for (const { key } of writes) {
    const holder = mapGet(transactions.intents, key);
    if (holder !== undefined && holder !== transaction) return intendedBy(key, holder);
  }
  return undefined;
}

function checkKey(
  { keys, transactions }: Contents,
  transaction: TransactionId,
  { key, exists, revision }: KeyObservation,
): Checked {
  const holder = mapGet(transactions.intents, key);
  if (holder !== undefined && holder !== transaction) return broken(intendedBy(key, holder));
  const entry = mapGet(keys, key);
  if ((entry?.revision ?? NEVER_WRITTEN) !== revision) {
    return broken({ reason: `the key "${key}" was written since it was read` });
  }
  if (entry === undefined) return UNTOUCHED;
  if (isLive(entry) !== exists) {
    return broken({ reason: `the key "${key}" ${exists ? 'ended' : 'came back'} since it was read` });
  }
  return { holds: true, latest: lastChange(entry) };
}

const UNTOUCHED: Checked = { holds: true, latest: ZERO_TIMESTAMP };

function checkRange(contents: Contents, transaction: TransactionId, range: RangeObservation): Checked {
  const { keys, transactions } = contents;
  let conflict: Conflict | undefined;
  if (transactions.intents.size > 0) {
    forEachWithin(transactions.intents, range, (key, holder) => {
      if (holder !== transaction) conflict = intendedBy(key, holder);
      return conflict === undefined;
    });
    if (conflict !== undefined) return broken(conflict);
  }
  forEachWithin(keys, range, (key, entry) => {
    if (compareTimestamps(lastChange(entry), range.at) > 0) {
      conflict = { reason: `the key "${key}" was written or ended since its range was read` };
    }
    return conflict === undefined;
  });
  // Nothing of it is later than this.
  return conflict === undefined ? { holds: true, latest: range.at } : broken(conflict);
}

/** When the key was last written, or came to its end. */
function lastChange({ lastModified, lapsedAt }: KeyVersion): Timestamp {
  return later(lastModified, lapsedAt);
}

function later(a: Timestamp, b: Timestamp): Timestamp {
  return compareTimestamps(a, b) >= 0 ? a : b;
}

function intendedBy(key: string, blocker: TransactionId): Conflict {
  return { reason: `the transaction ${blocker} has an intent on the key "${key}"`, blocker };
}

function broken(conflict: Conflict): Checked {
  return { holds: false, conflict };
}
