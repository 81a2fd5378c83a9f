/**
 * What a partition keeps of transactions: those that are prepared, with their intents by key, and the records of decisions.
 *
 * An intent keeps a key as it is: until its transaction is settled nobody else writes the key, and it does not come to its
 * end. Who reads a key with an intent has to wait, because the transaction may be committed already, elsewhere.
 */

import { compareTimestamps, type Timestamp } from '../clock/hybrid-clock.js';
import {
  emptyOrderedMap,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  type OrderedMap,
} from '../collections/ordered-map.js';
import { emptyRadixArray, type RadixArray } from '../collections/radix-array.js';
import type { GroupId, LogIndex, Revision } from '../machine/units.js';
import type { Participant, StagedWrite, TransactionId } from './transaction-command.js';

export interface Transactions {
  readonly prepared: OrderedMap<PreparedTransaction>;
  /** Of every key that a prepared transaction writes, whose it is; follows from `prepared`. */
  readonly intents: OrderedMap<TransactionId>;
  /** Records that are not finished: undecided, or committed and perhaps not settled everywhere. */
  readonly open: OrderedMap<TransactionRecord>;
  /** Records that will be forgotten. */
  readonly closed: OrderedMap<TransactionRecord>;
  /** Which record was closed by the entry at an index; follows from `closed`. */
  readonly closedAt: RadixArray<TransactionId>;
}

/** Of every partition in which no transaction is known, and of no other one. */
export const NO_TRANSACTIONS: Transactions = {
  prepared: emptyOrderedMap(),
  intents: emptyOrderedMap(),
  open: emptyOrderedMap(),
  closed: emptyOrderedMap(),
  closedAt: emptyRadixArray(),
};

/** A partition's part of a transaction that may yet be committed. */
export interface PreparedTransaction {
  /** The group that holds the record. */
  readonly anchor: GroupId;
  /** It is committed at this time or later. */
  readonly preparedAt: Timestamp;
  /** Of the entry that prepared it. */
  readonly index: LogIndex;
  /** One or more, each of another key. */
  readonly writes: readonly StagedWrite[];
}

/**
 * What a partition knows of a transaction:
 *
 * - `Undecided`, `Committed`, `Aborted`: the record of the decision, kept by the anchor.
 * - `Settled`: a receipt, of a part that was settled here. Whatever asks later to prepare that part comes too late.
 */
export interface TransactionRecord {
  readonly state: 'Undecided' | 'Committed' | 'Aborted' | 'Settled';
  /** Undecided: when it was prepared here. Committed: the time of its versions. Zero otherwise. */
  readonly at: Timestamp;
  readonly participants: readonly Participant[];
  /** Of a commit at once: what it told. Empty otherwise. */
  readonly revisions: readonly Revision[];
  /** Of the entry that opened, decided, or closed it. */
  readonly index: LogIndex;
}

/** What the functions here read of a partition's contents. */
export interface HasTransactions {
  readonly transactions: Transactions;
}

/** Whose intent is on the key, if anybody's is. */
export function intentOn({ transactions }: HasTransactions, key: string): TransactionId | undefined {
  return transactions.intents.size === 0 ? undefined : mapGet(transactions.intents, key);
}

export function preparedIn(
  { transactions }: HasTransactions,
  transaction: TransactionId,
): PreparedTransaction | undefined {
  return mapGet(transactions.prepared, transaction);
}

/** Calls `visit` for the transactions that are prepared here, in the order of their names, until it returns false. */
export function forEachPrepared(
  { transactions }: HasTransactions,
  visit: (transaction: TransactionId, prepared: PreparedTransaction) => boolean | void,
): void {
  mapForEach(transactions.prepared, (name, prepared) => visit(name as TransactionId, prepared));
}

export function withPrepared(
  transactions: Transactions,
  transaction: TransactionId,
  prepared: PreparedTransaction,
): Transactions {
  let { intents } = transactions;
  for (const { key } of prepared.writes) intents = mapSet(intents, key, transaction);
  return { ...transactions, prepared: mapSet(transactions.prepared, transaction, prepared), intents };
}

export function withoutPrepared(
  transactions: Transactions,
  transaction: TransactionId,
  { writes }: PreparedTransaction,
): Transactions {
  let { intents } = transactions;
  for (const { key } of writes) intents = mapDelete(intents, key);
  return { ...transactions, prepared: mapDelete(transactions.prepared, transaction), intents };
}

/** Whether the transaction may be committed at that time or before. */
export function mayShowAt(
  { transactions }: HasTransactions,
  transaction: TransactionId,
  at: Timestamp | undefined,
): boolean {
  if (at === undefined) return true;
  const prepared = mapGet(transactions.prepared, transaction);
  return prepared !== undefined && compareTimestamps(prepared.preparedAt, at) <= 0;
}
