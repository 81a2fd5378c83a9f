import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashText, hashValue } from '../../../sim/trace/state-hash.js';

/** Plain data as it stands in states: the only numbers are whole ones. */
const { data } = fc.letrec<{ data: unknown; leaf: unknown }>((tie) => ({
  data: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('data'), { maxLength: 5 }),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('data'), { maxKeys: 5, noNullPrototype: true }),
  ),
  leaf: fc.oneof(fc.constant(null), fc.boolean(), fc.maxSafeInteger(), fc.string({ unit: 'binary' })),
}));

/** The same value with other objects. */
function copy(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('the hash of a value', () => {
  it('is the same for equal values, wherever they lie', () => {
    fc.assert(
      fc.property(data, (value) => {
        expect(hashValue(copy(value))).toBe(hashValue(value));
      }),
    );
  });

  it('is another for other values', () => {
    const values = [
      undefined,
      null,
      false,
      true,
      0,
      1,
      -1,
      2 ** 32,
      2 ** 40 + 1,
      '',
      '0',
      'ab',
      'ba',
      [],
      [0],
      [[0]],
      [1, 2],
      [2, 1],
      {},
      { a: 1 },
      { b: 1 },
      { a: undefined },
      { a: 1, b: 2 },
      new Uint8Array(0),
      new Uint8Array([0]),
      new Uint8Array([0, 0]),
      new Uint8Array([1, 2, 3, 4, 5]),
    ];

    const hashes = values.map(hashValue);

    expect(new Set(hashes).size).toBe(values.length);
  });

  it('follows the order in which a record was written: states of one kind are always built alike', () => {
    expect(hashValue({ a: 1, b: 2 })).not.toBe(hashValue({ b: 2, a: 1 }));
  });

  it('reads bytes through whatever window shows them', () => {
    const buffer = new Uint8Array([9, 1, 2, 3, 9]);

    expect(hashValue(buffer.subarray(1, 4))).toBe(hashValue(new Uint8Array([1, 2, 3])));
  });

  it('is remembered by identity, so shared parts cost nothing', () => {
    let reads = 0;
    const part = {
      get counted() {
        reads += 1;
        return 1;
      },
    };

    const first = hashValue({ part });
    const second = hashValue({ part });

    expect(second).toBe(first);
    expect(reads).toBe(1);
  });

  it('is an unsigned 32-bit integer', () => {
    fc.assert(
      fc.property(data, (value) => {
        const hash = hashValue(value);

        expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true);
      }),
    );
  });

  it('is refused to what has no place in a state', () => {
    expect(() => hashValue(0.5)).toThrow('0.5 has no hash');
    expect(() => hashValue([Number.NaN])).toThrow('NaN has no hash');
    expect(() => hashValue(new Map())).toThrow('[object Map] has no hash');
    expect(() => hashValue({ run: () => 1 })).toThrow('a function has no hash');
    expect(() => hashValue(Symbol('a'))).toThrow('a symbol has no hash');
  });
});

describe('the hash for people', () => {
  it('is 16 hexadecimal digits', () => {
    fc.assert(
      fc.property(data, (value) => {
        expect(hashText(value)).toMatch(/^[0-9a-f]{16}$/);
      }),
    );
  });

  it('is this, on every engine and in every version', () => {
    expect(hashText([1, 'two', { three: new Uint8Array([3]) }, null])).toBe('99028152aa8301c9');
  });
});
