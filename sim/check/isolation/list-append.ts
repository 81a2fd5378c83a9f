/**
 * What reads of lists say: which version each transaction saw, and the order of versions, which is the order of elements in the
 * longest list that anyone read. All other reads of the key must be prefixes of it.
 *
 * A transaction's own appends stand at the end of what it reads after them; what lies before is what it saw from outside.
 * Only that is used, because where its own appends end up among those of others is for others to say.
 *
 * After section 4 of Kingsbury and Alvaro, "Elle: inferring isolation anomalies from experimental observations" (2020).
 */
import { isAtLeast } from './anomaly.js';
import {
  addVersion,
  idOf,
  isAborted,
  isPresent,
  lookAtPresent,
  nobody,
  show,
  witness,
  writerOf,
  type Facts,
} from './facts.js';
import { find, type Findings } from './findings.js';
import type { Element, MicroOperation, Transaction } from './history.js';
import { at } from './ints.js';
import {
  addOrder,
  addRead,
  addUpdate,
  keyMemory,
  nothingObserved,
  orderKnownBy,
  recall,
  type KeyMemory,
  type Observed,
} from './observed.js';
import { readScan, witnessScan } from './scan.js';
import {
  judgeRead,
  reportAbortedRead,
  reportDirtyUpdate,
  reportFutureRead,
  reportGarbage,
  reportInternal,
} from './suspicion.js';

/** The longest list that was read of a key, its versions in order, and who read it. */
interface Longest {
  values: readonly Element[];
  /** How many of the values were there before the reader's own appends. */
  length: number;
  reader: number;
  versions: Int32Array;
  /** The place of the first aborted element, or the length. */
  firstAborted: number;
  /** False when an element stands in it twice: then it is the order of nothing. */
  isOrder: boolean;
}

interface Run {
  readonly facts: Facts;
  readonly findings: Findings;
  readonly observed: Observed;
  readonly longest: Longest[];
  /** By version: its place in the longest list, or -1. */
  place: Int32Array;
}

export function observeLists(facts: Facts, findings: Findings): Observed {
  const longest = facts.keys.map(() => ({
    values: [],
    length: 0,
    reader: nobody,
    versions: new Int32Array(0),
    firstAborted: 0,
    isOrder: true,
  }));
  const run: Run = {
    facts,
    findings,
    observed: nothingObserved(facts.operationKey.length),
    longest,
    place: new Int32Array(0),
  };
  const memory = keyMemory(facts.keys.length);
  lookAtPresent(facts, (transaction) => findLongest(run, transaction, memory));
  longest.forEach((list, key) => nameElements(run, list, key));
  run.place = new Int32Array(facts.valueOf.length).fill(-1);
  for (const { versions } of longest) {
    for (let place = 0; place < versions.length; place++) run.place[at(versions, place)] = place;
  }
  const fresh = keyMemory(facts.keys.length);
  for (let transaction = 0; transaction < facts.history.length; transaction++) {
    if (facts.present[transaction] === 1) readTransaction(run, transaction, fresh);
  }
  orderVersions(run);
  return run.observed;
}

function findLongest(run: Run, transaction: number, memory: KeyMemory): void {
  const { facts, longest } = run;
  const { operations } = facts.history[transaction] as Transaction;
  const first = at(facts.firstOperation, transaction);
  for (let index = 0; index < operations.length; index++) {
    const operation = operations[index] as MicroOperation;
    const key = at(facts.operationKey, first + index);
    if (operation.type === 'append') {
      recall(memory, key, transaction, 0);
      memory.own[key] = at(memory.own, key) + 1;
    } else if (operation.type === 'list' && operation.values !== undefined) {
      recall(memory, key, transaction, 0);
      const { values } = operation;
      const length = lengthFromOutside(operations, index, values, at(memory.own, key));
      const list = longest[key] as Longest;
      const known = list.length;
      let same = 0;
      while (same < length && same < known && values[same] === list.values[same]) same += 1;
      if (same === length) continue;
      for (let element = same; element < length; element++) witnessElement(facts, key, values[element]);
      if (length <= known) continue;
      list.values = values;
      list.length = length;
      list.reader = transaction;
    } else {
      witnessScan(facts, operation);
    }
  }
}

function witnessElement(facts: Facts, key: number, value: Element | undefined): void {
  const version = value === undefined ? undefined : facts.byValue[key]?.get(value);
  if (version !== undefined) witness(facts, version);
}

/** The length of a read list without the transaction's own appends so far, or -1 when these are not its end. */
function lengthFromOutside(
  operations: readonly MicroOperation[],
  until: number,
  values: readonly Element[],
  own: number,
): number {
  const length = values.length - own;
  if (own === 0 || length < 0) return length < 0 ? -1 : length;
  const read = operations[until] as MicroOperation & { readonly key: string };
  let place = length;
  for (let index = 0; index < until; index++) {
    const operation = operations[index] as MicroOperation;
    if (operation.type !== 'append' || operation.key !== read.key) continue;
    if (values[place] !== operation.value) return -1;
    place += 1;
  }
  return length;
}

