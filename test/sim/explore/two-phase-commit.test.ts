import { describe, expect, it } from 'vitest';
import { explore, twoPhaseCommit, type StateModel } from '../../../sim/index.js';

describe('two-phase commit has exactly as many states as Lamport says', () => {
  it.each([
    { managers: 3, states: 288, generated: 1_146, depth: 11 },
    { managers: 5, states: 8_832, generated: 58_146, depth: 17 },
    { managers: 7, states: 296_448, generated: 2_744_706, depth: 23 },
  ])('with $managers resource managers', ({ managers, ...counts }) => {
    const { verdict, states, generated, depth } = explore(twoPhaseCommit(managers), { order: 'breadth' });

    expect({ verdict, states, generated, depth }).toEqual({ verdict: 'holds', ...counts });
  });

  it('depth-first too', () => {
    const { verdict, states, generated } = explore(twoPhaseCommit(5), { order: 'depth' });

    expect({ verdict, states, generated }).toEqual({ verdict: 'holds', states: 8_832, generated: 58_146 });
  });
});

describe('symmetry', () => {
  it('leaves one state of all that differ by names', () => {
    const orbits = new Set<string>();
    const model = twoPhaseCommit(4);
    const noted: typeof model = {
      ...model,
      properties: [
        {
          type: 'Always',
          name: 'noted',
          breach: ({ does, said, heard, decision }) => {
            const managers = [0, 1, 2, 3].map(
              (i) => `${(does >> (2 * i)) & 3}${(said >> i) & 1}${(heard >> i) & 1}`,
            );
            orbits.add(`${managers.sort().join()} ${decision}`);
            return undefined;
          },
        },
      ],
    };
    explore(noted, { order: 'breadth' });

    const { verdict, states } = explore(twoPhaseCommit(4, true), { order: 'breadth' });

    expect({ verdict, states }).toEqual({ verdict: 'holds', states: orbits.size });
  });

  it('finds what is broken as the full exploration does, by a way of the same length', () => {
    const broken = (symmetry: boolean): StateModel<unknown, unknown> => {
      const model = twoPhaseCommit(4, symmetry);
      const property = {
        type: 'Always' as const,
        name: 'nobody commits',
        breach: ({ does }: { does: number }) =>
          [0, 1, 2, 3].some((i) => ((does >> (2 * i)) & 3) === 2)
            ? { property: 'nobody commits', detail: '' }
            : undefined,
      };
      return { ...model, properties: [property] } as StateModel<unknown, unknown>;
    };

    const full = explore(broken(false), { order: 'breadth' });
    const merged = explore(broken(true), { order: 'breadth' });

    expect(full.counterexample).toHaveLength(10);
    expect(merged.counterexample).toHaveLength(10);
    expect(merged.states).toBeLessThan(full.states);
  });
});
