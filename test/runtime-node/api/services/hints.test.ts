import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Driver, Fields } from './driver.js';
import { freshName, startService, TRANSPORTS, type Service } from './start.js';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

describe.each(TRANSPORTS)('hints where names are served, by %s,', (face) => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await service.driver(face);
  });

  it('come with keys, locks and sequences', async () => {
    const key = await driver.call('kv/try-set', { key: freshName('key'), value: 'a' });
    const lock = await driver.call('locks/try-lock', {
      resource: freshName('lock'),
      owner: 'a',
      expiresMs: 60_000,
    });
    const sequence = await driver.call('sequences/create', { name: freshName('sequence') });

    for (const { route } of [key, lock, sequence])
      expect(route).toMatchObject({ endpoint: service.url, provenance: 1, generation: 0 });
  });

  it('come with the rows of a batch, each place once', async () => {
    const items = Array.from({ length: 20 }, (_, index) => ({
      key: `${freshName('place')}/${index}`,
      value: 'x',
    }));
    const answer = await driver.call('kv/try-set-many', { items });
    const routes = answer.routes as readonly Fields[];

    expect(new Set(routes.map(({ partitionId }) => partitionId)).size).toBe(routes.length);
    for (const { routeIndex } of answer.items as readonly { readonly routeIndex: number }[])
      expect(routes[routeIndex - 1]).toMatchObject({ endpoint: service.url, provenance: 1 });
  });
});

describe.each(TRANSPORTS)('requests that only a wire can make, by %s,', (face) => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await service.driver(face);
  });
  const transactionId = { n: 1, l: 1, c: 0 };
  const typesOf = (answer: Fields): unknown =>
    (answer.items as readonly Fields[]).map(({ key, type }) => [key, type]);

  it('for a batch in a transaction are refused, row by row', async () => {
    const key = freshName('key');
    const items = [{ key }, { key: 'other', transactionId }];
    const deleted = await driver.call('kv/try-delete-many', { items });
    const exists = await driver.call('kv/try-exists-many', { items: [{ key }], transactionId });

    expect(new Map(typesOf(deleted) as [string, number][])).toEqual(
      new Map([
        [key, 100],
        ['other', 100],
      ]),
    );
    expect(typesOf(exists)).toEqual([[key, 100]]);
  });

  it('to set nothing are answered with one row that says so', async () => {
    const answer = await driver.call('kv/try-set-many', { items: [] });

    expect(answer.items).toMatchObject([{ type: 100 }]);
  });

  it('for sequences that are not persistent, or updates that say two things, are refused', async () => {
    const name = freshName('sequence');
    const update = { name, maxValue: 5, removeMaxValue: true };

    expect(await driver.call('sequences/create', { name, durability: 0 })).toMatchObject({ type: 3 });
    await driver.call('sequences/create', { name });
    expect(await driver.call('sequences/update', update)).toMatchObject({ type: 3 });
  });

  it('tell the revision of a sequence, or that there is none', async () => {
    const name = freshName('sequence');

    expect(await driver.call('sequences/get', { name })).toMatchObject({ type: 1, revision: -1 });
    expect(await driver.call('sequences/create', { name })).toMatchObject({ type: 0, revision: 0 });
    expect(await driver.call('sequences/get', { name })).toMatchObject({ type: 0, revision: 0 });
  });
});
