import { describe, expect, it } from 'vitest';

import { fakeNode } from '../support/fake-node.js';
import { clientOf, failureOf, MUST_RETRY, SET, STAMP } from './support.js';

const NONE = { n: 0, l: 0, c: 0 };
const got = (value: string | null, rest: object = {}): object => ({
  type: 3,
  value: value === null ? null : Buffer.from(value).toString('base64'),
  revision: 7,
  expires: NONE,
  lastModified: STAMP,
  ...rest,
});
const MISSING = { type: 103, value: null, revision: 0, expires: NONE, lastModified: NONE };

describe('a set', () => {
  it.each([
    [{}, { flags: 1, compareValue: null, compareRevision: 0, expiresMs: 0, durability: 1 }],
    [{ ifExists: true }, { flags: 5 }],
    [{ ifNotExists: true, noRevision: true }, { flags: 11 }],
    [{ ifValue: 'old' }, { flags: 17, compareValue: 'b2xk' }],
    [{ ifValue: null }, { flags: 17, compareValue: null }],
    [{ ifRevision: -1 }, { flags: 33, compareRevision: -1 }],
    [
      { expiresMs: 5_000, ephemeral: true },
      { expiresMs: 5_000, durability: 0 },
    ],
  ])('with %o sends what it means', async (options, sent) => {
    const node = await fakeNode(SET);

    await clientOf([node.endpoint]).keys.set('k', 'v', options);

    expect(node.asked[0]).toMatchObject({
      path: '/v1/kv/try-set',
      body: { key: 'k', value: 'dg==', ...sent },
    });
  });

  it('says when a condition refused, and which revision the key has', async () => {
    const node = await fakeNode({ type: 1, revision: -1, lastModified: NONE });

    const result = await clientOf([node.endpoint]).keys.set('k', 'v', { ifExists: true });

    expect(result).toMatchObject({ written: false, revision: -1 });
  });

  it('keeps null, no bytes, and text apart', async () => {
    const node = await fakeNode(SET);
    const { keys } = clientOf([node.endpoint]);

    await keys.set('k', null);
    await keys.set('k', new Uint8Array());
    await keys.setJson('k', null);
    await keys.setJson('k', { a: 'ü' });

    const text = Buffer.from('{"a":"ü"}').toString('base64');
    expect(node.asked.map(({ body }) => body['value'])).toEqual([null, '', 'bnVsbA==', text]);
    await expect(keys.setJson('k', undefined)).rejects.toThrow(TypeError);
  });
});

describe('a get', () => {
  it('gives the value with all that is known of it', async () => {
    const node = await fakeNode(got('hello', { expires: { n: 2, l: 9, c: 0 } }), got(null), MISSING);
    const { keys } = clientOf([node.endpoint]);

    expect(await keys.get('k')).toEqual({
      value: new Uint8Array(Buffer.from('hello')),
      revision: 7,
      lastModified: { node: 1, wall: 2, counter: 3 },
      expires: { node: 2, wall: 9, counter: 0 },
    });
    expect(await keys.get('k')).toEqual({
      value: null,
      revision: 7,
      lastModified: { node: 1, wall: 2, counter: 3 },
    });
    expect(await keys.get('k')).toBeUndefined();
  });

  it('reads text, bytes and JSON, with null for no value and undefined for no key', async () => {
    const node = await fakeNode(got('{"a":1}'), got(''), got(''), got(null), got(null), got(null), MISSING);
    const { keys } = clientOf([node.endpoint]);

    expect(await keys.getJson('k')).toEqual({ a: 1 });
    expect(await keys.getText('k')).toBe('');
    expect(await keys.getBytes('k')).toEqual(new Uint8Array());
    expect(await keys.getText('k')).toBeNull();
    expect(await keys.getBytes('k')).toBeNull();
    expect(await keys.getJson('k')).toBeNull();
    expect(await keys.getText('k')).toBeUndefined();
  });

  it('does not make text of what is none', async () => {
    const node = await fakeNode({ ...got(''), value: '/w==' }, got('{'));
    const { keys } = clientOf([node.endpoint]);

    await expect(keys.getText('k')).rejects.toThrow(TypeError);
    await expect(keys.getJson('k')).rejects.toThrow(SyntaxError);
  });

  it.each([
    [{}, { revision: -1, durability: 1 }],
    [{ revision: 3 }, { revision: 3 }],
    [{ at: 1_000 }, { readTimestamp: { n: 0, l: 1_000, c: 0xffff_ffff } }],
    [{ at: new Date(1_000) }, { readTimestamp: { n: 0, l: 1_000, c: 0xffff_ffff } }],
    [{ at: { node: 2, wall: 5, counter: 6 } as never }, { readTimestamp: { n: 2, l: 5, c: 6 } }],
    [{ read: 'lease', ephemeral: true } as const, { readMode: 'lease', durability: 0 }],
  ])('with %o sends what it means', async (options, sent) => {
    const node = await fakeNode(got('v'));

    await clientOf([node.endpoint]).keys.get('k', options);

    expect(node.asked[0]).toMatchObject({ path: '/v1/kv/try-get', body: { key: 'k', ...sent } });
    if (!('read' in options)) expect(node.asked[0]?.body).not.toHaveProperty('readMode');
  });

  it('tells whether a key exists, and what is known of it', async () => {
    const there = { type: 10, revision: 4, expires: NONE, lastModified: STAMP };
    const node = await fakeNode(there, there, MISSING, MISSING);
    const { keys } = clientOf([node.endpoint]);

    expect([await keys.exists('k'), (await keys.stat('k'))?.revision]).toEqual([true, 4]);
    expect([await keys.exists('k'), await keys.stat('k')]).toEqual([false, undefined]);
  });
});

