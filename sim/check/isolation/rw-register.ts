/**
 * What reads of registers say. A read names the write that it saw; the order of writes must be inferred, and only what every
 * history of the level satisfies is inferred:
 *
 * - a key begins absent;
 * - a transaction that read one value and then wrote another wrote it later (from read committed on, where the contrary would
 *   be a cycle of information);
 * - a transaction that saw one write of another had all writes of that other before it, so what it read instead of one of them
 *   is later (from snapshot isolation and repeatable read on);
 * - where the level promises the order of sessions or of time, so does the order of versions that they touched
 *   (`register-time.ts`).
 *
 * Two writes that nothing else connects stay unordered. Deciding more is as hard as serializability itself (Papadimitriou,
 * "The serializability of concurrent database updates", 1979); this checker never guesses.
 */
import { isAtLeast } from './anomaly.js';
import { isAborted, isPresent, lookAtPresent, show, witness, writerOf, type Facts } from './facts.js';
import type { Findings } from './findings.js';
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
  reportDirtyUpdate,
  reportFutureRead,
  reportGarbage,
  reportInternal,
} from './suspicion.js';

export function observeRegisters(facts: Facts, findings: Findings): Observed {
  const observed = nothingObserved(facts.operationKey.length);
  lookAtPresent(facts, (transaction) => {
    const { operations } = facts.history[transaction] as Transaction;
    const first = at(facts.firstOperation, transaction);
    for (let index = 0; index < operations.length; index++) {
      const operation = operations[index] as MicroOperation;
      if (operation.type === 'read') {
        const version = versionOf(facts, at(facts.operationKey, first + index), operation.value);
        if (version !== undefined) witness(facts, version);
      } else {
        witnessScan(facts, operation);
      }
    }
  });
  const memory = keyMemory(facts.keys.length);
  for (let transaction = 0; transaction < facts.history.length; transaction++) {
    if (facts.present[transaction] === 1) readTransaction(facts, findings, { observed, memory, transaction });
  }
  if (isAtLeast(facts.level, 'snapshot-isolation') || isAtLeast(facts.level, 'repeatable-read'))
    orderByAtomicity(facts, observed);
  return observed;
}

/** Reads stand in the order of their readers, so those of one reader stand together. */
function orderByAtomicity(facts: Facts, observed: Observed): void {
  const { readers, seen } = observed;
  const { stamp, read } = keyMemory(facts.keys.length);
  for (let first = 0, end = 0; first < readers.length; first = end) {
    const reader = at(readers.items, first);
    for (end = first; end < readers.length && at(readers.items, end) === reader; end++) {
      const version = at(seen.items, end);
      stamp[at(facts.keyOf.items, version)] = reader;
      read[at(facts.keyOf.items, version)] = version;
    }
    for (let index = first; index < end; index++) {
      const writer = writerOf(facts, at(seen.items, index));
      if (writer === reader || !isPresent(facts, writer)) continue;
      const last = at(facts.firstOperation, writer + 1);
      for (let operation = at(facts.firstOperation, writer); operation < last; operation++) {
        const version = at(facts.operationVersion, operation);
        if (version === -1 || facts.overwritten.items[version] === 1) continue;
        const key = at(facts.keyOf.items, version);
        if (at(stamp, key) !== reader || at(read, key) === version) continue;
        // A read of the absent key needs no order: it is an anti-dependency on every writer.
        if (at(read, key) !== at(facts.initial.items, key) && facts.overwritten.items[at(read, key)] === 0)
          addOrder(observed, version, at(read, key), orderKnownBy.atomic);
      }
    }
  }
}

function versionOf(facts: Facts, key: number, value: Element | null | undefined): number | undefined {
  if (value === undefined) return undefined;
  return value === null ? at(facts.initial.items, key) : facts.byValue[key]?.get(value);
}

interface Pass {
  readonly observed: Observed;
  readonly memory: KeyMemory;
  readonly transaction: number;
}

function readTransaction(facts: Facts, findings: Findings, pass: Pass): void {
  const { observed, memory, transaction } = pass;
  const { operations } = facts.history[transaction] as Transaction;
  const first = at(facts.firstOperation, transaction);
  for (let index = 0; index < operations.length; index++) {
    const operation = operations[index] as MicroOperation;
    const key = at(facts.operationKey, first + index);
    switch (operation.type) {
      case 'write': {
        recall(memory, key, transaction, -1);
        const version = at(facts.operationVersion, first + index);
        memory.own[key] = version;
        const read = at(memory.read, key);
        if (read !== -1 && facts.overwritten.items[version] === 0)
          update(facts, findings, pass, read, version);
        break;
      }
      case 'read':
        recall(memory, key, transaction, -1);
        if (operation.value !== undefined) readKey(facts, findings, pass, key, operation.value);
        break;
      case 'scan':
        readScan(facts, findings, observed, transaction, index);
        break;
      case 'append':
      case 'list':
        break;
    }
  }
}

function readKey(facts: Facts, findings: Findings, pass: Pass, key: number, value: Element | null): void {
  const { observed, memory, transaction } = pass;
  const name = facts.keys[key] ?? '';
  const version = versionOf(facts, key, value);
  const own = at(memory.own, key);
  if (version === undefined) {
    if (value !== null) reportGarbage(facts, findings, { reader: transaction, key: name, value });
    return;
  }
  if (version === own) return;
  // Versions are numbered in the order of the operations that made them.
  if (writerOf(facts, version) === transaction && version > own)
    return reportFutureRead(facts, findings, version);
  if (own !== -1) {
    const wrote = show(facts.valueOf[own] ?? null);
    return reportInternal(
      facts,
      findings,
      transaction,
      `wrote ${show(name)} = ${wrote} and then read it as ${show(value)}.`,
    );
  }
  const before = at(memory.read, key);
  if (before === version) return;
  if (before !== -1) {
    const earlier = show(facts.valueOf[before] ?? null);
    reportInternal(
      facts,
      findings,
      transaction,
      `read ${show(name)} as ${earlier} and then, without a write of its own, as ${show(value)}.`,
    );
  }
  memory.read[key] = version;
  addRead(observed, transaction, version);
  judgeRead(facts, findings, transaction, version);
}

function update(facts: Facts, findings: Findings, pass: Pass, read: number, version: number): void {
  const { observed, transaction } = pass;
  if (isAborted(facts, writerOf(facts, read))) reportDirtyUpdate(facts, findings, { aborted: read, version });
  addUpdate(observed, transaction, read);
  if (isAtLeast(facts.level, 'read-committed') && facts.overwritten.items[read] === 0)
    addOrder(observed, read, version, orderKnownBy.update);
}
