/**
 * A sequence that is deleted and created again is a new one, and may give the old values once more. Owns which allocation belongs to
 * which incarnation; one that a creation runs beside belongs to no certain one, and is not judged.
 */
import { allocationOf, type Allocation, type SequenceOperation, type SequenceRequest } from './history.js';

export interface Incarnation {
  /** Undefined when the sequence was there before the history, or when its creation got no answer. */
  readonly parameters: Extract<SequenceRequest, { type: 'create' }> | undefined;
  /** Sorted by invocation. */
  readonly allocations: readonly Allocation[];
  /** Reserves that may have taken values of it: those beside a creation, and those of which `mayHaveTaken` says so. */
  readonly uncertain: readonly SequenceOperation[];
}

export interface Incarnations {
  readonly incarnations: readonly Incarnation[];
  readonly unplaced: number;
}

/** `history` is of one sequence. */
export function incarnationsOf(history: readonly SequenceOperation[]): Incarnations {
  const operations = history.toSorted((a, b) => a.invokedAt - b.invokedAt);
  const creations = operations.filter(
    ({ request, answer }) => request.type === 'create' && answer?.type !== 'refused',
  );
  const mayBeDeleted = operations.some(
    ({ request, answer }) => request.type === 'delete' && answer?.type !== 'refused',
  );
  if (!mayBeDeleted) return theOnlyOne(operations, creations);
  creations.sort((a, b) => endOf(a) - endOf(b));
  const built = Array.from({ length: creations.length + 1 }, (_, index) =>
    emptyIncarnation(lastOf(creations.slice(0, index))),
  );
  let over = 0;
  let unplaced = 0;
  const begunBy = counterOfBegun(creations);
  for (const operation of operations) {
    if (operation.request.type !== 'reserve') continue;
    while (over < creations.length && endOf(creations[over] as SequenceOperation) < operation.invokedAt)
      over++;
    // An incarnation is certain when every creation was either over before or not begun until after.
    const begun = begunBy(endOf(operation));
    const allocation = allocationOf(operation);
    if (allocation !== undefined && begun === over) {
      built[over]?.allocations.push(allocation);
    } else if (allocation !== undefined || mayHaveTaken(operation)) {
      if (allocation !== undefined) unplaced++;
      for (let index = over; index <= begun; index++) built[index]?.uncertain.push(operation);
    }
  }
  return { incarnations: built.filter(({ allocations }) => allocations.length > 0), unplaced };
}

/**
 * Whether a reserve that gave nothing may have taken values all the same: one without an answer, and one with a key that was
 * refused. The refusal is of one attempt, of which nothing stands in the log; another that was still on its way then may find the
 * sequence created, and what it takes is kept under the key.
 */
function mayHaveTaken({ request, answer }: SequenceOperation): boolean {
  if (answer === undefined) return true;
  return request.type === 'reserve' && request.idempotencyKey !== undefined && answer.type === 'refused';
}

/**
 * The creation that was carried out last, of some that are sorted by when they ended. Any that was not over when the latest was asked
 * for may be it; where those do not ask for the same, nobody knows.
 */
function lastOf(creations: readonly SequenceOperation[]): SequenceOperation | undefined {
  const latest = Math.max(...creations.map(({ invokedAt }) => invokedAt));
  const [first, ...others] = creations.filter((creation) => endOf(creation) >= latest);
  const isOne = others.every((other) => isSame(first, other));
  return isOne ? first : undefined;
}

function isSame(one: SequenceOperation | undefined, other: SequenceOperation): boolean {
  if (one?.request.type !== 'create' || other.request.type !== 'create') return false;
  const { initialValue, increment, maxValue } = one.request;
  const asked = other.request;
  return (
    (one.answer === undefined) === (other.answer === undefined) &&
    initialValue === asked.initialValue &&
    increment === asked.increment &&
    maxValue === asked.maxValue
  );
}

interface Building extends Incarnation {
  readonly allocations: Allocation[];
  readonly uncertain: SequenceOperation[];
}

function emptyIncarnation(creation: SequenceOperation | undefined): Building {
  const isKnown = creation?.request.type === 'create' && creation.answer !== undefined;
  return { parameters: isKnown ? creation.request : undefined, allocations: [], uncertain: [] };
}

function theOnlyOne(
  operations: readonly SequenceOperation[],
  creations: readonly SequenceOperation[],
): Incarnations {
  const only = emptyIncarnation(creations.find(({ answer }) => answer !== undefined));
  for (const operation of operations) {
    const allocation = allocationOf(operation);
    if (allocation !== undefined) only.allocations.push(allocation);
    else if (operation.request.type === 'reserve' && mayHaveTaken(operation)) only.uncertain.push(operation);
  }
  return { incarnations: only.allocations.length > 0 ? [only] : [], unplaced: 0 };
}

/** How many creations were invoked by a time. */
function counterOfBegun(creations: readonly SequenceOperation[]): (time: number) => number {
  const starts = creations.map(({ invokedAt }) => invokedAt).sort((a, b) => a - b);
  return (time) => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] as number) <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

function endOf({ answeredAt }: SequenceOperation): number {
  return answeredAt ?? Infinity;
}
