/**
 * The reference that the checker is held against: tries every order in which transactions may begin and commit, and every subset
 * of the unknown ones, with no cleverness at all. Only for histories of a handful of transactions.
 */
import type { Element, MicroOperation, Transaction } from '../../../../sim/check/isolation/index.js';

export type Guarantee =
  /** One after another, in any order. */
  | 'serializable'
  /** One after another, each after those of its own client that were answered by its invocation. */
  | 'strong-session-serializable'
  /** The same, and each after all that were answered before its invocation. */
  | 'strict-serializable'
  /** Each reads from the state at its beginning, and of two that overlap only one may write a key. */
  | 'snapshot-isolation';

type Contents = ReadonlyMap<string, readonly Element[]>;

interface Begun {
  readonly transaction: Transaction;
  readonly snapshot: Contents;
}

export function isPossible(history: readonly Transaction[], guarantee: Guarantee): boolean {
  const waiting = history.filter(({ outcome }) => outcome !== 'aborted');
  return canGoOn({ waiting, begun: [], contents: new Map() }, guarantee);
}

interface State {
  readonly waiting: readonly Transaction[];
  readonly begun: readonly Begun[];
  readonly contents: Contents;
}

function canGoOn(state: State, guarantee: Guarantee): boolean {
  const { waiting, begun, contents } = state;
  if (begun.length === 0 && waiting.every(({ outcome }) => outcome === 'unknown')) return true;
  const canBegin =
    (guarantee === 'snapshot-isolation' || begun.length === 0) &&
    waiting.some((transaction) => {
      const others = waiting.filter((other) => other !== transaction);
      if (others.some((other) => precedes(other, transaction, guarantee))) return false;
      if (!explains(contents, transaction.operations)) return false;
      const next = [...begun, { transaction, snapshot: contents }];
      return canGoOn({ waiting: others, begun: next, contents }, guarantee);
    });
  return (
    canBegin ||
    begun.some((each) => {
      const others = begun.filter((other) => other !== each);
      const written = writesOf(each.transaction.operations);
      if ([...written.keys()].some((key) => contents.get(key) !== each.snapshot.get(key))) return false;
      const next = new Map(contents);
      for (const [key, values] of written) next.set(key, [...(next.get(key) ?? []), ...values]);
      return canGoOn({ waiting, begun: others, contents: next }, guarantee);
    })
  );
}

function precedes(a: Transaction, b: Transaction, guarantee: Guarantee): boolean {
  if (a.outcome !== 'committed' || a.answeredAt === undefined) return false;
  if (guarantee === 'strict-serializable' && a.answeredAt < b.invokedAt) return true;
  const hasSessions = guarantee === 'strict-serializable' || guarantee === 'strong-session-serializable';
  if (!hasSessions || a.client !== b.client) return false;
  const end = b.outcome === 'committed' ? (b.answeredAt ?? Infinity) : Infinity;
  return a.answeredAt < b.invokedAt || (a.answeredAt === b.invokedAt && a.invokedAt < end);
}

/** Registers are kept as the list of all their values, of which a read shows the last. */
function writesOf(operations: readonly MicroOperation[]): ReadonlyMap<string, readonly Element[]> {
  const written = new Map<string, Element[]>();
  for (const operation of operations) {
    if (operation.type !== 'append' && operation.type !== 'write') continue;
    written.set(operation.key, [...(written.get(operation.key) ?? []), operation.value]);
  }
  return written;
}

function explains(contents: Contents, operations: readonly MicroOperation[]): boolean {
  return operations.every((operation, index) => {
    const own = writesOf(operations.slice(0, index));
    const view = (key: string): readonly Element[] => [...(contents.get(key) ?? []), ...(own.get(key) ?? [])];
    switch (operation.type) {
      case 'list':
        return operation.values === undefined || operation.values.join() === view(operation.key).join();
      case 'read':
        return operation.value === undefined || operation.value === (view(operation.key).at(-1) ?? null);
      case 'scan': {
        if (operation.found === undefined) return true;
        const names = [...new Set([...contents.keys(), ...own.keys()])].filter((name) =>
          name.startsWith(operation.prefix),
        );
        return (
          names.length === operation.found.length &&
          operation.found.every(([name, value]) => view(name).at(-1) === value)
        );
      }
      case 'append':
      case 'write':
        return true;
    }
  });
}
