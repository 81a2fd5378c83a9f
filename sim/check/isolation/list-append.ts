/**
 * What reads of lists say: which version each transaction saw, and the order of versions, which is the order of elements in the
 * longest list that anyone read. All other reads of the key must be prefixes of it.
 *
 * A transaction's own appends stand at the end of what it reads after them; what lies before is what it saw from outside.
 * Only that is used, because where its own appends end up among those of others is for others to say.
 *
 * After section 4 of Kingsbury and Alvaro, "Elle: inferring isolation anomalies from experimental observations" (2020).
 */
import { showList } from './describe.js';
import { idOf, isAborted, lookAtPresent, show, writerOf, type Facts } from './facts.js';
import { find, type Findings } from './findings.js';
import type { Element, MicroOperation, Transaction } from './history.js';
import { at } from './ints.js';
import { orderLists, type ListRun } from './list-order.js';
import {
  emptyList,
  findLongest,
  lengthFromOutside,
  nameElements,
  versionAt,
  type Longest,
} from './longest-list.js';
import {
  addRead,
  addUpdate,
  keyMemory,
  nothingObserved,
  recall,
  type KeyMemory,
  type Observed,
} from './observed.js';
import { readScan } from './scan.js';
import {
  judgeRead,
  reportAbortedRead,
  reportDuplicate,
  reportFutureRead,
  reportGarbage,
  reportInternal,
} from './suspicion.js';

export function observeLists(facts: Facts, findings: Findings): Observed {
  const longest = facts.keys.map(emptyList);
  const observed = nothingObserved(facts.operationKey.length);
  const memory = keyMemory(facts.keys.length);
  lookAtPresent(facts, (transaction) => findLongest(facts, longest, transaction, memory));
  const named = new Uint8Array(facts.valueOf.length);
  longest.forEach((list, key) => nameElements(facts, findings, { list, key, named }));
  const place = new Int32Array(facts.valueOf.length).fill(-1);
  for (const { versions } of longest) {
    for (let index = 0; index < versions.length; index++) place[at(versions, index)] = index;
  }
  const run = { facts, findings, observed, longest, place };
  const fresh = keyMemory(facts.keys.length);
  for (let transaction = 0; transaction < facts.history.length; transaction++) {
    if (facts.present[transaction] === 1) readTransaction(run, transaction, fresh);
  }
  orderLists(run);
  return observed;
}

function readTransaction(run: ListRun, transaction: number, memory: KeyMemory): void {
  const { facts, observed } = run;
  const { operations } = facts.history[transaction] as Transaction;
  const first = at(facts.firstOperation, transaction);
  for (let index = 0; index < operations.length; index++) {
    const operation = operations[index] as MicroOperation;
    const key = at(facts.operationKey, first + index);
    switch (operation.type) {
      case 'append': {
        recall(memory, key, transaction, 0);
        memory.own[key] = at(memory.own, key) + 1;
        const length = at(memory.read, key);
        if (length < 0) break;
        const list = run.longest[key] as Longest;
        const version = at(facts.operationVersion, first + index);
        const place = at(run.place, version);
        if (place !== -1 && place < length) reportFutureRead(facts, run.findings, version);
        else if (list.isOrder && at(memory.own, key) === 1)
          addUpdate(observed, transaction, versionAt(facts, list, key, length));
        break;
      }
      case 'list':
        recall(memory, key, transaction, 0);
        if (operation.values !== undefined)
          readList(run, transaction, memory, { operations, index, key, values: operation.values });
        break;
      case 'scan':
        readScan(facts, run.findings, observed, transaction, index);
        break;
      case 'read':
      case 'write':
        break;
    }
  }
}

interface ListRead {
  readonly operations: readonly MicroOperation[];
  readonly index: number;
  readonly key: number;
  readonly values: readonly Element[];
}

function readList(run: ListRun, transaction: number, memory: KeyMemory, read: ListRead): void {
  const { facts, findings, observed } = run;
  const { operations, index, key, values } = read;
  const list = run.longest[key] as Longest;
  const own = at(memory.own, key);
  const before = at(memory.read, key);
  const length = lengthFromOutside(operations, index, values, own);
  if (length === -1 || (before !== -1 && before !== length)) {
    const contradicts =
      length === -1
        ? 'which does not end with its own appends before that read.'
        : 'although it had seen another list before, apart from its own appends.';
    reportInternal(
      facts,
      findings,
      transaction,
      `read ${show(facts.keys[key] ?? '')} as ${showList(values)}, ${contradicts}`,
    );
    if (length === -1) return;
  }
  for (let place = 0; list.isContested && place < length; place++) {
    if (values[place] !== list.values[place]) return readOther(run, transaction, read, length);
  }
  if (!list.isOrder) return;
  memory.read[key] = length;
  const version = versionAt(facts, list, key, length);
  addRead(observed, transaction, version);
  if (own > 0 && before === -1) addUpdate(observed, transaction, version);
  if (length > list.firstAborted)
    reportAbortedRead(facts, findings, {
      reader: transaction,
      version: at(list.versions, list.firstAborted),
    });
  else judgeRead(facts, findings, transaction, version);
}

/** A list that is no prefix of the longest one: nothing follows from it, except that something is wrong. */
function readOther(run: ListRun, transaction: number, { key, values }: ListRead, length: number): void {
  const { facts, findings } = run;
  const list = run.longest[key] as Longest;
  const seen = new Set<Element>();
  let isExplained = false;
  for (let place = 0; place < length; place++) {
    const value = values[place] as Element;
    const version = facts.byValue[key]?.get(value);
    if (seen.has(value)) {
      isExplained = true;
      reportDuplicate(facts, findings, { reader: transaction, key: facts.keys[key] ?? '', value });
    } else if (version === undefined) {
      isExplained = true;
      reportGarbage(facts, findings, { reader: transaction, key: facts.keys[key] ?? '', value });
    } else if (isAborted(facts, writerOf(facts, version))) {
      isExplained = true;
      reportAbortedRead(facts, findings, { reader: transaction, version });
    }
    seen.add(value);
  }
  if (isExplained) return;
  find(findings, 'incompatible-order', () => ({
    transactions: [idOf(facts, transaction), idOf(facts, list.reader)],
    explanation: [
      `T${idOf(facts, transaction)} read ${show(facts.keys[key] ?? '')} as ${showList(values)}.`,
      `T${idOf(facts, list.reader)} read it as ${showList(list.values)}.`,
      'Neither list is the beginning of the other, and nothing is ever removed.',
    ],
  }));
}
