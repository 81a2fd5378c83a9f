import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptyRadixArray,
  radixDelete,
  radixForEach,
  radixGet,
  radixSet,
  radixSlice,
  type RadixArray,
} from '../../../core/collections/radix-array.js';
import { deepFreeze } from '../support/pure.js';

/** Positions around the places where digits, bit operators and safe integers change their nature. */
const positions = fc.oneof(
  fc.nat(100),
  fc
    .tuple(
      fc.constantFrom(32, 1024, 32 ** 3, 2 ** 30, 2 ** 31, 2 ** 32, 2 ** 35, 2 ** 40, 2 ** 50),
      fc.integer({ min: -40, max: 40 }),
    )
    .map(([landmark, offset]) => Math.max(0, landmark + offset)),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1),
  fc.maxSafeNat(),
);

type Change =
  | { readonly type: 'set'; readonly position: number; readonly value: number }
  | { readonly type: 'delete'; readonly position: number }
  | { readonly type: 'slice'; readonly from: number; readonly before: number };

function changesOn(position: fc.Arbitrary<number>): fc.Arbitrary<readonly Change[]> {
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ type: fc.constant('set' as const), position, value: fc.nat() }) },
      { weight: 3, arbitrary: fc.record({ type: fc.constant('delete' as const), position }) },
      {
        weight: 1,
        arbitrary: fc.record({ type: fc.constant('slice' as const), from: position, before: position }),
      },
    ),
    { maxLength: 80 },
  );
}

function changed(array: RadixArray<number>, change: Change): RadixArray<number> {
  switch (change.type) {
    case 'set':
      return radixSet(array, change.position, change.value);
    case 'delete':
      return radixDelete(array, change.position);
    case 'slice':
      return radixSlice(array, change.from, change.before);
  }
}

function changedModel(model: ReadonlyMap<number, number>, change: Change): ReadonlyMap<number, number> {
  switch (change.type) {
    case 'set':
      return new Map([...model, [change.position, change.value]]);
    case 'delete':
      return new Map([...model].filter(([position]) => position !== change.position));
    case 'slice':
      return new Map([...model].filter(([position]) => position >= change.from && position < change.before));
  }
}

function contents(array: RadixArray<number>): readonly (readonly [number, number])[] {
  const entries: (readonly [number, number])[] = [];
  radixForEach(array, (value, position) => entries.push([position, value]));
  return entries;
}

function expectLikeModel(array: RadixArray<number>, model: ReadonlyMap<number, number>): void {
  expect(contents(array)).toEqual([...model].sort(([a], [b]) => a - b));
  for (const [position, value] of model) {
    expect(radixGet(array, position)).toBe(value);
    for (const neighbour of [position - 1, position + 1]) {
      expect(radixGet(array, neighbour)).toBe(model.get(neighbour));
    }
  }
}

describe('a radix array is a map from positions to values', () => {
  it.each([
    ['near zero', fc.nat(70)],
    ['in a log of some thousand entries', fc.nat(5000)],
    ['up to 2^30', fc.nat(2 ** 30)],
    ['all above 2^31', fc.integer({ min: 2 ** 31, max: 2 ** 31 + 3000 })],
    ['anywhere among the safe integers', positions],
  ])('whose positions lie %s', (_where, position) => {
    fc.assert(
      fc.property(changesOn(position), (changes) => {
        let array = emptyRadixArray<number>();
        let model: ReadonlyMap<number, number> = new Map();

        for (const change of changes) {
          array = changed(array, change);
          model = changedModel(model, change);
        }

        expectLikeModel(array, model);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps every earlier version as it was', () => {
    fc.assert(
      fc.property(changesOn(fc.nat(2000)), (changes) => {
        const versions: (readonly [RadixArray<number>, ReadonlyMap<number, number>])[] = [
          [deepFreeze(emptyRadixArray<number>()), new Map()],
        ];

        for (const change of changes) {
          const [array, model] = versions[versions.length - 1] as (typeof versions)[number];
          versions.push([deepFreeze(changed(array, change)), changedModel(model, change)]);
        }

        for (const [array, model] of versions) expectLikeModel(array, model);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a radix array at its edges', () => {
  it('finds a low position after a very high one was added', () => {
    const low = radixSet(emptyRadixArray<string>(), 8, 'low');

    const both = radixSet(low, 2 ** 36, 'high');

    expect(radixGet(both, 8)).toBe('low');
    expect(radixGet(both, 2 ** 36)).toBe('high');
  });

  it('does not take a low position for a very high one', () => {
    const high = radixSet(emptyRadixArray<string>(), 2 ** 35 + 8, 'high');

    const both = radixSet(high, 8, 'low');

    expect(radixGet(both, 2 ** 35 + 8)).toBe('high');
  });

  it('holds the last safe integer', () => {
    const array = radixSet(emptyRadixArray<string>(), Number.MAX_SAFE_INTEGER, 'last');

    expect(radixGet(array, Number.MAX_SAFE_INTEGER)).toBe('last');
  });

  it('has nothing at positions below zero or beyond its end', () => {
    const array = radixSet(emptyRadixArray<string>(), 3, 'x');

    expect([-1, 4, 35, 2 ** 40].map((position) => radixGet(array, position))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses %d as a position', (position) => {
    expect(() => radixSet(emptyRadixArray<string>(), position, 'x')).toThrow(/radix array position/);
  });

  it('returns the same array when a deletion or a slice removes nothing', () => {
    const array = radixSet(radixSet(emptyRadixArray<string>(), 3, 'x'), 40, 'y');

    expect(radixDelete(array, 4)).toBe(array);
    expect(radixSlice(array, 0, 32 ** 3)).toBe(array);
  });

  it('is empty again when the last value is gone', () => {
    const array = radixSet(emptyRadixArray<string>(), 2 ** 33, 'x');

    expect(radixDelete(array, 2 ** 33)).toBe(emptyRadixArray());
    expect(radixSlice(array, 0, 5)).toBe(emptyRadixArray());
  });
});
