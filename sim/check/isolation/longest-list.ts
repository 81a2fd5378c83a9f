/**
 * The longest list that was read of each key. Every list that is read of a key is the beginning of what the key holds in the end,
 * so the longest one is the order of appends as far as anybody saw it.
 */
import { addVersion, isAborted, nobody, witness, writerOf, type Facts } from './facts.js';
import type { Findings } from './findings.js';
import type { Element, MicroOperation, Transaction } from './history.js';
import { at } from './ints.js';
import { recall, type KeyMemory } from './observed.js';
import { witnessScan } from './scan.js';
import { reportDuplicate, reportGarbage } from './suspicion.js';

/** The longest list that was read of a key, its versions in order, and who read it. */
export interface Longest {
  values: readonly Element[];
  /** How many of the values were there before the reader's own appends. */
  length: number;
  reader: number;
  versions: Int32Array;
  /** The place of the first aborted element, or the length. */
  firstAborted: number;
  /** False when an element stands in it twice: then it is the order of nothing. */
  isOrder: boolean;
  /** True when some list that was read of the key may not be a beginning of this one. */
  isContested: boolean;
}

export const emptyList = (): Longest => ({
  values: [],
  length: 0,
  reader: nobody,
  versions: new Int32Array(0),
  firstAborted: 0,
  isOrder: true,
  isContested: false,
});

/** Makes the lists that a present transaction read the longest of their keys, where they are. */
export function findLongest(
  facts: Facts,
  longest: readonly Longest[],
  transaction: number,
  memory: KeyMemory,
): void {
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
      if (same < known) list.isContested = true;
      for (let element = same; facts.hasUnknown && element < length; element++)
        witnessElement(facts, key, values[element]);
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
export function lengthFromOutside(
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

/**
 * Finds the version of every element of the longest list, and what is wrong with that list itself. `named` has a place for every
 * version there is so far, and is 1 for those that were named.
 */
export function nameElements(
  facts: Facts,
  findings: Findings,
  { list, key, named }: { readonly list: Longest; readonly key: number; readonly named: Uint8Array },
): void {
  list.versions = new Int32Array(list.length);
  list.firstAborted = list.length;
  for (let place = 0; place < list.length; place++) {
    const value = list.values[place] as Element;
    const known = facts.byValue[key]?.get(value);
    if (known === undefined)
      reportGarbage(facts, findings, { reader: list.reader, key: facts.keys[key] ?? '', value });
    else if (named[known] === 1) {
      list.isOrder = false;
      reportDuplicate(facts, findings, { reader: list.reader, key: facts.keys[key] ?? '', value });
    } else named[known] = 1;
    const version = known ?? addVersion(facts, key, nobody, value);
    list.versions[place] = version;
    if (list.firstAborted === list.length && isAborted(facts, writerOf(facts, version)))
      list.firstAborted = place;
  }
  if (!list.isOrder) list.versions = new Int32Array(0);
}

/** The version that is read when the first `length` elements are. */
export function versionAt(facts: Facts, list: Longest, key: number, length: number): number {
  return length === 0 ? at(facts.initial.items, key) : at(list.versions, length - 1);
}
