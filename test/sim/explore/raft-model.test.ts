import { describe, expect, it } from 'vitest';
import {
  DEFAULT_NODE_BOUND,
  DEFAULT_RAFT_BOUND,
  explore,
  follow,
  formatTrace,
  nodeModel,
  parseScenario,
  parseTrace,
  raftModel,
  replayTrace,
  traceOf,
  type RaftBound,
} from '../../../sim/index.js';

/** Small enough for a test; the command completes wider ones. */
const SMALL: RaftBound = {
  ...DEFAULT_RAFT_BOUND,
  elections: 1,
  maxTerm: 1,
  lapses: 0,
  crashes: 0,
  proposals: 0,
  inFlight: 4,
  overflow: 'cut',
};

describe('real Raft', () => {
  it.each<[string, Partial<RaftBound>]>([
    ['an election on slow disks, with a write and a crash', { proposals: 1, crashes: 1, inFlight: 3 }],
    [
      'two elections on a network for one message',
      { elections: 2, maxTerm: 2, crashes: 1, lapses: 1, proposals: 1, inFlight: 1, overflow: 'lose' },
    ],
    ['lost and repeated messages', { losses: 1, duplicates: 1, disk: 'instant' }],
    ['heartbeats and reads', { heartbeats: 2, reads: 1, disk: 'instant', inFlight: 3 }],
  ])('holds over every schedule of %s', (_what, bound) => {
    const { verdict, states, reached } = explore(raftModel({ ...SMALL, ...bound }), { order: 'breadth' });

    expect(verdict).toBe('holds');
    expect(states).toBeGreaterThan(500);
    expect(reached).toEqual(['somebody leads', 'something is committed']);
  });

  it('has a sixth of the states when three nodes may change names, and fewer still when reduced', () => {
    const statesOf = (bound: Partial<RaftBound>): number => {
      const model = raftModel({ ...SMALL, crashes: 1, disk: 'instant', inFlight: 3, ...bound });
      const { verdict, states } = explore(model, { order: 'breadth' });
      expect(verdict).toBe('holds');
      return states;
    };

    const full = statesOf({ symmetry: false, reduction: false });
    const symmetric = statesOf({ symmetry: true, reduction: false });
    const reduced = statesOf({ symmetry: false, reduction: true });
    const both = statesOf({ symmetry: true, reduction: true });

    expect(full / symmetric).toBeGreaterThan(5);
    expect(full / symmetric).toBeLessThanOrEqual(6);
    expect(reduced).toBeLessThan(full);
    expect(both).toBeLessThan(symmetric);
    expect(reduced / both).toBeGreaterThan(5);
  });

  it('has the same states in both orders', () => {
    const model = raftModel({ ...SMALL, disk: 'instant' });

    const breadth = explore(model, { order: 'breadth' });
    const depth = explore(model, { order: 'depth' });

    expect(depth.states).toBe(breadth.states);
  });

  it('names every step of a state differently, so that a schedule can be followed', () => {
    const model = raftModel({ ...SMALL, duplicates: 1, losses: 1, disk: 'instant' });
    let checked = 0;
    const distinct: typeof model = {
      ...model,
      actions: (world) => {
        const actions = model.actions(world);
        const names = actions.map((action) => model.describe(action));
        expect(new Set(names).size).toBe(names.length);
        checked += 1;
        return actions;
      },
    };

    explore(distinct, { order: 'breadth', maxStates: 2_000 });

    expect(checked).toBeGreaterThan(100);
  });
});

describe('whole nodes', () => {
  it('hold every invariant of Raft until a limit comes', () => {
    const { verdict, limit, reached } = explore(nodeModel(DEFAULT_NODE_BOUND), {
      order: 'breadth',
      maxStates: 15_000,
    });

    expect([verdict, limit]).toEqual(['unknown', 'states']);
    expect(reached).toEqual(['somebody leads', 'something is committed']);
  });

  it('give a way as a trace that replays bit for bit', () => {
    const bound = { ...DEFAULT_NODE_BOUND, bounds: { ...DEFAULT_NODE_BOUND.bounds, crashes: 1 } };
    const steps = [
      'node 1: timer',
      'node 2 gets, from 1: group 1 PreVoteRequest t1 last 0 t0',
      'node 1 gets, from 2: group 1 PreVoteAnswer t1 granted',
      'node 2 gets, from 1: group 1 VoteRequest t1 last 0 t0',
      'node 2 crashes; of the writes under way 0 survive',
      'node 1 gets, from 2: group 1 VoteAnswer t1 granted',
      'node 1 is asked: set key',
    ];
    const { actions, stuck } = follow(nodeModel(bound), steps);

    const { scenario, lines } = traceOf(bound, actions);
    const about = { version: '0', about: 'a way', scenario, failure: null };
    const replay = replayTrace(parseTrace(formatTrace(about, lines)));

    expect(stuck).toBeUndefined();
    expect(replay.parted).toBeUndefined();
    expect(replay.replayed).toBe(lines.length);
    expect(lines.length).toBeGreaterThan(steps.length);
    expect(parseScenario(scenario)).toMatchObject({ ok: true });
  });
});
