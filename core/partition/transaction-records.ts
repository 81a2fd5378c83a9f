/**
 * Records of what was decided, and when they are forgotten.
 *
 * A record is closed when nobody can need it any more: a commit when every participant has settled, an abort at once, since
 * no record means abort as well. What may still come then is a message that was under way for long, which is refused by
 * its basis after `window` further entries (`retry-table.ts`), and by the record until then. So that is how long it is kept.
 */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import { mapDelete, mapForEach, mapGet, mapSet, type OrderedMap } from '../collections/ordered-map.js';
import { radixDelete, radixGet, radixSet } from '../collections/radix-array.js';
import type { LogIndex } from '../machine/units.js';
import {
  NO_TRANSACTIONS,
  type HasTransactions,
  type TransactionRecord,
  type Transactions,
} from './prepared.js';
import {
  TransactionCode,
  type Participant,
  type TransactionId,
  type TransactionOutcome,
} from './transaction-command.js';

/** Whatever is known of the transaction, a receipt too. */
export function recordOf(
  { transactions }: HasTransactions,
  transaction: TransactionId,
): TransactionRecord | undefined {
  return mapGet(transactions.open, transaction) ?? mapGet(transactions.closed, transaction);
}

/** The record of the decision. */
export function decisionOf(
  contents: HasTransactions,
  transaction: TransactionId,
): TransactionRecord | undefined {
  const record = recordOf(contents, transaction);
  return record?.state === 'Settled' ? undefined : record;
}

/** The same of the newest of all transactions whose names begin so. */
export function newestDecision(
  { transactions }: HasTransactions,
  prefix: string,
): TransactionRecord | undefined {
  let newest: TransactionRecord | undefined;
  const visit = (name: string, record: TransactionRecord): boolean => {
    if (!name.startsWith(prefix)) return false;
    if (record.state !== 'Settled' && record.index >= (newest?.index ?? 0)) newest = record;
    return true;
  };
  for (const records of [transactions.open, transactions.closed]) mapForEach(records, visit, prefix);
  return newest;
}

/**
 * Calls `visit` for the records that wait for a decision or for the settling of their participants, in the order of their
 * transactions' names, until it returns false.
 */
export function forEachUnfinished(
  { transactions }: HasTransactions,
  visit: (transaction: TransactionId, record: TransactionRecord) => boolean | void,
): void {
  mapForEach(transactions.open, (name, record) => visit(name as TransactionId, record));
}

export function withOpen(
  transactions: Transactions,
  transaction: TransactionId,
  record: TransactionRecord,
): Transactions {
  return { ...transactions, open: mapSet(transactions.open, transaction, record) };
}

/** The record is closed by the entry at its index. */
export function withClosed(
  transactions: Transactions,
  transaction: TransactionId,
  record: TransactionRecord,
): Transactions {
  const receipt = mapGet(transactions.closed, transaction);
  const closedAt =
    receipt === undefined ? transactions.closedAt : radixDelete(transactions.closedAt, receipt.index);
  return {
    ...transactions,
    open: mapDelete(transactions.open, transaction),
    closed: mapSet(transactions.closed, transaction, record),
    closedAt: radixSet(closedAt, record.index, transaction),
  };
}

/** That a part was settled here, unless more than that is known. */
export function withReceipt(
  contents: HasTransactions,
  transaction: TransactionId,
  index: LogIndex,
): Transactions {
  if (recordOf(contents, transaction) !== undefined) return contents.transactions;
  return withClosed(contents.transactions, transaction, { ...NOTHING_TOLD, state: 'Settled', index });
}

/** That it was aborted, with those who take part as far as anybody has said. */
export function abortRecord(participants: readonly Participant[], index: LogIndex): TransactionRecord {
  return { ...NOTHING_TOLD, state: 'Aborted', participants, index };
}

const NOTHING_TOLD = { at: ZERO_TIMESTAMP, participants: [], revisions: [] };

/** What who asks for a decision is told. */
export function decisionOutcome(record: TransactionRecord | undefined): TransactionOutcome {
  const family = 'transaction';
  if (record === undefined) return { family, code: TransactionCode.doesNotExist };
  const { state, at, participants } = record;
  switch (state) {
    case 'Committed':
      return { family, code: TransactionCode.committed, at, participants };
    case 'Undecided':
      return { family, code: TransactionCode.undecided, participants };
    case 'Aborted':
    case 'Settled':
      return { family, code: TransactionCode.aborted, participants };
  }
}

/** Without the records that were closed after `from`, and not after `to`. */
export function forgetRecords(transactions: Transactions, from: LogIndex, to: LogIndex): Transactions {
  if (transactions.closed.size === 0) return transactions;
  let { closed, closedAt } = transactions;
  for (let index = from + 1; index <= to; index += 1) {
    const transaction = radixGet(closedAt, index);
    if (transaction === undefined) continue;
    closed = mapDelete(closed, transaction);
    closedAt = radixDelete(closedAt, index);
  }
  if (closed === transactions.closed) return transactions;
  const { prepared, intents, open } = transactions;
  return unlessEmpty({ prepared, intents, open, closed, closedAt });
}

/** Equal states are the same: one that knows of no transaction is as if there had never been any. */
function unlessEmpty(transactions: Transactions): Transactions {
  const { prepared, open, closed } = transactions;
  return isEmpty(prepared) && isEmpty(open) && isEmpty(closed) ? NO_TRANSACTIONS : transactions;
}

function isEmpty<T>({ size }: OrderedMap<T>): boolean {
  return size === 0;
}
