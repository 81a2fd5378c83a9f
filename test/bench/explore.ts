/** Distinct states a second of the explorer: on a model of integers, and on the real Raft code with every check on. */

import {
  DEFAULT_RAFT_BOUND,
  explore,
  raftModel,
  twoPhaseCommit,
  type RaftBound,
  type StateModel,
} from '../../sim/index.js';
import { median, type Section } from './table.js';

const REPETITIONS = 3;

/** Two elections, on disks that are at once durable. */
const RAFT: RaftBound = {
  ...DEFAULT_RAFT_BOUND,
  elections: 2,
  maxTerm: 2,
  lapses: 1,
  crashes: 0,
  proposals: 0,
  inFlight: 4,
  overflow: 'cut',
  disk: 'instant',
};

export function benchExplore(): Section {
  const rows = [
    measure('two-phase commit, 7 resource managers', () => twoPhaseCommit(7)),
    measure('Raft, 3 nodes, two elections', () => raftModel({ ...RAFT, symmetry: false })),
    measure('the same, merged by symmetry', () => raftModel(RAFT)),
  ];
  return {
    title: 'Exploration: every state within a bound, breadth-first, one core',
    columns: ['', 'states', 'generated', 'depth', 'states/s', 'generated/s', 'table MB'],
    rows,
    notes: [`Median of ${REPETITIONS} runs.`],
  };
}

function measure<State, Action>(
  name: string,
  make: () => StateModel<State, Action>,
): readonly (string | number)[] {
  const runs = Array.from({ length: REPETITIONS }, () => {
    // A new model each time: models remember what they worked out.
    const model = make();
    const startedAt = performance.now();
    const result = explore(model, { order: 'breadth' });
    if (result.verdict !== 'holds') throw new Error(`${name} is ${result.verdict}`);
    return { result, seconds: (performance.now() - startedAt) / 1_000 };
  });
  const seconds = median(runs.map((run) => run.seconds));
  const { states, generated, depth, tableBytes } = (runs[0] as (typeof runs)[number]).result;
  return [
    name,
    states,
    generated,
    depth,
    Math.round(states / seconds),
    Math.round(generated / seconds),
    (tableBytes / 1_048_576).toFixed(1),
  ];
}
