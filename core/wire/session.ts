/** Calls about transactions, the answers of sessions, and the search for deadlocks: between nodes they are fields 60 to 63 of a `NodeMessage`. */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import { unreachable } from '../machine/assert.js';
import {
  MAX_PATH,
  type Condemn,
  type SessionForward,
  type SessionForwarded,
  type SessionMessage,
  type WaitProbe,
} from '../node/protocol.js';
import type { KeyValueOperation, Operation } from '../partition/command.js';
import type { LockNeed, TransactionId } from '../partition/transaction-command.js';
import { MAX_REQUEST_ID_LENGTH } from '../partition/validate.js';
import type { Parameter } from '../script/step.js';
import {
  SessionCode,
  TRANSACTION_PRIORITIES,
  type LockInTransaction,
  type OperateInTransaction,
  type RunScript,
  type SessionAnswer,
  type SessionOperation,
  type SessionOptions,
  type TransactionCall,
  type TransactionHandle,
  type TransactionPriority,
  type UnlockInTransaction,
} from '../transactions/calls.js';
import type { Decoded } from './decoded.js';
import {
  decoded,
  encoded,
  keepable,
  malformed,
  readNested,
  readSigned,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeOptionalBytes,
  writePresentText,
  writeSigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { readOperation, writeOperation } from './operations.js';
import { readOutcome, readPage, writeOutcome, writePage } from './outcomes.js';
import { checkedTransaction } from './transaction-outcomes.js';
import { readNeed, writeNeed } from './transaction-parts.js';
import { readTimestamp, readValue, writeTimestamp } from './values.js';

/** The bytes of a call. Equal calls give equal bytes. */
export function encodeTransactionCall(call: TransactionCall): Uint8Array {
  return encoded(call, writeCall);
}

/** The call that the bytes hold, or why they hold none; never throws. */
export function decodeTransactionCall(bytes: Uint8Array): Decoded<TransactionCall> {
  return decoded(bytes, 'a call about a transaction', readCall);
}

/** Writes the message as one of the fields 60 to 63 of a `NodeMessage`. */
export function writeSessionMessage(writer: Writer, message: SessionMessage): void {
  switch (message.type) {
    case 'SessionForward':
      return writeNested(writer, 482, message, writeSessionForward);
    case 'SessionForwarded':
      return writeNested(writer, 490, message, writeSessionForwarded);
    case 'WaitProbe':
      return writeNested(writer, 498, message, writeWaitProbe);
    case 'Condemn':
      return writeNested(writer, 506, message.cycle, writeWay);
    default:
      unreachable(message);
  }
}

/** Reads the message behind this tag of a `NodeMessage`; undefined, with nothing read, when it is not one of these. */
export function readSessionMessage(reader: Reader, tag: number): SessionMessage | undefined {
  switch (tag) {
    case 482:
      return readNested(reader, readSessionForward);
    case 490:
      return readNested(reader, readSessionForwarded);
    case 498:
      return readNested(reader, readWaitProbe);
    case 506:
      return readNested(reader, readCondemn);
    default:
      return undefined;
  }
}

function writeWaitProbe(writer: Writer, { path, on }: WaitProbe): void {
  writeWay(writer, path);
  writeText(writer, 18, on);
}

function writeWay(writer: Writer, way: readonly TransactionId[]): void {
  for (const transaction of way) writePresentText(writer, 10, transaction);
}

function readWaitProbe(reader: Reader): WaitProbe {
  const path: TransactionId[] = [];
  let on = '';
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) path.push(readTransaction(reader, 'WaitProbe.path'));
    else if (tag === 18) on = readText(reader, 'WaitProbe.on');
    else skipField(reader, tag);
  }
  checkWay(reader, path, 1, 'WaitProbe.path');
  return { type: 'WaitProbe', path, on: checkedTransaction(reader, on, 'WaitProbe.on') };
}

function readCondemn(reader: Reader): Condemn {
  const cycle: TransactionId[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) cycle.push(readTransaction(reader, 'Condemn.cycle'));
    else skipField(reader, tag);
  }
  checkWay(reader, cycle, 2, 'Condemn.cycle');
  return { type: 'Condemn', cycle };
}

function readTransaction(reader: Reader, what: string): TransactionId {
  return checkedTransaction(reader, readText(reader, what), what);
}

function checkWay(reader: Reader, way: readonly TransactionId[], least: number, what: string): void {
  if (way.length >= least && way.length <= MAX_PATH) return;
  malformed(reader, `${what} must name ${least} to ${MAX_PATH} transactions, but names ${way.length}`);
}

