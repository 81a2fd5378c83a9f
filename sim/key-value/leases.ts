/**
 * How far the clocks of a scenario depart from true time, and leases that rest on it.
 *
 * Reads by lease are linearizable only while no clock drifts by more than the nodes are told. A storm tells them what its
 * clocks do; where a clock stands still or jumps, no bound is true, and there are no leases.
 */

import type { KeyValueScenario } from './settings.js';

const PPM_OF_A_PERCENT = 10_000;

/** The most that a clock runs fast or slow in a scenario, in percent, rounded up; undefined where one jumps or stops. */
export function driftPercentOf({
  clocks,
  faults,
}: Pick<KeyValueScenario, 'clocks' | 'faults'>): number | undefined {
  let mostPpm = clocks.maxDriftPpm;
  for (const fault of faults) {
    if (fault.type === 'ClockFreeze') return undefined;
    if (fault.type === 'ClockJump' && fault.monotonicMs !== 0) return undefined;
    if (fault.type === 'ClockDrift') mostPpm = Math.max(mostPpm, Math.abs(fault.driftPpm));
  }
  // A clock whose rate changes loses less than a millisecond of rounding each time: one percent more is room for that.
  return mostPpm === 0 ? 0 : Math.ceil(mostPpm / PPM_OF_A_PERCENT) + 1;
}

/** The most that the wall clocks of two nodes are apart at any time, but for their drift. */
export function wallSpreadOf({ clocks, faults }: Pick<KeyValueScenario, 'clocks' | 'faults'>): number {
  let spreadMs = 2 * clocks.maxWallOffsetMs;
  for (const fault of faults) if (fault.type === 'ClockJump') spreadMs += Math.abs(fault.wallMs);
  return spreadMs;
}

/** Whether the clocks of a scenario keep to what its nodes are told, so that its leases can be trusted. */
export function keepsToDrift(scenario: KeyValueScenario): boolean {
  const percent = driftPercentOf(scenario);
  return percent !== undefined && percent <= scenario.settings.node.maxClockDriftPercent;
}

/** The scenario with nodes that are told of the clocks that they have; without leases where no bound is true. */
export function withTrueDrift(scenario: KeyValueScenario): KeyValueScenario {
  const { settings } = scenario;
  const percent = driftPercentOf(scenario);
  const told =
    percent === undefined || percent > 90
      ? { leaseMs: 0, maxClockDriftPercent: 0 }
      : { maxClockDriftPercent: percent };
  return { ...scenario, settings: { ...settings, node: { ...settings.node, ...told } } };
}
