/** Machines that are ours but for one fault, for showing that a run finds it. */

import {
  createNode,
  radixForEach,
  radixSet,
  type GroupState,
  type NodeEffect,
  type NodeMachine,
  type NodeMessage,
  type NodeOptions,
  type NodeState,
} from '../../../../core/index.js';
import { run, stormScenario, type KeyValueScenario } from '../../../../sim/index.js';

export type Turn = Parameters<NodeMachine['step']>[1];
export type Step = ReturnType<NodeMachine['step']>;

/** What becomes of a step: `honest` is what our node would do. */
export type Fault = (honest: Step, before: NodeState, turn: Turn, options: NodeOptions) => Step;

/** Two seconds with few faults, and snapshots often. */
export const SHORT: KeyValueScenario = {
  ...stormScenario(3),
  nodes: 3,
  faults: [],
  expect: 'service',
  settings: {
    partitions: 1,
    keys: 2,
    readPercent: 40,
    specialReadPercent: 50,
    node: {
      ...stormScenario(3).settings.node,
      heartbeatIntervalMs: 50,
      electionTimeoutMs: 200,
      leaseMs: 200,
      maxClockDriftPercent: 0,
      snapshotEveryEntries: 7,
      snapshotPercentOfRecords: 0,
      keepEntries: 3,
      maxUncommittedBytes: 100_000,
      requestTimeoutMs: 1_500,
      forwardTimeoutMs: 250,
    },
  },
  network: {
    ...stormScenario(3).network,
    lossChance: 0,
    slowChance: 0,
    duplicateChance: 0,
    corruptChance: 0,
    bytesPerSecond: 0,
    maxDelayUs: 2_000,
  },
  disk: { ...stormScenario(3).disk, failChance: 0 },
  clocks: { maxDriftPpm: 0, maxWallOffsetMs: 0 },
  host: { turnUs: 0, restartMs: 20 },
  bends: { onChance: 0, fireChance: 0, off: [] },
  workload: {
    ...stormScenario(3).workload,
    clients: 4,
    operationsPerClient: 25,
    thinkMs: 20,
  },
  calm: { atMs: 4_000, heal: 'all', limitMs: 10_000 },
  minimumMs: 5_000,
};

/** The property that a run of such machines breaks, or `holds`. */
export function judgeFault(fault: Fault, scenario: KeyValueScenario = SHORT): string {
  const machineOf = (options: NodeOptions): NodeMachine => {
    const { start, step } = createNode(options);
    return { start, step: (before, turn) => fault(step(before, turn), before, turn, options) };
  };
  return run(scenario, { machineOf }).failure?.property ?? 'holds';
}

/** The step with every group changed; a group for which nothing is given back stays as it is. */
export function changeGroups(step: Step, change: (group: GroupState) => GroupState | undefined): Step {
  let { groups } = step.state;
  radixForEach(step.state.groups, (group, id) => {
    const changed = change(group);
    if (changed !== undefined) groups = radixSet(groups, id, changed);
  });
  return groups === step.state.groups ? step : { ...step, state: { ...step.state, groups } };
}

/** The step with every effect changed. */
export function changeEffects(step: Step, change: (effect: NodeEffect) => readonly NodeEffect[]): Step {
  return { ...step, effects: step.effects.flatMap(change) };
}

/** The step with every message that it sends changed. */
export function changeMessages(step: Step, change: (message: NodeMessage) => NodeMessage): Step {
  return changeEffects(step, (effect) =>
    effect.type === 'Send' ? [{ ...effect, messages: effect.messages.map(change) }] : [effect],
  );
}
