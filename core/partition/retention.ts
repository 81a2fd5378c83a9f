/** What a partition keeps for the sake of those who read the past; absent as long as nobody ever asked. */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { OrderedMap } from '../collections/ordered-map.js';
import type { LogIndex } from '../machine/units.js';
import type { Contents } from './contents.js';
import type { Past } from './past.js';

/** Group 0 has the holds of the whole cluster, and each partition what follows from them. */
export type Retention = Holds | Floor;

export interface Holds {
  readonly type: 'Holds';
  /** By their ids. One that is over is not here: nothing is left of it. */
  readonly live: OrderedMap<HoldEntry>;
  /** The command that changed them last. */
  readonly changedAt: LogIndex;
}

export interface HoldEntry {
  readonly holder: string;
  /** The time that is held. */
  readonly timestamp: Timestamp;
  /** The lease in milliseconds, and the index of the entry from which it counts. */
  readonly expiresMs: number;
  readonly armedAt: LogIndex;
  /** When it ends by the clock that granted it: for people. It may last longer. */
  readonly expires: Timestamp;
}

export interface Floor {
  readonly type: 'Floor';
  /** Whatever was to be read at this time, or later, stays to be read; zero for no such time. */
  readonly timestamp: Timestamp;
  /** See `SetFloorOperation`. */
  readonly position: LogIndex;
}

/** The floor of a partition: what is newer than this is not to be trimmed, nor what was the newest by then. */
export function floorOf({ retention }: Contents): Timestamp | undefined {
  if (retention?.type !== 'Floor') return undefined;
  const { wall, counter, node } = retention.timestamp;
  return wall === 0 && counter === 0 && node === 0 ? undefined : retention.timestamp;
}

/**
 * Puts what not every partition has into what takes the place of its contents: there are no such fields without it.
 *
 * @param made is nobody else's yet, and given back: each write comes through here, and copying it would cost as much as the rest.
 */
export function withRetention<T extends object>(made: T & Rare, { retention, past }: Contents): T {
  if (retention !== undefined) made.retention = retention;
  if (past !== undefined) made.past = past;
  return made;
}

interface Rare {
  retention?: Retention;
  past?: Past;
}
