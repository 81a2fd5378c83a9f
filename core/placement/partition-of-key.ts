/**
 * Which partition a key belongs to.
 *
 * Keys are placed by their *key space*, the text before the last `/` (the whole key where there is none), so the
 * keys of one bucket share a partition. Of the key space only the part before the first `|`, its placement group,
 * is hashed; two xxHash32 runs make a 64-bit number, and jump consistent hash picks the bucket. Clients do the same
 * to send a request to the right node (`kahuna.placement-group-jump-xxh32-v1` in the routing map).
 */

import { utf8Bytes } from '../collections/utf8.js';
import { groupId, type GroupId } from '../machine/units.js';
import { xxHash32 } from './xxhash32.js';

/** Data partitions are numbered from here; 0 is kept for the meta group. */
export const FIRST_PARTITION = 1;

const HIGH_SEED = 0xaaaaaaaa;
const LOW_SEED = 0x55555555;

export function keySpaceOf(key: string): string {
  const slash = key.lastIndexOf('/');
  return slash < 0 ? key : key.slice(0, slash);
}

/** The partition of `key` in a cluster of `partitions` data partitions: 1 … partitions. */
export function partitionOfKey(key: string, partitions: number): GroupId {
  return partitionOfKeySpace(keySpaceOf(key), partitions);
}

/** The partition of all keys of a key space. */
export function partitionOfKeySpace(keySpace: string, partitions: number): GroupId {
  const bar = keySpace.indexOf('|');
  const bytes = utf8Bytes(bar < 0 ? keySpace : keySpace.slice(0, bar));
  const bucket = jumpHash(xxHash32(bytes, HIGH_SEED), xxHash32(bytes, LOW_SEED), partitions);
  return groupId(FIRST_PARTITION + bucket);
}

/** The multiplier of the paper's generator, 2862933555777941757, as two halves. */
const MULTIPLIER_HIGH = 0x27bb2ee6;
const MULTIPLIER_LOW = 0x87b0b0fd;

/**
 * Jump consistent hash of a 64-bit key, given as two unsigned halves: a bucket of 0 … buckets - 1.
 * Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm" (2014).
 */
export function jumpHash(high: number, low: number, buckets: number): number {
  let keyHigh = high;
  let keyLow = low;
  let bucket = -1;
  let next = 0;
  while (next < buckets) {
    bucket = next;
    // key = key * multiplier + 1, modulo 2^64, in halves: BigInt would cost ten times as much.
    const productHigh = highOfProduct(keyLow, MULTIPLIER_LOW);
    const crossed = Math.imul(keyHigh, MULTIPLIER_LOW) + Math.imul(keyLow, MULTIPLIER_HIGH);
    const productLow = Math.imul(keyLow, MULTIPLIER_LOW) >>> 0;
    keyLow = (productLow + 1) >>> 0;
    keyHigh = (productHigh + crossed + (keyLow === 0 ? 1 : 0)) >>> 0;
    next = Math.floor((bucket + 1) * (0x8000_0000 / ((keyHigh >>> 1) + 1)));
  }
  return bucket;
}

/** The upper 32 bits of the product of two unsigned 32-bit numbers. */
function highOfProduct(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 0x1_0000);
  const other = aLow * bHigh + (middle % 0x1_0000);
  return aHigh * bHigh + Math.floor(middle / 0x1_0000) + Math.floor(other / 0x1_0000);
}
