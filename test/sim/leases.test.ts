/** Reads by lease are as good as the clocks: within the drift that the nodes are told of, and beyond it. */

import { describe, expect, it, vi } from 'vitest';
import { driftPercentOf, keepsToDrift, withTrueDrift } from '../../sim/key-value/leases.js';
import { run, scenarioOf, stormScenario, type KeyValueScenario } from '../../sim/index.js';

// Each case runs a few whole scenarios; a busy machine may need longer than the usual five seconds.
vi.setConfig({ testTimeout: 120_000 });

const SEEDS = [15, 16, 17, 18, 19];

/** Nodes that are told that their clocks keep perfect time. */
function beyond(scenario: KeyValueScenario): KeyValueScenario {
  const { settings } = scenario;
  return { ...scenario, settings: { ...settings, node: { ...settings.node, maxClockDriftPercent: 0 } } };
}

describe('leases under leaders with slow clocks', () => {
  it('give stale reads when clocks drift beyond the bound, and the linearizability checker finds them', () => {
    const found = SEEDS.map((seed) => run(beyond(scenarioOf('leases', seed))).failure?.property ?? 'none');

    expect(new Set(found)).toContain('linearizability');
    expect(found.filter((property) => property !== 'linearizability' && property !== 'none')).toEqual([]);
  });

  it('give none in the same scenarios with a bound that covers the drift', () => {
    const reports = SEEDS.map((seed) => run(scenarioOf('leases', seed)));

    expect(reports.map(({ verdict }) => verdict)).toEqual(SEEDS.map(() => 'valid'));
    expect(reports.every(({ reached }) => 'read by lease answered without asking' in reached)).toBe(true);
  });
});

describe('what the nodes of a scenario are told of their clocks', () => {
  const storm = { ...stormScenario(1), clocks: { maxDriftPpm: 20_000, maxWallOffsetMs: 0 }, faults: [] };
  const target = { node: 1 };
  const window = { atMs: 1, untilMs: 2, target };

  it('covers what they do, with a percent to spare', () => {
    const drifting = { ...storm, faults: [{ type: 'ClockDrift', ...window, driftPpm: -300_000 } as const] };

    expect(driftPercentOf(storm)).toBe(3);
    expect(driftPercentOf(drifting)).toBe(31);
    expect(keepsToDrift(withTrueDrift(drifting))).toBe(true);
    expect(keepsToDrift(beyond(drifting))).toBe(false);
  });

  it('is that there are no leases where a clock stops or jumps', () => {
    const frozen = { ...storm, faults: [{ type: 'ClockFreeze', ...window } as const] };
    const jumping = {
      ...storm,
      faults: [{ type: 'ClockJump', atMs: 1, target, wallMs: 0, monotonicMs: 9 } as const],
    };
    const walls = {
      ...storm,
      faults: [{ type: 'ClockJump', atMs: 1, target, wallMs: 9, monotonicMs: 0 } as const],
    };

    expect([frozen, jumping, walls].map(driftPercentOf)).toEqual([undefined, undefined, 3]);
    expect(withTrueDrift(frozen).settings.node.leaseMs).toBe(0);
  });
});
