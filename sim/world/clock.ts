/**
 * A node's clocks as functions of virtual time: each runs at its own rate and shows its own zero.
 *
 * Virtual time is in whole microseconds; rates are in parts per million. Only integers decide.
 */

import { monotonicMs, wallMs, type Clocks, type MonotonicMs } from '../../core/index.js';

export interface NodeClock {
  /** How much faster than true time this clock runs, in parts per million; negative for slower. */
  readonly driftPpm: number;
  /** What the monotonic clock showed at virtual time 0 of this run of the node. */
  readonly monotonicOffsetMs: number;
  readonly wallOffsetMs: number;
}

/** Wall time at virtual time 0 of a clock that is right: some fixed day. */
const EPOCH_MS = 1_750_000_000_000;

function elapsedMs(clock: NodeClock, virtualUs: number): number {
  return Math.floor((virtualUs * (1_000_000 + clock.driftPpm)) / 1_000_000_000);
}

export function readClocks(clock: NodeClock, virtualUs: number): Clocks {
  const elapsed = elapsedMs(clock, virtualUs);
  return {
    monotonic: monotonicMs(clock.monotonicOffsetMs + elapsed),
    wall: wallMs(EPOCH_MS + clock.wallOffsetMs + elapsed),
  };
}

/** The first virtual microsecond at which the node's monotonic clock shows `at` or more. */
export function whenMonotonic(clock: NodeClock, at: MonotonicMs): number {
  const elapsed = Math.max(0, at - clock.monotonicOffsetMs);
  let virtualUs = Math.floor((elapsed * 1_000_000_000) / (1_000_000 + clock.driftPpm));
  while (elapsedMs(clock, virtualUs) < elapsed) virtualUs += 1;
  return virtualUs;
}
