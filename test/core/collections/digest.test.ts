import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finish, mixBytes, mixNumber, mixText, mixWord } from '../../../core/collections/digest.js';

describe('digests are fixed for ever, because traces and replicas compare them', () => {
  it('of words', () => {
    expect([mixWord(0, 0), mixWord(0, 1), mixWord(1, 0), mixWord(-5, 0x7fff_ffff), mixWord(0, -1)])
      .toMatchInlineSnapshot(`
      [
        -430675100,
        651101558,
        -430634140,
        -1069050483,
        341762261,
      ]
    `);
  });

  it('of numbers', () => {
    expect(
      [0, 1, -1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER].map((n) =>
        mixNumber(0, n),
      ),
    ).toMatchInlineSnapshot(`
      [
        -1452049578,
        1237205921,
        416282930,
        -106105258,
        -585620860,
        699513802,
        -100879252,
      ]
    `);
  });

  it('of text', () => {
    expect(['', 'a', 'ab', 'jepsen/register', 'ä😀'].map((text) => mixText(0, text))).toMatchInlineSnapshot(`
      [
        -430675100,
        -767912588,
        2068760814,
        1785943089,
        210106312,
      ]
    `);
  });

  it('of bytes', () => {
    expect(
      [[], [0], [1, 2, 3], [1, 2, 3, 4], [255, 254, 253, 252, 251]].map((bytes) =>
        mixBytes(0, Uint8Array.from(bytes)),
      ),
    ).toMatchInlineSnapshot(`
      [
        -430675100,
        1237205921,
        1845410420,
        627709956,
        -1268789559,
      ]
    `);
  });

  it('when finished', () => {
    expect([0, 1, -1, 0x1234_5678].map(finish)).toMatchInlineSnapshot(`
      [
        0,
        1364076727,
        2180083513,
        3816608188,
      ]
    `);
  });
});

describe('a digest', () => {
  it('agrees with the published MurmurHash3 of four bytes', () => {
    // MurmurHash3_x86_32 of the bytes "test" with seed 0 is 0xba6bd213; the length is folded in before the end.
    const word = 0x74 | (0x65 << 8) | (0x73 << 16) | (0x74 << 24);

    expect(finish(mixWord(0, word) ^ 4)).toBe(0xba6bd213);
  });

  it('keeps all bits of a safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (a, b) => {
        fc.pre(a !== b);

        expect(mixNumber(0, a)).not.toBe(mixNumber(0, b));
      }),
    );
  });

  it('depends on where bytes and texts begin and end', () => {
    const parted = mixText(mixText(0, 'ab'), 'c');

    expect(parted).not.toBe(mixText(mixText(0, 'a'), 'bc'));
    expect(mixBytes(0, Uint8Array.of(0))).not.toBe(mixBytes(0, Uint8Array.of(0, 0)));
    expect(mixBytes(0, Uint8Array.of())).not.toBe(0);
  });

  it('is always a 32-bit integer', () => {
    fc.assert(
      fc.property(fc.integer(), fc.maxSafeInteger(), fc.string(), fc.uint8Array(), (seed, n, text, bytes) => {
        const mixed = mixBytes(mixText(mixNumber(seed, n), text), bytes);

        expect(mixed).toBe(mixed | 0);
        expect(finish(mixed)).toBe(finish(mixed) >>> 0);
      }),
    );
  });
});
