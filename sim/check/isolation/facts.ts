/**
 * A history with numbers for names: transactions by index, keys, and versions, so that all that follows works on flat arrays.
 *
 * A version is what one write made of one key; every key also has an initial version, which nobody wrote. `present` says which
 * transactions count as committed, and grows: an unknown transaction is present once a present one has read what it wrote.
 * At read uncommitted it never is, for there a read proves nothing about its writer.
 */
import type { IsolationLevel } from './anomaly.js';
import type { Element, HistoryModel, Transaction } from './history.js';
import { findTransactionProblems } from './history.js';
import { at, ints, push, type Ints } from './ints.js';

/** The writer of an initial version, and of a value that nobody wrote. */
export const nobody = -1;

export interface Facts {
  readonly history: readonly Transaction[];
  readonly model: HistoryModel;
  readonly level: IsolationLevel;
  readonly keys: string[];
  readonly keyIds: Map<string, number>;
  /** By key: its initial version. */
  readonly initial: Ints;
  /** By key: the version that a write of this value made. */
  readonly byValue: Map<Element, number>[];
  /** By version: its key, its writer (an index in the history, or `nobody`), its value. */
  readonly keyOf: Ints;
  readonly writerOf: Ints;
  readonly valueOf: (Element | null)[];
  /** By version: 1 when the same transaction wrote the key again later. */
  readonly overwritten: Ints;
  /** By version: the one that the same transaction made of the key just before, or -1. */
  readonly previousOwn: Ints;
  /** Operations are numbered through the history; those of transaction `t` are `firstOperation[t]` to `firstOperation[t + 1]`. */
  readonly firstOperation: Int32Array;
  /** By operation: its key (-1 for a scan) and, for a write, its version. */
  readonly operationKey: Int32Array;
  readonly operationVersion: Int32Array;
  readonly present: Uint8Array;
  readonly hasUnknown: boolean;
  /** Unknown transactions that became present, still to be looked at. */
  readonly resolved: number[];
}

const problemsShown = 5;

/** Throws an Error for a malformed history: it is the recorder that is wrong then, and no verdict would be worth having. */
export function gatherFacts(
  history: readonly Transaction[],
  model: HistoryModel,
  level: IsolationLevel,
): Facts {
  const problems = [...findTransactionProblems(history, model)];
  const operations = history.reduce((sum, transaction) => sum + transaction.operations.length, 0);
  const facts: Facts = {
    history,
    model,
    level,
    keys: [],
    keyIds: new Map(),
    initial: ints(),
    byValue: [],
    keyOf: ints(operations + 1),
    writerOf: ints(operations + 1),
    valueOf: [],
    overwritten: ints(operations + 1),
    previousOwn: ints(operations + 1),
    firstOperation: new Int32Array(history.length + 1),
    operationKey: new Int32Array(operations).fill(-1),
    operationVersion: new Int32Array(operations).fill(-1),
    present: Uint8Array.from(history, ({ outcome }) => (outcome === 'committed' ? 1 : 0)),
    hasUnknown: history.some(({ outcome }) => outcome === 'unknown'),
    resolved: [],
  };
  const latest = ints();
  let place = 0;
  for (let transaction = 0; transaction < history.length; transaction++) {
    facts.firstOperation[transaction] = place;
    for (const operation of (history[transaction] as Transaction).operations) {
      const index = place++;
      if (operation.type === 'scan') continue;
      const key = keyId(facts, operation.key);
      facts.operationKey[index] = key;
      if (operation.type === 'list' || operation.type === 'read') continue;
      const values = facts.byValue[key] as Map<Element, number>;
      const known = values.size;
      const version = addVersion(facts, key, transaction, operation.value);
      values.set(operation.value, version);
      if (values.size === known) {
        problems.push(
          `transaction ${(history[transaction] as Transaction).id} writes ${show(operation.value)} to ${show(operation.key)}, ` +
            'which the history writes a second time; give every write to a key a value of its own',
        );
      }
      facts.operationVersion[index] = version;
      while (latest.length <= key) push(latest, nobody);
      const before = at(latest.items, key);
      if (before !== nobody && at(facts.writerOf.items, before) === transaction) {
        facts.overwritten.items[before] = 1;
        facts.previousOwn.items[version] = before;
      }
      latest.items[key] = version;
    }
  }
  facts.firstOperation[history.length] = place;
  refuse(problems);
  return facts;
}

/** The number of a key, new if need be. */
function keyId(facts: Facts, name: string): number {
  const known = facts.keyIds.get(name);
  if (known !== undefined) return known;
  const key = facts.keys.length;
  facts.keyIds.set(name, key);
  facts.keys.push(name);
  facts.byValue.push(new Map());
  push(facts.initial, addVersion(facts, key, nobody, null));
  return key;
}

export function addVersion(facts: Facts, key: number, writer: number, value: Element | null): number {
  push(facts.keyOf, key);
  push(facts.writerOf, writer);
  push(facts.overwritten, 0);
  push(facts.previousOwn, -1);
  return facts.valueOf.push(value) - 1;
}

export const writerOf = (facts: Facts, version: number): number => at(facts.writerOf.items, version);

export const isPresent = (facts: Facts, transaction: number): boolean =>
  transaction !== nobody && facts.present[transaction] === 1;

export const isAborted = (facts: Facts, transaction: number): boolean =>
  transaction !== nobody && facts.history[transaction]?.outcome === 'aborted';

/** A present transaction has read this version; if the outcome of its writer was unknown, it no longer is. */
export function witness(facts: Facts, version: number): void {
  const writer = writerOf(facts, version);
  if (writer === nobody || facts.present[writer] === 1 || facts.level === 'read-uncommitted') return;
  if (facts.history[writer]?.outcome !== 'unknown') return;
  facts.present[writer] = 1;
  facts.resolved.push(writer);
}

/** Calls `look` for every present transaction, and for those that become present by what it witnesses. */
export function lookAtPresent(facts: Facts, look: (transaction: number) => void): void {
  for (let transaction = 0; transaction < facts.history.length; transaction++) {
    if (facts.history[transaction]?.outcome === 'committed') look(transaction);
  }
  for (let next = facts.resolved.pop(); next !== undefined; next = facts.resolved.pop()) look(next);
}

export const idOf = (facts: Facts, transaction: number): number =>
  (facts.history[transaction] as Transaction).id;

/** A key or a value as it is shown to people. */
export const show = (value: Element | null): string =>
  typeof value === 'string' ? JSON.stringify(value) : String(value);

function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const lines = ['The history is malformed, so it cannot be judged; look at what recorded it.'];
  lines.push(...problems.slice(0, problemsShown).map((problem) => `- ${problem}`));
  if (problems.length > problemsShown) lines.push(`… and ${problems.length - problemsShown} more.`);
  throw new Error(lines.join('\n'));
}
