/** What operations read and change: the state of a partition without what is about its log. */

import { compareTimestamps, nextTimestamp, type Timestamp } from '../clock/hybrid-clock.js';
import type { OrderedMap } from '../collections/ordered-map.js';
import { wallMs } from '../machine/units.js';
import type { Outcome } from './command.js';
import type { KeyEntry } from './key-entry.js';
import type { LockEntry } from './lock-entry.js';
import type { EncodeVersions, Past, PastChange } from './past.js';
import type { Transactions } from './prepared.js';
import type { Retention } from './retention.js';
import type { SequenceEntry } from './sequence-entry.js';

export interface Contents {
  readonly keys: OrderedMap<KeyEntry>;
  readonly locks: OrderedMap<LockEntry>;
  readonly sequences: OrderedMap<SequenceEntry>;
  readonly transactions: Transactions;
  /** The newest timestamp given to a change; the next one is later, whatever the clocks say. */
  readonly lastModified: Timestamp;
  /** What is kept for the sake of those who read the past; absent as long as nobody ever asked. */
  readonly retention?: Retention;
  /** The superseded versions for which the entries of their keys have no room; absent as long as there never were any. */
  readonly past?: Past;
}

/** What a partition keeps apart from its state. */
export interface KeptApart {
  /** Values of so many bytes and more (`value-reference.ts`). */
  readonly separateFrom: number;
  /** Makes pages of the versions for which entries have no room (`past.ts`); absent where those are forgotten. */
  readonly encodeVersions?: EncodeVersions;
}

export const NOTHING_KEPT_APART: KeptApart = { separateFrom: Number.POSITIVE_INFINITY };

/** What an operation comes to. */
export interface Answer {
  readonly outcome: Outcome;
  /** Why, where the outcome is a refusal that needs words. */
  readonly reason?: string;
  /** That what was to be read is in a page that is not at hand: then the outcome says nothing. */
  readonly lacks?: true;
}

export interface Change extends Answer {
  readonly contents: Contents;
  /** What becomes of the pages of the past; absent for nothing, which is nearly always. */
  readonly pages?: PastChange;
}

/** The timestamp of the next change: that of its command, unless an earlier change has a later one. */
export function nextStamp({ lastModified }: Contents, stampedAt: Timestamp): Timestamp {
  return compareTimestamps(stampedAt, lastModified) > 0
    ? stampedAt
    : nextTimestamp(lastModified, stampedAt.node, stampedAt.wall);
}

/**
 * When a lease ends that was asked for at that time, by the clock that gave the stamp. For people: it is the leader's
 * monotonic clock that ends a lease.
 */
export function endOfLease(stampedAt: Timestamp, expiresMs: number): Timestamp {
  return { ...stampedAt, wall: wallMs(Math.min(stampedAt.wall + expiresMs, Number.MAX_SAFE_INTEGER)) };
}
