/**
 * From what a request says of its transaction to the session that it belongs to, and from requests about sessions, their locks and
 * scripts to the calls that they are (REST specification, sections 6 and 7; transaction specification, sections 2, 3 and 5).
 *
 * Where Kahuna's defaults surprise they are kept here: an omitted priority of a session is `background` in JSON, and that of a script
 * is `normal`. gRPC's numbers are one higher, so that 0 can mean "not said".
 */

import {
  SessionCode,
  TRANSACTION_PRIORITIES,
  type KeyBound,
  type LockNeed,
  type ScriptParameter,
  type SessionOptions,
  type Timestamp,
  type TransactionCall,
  type TransactionHandle,
  type TransactionPriority,
} from '../../../core/index.js';
import { INT32, type RequestReader } from '../request-reader.js';
import {
  problemWithDurability,
  problemWithTimestamp,
  readDurability,
  readReadTimestamp,
  readRequestId,
  storageOf,
} from './asked.js';

/** The session in which something is done, and the name of this one operation. */
export interface InSession {
  readonly handle: TransactionHandle;
  readonly operationId: string;
}

export type CallAsked =
  | { readonly type: 'Call'; readonly call: TransactionCall }
  | { readonly type: 'CallRefused'; readonly code: SessionCode; readonly reason: string };

/** Undefined outside of a transaction; words, where what is said of one makes no sense. */
export function readSession(reader: RequestReader): InSession | string | undefined {
  const id = reader.timestamp('transactionId');
  if (id !== undefined) return sessionOf(reader, id);
  return reader.text('coordinatorKey') === ''
    ? undefined
    : 'a coordinatorKey without a transactionId: send both, or neither';
}

/** That of a batch whose items name it; they are all of one. */
export function readBatchSession(
  reader: RequestReader,
  items: readonly RequestReader[],
): InSession | string | undefined {
  const [id, ...others] = items.map((item) => item.timestamp('transactionId'));
  if (!others.every((other) => isSame(id, other)))
    return 'the items of a batch must all have the same transactionId';
  if (id !== undefined) return sessionOf(reader, id);
  return items.length === 0 || reader.text('coordinatorKey') === ''
    ? undefined
    : 'a coordinatorKey without a transactionId: send both, or neither';
}

/** The same session, with a name of its own for one of the steps of which an operation consists. */
export function stepOf({ handle, operationId }: InSession, step: number): InSession {
  return { handle, operationId: `${operationId}/${step}` };
}

function isSame(a: Timestamp | undefined, b: Timestamp | undefined): boolean {
  return a?.node === b?.node && a?.wall === b?.wall && a?.counter === b?.counter;
}

function sessionOf(reader: RequestReader, id: Timestamp): InSession | string {
  const coordinatorKey = reader.text('coordinatorKey');
  const operationId = readRequestId(reader);
  const problem = problemWithId(id);
  if (problem !== undefined) return problem;
  if (coordinatorKey === '') return 'coordinatorKey: an operation in a transaction needs that of its start';
  if (operationId === undefined)
    return 'operationIdHigh, operationIdLow: an operation in a transaction needs an id that is not zero';
  return { handle: { id, coordinatorKey }, operationId };
}

function problemWithId({ node, wall, counter }: Timestamp): string | undefined {
  const isSound =
    [node, wall, counter].every((part) => Number.isSafeInteger(part) && part >= 0) &&
    node < 2 ** 31 &&
    counter < 2 ** 32;
  return isSound ? undefined : 'transactionId: it is not one that a node gave';
}

/** How a wire says how urgent something is. */
export type ReadPriority = (reader: RequestReader) => TransactionPriority;

export function jsonPriority(omitted: TransactionPriority): ReadPriority {
  return (reader) => {
    const place = reader.integer('priority', INT32, TRANSACTION_PRIORITIES.indexOf(omitted));
    return TRANSACTION_PRIORITIES[place] ?? 'normal';
  };
}

