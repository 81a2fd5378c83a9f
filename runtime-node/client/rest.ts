/** Which route answers which question, what it is sent, and what its answer means (REST specification, sections 5, 6 and 9). */

import type { ReadMode } from '../../core/partition/command.js';
import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import type { AnswerTo, Ask, BatchAsk, RangeAsk, RowsAsk } from './port.js';
import { base64, timestampJson, type Fields } from './rest-fields.js';
import { batchReader, readHold, readKeyValue, readLock, readPage, readSequence } from './rest-answers.js';
import { sessionRoute } from './rest-session.js';

export interface Route<A extends Ask> {
  readonly path: string;
  /** Undefined for what is only looked at, with a GET. */
  readonly body: Fields | undefined;
  readonly read: (fields: Fields) => AnswerTo<A>;
}

export function routeOf<A extends Ask>(ask: A): Route<A> {
  // Each branch reads the answer of its own kind; the compiler cannot follow that through the parameter.
  return anyRoute(ask) as unknown as Route<A>;
}

export interface AnyRoute {
  readonly path: string;
  readonly body: Fields | undefined;
  readonly read: (fields: Fields) => unknown;
}

export function anyRoute(ask: Ask): AnyRoute {
  switch (ask.type) {
    case 'Begin':
    case 'InSession':
    case 'LockInTransaction':
    case 'UnlockInTransaction':
    case 'Commit':
    case 'Rollback':
    case 'RunScript':
      return sessionRoute(ask);
    case 'Set':
      return { path: '/v1/kv/try-set', body: setBody(ask), read: readKeyValue };
    case 'Delete':
      return { path: '/v1/kv/try-delete', body: { key: ask.key, ...spaceBody(ask) }, read: readKeyValue };
    case 'Extend': {
      const body = { key: ask.key, expiresMs: ask.expiresMs, ...spaceBody(ask) };
      return { path: '/v1/kv/try-extend', body, read: readKeyValue };
    }
    case 'Get':
      return { path: '/v1/kv/try-get', body: readBody(ask), read: readKeyValue };
    case 'Exists':
      return { path: '/v1/kv/try-exists', body: readBody(ask), read: readKeyValue };
    case 'SetMany':
    case 'DeleteMany':
    case 'GetMany':
    case 'ExistsMany':
      return batchRoute(ask);
    case 'Bucket':
      return { path: '/v1/kv/get-by-bucket', body: rowsBody(ask), read: readPage };
    case 'ScanAll':
      return { path: '/v1/kv/scan-all-by-prefix', body: rowsBody(ask), read: readPage };
    case 'Range':
      return { path: '/v1/kv/get-by-range', body: rangeBody(ask), read: readPage };
    case 'AcquireLock':
    case 'ExtendLock':
    case 'ReleaseLock':
    case 'GetLock': {
      const { resource } = ask;
      const owner = 'owner' in ask ? { owner: base64(ask.owner) } : {};
      const lease = 'expiresMs' in ask ? { expiresMs: ask.expiresMs } : {};
      return {
        path: LOCK_PATHS[ask.type],
        body: { resource, ...owner, ...lease, ...spaceBody(ask) },
        read: readLock,
      };
    }
    case 'CreateSequence': {
      const { name, initialValue, increment, maxValue = null, blockSize = null } = ask;
      const body = { name, initialValue, increment, maxValue, blockSize, durability: PERSISTENT };
      return { path: '/v1/sequences/create', body, read: readSequence };
    }
    case 'UpdateSequence': {
      const { name, currentValue = null, increment = null, initialValue = null, maxValue, blockSize } = ask;
      const limits = { maxValue: maxValue ?? null, removeMaxValue: maxValue === null };
      const blocks = { blockSize: blockSize ?? null, removeBlockSize: blockSize === null };
      const body = {
        name,
        currentValue,
        increment,
        initialValue,
        ...limits,
        ...blocks,
        durability: PERSISTENT,
      };
      return { path: '/v1/sequences/update', body, read: readSequence };
    }
    case 'ReserveSequence': {
      const { name, count, idempotencyKey = null } = ask;
      const body = { name, count, idempotencyKey, durability: PERSISTENT };
      return { path: '/v1/sequences/reserve', body, read: readSequence };
    }
    case 'GetSequence':
    case 'DeleteSequence': {
      const path = ask.type === 'GetSequence' ? '/v1/sequences/get' : '/v1/sequences/delete';
      return { path, body: { name: ask.name, durability: PERSISTENT }, read: readSequence };
    }
    case 'AcquireHold': {
      const { holder, timestamp, leaseMs } = ask;
      const body = { holderId: holder, timestamp: timestampJson(timestamp), leaseMs };
      return { path: '/v1/kv/snapshot-hold/acquire', body, read: readHold };
    }
    case 'RenewHold': {
      const body = { holdId: ask.hold, leaseMs: ask.leaseMs };
      return { path: '/v1/kv/snapshot-hold/renew', body, read: readHold };
    }
    case 'ReleaseHold':
      return { path: '/v1/kv/snapshot-hold/release', body: { holdId: ask.hold }, read: readHold };
    case 'GetFloor':
      return { path: '/v1/kv/snapshot-floor', body: undefined, read: readHold };
  }
}

