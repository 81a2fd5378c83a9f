import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptyOrderedMap,
  mapAppend,
  mapDelete,
  mapFloor,
  mapForEach,
  mapGet,
  mapSet,
  type OrderedMap,
} from '../../../core/collections/ordered-map.js';
import { deepFreeze } from '../support/pure.js';

type Change =
  | { readonly type: 'set'; readonly key: string; readonly value: number }
  | { readonly type: 'delete'; readonly key: string };

/** Few enough keys that they meet again, many enough for several levels of the tree. */
const numbered = fc.nat(1500).map((n) => `key/${n.toString(36)}`);
const strange = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom('', 'a', 'B', 'ä', 'z', '￿', '𐀀', '\ud800', '\udfff', '__proto__', 'constructor'),
);

function changesOn(key: fc.Arbitrary<string>, most: number): fc.Arbitrary<readonly Change[]> {
  return fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ type: fc.constant('set' as const), key, value: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), key }) },
    ),
    { maxLength: most, size: 'max' },
  );
}

function changed(map: OrderedMap<number>, change: Change): OrderedMap<number> {
  return change.type === 'set' ? mapSet(map, change.key, change.value) : mapDelete(map, change.key);
}

function changeModel(model: Map<string, number>, change: Change): void {
  if (change.type === 'set') model.set(change.key, change.value);
  else model.delete(change.key);
}

const byCodeUnit = ([a]: readonly [string, number], [b]: readonly [string, number]): number => {
  if (a === b) return 0;
  return a < b ? -1 : 1;
};

function contents(map: OrderedMap<number>, from?: string): readonly (readonly [string, number])[] {
  const entries: (readonly [string, number])[] = [];
  mapForEach(map, (key, value) => void entries.push([key, value]), from);
  return entries;
}

describe('an ordered map is a map whose keys are in order', () => {
  it.each([
    ['of many similar keys', numbered, 400],
    ['of strange keys', strange, 120],
  ])('%s', (_which, key, most) => {
    fc.assert(
      fc.property(changesOn(key, most), key, (changes, from) => {
        let map = emptyOrderedMap<number>();
        const model = new Map<string, number>();

        for (const change of changes) {
          map = changed(map, change);
          changeModel(model, change);
        }

        const sorted = [...model].sort(byCodeUnit);
        expect(map.size).toBe(model.size);
        expect(contents(map)).toEqual(sorted);
        expect(contents(map, from)).toEqual(sorted.filter(([entry]) => entry >= from));
        const floor = sorted.findLast(([entry]) => entry <= from);
        expect(mapFloor(map, from)).toEqual(floor && { key: floor[0], value: floor[1] });
        for (const change of changes) expect(mapGet(map, change.key)).toBe(model.get(change.key));
      }),
      { numRuns: 100 },
    );
  });

  it('keeps every earlier version as it was', () => {
    fc.assert(
      fc.property(changesOn(numbered, 150), (changes) => {
        let map = deepFreeze(emptyOrderedMap<number>());
        const model = new Map<string, number>();
        const versions: (readonly [OrderedMap<number>, readonly (readonly [string, number])[]])[] = [];

        for (const change of changes) {
          map = deepFreeze(changed(map, change));
          changeModel(model, change);
          versions.push([map, [...model].sort(byCodeUnit)]);
        }

        for (const [version, expected] of versions) expect(contents(version)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['ascending', (i: number) => i],
    ['descending', (i: number) => 4999 - i],
    ['scattered', (i: number) => (i * 1873) % 5000],
  ])('holds five thousand keys added in %s order and loses them in another', (_order, placed) => {
    const keyOf = (n: number): string => n.toString().padStart(5, '0');
    let map = emptyOrderedMap<number>();

    for (let i = 0; i < 5000; i += 1) map = mapSet(map, keyOf(placed(i)), placed(i));
    const full = map;
    for (let i = 0; i < 5000; i += 1) if (i % 7 !== 0) map = mapDelete(map, keyOf((i * 2711) % 5000));

    expect(contents(full).map(([, value]) => value)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
    expect(map.size).toBe(715);
    expect(contents(map)).toHaveLength(715);
  });
});

describe('an ordered map in detail', () => {
  it('finds every key when smaller ones kept coming after the tree had branched', () => {
    let map = emptyOrderedMap<number>();

    for (let i = 999; i >= 0; i -= 1) map = mapSet(map, i.toString().padStart(3, '0'), i);

    const found = contents(map).map(([key]) => mapGet(map, key));
    expect(found).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('finds the last entry up to a key also where all that was left between is deleted', () => {
    const name = (i: number): string => String(i).padStart(5, '0');
    let map = emptyOrderedMap<number>();
    for (let i = 0; i < 2_000; i += 1) map = mapSet(map, name(i), i);
    for (let i = 100; i < 1_900; i += 1) if (i % 500 !== 499) map = mapDelete(map, name(i));

    for (let i = 0; i < 2_000; i += 1) {
      const last = i < 100 || i >= 1_900 ? i : i < 499 ? 99 : Math.floor((i + 1) / 500) * 500 - 1;
      expect(mapFloor(map, name(i))).toEqual({ key: name(last), value: last });
    }
    expect(mapFloor(map, '')).toBeUndefined();
  });

  it('orders by code unit and not as a dictionary or by code point would', () => {
    let map = emptyOrderedMap<number>();

    for (const key of ['ä', 'a', 'Z', '￿', '\u{10000}', '']) map = mapSet(map, key, 0);

    expect(contents(map).map(([key]) => key)).toEqual(['', 'Z', 'a', 'ä', '\u{10000}', '￿']);
  });

  it('stops a walk when the visitor returns false', () => {
    let map = emptyOrderedMap<number>();
    for (let i = 0; i < 200; i += 1) map = mapSet(map, i.toString().padStart(3, '0'), i);
    const seen: number[] = [];

    mapForEach(
      map,
      (_key, value) => {
        seen.push(value);
        return value < 103;
      },
      '100',
    );

    expect(seen).toEqual([100, 101, 102, 103]);
  });

  it('is the same tree, whether entries are put behind it all at once or one after the other', () => {
    const nameOf = (i: number): string => i.toString().padStart(6, '0');
    fc.assert(
      fc.property(fc.nat(1_200), fc.array(fc.nat(120), { maxLength: 12 }), (before, batches) => {
        let expected = emptyOrderedMap<number>();
        for (let i = 0; i < before; i += 1) expected = mapSet(expected, nameOf((i * 7) % before), i);
        let appended = deepFreeze(expected);
        let next = before;
        for (const count of batches) {
          const numbers = Array.from({ length: count }, (_, i) => next + i);
          appended = deepFreeze(mapAppend(appended, numbers.map(nameOf), numbers));
          for (const number of numbers) expected = mapSet(expected, nameOf(number), number);
          next += count;
        }

        expect(appended).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('returns the same map when a deletion removes nothing', () => {
    const map = mapSet(emptyOrderedMap<number>(), 'a', 1);

    expect(mapDelete(map, 'b')).toBe(map);
    expect(mapDelete(map, 'a')).toBe(emptyOrderedMap());
  });

  it('replaces a value without growing', () => {
    const map = mapSet(mapSet(emptyOrderedMap<number>(), 'a', 1), 'a', 2);

    expect(map.size).toBe(1);
    expect(mapGet(map, 'a')).toBe(2);
  });
});
