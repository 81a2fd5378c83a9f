import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Driver, Fields, ServicePath } from './driver.js';
import { freshName, startService, TRANSPORTS, type Service } from './start.js';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

type Row = Fields & { readonly key: string; readonly routeIndex: number };

describe.each(TRANSPORTS)('batches by %s', (transport) => {
  let driver: Driver;
  beforeAll(() => {
    driver = service.driver(transport);
  });

  const rowsOf = (answer: Fields): readonly Row[] => answer.items as readonly Row[];
  async function batch(
    path: ServicePath,
    items: readonly Fields[],
    rest: Fields = {},
  ): Promise<Map<string, Row>> {
    const rows = rowsOf(await driver.call(path, { items, ...rest }));
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

  it('read as it was at a revision', async () => {
    const key = freshName('key');
    await driver.call('kv/try-set', { key, value: 'old' });
    await driver.call('kv/try-set', { key, value: 'new' });

    const got = await batch('kv/try-get-many', [{ key, revision: 0 }]);

    expect(got.get(key)).toMatchObject({ type: 3, value: 'old', revision: 0 });
  });

  it('tell where their rows are served, each place once', async () => {
    const items = Array.from({ length: 20 }, (_, index) => ({
      key: `${freshName('place')}/${index}`,
      value: 'x',
    }));
    const answer = await driver.call('kv/try-set-many', { items });
    const routes = answer.routes as readonly Fields[];

    expect(new Set(routes.map(({ partitionId }) => partitionId)).size).toBe(routes.length);
    for (const { routeIndex } of rowsOf(answer))
      expect(routes[routeIndex - 1]).toMatchObject({ endpoint: service.url, provenance: 1 });
  });

  it('of writes refuse everything when one key is reserved, or is of a transaction', async () => {
    const key = freshName('key');
    const reserved = await batch('kv/try-set-many', [
      { key, value: '1' },
      { key: '__kahuna:x', value: '2' },
    ]);
    const inTransaction = await batch('kv/try-delete-many', [
      { key },
      { key: 'other', transactionId: { n: 1, l: 1, c: 0 } },
    ]);

    expect([...reserved.values()].map(({ type }) => type)).toEqual([100, 100]);
    expect([...inTransaction.values()].map(({ type }) => type)).toEqual([100, 100]);
    expect(await driver.call('kv/try-get', { key })).toMatchObject({ type: 103 });
  });

  it('of reads refuse reserved keys one by one, and a transaction for all', async () => {
    const got = await batch('kv/try-get-many', [{ key: 'k' }, { key: '__kahuna:x' }]);
    const all = await batch('kv/try-exists-many', [{ key: 'k' }], { transactionId: { n: 1, l: 1, c: 0 } });

    expect(got.get('__kahuna:x')).toMatchObject({ type: 100 });
    expect(got.get('k')).toMatchObject({ type: 103 });
    expect(all.get('k')).toMatchObject({ type: 100 });
  });

  it('to set nothing are answered with one row that says so', async () => {
    expect(rowsOf(await driver.call('kv/try-set-many', { items: [] }))).toMatchObject([{ type: 100 }]);
  });
});
