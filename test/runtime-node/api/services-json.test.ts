import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import {
  groupId,
  KeyValueCode,
  LockCode,
  logIndex,
  nodeId,
  refusalOf,
  revision,
  SequenceCode,
  wallMs,
  type ClientAnswer,
  type ClientCall,
  type KeyValueOutcome,
} from '../../../core/index.js';
import { createApi } from '../../../runtime-node/api/index.js';
import { HostStopped } from '../../../runtime-node/index.js';
import { recordingLog } from '../support/recording-log.js';
import { fakeBackend, OTHER_URL, OWN_URL } from './fake-backend.js';

const TIME = { n: 3, l: 1_790_000_000_001, c: 3 };
const at = { node: nodeId(3), wall: wallMs(TIME.l), counter: 3 };
const servedAt = { group: groupId(1), index: logIndex(9) };
const OWN_ROUTE = { partitionId: 1, endpoint: OWN_URL, provenance: 1, generation: 0 };
const OTHER_ROUTE = { partitionId: 2, endpoint: OTHER_URL, provenance: 2, generation: 0 };
const NEVER = { n: 0, l: 0, c: 0 };

let asked: ClientCall[];
let answer: (call: ClientCall) => Promise<ClientAnswer>;
let url: string;

beforeEach(async () => {
  asked = [];
  const backend = fakeBackend((call) => {
    asked.push(call);
    return answer(call);
  });
  const api = await createApi(backend, recordingLog());
  onTestFinished(() => api.close());
  const { port } = await api.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${port}`;
});

async function post(
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly json: unknown }> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, json: await response.json() };
}

const outcome = (code: KeyValueCode, rest: Partial<KeyValueOutcome> = {}): ClientAnswer => ({
  code,
  revision: revision(5),
  value: null,
  lastModified: at,
  servedAt,
  ...rest,
});

describe('locks', () => {
  const told = {
    family: 'lock',
    code: LockCode.got,
    fencingToken: 4,
    owner: null,
    expires: at,
    servedAt,
  } as const;

  it('are answered with every property', async () => {
    answer = () => Promise.resolve({ ...told, owner: new Uint8Array([65]) });
    const common = { servedFrom: null, type: 4, fencingToken: 4, route: OWN_ROUTE };

    for (const path of ['try-lock', 'try-extend', 'try-unlock']) {
      const { json } = await post(`/v1/locks/${path}`, { resource: 'r', owner: 'QQ==', expiresMs: 5 });
      expect(json).toEqual(common);
    }
    expect((await post('/v1/locks/get-info', { resource: 'r' })).json).toEqual({
      ...common,
      owner: 'QQ==',
      expires: TIME,
    });
  });

  it('are asked for with every property', async () => {
    answer = () => Promise.resolve(told);

    await post('/v1/locks/try-lock', { resource: 'r', owner: 'QQ==', expiresMs: 5, durability: 0 });
    await post('/v1/locks/try-extend', { resource: 'r', owner: 'QQ==', expiresMs: 6 });
    await post('/v1/locks/try-unlock', { resource: 'r', owner: 'QQ==', durability: 1 });

    const owner = new Uint8Array([65]);
    expect(asked.map(({ operation }) => operation)).toEqual([
      { type: 'AcquireLock', resource: 'r', owner, expiresMs: 5, ephemeral: true },
      { type: 'ExtendLock', resource: 'r', owner, expiresMs: 6 },
      { type: 'ReleaseLock', resource: 'r', owner },
    ]);
  });
});

describe('sequences', () => {
  const record = {
    name: 's',
    currentValue: 7,
    initialValue: 1,
    increment: 2,
    maxValue: null,
    revision: 3,
    blockSize: 9,
    incarnation: 1,
    createdAt: at,
    updatedAt: at,
  };
  const told = {
    family: 'sequence',
    code: SequenceCode.success,
    record,
    allocation: null,
    servedAt,
  } as const;
  const NO_ALLOCATION = { name: null, start: 0, end: 0, count: 0, revision: 0 };

  it('are told to who asks for them alone', async () => {
    answer = () => Promise.resolve(told);
    const common = { servedFrom: null, type: 0, allocation: NO_ALLOCATION, revision: 3, route: OWN_ROUTE };

    expect((await post('/v1/sequences/create', { name: 's' })).json).toEqual({ ...common, sequence: null });
    expect((await post('/v1/sequences/get', { name: 's' })).json).toEqual({
      ...common,
      sequence: { ...record, durability: 1, createdAt: TIME, updatedAt: TIME },
    });
  });

  it('give runs with their name', async () => {
    const allocation = { start: 8, end: 10, count: 2, revision: 4 };
    answer = () => Promise.resolve({ ...told, allocation });

    expect((await post('/v1/sequences/reserve', { name: ' s ', count: 2 })).json).toEqual({
      servedFrom: null,
      type: 0,
      sequence: null,
      allocation: { name: 's', ...allocation },
      revision: 4,
      route: OWN_ROUTE,
    });
  });

  it('that are not there have revision -1', async () => {
    answer = () => Promise.resolve({ ...told, code: SequenceCode.notFound, record: null });

    expect((await post('/v1/sequences/get', { name: 's' })).json).toMatchObject({ type: 1, revision: -1 });
  });

  it('take their defaults, and keep apart what is left out and what is taken away', async () => {
    answer = () => Promise.resolve(told);

    await post('/v1/sequences/create', { name: 's' });
    await post('/v1/sequences/update', { name: 's', increment: 3, removeMaxValue: true });
    await post('/v1/sequences/next', { name: 's', idempotencyKey: ' ' });

    expect(asked.map(({ operation }) => operation)).toEqual([
      { type: 'CreateSequence', name: 's', initialValue: 0, increment: 1 },
      { type: 'UpdateSequence', name: 's', increment: 3, maxValue: null },
      { type: 'ReserveSequence', name: 's', count: 1 },
    ]);
  });
});

describe('trouble inside the cluster', () => {
  it.each([
    ['/v1/kv/try-get', { key: 'k' }, 101],
    ['/v1/kv/get-by-bucket', { prefixKey: 'k' }, 101],
    ['/v1/kv/get-by-range', { prefix: 'k' }, 101],
    ['/v1/kv/scan-all-by-prefix', { prefixKey: 'k' }, 101],
    ['/v1/kv/try-get-many', { items: [{ key: 'k' }] }, 101],
    ['/v1/locks/get-info', { resource: 'r' }, 101],
    ['/v1/sequences/get', { name: 's' }, 5],
  ])('is status 200 with a code and nothing else that a program needs: %s', async (path, body, type) => {
    answer = ({ operation }) =>
      Promise.resolve({ ...refusalOf(operation, 'mustRetry'), reason: 'no leader' });
    expect(await post(path, body)).toEqual({ status: 200, json: { type, reason: 'no leader' } });

    answer = () => Promise.reject(new HostStopped('stopping'));
    expect(await post(path, body)).toEqual({ status: 200, json: { type, reason: 'stopping' } });
  });

  it('with some rows of a batch is told row by row', async () => {
    answer = ({ operation }) =>
      Promise.resolve(
        'key' in operation && operation.key === 'lost'
          ? { ...refusalOf(operation, 'mustRetry'), reason: 'no leader' }
          : outcome(KeyValueCode.deleted),
      );

    const { json } = await post('/v1/kv/try-delete-many', { items: [{ key: 'lost' }, { key: 'k' }] });

    expect(json).toMatchObject({ type: 4, items: [{ type: 101 }, { type: 4 }] });
  });
});

describe('batches', () => {
  it('are answered with every property, and each hint once', async () => {
    answer = ({ operation }) => {
      const group = groupId('key' in operation && operation.key === 'far' ? 2 : 1);
      return Promise.resolve(outcome(KeyValueCode.set, { expires: at })).then((told) => ({
        ...told,
        servedAt: { group, index: logIndex(1) },
      }));
    };
    const items = ['a', 'far', 'b'].map((key) => ({ key, value: 'QQ==' }));
    const write = { servedFrom: null, type: 0, revision: 5, lastModified: TIME, durability: 1 };

    const { json } = await post('/v1/kv/try-set-many', { items });

    expect(json).toEqual({
      type: 0,
      timeElapsedMs: expect.any(Number) as number,
      routes: [OWN_ROUTE, OTHER_ROUTE],
      items: [
        { ...write, key: 'a', routeIndex: 1, holderTransactionId: NEVER },
        { ...write, key: 'far', routeIndex: 2, holderTransactionId: NEVER },
        { ...write, key: 'b', routeIndex: 1, holderTransactionId: NEVER },
      ],
    });
    const gets = (await post('/v1/kv/try-get-many', { items: [{ key: 'a' }] })).json;
    expect(gets).toEqual({
      type: 3,
      servedFrom: null,
      timeElapsedMs: expect.any(Number) as number,
      routes: [OWN_ROUTE],
      items: [
        { key: 'a', type: 0, value: null, revision: 5, lastModified: TIME, durability: 1, routeIndex: 1 },
      ],
    });
  });

  it.each([
    ['try-set-many', 1],
    ['try-delete-many', 0],
    ['try-get-many', 0],
    ['try-exists-many', 0],
  ])('without items are refused: %s', async (path, rows) => {
    const { json } = await post(`/v1/kv/${path}`, {});

    expect(json).toMatchObject({ type: 100 });
    expect((json as { readonly items: unknown[] }).items).toHaveLength(rows);
  });

  it('say in which row something cannot be read', async () => {
    const { status, json } = await post('/v1/kv/try-set-many', { items: [{ key: 'a' }, { key: 5 }] });

    expect(status).toBe(400);
    expect(json).toMatchObject({ message: 'items[1].key: expected a string, but got the number 5' });
    expect(asked).toEqual([]);
  });
});

describe('a page', () => {
  it('is answered with every property, and takes the largest limits', async () => {
    const row = { key: 'a/1', value: new Uint8Array([65]), revision: revision(2), lastModified: at };
    answer = () =>
      Promise.resolve({
        family: 'page',
        code: KeyValueCode.got,
        items: [row],
        hasMore: false,
        lastKey: 'a/1',
        at,
      });
    const items = [{ key: 'a/1', value: 'QQ==', revision: 2, lastModified: TIME }];

    const limit = Number.MAX_SAFE_INTEGER;
    expect((await post('/v1/kv/get-by-range', { prefix: 'a', limit, endKey: 'a/5' })).json).toEqual({
      servedFrom: null,
      type: 3,
      items,
      nextCursor: null,
      hasMore: false,
    });
    expect((await post('/v1/kv/get-by-bucket', { prefixKey: 'a' })).json).toEqual({
      servedFrom: null,
      type: 3,
      items,
    });
    expect(asked[0]?.operation).toMatchObject({ prefix: 'a', to: { key: 'a/5', inclusive: false } });
  });

  it('is put together of as many steps as it takes, also of empty ones', async () => {
    const steps = ['a/1', 'a/2', 'a/3', 'a/4'];
    answer = ({ operation }) => {
      const from = operation.type === 'Scan' ? operation.from?.key : undefined;
      const key = steps.find((step) => from === undefined || step > from) ?? '';
      const items = key === 'a/2' ? [] : [{ key, value: null, revision: revision(0), lastModified: at }];
      const hasMore = key !== 'a/4';
      return Promise.resolve({ family: 'page', code: KeyValueCode.got, items, hasMore, lastKey: key, at });
    };

    const { json } = await post('/v1/kv/get-by-range', { prefix: 'a', limit: 2 });

    expect((json as { readonly items: { readonly key: string }[] }).items.map(({ key }) => key)).toEqual([
      'a/1',
      'a/3',
    ]);
    expect(json).toMatchObject({ hasMore: true });
    expect(asked.slice(1).map(({ operation }) => operation)).toMatchObject([{ at }, { at }]);
  });
});
