import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkSequences,
  explainSequences,
  type SequenceAnswer,
  type SequenceOperation,
  type SequenceOptions,
  type SequenceRequest,
} from '../../../../sim/check/sequences/index.js';
import { drawBelow, streamOf } from '../../../../sim/world/chance.js';

type Step = readonly [
  request: SequenceRequest | number | readonly [count: number, key: string],
  invokedAt: number,
  answeredAt?: number,
  answer?: SequenceAnswer | readonly [start: number, end: number],
];

const creation = (initial: number, increment = 1, max?: number): SequenceRequest => ({
  type: 'create',
  initialValue: BigInt(initial),
  increment: BigInt(increment),
  maxValue: max === undefined ? undefined : BigInt(max),
});
const created: SequenceAnswer = { type: 'created' };
const deleted: SequenceAnswer = { type: 'deleted' };
const refused: SequenceAnswer = { type: 'refused' };

function history(...steps: readonly Step[]): readonly SequenceOperation[] {
  return steps.map(([asked, invokedAt, answeredAt, told], id) => ({
    id,
    client: `c${id}`,
    sequence: 's',
    request: requestOf(asked),
    invokedAt,
    answeredAt,
    answer: told === undefined ? undefined : answerOf(told),
  }));
}

function requestOf(asked: Step[0]): SequenceRequest {
  if (typeof asked === 'number') return { type: 'reserve', count: asked, idempotencyKey: undefined };
  if ('type' in asked) return asked;
  return { type: 'reserve', count: asked[0], idempotencyKey: asked[1] };
}

function answerOf(told: SequenceAnswer | readonly [number, number]): SequenceAnswer {
  if ('type' in told) return told;
  return { type: 'allocated', start: BigInt(told[0]), end: BigInt(told[1]) };
}

const rulesBroken = (
  operations: readonly SequenceOperation[],
  options?: SequenceOptions,
): readonly string[] => checkSequences(operations, options).violations.map(({ rule }) => rule);

const made: Step = [creation(0), 0, 1, created];

