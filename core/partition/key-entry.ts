/** What a partition keeps of a key: for ever, so that its revisions count on. */

import type { Timestamp } from '../clock/hybrid-clock.js';
import { revision, type LogIndex, type Revision } from '../machine/units.js';
import { MAX_VALUE_BYTES } from './validate.js';
import type { KeptValue } from './value-reference.js';

export interface KeyEntry extends KeyVersion {
  /** The time to live in milliseconds, and the index of the entry from which it counts; both 0 for a key without one. */
  readonly expiresMs: number;
  readonly armedAt: LogIndex;
  /** Superseded versions, newest first: within the bounds below, and none that a `noRevision` set replaced. */
  readonly history: readonly KeyVersion[];
  /** The newest revision that was dropped, for want of room or by the rules of retention; absent for none. */
  readonly forgotten?: Revision;
}

/** A value of a key, or its absence. */
export interface KeyVersion {
  readonly value: KeptValue;
  /** Counts on through delete, expiry and re-creation. */
  readonly revision: Revision;
  /** True for a tombstone: the key is absent, but its revision counter is not forgotten. */
  readonly deleted: boolean;
  readonly lastModified: Timestamp;
  /** When it ends by the clock of the leader that set it: for people; it may last longer. Zero for never. */
  readonly expires: Timestamp;
  /** When it did come to its end; zero while it lives. */
  readonly lapsedAt: Timestamp;
  /**
   * Of so many revisions it is the last, where a transaction wrote the key several times: 2 or more. Nobody ever saw the
   * others. Absent for one.
   */
  readonly revisions?: number;
}

/** So many superseded versions of each key are kept in memory. */
export const MAX_HISTORY = 16;

/** … and where older ones go into pages (`past.ts`) so many at most: with one more all but the newest `MAX_HISTORY` go at once. */
export const MAX_UNPAGED_HISTORY = 31;

/** Their values have so many bytes together, at most: a key with its history is one record of a snapshot. */
export const MAX_HISTORY_BYTES = 8 << 20;

/** The versions of a page of the past have so many bytes at most: those of a full history, and of one more value of any length. */
export const MAX_VERSIONS_BYTES = MAX_VALUE_BYTES + 2 * MAX_HISTORY_BYTES;

/** The revision reported for a key that was never written. */
export const NEVER_WRITTEN = revision(-1);
