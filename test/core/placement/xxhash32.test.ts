import { describe, expect, it } from 'vitest';
import { xxHash32 } from '../../../core/placement/xxhash32.js';

const encoder = new TextEncoder();

describe('xxHash32 gives the published numbers', () => {
  it.each([
    ['', 0, 0x02cc5d05],
    ['a', 0, 0x550d7456],
    ['abc', 0, 0x32d153ff],
    ['Hello, world!', 0, 0x31b7405d],
    ['', 1, 0x0b2cb792],
    ['Nobody inspects the spammish repetition', 0, 0xe2293b2f],
  ])('of %j with seed %i', (text, seed, hash) => {
    expect(xxHash32(encoder.encode(text), seed)).toBe(hash);
  });
});

describe('xxHash32', () => {
  it('is an unsigned number for every length around its block size, and all of them differ', () => {
    const bytes = Uint8Array.from({ length: 70 }, (_, i) => (i * 37) & 255);

    const hashes = Array.from({ length: 71 }, (_, length) => xxHash32(bytes.subarray(0, length), 0xaaaaaaaa));

    expect(hashes.every((hash) => hash === hash >>> 0)).toBe(true);
    expect(new Set(hashes).size).toBe(71);
  });

  it('takes a seed with its highest bit set as the unsigned number that it is', () => {
    expect(xxHash32(encoder.encode('abc'), 0xaaaaaaaa)).toBe(xxHash32(encoder.encode('abc'), 0xaaaaaaaa | 0));
  });

  it('of bytes inside a larger buffer is that of those bytes alone', () => {
    const inside = encoder.encode('xxHello, world!xx').subarray(2, 15);

    expect(xxHash32(inside, 0)).toBe(0x31b7405d);
  });
});
