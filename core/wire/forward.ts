/** Operations handed from one node to another, and the answers. The group stands in the `NodeMessage` around them. */

import { unreachable } from '../machine/assert.js';
import type { LogIndex, NodeId } from '../machine/units.js';
import type { Forward, ForwardAnswer, ForwardResult } from '../node/protocol.js';
import type { Operation, Outcome } from '../partition/command.js';
import type { TransactionId } from '../partition/transaction-command.js';
import {
  malformed,
  readNested,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writePresentText,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { readLockOutcome, writeLockOutcome } from './lock-operations.js';
import { readOperation, writeOperation } from './operations.js';
import { readOutcome, readPage, writeOutcome, writePage } from './outcomes.js';
import { readSequenceOutcome, writeSequenceOutcome } from './sequence-records.js';
import { readTransactionOutcome, writeTransactionOutcome } from './transaction-outcomes.js';
import { checkedRequestId } from './values.js';

export function writeForward(writer: Writer, message: Forward): void {
  writeText(writer, 10, message.requestId);
  writeUnsigned(writer, 16, message.basis);
  writeOperation(writer, message.operation);
  if (message.within !== undefined) writeText(writer, 482, message.within);
}

/** The values in it are views of the input: the leader makes a command of them at once, which copies. */
export function readForward(reader: Reader): Omit<Forward, 'group'> {
  let requestId = '';
  let basis = 0;
  let operation: Operation | undefined;
  let within = '';
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        requestId = readText(reader, 'Forward.request_id');
        break;
      case 16:
        basis = readUnsigned(reader, 'Forward.basis');
        break;
      case 482:
        within = readText(reader, 'Forward.within');
        break;
      default: {
        const read = readOperation(reader, tag);
        if (read === undefined) skipField(reader, tag);
        else operation = read;
      }
    }
  }
  if (operation === undefined) malformed(reader, 'Forward holds no operation that this version knows');
  return {
    type: 'Forward',
    requestId: checkedRequestId(reader, requestId, 'Forward.request_id'),
    basis: basis as LogIndex,
    operation,
    ...(within === '' ? {} : { within: within as TransactionId }),
  };
}

export function writeForwardAnswer(writer: Writer, message: ForwardAnswer): void {
  writeText(writer, 10, message.requestId);
  const { result } = message;
  switch (result.type) {
    case 'Executed':
      writeNested(writer, 18, result, writeExecuted);
      return;
    case 'TryAgain':
      writeNested(writer, 26, result, writeTryAgain);
      return;
    default:
      unreachable(result);
  }
}

/** The value in it is a view of the input: it goes to the client, and then is gone. */
export function readForwardAnswer(reader: Reader): Omit<ForwardAnswer, 'group'> {
  let requestId = '';
  let result: ForwardResult | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        requestId = readText(reader, 'ForwardAnswer.request_id');
        break;
      case 18:
        result = readNested(reader, readExecuted);
        break;
      case 26:
        result = readNested(reader, readTryAgain);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (result === undefined) malformed(reader, 'ForwardAnswer holds no result that this version knows');
  return {
    type: 'ForwardAnswer',
    requestId: checkedRequestId(reader, requestId, 'ForwardAnswer.request_id'),
    result,
  };
}

type Executed = Extract<ForwardResult, { type: 'Executed' }>;
type TryAgain = Extract<ForwardResult, { type: 'TryAgain' }>;

function writeExecuted(writer: Writer, result: Executed): void {
  const { outcome } = result;
  if (outcome.family === undefined) writeNested(writer, 10, outcome, writeOutcome);
  writeUnsigned(writer, 16, result.index);
  if (result.reason !== undefined) writePresentText(writer, 26, result.reason);
  if (outcome.family === 'page') writeNested(writer, 34, outcome, writePage);
  if (outcome.family === 'lock') writeNested(writer, 42, outcome, writeLockOutcome);
  if (outcome.family === 'sequence') writeNested(writer, 50, outcome, writeSequenceOutcome);
  if (outcome.family === 'transaction') writeNested(writer, 58, outcome, writeTransactionOutcome);
}

function readExecuted(reader: Reader): Executed {
  let outcome: Outcome | undefined;
  let index = 0;
  let reason: string | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        outcome = readNested(reader, readOutcome);
        break;
      case 16:
        index = readUnsigned(reader, 'Executed.index');
        break;
      case 26:
        reason = readText(reader, 'Executed.reason');
        break;
      case 34:
        outcome = readNested(reader, readPage);
        break;
      case 42:
        outcome = readNested(reader, readLockOutcome);
        break;
      case 50:
        outcome = readNested(reader, readSequenceOutcome);
        break;
      case 58:
        outcome = readNested(reader, readTransactionOutcome);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (outcome === undefined) malformed(reader, 'Executed holds no outcome that this version knows');
  const executed: Executed = { type: 'Executed', outcome, index: index as LogIndex };
  return reason === undefined ? executed : { ...executed, reason };
}

function writeTryAgain(writer: Writer, result: TryAgain): void {
  writeUnsigned(writer, 8, result.leader);
  writeText(writer, 18, result.reason);
  writeBool(writer, 24, result.overloaded);
}

function readTryAgain(reader: Reader): TryAgain {
  let leader = 0;
  let reason = '';
  let overloaded = false;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        leader = readUnsigned(reader, 'TryAgain.leader');
        break;
      case 18:
        reason = readText(reader, 'TryAgain.reason');
        break;
      case 24:
        overloaded = readUnsigned(reader, 'TryAgain.overloaded') !== 0;
        break;
      default:
        skipField(reader, tag);
    }
  }
  return { type: 'TryAgain', leader: leader as NodeId, reason, overloaded };
}
