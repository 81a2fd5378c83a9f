import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Driver, Fields, ServicePath } from './driver.js';
import { FACES, freshName, startService, TRANSPORTS, type Service } from './start.js';

const NONE = { n: 0, l: 0, c: 0 };

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

interface Session {
  readonly id: Fields;
  /** An operation, under a fresh id unless it has one. */
  call(path: ServicePath, body: Fields): Promise<Fields>;
  set(key: string, value: string | null, rest?: Fields): Promise<Fields>;
  get(key: string): Promise<Fields>;
  commit(): Promise<Fields>;
  rollback(): Promise<Fields>;
}

let operations = 0;
const operationId = (): Fields => ({ operationIdHigh: 5, operationIdLow: (operations += 1) });

describe.each(FACES)('sessions by %s', (face) => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await service.driver(face);
  });

  async function begin(options: Fields = {}): Promise<Session> {
    const coordinatorKey = freshName('session');
    const started = await driver.call('kv/start-tx-session', { coordinatorKey, ...options });
    expect(started).toMatchObject({ type: 0 });
    const transactionId = started.transactionId as Fields;
    const handle = { coordinatorKey, transactionId };
    const call = (path: ServicePath, body: Fields): Promise<Fields> =>
      driver.call(path, { ...handle, ...operationId(), ...body });
    return {
      id: transactionId,
      call,
      set: (key, value, rest = {}) => call('kv/try-set', { key, value, flags: 1, ...rest }),
      get: (key) => call('kv/try-get', { key }),
      commit: () => driver.call('kv/commit-tx-session', handle),
      rollback: () => driver.call('kv/rollback-tx-session', handle),
    };
  }

  const outside = (key: string, rest: Fields = {}): Promise<Fields> =>
    driver.call('kv/try-get', { key, ...rest });
  const put = (key: string, value: string): Promise<Fields> =>
    driver.call('kv/try-set', { key, value, flags: 1 });
  const OPTIMISTIC = { lockingType: 1 };

  it('make all of it visible when they are committed, and nothing before', async () => {
    const [a, b] = [freshName('a'), freshName('b')];
    const session = await begin();

    expect(await session.set(a, 'x')).toMatchObject({ type: 0, revision: 0 });
    expect(await session.set(b, 'y', { durability: 0 })).toMatchObject({ type: 0, revision: 0 });
    expect(await session.get(a)).toMatchObject({ type: 3, value: 'x' });
    expect(await outside(a)).toMatchObject({ type: 103 });
    expect(await session.commit()).toMatchObject({ type: 8, recordAnchorKey: a });
    expect(await outside(a)).toMatchObject({ type: 3, value: 'x', revision: 0 });
    expect(await outside(b, { durability: 0 })).toMatchObject({ type: 3, value: 'y' });
  });

  it('are committed again with the same answer, and no longer rolled back', async () => {
    const session = await begin();
    await session.set(freshName('a'), 'x');

    const answers = [await session.commit(), await session.commit(), await session.rollback()];

    expect(answers.map(({ type }) => type)).toEqual([8, 8, 8]);
  });

  it('are rolled back again with the same answer, and no longer committed', async () => {
    const key = freshName('a');
    const session = await begin();
    await session.set(key, 'x');

    const answers = [await session.rollback(), await session.rollback(), await session.commit()];

    expect(answers.map(({ type }) => type)).toEqual([9, 9, 102]);
    expect(await outside(key)).toMatchObject({ type: 103 });
  });

  it('may be committed empty', async () => {
    expect(await (await begin()).commit()).toMatchObject({ type: 8 });
    expect(await (await begin()).rollback()).toMatchObject({ type: 9 });
  });

  it('keep null and zero bytes apart', async () => {
    const [a, b] = [freshName('a'), freshName('b')];
    const session = await begin();
    await session.set(a, null);
    await session.set(b, '');

    expect([await session.get(a), await session.get(b)]).toMatchObject([{ value: null }, { value: '' }]);
    expect(await session.set(a, 'x', { flags: 16, compareValue: '' })).toMatchObject({ type: 1 });
    expect(await session.set(b, 'x', { flags: 16, compareValue: null })).toMatchObject({ type: 1 });
    await session.commit();
    expect([await outside(a), await outside(b)]).toMatchObject([{ value: null }, { value: '' }]);
  });

  it('count a revision for each write, and publish only the last', async () => {
    const key = freshName('a');
    const session = await begin();
    await session.set(key, 'one');
    await session.set(key, 'two');
    await session.commit();

    expect(await outside(key)).toMatchObject({ value: 'two', revision: 1 });
    expect(await outside(key, { revision: 0 })).toMatchObject({ type: 103 });
  });

  it('see their own writes in buckets and ranges', async () => {
    const bucket = freshName('bucket');
    await put(`${bucket}/1`, 'one');
    await put(`${bucket}/2`, 'two');
    const session = await begin();
    await session.set(`${bucket}/3`, 'three');
    await session.call('kv/try-delete', { key: `${bucket}/1` });

    const rows = await session.call('kv/get-by-bucket', { prefixKey: bucket });
    const page = await session.call('kv/get-by-range', { prefix: bucket, limit: 1 });

    expect(rows).toMatchObject({ type: 3, items: [{ key: `${bucket}/2` }, { key: `${bucket}/3` }] });
    expect(page).toMatchObject({ type: 3, items: [{ key: `${bucket}/2` }], hasMore: true });
    await session.rollback();
  });

  it('delete many keys as one', async () => {
    const bucket = freshName('bucket');
    await put(`${bucket}/1`, 'one');
    const session = await begin();
    const items = ['1', '9'].map((name) => ({ key: `${bucket}/${name}`, transactionId: session.id }));

    const deleted = await session.call('kv/try-delete-many', { items, transactionId: undefined });
    const before = await outside(`${bucket}/1`);
    await session.commit();

    expect(deleted).toMatchObject({ items: [{ type: 4 }, { type: 103 }] });
    expect([before, await outside(`${bucket}/1`)]).toMatchObject([{ type: 3 }, { type: 103 }]);
  });

  it.each([
    ['what they read was written', {}],
    ['what they read was written, without validation', { readValidation: 0 }],
    ['what they read was written, with validation', { readValidation: 1 }],
  ])('are aborted when %s', async (_when, options) => {
    const [a, b] = [freshName('a'), freshName('b')];
    const session = await begin({ ...OPTIMISTIC, ...options });
    await session.get(a);
    await session.set(b, 'x');
    await put(a, 'new');

    expect(await session.commit()).toMatchObject({ type: 102 });
    expect(await outside(b)).toMatchObject({ type: 103 });
  });

  it('keep write skew out', async () => {
    const [a, b] = [freshName('a'), freshName('b')];
    const [first, second] = [await begin(OPTIMISTIC), await begin(OPTIMISTIC)];
    for (const session of [first, second]) for (const key of [a, b]) await session.get(key);
    await first.set(a, 'x');
    await second.set(b, 'x');

    expect(await first.commit()).toMatchObject({ type: 8 });
    expect(await second.commit()).toMatchObject({ type: 102 });
  });

  it('both win where they write without having read', async () => {
    const key = freshName('a');
    const [first, second] = [await begin(OPTIMISTIC), await begin(OPTIMISTIC)];
    await first.set(key, 'x');
    await second.set(key, 'y');

    expect([await first.commit(), await second.commit()]).toMatchObject([{ type: 8 }, { type: 8 }]);
    expect(await outside(key)).toMatchObject({ value: 'y', revision: 1 });
  });

  it.each([
    ['set', 'kv/try-set', { value: 'mine', flags: 1 }],
    ['deleted', 'kv/try-delete', {}],
    ['extended', 'kv/try-extend', { expiresMs: 60_000 }],
  ] as const)(
    'are aborted at once when what they have read is changed by others, locked and then %s',
    async (_what, path, body) => {
      const key = freshName('a');
      await put(key, 'old');
      const session = await begin(OPTIMISTIC);
      await session.get(key);
      await put(key, 'new');
      const lock = await session.call('kv/try-acquire-exclusive-lock', { key, expiresMs: 5_000 });

      expect(lock).toMatchObject({ type: 5 });
      expect(await session.call(path, { key, ...body })).toMatchObject({ type: 102 });
      expect(await session.commit()).toMatchObject({ type: 102 });
      expect(await outside(key)).toMatchObject({ value: 'new', revision: 1 });
    },
  );

  it('are not aborted by what others did to a key that they write without having read it', async () => {
    const key = freshName('a');
    const session = await begin(OPTIMISTIC);
    await session.set(key, 'mine');
    await put(key, 'theirs');
    await session.call('kv/try-acquire-exclusive-lock', { key, expiresMs: 5_000 });

    expect(await session.set(key, 'mine again')).toMatchObject({ type: 0 });
    expect(await session.commit()).toMatchObject({ type: 8 });
    expect(await outside(key)).toMatchObject({ value: 'mine again' });
  });

  it.each([
    ['bucket', 'kv/get-by-bucket', (prefix: string): Fields => ({ prefixKey: prefix })],
    ['range', 'kv/get-by-range', (prefix: string): Fields => ({ prefix, limit: 10 })],
  ] as const)('are aborted by a key that came into an empty %s', async (_what, path, body) => {
    const bucket = freshName('bucket');
    const session = await begin(OPTIMISTIC);
    await session.call(path, body(bucket));
    await session.set(freshName('a'), 'x');
    await put(`${bucket}/1`, 'one');

    expect(await session.commit()).toMatchObject({ type: 102 });
  });

  it.each([
    ['kv/try-acquire-exclusive-lock', (bucket: string): Fields => ({ key: `${bucket}/1` })],
    ['kv/try-acquire-prefix-lock', (bucket: string): Fields => ({ key: bucket })],
    ['kv/try-acquire-range-lock', (bucket: string): Fields => ({ prefix: bucket, mode: 0 })],
  ] as const)('exclude each other by %s, and tell who has it', async (path, body) => {
    const bucket = freshName('bucket');
    const [holder, other] = [await begin(), await begin()];

    expect(await holder.call(path, { ...body(bucket), expiresMs: 0 })).toMatchObject({
      type: 5,
      holderTransactionId: NONE,
    });
    expect(await holder.call(path, { ...body(bucket), expiresMs: 5_000 })).toMatchObject({ type: 5 });
    expect(await other.call(path, { ...body(bucket), expiresMs: 5_000 })).toMatchObject({
      type: 104,
      holderTransactionId: holder.id,
    });
    expect(await other.set(`${bucket}/1`, 'x')).toMatchObject({ type: 104 });
    await holder.rollback();
    expect(await other.call(path, { ...body(bucket), expiresMs: 5_000 })).toMatchObject({ type: 5 });
    await other.rollback();
  });

  it('share ranges with those who share them', async () => {
    const prefix = freshName('bucket');
    const [first, second, third] = [await begin(), await begin(), await begin()];
    const lock = (session: Session, mode: number): Promise<Fields> =>
      session.call('kv/try-acquire-range-lock', { prefix, mode, expiresMs: 0 });

    expect(await lock(first, 1)).toMatchObject({ type: 5 });
    expect(await lock(second, 1)).toMatchObject({ type: 5 });
    expect(await lock(third, 0)).toMatchObject({ type: 104 });
    expect(await lock(first, 0)).toMatchObject({ type: 104 });
    await second.rollback();
    expect(await lock(first, 0)).toMatchObject({ type: 5 });
    await first.rollback();
  });

  it('give back prefixes and ranges before they end', async () => {
    const [bucket, prefix] = [freshName('bucket'), freshName('bucket')];
    const [holder, other] = [await begin(), await begin()];
    const range = { prefix, startKey: `${prefix}/1`, startInclusive: true, endKey: `${prefix}/5` };
    await holder.call('kv/try-acquire-prefix-lock', { key: bucket, expiresMs: 0 });
    await holder.call('kv/try-acquire-range-lock', { ...range, expiresMs: 0 });

    expect(await other.set(`${bucket}/1`, 'x')).toMatchObject({ type: 104 });
    expect(await other.set(`${prefix}/3`, 'x')).toMatchObject({ type: 104 });
    expect(await holder.call('kv/try-release-prefix-lock', { key: bucket })).toMatchObject({ type: 6 });
    expect(await holder.call('kv/try-release-range-lock', range)).toMatchObject({ type: 6 });
    expect(await other.set(`${bucket}/1`, 'x')).toMatchObject({ type: 0 });
    expect(await other.set(`${prefix}/3`, 'x')).toMatchObject({ type: 0 });
    await other.rollback();
  });

  it('show one moment of the past, and write nothing there', async () => {
    const key = freshName('a');
    const { lastModified } = await put(key, 'old');
    await put(key, 'new');
    const session = await begin({ readTimestamp: lastModified });

    expect(await session.get(key)).toMatchObject({ type: 3, value: 'old' });
    expect(await session.set(key, 'x')).toMatchObject({ type: 102 });
  });

  it('of durable decisions take nothing ephemeral', async () => {
    const session = await begin({ decisionDurability: 1 });

    expect(await session.set(freshName('a'), 'x', { durability: 0 })).toMatchObject({ type: 102 });
    expect(await session.commit()).toMatchObject({ type: 102 });
  });

  it('take a write that comes after their time', async () => {
    const session = await begin({ timeout: 1 });
    await new Promise((resolve) => setTimeout(resolve, 100));

    expect(await session.set(freshName('a'), 'x')).toMatchObject({ type: 0 });
    expect(await session.commit()).toMatchObject({ type: 8 });
  });

  it('that nobody knows are errored, and take no operations', async () => {
    const handle = { coordinatorKey: 'c', transactionId: { n: 1, l: 5, c: 0 } };

    expect(await driver.call('kv/commit-tx-session', handle)).toMatchObject({ type: 99 });
    expect(await driver.call('kv/rollback-tx-session', handle)).toMatchObject({ type: 99 });
    const late = { key: 'k', ...handle, ...operationId() };
    expect(await driver.call('kv/try-get', late)).toMatchObject({ type: 102 });
  });

  it('take nothing more once they are over', async () => {
    const session = await begin();
    await session.commit();

    expect(await session.set(freshName('a'), 'x')).toMatchObject({ type: 102 });
    expect(await session.get(freshName('a'))).toMatchObject({ type: 102 });
    expect(await session.call('kv/try-acquire-exclusive-lock', { key: 'k', expiresMs: 0 })).toMatchObject({
      type: 102,
    });
  });

  it('do once what is asked under one operation id', async () => {
    const key = freshName('a');
    const session = await begin();
    const id = operationId();

    const answers = [await session.set(key, 'x', id), await session.set(key, 'x', id)];
    await session.commit();

    expect(answers).toMatchObject([
      { type: 0, revision: 0 },
      { type: 0, revision: 0 },
    ]);
    expect(await outside(key)).toMatchObject({ revision: 0 });
  });

  it('are not begun without a coordinator key, or with a snapshot that is to be validated', async () => {
    const { lastModified } = await put(freshName('a'), 'x');
    const refused = [
      await driver.call('kv/start-tx-session', { coordinatorKey: '' }),
      await driver.call('kv/start-tx-session', {
        coordinatorKey: 'c',
        readValidation: 1,
        readTimestamp: lastModified,
      }),
    ];

    expect(refused).toMatchObject([{ type: 100 }, { type: 100 }]);
  });

  it('work with keys of all partitions at once', async () => {
    const keys = Array.from({ length: 12 }, () => freshName('spread'));
    const session = await begin();
    for (const key of keys) await session.set(key, 'x');

    expect(await session.commit()).toMatchObject({ type: 8 });
    const values = await Promise.all(keys.map((key) => outside(key)));
    expect(values.every(({ type, value }) => type === 3 && value === 'x')).toBe(true);
    expect(new Set(values.map(({ lastModified }) => JSON.stringify(lastModified))).size).toBe(1);
  });
});

describe.each(TRANSPORTS)('by %s, sessions', (face) => {
  it('refuse another operation under an id that was used', async () => {
    const driver = await service.driver(face);
    const coordinatorKey = freshName('session');
    const { transactionId } = await driver.call('kv/start-tx-session', { coordinatorKey });
    const key = freshName('a');
    const set = (value: string, id: Fields): Promise<Fields> =>
      driver.call('kv/try-set', { key, value, flags: 1, coordinatorKey, transactionId, ...id });
    const id = operationId();

    expect(await set('x', id)).toMatchObject({ type: 0 });
    expect(await set('y', id)).toMatchObject({ type: 99 });
    expect(await set('x', id)).toMatchObject({ type: 0 });
    expect(await set('y', operationId())).toMatchObject({ type: 0, revision: 1 });
  });
});
