/** Operations by invocation, with the questions about their times that the rules ask; each answered in logarithmic time. */
import { endOf, type LockOperation } from './history.js';

export interface Spans {
  /** Sorted by invocation. */
  readonly operations: readonly LockOperation[];
  /** The latest answer among the operations up to each. */
  readonly latestEnd: readonly number[];
  /** The earliest answer among the operations from each on. */
  readonly earliestEnd: readonly number[];
}

export function spansOf(operations: readonly LockOperation[]): Spans {
  const latestEnd: number[] = [];
  for (const operation of operations) {
    latestEnd.push(Math.max(latestEnd.at(-1) ?? -Infinity, endOf(operation)));
  }
  const earliestEnd = operations.map(endOf);
  for (let index = earliestEnd.length - 2; index >= 0; index--) {
    earliestEnd[index] = Math.min(earliestEnd[index] as number, earliestEnd[index + 1] as number);
  }
  return { operations, latestEnd, earliestEnd };
}

/** The earliest answer to an operation that was invoked after `time`; infinite when there is none. */
export function earliestEndAfter({ operations, earliestEnd }: Spans, time: number): number {
  const index = firstIndex(
    operations.length,
    (place) => (operations[place] as LockOperation).invokedAt > time,
  );
  return earliestEnd[index] ?? Infinity;
}

/** The members of each group in their order, groups in the order of their first member. */
export function groupBy<T, K>(members: readonly T[], keyOf: (member: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const member of members) {
    const key = keyOf(member);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [member]);
    else group.push(member);
  }
  return groups;
}

/** The earliest invoked operation that may take effect at `time` or later. */
export function firstEndingFrom({ operations, latestEnd }: Spans, time: number): LockOperation | undefined {
  return operations[firstIndex(latestEnd.length, (index) => (latestEnd[index] as number) >= time)];
}

/** Whether some operation may take effect between the two times. */
export function mayFallBetween({ operations, latestEnd }: Spans, from: number, to: number): boolean {
  const invoked = firstIndex(
    operations.length,
    (index) => (operations[index] as LockOperation).invokedAt > to,
  );
  return invoked > 0 && (latestEnd[invoked - 1] as number) >= from;
}

/** The first index for which `holds`, which holds for all after it too; `length` when there is none. */
export function firstIndex(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
