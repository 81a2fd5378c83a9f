/**
 * What a scan says: it read every key that it found, and it read the absence of every other key with its prefix. The first is
 * judged here; the second needs the order of versions, and is left to `phantom.ts`.
 */
import { witness, writerOf, type Facts } from './facts.js';
import type { Findings } from './findings.js';
import type { Element, MicroOperation, Transaction } from './history.js';
import { push } from './ints.js';
import { addRead, type Observed } from './observed.js';
import { judgeRead, reportFutureRead, reportGarbage, reportInternal } from './suspicion.js';

/** The present transaction's operation at `index` is a scan. */
export function readScan(
  facts: Facts,
  findings: Findings,
  observed: Observed,
  transaction: number,
  index: number,
): void {
  const { operations } = facts.history[transaction] as Transaction;
  const scan = operations[index];
  if (scan?.type !== 'scan' || scan.found === undefined) return;
  push(observed.scanners, transaction);
  push(observed.scans, index);
  const own = ownWrites(operations, index);
  const names = new Set<string>();
  for (const [name, value] of scan.found) {
    names.add(name);
    const mine = own.get(name);
    if (mine !== undefined) {
      if (mine !== value)
        reportInternal(facts, findings, transaction, `scanned and did not find its own write of "${name}".`);
      continue;
    }
    const key = facts.keyIds.get(name);
    const version = key === undefined ? undefined : facts.byValue[key]?.get(value);
    if (version === undefined || !name.startsWith(scan.prefix))
      reportGarbage(facts, findings, { reader: transaction, key: name, value });
    else if (writerOf(facts, version) === transaction) reportFutureRead(facts, findings, version);
    else {
      addRead(observed, transaction, version);
      judgeRead(facts, findings, transaction, version);
    }
  }
  for (const name of own.keys()) {
    if (name.startsWith(scan.prefix) && !names.has(name))
      reportInternal(facts, findings, transaction, `scanned and did not find its own write of "${name}".`);
  }
}

/** What the transaction itself wrote last to each key before the operation at `until`. */
export function ownWrites(
  operations: readonly MicroOperation[],
  until: number,
): ReadonlyMap<string, Element> {
  const own = new Map<string, Element>();
  for (let index = 0; index < until; index++) {
    const operation = operations[index] as MicroOperation;
    if (operation.type === 'append' || operation.type === 'write') own.set(operation.key, operation.value);
  }
  return own;
}

/** The scan of a present transaction may show that others were committed. */
export function witnessScan(facts: Facts, operation: MicroOperation): void {
  if (operation.type !== 'scan') return;
  for (const [name, value] of operation.found ?? []) {
    const key = facts.keyIds.get(name);
    const version = key === undefined ? undefined : facts.byValue[key]?.get(value);
    if (version !== undefined) witness(facts, version);
  }
}
