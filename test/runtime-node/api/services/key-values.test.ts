import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Driver, Fields } from './driver.js';
import { FACES, freshName, sayable, startService, until, type Service } from './start.js';

const NEVER = { n: 0, l: 0, c: 0 };
/** The last moment of a millisecond, as clients write it. */
const endOf = (ms: number): Fields => ({ n: 0, l: ms, c: 2 ** 32 - 1 });

let service: Service;
beforeAll(async () => {
  // Memory has room for next to nothing of what is kept apart.
  service = await startService({
    tuning: { electionTimeoutMs: 20, heartbeatIntervalMs: 5, maxValueBytesInMemory: 10_000 },
  });
});
afterAll(() => service.stop());

describe.each(FACES)('key/values by %s', (face) => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await service.driver(face);
  });

  const set = (key: string, value: string | null, rest: Fields = {}): Promise<Fields> =>
    driver.call('kv/try-set', { key, value, flags: 1, ...rest });
  const get = (key: string, rest: Fields = {}): Promise<Fields> =>
    driver.call('kv/try-get', { key, ...rest });
  const remove = (key: string): Promise<Fields> => driver.call('kv/try-delete', { key });
  const ended = (key: string): Promise<Fields> =>
    until(
      () => get(key),
      ({ type }) => type !== 3,
    );
  const stampOf = ({ lastModified }: Fields): number => (lastModified as { readonly l: number }).l;

  it('count their revisions through deletion and creation anew', async () => {
    const key = freshName('key');

    expect(await set(key, 'a')).toMatchObject({ type: 0, revision: 0 });
    expect(await set(key, 'b')).toMatchObject({ type: 0, revision: 1 });
    expect(await remove(key)).toMatchObject({ type: 4, revision: 2 });
    expect(await get(key)).toMatchObject({ type: 103, value: null, revision: 0, expires: NEVER });
    expect(await remove(key)).toMatchObject({ type: 103 });
    expect(await set(key, 'c')).toMatchObject({ type: 0, revision: 3 });
    expect(await get(key)).toMatchObject({ type: 3, value: 'c', revision: 3, expires: NEVER });
  });

  it('count on after they have expired, which counts as absent', async () => {
    const key = freshName('key');
    await set(key, 'a', { expiresMs: 1 });

    expect(await ended(key)).toMatchObject({ type: 103, value: null, revision: 0 });
    expect(await driver.call('kv/try-exists', { key })).toMatchObject({ type: 103 });
    expect(await remove(key)).toMatchObject({ type: 103 });
    expect(await driver.call('kv/try-extend', { key, expiresMs: 5 })).toMatchObject({ type: 103 });
    expect(await set(key, 'b', { flags: 4 })).toMatchObject({ type: 1, revision: 0 });
    expect(await set(key, 'b', { flags: 16, compareValue: 'a' })).toMatchObject({ type: 1, revision: 0 });
    expect(await set(key, 'b', { flags: 8 })).toMatchObject({ type: 0, revision: 1 });

    const other = freshName('key');
    await set(other, 'a', { expiresMs: 1 });
    await ended(other);
    // Its value counts as null.
    expect(await set(other, 'b', { flags: 16, compareValue: null })).toMatchObject({ type: 0, revision: 1 });
  });

  it('keep every revision, of short values and of long ones, also those that are on the disk alone', async () => {
    const key = freshName('key');
    const other = freshName('key');
    const long = (i: number): string => `${i} `.repeat(400);
    for (let i = 0; i < 70; i += 1) {
      await set(key, `value ${i}`);
      await set(other, long(i));
    }
    for (const revision of [0, 10, 33, 69]) {
      expect(await get(key, { revision })).toMatchObject({ type: 3, value: `value ${revision}`, revision });
      expect(await get(other, { revision })).toMatchObject({ type: 3, value: long(revision), revision });
    }
    expect(await get(key, { revision: 70 })).toMatchObject({ type: 103 });
    expect(await driver.call('kv/try-exists', { key, revision: 5 })).toMatchObject({ type: 10, revision: 5 });
  });

  it('were at an earlier time what they were then, however often they were written since', async () => {
    const key = freshName('key');
    await set(key, 'first');
    const { lastModified } = await get(key);
    for (let i = 0; i < 50; i += 1) await set(key, `value ${i}`);

    const then = await get(key, { readTimestamp: lastModified });
    const page = await driver.call('kv/get-by-range', {
      prefix: key,
      limit: 10,
      readTimestamp: lastModified,
    });

    expect(then).toMatchObject({ type: 3, value: 'first', revision: 0 });
    expect(page).toMatchObject({ items: [{ key, value: 'first', revision: 0 }] });
  });

  it('live for ever again after a plain set', async () => {
    const key = freshName('key');
    const { expires } = await get((await set(key, 'a', { expiresMs: 60_000 })) && key);

    expect(expires).not.toEqual(NEVER);
    await set(key, 'b');
    expect(await get(key)).toMatchObject({ value: 'b', expires: NEVER });
  });

  it('are extended without a new revision', async () => {
    const key = freshName('key');
    await set(key, 'a');

    expect(await driver.call('kv/try-extend', { key, expiresMs: 60_000 })).toMatchObject({
      type: 2,
      revision: 0,
    });
    const { value, revision, expires } = await get(key);
    expect({ value, revision }).toEqual({ value: 'a', revision: 0 });
    expect(expires).not.toEqual(NEVER);
  });

  it('keep null and zero bytes apart', async () => {
    const key = freshName('key');
    await set(key, null);
    expect(await get(key)).toMatchObject({ type: 3, value: null });
    expect(await set(key, 'x', { flags: 16, compareValue: '' })).toMatchObject({ type: 1, revision: 0 });
    expect(await set(key, '', { flags: 16, compareValue: null })).toMatchObject({ type: 0, revision: 1 });

    expect(await get(key)).toMatchObject({ type: 3, value: '' });
    expect(await set(key, 'x', { flags: 16, compareValue: null })).toMatchObject({ type: 1 });
    expect(await set(key, 'x', { flags: 16, compareValue: '' })).toMatchObject({ type: 0, revision: 2 });
  });

  it('are set under a condition, which when refused tells the current revision', async () => {
    const key = freshName('key');

    expect(await set(key, 'a', { flags: 4 })).toMatchObject({ type: 1, revision: -1 });
    expect(await set(key, 'a', { flags: 8 })).toMatchObject({ type: 0, revision: 0 });
    expect(await set(key, 'b', { flags: 8 })).toMatchObject({ type: 1, revision: 0 });
    expect(await set(key, 'b', { flags: 4 })).toMatchObject({ type: 0, revision: 1 });
    expect(await set(key, 'c', { flags: 32, compareRevision: 0 })).toMatchObject({ type: 1, revision: 1 });
    expect(await set(key, 'c', { flags: 32, compareRevision: 1 })).toMatchObject({ type: 0, revision: 2 });
    expect(await set(key, 'd', { flags: 16, compareValue: 'b' })).toMatchObject({ type: 1, revision: 2 });
    expect(await set(key, 'd', { flags: 16, compareValue: 'c' })).toMatchObject({ type: 0, revision: 3 });
    await remove(key);
    expect(await set(key, 'e', { flags: 4 })).toMatchObject({ type: 1, revision: 4 });
    expect(await set(key, 'e', { flags: 16, compareValue: 'd' })).toMatchObject({ type: 1, revision: 4 });
    expect(await set(key, 'e', { flags: 8 })).toMatchObject({ type: 0, revision: 5 });
  });

  it('are read as they were at a revision, but not at one that was not archived', async () => {
    const key = freshName('key');
    await set(key, 'a');
    await set(key, 'b');
    await set(key, 'c', { flags: 2 });

    expect(await get(key, { revision: 0 })).toMatchObject({ type: 3, value: 'a', revision: 0 });
    expect(await get(key, { revision: 2 })).toMatchObject({ type: 3, value: 'c', revision: 2 });
    expect(await get(key, { revision: 1 })).toMatchObject({ type: 103 });
    expect(await get(key, { revision: 9 })).toMatchObject({ type: 103 });
  });

  it('are read as they were at a time, to the last millisecond', async () => {
    const key = freshName('key');
    const first = await set(key, 'a');
    const created = stampOf(first);
    // Each of another millisecond than the one before.
    const later = async (stamp: number, change: () => Promise<Fields>): Promise<Fields> => {
      await until(
        () => Promise.resolve(Date.now()),
        (now) => now > stamp,
      );
      return change();
    };
    const second = await later(created, () => set(key, 'b'));
    const changed = stampOf(second);
    const third = await later(changed, () => remove(key));
    const deleted = stampOf(third);
    const at = async (readTimestamp: unknown): Promise<Fields> => get(key, { readTimestamp });

    expect([created < changed, changed < deleted]).toEqual([true, true]);
    expect(await at(endOf(created - 1))).toMatchObject({ type: 103 });
    expect(await at(endOf(created))).toMatchObject({ type: 3, value: 'a', revision: 0 });
    expect(await at(endOf(changed - 1))).toMatchObject({ type: 3, value: 'a', revision: 0 });
    expect(await at(endOf(changed))).toMatchObject({ type: 3, value: 'b', revision: 1 });
    expect(await at(endOf(deleted - 1))).toMatchObject({ type: 3, value: 'b', revision: 1 });
    expect(await at(endOf(deleted))).toMatchObject({ type: 103 });
    expect(await at(first.lastModified)).toMatchObject({ type: 3, value: 'a' });
    expect(await at(second.lastModified)).toMatchObject({ type: 3, value: 'b' });
    expect(await at(third.lastModified)).toMatchObject({ type: 103 });
  });

  it('are other ones in memory than in the log', async () => {
    const key = freshName('key');
    await set(key, 'memory', { durability: 0 });

    expect(await get(key)).toMatchObject({ type: 103 });
    await set(key, 'log');
    expect(await get(key, { durability: 0 })).toMatchObject({ type: 3, value: 'memory', revision: 0 });
    expect(await get(key)).toMatchObject({ type: 3, value: 'log', revision: 0 });
  });

  it('have values of a mebibyte', async () => {
    const key = freshName('key');
    const value = 'x'.repeat(1 << 20);
    await set(key, value);

    expect((await get(key)).value).toBe(value);
  });

  it('take effect once for one operation id', async () => {
    const key = freshName('key');
    const id = { operationIdHigh: 7, operationIdLow: Math.floor(Math.random() * 2 ** 50) };

    expect(await set(key, 'a', id)).toMatchObject({ type: 0, revision: 0 });
    expect(await set(key, 'a', id)).toMatchObject({ type: 0, revision: 0 });
    expect(await get(key)).toMatchObject({ revision: 0 });
  });

  it.each(
    sayable(face, [
      ['kv/try-set', { key: '', value: 'a' }],
      ['kv/try-set', { key: 'k', value: 'a', expiresMs: -1 }],
      ['kv/try-set', { key: 'k', value: 'a', flags: 64 }],
      ['kv/try-set', { key: 'k', value: 'a', transactionId: { n: 1, l: 5, c: 0 } }],
      ['kv/try-set', { key: 'k', value: 'a', durability: 5 }],
      ['kv/try-set', { key: '__kahuna:k', value: 'a' }],
      ['kv/try-extend', { key: 'k', expiresMs: 0 }],
      ['kv/try-extend', { key: '__kahuna:k', expiresMs: 5 }],
      ['kv/try-delete', { key: '' }],
      ['kv/try-delete', { key: '__kahuna:k' }],
      ['kv/try-get', { key: '' }],
      ['kv/try-get', { key: '__kahuna:k' }],
      ['kv/try-get', { key: 'k', revision: -2 }],
      ['kv/try-exists', { key: '__kahuna:k' }],
    ] as const),
  )('are not there for %s %o', async (path, body) => {
    expect(await driver.call(path, body)).toMatchObject({ type: 100 });
  });
});
