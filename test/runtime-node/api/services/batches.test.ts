import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Driver, Fields, ServicePath } from './driver.js';
import { FACES, freshName, startService, type Service } from './start.js';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

type Row = Fields & { readonly key: string };

describe.each(FACES)('batches by %s', (face) => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await service.driver(face);
  });

  const rowsOf = (answer: Fields): readonly Row[] => answer.items as readonly Row[];
  async function batch(path: ServicePath, items: readonly Fields[]): Promise<Map<string, Row>> {
    const rows = rowsOf(await driver.call(path, { items }));
    expect(rows).toHaveLength(items.length);
    return new Map(rows.map((row) => [row.key, row]));
  }

  it('do each row on its own: a bad one fails alone', async () => {
    const [a, b] = [freshName('a/k'), freshName('b/k')];
    const set = await batch('kv/try-set-many', [
      { key: a, value: '1', flags: 1 },
      { key: b, value: '2', flags: 4 },
      { key: '', value: '3', flags: 1 },
    ]);

    expect(set.get(a)).toMatchObject({ type: 0, revision: 0, durability: 1 });
    expect(set.get(b)).toMatchObject({ type: 1, revision: -1 });
    expect(set.get('')).toMatchObject({ type: 100 });

    const got = await batch(
      'kv/try-get-many',
      [{ key: a }, { key: b }, { key: a, durability: 0 }].slice(0, 2),
    );
    expect(got.get(a)).toMatchObject({ type: 3, value: '1', revision: 0 });
    expect(got.get(b)).toMatchObject({ type: 103, value: null, revision: 0 });

    const exists = await batch('kv/try-exists-many', [{ key: a }, { key: b }]);
    expect([exists.get(a)?.type, exists.get(b)?.type]).toEqual([10, 103]);

    const deleted = await batch('kv/try-delete-many', [{ key: a }, { key: b }]);
    expect(deleted.get(a)).toMatchObject({ type: 4, revision: 1 });
    expect(deleted.get(b)).toMatchObject({ type: 103 });
  });

  it('keep null and zero bytes apart', async () => {
    const [none, empty] = [freshName('key'), freshName('key')];
    await batch('kv/try-set-many', [
      { key: none, value: null, flags: 1 },
      { key: empty, value: '', flags: 1 },
    ]);

    const got = await batch('kv/try-get-many', [{ key: none }, { key: empty }]);

    expect([got.get(none), got.get(empty)]).toMatchObject([
      { type: 3, value: null },
      { type: 3, value: '' },
    ]);
  });

  it('answer a key as often as it is asked for', async () => {
    const key = freshName('key');
    const { items } = await driver.call('kv/try-set-many', {
      items: [
        { key, value: 'a', flags: 1 },
        { key, value: 'b', flags: 1 },
      ],
    });

    const revisions = (items as readonly { readonly revision: number }[]).map(({ revision }) => revision);
    expect([...revisions].sort()).toEqual([0, 1]);
  });

  it('read as it was at a revision', async () => {
    const key = freshName('key');
    await driver.call('kv/try-set', { key, value: 'old' });
    await driver.call('kv/try-set', { key, value: 'new' });

    const got = await batch('kv/try-get-many', [{ key, revision: 0 }]);

    expect(got.get(key)).toMatchObject({ type: 3, value: 'old', revision: 0 });
  });

  it('of writes refuse everything when one key is reserved', async () => {
    const key = freshName('key');
    const reserved = await batch('kv/try-set-many', [
      { key, value: '1' },
      { key: '__kahuna:x', value: '2' },
    ]);
    const deleted = await batch('kv/try-delete-many', [{ key }, { key: '__kahuna:x' }]);

    expect([...reserved.values()].map(({ type }) => type)).toEqual([100, 100]);
    expect([...deleted.values()].map(({ type }) => type)).toEqual([100, 100]);
    expect(await driver.call('kv/try-get', { key })).toMatchObject({ type: 103 });
  });

  it('of reads refuse reserved keys one by one', async () => {
    const got = await batch('kv/try-get-many', [{ key: 'k' }, { key: '__kahuna:x' }]);

    expect(got.get('__kahuna:x')).toMatchObject({ type: 100 });
    expect(got.get('k')).toMatchObject({ type: 103 });
  });
});
