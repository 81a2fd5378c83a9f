/**
 * The states that an exploration has seen: their fingerprints, and from which state each was first reached.
 *
 * States are numbered from 0 in the order in which they were found. Fingerprints lie in typed arrays by number; an
 * open-addressing table (linear probing, at most 60 % full) leads from a fingerprint to its number. A state costs 19
 * to 39 bytes, whatever its real size is.
 */

export interface Seen {
  count: number;
  /** By place in the table: a state's number plus 1, or 0 for an empty place. The length is a power of two. */
  slots: Int32Array;
  /** By number. */
  lows: Int32Array;
  highs: Int32Array;
  /** The number of the state from which it was first reached; -1 for an initial one. */
  parents: Int32Array;
}

const FIRST_CAPACITY = 1 << 12;
const MOST_FULL = 0.6;

export function createSeen(): Seen {
  return {
    count: 0,
    slots: new Int32Array(FIRST_CAPACITY * 2),
    lows: new Int32Array(FIRST_CAPACITY),
    highs: new Int32Array(FIRST_CAPACITY),
    parents: new Int32Array(FIRST_CAPACITY),
  };
}

/** Adds a state. Gives its number when it is new, and -1 - number when it was seen before. */
export function addSeen(seen: Seen, low: number, high: number, parent: number): number {
  const mask = seen.slots.length - 1;
  let place = (low ^ (high >>> 7)) & mask;
  for (let slot = seen.slots[place] as number; slot !== 0; slot = seen.slots[place] as number) {
    const number = slot - 1;
    if (seen.lows[number] === low && seen.highs[number] === high) return -1 - number;
    place = (place + 1) & mask;
  }
  const number = seen.count;
  if (number === seen.lows.length) growNumbers(seen);
  seen.count = number + 1;
  seen.slots[place] = number + 1;
  seen.lows[number] = low;
  seen.highs[number] = high;
  seen.parents[number] = parent;
  if (seen.count > seen.slots.length * MOST_FULL) growSlots(seen);
  return number;
}

function growNumbers(seen: Seen): void {
  seen.lows = doubled(seen.lows);
  seen.highs = doubled(seen.highs);
  seen.parents = doubled(seen.parents);
}

function doubled(array: Int32Array): Int32Array {
  const grown = new Int32Array(array.length * 2);
  grown.set(array);
  return grown;
}

function growSlots(seen: Seen): void {
  const slots = new Int32Array(seen.slots.length * 2);
  const mask = slots.length - 1;
  for (let number = 0; number < seen.count; number += 1) {
    let place = ((seen.lows[number] as number) ^ ((seen.highs[number] as number) >>> 7)) & mask;
    while (slots[place] !== 0) place = (place + 1) & mask;
    slots[place] = number + 1;
  }
  seen.slots = slots;
}

/** The numbers of the states on the way to this one, from an initial state on. */
export function wayTo(seen: Seen, number: number): readonly number[] {
  const way: number[] = [];
  for (let at = number; at >= 0; at = seen.parents[at] as number) way.push(at);
  return way.reverse();
}

/** Bytes that the table takes now. */
export function seenBytes(seen: Seen): number {
  return seen.slots.byteLength + seen.lows.byteLength + seen.highs.byteLength + seen.parents.byteLength;
}
