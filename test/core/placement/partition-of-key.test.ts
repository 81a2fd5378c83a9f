import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8Bytes } from '../../../core/collections/utf8.js';
import { jumpHash, keySpaceOf, partitionOfKey } from '../../../core/placement/partition-of-key.js';
import { xxHash32 } from '../../../core/placement/xxhash32.js';

/** Where a whole text is placed, as clients compute it: both halves of its hash, then the jump. */
function bucketOf(text: string, buckets: number): number {
  const bytes = utf8Bytes(text);
  return jumpHash(xxHash32(bytes, 0xaaaaaaaa), xxHash32(bytes, 0x55555555), buckets);
}

const hashes = fc.nat(0xffff_ffff);

describe('placement is the same for every client and for ever', () => {
  it.each([
    ['jepsen/register', 3, 2],
    ['jepsen/register/4', 3, 0],
    ['a', 3, 1],
    ['abc', 3, 2],
    ['orders/42', 3, 1],
    ['jepsen/register', 16, 13],
    ['jepsen/register/4', 16, 4],
    ['a', 16, 14],
    ['abc', 16, 2],
    ['orders/42', 16, 8],
    ['jepsen/register', 256, 13],
    ['jepsen/register', 1024, 372],
    ['jepsen/register/4', 256, 66],
    ['jepsen/register/4', 1024, 701],
  ])('the text %j goes to one of %i buckets: %i', (text, buckets, bucket) => {
    expect(bucketOf(text, buckets)).toBe(bucket);
  });

  it('a key goes where its key space goes, counted from partition 1', () => {
    expect(partitionOfKey('jepsen/register/4', 16)).toBe(1 + bucketOf('jepsen/register', 16));
    expect(partitionOfKey('jepsen/register/4', 1024)).toBe(373);
    expect(partitionOfKey('abc', 16)).toBe(3);
  });
});

describe('jump consistent hash', () => {
  it('always gives one of the buckets', () => {
    fc.assert(
      fc.property(hashes, hashes, fc.integer({ min: 1, max: 5000 }), (high, low, buckets) => {
        const bucket = jumpHash(high, low, buckets);

        expect(Number.isInteger(bucket) && bucket >= 0 && bucket < buckets).toBe(true);
      }),
    );
  });

  it('moves a hash only to a new bucket when there are more', () => {
    fc.assert(
      fc.property(
        hashes,
        hashes,
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 50 }),
        (high, low, before, added) => {
          const old = jumpHash(high, low, before);
          const moved = jumpHash(high, low, before + added);

          expect(moved === old || moved >= before).toBe(true);
        },
      ),
    );
  });

  it('spreads hashes evenly', () => {
    const counts = Array.from({ length: 8 }, () => 0);

    for (let i = 0; i < 8000; i += 1) {
      const bucket = bucketOf(`key ${i}`, 8);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }

    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe('keySpaceOf', () => {
  it.each([
    ['a/b/c', 'a/b'],
    ['a/b', 'a'],
    ['alone', 'alone'],
    ['ends/', 'ends'],
    ['/begins', ''],
    ['a//b', 'a/'],
  ])('of %j is %j', (key, keySpace) => {
    expect(keySpaceOf(key)).toBe(keySpace);
  });
});

describe('partitionOfKey', () => {
  it('is a partition from 1 to their number, for any key', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.integer({ min: 1, max: 300 }),
        (key, partitions) => {
          const partition = partitionOfKey(key, partitions);

          expect(partition >= 1 && partition <= partitions).toBe(true);
        },
      ),
    );
  });

  it('is the same for all keys of a bucket', () => {
    const withoutSlash = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('/', '-'));

    fc.assert(
      fc.property(fc.string(), withoutSlash, withoutSlash, (bucket, one, other) => {
        expect(partitionOfKey(`${bucket}/${one}`, 64)).toBe(partitionOfKey(`${bucket}/${other}`, 64));
      }),
    );
  });

  it('is the same for buckets of one placement group, the part before the first bar', () => {
    expect(partitionOfKey('users|eu/1', 1024)).toBe(partitionOfKey('users|us/9', 1024));
    expect(partitionOfKey('users|eu|old/1', 1024)).toBe(partitionOfKey('users/9', 1024));
  });

  it('looks for the bar in the key space only, not behind the last slash', () => {
    expect(partitionOfKey('users/a|b', 1024)).toBe(partitionOfKey('users/c', 1024));
    expect(partitionOfKey('x|users/a', 1024)).toBe(1 + bucketOf('x', 1024));
  });

  it('puts neighbouring buckets on different partitions', () => {
    const used = new Set(Array.from({ length: 200 }, (_, i) => partitionOfKey(`bucket${i}/key`, 8)));

    expect([...used].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