export const grpcPriority: ReadPriority = (reader) =>
  TRANSACTION_PRIORITIES[reader.integer('priority', INT32, 0) - 1] ?? 'normal';

const LOCKING = ['pessimistic', 'optimistic'] as const;
const READ_VALIDATION = ['none', 'trackAndValidate'] as const;
const DECISION_DURABILITY = ['bestEffort', 'durable'] as const;

/** @throws BadRequest, as all of these do. */
export function readStart(priorityOf: ReadPriority): (reader: RequestReader) => CallAsked {
  return (reader) => {
    const coordinatorKey = reader.text('coordinatorKey');
    const kinds = {
      lockingType: reader.integer('lockingType', INT32, 0),
      readValidation: reader.integer('readValidation', INT32, 0),
      decisionDurability: reader.integer('decisionDurability', INT32, 0),
    };
    const unknown = Object.entries(kinds).find(([, number]) => number !== 0 && number !== 1);
    const at = readReadTimestamp(reader);
    const options: SessionOptions = {
      locking: LOCKING[kinds.lockingType] ?? 'pessimistic',
      timeoutMs: reader.integer('timeout', INT32, 0),
      admissionWaitMs: reader.integer('admissionWaitMs', INT32, 0),
      readValidation: READ_VALIDATION[kinds.readValidation] ?? 'none',
      decisionDurability: DECISION_DURABILITY[kinds.decisionDurability] ?? 'bestEffort',
      ...(at === undefined ? {} : { readTimestamp: at }),
      asyncRelease: reader.flag('asyncRelease'),
      priority: priorityOf(reader),
    };
    if (coordinatorKey === '') return refusedCall('coordinatorKey: it must not be empty');
    if (unknown !== undefined) return refusedCall(`${unknown[0]} must be 0 or 1, but is ${unknown[1]}`);
    const problem = at === undefined ? undefined : problemWithTimestamp(at);
    if (problem !== undefined) return refusedCall(problem);
    return called({ type: 'StartTransaction', coordinatorKey, options });
  };
}

export function readCommit(reader: RequestReader): CallAsked {
  return readEnd(reader, 'CommitTransaction');
}

export function readRollback(reader: RequestReader): CallAsked {
  return readEnd(reader, 'RollbackTransaction');
}

function readEnd(reader: RequestReader, type: 'CommitTransaction' | 'RollbackTransaction'): CallAsked {
  const coordinatorKey = reader.text('coordinatorKey');
  const id = reader.timestamp('transactionId');
  const anchorKey = reader.text('recordAnchorKey');
  if (coordinatorKey === '') return refusedCall('coordinatorKey: it must not be empty');
  if (id === undefined) return refusedCall(NO_ID);
  const problem = problemWithId(id);
  if (problem !== undefined) return refusedCall(problem);
  return called({ type, handle: { id, coordinatorKey }, ...(anchorKey === '' ? {} : { anchorKey }) });
}

const NO_ID = 'transactionId: it must not be zero';

export function readKeyLock(reader: RequestReader): CallAsked {
  const key = reader.text('key');
  return readLock(reader, { type: 'KeyLock', key }, key === '' ? 'the key is empty' : undefined);
}

export function readPrefixLock(reader: RequestReader): CallAsked {
  return readLock(reader, ...prefixNeed(reader));
}

export function readRangeLock(reader: RequestReader): CallAsked {
  const mode = reader.integer('mode', INT32, 0);
  const problem = mode === 0 || mode === 1 ? undefined : `mode must be 0 or 1, but is ${mode}`;
  const [need, empty] = rangeNeed(reader, mode === 1 ? 'shared' : 'exclusive');
  return readLock(reader, need, empty ?? problem);
}

export function readPrefixUnlock(newId: () => string): (reader: RequestReader) => CallAsked {
  return (reader) => readUnlock(reader, newId, ...prefixNeed(reader));
}

