/** What coordinators ask of partitions: one kind of message for all of it, in which each operation has its own fields. */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import type { GroupId, LogIndex } from '../machine/units.js';
import type {
  Decision,
  LockNeed,
  Observation,
  Participant,
  StagedWrite,
  TransactionOperation,
} from '../partition/transaction-command.js';
import { checkedExpiry, EPHEMERAL, ephemeralIf, writeEphemeral } from './key-operations.js';
import {
  malformed,
  positive,
  readNested,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writePresentUnsigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import {
  readNeed,
  readObservation,
  readStagedWrite,
  writeNeed,
  writeObservation,
  writeStagedWrite,
} from './transaction-parts.js';
import { checkedTransaction, readParticipant, writeParticipant } from './transaction-outcomes.js';
import { readTimestamp, writeTimestamp } from './values.js';

/** Their numbers, counted from 1. */
const TYPES: readonly TransactionOperation['type'][] = [
  'Prepare',
  'CommitAtOnce',
  'Validate',
  'Decide',
  'Settle',
  'Finish',
  'GetDecision',
  'AcquireTransactionLocks',
  'ReleaseTransactionLocks',
];

export function writeTransactionOperation(writer: Writer, operation: TransactionOperation): void {
  writeUnsigned(writer, 8, TYPES.indexOf(operation.type) + 1);
  writeUnsigned(writer, 16, operation.group);
  writeText(writer, 26, operation.transaction);
  if (operation.type === 'Prepare') writeUnsigned(writer, 32, operation.anchor);
  if ('participants' in operation) {
    for (const participant of operation.participants ?? []) {
      writeNested(writer, 42, participant, writeParticipant);
    }
  }
  if ('writes' in operation) {
    for (const write of operation.writes) writeNested(writer, 50, write, writeStagedWrite);
  }
  if ('reads' in operation) {
    for (const read of operation.reads) writeNested(writer, 58, read, writeObservation);
  }
  const at = timeOf(operation);
  if (at !== undefined) writeTimestamp(writer, 66, at);
  if ('since' in operation && operation.since !== undefined)
    writePresentUnsigned(writer, 72, operation.since);
  if ('needs' in operation) {
    for (const need of operation.needs ?? []) writeNested(writer, 82, need, writeNeed);
  }
  if (operation.type === 'AcquireTransactionLocks') {
    writeUnsigned(writer, 88, operation.leaseMs);
    writeBool(writer, 96, operation.once === true);
    writeBool(writer, 104, operation.show === true);
  }
  if ('ephemeral' in operation) writeEphemeral(writer, operation);
}

/** The time of a commit, made or to be made. */
function timeOf(operation: TransactionOperation): Timestamp | undefined {
  if (operation.type === 'Validate') return operation.at;
  if (operation.type !== 'Decide' && operation.type !== 'Settle') return undefined;
  return operation.decision.type === 'Commit' ? operation.decision.at : undefined;
}

interface Fields {
  type: number;
  group: number;
  transaction: string;
  anchor: number;
  readonly participants: Participant[];
  readonly writes: StagedWrite[];
  readonly reads: Observation[];
  at: Timestamp;
  since: number | undefined;
  readonly needs: LockNeed[];
  leaseMs: number;
  once: number;
  show: number;
  ephemeral: number;
}

/** The values in it are views of the input. */
export function readTransactionOperation(reader: Reader): TransactionOperation {
  const fields: Fields = {
    type: 0,
    group: 0,
    transaction: '',
    anchor: 0,
    participants: [],
    writes: [],
    reads: [],
    at: ZERO_TIMESTAMP,
    since: undefined,
    needs: [],
    leaseMs: 0,
    once: 0,
    show: 0,
    ephemeral: 0,
  };
  while (reader.pos < reader.len) readField(reader, fields);
  return operationOf(reader, fields);
}

function readField(reader: Reader, fields: Fields): void {
  const tag = reader.tag();
  switch (tag) {
    case 8:
      fields.type = readUnsigned(reader, 'TransactionOperation.type');
      return;
    case 16:
      fields.group = readUnsigned(reader, 'TransactionOperation.group');
      return;
    case 26:
      fields.transaction = readText(reader, 'TransactionOperation.transaction');
      return;
    case 32:
      fields.anchor = readUnsigned(reader, 'TransactionOperation.anchor');
      return;
    case 42:
      fields.participants.push(readNested(reader, readParticipant));
      return;
    case 50:
      fields.writes.push(readNested(reader, readStagedWrite));
      return;
    case 58:
      fields.reads.push(readNested(reader, readObservation));
      return;
    case 66:
      fields.at = readTimestamp(reader);
      return;
    case 72:
      fields.since = readUnsigned(reader, 'TransactionOperation.since');
      return;
    case 82:
      fields.needs.push(readNested(reader, readNeed));
      return;
    case 88:
      fields.leaseMs = readUnsigned(reader, 'TransactionOperation.lease_ms');
      return;
    case 96:
      fields.once = readUnsigned(reader, 'TransactionOperation.once');
      return;
    case 104:
      fields.show = readUnsigned(reader, 'TransactionOperation.show');
      return;
    case EPHEMERAL:
      fields.ephemeral = readUnsigned(reader, 'TransactionOperation.ephemeral');
      return;
    default:
      skipField(reader, tag);
  }
}

function operationOf(reader: Reader, fields: Fields): TransactionOperation {
  const { writes, reads, at, needs } = fields;
  const type = TYPES[fields.type - 1];
  const group = positive(reader, fields.group, 'TransactionOperation.group') as GroupId;
  const transaction = checkedTransaction(reader, fields.transaction, 'TransactionOperation.transaction');
  const common = { group, transaction };
  const participants = fields.participants.length === 0 ? {} : { participants: fields.participants };
  const since = fields.since === undefined ? {} : { since: fields.since as LogIndex };
  const ephemeral = ephemeralIf(fields.ephemeral);
  const decision: Decision = at.node === 0 ? { type: 'Abort' } : { type: 'Commit', at };
  switch (type) {
    case 'Prepare': {
      const anchor = positive(reader, fields.anchor, 'TransactionOperation.anchor') as GroupId;
      return { type, ...common, anchor, ...participants, writes, reads, ...since, ...ephemeral };
    }
    case 'CommitAtOnce':
      return { type, ...common, writes, reads, ...since, ...ephemeral };
    case 'Validate':
      return { type, ...common, reads, ...(at.node === 0 ? {} : { at }), ...ephemeral };
    case 'Decide':
      return { type, ...common, decision, ...participants, ...since };
    case 'Settle':
      return { type, ...common, decision, ...ephemeral };
    case 'Finish':
    case 'GetDecision':
      return { type, ...common };
    case 'AcquireTransactionLocks': {
      const leaseMs = checkedExpiry(reader, fields.leaseMs, 'TransactionOperation.lease_ms');
      return {
        type,
        ...common,
        needs,
        leaseMs,
        ...(fields.once === 0 ? {} : { once: true as const }),
        ...(fields.show === 0 ? {} : { show: true as const }),
        ...ephemeral,
      };
    }
    case 'ReleaseTransactionLocks':
      return { type, ...common, ...(needs.length === 0 ? {} : { needs }), ...ephemeral };
    default:
      return malformed(reader, `TransactionOperation.type ${fields.type} is unknown`);
  }
}