describe('delete and extend', () => {
  it('say whether there was a key', async () => {
    const node = await fakeNode({ type: 4, revision: 5 }, MISSING, { type: 2, revision: 5 }, MISSING);
    const { keys } = clientOf([node.endpoint]);

    expect(await keys.delete('k')).toMatchObject({ deleted: true, revision: 5 });
    expect(await keys.delete('k')).toMatchObject({ deleted: false });
    expect(await keys.extend('k', 5_000)).toMatchObject({ extended: true, revision: 5 });
    expect(await keys.extend('k', 5_000, { ephemeral: true })).toMatchObject({ extended: false });
    expect(node.asked[3]).toMatchObject({
      path: '/v1/kv/try-extend',
      body: { expiresMs: 5_000, durability: 0 },
    });
  });
});

describe('a batch', () => {
  const row = (key: string, type: number, rest: object = {}): object => ({
    key,
    type,
    revision: 0,
    lastModified: STAMP,
    durability: 1,
    ...rest,
  });

  it('matches rows by key, in whatever order they come, and repeated keys one by one', async () => {
    const items = [
      row('b', 103),
      row('a', 3, { value: 'MQ==' }),
      row('a', 103),
      row('c', 3, { value: null }),
    ];
    const node = await fakeNode({ type: 3, items });
    const { keys } = clientOf([node.endpoint]);

    const rows = await keys.getMany(['a', 'b', 'c', 'a', { key: 'd' }]);

    expect(rows.map(({ key, outcome, value }) => [key, outcome, value])).toEqual([
      ['a', 'got', new Uint8Array([49])],
      ['b', 'doesNotExist', undefined],
      ['c', 'got', null],
      ['a', 'doesNotExist', undefined],
      ['d', 'errored', undefined],
    ]);
  });

  it('keeps the two key spaces apart', async () => {
    const node = await fakeNode({ type: 3, items: [row('a', 10, { durability: 0 }), row('a', 103)] });
    const { keys } = clientOf([node.endpoint]);

    const rows = await keys.existsMany(['a', { key: 'a', ephemeral: true }]);

    expect(rows.map(({ outcome }) => outcome)).toEqual(['doesNotExist', 'exists']);
  });

  it('asks nobody for nothing', async () => {
    const node = await fakeNode(500);
    const { keys } = clientOf([node.endpoint]);

    expect([await keys.setMany([]), await keys.getMany([])]).toEqual([[], []]);
    expect(node.asked).toEqual([]);
  });

  it('of writes is repeated while nothing of it was done, but not when its answer was lost', async () => {
    const node = await fakeNode(MUST_RETRY, { type: 0, items: [row('a', 0), row('b', 101)] }, 'hang up');
    const { keys } = clientOf([node.endpoint]);
    const items = [
      { key: 'a', value: '1', ifNotExists: true },
      { key: 'b', value: null },
    ];

    const rows = await keys.setMany(items);
    const error = await failureOf(keys.setMany(items));

    expect(rows.map(({ outcome }) => outcome)).toEqual(['set', 'mustRetry']);
    expect(error).toMatchObject({ isOutcomeUnknown: true, operation: 'SetMany of 2 keys', attempts: 1 });
    expect(node.asked).toHaveLength(3);
    expect(node.asked[0]?.body['items']).toMatchObject([
      { key: 'a', flags: 9, value: 'MQ==' },
      { key: 'b', value: null },
    ]);
  });

  it('of deletes and reads says what it is about', async () => {
    const node = await fakeNode({ type: 4, items: [row('a', 4)] }, { type: 3, items: [] });
    const { keys } = clientOf([node.endpoint]);

    await keys.deleteMany(['a', { key: 'b', ephemeral: true }]);
    await keys.getMany([{ key: 'a', revision: 2 }], { at: 9 });

    expect(node.asked[0]?.body['items']).toEqual([
      { key: 'a', durability: 1 },
      { key: 'b', durability: 0 },
    ]);
    expect(node.asked[1]?.body).toMatchObject({ items: [{ revision: 2 }], readTimestamp: { l: 9 } });
  });
});

