/** What operations read and change: the state of a partition without what is about its log. */

import { compareTimestamps, nextTimestamp, type Timestamp } from '../clock/hybrid-clock.js';
import type { OrderedMap } from '../collections/ordered-map.js';
import type { Outcome } from './command.js';
import type { KeyEntry } from './key-entry.js';
import type { LockEntry } from './lock-entry.js';
import type { SequenceEntry } from './sequence-entry.js';

export interface Contents {
  readonly keys: OrderedMap<KeyEntry>;
  readonly locks: OrderedMap<LockEntry>;
  readonly sequences: OrderedMap<SequenceEntry>;
  /** The newest timestamp given to a change; the next one is later, whatever the clocks say. */
  readonly lastModified: Timestamp;
}

export interface Change {
  readonly contents: Contents;
  readonly outcome: Outcome;
  /** Why, where the outcome is a refusal that needs words. */
  readonly reason?: string;
}

/** The timestamp of the next change: that of its command, unless an earlier change has a later one. */
export function nextStamp({ lastModified }: Contents, stampedAt: Timestamp): Timestamp {
  return compareTimestamps(stampedAt, lastModified) > 0
    ? stampedAt
    : nextTimestamp(lastModified, stampedAt.node, stampedAt.wall);
}