function checkedName(reader: Reader, name: string, what: string): string {
  if (name.length === 0 || name.length > MAX_REQUEST_ID_LENGTH) {
    malformed(reader, `${what} must have 1 to ${MAX_REQUEST_ID_LENGTH} characters, but has ${name.length}`);
  }
  return name;
}

function writeSessionForward(writer: Writer, { id, call }: SessionForward): void {
  writeText(writer, 10, id);
  writeNested(writer, 18, call, writeCall);
}

function readSessionForward(reader: Reader): SessionForward {
  let id = '';
  let call: TransactionCall | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) id = readText(reader, 'SessionForward.id');
    else if (tag === 18) call = readNested(reader, readCall);
    else skipField(reader, tag);
  }
  if (call === undefined || call.type === 'StartTransaction' || call.type === 'RunScript') {
    malformed(reader, 'SessionForward holds no call for a session');
  }
  return { type: 'SessionForward', id: checkedName(reader, id, 'SessionForward.id'), call };
}

function writeSessionForwarded(writer: Writer, { id, answer }: SessionForwarded): void {
  writeText(writer, 10, id);
  writeNested(writer, 18, answer, writeAnswer);
}

function readSessionForwarded(reader: Reader): SessionForwarded {
  let id = '';
  let answer: SessionAnswer | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) id = readText(reader, 'SessionForwarded.id');
    else if (tag === 18) answer = readNested(reader, readAnswer);
    else skipField(reader, tag);
  }
  if (answer === undefined) malformed(reader, 'SessionForwarded.answer is missing');
  return { type: 'SessionForwarded', id: checkedName(reader, id, 'SessionForwarded.id'), answer };
}

function writeCall(writer: Writer, call: TransactionCall): void {
  switch (call.type) {
    case 'StartTransaction':
      writeText(writer, 18, call.coordinatorKey);
      return writeNested(writer, 26, call.options, writeOptions);
    case 'OperateInTransaction':
      writeHandle(writer, call.handle);
      return writeNested(writer, 34, call, writeOperate);
    case 'CommitTransaction':
      writeHandle(writer, call.handle);
      return writeNested(writer, 42, call.anchorKey, writeAnchorKey);
    case 'RollbackTransaction':
      writeHandle(writer, call.handle);
      return writeNested(writer, 50, call.anchorKey, writeAnchorKey);
    case 'RunScript':
      return writeNested(writer, 58, call, writeRun);
    default:
      unreachable(call);
  }
}

function writeHandle(writer: Writer, { id, coordinatorKey }: TransactionHandle): void {
  writeTimestamp(writer, 10, id);
  writeText(writer, 18, coordinatorKey);
}

function writeAnchorKey(writer: Writer, anchorKey: string | undefined): void {
  if (anchorKey !== undefined) writePresentText(writer, 10, anchorKey);
}

type Body =
  | { readonly type: 'StartTransaction'; readonly options: SessionOptions }
  | Omit<OperateInTransaction, 'handle'>
  | { readonly type: 'CommitTransaction' | 'RollbackTransaction'; readonly anchorKey?: string }
  | RunScript;

function readCall(reader: Reader): TransactionCall {
  let id = ZERO_TIMESTAMP;
  let coordinatorKey = '';
  let body: Body | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        id = readTimestamp(reader);
        break;
      case 18:
        coordinatorKey = readText(reader, 'TransactionCall.coordinator_key');
        break;
      case 26:
        body = { type: 'StartTransaction', options: readNested(reader, readOptions) };
        break;
      case 34:
        body = readNested(reader, readOperate);
        break;
      case 42:
        body = { type: 'CommitTransaction', ...readNested(reader, readAnchorKey) };
        break;
      case 50:
        body = { type: 'RollbackTransaction', ...readNested(reader, readAnchorKey) };
        break;
      case 58:
        body = readNested(reader, readRun);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (body === undefined) malformed(reader, 'TransactionCall holds no call that this version knows');
  if (body.type === 'RunScript') return body;
  if (body.type === 'StartTransaction') return { type: body.type, coordinatorKey, options: body.options };
  const handle = { id, coordinatorKey };
  if (body.type === 'OperateInTransaction') {
    return { type: body.type, handle, operationId: body.operationId, operation: body.operation };
  }
  const { type, anchorKey } = body;
  return anchorKey === undefined ? { type, handle } : { type, handle, anchorKey };
}

function readAnchorKey(reader: Reader): { readonly anchorKey?: string } {
  let anchorKey: string | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) anchorKey = readText(reader, 'EndTransaction.anchor_key');
    else skipField(reader, tag);
  }
  return anchorKey === undefined ? {} : { anchorKey };
}

