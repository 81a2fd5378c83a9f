/**
 * What the answers about one key say against each other, without any search.
 *
 * Almost every answer of our store names a revision, and a key's revision only grows, by one for each write. So three rules
 * can be checked in one pass over the history in time:
 *
 * 1. An answer never names an older revision than an answer that was there before the operation was invoked.
 * 2. No two operations make the same revision.
 * 3. A revision has one value.
 */
import { inInvocationOrder, type Operation } from './history.js';
import type { KeyValueInput, KeyValueOutput } from './key-value-model.js';
import type { Contradiction } from './model.js';
import { quote } from './picture.js';

type KeyValueOperation = Operation<KeyValueInput, KeyValueOutput>;

/** The first contradiction in the order of invocation, or `undefined`; none does not mean that the history is legal. */
export function contradiction(
  operations: readonly KeyValueOperation[],
): Contradiction<KeyValueInput, KeyValueOutput> | undefined {
  const ordered = inInvocationOrder(operations).filter((operation) => revisionAfter(operation) !== undefined);
  return goesBack(ordered) ?? madeTwice(ordered) ?? hasTwoValues(ordered);
}

function goesBack(
  ordered: readonly KeyValueOperation[],
): Contradiction<KeyValueInput, KeyValueOutput> | undefined {
  const byAnswer = ordered.toSorted((a, b) => (a.answeredAt ?? 0) - (b.answeredAt ?? 0));
  let newest: KeyValueOperation | undefined;
  let answered = 0;
  for (const operation of ordered) {
    for (; isAnsweredBefore(byAnswer[answered], operation.invokedAt); answered++) {
      const earlier = byAnswer[answered];
      if (earlier !== undefined && (newest === undefined || after(earlier) > after(newest))) newest = earlier;
    }
    if (newest !== undefined && after(newest) > before(operation)) {
      return {
        operations: [newest, operation],
        reason:
          `operation ${newest.id} was answered at ${String(newest.answeredAt)} with the key at revision ${after(newest)}, ` +
          `and operation ${operation.id}, invoked later at ${operation.invokedAt}, ran on revision ${before(operation)}`,
      };
    }
  }
  return undefined;
}

function madeTwice(
  ordered: readonly KeyValueOperation[],
): Contradiction<KeyValueInput, KeyValueOutput> | undefined {
  const makers = new Map<number, KeyValueOperation>();
  for (const operation of ordered) {
    if (before(operation) === after(operation)) continue;
    const other = makers.get(after(operation));
    if (other !== undefined) {
      return {
        operations: [other, operation],
        reason: `operations ${other.id} and ${operation.id} both made revision ${after(operation)}`,
      };
    }
    makers.set(after(operation), operation);
  }
  return undefined;
}

function hasTwoValues(
  ordered: readonly KeyValueOperation[],
): Contradiction<KeyValueInput, KeyValueOutput> | undefined {
  const witnesses = new Map<number, KeyValueOperation>();
  for (const operation of ordered) {
    const value = valueShown(operation);
    if (value === undefined) continue;
    const other = witnesses.get(after(operation));
    if (other === undefined) {
      witnesses.set(after(operation), operation);
      continue;
    }
    const otherValue = valueShown(other);
    if (otherValue !== undefined && otherValue !== value) {
      return {
        operations: [other, operation],
        reason:
          `by operation ${other.id} revision ${after(operation)} has the value ${quote(otherValue)}, ` +
          `and by operation ${operation.id} it has ${quote(value)}`,
      };
    }
  }
  return undefined;
}

function isAnsweredBefore(operation: KeyValueOperation | undefined, time: number): boolean {
  return operation?.answeredAt !== undefined && operation.answeredAt < time;
}

/** The key's revision when the operation had run, if its answer tells. */
function revisionAfter({ output }: KeyValueOperation): number | undefined {
  return output === undefined || output.type === 'missing' ? undefined : output.revision;
}

function after(operation: KeyValueOperation): number {
  return revisionAfter(operation) as number;
}

/** The key's revision that the operation ran on. */
function before(operation: KeyValueOperation): number {
  const makesRevision = operation.output?.type === 'set' || operation.output?.type === 'deleted';
  return makesRevision ? after(operation) - 1 : after(operation);
}

function valueShown({ input, output }: KeyValueOperation): string | null | undefined {
  if (output?.type === 'got') return output.value;
  return input.type === 'set' && output?.type === 'set' ? input.value : undefined;
}
