/**
 * A node's clocks as functions of virtual time: each runs at its own rate and shows its own zero.
 *
 * Virtual time is in whole microseconds; rates are in parts per million. Only integers decide.
 */

import { monotonicMs, wallMs, type Clocks, type MonotonicMs } from '../../core/index.js';

/** Both clocks of a node, from `sinceUs` until somebody sets them. */
export interface NodeClock {
  /** How much faster than true time this clock runs, in parts per million; negative for slower. */
  readonly driftPpm: number;
  /** It stands still. */
  readonly frozen: boolean;
  /** The virtual time from which the readings below are counted. */
  readonly sinceUs: number;
  /** What the monotonic clock showed at `sinceUs`. */
  readonly monotonicMs: number;
  /** What the wall clock showed at `sinceUs`. */
  readonly wallMs: number;
}

/** Wall time at virtual time 0 of a clock that is right: some fixed day. */
export const EPOCH_MS = 1_750_000_000_000;

function elapsedMs(clock: NodeClock, virtualUs: number): number {
  if (clock.frozen) return 0;
  return Math.floor(((virtualUs - clock.sinceUs) * (1_000_000 + clock.driftPpm)) / 1_000_000_000);
}

export function readClocks(clock: NodeClock, virtualUs: number): Clocks {
  const elapsed = elapsedMs(clock, virtualUs);
  return { monotonic: monotonicMs(clock.monotonicMs + elapsed), wall: wallMs(clock.wallMs + elapsed) };
}

/** The first virtual microsecond at which the node's monotonic clock shows `at` or more; undefined for never. */
export function whenMonotonic(clock: NodeClock, at: MonotonicMs): number | undefined {
  const elapsed = at - clock.monotonicMs;
  if (elapsed <= 0) return clock.sinceUs;
  if (clock.frozen) return undefined;
  let passedUs = Math.floor((elapsed * 1_000_000_000) / (1_000_000 + clock.driftPpm));
  while (elapsedMs(clock, clock.sinceUs + passedUs) < elapsed) passedUs += 1;
  return clock.sinceUs + passedUs;
}

/** The same clocks, showing what they show now, but changed from now on. */
export function changeClock(
  clock: NodeClock,
  virtualUs: number,
  change: {
    readonly driftPpm?: number;
    readonly frozen?: boolean;
    readonly addWallMs?: number;
    readonly addMonotonicMs?: number;
  },
): NodeClock {
  const elapsed = elapsedMs(clock, virtualUs);
  return {
    driftPpm: change.driftPpm ?? clock.driftPpm,
    frozen: change.frozen ?? clock.frozen,
    sinceUs: virtualUs,
    monotonicMs: clock.monotonicMs + elapsed + (change.addMonotonicMs ?? 0),
    wallMs: clock.wallMs + elapsed + (change.addWallMs ?? 0),
  };
}
