/**
 * What both models boil down to: who read which version from outside, and which version of a key came before which other.
 * Everything about cycles follows from these two lists. An order is a claim that every history of the level satisfies, or
 * else the history is invalid anyway; how it is known is kept for the explanation.
 */
import { at, ints, push, type Ints } from './ints.js';

/** How the order of two versions is known. */
export const orderKnownBy = {
  /** Every key begins with its initial version. */
  initial: 0,
  /** A read showed both, in this order. */
  list: 1,
  /** The later one is in no list that was read, so it came after the longest. */
  unseen: 2,
  /** One transaction read the one and wrote the other. */
  update: 3,
  /** A transaction saw another write of the earlier one's writer, so it had all of them before it, and read the later one. */
  atomic: 4,
  /** By the order in which one session touched them. */
  session: 5,
  /** By the order of time in which they were written, or touched. */
  time: 6,
} as const;

export interface Observed {
  /** Reads from outside the transaction: reader and version, in step. */
  readonly readers: Ints;
  readonly seen: Ints;
  /** Known orders of versions of one key. */
  readonly before: Ints;
  readonly after: Ints;
  readonly how: Ints;
  /** Transactions that read a version of a key and wrote the key: transaction and version. */
  readonly updaters: Ints;
  readonly updated: Ints;
  /** Scans of present transactions: transaction and place among its operations. */
  readonly scanners: Ints;
  readonly scans: Ints;
}

/** With room for about one read or write for each operation. */
export const nothingObserved = (operations: number): Observed => ({
  readers: ints(operations + 1),
  seen: ints(operations + 1),
  before: ints(operations + 1),
  after: ints(operations + 1),
  how: ints(operations + 1),
  updaters: ints(),
  updated: ints(),
  scanners: ints(),
  scans: ints(),
});

export function addRead(observed: Observed, reader: number, version: number): void {
  push(observed.readers, reader);
  push(observed.seen, version);
}

export function addOrder(observed: Observed, before: number, after: number, how: number): void {
  push(observed.before, before);
  push(observed.after, after);
  push(observed.how, how);
}

export function addUpdate(observed: Observed, transaction: number, version: number): void {
  push(observed.updaters, transaction);
  push(observed.updated, version);
}

/** What a pass over the operations of one transaction remembers about each key; entries of other transactions do not count. */
export interface KeyMemory {
  readonly stamp: Int32Array;
  /** Own writes so far, or the latest of them. */
  readonly own: Int32Array;
  /** The latest read from outside, or -1. */
  readonly read: Int32Array;
}

export const keyMemory = (keys: number): KeyMemory => ({
  stamp: new Int32Array(keys).fill(-1),
  own: new Int32Array(keys),
  read: new Int32Array(keys),
});

/** Makes the entry of a key that of this transaction; true when it already was. */
export function recall(memory: KeyMemory, key: number, transaction: number, own: number): boolean {
  if (at(memory.stamp, key) === transaction) return true;
  memory.stamp[key] = transaction;
  memory.own[key] = own;
  memory.read[key] = -1;
  return false;
}
