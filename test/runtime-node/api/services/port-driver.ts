/** The driver over a client's port, with names and shapes translated from those of REST: into this process, or over HTTP. */

import { TRANSACTION_PRIORITIES, type Revision } from '../../../../core/index.js';
import { createHttpPort } from '../../../../runtime-node/client/http-port.js';
import { persist } from '../../../../runtime-node/client/patience.js';
import type { AnswerTo, Ask, BatchAsk, ClientPort, Prepared } from '../../../../runtime-node/client/port.js';
import { startNode, type EmbeddedOptions } from '../../../../runtime-node/embedded/start-node.js';
import { bytesOf, timestampOf } from '../../../../runtime-node/client/values.js';
import { withUsual, type Driver, type Fields, type ServicePath } from './driver.js';

const TIMEOUT_MS = 10_000;

/** A client of our own, against one node. */
export function clientDriver(url: string): Driver {
  return portDriver(createHttpPort({ endpoints: [url] }));
}

export async function embeddedDriver(options: EmbeddedOptions): Promise<Driver> {
  return portDriver((await startNode(options)).port);
}

function portDriver(port: ClientPort): Driver {
  /** What was asked under an operation id, which a repetition asks again. */
  const prepared = new Map<string, Prepared<Ask>>();

  function prepare(ask: Ask, { operationIdHigh, operationIdLow }: Fields): Prepared<Ask> {
    if (operationIdHigh === undefined) return port.prepare(ask);
    const id = `${String(operationIdHigh)}:${String(operationIdLow)}`;
    const known = prepared.get(id) ?? port.prepare(ask);
    prepared.set(id, known);
    return known;
  }

  return {
    async call(path, body) {
      const ask = askOf(path, withUsual(path, body));
      const asked = { ...port, prepare: () => prepare(ask, body) } as ClientPort;
      const { answer } = await persist(asked, ask, { timeoutMs: TIMEOUT_MS });
      return fieldsOf(ask, answer);
    },
    close: () => port.close(),
  };
}

/** In the session that it names, where it names one. */
function askOf(path: ServicePath, fields: Fields): Ask {
  const [item] = (fields['items'] ?? []) as readonly Fields[];
  const id = fields['transactionId'] ?? item?.['transactionId'];
  const ask = bareAskOf(path, fields);
  if (id === undefined || ask.type === 'Commit' || ask.type === 'Rollback') return ask;
  return { type: 'InSession', handle: handleOf({ ...fields, transactionId: id }), ask } as Ask;
}

function handleOf({ transactionId, coordinatorKey = '' }: Fields) {
  const { n, l, c } = transactionId as { readonly n: number; readonly l: number; readonly c: number };
  return { id: { node: n, wall: l, counter: c }, coordinatorKey };
}

function bareAskOf(path: ServicePath, fields: Fields): Ask {
  // Each path makes the fields of its own kind of question, and is asked with those that belong to it.
  return (BODIES[path] as (fields: Fields) => unknown)(fields) as Ask;
}

const BODIES: Readonly<Record<ServicePath, (fields: Fields) => Fields>> = {
  'locks/try-lock': (fields) => lockAsk('AcquireLock', fields),
  'locks/try-extend': (fields) => lockAsk('ExtendLock', fields),
  'locks/try-unlock': (fields) => lockAsk('ReleaseLock', fields),
  'locks/get-info': (fields) => lockAsk('GetLock', fields),
  'kv/try-set': setAsk,
  'kv/try-extend': ({ key, expiresMs, ...rest }) => ({ type: 'Extend', key, expiresMs, ...spaceOf(rest) }),
  'kv/try-delete': deleteAsk,
  'kv/try-get': (fields) => readAsk('Get', fields),
  'kv/try-exists': (fields) => readAsk('Exists', fields),
  'kv/try-set-many': ({ items }) => ({ type: 'SetMany', items: itemsIn(items).map(setAsk) }),
  'kv/try-delete-many': ({ items }) => ({ type: 'DeleteMany', items: itemsIn(items).map(deleteAsk) }),
  'kv/try-get-many': (fields) => readManyAsk('GetMany', 'Get', fields),
  'kv/try-exists-many': (fields) => readManyAsk('ExistsMany', 'Exists', fields),
  'kv/get-by-range': rangeAsk,
  'kv/get-by-bucket': (fields) => rowsAsk('Bucket', fields),
  'kv/scan-all-by-prefix': (fields) => rowsAsk('ScanAll', fields),
  'kv/snapshot-hold/acquire': ({ holderId, timestamp, leaseMs }) => ({
    type: 'AcquireHold',
    holder: holderId,
    timestamp: stampOf(timestamp),
    leaseMs,
  }),
  'kv/snapshot-hold/renew': ({ holdId, leaseMs }) => ({ type: 'RenewHold', hold: holdId, leaseMs }),
  'kv/snapshot-hold/release': ({ holdId }) => ({ type: 'ReleaseHold', hold: holdId }),
  'kv/snapshot-floor': () => ({ type: 'GetFloor' }),
  'kv/start-tx-session': beginAsk,
  'kv/commit-tx-session': (fields) => endAsk('Commit', fields),
  'kv/rollback-tx-session': (fields) => endAsk('Rollback', fields),
  'kv/try-acquire-exclusive-lock': ({ key, ...rest }) => takeAsk({ type: 'KeyLock', key }, rest),
  'kv/try-acquire-prefix-lock': ({ key, ...rest }) => takeAsk({ type: 'PrefixLock', prefix: key }, rest),
  'kv/try-release-prefix-lock': ({ key, ...rest }) => giveAsk({ type: 'PrefixLock', prefix: key }, rest),
  'kv/try-acquire-range-lock': (fields) => takeAsk(rangeNeed(fields), fields),
  'kv/try-release-range-lock': (fields) => giveAsk(rangeNeed(fields), fields),
  'kv/try-execute-tx-script': scriptAsk,
  'sequences/create': (fields) => ({ initialValue: 0, ...sequenceAsk('CreateSequence', fields) }),
  'sequences/update': updateAsk,
  'sequences/get': (fields) => sequenceAsk('GetSequence', fields),
  'sequences/next': (fields) => ({ ...sequenceAsk('ReserveSequence', fields), count: 1 }),
  'sequences/reserve': (fields) => sequenceAsk('ReserveSequence', fields),
  'sequences/delete': (fields) => sequenceAsk('DeleteSequence', fields),
};

