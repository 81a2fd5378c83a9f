import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alwaysHolds,
  eventuallyHolds,
  explore,
  put,
  sometimesHolds,
  type StateModel,
} from '../../../sim/index.js';

/** States are numbers; an edge is an action that names where it leads. */
function graphModel(
  edges: readonly (readonly number[])[],
  properties: StateModel<number, number>['properties'],
): StateModel<number, number> {
  return {
    initial: [0],
    actions: (state) => edges[state] ?? [],
    next: (_state, action) => action,
    fingerprint: (state, into) => {
      put(into, state);
    },
    properties,
    describe: (action) => `to ${action}`,
  };
}

const graphs = fc
  .integer({ min: 1, max: 30 })
  .chain((size) =>
    fc.array(fc.array(fc.nat({ max: size - 1 }), { maxLength: 4 }), { minLength: size, maxLength: size }),
  );

/** By state: how many states lie on the shortest way to it, found by another algorithm (Bellman and Ford). */
function distancesOf(edges: readonly (readonly number[])[]): readonly number[] {
  const distances = edges.map((_, state) => (state === 0 ? 1 : Infinity));
  for (let round = 0; round < edges.length; round += 1) {
    edges.forEach((targets, from) => {
      for (const to of targets) {
        distances[to] = Math.min(distances[to] ?? Infinity, (distances[from] ?? Infinity) + 1);
      }
    });
  }
  return distances;
}

describe('an exploration', () => {
  it.each(['breadth', 'depth'] as const)('%s first sees exactly the reachable states', (order) => {
    fc.assert(
      fc.property(graphs, (edges) => {
        const seen: number[] = [];
        const note = alwaysHolds<number>('noted', (state) => seen.push(state) > 0);

        const result = explore(graphModel(edges, [note]), { order });

        const reachable = distancesOf(edges).flatMap((distance, state) =>
          distance < Infinity ? [state] : [],
        );
        expect(seen.toSorted((a, b) => a - b)).toEqual(reachable);
        expect(result.states).toBe(reachable.length);
        expect(result.generated).toBe(
          1 + reachable.reduce((sum, state) => sum + (edges[state]?.length ?? 0), 0),
        );
      }),
    );
  });

  it('breadth first finds a shortest way to what is broken', () => {
    fc.assert(
      fc.property(graphs, fc.nat({ max: 29 }), (edges, bad) => {
        const model = graphModel(edges, [alwaysHolds<number>('never there', (state) => state !== bad)]);

        const { verdict, counterexample } = explore(model, { order: 'breadth' });

        const distance = distancesOf(edges)[bad] ?? Infinity;
        expect(verdict).toBe(distance < Infinity ? 'broken' : 'holds');
        if (distance < Infinity) expect(counterexample).toHaveLength(distance - 1);
      }),
    );
  });

  it('gives a counterexample that can be walked, in any order', () => {
    fc.assert(
      fc.property(graphs, fc.constantFrom('breadth', 'depth'), (edges, order) => {
        const last = edges.length - 1;
        const model = graphModel(edges, [
          alwaysHolds<number>('never at the last', (state) => state !== last || state === 0),
        ]);

        const { counterexample = [] } = explore(model, { order });

        let at = 0;
        for (const to of counterexample) {
          expect(edges[at]).toContain(to);
          at = to;
        }
        if (counterexample.length > 0) expect(at).toBe(last);
      }),
    );
  });

  it('with a depth limit sees the same states in both orders', () => {
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 6 }), (edges, maxDepth) => {
        const statesSeen = (order: 'breadth' | 'depth'): readonly number[] => {
          const seen = new Set<number>();
          const note = alwaysHolds<number>('noted', (state) => seen.add(state).size > 0);
          explore(graphModel(edges, [note]), { order, maxDepth });
          return [...seen].sort((a, b) => a - b);
        };

        const breadth = statesSeen('breadth');

        expect(statesSeen('depth')).toEqual(breadth);
        expect(breadth).toEqual(
          distancesOf(edges).flatMap((distance, state) => (distance <= maxDepth ? [state] : [])),
        );
      }),
    );
  });

  it('that a limit ends is unknown, and says which limit', () => {
    const chain = Array.from({ length: 10 }, (_, i) => (i < 9 ? [i + 1] : []));

    const byStates = explore(graphModel(chain, []), { order: 'breadth', maxStates: 5 });
    const byDepth = explore(graphModel(chain, []), { order: 'depth', maxDepth: 5 });
    const whole = explore(graphModel(chain, []), { order: 'depth', maxDepth: 10 });

    expect([byStates.verdict, byStates.limit]).toEqual(['unknown', 'states']);
    expect([byDepth.verdict, byDepth.limit]).toEqual(['unknown', 'depth']);
    expect([whole.verdict, whole.depth]).toEqual(['holds', 10]);
  });

  it('is interrupted by whoever watches its progress', () => {
    const endless: StateModel<number, number> = { ...graphModel([], []), actions: (state) => [state + 1] };

    const { verdict, limit } = explore(endless, {
      order: 'breadth',
      onProgress: ({ states }) => states < 10_000,
    });

    expect([verdict, limit]).toEqual(['unknown', 'interrupted']);
  });

  it('checks states outside the bound, and looks no further', () => {
    const chain: StateModel<number, number> = {
      ...graphModel([[1], [2], [3], []], [alwaysHolds('below 2', (state: number) => state < 2)]),
      withinBound: (state) => state < 1,
    };

    const bounded = explore(chain, { order: 'breadth' });
    const wider = explore({ ...chain, withinBound: (state) => state < 2 }, { order: 'breadth' });

    expect([bounded.verdict, bounded.states]).toEqual(['holds', 2]);
    expect(wider.breach?.property).toBe('below 2');
  });

  it('is broken when what should sometimes hold never does', () => {
    const model = graphModel([[1], []], [sometimesHolds('two', (state: number) => state === 2)]);

    const { verdict, breach, counterexample } = explore(model, { order: 'breadth' });

    expect([verdict, breach?.property, counterexample]).toEqual(['broken', 'two', undefined]);
  });

  it('does not say "never" when a limit came first', () => {
    const model = graphModel([[1], [2], []], [sometimesHolds('two', (state: number) => state === 2)]);

    const { verdict } = explore(model, { order: 'breadth', maxDepth: 2 });

    expect(verdict).toBe('unknown');
  });
});

describe('what must hold eventually', () => {
  const one = [eventuallyHolds('one', (state: number) => state === 1)];

  it.each(['breadth', 'depth'] as const)('is broken by a way that ends without it (%s)', (order) => {
    const { breach, counterexample } = explore(graphModel([[1, 2], [3], [3], []], one), { order });

    expect(breach?.property).toBe('one');
    expect(counterexample).toEqual([2, 3]);
  });

  it.each(['breadth', 'depth'] as const)('holds when every way passes it (%s)', (order) => {
    const { verdict } = explore(graphModel([[2, 3], [4], [1], [1], []], one), { order });

    expect(verdict).toBe('holds');
  });

  it('is broken by a cycle without it, which depth-first sees', () => {
    const { breach, counterexample } = explore(graphModel([[2], [], [3], [2, 1]], one), { order: 'depth' });

    expect(breach?.property).toBe('one');
    expect(counterexample).toEqual([2, 3, 2]);
  });

  it('is not broken by a cycle after it', () => {
    const { verdict } = explore(graphModel([[1], [2], [1]], one), { order: 'depth' });

    expect(verdict).toBe('holds');
  });
});
