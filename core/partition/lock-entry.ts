/** What a partition keeps of a lock: for ever, so that its fencing tokens never go back. */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { LogIndex } from '../machine/units.js';

export interface LockEntry {
  /** Who holds it, or held it last when it has lapsed; null once released. */
  readonly owner: Uint8Array | null;
  /** Of the last grant; the first one is 0. */
  readonly fencingToken: number;
  /** The lease in milliseconds, and the index of the entry from which it counts; both 0 when nobody holds it. */
  readonly expiresMs: number;
  readonly armedAt: LogIndex;
  /** When it ends by the clock that granted it: for people. It may last longer. Zero when nobody holds it. */
  readonly expires: Timestamp;
  /** Its lease has come to its end: it is free, but its last owner may still give it back. */
  readonly lapsed: boolean;
  readonly lastModified: Timestamp;
}
