/**
 * xxHash32 (Collet), for placing keys: clients compute the same hash to find a key's partition by themselves.
 */

const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function readWord(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function round(accumulator: number, word: number): number {
  return Math.imul(rotateLeft((accumulator + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1);
}

/** The hash of `bytes` with `seed`, as an unsigned 32-bit integer. */
export function xxHash32(bytes: Uint8Array, seed: number): number {
  let at = 0;
  let hash: number;
  if (bytes.length >= 16) {
    let v1 = (seed + PRIME_1 + PRIME_2) | 0;
    let v2 = (seed + PRIME_2) | 0;
    let v3 = seed | 0;
    let v4 = (seed - PRIME_1) | 0;
    for (; at <= bytes.length - 16; at += 16) {
      v1 = round(v1, readWord(bytes, at));
      v2 = round(v2, readWord(bytes, at + 4));
      v3 = round(v3, readWord(bytes, at + 8));
      v4 = round(v4, readWord(bytes, at + 12));
    }
    hash = rotateLeft(v1, 1) + rotateLeft(v2, 7) + rotateLeft(v3, 12) + rotateLeft(v4, 18);
  } else {
    hash = seed + PRIME_5;
  }
  hash = (hash + bytes.length) | 0;
  for (; at <= bytes.length - 4; at += 4) {
    hash = Math.imul(rotateLeft((hash + Math.imul(readWord(bytes, at), PRIME_3)) | 0, 17), PRIME_4);
  }
  for (; at < bytes.length; at += 1) {
    hash = Math.imul(rotateLeft((hash + Math.imul(bytes[at] as number, PRIME_5)) | 0, 11), PRIME_1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}
