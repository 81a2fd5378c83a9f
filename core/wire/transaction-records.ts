/** The records of a partition's state that are about transactions, and what is read of them from the chunks of a snapshot. */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import { mapGet } from '../collections/ordered-map.js';
import { radixGet } from '../collections/radix-array.js';
import type { GroupId, LogIndex, Revision } from '../machine/units.js';
import {
  intentOn,
  NO_TRANSACTIONS,
  withPrepared,
  type PreparedTransaction,
  type TransactionRecord,
  type Transactions,
} from '../partition/prepared.js';
import type { Participant, StagedWrite, TransactionId } from '../partition/transaction-command.js';
import { withClosed, withOpen } from '../partition/transaction-records.js';
import {
  keepable,
  malformed,
  positive,
  readList,
  readNested,
  readText,
  readUnsigned,
  skipField,
  writeList,
  writeNested,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { checkedTransaction, readParticipant, writeParticipant } from './transaction-outcomes.js';
import { readStagedWrite, writeStagedWrite } from './transaction-parts.js';
import { readTimestamp, writeTimestamp } from './values.js';

export function writePrepared(writer: Writer, transaction: string, prepared: PreparedTransaction): void {
  writeText(writer, 10, transaction);
  writeUnsigned(writer, 16, prepared.anchor);
  writeTimestamp(writer, 26, prepared.preparedAt);
  writeUnsigned(writer, 32, prepared.index);
  for (const write of prepared.writes) writeNested(writer, 42, write, writeStagedWrite);
}

interface NamedPrepared {
  readonly transaction: TransactionId;
  readonly prepared: PreparedTransaction;
}

/** The values in it are copies of their own, as in all records of a state. */
function readPrepared(reader: Reader): NamedPrepared {
  let transaction = '';
  let anchor = 0;
  let preparedAt = ZERO_TIMESTAMP;
  let index = 0;
  const writes: StagedWrite[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        transaction = readText(reader, 'PreparedTransaction.transaction');
        break;
      case 16:
        anchor = readUnsigned(reader, 'PreparedTransaction.anchor');
        break;
      case 26:
        preparedAt = readTimestamp(reader);
        break;
      case 32:
        index = readUnsigned(reader, 'PreparedTransaction.index');
        break;
      case 42:
        writes.push(keepableWrite(readNested(reader, readStagedWrite)));
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (preparedAt.node === 0) malformed(reader, 'PreparedTransaction.prepared_at is missing');
  if (writes.length === 0) malformed(reader, 'a PreparedTransaction writes nothing');
  return {
    transaction: checkedTransaction(reader, transaction, 'PreparedTransaction.transaction'),
    prepared: {
      anchor: positive(reader, anchor, 'PreparedTransaction.anchor') as GroupId,
      preparedAt,
      index: positive(reader, index, 'PreparedTransaction.index') as LogIndex,
      writes,
    },
  };
}

/** The write with its value where it may stay. */
export function keepableWrite(write: StagedWrite): StagedWrite {
  return write.type === 'Set' && write.value !== null ? { ...write, value: keepable(write.value) } : write;
}

/** Their numbers, counted from 1. */
const STATES: readonly TransactionRecord['state'][] = ['Undecided', 'Committed', 'Aborted', 'Settled'];

export function writeRecord(writer: Writer, transaction: string, record: TransactionRecord): void {
  writeText(writer, 10, transaction);
  writeUnsigned(writer, 16, STATES.indexOf(record.state) + 1);
  writeTimestamp(writer, 26, record.at);
  for (const participant of record.participants) writeNested(writer, 34, participant, writeParticipant);
  writeList(writer, 42, record.revisions);
  writeUnsigned(writer, 48, record.index);
}

interface NamedRecord {
  readonly transaction: TransactionId;
  readonly record: TransactionRecord;
}

function readRecord(reader: Reader): NamedRecord {
  let transaction = '';
  let number = 0;
  let at = ZERO_TIMESTAMP;
  const participants: Participant[] = [];
  let revisions: readonly number[] = [];
  let index = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        transaction = readText(reader, 'TransactionRecord.transaction');
        break;
      case 16:
        number = readUnsigned(reader, 'TransactionRecord.state');
        break;
      case 26:
        at = readTimestamp(reader);
        break;
      case 34:
        participants.push(readNested(reader, readParticipant));
        break;
      case 42:
        revisions = readList(reader, 'TransactionRecord.revisions');
        break;
      case 48:
        index = readUnsigned(reader, 'TransactionRecord.index');
        break;
      default:
        skipField(reader, tag);
    }
  }
  const state = STATES[number - 1];
  if (state === undefined) malformed(reader, `TransactionRecord.state ${number} is unknown`);
  if ((at.node === 0) !== (state === 'Aborted' || state === 'Settled')) {
    malformed(reader, `a TransactionRecord is ${state}, ${at.node === 0 ? 'without' : 'but has'} a time`);
  }
  return {
    transaction: checkedTransaction(reader, transaction, 'TransactionRecord.transaction'),
    record: {
      state,
      at,
      participants,
      revisions: revisions as readonly Revision[],
      index: positive(reader, index, 'TransactionRecord.index') as LogIndex,
    },
  };
}

