/**
 * A set of short sequences of 32-bit words, each with a small number of its own: what the search has visited, stored flat.
 *
 * Open addressing with linear probing over typed arrays; the caller supplies the hash, and equality of all words is verified,
 * so a collision costs time and never an answer. Numbers are given in the order of insertion. A mutable record, private to
 * one search.
 */

export interface WordTable {
  /** Number of the sequence plus one; 0 for a free slot. The length is a power of two. */
  slots: Int32Array;
  hashes: Int32Array;
  /** `starts[id]` to `starts[id + 1]` is where the words of `id` are in `words`. */
  starts: Int32Array;
  words: Int32Array;
  count: number;
}

export function emptyWordTable(): WordTable {
  return {
    slots: new Int32Array(64),
    hashes: new Int32Array(32),
    starts: new Int32Array(33),
    words: new Int32Array(128),
    count: 0,
  };
}

/** The number of the sequence `words[0 .. length)`, or -1. `hash` is any signed 32-bit function of the words. */
export function findWords(table: WordTable, words: Int32Array, length: number, hash: number): number {
  const mask = table.slots.length - 1;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const id = at(table.slots, slot) - 1;
    if (id === -1) return -1;
    if (at(table.hashes, id) === hash && sameWords(table, id, words, length)) return id;
  }
}

/** Adds a sequence that is not in the table yet, and returns its number. */
export function addWords(table: WordTable, words: Int32Array, length: number, hash: number): number {
  const id = table.count;
  const start = at(table.starts, id);
  table.words = withRoom(table.words, start + length);
  table.starts = withRoom(table.starts, id + 2);
  table.hashes = withRoom(table.hashes, id + 1);
  for (let index = 0; index < length; index++) table.words[start + index] = at(words, index);
  table.starts[id + 1] = start + length;
  table.hashes[id] = hash;
  table.count = id + 1;
  if (table.count * 2 > table.slots.length) rehash(table);
  else occupy(table.slots, id, hash);
  return id;
}

/** Words held, for the cap on memory. */
export function wordsHeld(table: WordTable): number {
  return at(table.starts, table.count) + table.count * 4;
}

/** The same numbers in an array that has at least `length` places. */
export function withRoom(array: Int32Array, length: number): Int32Array {
  if (length <= array.length) return array;
  const larger = new Int32Array(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}

/** An element known to be there. */
export function at(array: Int32Array | Uint8Array, index: number): number {
  return array[index] as number;
}

/** A bijective scrambling of 32 bits (the finaliser of MurmurHash3), returned signed. */
export function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

function sameWords(table: WordTable, id: number, words: Int32Array, length: number): boolean {
  const start = at(table.starts, id);
  if (at(table.starts, id + 1) - start !== length) return false;
  for (let index = 0; index < length; index++) {
    if (table.words[start + index] !== words[index]) return false;
  }
  return true;
}

function occupy(slots: Int32Array, id: number, hash: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = id + 1;
}

function rehash(table: WordTable): void {
  table.slots = new Int32Array(table.slots.length * 4);
  for (let id = 0; id < table.count; id++) occupy(table.slots, id, at(table.hashes, id));
}