function beginAsk(fields: Fields): Fields {
  const { coordinatorKey, timeout = 0, admissionWaitMs = 0, asyncRelease = false, priority } = fields;
  const { at } = timeOf(fields['readTimestamp']);
  return {
    type: 'Begin',
    coordinatorKey,
    options: {
      locking: fields['lockingType'] === 1 ? 'optimistic' : 'pessimistic',
      timeoutMs: timeout,
      admissionWaitMs,
      readValidation: fields['readValidation'] === 1 ? 'trackAndValidate' : 'none',
      decisionDurability: fields['decisionDurability'] === 1 ? 'durable' : 'bestEffort',
      asyncRelease,
      priority: TRANSACTION_PRIORITIES[priority as number],
      ...(at === undefined ? {} : { readTimestamp: at }),
    },
  };
}

function endAsk(type: string, { recordAnchorKey, ...fields }: Fields): Fields {
  const anchor = typeof recordAnchorKey === 'string' ? { anchorKey: recordAnchorKey } : {};
  return { type, handle: handleOf(fields), ...anchor };
}

function takeAsk(need: Fields, { expiresMs = 0, ...rest }: Fields): Fields {
  return { type: 'LockInTransaction', need, leaseMs: expiresMs, ...spaceOf(rest) };
}

function giveAsk(need: Fields, fields: Fields): Fields {
  return { type: 'UnlockInTransaction', need, ...spaceOf(fields) };
}

function rangeNeed(fields: Fields): Fields {
  const { prefix, startKey, startInclusive = false, endKey, endInclusive = false, mode } = fields;
  return {
    type: 'RangeLock',
    prefix,
    ...(startKey === undefined ? {} : { from: { key: startKey, inclusive: startInclusive } }),
    ...(endKey === undefined ? {} : { to: { key: endKey, inclusive: endInclusive } }),
    mode: mode === 1 ? 'shared' : 'exclusive',
  };
}

function scriptAsk({ script, hash, parameters = [], priority }: Fields): Fields {
  return {
    type: 'RunScript',
    script: bytesOf(script as string),
    ...(hash === undefined ? {} : { hash }),
    parameters: itemsIn(parameters).map(({ key, value }) => ({ name: key, value })),
    priority: TRANSACTION_PRIORITIES[priority as number],
  };
}

function lockAsk(type: string, { resource, owner, expiresMs, ...rest }: Fields): Fields {
  const isOwned = type !== 'GetLock';
  return {
    type,
    resource,
    // A program cannot leave it out.
    ...(isOwned ? { owner: bytesOf((owner ?? '') as string) } : {}),
    ...(expiresMs === undefined ? {} : { expiresMs }),
    ...spaceOf(rest),
  };
}

function setAsk({ key, value, flags, compareValue, compareRevision, expiresMs, ...rest }: Fields): Fields {
  return {
    type: 'Set',
    key,
    value: bytesOf((value ?? null) as string | null),
    flags: flags ?? 0,
    compareValue: bytesOf((compareValue ?? null) as string | null),
    compareRevision: (compareRevision ?? 0) as Revision,
    ...(expiresMs === undefined || expiresMs === 0 ? {} : { expiresMs }),
    ...spaceOf(rest),
  };
}

function deleteAsk({ key, ...rest }: Fields): Fields {
  return { type: 'Delete', key, ...spaceOf(rest) };
}

function readAsk(type: string, { key, revision, readTimestamp, ...rest }: Fields): Fields {
  return {
    type,
    key,
    ...(revision === -1 ? {} : { revision }),
    ...timeOf(readTimestamp),
    ...spaceOf(rest),
  };
}