export function readRangeUnlock(newId: () => string): (reader: RequestReader) => CallAsked {
  return (reader) => readUnlock(reader, newId, ...rangeNeed(reader, 'exclusive'));
}

type Need = readonly [LockNeed, string | undefined];

const NO_PREFIX = 'the prefix is empty';

/** REST calls the prefix `key`, gRPC `PrefixKey`. */
function prefixNeed(reader: RequestReader): Need {
  const prefix = reader.optionalText('prefixKey') ?? reader.text('key');
  return [{ type: 'PrefixLock', prefix }, prefix === '' ? NO_PREFIX : undefined];
}

function rangeNeed(reader: RequestReader, mode: 'exclusive' | 'shared'): Need {
  const prefix = reader.text('prefix');
  const from = boundOf(reader, 'start');
  const to = boundOf(reader, 'end');
  const need: LockNeed = {
    type: 'RangeLock',
    prefix,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    mode,
  };
  return [need, prefix === '' ? NO_PREFIX : undefined];
}

function boundOf(reader: RequestReader, which: 'start' | 'end'): KeyBound | undefined {
  const key = reader.optionalText(`${which}Key`);
  return key === null ? undefined : { key, inclusive: reader.flag(`${which}Inclusive`) };
}

function readLock(reader: RequestReader, need: LockNeed, problem: string | undefined): CallAsked {
  const durability = readDurability(reader);
  const leaseMs = reader.integer('expiresMs', INT32, 0);
  const session = readSession(reader);
  if (typeof session === 'string') return refusedCall(session);
  if (session === undefined) return refusedCall(NO_ID);
  const refusal = problem ?? problemWithDurability(durability);
  if (refusal !== undefined) return refusedCall(refusal);
  if (leaseMs < 0) {
    const reason = `expiresMs must be 0 (as long as the session) or more, but is ${leaseMs}`;
    return { type: 'CallRefused', code: SessionCode.errored, reason };
  }
  const operation = { type: 'LockInTransaction', need, leaseMs, ...storageOf(durability) } as const;
  return called({ type: 'OperateInTransaction', ...session, operation });
}

/** The contract's clients cannot say it here; nothing but the id says which session it is. */
const UNSAID_KEY = '-';

/** Clients name neither the coordinator key nor the operation: to release twice does nothing. */
function readUnlock(
  reader: RequestReader,
  newId: () => string,
  need: LockNeed,
  problem: string | undefined,
): CallAsked {
  const durability = readDurability(reader);
  const id = reader.timestamp('transactionId');
  if (id === undefined) return refusedCall(NO_ID);
  const refusal = problem ?? problemWithDurability(durability) ?? problemWithId(id);
  if (refusal !== undefined) return refusedCall(refusal);
  const handle = { id, coordinatorKey: reader.text('coordinatorKey') || UNSAID_KEY };
  const operation = { type: 'UnlockInTransaction', need, ...storageOf(durability) } as const;
  return called({ type: 'OperateInTransaction', handle, operationId: newId(), operation });
}

export function readRun(priorityOf: ReadPriority): (reader: RequestReader) => CallAsked {
  return (reader) => {
    const script = reader.bytes('script');
    const hash = reader.text('hash');
    const parameters = (reader.list('parameters') ?? []).map((one): ScriptParameter => ({
      name: one.text('key'),
      value: one.optionalText('value'),
    }));
    const priority = priorityOf(reader);
    if (script === null) return refusedCall('script: it is missing');
    return called({
      type: 'RunScript',
      script,
      ...(hash === '' ? {} : { hash }),
      parameters,
      priority,
    });
  };
}

function called(call: TransactionCall): CallAsked {
  return { type: 'Call', call };
}

function refusedCall(reason: string): CallAsked {
  return { type: 'CallRefused', code: SessionCode.invalidInput, reason };
}