const LOCKINGS = ['pessimistic', 'optimistic'] as const;
const VALIDATIONS = ['none', 'trackAndValidate'] as const;
const DURABILITIES = ['bestEffort', 'durable'] as const;

function writeOptions(writer: Writer, options: SessionOptions): void {
  writeUnsigned(writer, 8, LOCKINGS.indexOf(options.locking));
  writeSigned(writer, 16, options.timeoutMs);
  writeSigned(writer, 24, options.admissionWaitMs);
  writeUnsigned(writer, 32, VALIDATIONS.indexOf(options.readValidation));
  writeUnsigned(writer, 40, DURABILITIES.indexOf(options.decisionDurability));
  if (options.readTimestamp !== undefined) writeTimestamp(writer, 50, options.readTimestamp);
  writeBool(writer, 56, options.asyncRelease);
  writeUnsigned(writer, 64, TRANSACTION_PRIORITIES.indexOf(options.priority));
}

function chosen<T>(reader: Reader, choices: readonly T[], number: number, what: string): T {
  const choice = choices[number];
  if (choice === undefined) malformed(reader, `${what} ${number} is unknown`);
  return choice;
}

function readOptions(reader: Reader): SessionOptions {
  let locking = 0;
  let timeoutMs = 0;
  let admissionWaitMs = 0;
  let readValidation = 0;
  let decisionDurability = 0;
  let readTime: Timestamp = ZERO_TIMESTAMP;
  let asyncRelease = 0;
  let priority = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        locking = readUnsigned(reader, 'StartTransaction.locking');
        break;
      case 16:
        timeoutMs = readSigned(reader, 'StartTransaction.timeout_ms');
        break;
      case 24:
        admissionWaitMs = readSigned(reader, 'StartTransaction.admission_wait_ms');
        break;
      case 32:
        readValidation = readUnsigned(reader, 'StartTransaction.read_validation');
        break;
      case 40:
        decisionDurability = readUnsigned(reader, 'StartTransaction.decision_durability');
        break;
      case 50:
        readTime = readTimestamp(reader);
        break;
      case 56:
        asyncRelease = readUnsigned(reader, 'StartTransaction.async_release');
        break;
      case 64:
        priority = readUnsigned(reader, 'StartTransaction.priority');
        break;
      default:
        skipField(reader, tag);
    }
  }
  return {
    locking: chosen(reader, LOCKINGS, locking, 'StartTransaction.locking'),
    timeoutMs,
    admissionWaitMs,
    readValidation: chosen(reader, VALIDATIONS, readValidation, 'StartTransaction.read_validation'),
    decisionDurability: chosen(
      reader,
      DURABILITIES,
      decisionDurability,
      'StartTransaction.decision_durability',
    ),
    ...(readTime.node === 0 ? {} : { readTimestamp: readTime }),
    asyncRelease: asyncRelease !== 0,
    priority: chosen(reader, TRANSACTION_PRIORITIES, priority, 'StartTransaction.priority'),
  };
}

function writeOperate(writer: Writer, { operationId, operation }: OperateInTransaction): void {
  writeText(writer, 10, operationId);
  if (operation.type === 'LockInTransaction') writeNested(writer, 18, operation, writeLock);
  else if (operation.type === 'UnlockInTransaction') writeNested(writer, 26, operation, writeLock);
  else writeOperation(writer, operation);
}

function readOperate(reader: Reader): Omit<OperateInTransaction, 'handle'> {
  let operationId = '';
  let operation: SessionOperation | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        operationId = readText(reader, 'OperateInTransaction.operation_id');
        break;
      case 18:
        operation = { type: 'LockInTransaction', ...readNested(reader, readLock) };
        break;
      case 26:
        operation = unlockOf(readNested(reader, readLock));
        break;
      default: {
        const read = readOperation(reader, tag);
        if (read === undefined) skipField(reader, tag);
        else operation = inSession(reader, read);
      }
    }
  }
  if (operation === undefined)
    malformed(reader, 'OperateInTransaction holds no operation that this version knows');
  return { type: 'OperateInTransaction', operationId, operation };
}

function unlockOf({ leaseMs: _, ...unlock }: Omit<LockInTransaction, 'type'>): UnlockInTransaction {
  return { type: 'UnlockInTransaction', ...unlock };
}

/** A session keeps what it is to write: that must not keep the whole frame. */
function inSession(reader: Reader, operation: Operation): KeyValueOperation {
  switch (operation.type) {
    case 'Set':
      return operation.value === null ? operation : { ...operation, value: keepable(operation.value) };
    case 'Delete':
    case 'Extend':
    case 'Get':
    case 'Exists':
    case 'Scan':
      return operation;
    default:
      return malformed(reader, `a session does no ${operation.type}`);
  }
}