describe('histories of sequences that are in order', () => {
  it.each<readonly [string, readonly Step[], SequenceOptions]>([
    ['one value after another', [made, [1, 2, 3, [1, 1]], [1, 4, 5, [2, 2]]], { isContiguous: true }],
    ['a gap where nothing else is promised', [made, [1, 2, 3, [1, 1]], [1, 4, 5, [1001, 1001]]], {}],
    ['concurrent values in any order', [made, [1, 2, 9, [2, 2]], [1, 4, 5, [1, 1]]], { isContiguous: true }],
    ['a gap that a lost answer explains', [made, [3, 2], [1, 4, 5, [4, 4]]], { isContiguous: true }],
    [
      'two gaps that two lost answers explain',
      [made, [1, 2], [2, 2], [1, 4, 5, [2, 2]], [1, 6, 7, [5, 5]]],
      { isContiguous: true },
    ],
    [
      'runs in steps, from below zero',
      [
        [creation(-10, 5, 5), 0, 1, created],
        [2, 2, 3, [-5, 0]],
        [1, 4, 5, [5, 5]],
      ],
      { isContiguous: true },
    ],
    [
      'a replay with an older value',
      [made, [[1, 'k'], 2, 3, [1, 1]], [1, 4, 5, [2, 2]], [[1, 'k'], 6, 7, [1, 1]]],
      { isContiguous: true },
    ],
    [
      'a replay of an attempt whose answer was lost',
      [made, [[1, 'k'], 2], [1, 4, 5, [2, 2]], [[1, 'k'], 6, 7, [1, 1]]],
      {},
    ],
    [
      'a replay of what another attempt took when one had been refused',
      [made, [[1, 'k'], 2, 3, refused], [1, 4, 5, [2, 2]], [[1, 'k'], 6, 7, [1, 1]]],
      {},
    ],
    [
      'a forgotten idempotency key',
      [made, [[1, 'k'], 2, 3, [1, 1]], [[1, 'k'], 900, 901, [2, 2]]],
      { replayTime: 600 },
    ],
    [
      'smaller values of a deposed owner, for a while',
      [made, [1, 2, 3, [9, 9]], [1, 5, 6, [4, 4]]],
      { staleOwnerTime: 5 },
    ],
    [
      'the same values after a new creation',
      [
        made,
        [1, 2, 3, [1, 1]],
        [{ type: 'delete' }, 4, 5, deleted],
        [creation(0), 6, 7, created],
        [1, 8, 9, [1, 1]],
      ],
      { isContiguous: true },
    ],
    [
      'a sequence from before the history',
      [
        [1, 2, 3, [700, 700]],
        [2, 4, 5, [701, 702]],
      ],
      {},
    ],
    ['a refused creation', [made, [creation(50), 2, 3, refused], [1, 4, 5, [1, 1]]], { isContiguous: true }],
  ])('%s', (_, steps, options) => {
    expect(rulesBroken(history(...steps), options)).toEqual([]);
    expect(checkSequences(history(...steps), options).verdict).toBe('valid');
  });

  it('values near the greatest are told apart', () => {
    const top = 2n ** 63n - 1n;
    const [first, second] = history([1, 0, 1, [0, 0]], [1, 2, 3, [0, 0]]) as [
      SequenceOperation,
      SequenceOperation,
    ];
    const at = (operation: SequenceOperation, value: bigint): SequenceOperation => ({
      ...operation,
      answer: { type: 'allocated', start: value, end: value },
    });

    expect(rulesBroken([at(first, top - 1n), at(second, top)])).toEqual([]);
    expect(rulesBroken([at(first, top), at(second, top - 1n)])).toEqual(['order']);
  });

  it('an allocation beside a new creation is not judged', () => {
    const result = checkSequences(
      history(
        made,
        [1, 2, 3, [1, 1]],
        [{ type: 'delete' }, 4, 5, deleted],
        [creation(0), 6, 9, created],
        [1, 7, 8, [1, 1]],
      ),
    );

    expect(result).toMatchObject({ verdict: 'valid', allocations: 1, unplaced: 1 });
  });

  it('of two creations side by side either may have been the last, whichever was answered first', () => {
    // The one in steps of 1 was carried out at once, and answered late.
    const late: Step = [creation(-5), 2, 20, created];
    const others: readonly Step[] = [
      [{ type: 'delete' }, 3, 4, deleted],
      [creation(-5, 3), 5, 6, created],
    ];

    expect(rulesBroken(history(late, ...others, [3, 21, 22, [-2, 4]]))).toEqual([]);
    expect(rulesBroken(history(...others, late, [3, 21, 22, [-4, -2]]))).toEqual([]);
    expect(rulesBroken(history(...others, [creation(-5), 7, 20, created], [3, 21, 22, [-2, 4]]))).toEqual([
      'run',
    ]);
  });

  it('a history without values tests nothing', () => {
    const result = checkSequences(history(made, [1, 2]));

    expect(result.verdict).toBe('unknown');
    expect(explainSequences(result)).toContain('nothing was tested');
  });
});

