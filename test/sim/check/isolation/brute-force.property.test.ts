import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkIsolation,
  type HistoryModel,
  type MicroOperation,
  type Transaction,
} from '../../../../sim/check/isolation/index.js';
import { isPossible, type Guarantee } from './brute-force.js';

const keys = ['a', 'b'] as const;

/** What an operation of a sketch becomes: a write, or a read of a state that may or may not fit. */
type Stroke = readonly [kind: 'write' | 'read' | 'scan', key: (typeof keys)[number], chance: number];

interface Sketch {
  readonly strokes: readonly Stroke[];
  readonly outcome: Transaction['outcome'];
  readonly client: string;
  readonly invokedAt: number;
  readonly lasts: number;
}

const sketches = (readsAll: boolean): fc.Arbitrary<readonly Sketch[]> =>
  fc.array(
    fc.record({
      strokes: fc
        .array(
          fc.tuple(
            fc.constantFrom(
              'write' as const,
              readsAll ? ('write' as const) : ('read' as const),
              'scan' as const,
            ),
            fc.constantFrom(...keys),
            fc.nat({ max: 59 }),
          ),
          { minLength: 1, maxLength: 3 },
        )
        .chain((strokes) =>
          readsAll
            ? fc
                .tuple(...keys.map(() => fc.nat({ max: 59 })))
                .map((chances) => [
                  ...keys.map((key, index): Stroke => ['read', key, chances[index] ?? 0]),
                  ...strokes.filter(([kind]) => kind === 'write'),
                ])
            : fc.constant(strokes),
        ),
      outcome: readsAll
        ? fc.constant('committed' as const)
        : fc.constantFrom(
            'committed' as const,
            'committed' as const,
            'committed' as const,
            'unknown' as const,
          ),
      client: fc.constantFrom('p', 'q'),
      invokedAt: fc.nat({ max: 8 }),
      lasts: fc.nat({ max: 8 }),
    }),
    { minLength: 2, maxLength: 4 },
  );

/**
 * Every key has one order of writes in mind, and reads mostly show some beginning of it, so that about as many histories are
 * possible as are not.
 */
function draw(
  model: HistoryModel,
  drafts: readonly Sketch[],
  shuffle: readonly number[],
): readonly Transaction[] {
  const written = new Map<string, number[]>(keys.map((key) => [key, []]));
  let value = 0;
  const numbered = drafts.map((draft) =>
    draft.strokes.map((stroke) => {
      if (stroke[0] !== 'write') return 0;
      value += 1;
      written.get(stroke[1])?.push(value);
      return value;
    }),
  );
  const order = new Map(
    keys.map((key) => [
      key,
      (written.get(key) ?? []).toSorted((a, b) => (shuffle[a] ?? a) - (shuffle[b] ?? b) || a - b),
    ]),
  );
  return drafts.map(({ strokes, outcome, client, invokedAt, lasts }, index) => {
    const own = new Map<string, number[]>(keys.map((key) => [key, []]));
    const operations = strokes.map(([kind, key, chance], place): MicroOperation => {
      const mine = own.get(key) ?? [];
      if (kind === 'write') {
        const next = numbered[index]?.[place] as number;
        mine.push(next);
        return { type: model === 'list-append' ? 'append' : 'write', key, value: next };
      }
      const others = (order.get(key) ?? []).filter((each) => !(numbered[index] ?? []).includes(each));
      const seen = [...others.slice(0, chance % (others.length + 1)), ...mine];
      if (kind === 'scan') {
        const last = seen.at(-1);
        return { type: 'scan', prefix: key, found: last === undefined ? [] : [[key, last]] };
      }
      return model === 'list-append'
        ? { type: 'list', key, values: seen }
        : { type: 'read', key, value: seen.at(-1) ?? null };
    });
    const answeredAt = outcome === 'unknown' ? undefined : invokedAt + lasts;
    return { id: index, client, outcome, invokedAt, answeredAt, operations };
  });
}

const histories = (model: HistoryModel, readsAll = false): fc.Arbitrary<readonly Transaction[]> =>
  fc
    .tuple(sketches(readsAll), fc.array(fc.nat({ max: 9 }), { minLength: 13, maxLength: 13 }))
    .map(([drafts, shuffle]) => draw(model, drafts, shuffle));

const guarantees: readonly Guarantee[] = [
  'snapshot-isolation',
  'serializable',
  'strong-session-serializable',
  'strict-serializable',
];

describe.each(guarantees)('against every possible order, at %s', (level) => {
  it.each(['list-append', 'rw-register'] as const)(
    'what is possible is never called invalid: %s',
    (model) => {
      const counts = { possible: 0, caught: 0, missed: 0 };
      fc.assert(
        fc.property(histories(model), (history) => {
          const { verdict } = checkIsolation(history, { model, level });
          const possible = isPossible(history, level);

          if (possible) expect(verdict).not.toBe('invalid');
          counts[possible ? 'possible' : verdict === 'invalid' ? 'caught' : 'missed']++;
        }),
        { numRuns: 300 },
      );

      expect(Math.min(counts.possible, counts.caught)).toBeGreaterThan(10);
      expect(counts.missed).toBeLessThan(counts.caught / 4);
    },
  );

  it('where every transaction reads all lists, the two agree', () => {
    const counts = { valid: 0, invalid: 0 };
    fc.assert(
      fc.property(histories('list-append', true), (drawn) => {
        // A client with two transactions under way at once has less of a session than the definition would allow.
        const history = drawn.map((transaction, index) => ({ ...transaction, client: `c${index}` }));
        const { verdict } = checkIsolation(history, { model: 'list-append', level });
        const expected = isPossible(history, level) ? 'valid' : 'invalid';

        expect(verdict === 'invalid' ? 'invalid' : 'valid').toBe(expected);
        counts[expected]++;
      }),
      { numRuns: 300 },
    );

    expect(Math.min(counts.valid, counts.invalid)).toBeGreaterThan(10);
  });
});
