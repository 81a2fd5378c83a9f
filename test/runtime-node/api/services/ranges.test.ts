import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Driver, Fields } from './driver.js';
import { freshName, startService, TRANSPORTS, type Service } from './start.js';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

describe.each(TRANSPORTS)('reads by prefix by %s', (transport) => {
  let driver: Driver;
  beforeAll(() => {
    driver = service.driver(transport);
  });

  async function fill(bucket: string, names: readonly string[], rest: Fields = {}): Promise<void> {
    const items = names.map((name) => ({ key: `${bucket}/${name}`, value: `value of ${name}`, ...rest }));
    await driver.call('kv/try-set-many', { items });
  }
  const keysOf = (answer: Fields, bucket?: string): readonly string[] =>
    (answer.items as readonly { readonly key: string }[]).map(({ key }) =>
      bucket === undefined ? key : key.replace(`${bucket}/`, ''),
    );
  const range = (prefix: string, rest: Fields = {}): Promise<Fields> =>
    driver.call('kv/get-by-range', { prefix, limit: 100, ...rest });

  it('give a bucket in order, without what is deleted', async () => {
    const bucket = freshName('bucket');
    await fill(bucket, ['c', 'a', 'd', 'b']);
    await driver.call('kv/try-delete', { key: `${bucket}/c` });

    const answer = await driver.call('kv/get-by-bucket', { prefixKey: bucket });

    expect(answer).toMatchObject({ type: 3 });
    expect(keysOf(answer, bucket)).toEqual(['a', 'b', 'd']);
    expect((answer.items as readonly Fields[])[0]).toMatchObject({ value: 'value of a', revision: 0 });
  });

  it('say that an empty bucket does not exist, and that an empty prefix is none', async () => {
    expect(await driver.call('kv/get-by-bucket', { prefixKey: freshName('none') })).toMatchObject({
      type: 103,
      items: [],
    });
    expect(await driver.call('kv/get-by-bucket', { prefixKey: '' })).toMatchObject({ type: 100, items: [] });
    expect(await driver.call('kv/scan-all-by-prefix', { prefixKey: '' })).toMatchObject({ type: 100 });
    expect(await range('')).toMatchObject({ type: 100, items: [], hasMore: false });
  });

  it('keep memory and log apart', async () => {
    const bucket = freshName('bucket');
    await fill(bucket, ['a', 'b'], { durability: 0 });

    expect(await driver.call('kv/get-by-bucket', { prefixKey: bucket })).toMatchObject({ type: 103 });
    expect(
      keysOf(await driver.call('kv/get-by-bucket', { prefixKey: bucket, durability: 0 }), bucket),
    ).toEqual(['a', 'b']);
  });

  it('find a prefix in all partitions, in order', async () => {
    const prefix = freshName('all');
    const names = Array.from({ length: 12 }, (_, index) => `${prefix}-${index}/x`);
    await driver.call('kv/try-set-many', { items: names.map((key) => ({ key, value: 'x' })) });

    const answer = await driver.call('kv/scan-all-by-prefix', { prefixKey: prefix });

    expect(answer).toMatchObject({ type: 3 });
    expect(keysOf(answer)).toEqual([...names].sort((a, b) => (a < b ? -1 : 1)));
  });

  it('keep within their bounds', async () => {
    const bucket = freshName('bucket');
    await fill(bucket, ['a', 'b', 'c', 'd']);
    const [startKey, endKey] = [`${bucket}/b`, `${bucket}/d`];

    const closed = { startKey, startInclusive: true, endKey, endInclusive: true };
    const open = { startKey, startInclusive: false, endKey, endInclusive: false };
    expect(keysOf(await range(bucket, closed), bucket)).toEqual(['b', 'c', 'd']);
    expect(keysOf(await range(bucket, open), bucket)).toEqual(['c']);
    expect(keysOf(await range(bucket, { endKey, endInclusive: false }), bucket)).toEqual(['a', 'b', 'c']);
    expect(keysOf(await range(bucket), bucket)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('say whether there is more, and are without limit for zero and less', async () => {
    const bucket = freshName('bucket');
    await fill(bucket, ['a', 'b', 'c']);

    const first = await range(bucket, { limit: 2 });
    expect(first).toMatchObject({ hasMore: true, nextCursor: expect.any(String) as string });
    expect(keysOf(first, bucket)).toEqual(['a', 'b']);
    for (const limit of [0, -1, 1_000]) {
      const all = await range(bucket, { limit });
      expect(all).toMatchObject({ hasMore: false, nextCursor: null });
      expect(keysOf(all, bucket)).toEqual(['a', 'b', 'c']);
    }
  });

  it('give more rows than one step of the core', async () => {
    const bucket = freshName('bucket');
    const names = Array.from({ length: 1_100 }, (_, index) => `${10_000 + index}`);
    await fill(bucket, names);

    expect(keysOf(await range(bucket, { limit: -1 }), bucket)).toEqual(names);
    expect(keysOf(await driver.call('kv/get-by-bucket', { prefixKey: bucket }), bucket)).toEqual(names);
  });

  it('show one moment on all pages when they are resumed at its time', async () => {
    const bucket = freshName('bucket');
    await fill(bucket, ['a', 'c', 'e']);
    const { lastModified } = await driver.call('kv/try-set', { key: `${bucket}/z`, value: 'z' });
    await fill(bucket, ['b', 'd']);
    await driver.call('kv/try-delete', { key: `${bucket}/c` });

    const then = await range(bucket, { readTimestamp: lastModified });

    expect(keysOf(then, bucket)).toEqual(['a', 'c', 'e', 'z']);
  });
});

describe('a cursor', () => {
  let driver: Driver;
  beforeAll(() => {
    driver = service.driver('REST');
  });
  const range = (prefix: string, rest: Fields): Promise<Fields> =>
    driver.call('kv/get-by-range', { prefix, limit: 2, ...rest });
  const keysOf = (answer: Fields): readonly string[] =>
    (answer.items as readonly { readonly key: string }[]).map(({ key }) => key);

  it('leads through all pages of the moment of the first, whatever is written in between', async () => {
    const bucket = freshName('pages');
    const set = (name: string): Promise<Fields> =>
      driver.call('kv/try-set', { key: `${bucket}/${name}`, value: 'v' });
    for (const name of ['a', 'c', 'e', 'g', 'i']) await set(name);

    const seen: string[] = [];
    let page = await range(bucket, {});
    for (;;) {
      seen.push(...keysOf(page));
      for (const name of ['b', 'd', 'f', 'h']) await set(name);
      await driver.call('kv/try-delete', { key: `${bucket}/g` });
      if (page.hasMore !== true) break;
      page = await range(bucket, { cursor: page.nextCursor });
    }

    expect(seen).toEqual(['a', 'c', 'e', 'g', 'i'].map((name) => `${bucket}/${name}`));
  });

  it('of another prefix or durability, or of nobody, is refused', async () => {
    const bucket = freshName('pages');
    for (const name of ['a', 'b', 'c'])
      await driver.call('kv/try-set', { key: `${bucket}/${name}`, value: 'v' });
    const { nextCursor } = await range(bucket, {});

    expect(await range(`${bucket}x`, { cursor: nextCursor })).toMatchObject({ type: 100 });
    expect(await range(bucket, { cursor: nextCursor, durability: 0 })).toMatchObject({ type: 100 });
    expect(await range(bucket, { cursor: `${String(nextCursor)}A` })).toMatchObject({ type: 100 });
    expect(await range(bucket, { cursor: 'what is this?' })).toMatchObject({ type: 100 });
    expect(await range(bucket, { cursor: nextCursor })).toMatchObject({ type: 3, hasMore: false });
  });
});