/** What of a state's transactions was read so far. */
export interface ReadTransactions {
  readonly transactions: Transactions;
  readonly lastPrepared: string;
  readonly lastOpen: string;
  readonly lastClosed: string;
  /** The lowest index at which a record was closed, 0 for none; and the highest index of all. */
  readonly firstClosed: number;
  readonly lastIndex: number;
}

export const NOTHING_READ: ReadTransactions = {
  transactions: NO_TRANSACTIONS,
  lastPrepared: '',
  lastOpen: '',
  lastClosed: '',
  firstClosed: 0,
  lastIndex: 0,
};

export function addPrepared(reader: Reader, read: ReadTransactions): ReadTransactions {
  const { transaction, prepared } = readNested(reader, readPrepared);
  checkOrder(reader, transaction, read.lastPrepared);
  const keys = new Set<string>();
  for (const { key } of prepared.writes) {
    if (keys.has(key) || intentOn(read, key) !== undefined) {
      malformed(reader, `there are two intents on the key "${key}"`);
    }
    keys.add(key);
  }
  const transactions = withPrepared(read.transactions, transaction, prepared);
  const lastIndex = Math.max(read.lastIndex, prepared.index);
  return { ...read, transactions, lastPrepared: transaction, lastIndex };
}

export function addOpen(reader: Reader, read: ReadTransactions): ReadTransactions {
  const { transaction, record } = readNested(reader, readRecord);
  checkOrder(reader, transaction, read.lastOpen);
  if (record.state !== 'Undecided' && record.state !== 'Committed') {
    malformed(reader, `a TransactionRecord is open, but ${record.state}`);
  }
  const transactions = withOpen(read.transactions, transaction, record);
  const lastIndex = Math.max(read.lastIndex, record.index);
  return { ...read, transactions, lastOpen: transaction, lastIndex };
}

export function addClosed(reader: Reader, read: ReadTransactions): ReadTransactions {
  const { transaction, record } = readNested(reader, readRecord);
  const { open, closedAt } = read.transactions;
  checkOrder(reader, transaction, read.lastClosed);
  if (record.state === 'Undecided') malformed(reader, 'a TransactionRecord is closed, but Undecided');
  if (mapGet(open, transaction) !== undefined) malformed(reader, 'a TransactionRecord is open and closed');
  if (radixGet(closedAt, record.index) !== undefined) {
    malformed(reader, `two TransactionRecords were closed at ${record.index}`);
  }
  const transactions = withClosed(read.transactions, transaction, record);
  const { index } = record;
  return {
    ...read,
    transactions,
    lastClosed: transaction,
    firstClosed: read.firstClosed === 0 ? index : Math.min(read.firstClosed, index),
    lastIndex: Math.max(read.lastIndex, index),
  };
}

function checkOrder(reader: Reader, transaction: string, last: string): void {
  if (transaction <= last) malformed(reader, 'the transactions of a state are not in ascending order');
}

/** That nothing of it is later than the state, and nothing closed should be forgotten. */
export function checkIndexes(
  reader: Reader,
  { firstClosed, lastIndex }: ReadTransactions,
  applied: number,
  forgotten: number,
): void {
  if (lastIndex > applied || (firstClosed > 0 && firstClosed <= forgotten)) {
    malformed(
      reader,
      `a transaction is of ${firstClosed} to ${lastIndex}, but must lie after ${forgotten} and not after ${applied}`,
    );
  }
}
