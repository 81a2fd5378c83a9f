import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { streamOf } from '../../../sim/world/chance.js';
import { mangle } from '../../../sim/world/mangle.js';

const STREAM = streamOf(1, 'test');

const leaf = fc.oneof(fc.nat(), fc.boolean(), fc.string({ minLength: 1 }));
const message = fc.record({
  type: fc.constantFrom('Append', 'Vote'),
  list: fc.array(leaf, { maxLength: 4 }),
  bytes: fc.uint8Array({ maxLength: 6 }),
  inner: fc.record({ none: fc.constant(undefined), nothing: fc.constant(null), one: leaf }),
});

/** The leaves of a message, bytes one by one. */
function leaves(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [value];
  return Object.values(value).flatMap(leaves);
}

describe('damage to plain data', () => {
  it('changes one leaf, and nothing else', () => {
    fc.assert(
      fc.property(message, fc.nat(), (original, counter) => {
        const before = leaves(original);

        const after = leaves(mangle(original, STREAM, counter));

        expect(after).toHaveLength(before.length);
        expect(after.filter((one, i) => !Object.is(one, before[i]))).toHaveLength(1);
        expect(after.map((one) => typeof one)).toEqual(before.map((one) => typeof one));
      }),
    );
  });

  it('leaves the original as it was', () => {
    const original = { bytes: Uint8Array.of(1, 2, 3), list: [1, 'a', true] };

    for (let counter = 0; counter < 50; counter += 1) mangle(original, STREAM, counter);

    expect(original).toEqual({ bytes: Uint8Array.of(1, 2, 3), list: [1, 'a', true] });
  });

  it('is the same under the same key, and strikes every leaf under some key', () => {
    const original = { a: 1, b: 'x', c: true, d: Uint8Array.of(7, 7) };

    const damaged = Array.from({ length: 100 }, (_, counter) => mangle(original, STREAM, counter));

    expect(damaged).toEqual(Array.from({ length: 100 }, (_, counter) => mangle(original, STREAM, counter)));
    for (let place = 0; place < 5; place += 1) {
      expect(damaged.some((value) => leaves(value)[place] !== leaves(original)[place])).toBe(true);
    }
  });

  it('finds nothing to change in what has no leaves', () => {
    const empty = { list: [], none: undefined, nothing: null, bytes: new Uint8Array(0) };

    expect(mangle(empty, STREAM, 1)).toBe(empty);
  });
});
