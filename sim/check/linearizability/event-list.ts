/**
 * The calls and answers of the operations not placed yet, in the order of time, as a doubly linked list from which an
 * operation is lifted when it is placed and into which it is put back on the way back (Wing and Gong, "Testing and verifying
 * concurrent objects", 1993; the list is Lowe's).
 *
 * The operations that may come next are the calls before the first answer. At equal times calls stand before answers, which
 * is what makes equal times concurrent. Operations are put back in the reverse of the order in which they were lifted.
 */
import { at } from './word-table.js';

export interface EventList {
  readonly next: Int32Array;
  readonly previous: Int32Array;
}

/** The place before the first event. */
export const listHead = 0;

export const callOf = (operation: number): number => 2 * operation + 1;
const answerOf = (operation: number): number => 2 * operation + 2;
export const operationAt = (event: number): number => (event - 1) >> 1;
/** True for a call; false for an answer, and for the end of the list. */
export const isCall = (event: number): boolean => (event & 1) === 1;

/** `answered` is sorted by invocation; events refer to indexes in it. */
export function eventList(
  answered: readonly { readonly invokedAt: number; readonly answeredAt: number | undefined }[],
): EventList {
  const answeredAt = answered.map((operation) => operation.answeredAt ?? Infinity);
  const byAnswer = answered.map((_, index) => index);
  byAnswer.sort((a, b) => (answeredAt[a] as number) - (answeredAt[b] as number) || a - b);
  const list = {
    next: new Int32Array(2 * answered.length + 1),
    previous: new Int32Array(2 * answered.length + 1),
  };
  let last = listHead;
  const append = (event: number): void => {
    list.next[last] = event;
    list.previous[event] = last;
    last = event;
  };
  let called = 0;
  for (const operation of byAnswer) {
    for (; called < answered.length && isInvokedBy(answered[called], answeredAt[operation]); called++) {
      append(callOf(called));
    }
    append(answerOf(operation));
  }
  list.next[last] = listHead;
  list.previous[listHead] = last;
  return list;
}

function isInvokedBy(
  operation: { readonly invokedAt: number } | undefined,
  time: number | undefined,
): boolean {
  return operation !== undefined && time !== undefined && operation.invokedAt <= time;
}

/** Takes an operation out. Its call keeps pointing at what follows it, so a walk may go on from there. */
export function lift(list: EventList, operation: number): void {
  unlink(list, answerOf(operation));
  unlink(list, callOf(operation));
}

/** Undoes the latest `lift`. */
export function putBack(list: EventList, operation: number): void {
  relink(list, callOf(operation));
  relink(list, answerOf(operation));
}

export function unlink({ next, previous }: EventList, event: number): void {
  next[at(previous, event)] = at(next, event);
  previous[at(next, event)] = at(previous, event);
}

export function relink({ next, previous }: EventList, event: number): void {
  next[at(previous, event)] = event;
  previous[at(next, event)] = event;
}
