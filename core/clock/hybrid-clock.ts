/**
 * Hybrid logical clock: timestamps that never go back, close to wall time, ordered consistently with cause.
 *
 * Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots in Globally Distributed Databases" (2014).
 * A timestamp orders by wall milliseconds, then by counter, then by node. Nothing here is needed for safety: wall
 * clocks may lie, and then timestamps drift with them but still only grow.
 */

import type { NodeId, WallMs } from '../machine/units.js';
import { NO_NODE } from '../machine/units.js';

export interface Timestamp {
  /** The node that made it; 0 in the zero timestamp. */
  readonly node: NodeId;
  /** Wall milliseconds since 1970. */
  readonly wall: WallMs;
  readonly counter: number;
}

/** "None" or "newest", as the wire has it. */
export const ZERO_TIMESTAMP: Timestamp = { node: NO_NODE, wall: 0 as WallMs, counter: 0 };

/** Counters stay within an unsigned 32-bit field on the wire; a full one borrows a millisecond from the future. */
const MAX_COUNTER = 0xffff_ffff;

/** Negative when `a` is before `b`, zero when they are the same, positive when it is after. */
export function compareTimestamps(a: Timestamp, b: Timestamp): number {
  return a.wall - b.wall || a.counter - b.counter || a.node - b.node;
}

/** So many runs of a node can be told apart by the counters of their names. */
export const RUN_TAGS = 1 << 20;

/**
 * The next timestamp that names something which another run of the node may still be asked for. Its counter has the run's tag in its
 * lower bits, so that no two runs give one name, though the wall clock was set back, or stood still, in between.
 *
 * @param tag at least 0, below `RUN_TAGS`.
 */
export function nextName(last: Timestamp, node: NodeId, wall: WallMs, tag: number): Timestamp {
  const next = nextTimestamp(last, node, wall);
  const below = next.counter - (next.counter % RUN_TAGS) + tag;
  const counter = below < next.counter ? below + RUN_TAGS : below;
  return counter <= MAX_COUNTER
    ? { node, wall: next.wall, counter }
    : { node, wall: (next.wall + 1) as WallMs, counter: tag };
}

/** The timestamp of a new event on `node`: after `last`, and not before the wall clock. */
export function nextTimestamp(last: Timestamp, node: NodeId, wall: WallMs): Timestamp {
  if (wall > last.wall) return { node, wall, counter: 0 };
  if (last.counter < MAX_COUNTER) return { node, wall: last.wall, counter: last.counter + 1 };
  return { node, wall: (last.wall + 1) as WallMs, counter: 0 };
}
