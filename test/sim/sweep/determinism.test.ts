import { describe, expect, it } from 'vitest';
import { monotonicMs, type Machine } from '../../../core/index.js';
import { runSystem } from '../../../sim/system/run.js';
import { defineSystem } from '../../../sim/system/define.js';
import { divergenceOf, firstDivergence } from '../../../sim/sweep/determinism.js';

interface Counter {
  readonly ticks: number;
}
type Ticker = Machine<Counter, number, never, never, never>;

/** Two nodes that tell each other how often their timers fired; `cheat` may add what no pure step can know. */
function ticking(cheat: () => number) {
  const machine: Ticker = {
    start: ({ now }) => ({
      state: { ticks: 0 },
      effects: [{ type: 'SetTimer', at: monotonicMs(now.monotonic + 10) }],
    }),
    step: ({ ticks }, { now }) => ({
      state: { ticks: ticks + 1 + cheat() },
      effects: [{ type: 'SetTimer', at: monotonicMs(now.monotonic + 10 + cheat()) }],
    }),
  };
  const system = defineSystem({
    name: 'ticking',
    nodes: [2],
    settings: () => ({}),
    paceMs: () => 10,
    machine: () => machine,
    properties: () => [],
  });
  const scenario = {
    ...system.storm(3),
    faults: [],
    minimumMs: 500,
    calm: { ...system.storm(3).calm, atMs: 400 },
  };
  return { system, scenario };
}

describe('running a seed twice', () => {
  it('finds nothing where the machine is pure', () => {
    const { system, scenario } = ticking(() => 0);

    expect(divergenceOf(system, scenario, runSystem(system, scenario))).toBeUndefined();
  });

  it('names the first input with which a node does something else', () => {
    let calls = 0;
    const { system, scenario } = ticking(() => {
      calls += 1;
      return calls % 97 === 0 ? 1 : 0;
    });

    const divergence = divergenceOf(system, scenario, runSystem(system, scenario));

    expect(divergence).toMatch(/^input \d+ .*node [12] at \d+ ms is given/s);
  });

  it('tells a node that acts differently from one that is given something else', () => {
    let runs = 0;
    const { system, scenario } = ticking(() => (runs > 0 ? 1 : 0));
    const first = system.begin;
    const counting = {
      ...system,
      begin(...given: Parameters<typeof first>) {
        const trial = first.apply(system, given);
        runs = seen;
        seen += 1;
        return trial;
      },
    };
    let seen = 0;

    expect(firstDivergence(counting, scenario)).toContain('but the node does something else with it');
  });
});
