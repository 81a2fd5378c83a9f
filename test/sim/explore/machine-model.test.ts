import { describe, expect, it } from 'vitest';
import { explore, follow, startAfter, type Observer, type StateModel } from '../../../sim/index.js';
import { ballotModel, type BallotMessage, type BallotModel, type BallotState } from './support/ballot.js';

const BOUNDS = { timers: { timer: 2 }, crashes: 1 };

/** Every property that is broken somewhere, and how many states there are: a breach ends its way, not the search. */
function allBreaches<State extends { readonly breach: unknown }, Action>(
  model: StateModel<State, Action>,
): { readonly broken: readonly string[]; readonly states: number } {
  const broken = new Set<string>();
  const gather = model.properties.map((property) =>
    property.type === 'Always'
      ? {
          ...property,
          breach: (state: State) => {
            const breach = property.breach(state);
            if (breach !== undefined) broken.add(breach.property);
            return undefined;
          },
        }
      : property,
  );
  const { states } = explore({ ...model, properties: gather }, { order: 'breadth' });
  return { broken: [...broken].sort((a, b) => (a < b ? -1 : 1)), states };
}

describe('a model of machines', () => {
  it('holds for a sound machine, over every crash and every order', () => {
    const { verdict, states } = explore(ballotModel({ bounds: BOUNDS }), { order: 'breadth' });

    expect(verdict).toBe('holds');
    expect(states).toBeGreaterThan(1_000);
  });

  it('finds a planted bug by a shortest way, and says how', () => {
    const model = ballotModel({ hasty: true, bounds: BOUNDS });

    const { breach, counterexample = [] } = explore(model, { order: 'breadth' });

    expect(breach?.property).toBe('one leader');
    expect(counterexample.map((action) => model.describe(action))).toEqual([
      'node 1: timer',
      'node 1: its oldest write is durable',
      'node 2 gets, from 1: "ask"',
      'node 1 gets, from 2: "grant"',
      'node 2 crashes; of the writes under way 0 survive',
      'node 2: timer',
      'node 2: its oldest write is durable',
      'node 3 gets, from 2: "ask"',
      'node 2 gets, from 3: "grant"',
    ]);
  });

  it('needs the crash for that bug, and a disk that takes its time', () => {
    const verdictOf = (model: BallotModel): string => explore(model, { order: 'breadth' }).verdict;

    expect(verdictOf(ballotModel({ hasty: true, bounds: { ...BOUNDS, crashes: 0 } }))).toBe('holds');
    expect(verdictOf(ballotModel({ hasty: true, bounds: BOUNDS, disk: 'instant' }))).toBe('holds');
  });

  it('has the same states in both orders', () => {
    const model = ballotModel({ bounds: BOUNDS });

    const breadth = explore(model, { order: 'breadth' });
    const depth = explore(model, { order: 'depth' });

    expect(depth.states).toBe(breadth.states);
    expect(depth.generated).toBe(breadth.generated);
  });

  it.each([
    { hasty: false, broken: [] },
    { hasty: true, broken: ['one leader'] },
  ])(
    'breaks the same with symmetry and reductions, with fewer states (hasty: $hasty)',
    ({ hasty, broken }) => {
      const bounds = { ...BOUNDS, duplicates: 1 };
      const full = allBreaches(ballotModel({ hasty, bounds, reduction: false }));
      const reduced = allBreaches(ballotModel({ hasty, bounds }));
      const symmetric = allBreaches(ballotModel({ hasty, bounds, reduction: false, symmetry: true }));
      const both = allBreaches(ballotModel({ hasty, bounds, symmetry: true }));

      expect([full, reduced, symmetric, both].map((one) => one.broken)).toEqual([
        broken,
        broken,
        broken,
        broken,
      ]);
      expect(reduced.states).toBeLessThan(full.states);
      expect(symmetric.states).toBeLessThan(full.states / 4);
      expect(both.states).toBeLessThan(symmetric.states);
      expect(both.states).toBeLessThan(reduced.states / 4);
    },
  );

  it('merges no more with a projection than what behaves alike', () => {
    const plain = allBreaches(ballotModel({ hasty: true, bounds: BOUNDS, projected: false }));
    const projected = allBreaches(ballotModel({ hasty: true, bounds: BOUNDS }));

    expect(projected.broken).toEqual(plain.broken);
    expect(projected.states).toBeLessThan(plain.states);
  });

  it('refuses symmetry without a projection', () => {
    const make = (): unknown => ballotModel({ bounds: BOUNDS, projected: false, symmetry: true });

    expect(make).toThrow('symmetry needs a projection');
  });

  it('loses messages only by budget, or when the network is full', () => {
    const losesIn = (bounds: Parameters<typeof ballotModel>[0]['bounds']): number => {
      const model = ballotModel({ bounds: { timers: { timer: 1 }, ...bounds } });
      let losses = 0;
      const counting: typeof model = {
        ...model,
        next: (world, action) => {
          if (action.type === 'Lose') losses += 1;
          return model.next(world, action);
        },
      };
      explore(counting, { order: 'breadth' });
      return losses;
    };

    expect(losesIn({})).toBe(0);
    expect(losesIn({ losses: 1 })).toBeGreaterThan(0);
    expect(losesIn({ inFlight: 1, overflow: 'cut' })).toBe(0);
    expect(losesIn({ inFlight: 1, overflow: 'lose' })).toBeGreaterThan(0);
  });

  it('shows an observer every step of a way', () => {
    const model = ballotModel({ hasty: true, bounds: BOUNDS });
    const { counterexample = [] } = explore(model, { order: 'breadth' });
    const seen: string[] = [];
    const observer: Observer<BallotState, BallotMessage, never, never, number> = {
      started: (node) => seen.push(`start ${node}`),
      stepped: (node, _before, { events }) => seen.push(`${events.map(({ type }) => type).join()} ${node}`),
      synced: (node, writes) => seen.push(`${writes.length} synced ${node}`),
      crashed: (node) => seen.push(`crash ${node}`),
    };

    const world = model.walk(counterexample, observer);

    expect(world.breach?.property).toBe('one leader');
    expect(seen).toEqual([
      'start 1',
      'start 2',
      'start 3',
      'TimerFired 1',
      '1 synced 1',
      'WriteCompleted 1',
      'MessageReceived 2',
      'MessageReceived 1',
      '0 synced 2',
      'crash 2',
      'start 2',
      'TimerFired 2',
      '1 synced 2',
      'WriteCompleted 2',
      'MessageReceived 3',
      'MessageReceived 2',
    ]);
  });
});

describe('a schedule', () => {
  const model = ballotModel({ hasty: true, bounds: BOUNDS });
  const { counterexample = [] } = explore(model, { order: 'breadth' });
  const steps = counterexample.map((action) => model.describe(action));

  it('leads where it led', () => {
    const { states, stuck } = follow(model, steps);

    expect(stuck).toBeUndefined();
    expect(states.at(-1)?.breach?.property).toBe('one leader');
  });

  it('says where it no longer fits, and what could happen there', () => {
    const { actions, stuck } = follow(model, [...steps.slice(0, 1), 'node 9: timer']);

    expect(actions).toHaveLength(1);
    expect(stuck?.step).toBe('node 9: timer');
    expect(stuck?.possible).toContain('node 2: timer');
  });

  it('is a place to explore from', () => {
    const { breach, counterexample: rest } = explore(startAfter(model, steps.slice(0, 4)), {
      order: 'breadth',
    });

    expect(breach?.property).toBe('one leader');
    expect(rest).toHaveLength(steps.length - 4);
  });

  it('that cannot be followed is no place to explore from', () => {
    expect(() => startAfter(model, ['node 9: timer'])).toThrow('"node 9: timer" cannot be taken');
  });
});