/** Finds the version of every element of the longest list, and what is wrong with that list itself. */
function nameElements({ facts, findings }: Run, list: Longest, key: number): void {
  list.versions = new Int32Array(list.length);
  list.firstAborted = list.length;
  const seen = new Set<Element>();
  for (let place = 0; place < list.length; place++) {
    const value = list.values[place] as Element;
    if (seen.has(value)) {
      list.isOrder = false;
      reportDuplicate(facts, findings, list.reader, key, value);
    }
    seen.add(value);
    const known = facts.byValue[key]?.get(value);
    if (known === undefined)
      reportGarbage(facts, findings, { reader: list.reader, key: facts.keys[key] ?? '', value });
    const version = known ?? addVersion(facts, key, nobody, value);
    list.versions[place] = version;
    if (list.firstAborted === list.length && isAborted(facts, writerOf(facts, version)))
      list.firstAborted = place;
  }
  if (!list.isOrder) list.versions = new Int32Array(0);
}

function reportDuplicate(
  facts: Facts,
  findings: Findings,
  reader: number,
  key: number,
  value: Element,
): void {
  find(findings, 'duplicate-elements', () => ({
    transactions: [idOf(facts, reader)],
    explanation: [
      `T${idOf(facts, reader)} read ${nameOf(facts, key)} with ${show(value)} in it twice, which was appended once.`,
    ],
  }));
}

const nameOf = (facts: Facts, key: number): string => show(facts.keys[key] ?? '');

function readTransaction(run: Run, transaction: number, memory: KeyMemory): void {
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

function readList(run: Run, transaction: number, memory: KeyMemory, read: ListRead): void {
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
      `read ${nameOf(facts, key)} as ${showList(values)}, ${contradicts}`,
    );
    if (length === -1) return;
  }
  for (let place = 0; place < length; place++) {
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

/** The version that is read when the first `length` elements are. */
function versionAt(facts: Facts, list: Longest, key: number, length: number): number {
  return length === 0 ? at(facts.initial.items, key) : at(list.versions, length - 1);
}

/** A list that is no prefix of the longest one: nothing follows from it, except that something is wrong. */
function readOther(run: Run, transaction: number, { key, values }: ListRead, length: number): void {
  const { facts, findings } = run;
  const list = run.longest[key] as Longest;
  const seen = new Set<Element>();
  let isExplained = false;
  for (let place = 0; place < length; place++) {
    const value = values[place] as Element;
    const version = facts.byValue[key]?.get(value);
    if (seen.has(value)) {
      isExplained = true;
      reportDuplicate(facts, findings, transaction, key, value);
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
      `T${idOf(facts, transaction)} read ${nameOf(facts, key)} as ${showList(values)}.`,
      `T${idOf(facts, list.reader)} read it as ${showList(list.values)}.`,
      'Neither list is the beginning of the other, and nothing is ever removed.',
    ],
  }));
}

const elementsShown = 12;

export function showList(values: readonly Element[]): string {
  const shown = values.slice(-elementsShown).map(show).join(' ');
  return values.length > elementsShown ? `[… ${shown}]` : `[${shown}]`;
}

/** The appends of one transaction stand in the order in which it made them, all of them up to the latest. */
function checkOwnOrder({ facts, findings, place }: Run, list: Longest, version: number): void {
  const previous = at(facts.previousOwn.items, version);
  if (previous === -1) return;
  const found = at(place, previous);
  if (found !== -1 && found < at(place, version)) return;
  const writer = idOf(facts, writerOf(facts, version));
  find(findings, 'incompatible-order', () => ({
    transactions: [writer, idOf(facts, list.reader)],
    explanation: [
      `T${writer} appended ${show(facts.valueOf[previous] ?? null)} and then ${show(facts.valueOf[version] ?? null)} ` +
        `to ${nameOf(facts, at(facts.keyOf.items, version))}.`,
      `T${idOf(facts, list.reader)} read it as ${showList(list.values)}, ` +
        `${found === -1 ? 'without the first' : 'in the other order'}.`,
    ],
  }));
}

/**
 * Each version comes before the next one whose writer is committed. Where appends are what they say, those that no list
 * contains came after the longest; a store that loses appends need not keep to that below snapshot isolation.
 */
function orderVersions(run: Run): void {
  const { facts, findings, observed, longest } = run;
  const trustsUnseen =
    isAtLeast(facts.level, 'snapshot-isolation') || isAtLeast(facts.level, 'repeatable-read');
  const unseen = longest.map((): number[] => []);
  for (let version = 0; version < run.place.length; version++) {
    const isLast = facts.overwritten.items[version] !== 1 && isPresent(facts, writerOf(facts, version));
    if (isLast && run.place[version] === -1) unseen[at(facts.keyOf.items, version)]?.push(version);
  }
  longest.forEach((list, key) => {
    if (!list.isOrder) return;
    let before = at(facts.initial.items, key);
    // The latest version that counts, and those after it that do not: somebody may have read them.
    const waiting: number[] = [];
    let aborted = -1;
    for (const version of list.versions) {
      waiting.push(before);
      before = version;
      const writer = writerOf(facts, version);
      if (isAborted(facts, writer)) aborted = version;
      if (!isPresent(facts, writer)) continue;
      checkOwnOrder(run, list, version);
      for (const earlier of waiting) addOrder(observed, earlier, version, orderKnownBy.list);
      waiting.length = 0;
      if (aborted !== -1) reportDirtyUpdate(facts, findings, { aborted, version });
      aborted = -1;
    }
    waiting.push(before);
    if (!trustsUnseen && list.length > 0) return;
    const known = trustsUnseen && list.length > 0 ? orderKnownBy.unseen : orderKnownBy.initial;
    for (const version of unseen[key] ?? []) {
      for (const earlier of waiting) addOrder(observed, earlier, version, known);
    }
  });
}
