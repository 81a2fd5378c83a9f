/**
 * Every node dies between every two steps of a commit, one at a time: the plan that random crashes only come near to. A
 * calm run with transactions over several partitions says when its nodes take their turns; it is then repeated with a
 * crash of each node, the coordinator and the leaders among them, at each of these times. No half of a commit may be
 * seen, no answer contradicted, and no intent left behind.
 */

import { describe, expect, it } from 'vitest';
import type { NodeAnswer, NodeMessage, NodeRequest, NodeState, Stored } from '../../../core/index.js';
import { run, scenarioOf, type KeyValueScenario, type Observer } from '../../../sim/index.js';

const DOWN_MS = 1_500;
/** So long after the last wish to commit, what was decided is settled. */
const SETTLED_AFTER_MS = 150;

/** A few transactions, one after another, and no faults. */
function commits(seed: number): KeyValueScenario {
  const scenario = scenarioOf('line', seed) as KeyValueScenario;
  const { settings, workload, calm } = scenario;
  return {
    ...scenario,
    nodes: 3,
    settings: {
      ...settings,
      partitions: 3,
      readPercent: 0,
      services: 0,
      transactions: { percent: 100, kind: 'bank', keys: 6, insists: false },
    },
    workload: { ...workload, clients: 1, operationsPerClient: 4, thinkMs: 1 },
    faults: [],
    calm: { ...calm, heal: 'all', atMs: 6_000, limitMs: 60_000 },
    minimumMs: 6_500,
  };
}

/**
 * The milliseconds in which something other than heartbeats happens, from the first wish to commit until all is settled. Who dies
 * when one of them begins dies between two steps.
 */
function timesOfSteps(scenario: KeyValueScenario): readonly number[] {
  const times = new Set<number>();
  let lastWish: number | undefined;
  const observer = (
    nowUs: () => number,
  ): Observer<NodeState, NodeMessage, NodeRequest, NodeAnswer, Stored> => ({
    started: () => undefined,
    synced: () => undefined,
    crashed: () => undefined,
    stepped(_node, _before, { events }) {
      const ms = Math.floor(nowUs() / 1_000);
      for (const event of events) {
        if (event.type !== 'RequestReceived' || !('transaction' in event.request)) continue;
        if (event.request.transaction.type === 'CommitTransaction') lastWish = ms;
      }
      if (lastWish === undefined || ms > lastWish + SETTLED_AFTER_MS) return;
      const isStep = events.some(
        (event) =>
          event.type !== 'TimerFired' &&
          !(event.type === 'MessageReceived' && /^Heartbeat/.test(event.message.type)),
      );
      if (isStep) times.add(ms);
    },
  });
  expect(run(scenario, { observer }).verdict).toBe('valid');
  return [...times].sort((a, b) => a - b);
}

describe('commits over several partitions', () => {
  it.each([8, 11])('outlive each node at every step (seed %i)', { timeout: 120_000 }, (seed) => {
    const scenario = commits(seed);
    const times = timesOfSteps(scenario);
    const reached = new Set<string>();
    const failures: string[] = [];
    for (const atMs of times) {
      for (let node = 1; node <= scenario.nodes; node += 1) {
        const crash = { type: 'Crash', atMs, untilMs: atMs + DOWN_MS, target: { node } } as const;
        const report = run({ ...scenario, faults: [crash] });
        for (const feature of Object.keys(report.reached)) reached.add(feature);
        if (report.verdict === 'valid') continue;
        failures.push(`node ${node} at ${atMs} ms: ${report.failure?.property}: ${report.failure?.detail}`);
      }
    }

    expect(failures).toEqual([]);
    expect(times.length).toBeGreaterThan(40);
    // Some died before there was a decision, and some after it.
    expect([...reached]).toEqual(
      expect.arrayContaining([
        'a transaction without a coordinator was aborted',
        'a transaction without a coordinator was committed',
        'a transaction without a coordinator was settled',
      ]),
    );
  });
});
