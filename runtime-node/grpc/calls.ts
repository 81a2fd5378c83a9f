/** The unary calls of the services: what each reads, does and answers (gRPC specification, sections 2 to 5). */

import { randomUUID } from 'node:crypto';

import type { SessionAnswer } from '../../core/index.js';
import { ask, type ApiBackend } from '../api/backend.js';
import { callScript, callSession } from '../api/calls/session.js';
import { doBatch, type BatchDone } from '../api/calls/batch.js';
import { doBucket, doRange, doScanAll, type RowsDone } from '../api/calls/range.js';
import type { RequestReader } from '../api/request-reader.js';
import { operationIn, type Asked } from '../api/requests/asked.js';
import * as batches from '../api/requests/batch.js';
import * as holds from '../api/requests/hold.js';
import * as keyValues from '../api/requests/key-value.js';
import * as locks from '../api/requests/lock.js';
import { readBucket, readRange, type RangeAsked } from '../api/requests/range.js';
import * as sequences from '../api/requests/sequence.js';
import * as sessions from '../api/requests/session.js';
import { sequenceNameIn } from '../api/rest.js';
import * as answers from './answers.js';
import { CLUSTER_CALLS, type UnaryCall } from './cluster-calls.js';
import { readMessage, type Message } from './message-reader.js';
import * as sessionAnswers from './session-answers.js';

/** By service and method; what is not here is not implemented. */
export const UNARY_CALLS: Readonly<Record<string, UnaryCall>> = {
  '/Locker/TryLock': point(locks.readAcquire, answers.lockMessage),
  '/Locker/TryExtendLock': point(locks.readExtendLock, answers.lockMessage),
  '/Locker/Unlock': point(locks.readRelease, answers.unlockMessage),
  '/Locker/GetLock': point(locks.readGetLock, answers.lockInfoMessage),

  '/KeyValuer/TrySetKeyValue': point(keyValues.readSet, answers.writeMessage),
  '/KeyValuer/TryExtendKeyValue': point(keyValues.readExtend, answers.writeMessage),
  '/KeyValuer/TryDeleteKeyValue': point(keyValues.readDelete, answers.writeMessage),
  '/KeyValuer/TryGetKeyValue': point(keyValues.readGet, answers.getMessage),
  '/KeyValuer/TryExistsKeyValue': point(keyValues.readExists, answers.existsMessage),
  '/KeyValuer/TrySetManyKeyValue': batch(batches.readSetMany, answers.writesMessage),
  '/KeyValuer/TryDeleteManyKeyValue': batch(batches.readDeleteMany, answers.writesMessage),
  '/KeyValuer/TryGetManyValues': batch(batches.readGetMany, answers.readsMessage),
  '/KeyValuer/TryExistsManyValues': batch(batches.readExistsMany, answers.readsMessage),
  '/KeyValuer/GetByRange': range(readRange, doRange, answers.pageMessage),
  '/KeyValuer/GetByBucket': range(readBucket, doBucket, answers.rowsMessage),
  '/KeyValuer/ScanAllByPrefix': range(readBucket, doScanAll, answers.rowsMessage),

  '/KeyValuer/TryExecuteTransactionScript': async (backend, request) => {
    const elapsed = stopwatch();
    // A text that is left out is an empty one here, which is a script with a mistake in it.
    const whole = { Script: new Uint8Array(0), ...request };
    const asked = sessions.readRun(sessions.grpcPriority)(readMessage(whole));
    return sessionAnswers.runMessage(await callScript(backend, asked), elapsed());
  },
  '/KeyValuer/StartTransaction': session(
    sessions.readStart(sessions.grpcPriority),
    sessionAnswers.startMessage,
  ),
  '/KeyValuer/CommitTransaction': session(sessions.readCommit, sessionAnswers.endMessage),
  '/KeyValuer/RollbackTransaction': session(sessions.readRollback, sessionAnswers.codeMessage),
  '/KeyValuer/TryAcquireExclusiveLock': session(sessions.readKeyLock, sessionAnswers.sessionLockMessage),
  '/KeyValuer/TryAcquireExclusivePrefixLock': session(
    sessions.readPrefixLock,
    sessionAnswers.sessionLockMessage,
  ),
  '/KeyValuer/TryAcquireExclusiveRangeLock': session(
    sessions.readRangeLock,
    sessionAnswers.sessionLockMessage,
  ),
  '/KeyValuer/TryReleaseExclusivePrefixLock': session(
    sessions.readPrefixUnlock(randomUUID),
    sessionAnswers.codeMessage,
  ),
  '/KeyValuer/TryReleaseExclusiveRangeLock': session(
    sessions.readRangeUnlock(randomUUID),
    sessionAnswers.codeMessage,
  ),
  '/KeyValuer/AcquireSnapshotHold': point(holds.readAcquireHold, answers.acquiredHoldMessage),
  '/KeyValuer/RenewSnapshotHold': point(holds.readRenewHold, answers.renewedHoldMessage),
  '/KeyValuer/ReleaseSnapshotHold': point(holds.readReleaseHold, answers.releasedHoldMessage),
  '/KeyValuer/GetSnapshotFloor': point(holds.readGetFloor, answers.floorMessage),

  '/Sequencer/CreateSequence': point(sequences.readCreate, answers.sequenceMessage),
  '/Sequencer/UpdateSequence': point(sequences.readUpdate, answers.sequenceMessage),
  '/Sequencer/GetSequence': point(sequences.readGetSequence, answers.sequenceRecordMessage),
  '/Sequencer/NextSequenceValue': allocation(sequences.readNext),
  '/Sequencer/ReserveSequenceRange': allocation(sequences.readReserve),
  '/Sequencer/DeleteSequence': point(sequences.readDeleteSequence, answers.sequenceMessage),

  ...CLUSTER_CALLS,
};

function point(read: (request: RequestReader) => Asked, write: answers.WriteAnswer): UnaryCall {
  return async (backend, request) => {
    const elapsed = stopwatch();
    return write(await ask(backend, read(readMessage(request))), elapsed());
  };
}

function session(
  read: (request: RequestReader) => sessions.CallAsked,
  write: (answer: SessionAnswer) => Message,
): UnaryCall {
  return async (backend, request) => write(await callSession(backend, read(readMessage(request))));
}

function allocation(read: (request: RequestReader) => Asked): UnaryCall {
  return async (backend, request) => {
    const elapsed = stopwatch();
    const asked = read(readMessage(request));
    const name = sequenceNameIn(operationIn(asked));
    return answers.allocationMessage(name, await ask(backend, asked), elapsed());
  };
}

function batch(
  read: (request: RequestReader) => batches.BatchAsked,
  write: (done: BatchDone, elapsedMs: number) => Message,
): UnaryCall {
  return async (backend, request) => {
    const elapsed = stopwatch();
    return write(await doBatch(backend, read(readMessage(request))), elapsed());
  };
}

function range(
  read: (request: RequestReader) => RangeAsked,
  run: (backend: ApiBackend, asked: RangeAsked) => Promise<RowsDone>,
  write: (done: RowsDone) => Message,
): UnaryCall {
  return async (backend, request) => write(await run(backend, read(readMessage(request))));
}

/** Whole milliseconds since it was made. */
function stopwatch(): () => number {
  const startedAt = performance.now();
  return () => Math.round(performance.now() - startedAt);
}
