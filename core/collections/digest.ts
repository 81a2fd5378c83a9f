/**
 * Small deterministic digests, for comparing states and seeding draws. Not cryptographic.
 *
 * The mixing is that of MurmurHash3 (32-bit, Appleby): integer arithmetic only, so every engine gives the same.
 */

/** A digest with one more 32-bit word folded in. */
export function mixWord(digest: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let h = digest ^ Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

/** A digest with a number folded in; safe integers keep all their bits. */
export function mixNumber(digest: number, value: number): number {
  const high = Math.floor(value / 0x1_0000_0000);
  return mixWord(mixWord(digest, value | 0), high | 0);
}

export function mixText(digest: number, text: string): number {
  let mixed = mixWord(digest, text.length);
  for (let i = 0; i < text.length; i += 1) mixed = mixWord(mixed, text.charCodeAt(i));
  return mixed;
}

export function mixBytes(digest: number, bytes: Uint8Array): number {
  let mixed = mixWord(digest, bytes.length);
  let i = 0;
  for (; i + 3 < bytes.length; i += 4) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    mixed = mixWord(mixed, word);
  }
  for (; i < bytes.length; i += 1) mixed = mixWord(mixed, bytes[i] as number);
  return mixed;
}

/** Spreads the bits of a digest, so that every one depends on every other (the murmur finalizer). */
export function finish(digest: number): number {
  let h = digest;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
