/** What operations read and change: the state of a partition without what is about its log. */

import { compareTimestamps, nextTimestamp, type Timestamp } from '../clock/hybrid-clock.js';
import type { OrderedMap } from '../collections/ordered-map.js';
import { wallMs } from '../machine/units.js';
import type { Outcome } from './command.js';
import type { KeyEntry } from './key-entry.js';
import type { LockEntry } from './lock-entry.js';
import type { Transactions } from './prepared.js';
import type { SequenceEntry } from './sequence-entry.js';

export interface Contents {
  readonly keys: OrderedMap<KeyEntry>;
  readonly locks: OrderedMap<LockEntry>;
  readonly sequences: OrderedMap<SequenceEntry>;
  readonly transactions: Transactions;
  /** The newest timestamp given to a change; the next one is later, whatever the clocks say. */
  readonly lastModified: Timestamp;
}

/** What an operation comes to. */
export interface Answer {
  readonly outcome: Outcome;
  /** Why, where the outcome is a refusal that needs words. */
  readonly reason?: string;
}

export interface Change extends Answer {
  readonly contents: Contents;
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
