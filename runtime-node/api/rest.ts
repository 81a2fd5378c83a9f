/** The routes of the services: what each reads, does and answers (REST specification, sections 5, 6, 8 and 9). */

import { randomUUID } from 'node:crypto';

import type { Operation, SessionAnswer } from '../../core/index.js';
import { existsJson, getJson, writeJson } from './answers/key-value.js';
import { acquiredHoldJson, floorJson, releasedHoldJson, renewedHoldJson } from './answers/hold.js';
import { lockInfoJson, lockJson } from './answers/lock.js';
import { batchJson, pageJson, rowsJson, type BatchKind } from './answers/rows.js';
import { allocationJson, sequenceJson, sequenceRecordJson } from './answers/sequence.js';
import { endJson, runJson, sessionLockJson, startJson } from './answers/session.js';
import { ask, type Answered, type ApiBackend } from './backend.js';
import { doBatch } from './calls/batch.js';
import { doBucket, doRange, doScanAll, type RowsDone } from './calls/range.js';
import { callScript, callSession } from './calls/session.js';
import type { RequestReader } from './request-reader.js';
import { operationIn, type Asked } from './requests/asked.js';
import * as batches from './requests/batch.js';
import * as holds from './requests/hold.js';
import * as keyValues from './requests/key-value.js';
import * as locks from './requests/lock.js';
import { readBucket, readRange, type RangeAsked } from './requests/range.js';
import * as sequences from './requests/sequence.js';
import * as sessions from './requests/session.js';

/** Takes a body, and resolves to that of the answer. Throws `BadRequest` for what cannot be read. */
export type RestRoute = (backend: ApiBackend, body: RequestReader) => Promise<string>;

export const REST_ROUTES: Readonly<Record<string, RestRoute>> = {
  '/v1/locks/try-lock': point(locks.readAcquire, lockJson),
  '/v1/locks/try-extend': point(locks.readExtendLock, lockJson),
  '/v1/locks/try-unlock': point(locks.readRelease, lockJson),
  '/v1/locks/get-info': point(locks.readGetLock, lockInfoJson),
  '/v1/kv/try-set': point(keyValues.readSet, writeJson),
  '/v1/kv/try-extend': point(keyValues.readExtend, writeJson),
  '/v1/kv/try-delete': point(keyValues.readDelete, writeJson),
  '/v1/kv/try-get': point(keyValues.readGet, getJson),
  '/v1/kv/try-exists': point(keyValues.readExists, existsJson),
  '/v1/kv/try-set-many': batch('Set', batches.readSetMany),
  '/v1/kv/try-delete-many': batch('Delete', batches.readDeleteMany),
  '/v1/kv/try-get-many': batch('Get', batches.readGetMany),
  '/v1/kv/try-exists-many': batch('Exists', batches.readExistsMany),
  '/v1/kv/get-by-range': range(readRange, doRange, pageJson),
  '/v1/kv/get-by-bucket': range(readBucket, doBucket, rowsJson),
  '/v1/kv/scan-all-by-prefix': range(readBucket, doScanAll, rowsJson),
  '/v1/kv/snapshot-hold/acquire': point(holds.readAcquireHold, acquiredHoldJson),
  '/v1/kv/snapshot-hold/renew': point(holds.readRenewHold, renewedHoldJson),
  '/v1/kv/snapshot-hold/release': point(holds.readReleaseHold, releasedHoldJson),
  '/v1/kv/try-execute-tx-script': (backend, body) =>
    callScript(backend, sessions.readRun(sessions.jsonPriority('normal'))(body)).then(runJson),
  '/v1/kv/start-tx-session': session(sessions.readStart(sessions.jsonPriority('background')), startJson),
  '/v1/kv/commit-tx-session': session(sessions.readCommit, endJson),
  '/v1/kv/rollback-tx-session': session(sessions.readRollback, endJson),
  '/v1/kv/try-acquire-exclusive-lock': session(sessions.readKeyLock, sessionLockJson),
  '/v1/kv/try-acquire-prefix-lock': session(sessions.readPrefixLock, sessionLockJson),
  '/v1/kv/try-release-prefix-lock': session(sessions.readPrefixUnlock(randomUUID), sessionLockJson),
  '/v1/kv/try-acquire-range-lock': session(sessions.readRangeLock, sessionLockJson),
  '/v1/kv/try-release-range-lock': session(sessions.readRangeUnlock(randomUUID), sessionLockJson),
  '/v1/sequences/create': point(sequences.readCreate, sequenceJson),
  '/v1/sequences/update': point(sequences.readUpdate, sequenceJson),
  '/v1/sequences/get': point(sequences.readGetSequence, sequenceRecordJson),
  '/v1/sequences/next': allocation(sequences.readNext),
  '/v1/sequences/reserve': allocation(sequences.readReserve),
  '/v1/sequences/delete': point(sequences.readDeleteSequence, sequenceJson),
};

/** What is only looked at, with a GET. */
export const REST_LOOKS: Readonly<Record<string, (backend: ApiBackend) => Promise<string>>> = {
  '/v1/kv/snapshot-floor': (backend) => ask(backend, holds.readGetFloor()).then(floorJson),
};

function point(read: (body: RequestReader) => Asked, write: (answered: Answered) => string): RestRoute {
  return (backend, body) => ask(backend, read(body)).then(write);
}

function session(
  read: (body: RequestReader) => sessions.CallAsked,
  write: (answer: SessionAnswer) => string,
): RestRoute {
  return (backend, body) => callSession(backend, read(body)).then(write);
}

function allocation(read: (body: RequestReader) => Asked): RestRoute {
  return (backend, body) => {
    const asked = read(body);
    return ask(backend, asked).then(allocationJson(sequenceNameIn(operationIn(asked))));
  };
}

export function sequenceNameIn(operation: Operation): string {
  return 'name' in operation ? operation.name : '';
}

function batch(kind: BatchKind, read: (body: RequestReader) => batches.BatchAsked): RestRoute {
  return async (backend, body) => {
    const startedAt = performance.now();
    const done = await doBatch(backend, read(body));
    return batchJson(kind, done, Math.round(performance.now() - startedAt));
  };
}

function range(
  read: (body: RequestReader) => RangeAsked,
  run: (backend: ApiBackend, asked: RangeAsked) => Promise<RowsDone>,
  write: (done: RowsDone) => string,
): RestRoute {
  return (backend, body) => run(backend, read(body)).then(write);
}
