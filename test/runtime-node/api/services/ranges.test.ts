import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { partitionOfKeySpace } from '../../../../core/index.js';
import type { Driver, Fields } from './driver.js';
import { FACES, freshName, PARTITIONS, startService, type Service } from './start.js';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

async function fill(
  driver: Driver,
  bucket: string,
  names: readonly string[],
  rest: Fields = {},
): Promise<void> {
  const items = names.map((name) => ({ key: `${bucket}/${name}`, value: `value of ${name}`, ...rest }));
  await driver.call('kv/try-set-many', { items });
}
const keysOf = (answer: Fields, bucket?: string): readonly string[] =>
  (answer.items as readonly { readonly key: string }[]).map(({ key }) =>
    bucket === undefined ? key : key.replace(`${bucket}/`, ''),
  );
const readRange = (driver: Driver, prefix: string, rest: Fields = {}): Promise<Fields> =>
  driver.call('kv/get-by-range', { prefix, limit: 100, ...rest });

describe.each(FACES)('reads by prefix by %s', (face) => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await service.driver(face);
  });

  it('give a bucket in order, without what is deleted', async () => {
    const bucket = freshName('bucket');
    await fill(driver, bucket, ['c', 'a', 'd', 'b']);
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
    expect(await readRange(driver, '')).toMatchObject({ type: 100, items: [], hasMore: false });
  });

  it('take the last slash for the end of the bucket', async () => {
    const bucket = freshName('bucket');
    await fill(driver, `${bucket}/b`, ['c', 'd']);
    await fill(driver, bucket, ['x']);

    expect(
      keysOf(await driver.call('kv/get-by-bucket', { prefixKey: `${bucket}/b` }), `${bucket}/b`),
    ).toEqual(['c', 'd']);
  });

  it('give of deeper buckets only what lies in the same partition', async () => {
    const bucket = freshName('bucket');
    await fill(driver, bucket, ['x']);
    const home = partitionOfKeySpace(bucket, PARTITIONS);
    const deeper = Array.from({ length: 40 }, (_, index) => `${bucket}/${index}`);
    const elsewhere = deeper.filter((each) => partitionOfKeySpace(each, PARTITIONS) !== home);
    const beside = deeper.filter((each) => partitionOfKeySpace(each, PARTITIONS) === home);
    for (const each of deeper) await fill(driver, each, ['y']);

    const keys = keysOf(await driver.call('kv/get-by-bucket', { prefixKey: bucket }));

    expect([elsewhere.length, beside.length]).not.toContain(0);
    expect(keys).toEqual([...beside.map((each) => `${each}/y`), `${bucket}/x`].sort());
  });

  it('keep memory and log apart', async () => {
    const bucket = freshName('bucket');
    await fill(driver, bucket, ['a', 'b'], { durability: 0 });

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
    await fill(driver, bucket, ['a', 'b', 'c', 'd']);
    const [startKey, endKey] = [`${bucket}/b`, `${bucket}/d`];

    const closed = { startKey, startInclusive: true, endKey, endInclusive: true };
    const open = { startKey, startInclusive: false, endKey, endInclusive: false };
    expect(keysOf(await readRange(driver, bucket, closed), bucket)).toEqual(['b', 'c', 'd']);
    expect(keysOf(await readRange(driver, bucket, open), bucket)).toEqual(['c']);
    expect(keysOf(await readRange(driver, bucket, { endKey, endInclusive: false }), bucket)).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect(keysOf(await readRange(driver, bucket), bucket)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('say whether there is more, and are without limit for zero and less', async () => {
    const bucket = freshName('bucket');
    await fill(driver, bucket, ['a', 'b', 'c']);

    const first = await readRange(driver, bucket, { limit: 2 });
    expect(first).toMatchObject({ hasMore: true, nextCursor: expect.any(String) as string });
    expect(keysOf(first, bucket)).toEqual(['a', 'b']);
    for (const limit of [0, -1, 1_000]) {
      const all = await readRange(driver, bucket, { limit });
      expect(all).toMatchObject({ hasMore: false, nextCursor: null });
      expect(keysOf(all, bucket)).toEqual(['a', 'b', 'c']);
    }
  });

  it('give more rows than one step of the core', async () => {
    const bucket = freshName('bucket');
    const names = Array.from({ length: 1_100 }, (_, index) => `${10_000 + index}`);
    await fill(driver, bucket, names);

    expect(keysOf(await readRange(driver, bucket, { limit: -1 }), bucket)).toEqual(names);
    expect(keysOf(await driver.call('kv/get-by-bucket', { prefixKey: bucket }), bucket)).toEqual(names);
  });

  it('show one moment on all pages when they are resumed at its time', async () => {
    const bucket = freshName('bucket');
    await fill(driver, bucket, ['a', 'c', 'e']);
    const { lastModified } = await driver.call('kv/try-set', { key: `${bucket}/z`, value: 'z' });
    await fill(driver, bucket, ['b', 'd']);
    await driver.call('kv/try-delete', { key: `${bucket}/c` });

    const then = await readRange(driver, bucket, { readTimestamp: lastModified });

    expect(keysOf(then, bucket)).toEqual(['a', 'c', 'e', 'z']);
  });
});

/** The requests of gRPC have no field for it; its streams hold on to the moment themselves. */
const WITH_CURSORS = FACES.filter((face) => face !== 'gRPC');

describe.each(WITH_CURSORS)('pages by %s', (face) => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await service.driver(face);
  });

  it('are led by a cursor through all pages of the moment of the first, whatever is written in between', async () => {
    const bucket = freshName('pages');
    const names = ['a', 'c', 'e', 'g', 'i'];
    await fill(driver, bucket, names);

    const seen: Fields[] = [];
    let page = await readRange(driver, bucket, { limit: 2 });
    for (;;) {
      seen.push(...(page.items as readonly Fields[]));
      // One that was not there, one that is overwritten, and one that goes, on either side of the cursor.
      for (const name of ['b', 'd', 'f', 'h', 'a', 'i'])
        await driver.call('kv/try-set', { key: `${bucket}/${name}`, value: 'new' });
      await driver.call('kv/try-delete', { key: `${bucket}/g` });
      if (page.hasMore !== true) break;
      page = await readRange(driver, bucket, { limit: 2, cursor: page.nextCursor });
    }

    expect(seen.map(({ key, value, revision }) => [key, value, revision])).toEqual(
      names.map((name) => [`${bucket}/${name}`, `value of ${name}`, 0]),
    );
  });

  it('refuse a cursor of another prefix or durability, or of nobody', async () => {
    const bucket = freshName('pages');
    await fill(driver, bucket, ['a', 'b', 'c']);
    const { nextCursor } = await readRange(driver, bucket, { limit: 2 });

    expect(await readRange(driver, `${bucket}x`, { cursor: nextCursor })).toMatchObject({ type: 100 });
    expect(await readRange(driver, bucket, { cursor: nextCursor, durability: 0 })).toMatchObject({
      type: 100,
    });
    expect(await readRange(driver, bucket, { cursor: `${String(nextCursor)}A` })).toMatchObject({
      type: 100,
    });
    expect(await readRange(driver, bucket, { cursor: 'what is this?' })).toMatchObject({ type: 100 });
    expect(await readRange(driver, bucket, { cursor: nextCursor })).toMatchObject({
      type: 3,
      hasMore: false,
    });
  });
});