describe('reads of many keys', () => {
  const item = (key: string): object => ({ key, value: 'MQ==', revision: 1, lastModified: STAMP });

  it('give rows, and none for a prefix that nobody has', async () => {
    const node = await fakeNode({ type: 3, items: [item('a/1')] }, { type: 103 }, { type: 3, items: [] });
    const { keys } = clientOf([node.endpoint]);

    expect(await keys.getByBucket('a')).toMatchObject([{ key: 'a/1', value: new Uint8Array([49]) }]);
    expect(await keys.getByBucket('b')).toEqual([]);
    expect(await keys.scan('c', { ephemeral: true, at: 5 })).toEqual([]);
    expect(node.asked.map(({ path }) => path)).toEqual([
      '/v1/kv/get-by-bucket',
      '/v1/kv/get-by-bucket',
      '/v1/kv/scan-all-by-prefix',
    ]);
    expect(node.asked[2]?.body).toMatchObject({ prefixKey: 'c', durability: 0, readTimestamp: { l: 5 } });
  });

  it('give a page, with a cursor unless it is the last', async () => {
    const node = await fakeNode(
      { type: 3, items: [item('a/1')], hasMore: true, nextCursor: 'next' },
      { type: 3, items: [], hasMore: false, nextCursor: 'left over' },
    );
    const { keys } = clientOf([node.endpoint]);

    const first = await keys.range('a', { start: 'a/1', end: 'a/9', endInclusive: true, limit: 1 });
    const last = await keys.range('a', { cursor: first.cursor ?? '' });

    expect([first.cursor, last.cursor]).toEqual(['next', undefined]);
    expect(node.asked[0]?.body).toMatchObject({
      prefix: 'a',
      startKey: 'a/1',
      startInclusive: true,
      endKey: 'a/9',
      endInclusive: true,
      limit: 1,
    });
    expect(node.asked[1]?.body).toMatchObject({ startKey: null, endKey: null, limit: 100, cursor: 'next' });
  });

  it('go page by page, as far as somebody wants them', async () => {
    const node = await fakeNode(
      { type: 3, items: [item('a/1'), item('a/2')], hasMore: true, nextCursor: 'one' },
      { type: 3, items: [], hasMore: true, nextCursor: 'two' },
      { type: 3, items: [item('a/3')], hasMore: false, nextCursor: null },
    );
    const { keys } = clientOf([node.endpoint]);

    const seen: string[] = [];
    for await (const { key } of keys.iterate('a')) seen.push(key);
    expect(seen).toEqual(['a/1', 'a/2', 'a/3']);
    expect(node.asked.map(({ body }) => body['cursor'])).toEqual([undefined, 'one', 'two']);

    for await (const { key } of keys.iterate('a')) if (key === 'a/3') break;
    expect(node.asked).toHaveLength(4);
  });
});
