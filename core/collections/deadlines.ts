/**
 * A persistent priority queue of deadlines: a leftist heap.
 *
 * Okasaki, "Purely Functional Data Structures", section 3.1. Adding and taking the earliest cost O(log n). Equal
 * deadlines come out in the order of their ids, so nothing depends on the history of the heap.
 */

import type { MonotonicMs } from '../machine/units.js';

export interface DeadlineHeap {
  readonly at: MonotonicMs;
  /** Whose deadline it is. */
  readonly id: number;
  /** Length of the shortest way to a missing child: what keeps the right spine short. */
  readonly rank: number;
  readonly left: DeadlineHeap | undefined;
  readonly right: DeadlineHeap | undefined;
}

function isBefore(a: DeadlineHeap, b: DeadlineHeap): boolean {
  return a.at < b.at || (a.at === b.at && a.id <= b.id);
}

function merge(a: DeadlineHeap | undefined, b: DeadlineHeap | undefined): DeadlineHeap | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  if (!isBefore(a, b)) return merge(b, a);
  const right = merge(a.right, b);
  const leftRank = a.left === undefined ? 0 : a.left.rank;
  const rightRank = right === undefined ? 0 : right.rank;
  return leftRank >= rightRank
    ? { at: a.at, id: a.id, rank: rightRank + 1, left: a.left, right }
    : { at: a.at, id: a.id, rank: leftRank + 1, left: right, right: a.left };
}

export function addDeadline(heap: DeadlineHeap | undefined, at: MonotonicMs, id: number): DeadlineHeap {
  return merge(heap, { at, id, rank: 1, left: undefined, right: undefined }) as DeadlineHeap;
}

/** The heap without its earliest deadline. */
export function dropEarliest(heap: DeadlineHeap): DeadlineHeap | undefined {
  return merge(heap.left, heap.right);
}
