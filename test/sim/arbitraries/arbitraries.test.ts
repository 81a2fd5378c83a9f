import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNode, radixForEach, type NodeMachine, type NodeOptions } from '../../../core/index.js';
import {
  decisions,
  fault,
  faultSchedule,
  networkConditions,
  scenario,
  storm,
  workload,
  type Cluster,
} from '../../../sim/arbitraries/index.js';
import { FAULT_KINDS } from '../../../sim/faults/fault-shapes.js';
import {
  describeProblem,
  parseScenario,
  run,
  type Fault,
  type KeyValueScenario,
} from '../../../sim/index.js';

const cluster = { nodes: 3, groups: 1, versions: 2, calmMs: 2_000 };

function problemsOf(drawn: KeyValueScenario): readonly string[] {
  const parsed = parseScenario(drawn);
  return parsed.ok ? [] : parsed.problems.map(describeProblem);
}

/** Our node, but it gives up when a term ends and another begins. */
function faint(options: NodeOptions): NodeMachine {
  const { start, step } = createNode(options);
  return {
    start,
    step(before, turn) {
      const { state, effects } = step(before, turn);
      let term = 0;
      radixForEach(state.groups, ({ raft }) => (term = Math.max(term, raft.term)));
      return { state, effects: term < 2 ? effects : [{ type: 'Halt', reason: 'I have had enough' }] };
    },
  };
}

describe('what the examples of the documentation say holds', () => {
  it('of faults', () => {
    fc.assert(fc.property(fault(cluster, 'Split'), ({ side }) => side.length < cluster.nodes));
    fc.assert(fc.property(faultSchedule(cluster, { maxLength: 5 }), (faults) => faults.length <= 5));
  });

  it('of conditions, workloads and decisions', () => {
    fc.assert(fc.property(networkConditions(), ({ minDelayUs, maxDelayUs }) => minDelayUs <= maxDelayUs));
    fc.assert(fc.property(workload({ maxClients: 3 }), ({ clients }) => clients <= 3));
    fc.assert(
      fc.property(decisions({ nodes: 3, kinds: ['Append'] }), ({ list }) => list.every(({ to }) => to <= 3)),
    );
  });

  it('of scenarios', () => {
    fc.assert(
      fc.property(scenario({ nodes: 3, calmMs: 2_000 }), (drawn) => run(drawn).verdict === 'valid'),
      { numRuns: 4 },
    );
  });

  it('of storms', () => {
    fc.assert(
      fc.property(storm(), (drawn) => run(drawn).verdict === 'valid'),
      { numRuns: 2 },
    );
  });
});

describe('what is drawn is a scenario that can be run', () => {
  it.each(FAULT_KINDS.map((kind) => [kind]))('with a fault %s', (kind) => {
    const faults = (at: Cluster): fc.Arbitrary<readonly Fault[]> =>
      fc.tuple(fault({ ...at, spares: 2 }, kind));
    fc.assert(
      fc.property(scenario({ faults }), ({ settings, ...drawn }) => {
        const node = { ...settings.node, meta: true };
        expect(problemsOf({ ...drawn, spares: 2, settings: { ...settings, node } })).toEqual([]);
      }),
      { numRuns: 3 },
    );
  });

  it('with any schedule, and with decisions', () => {
    const network = fc
      .tuple(networkConditions(), decisions({ nodes: 3, kinds: ['Append', 'VoteRequest'] }))
      .map(([conditions, decided]) => ({ ...conditions, decisions: decided }));
    fc.assert(
      fc.property(scenario({ nodes: 3, network }), (drawn) => {
        expect(problemsOf(drawn)).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  it('after every first step of shrinking a storm', () => {
    fc.assert(
      fc.property(storm(), (drawn) => {
        const steps = [...storm().shrink(drawn, undefined).take(60)].map(({ value }) => value);

        expect(steps.length).toBeGreaterThan(0);
        expect(steps.flatMap(problemsOf)).toEqual([]);
      }),
      { numRuns: 2 },
    );
  });
});

describe('a storm over a broken machine', () => {
  it('shrinks to a counterexample that is small', () => {
    const holds = (drawn: KeyValueScenario): boolean =>
      run(drawn, { machineOf: faint }).verdict !== 'invalid';

    const { failed, counterexample, numShrinks } = fc.check(fc.property(storm(), holds), {
      seed: 1,
    });

    const [small] = counterexample as [KeyValueScenario];
    expect(failed).toBe(true);
    expect(numShrinks).toBeGreaterThan(0);
    expect(holds(small)).toBe(false);
    expect(small.faults.length).toBeLessThanOrEqual(1);
    expect(small.workload.clients * small.workload.operationsPerClient).toBeLessThanOrEqual(4);
  });

  it('gives the same counterexample again from its seed and path', () => {
    const holds = (drawn: KeyValueScenario): boolean => drawn.faults.length < 2;
    const property = fc.property(storm(), holds);

    const first = fc.check(property, { seed: 3 });
    const again = fc.check(property, { seed: 3, path: first.counterexamplePath ?? '' });

    expect(first.counterexample?.[0].faults).toHaveLength(2);
    expect(again.counterexample).toEqual(first.counterexample);
  });
});
