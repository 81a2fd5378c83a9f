/**
 * A persistent first-in-first-out queue: two linked lists, the back one reversed when the front runs dry.
 *
 * Okasaki, "Purely Functional Data Structures", section 5.2. Adding and taking are O(1) amortised.
 */

interface Cell<T> {
  readonly value: T;
  readonly rest: Cell<T> | undefined;
}

export interface Fifo<T> {
  readonly front: Cell<T> | undefined;
  readonly back: Cell<T> | undefined;
}

const EMPTY: Fifo<never> = { front: undefined, back: undefined };

export function emptyFifo<T>(): Fifo<T> {
  return EMPTY;
}

export function fifoPush<T>(queue: Fifo<T>, value: T): Fifo<T> {
  if (queue.front === undefined) return { front: { value, rest: undefined }, back: undefined };
  return { front: queue.front, back: { value, rest: queue.back } };
}

/** The oldest value, or undefined when the queue is empty. */
export function fifoPeek<T>(queue: Fifo<T>): T | undefined {
  return queue.front?.value;
}

/** The queue without its oldest value. */
export function fifoPop<T>(queue: Fifo<T>): Fifo<T> {
  const rest = queue.front?.rest;
  if (rest !== undefined) return { front: rest, back: queue.back };
  let front: Cell<T> | undefined;
  for (let cell = queue.back; cell !== undefined; cell = cell.rest)
    front = { value: cell.value, rest: front };
  return front === undefined ? EMPTY : { front, back: undefined };
}

/** All values, oldest first. */
export function fifoToArray<T>(queue: Fifo<T>): readonly T[] {
  const values: T[] = [];
  for (let cell = queue.front; cell !== undefined; cell = cell.rest) values.push(cell.value);
  const newest: T[] = [];
  for (let cell = queue.back; cell !== undefined; cell = cell.rest) newest.push(cell.value);
  return values.concat(newest.reverse());
}

export function fifoFrom<T>(values: readonly T[]): Fifo<T> {
  let front: Cell<T> | undefined;
  for (let i = values.length - 1; i >= 0; i -= 1) front = { value: values[i] as T, rest: front };
  return front === undefined ? EMPTY : { front, back: undefined };
}