describe('histories of sequences that break a promise', () => {
  it.each<readonly [string, string, readonly Step[], SequenceOptions]>([
    ['unique', 'one value twice', [made, [1, 2, 9, [5, 5]], [1, 3, 8, [5, 5]]], {}],
    ['unique', 'runs that overlap', [made, [5, 2, 9, [1, 5]], [5, 3, 8, [4, 8]]], {}],
    ['unique', 'a run within another', [made, [9, 2, 9, [1, 9]], [1, 3, 8, [10, 10]], [1, 3, 8, [4, 4]]], {}],
    ['unique', 'one value under two keys', [made, [[1, 'k'], 2, 9, [5, 5]], [[1, 'l'], 3, 8, [5, 5]]], {}],
    ['order', 'a smaller value later', [made, [1, 2, 3, [5, 5]], [1, 4, 5, [4, 4]]], {}],
    [
      'order',
      'a smaller value after a refusal that nobody can repeat',
      [made, [1, 1, 2, refused], [1, 2, 3, [5, 5]], [1, 4, 5, [4, 4]]],
      {},
    ],
    [
      'order',
      'after a deposed owner must have noticed',
      [made, [1, 2, 3, [9, 9]], [1, 50, 51, [4, 4]]],
      { staleOwnerTime: 5 },
    ],
    [
      'contiguous',
      'a gap that nothing explains',
      [made, [1, 2, 3, [1, 1]], [1, 4, 5, [3, 3]]],
      { isContiguous: true },
    ],
    ['contiguous', 'a gap before the first', [made, [1, 2, 3, [2, 2]]], { isContiguous: true }],
    [
      'contiguous',
      'a gap smaller than the run that was lost',
      [made, [5, 2], [1, 4, 5, [3, 3]]],
      { isContiguous: true },
    ],
    [
      'contiguous',
      'more gaps than runs that were lost',
      [made, [1, 2], [1, 4, 5, [2, 2]], [1, 6, 7, [4, 4]]],
      { isContiguous: true },
    ],
    ['replay', 'one key, two answers', [made, [[1, 'k'], 2, 3, [1, 1]], [[1, 'k'], 4, 5, [2, 2]]], {}],
    ['replay', 'one key, two counts', [made, [[1, 'k'], 2, 3, [1, 1]], [[2, 'k'], 4, 5, [2, 3]]], {}],
    [
      'limits',
      'beyond the maximum',
      [
        [creation(0, 1, 3), 0, 1, created],
        [2, 2, 3, [3, 4]],
      ],
      {},
    ],
    ['limits', 'the initial value itself', [made, [1, 2, 3, [0, 0]]], {}],
    ['run', 'too short', [made, [3, 2, 3, [1, 2]]], {}],
    [
      'run',
      'off the grid',
      [
        [creation(0, 5), 0, 1, created],
        [1, 2, 3, [7, 7]],
      ],
      {},
    ],
    ['run', 'backwards', [[3, 2, 3, [9, 7]]], {}],
  ])('%s: %s', (rule, _, steps, options) => {
    const result = checkSequences(history(...steps), options);

    expect(result.verdict).toBe('invalid');
    expect(result.violations.map((violation) => violation.rule)).toContain(rule);
  });

  it('are explained with both operations by name', () => {
    const result = checkSequences(history(made, [1, 2, 3, [5, 5]], [[2, 'k'], 4, 5, [5, 6]]));

    expect(explainSequences(result)).toBe(
      'Sequence "s": unique: reserve of 1 (c1 #1, 2 to 3): 5 to 5 and ' +
        'reserve of 2 with key "k" (c2 #2, 4 to 5): 5 to 6 were both given the value 5.',
    );
  });
});

/** A sequence that keeps its promises, driven by chance: one moment of effect for each operation, some answers lost, keys repeated. */
function honestHistory(seed: number, steps: number): readonly SequenceOperation[] {
  const stream = streamOf(seed, 'honest sequence');
  const operations: SequenceOperation[] = [];
  const kept = new Map<string, SequenceAnswer & { readonly type: 'allocated' }>();
  let value: bigint | undefined;
  let now = 0;
  for (let id = 0; id < steps; id++) {
    now += 1 + drawBelow(stream, 9, id, 1);
    const kind = drawBelow(stream, 20, id, 2);
    const count = 1 + drawBelow(stream, 3, id, 3);
    const key = `k${drawBelow(stream, 8, id, 4)}/${count}`;
    let request: SequenceRequest = { type: 'reserve', count, idempotencyKey: kind < 8 ? key : undefined };
    let answer: SequenceAnswer = refused;
    if (kind === 19 || value === undefined) {
      request = kind === 18 ? { type: 'delete' } : creation(0);
      if (request.type === 'create' && value === undefined) {
        value = 0n;
        answer = created;
      }
    } else if (kind === 18) {
      request = { type: 'delete' };
      value = undefined;
      kept.clear();
      answer = deleted;
    } else {
      const replayed = kind < 8 ? kept.get(key) : undefined;
      const fresh = { type: 'allocated', start: value + 1n, end: value + BigInt(count) } as const;
      if (replayed === undefined) value = fresh.end;
      answer = replayed ?? fresh;
      if (kind < 8) kept.set(key, replayed ?? fresh);
    }
    const isLost = drawBelow(stream, 6, id, 5) === 0;
    operations.push({
      id,
      client: `c${id}`,
      sequence: 's',
      request,
      invokedAt: now - drawBelow(stream, 15, id, 6),
      answeredAt: isLost ? undefined : now + drawBelow(stream, 15, id, 7),
      answer: isLost ? undefined : answer,
    });
  }
  return operations;
}

describe('a sequence that keeps its promises', () => {
  it('is never accused, whatever overlaps and whatever answers are lost', () => {
    let judged = 0;
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 120 }), (seed, steps) => {
        const operations = honestHistory(seed, steps);

        judged += checkSequences(operations).allocations;
        expect(rulesBroken(operations, { isContiguous: true })).toEqual([]);
      }),
      { numRuns: 400 },
    );

    expect(judged).toBeGreaterThan(1_000);
  });
});