function writeLock(writer: Writer, lock: LockInTransaction | UnlockInTransaction): void {
  writeNested(writer, 10, lock.need, writeNeed);
  if (lock.type === 'LockInTransaction') writeSigned(writer, 16, lock.leaseMs);
  writeBool(writer, 24, lock.ephemeral === true);
}

function readLock(reader: Reader): Omit<LockInTransaction, 'type'> {
  let need: LockNeed | undefined;
  let leaseMs = 0;
  let ephemeral = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        need = readNested(reader, readNeed);
        break;
      case 16:
        leaseMs = readSigned(reader, 'LockInTransaction.lease_ms');
        break;
      case 24:
        ephemeral = readUnsigned(reader, 'LockInTransaction.ephemeral');
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (need === undefined) malformed(reader, 'LockInTransaction.need is missing');
  return ephemeral === 0 ? { need, leaseMs } : { need, leaseMs, ephemeral: true };
}

function writeRun(writer: Writer, { script, hash, parameters, priority }: RunScript): void {
  writeOptionalBytes(writer, 10, script.length === 0 ? null : script);
  if (hash !== undefined) writePresentText(writer, 18, hash);
  for (const parameter of parameters) writeNested(writer, 26, parameter, writeParameter);
  writeUnsigned(writer, 32, TRANSACTION_PRIORITIES.indexOf(priority));
}

function readRun(reader: Reader): RunScript {
  let script: Uint8Array = new Uint8Array(0);
  let hash: string | undefined;
  const parameters: Parameter[] = [];
  let priority = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        script = keepable(readValue(reader, 'RunScript.script'));
        break;
      case 18:
        hash = readText(reader, 'RunScript.hash');
        break;
      case 26:
        parameters.push(readNested(reader, readParameter));
        break;
      case 32:
        priority = readUnsigned(reader, 'RunScript.priority');
        break;
      default:
        skipField(reader, tag);
    }
  }
  const urgency: TransactionPriority = chosen(reader, TRANSACTION_PRIORITIES, priority, 'RunScript.priority');
  const run = { type: 'RunScript', script, parameters, priority: urgency } as const;
  return hash === undefined ? run : { ...run, hash };
}

function writeParameter(writer: Writer, { name, value }: Parameter): void {
  writeText(writer, 10, name);
  if (value !== null) writePresentText(writer, 18, value);
}

function readParameter(reader: Reader): Parameter {
  let name = '';
  let value: string | null = null;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) name = readText(reader, 'Parameter.name');
    else if (tag === 18) value = readText(reader, 'Parameter.value');
    else skipField(reader, tag);
  }
  return { name, value };
}

function writeAnswer(writer: Writer, answer: SessionAnswer): void {
  const { code, id, holder, anchorKey, outcome, reason } = answer;
  writeUnsigned(writer, 8, code);
  if (id !== undefined) writeTimestamp(writer, 18, id);
  if (holder !== undefined) writeTimestamp(writer, 26, holder);
  if (anchorKey !== undefined) writePresentText(writer, 34, anchorKey);
  if (outcome !== undefined && outcome.family === undefined) writeNested(writer, 42, outcome, writeOutcome);
  if (outcome?.family === 'page') writeNested(writer, 50, outcome, writePage);
  if (reason !== undefined) writePresentText(writer, 58, reason);
}

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(SessionCode));

function readAnswer(reader: Reader): SessionAnswer {
  let code = 0;
  let id = ZERO_TIMESTAMP;
  let holder = ZERO_TIMESTAMP;
  let anchorKey: string | undefined;
  let outcome: SessionAnswer['outcome'];
  let reason: string | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        code = readUnsigned(reader, 'SessionAnswer.code');
        break;
      case 18:
        id = readTimestamp(reader);
        break;
      case 26:
        holder = readTimestamp(reader);
        break;
      case 34:
        anchorKey = readText(reader, 'SessionAnswer.anchor_key');
        break;
      case 42:
        outcome = readNested(reader, readOutcome);
        break;
      case 50:
        outcome = readNested(reader, readPage);
        break;
      case 58:
        reason = readText(reader, 'SessionAnswer.reason');
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (!KNOWN_CODES.has(code)) malformed(reader, `SessionAnswer.code ${code} is unknown`);
  return {
    family: 'session',
    code: code as SessionCode,
    ...(id.node === 0 ? {} : { id }),
    ...(holder.node === 0 ? {} : { holder }),
    ...(anchorKey === undefined ? {} : { anchorKey }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(reason === undefined ? {} : { reason }),
  };
}