function readManyAsk(type: string, itemType: string, { items, readTimestamp }: Fields): Fields {
  return { type, items: itemsIn(items).map((item) => readAsk(itemType, item)), ...timeOf(readTimestamp) };
}

function rangeAsk(fields: Fields): Fields {
  const { prefix, startKey, startInclusive, endKey, endInclusive, limit, cursor } = fields;
  return {
    type: 'Range',
    prefix,
    limit,
    ...(startKey === undefined ? {} : { from: { key: startKey, inclusive: startInclusive } }),
    ...(endKey === undefined ? {} : { to: { key: endKey, inclusive: endInclusive } }),
    ...(cursor === undefined ? {} : { cursor }),
    ...timeOf(fields['readTimestamp']),
    ...spaceOf(fields),
  };
}

function rowsAsk(type: string, { prefixKey, readTimestamp, ...rest }: Fields): Fields {
  return { type, prefix: prefixKey, ...timeOf(readTimestamp), ...spaceOf(rest) };
}

function sequenceAsk(type: string, { durability: _, ...fields }: Fields): Fields {
  return { type, ...fields };
}

function updateAsk({ removeMaxValue, removeBlockSize, ...fields }: Fields): Fields {
  return {
    ...sequenceAsk('UpdateSequence', fields),
    ...(removeMaxValue === true ? { maxValue: null } : {}),
    ...(removeBlockSize === true ? { blockSize: null } : {}),
  };
}

function itemsIn(items: unknown): readonly Fields[] {
  return items as readonly Fields[];
}

function spaceOf({ durability }: Fields): Fields {
  return durability === 0 ? { ephemeral: true } : {};
}

function timeOf(readTimestamp: unknown): Fields {
  if (readTimestamp === undefined) return {};
  const { n, l, c } = readTimestamp as { readonly n: number; readonly l: number; readonly c: number };
  // A program gives milliseconds where the wire names no node.
  return { at: timestampOf(n === 0 ? l : ({ node: n, wall: l, counter: c } as never)) };
}

/** A program says what a wire may leave out. */
function stampOf(timestamp: unknown): Fields {
  const { n = 0, l = 0, c = 0 } = (timestamp ?? {}) as Fields;
  return { node: n, wall: l, counter: c };
}

/** By the names that REST has for them. */
function fieldsOf(ask: Ask, answer: AnswerTo<Ask>): Fields {
  // Where it was served is told by hints.
  const {
    code,
    servedAt,
    answer: inner,
    holder,
    id,
    anchorKey = null,
    ...rest
  } = answer as unknown as Fields;
  void servedAt;
  if (ask.type === 'InSession') {
    const { type, ...fields } = fieldsOf(ask.ask, inner as AnswerTo<Ask>);
    const refused = typeof code === 'number' && code >= 99;
    return { ...fields, type: refused ? code : type, holderTransactionId: timeShown(holder) };
  }
  if (ask.type === 'Begin') return { type: code, ...rest, transactionId: timeShown(id) };
  if (ask.type === 'Commit' || ask.type === 'Rollback')
    return { type: code, ...rest, recordAnchorKey: anchorKey };
  if (ask.type === 'RunScript') {
    const { reason = null, entries } = rest;
    return { type: code, reason, values: itemsIn(entries).map(shown) };
  }
  if ('rows' in rest) {
    const items = (ask as BatchAsk).items.map(({ key, ephemeral }, index) => {
      const row = itemsIn(rest['rows'])[index] ?? {};
      return { key, durability: ephemeral === true ? 0 : 1, ...shown({ ...row, type: row['code'] }) };
    });
    return { type: code, items };
  }
  if ('items' in rest) {
    const { items, hasMore, cursor = null } = rest;
    return { type: code, items: itemsIn(items).map(shown), hasMore, nextCursor: cursor };
  }
  if ('record' in rest) {
    const { record, allocation } = rest;
    const { name } = ask as { readonly name: string };
    return {
      type: code,
      sequence: record === null ? null : { ...(record as Fields), durability: 1 },
      allocation: allocation === null ? null : { name, ...(allocation as Fields) },
    };
  }
  if ('live' in rest) {
    const { hold, expires, floor, live } = rest;
    return {
      type: code,
      holdId: hold,
      leaseExpiry: timeShown(expires),
      effectiveFloor: timeShown(floor),
      liveHolds: live,
    };
  }
  return { type: code, ...shown(rest) };
}

/** Bytes as text, and times with short names; what never ends has a time of zeros. */
function shown(fields: Fields): Fields {
  const { value, owner, expires, lastModified, ...rest } = fields;
  return {
    ...rest,
    value: textOf(value),
    owner: textOf(owner),
    expires: timeShown(expires),
    lastModified: timeShown(lastModified),
  };
}

function textOf(bytes: unknown): string | null {
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString() : null;
}

function timeShown(time: unknown): Fields {
  const { node = 0, wall = 0, counter = 0 } = (time ?? {}) as Fields;
  return { n: node, l: wall, c: counter };
}