const LOCK_PATHS = {
  AcquireLock: '/v1/locks/try-lock',
  ExtendLock: '/v1/locks/try-extend',
  ReleaseLock: '/v1/locks/try-unlock',
  GetLock: '/v1/locks/get-info',
} as const;

function batchRoute(ask: BatchAsk): AnyRoute {
  const read = batchReader(ask.items);
  switch (ask.type) {
    case 'SetMany':
      return { path: '/v1/kv/try-set-many', body: { items: ask.items.map(setBody) }, read };
    case 'DeleteMany': {
      const items = ask.items.map((item) => ({ key: item.key, ...spaceBody(item) }));
      return { path: '/v1/kv/try-delete-many', body: { items }, read };
    }
    case 'GetMany':
    case 'ExistsMany': {
      const items = ask.items.map((item) => ({
        key: item.key,
        revision: item.revision ?? NEWEST,
        ...spaceBody(item),
      }));
      const path = ask.type === 'GetMany' ? '/v1/kv/try-get-many' : '/v1/kv/try-exists-many';
      return { path, body: { items, ...atBody(ask) }, read };
    }
  }
}

const PERSISTENT = 1;
const EPHEMERAL = 0;
const NEWEST = -1;

function setBody(ask: Extract<Ask, { readonly type: 'Set' }>): Fields {
  const { key, flags, compareRevision, expiresMs = 0 } = ask;
  return {
    key,
    value: base64(ask.value),
    flags,
    compareValue: base64(ask.compareValue),
    compareRevision,
    expiresMs,
    ...spaceBody(ask),
  };
}

function readBody(ask: Extract<Ask, { readonly type: 'Get' | 'Exists' }>): Fields {
  return {
    key: ask.key,
    revision: ask.revision ?? NEWEST,
    ...atBody(ask),
    ...modeBody(ask),
    ...spaceBody(ask),
  };
}

function rowsBody(ask: RowsAsk): Fields {
  return { prefixKey: ask.prefix, ...atBody(ask), ...modeBody(ask), ...spaceBody(ask) };
}

function rangeBody(ask: RangeAsk): Fields {
  const { prefix, from, to, limit, cursor } = ask;
  return {
    prefix,
    startKey: from?.key ?? null,
    startInclusive: from?.inclusive ?? true,
    endKey: to?.key ?? null,
    endInclusive: to?.inclusive ?? false,
    limit,
    ...atBody(ask),
    ...modeBody(ask),
    ...spaceBody(ask),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

export function spaceBody({ ephemeral }: { readonly ephemeral?: true }): Fields {
  return { durability: ephemeral === true ? EPHEMERAL : PERSISTENT };
}

function atBody({ at }: { readonly at?: Timestamp }): Fields {
  return at === undefined ? {} : { readTimestamp: timestampJson(at) };
}

/** Our own; other servers ignore it. */
function modeBody({ mode }: { readonly mode?: ReadMode }): Fields {
  return mode === undefined ? {} : { readMode: mode };
}
