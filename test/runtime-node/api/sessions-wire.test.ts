/** What the wires make of requests about sessions and scripts, and of their answers: the node behind them is none. */

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import {
  KeyValueCode,
  nodeId,
  refusal,
  revision,
  ScriptCode,
  SessionCode,
  wallMs,
  ZERO_TIMESTAMP,
  type SessionAnswer,
  type TransactionAnswer,
  type TransactionCall,
} from '../../../core/index.js';
import { createApi } from '../../../runtime-node/api/index.js';
import { HostStopped } from '../../../runtime-node/index.js';
import { recordingLog } from '../support/recording-log.js';
import { fakeBackend } from './fake-backend.js';
import type { Driver, Fields } from './services/driver.js';
import { grpcDriver } from './services/grpc-driver.js';
import { restDriver } from './services/rest-driver.js';

const ID = { n: 3, l: 1_790_000_000_001, c: 4 };
const id = { node: nodeId(3), wall: wallMs(ID.l), counter: 4 };
const NONE = { n: 0, l: 0, c: 0 };
const SESSION = { transactionId: ID, coordinatorKey: 'c-77', operationIdHigh: 11, operationIdLow: 12 };
const HANDLE = { id, coordinatorKey: 'c-77' };

describe.each([
  ['REST', restDriver],
  ['gRPC', grpcDriver],
] as const)('by %s', (wire, driverFor) => {
  let asked: TransactionCall[];
  let answer: (call: TransactionCall) => Promise<TransactionAnswer>;
  let driver: Driver;
  let waiting: number;

  beforeEach(async () => {
    asked = [];
    waiting = 0;
    answerWith({ code: SessionCode.mustRetry });
    const backend = fakeBackend(() => Promise.reject(new Error('nothing is asked outside of a session')), {
      transact: (call) => {
        asked.push(call);
        return answer(call);
      },
      underWay: () => waiting,
    });
    const api = await createApi(backend, recordingLog());
    onTestFinished(() => api.close());
    const { port } = await api.listen({ host: '127.0.0.1', port: 0 });
    driver = driverFor(`http://127.0.0.1:${port}`);
    onTestFinished(() => driver.close());
  });

  function answerWith(told: Omit<SessionAnswer, 'family'>): void {
    answer = () => Promise.resolve({ family: 'session', ...told });
  }

  const start = (fields: Fields = {}): Promise<Fields> =>
    driver.call('kv/start-tx-session', { coordinatorKey: 'c-77', ...fields });

  it('a session is started with what was said of it', async () => {
    answerWith({ code: SessionCode.set, id });

    const started = await start({
      timeout: 4_000,
      admissionWaitMs: 70,
      lockingType: 1,
      readValidation: 1,
      decisionDurability: 1,
      asyncRelease: true,
      autoCommit: true,
      priority: 4,
      readTimestamp: { n: 0, l: 9, c: 7 },
    });

    expect(started).toMatchObject({ type: 0, transactionId: ID });
    expect(asked).toEqual([
      {
        type: 'StartTransaction',
        coordinatorKey: 'c-77',
        options: {
          locking: 'optimistic',
          timeoutMs: 4_000,
          admissionWaitMs: 70,
          readValidation: 'trackAndValidate',
          decisionDurability: 'durable',
          readTimestamp: { node: 2 ** 31 - 1, wall: 9, counter: 7 },
          asyncRelease: true,
          priority: 'critical',
        },
      },
    ]);
  });

  it('what is left out has its default', async () => {
    await start();

    expect(asked[0]).toMatchObject({
      options: {
        locking: 'pessimistic',
        timeoutMs: 0,
        admissionWaitMs: 0,
        readValidation: 'none',
        decisionDurability: 'bestEffort',
        asyncRelease: false,
        priority: 'normal',
      },
    });
    expect(asked[0]).not.toHaveProperty('options.readTimestamp');
  });

  it.each([
    [0, 'background'],
    [1, 'low'],
    [3, 'high'],
    [4, 'critical'],
    [9, 'normal'],
  ])('priority %i is %s', async (priority, name) => {
    await start({ priority });
    await driver.call('kv/try-execute-tx-script', { script: 'x', priority }).catch(() => undefined);

    expect(asked).toMatchObject([{ options: { priority: name } }, { priority: name }]);
  });

  it.each([
    { coordinatorKey: '' },
    { lockingType: 2 },
    { readValidation: -1 },
    { decisionDurability: 7 },
    { readTimestamp: { n: 1, l: -5, c: 0 } },
  ])('no session is started with %o', async (fields) => {
    expect(await start(fields)).toMatchObject({ type: 100, transactionId: NONE });
    expect(asked).toEqual([]);
  });

  it('one that is not admitted is told so', async () => {
    answerWith({ code: SessionCode.admissionRefused, reason: 'full' });

    expect(await start()).toMatchObject({ type: 108, transactionId: NONE });
  });

  it.each([
    ['kv/try-set', { key: 'k', value: 'a', flags: 1 }, { type: 'Set' }],
    ['kv/try-extend', { key: 'k', expiresMs: 5 }, { type: 'Extend', expiresMs: 5 }],
    ['kv/try-delete', { key: 'k' }, { type: 'Delete' }],
    ['kv/try-get', { key: 'k' }, { type: 'Get' }],
    ['kv/try-exists', { key: 'k', durability: 0 }, { type: 'Exists', ephemeral: true }],
  ] as const)(
    '%s is done in the session that it names, and told as outside of one',
    async (path, body, operation) => {
      const outcome = { ...refusal(KeyValueCode.got), value: new Uint8Array([97]), revision: revision(3) };
      answerWith({ code: SessionCode.operated, outcome });

      expect(await driver.call(path, { ...body, ...SESSION })).toMatchObject({ type: 3, revision: 3 });
      expect(asked).toMatchObject([
        {
          type: 'OperateInTransaction',
          handle: HANDLE,
          operationId: 'c:11:12',
          operation: { key: 'k', ...operation },
        },
      ]);
    },
  );

  it.each([
    ['no coordinator key', { ...SESSION, coordinatorKey: '' }],
    ['no operation id', { ...SESSION, operationIdHigh: 0, operationIdLow: 0 }],
    ['no transaction', { ...SESSION, transactionId: NONE }],
    ['an id that no node gave', { ...SESSION, transactionId: { n: -1, l: 5, c: 0 } }],
  ])('an operation with %s is refused', async (_what, session) => {
    expect(await driver.call('kv/try-set', { key: 'k', value: 'a', flags: 1, ...session })).toMatchObject({
      type: 100,
    });
    expect(await driver.call('kv/get-by-bucket', { prefixKey: 'b', ...session })).toMatchObject({
      type: 100,
    });
    const { transactionId, ...rest } = session;
    const items = [{ key: 'k', transactionId }];
    expect(await driver.call('kv/try-delete-many', { items, ...rest })).toMatchObject({
      items: [{ type: 100 }],
    });
    expect(asked).toEqual([]);
  });

  it.each([
    [SessionCode.errored, 99],
    [SessionCode.mustRetry, 101],
    [SessionCode.aborted, 102],
    [SessionCode.alreadyLocked, 104],
  ])('an operation that the session refuses is answered by its code: %i', async (code, type) => {
    answerWith({ code, reason: 'so be it' });

    expect(await driver.call('kv/try-get', { key: 'k', ...SESSION })).toMatchObject({ type });
    expect(await driver.call('kv/get-by-range', { prefix: 'b', limit: 5, ...SESSION })).toMatchObject({
      type,
    });
    expect(await driver.call('kv/get-by-bucket', { prefixKey: 'b', ...SESSION })).toMatchObject({ type });
  });

  it('the rows of a batch of deletes are operations of their own, always under the same names', async () => {
    answerWith({
      code: SessionCode.operated,
      outcome: { ...refusal(KeyValueCode.deleted), revision: revision(3) },
    });
    const { transactionId, ...rest } = SESSION;
    const items = [
      { key: 'a', transactionId },
      { key: 'b', transactionId, durability: 0 },
      { key: '', transactionId },
    ];

    const deleted = await driver.call('kv/try-delete-many', { items, ...rest });
    await driver.call('kv/try-delete-many', { items, ...rest });

    expect(deleted).toMatchObject({ items: [{ key: 'a', type: 4 }, { key: 'b', type: 4 }, { key: '' }] });
    const names = asked.map((call) => call.type === 'OperateInTransaction' && call.operationId);
    expect(names).toEqual(['c:11:12/0', 'c:11:12/1', 'c:11:12/2', 'c:11:12/0', 'c:11:12/1', 'c:11:12/2']);
  });

  it('a batch of deletes of two transactions is refused, and one of none needs no session', async () => {
    const items = [
      { key: 'a', transactionId: ID },
      { key: 'b', transactionId: { ...ID, c: 9 } },
    ];
    const { coordinatorKey, operationIdHigh, operationIdLow } = SESSION;
    const rest = { coordinatorKey, operationIdHigh, operationIdLow };

    const mixed = await driver.call('kv/try-delete-many', { items, ...rest });
    const empty = await driver.call('kv/try-delete-many', { items: [], ...rest });

    expect(mixed).toMatchObject({ items: [{ type: 100 }, { type: 100 }] });
    expect(empty).toMatchObject({ items: [] });
    expect(asked).toEqual([]);
  });

  it('a batch of sets has no transaction, and neither has a batch of reads', async () => {
    const { transactionId } = SESSION;

    const set = await driver.call('kv/try-set-many', {
      items: [{ key: 'a', value: 'a', flags: 1, transactionId }],
    });
    const got = await driver.call('kv/try-get-many', { items: [{ key: 'a' }], transactionId });

    expect([set, got]).toMatchObject([{ items: [{ type: 100 }] }, { items: [{ type: 100 }] }]);
  });

  it('a range is read step by step, each under its own name, and none at a time of the past', async () => {
    const page = (key: string, hasMore: boolean): SessionAnswer => ({
      family: 'session',
      code: SessionCode.operated,
      outcome: {
        family: 'page',
        code: KeyValueCode.got,
        items: [{ key, value: null, revision: revision(0), lastModified: id }],
        hasMore,
        lastKey: key,
        at: id,
      },
    });
    answer = (call) => {
      const isFirst = call.type === 'OperateInTransaction' && call.operationId.endsWith('/0');
      return Promise.resolve(isFirst ? page('b/1', true) : page('b/2', false));
    };

    const all = await driver.call('kv/get-by-bucket', { prefixKey: 'b', ...SESSION });
    const some = await driver.call('kv/get-by-range', { prefix: 'b', limit: 1, ...SESSION });

    expect(all).toMatchObject({ type: 3, items: [{ key: 'b/1' }, { key: 'b/2' }] });
    expect(some).toMatchObject({ type: 3, items: [{ key: 'b/1' }], hasMore: true });
    const steps = asked.map((call) => call.type === 'OperateInTransaction' && call.operationId);
    expect(steps).toEqual(['c:11:12/0', 'c:11:12/1', 'c:11:12/0']);
    expect(asked.filter((call) => call.type === 'OperateInTransaction' && 'at' in call.operation)).toEqual(
      [],
    );
  });

  it('the largest number that a client has is no limit', async () => {
    await driver.call('kv/get-by-range', {
      prefix: 'b',
      limit: wire === 'REST' ? Number.MAX_SAFE_INTEGER : -1,
      ...SESSION,
    });

    expect(asked).toMatchObject([{ operation: { type: 'Scan', prefix: 'b', limit: 512 } }]);
  });

  it.each([
    ['kv/try-acquire-exclusive-lock', { key: 'k' }, { type: 'KeyLock', key: 'k' }],
    ['kv/try-acquire-prefix-lock', { key: 'b' }, { type: 'PrefixLock', prefix: 'b' }],
    [
      'kv/try-acquire-range-lock',
      { prefix: 'b', mode: 1 },
      { type: 'RangeLock', prefix: 'b', mode: 'shared' },
    ],
    [
      'kv/try-acquire-range-lock',
      { prefix: 'b', startKey: 'b/1', startInclusive: true, endKey: 'b/5', endInclusive: false },
      {
        type: 'RangeLock',
        prefix: 'b',
        from: { key: 'b/1', inclusive: true },
        to: { key: 'b/5', inclusive: false },
        mode: 'exclusive',
      },
    ],
  ] as const)('%s takes %o', async (path, body, need) => {
    answerWith({ code: SessionCode.alreadyLocked, holder: id });
    const refused = await driver.call(path, { ...body, expiresMs: 5_000, ...SESSION });
    answerWith({ code: SessionCode.locked });
    const taken = await driver.call(path, { ...body, expiresMs: 0, durability: 0, ...SESSION });

    expect(refused).toMatchObject({ type: 104, holderTransactionId: ID });
    expect(taken).toMatchObject({ type: 5, holderTransactionId: NONE });
    expect(asked).toEqual([
      {
        type: 'OperateInTransaction',
        handle: HANDLE,
        operationId: 'c:11:12',
        operation: { type: 'LockInTransaction', need, leaseMs: 5_000 },
      },
      {
        type: 'OperateInTransaction',
        handle: HANDLE,
        operationId: 'c:11:12',
        operation: { type: 'LockInTransaction', need, leaseMs: 0, ephemeral: true },
      },
    ]);
  });

  it.each([
    ['kv/try-acquire-exclusive-lock', { key: '', ...SESSION }, 100],
    ['kv/try-acquire-exclusive-lock', { key: 'k' }, 100],
    ['kv/try-acquire-exclusive-lock', { key: 'k', expiresMs: -1, ...SESSION }, 99],
    ['kv/try-acquire-prefix-lock', { key: '', ...SESSION }, 100],
    ['kv/try-acquire-range-lock', { prefix: '', ...SESSION }, 100],
    ['kv/try-acquire-range-lock', { prefix: 'b', mode: 2, ...SESSION }, 100],
    ['kv/try-release-prefix-lock', { key: 'b' }, 100],
    ['kv/try-release-range-lock', { prefix: '', transactionId: ID }, 100],
  ] as const)('%s refuses %o with %i', async (path, body, type) => {
    expect(await driver.call(path, body)).toMatchObject({ type });
    expect(asked).toEqual([]);
  });

  it('locks are given back by the id of the transaction alone, each time anew', async () => {
    answerWith({ code: SessionCode.unlocked });

    const released = [
      await driver.call('kv/try-release-prefix-lock', { key: 'b', transactionId: ID }),
      await driver.call('kv/try-release-prefix-lock', { key: 'b', transactionId: ID }),
      await driver.call('kv/try-release-range-lock', { prefix: 'b', startKey: 'b/1', transactionId: ID }),
    ];

    expect(released.map(({ type }) => type)).toEqual([6, 6, 6]);
    expect(asked).toMatchObject([
      {
        handle: { id },
        operation: { type: 'UnlockInTransaction', need: { type: 'PrefixLock', prefix: 'b' } },
      },
      {},
      { operation: { need: { type: 'RangeLock', from: { key: 'b/1', inclusive: false } } } },
    ]);
    const names = asked.map((call) => call.type === 'OperateInTransaction' && call.operationId);
    expect(new Set(names).size).toBe(3);
  });

  it.each([
    ['kv/commit-tx-session', 'CommitTransaction', SessionCode.committed],
    ['kv/rollback-tx-session', 'RollbackTransaction', SessionCode.rolledBack],
  ] as const)('%s takes the handle, and the anchor of an earlier answer', async (path, type, code) => {
    answerWith({ code });
    const body = { coordinatorKey: 'c-77', transactionId: ID };

    expect(await driver.call(path, { ...body, recordAnchorKey: 'k' })).toMatchObject({ type: code });
    expect(await driver.call(path, { ...body, coordinatorKey: '' })).toMatchObject({ type: 100 });
    expect(await driver.call(path, { ...body, transactionId: NONE })).toMatchObject({ type: 100 });
    expect(asked).toEqual([{ type, handle: HANDLE, anchorKey: 'k' }]);
  });

  it('a commit gives the anchor, also where it is to be tried again', async () => {
    answerWith({ code: SessionCode.mustRetry, anchorKey: 'k' });

    const again = await driver.call('kv/commit-tx-session', { coordinatorKey: 'c-77', transactionId: ID });

    expect(again).toMatchObject({ type: 101, recordAnchorKey: 'k' });
    expect(asked).toEqual([{ type: 'CommitTransaction', handle: HANDLE }]);
  });

  const run = (fields: Fields = {}): Promise<Fields> =>
    driver.call('kv/try-execute-tx-script', { script: 'GET @k', ...fields });

  it('a script is run with its parameters, and told with all that it gave', async () => {
    answer = () =>
      Promise.resolve({
        family: 'script',
        code: ScriptCode.got,
        entries: [
          { key: 'users/17', value: new Uint8Array([65]), revision: 3, lastModified: id, expires: id },
          { revision: -1 },
        ],
      });
    const parameters = [
      { key: '@k', value: 'users/17' },
      { key: '@none', value: null },
    ];

    const ran = await run({ hash: 'abc', parameters });

    expect(ran).toMatchObject({
      type: 3,
      reason: null,
      values: [
        { key: 'users/17', value: 'A', revision: 3, expires: ID, lastModified: ID },
        { value: null, revision: -1, expires: NONE, lastModified: NONE },
      ],
    });
    if (wire === 'REST') expect(ran).toMatchObject({ value: 'A', revision: 3, expires: ID });
    expect(asked).toEqual([
      {
        type: 'RunScript',
        script: new TextEncoder().encode('GET @k'),
        hash: 'abc',
        parameters: [
          { name: '@k', value: 'users/17' },
          { name: '@none', value: null },
        ],
        priority: 'normal',
      },
    ]);
  });

  it('a script that fails is told with the reason; one that is missing is refused, or empty where nobody can tell', async () => {
    answer = () =>
      Promise.resolve({ family: 'script', code: ScriptCode.errored, entries: [], reason: 'Syntax error at' });

    expect(await run()).toMatchObject({ type: 99, reason: 'Syntax error at', values: [] });
    expect(await run({ script: undefined })).toMatchObject({ type: wire === 'REST' ? 100 : 99 });
    const scripts = asked.map((call) => (call.type === 'RunScript' ? call.script.length : undefined));
    expect(scripts).toEqual(wire === 'REST' ? [6] : [6, 0]);
  });

  it('a node that stops answers "try again", but never to a script, which could be done twice', async () => {
    answer = () => Promise.reject(new HostStopped('stopping'));
    const body = { coordinatorKey: 'c-77', transactionId: ID };

    expect(await driver.call('kv/commit-tx-session', body)).toMatchObject({ type: 101 });
    expect(await driver.call('kv/try-get', { key: 'k', ...SESSION })).toMatchObject({ type: 101 });
    expect(await run()).toMatchObject({ type: 99 });
  });

  it('a node with too much to do answers "try again" at once', async () => {
    waiting = 10_000;

    expect(await start()).toMatchObject({ type: 101 });
    expect(await driver.call('kv/try-get', { key: 'k', ...SESSION })).toMatchObject({ type: 101 });
    expect(await run()).toMatchObject({ type: 101 });
    expect(asked).toEqual([]);
  });
});

it('JSON without a priority is a session of the background, and a script like any other', async () => {
  const asked: TransactionCall[] = [];
  const backend = fakeBackend(() => Promise.reject(new Error('no')), {
    transact: (call) => {
      asked.push(call);
      return Promise.resolve(
        call.type === 'RunScript'
          ? { family: 'script', code: ScriptCode.got, entries: [] }
          : { family: 'session', code: SessionCode.set, id: ZERO_TIMESTAMP },
      );
    },
  });
  const api = await createApi(backend, recordingLog());
  onTestFinished(() => api.close());
  const { port } = await api.listen({ host: '127.0.0.1', port: 0 });
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/v1/kv/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  await post('start-tx-session', { coordinatorKey: 'c' });
  await post('try-execute-tx-script', { script: 'R0VUIEBr' });

  expect(asked).toMatchObject([{ options: { priority: 'background' } }, { priority: 'normal' }]);
});
