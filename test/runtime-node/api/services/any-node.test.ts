import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { freePorts } from './ensemble.js';
import { grpcDriver } from './grpc-driver.js';
import { restDriver } from './rest-driver.js';
import type { Driver, Fields, ServicePath } from './driver.js';
import { freshName, startService, TRANSPORTS, until, type Service } from './start.js';

const HOST = '127.0.0.1';

let nodes: readonly Service[];
let urls: readonly string[];

beforeAll(async () => {
  const ports = await freePorts(3);
  const peers = new Map(ports.map((port, index) => [index + 1, { host: HOST, port }]));
  nodes = await Promise.all(
    ports.map((port, index) =>
      startService({ node: index + 1, peers, peerAddress: { host: HOST, port }, tuning: {} }),
    ),
  );
  urls = nodes.map(({ url }) => url);
  // Every node has heard of every other's clients, and of every leader.
  for (const url of urls) {
    await until(
      async () => (await (await fetch(`${url}/v1/cluster/routing`)).json()) as Fields,
      ({ leaders }) =>
        (leaders as readonly { readonly endpoint: string }[]).every(({ endpoint }) => endpoint !== ''),
    );
  }
});
afterAll(() => Promise.all(nodes.map((node) => node.stop())));

describe.each(TRANSPORTS)('three nodes by %s', (transport) => {
  let drivers: readonly Driver[];
  beforeAll(() => {
    drivers = urls.map((url) => (transport === 'REST' ? restDriver(url) : grpcDriver(url)));
  });
  afterAll(async () => {
    for (const driver of drivers) await driver.close();
  });

  it('all serve every name, and say which of them leads', async () => {
    const key = freshName(`any-${transport}`);

    const answers: Fields[] = [];
    for (const driver of drivers) answers.push(await driver.call('kv/try-set', { key, value: 'x' }));

    expect(answers.map(({ revision }) => revision)).toEqual([0, 1, 2]);
    const hints = answers.map(
      ({ route }) => route as { readonly endpoint: string; readonly provenance: number },
    );
    const [leader] = hints.map(({ endpoint }) => endpoint);
    expect(hints.map(({ endpoint }) => endpoint)).toEqual([leader, leader, leader]);
    expect(hints.map(({ provenance }) => provenance)).toEqual(urls.map((url) => (url === leader ? 1 : 2)));
  });

  it('agree about locks and sequences', async () => {
    const name = freshName(`shared-${transport}`);
    const [first, second, third] = drivers as readonly [Driver, Driver, Driver];

    await first.call('sequences/create', { name });
    const values = [];
    for (const driver of drivers) values.push((await driver.call('sequences/next', { name })).allocation);
    await second.call('locks/try-lock', { resource: name, owner: 'a', expiresMs: 60_000 });

    expect(values).toMatchObject([{ start: 1 }, { start: 2 }, { start: 3 }]);
    expect(await third.call('locks/get-info', { resource: name })).toMatchObject({ type: 4, owner: 'a' });
    expect(await first.call('locks/try-unlock', { resource: name, owner: 'a' })).toMatchObject({ type: 3 });
  });

  it('agree about holds, and all keep what one of them was asked to', async () => {
    const key = freshName(`kept-${transport}`);
    const [first, second, third] = drivers as readonly [Driver, Driver, Driver];
    await first.call('kv/try-set', { key, value: 'first' });
    const { lastModified } = await second.call('kv/try-get', { key });

    const held = { holderId: key, timestamp: lastModified, leaseMs: 60_000 };
    const { type, holdId } = await third.call('kv/snapshot-hold/acquire', held);
    for (let i = 0; i < 20; i += 1) await first.call('kv/try-set', { key, value: 'later' });
    const floors: Fields[] = [];
    const reads: Fields[] = [];
    for (const driver of drivers) {
      floors.push(await driver.call('kv/snapshot-floor', {}));
      reads.push(await driver.call('kv/try-get', { key, readTimestamp: lastModified }));
    }

    expect(type).toBe(0);
    const floor = { type: 3, effectiveFloor: lastModified, liveHolds: 1 };
    expect(floors).toMatchObject([floor, floor, floor]);
    expect(reads.map(({ value }) => value)).toEqual(['first', 'first', 'first']);
    expect(await second.call('kv/snapshot-hold/release', { holdId })).toMatchObject({ type: 4 });
    expect(await third.call('kv/snapshot-floor', {})).toMatchObject({ liveHolds: 0 });
  });

  it('take every call of a session, and run every script', async () => {
    const keys = Array.from({ length: 8 }, () => freshName(`session-${transport}`));
    const [first, second, third] = drivers as readonly [Driver, Driver, Driver];
    const coordinatorKey = freshName('c');

    const { transactionId } = await first.call('kv/start-tx-session', { coordinatorKey });
    const handle = { coordinatorKey, transactionId };
    for (const [i, key] of keys.entries()) {
      const id = { operationIdHigh: 1, operationIdLow: i + 1 };
      const set = { key, value: 'x', flags: 1, ...handle, ...id };
      expect(await (drivers[i % 3] as Driver).call('kv/try-set', set)).toMatchObject({
        type: 0,
        revision: 0,
      });
    }
    const last = { operationIdHigh: 2, operationIdLow: 1 };
    expect(await third.call('kv/try-get', { key: keys[0], ...handle, ...last })).toMatchObject({
      value: 'x',
    });
    expect(await second.call('kv/commit-tx-session', handle)).toMatchObject({ type: 8 });

    for (const driver of drivers) {
      const parameters = [{ key: '@a', value: keys[0] }];
      const ran = await driver.call('kv/try-execute-tx-script', {
        script: 'begin (locking=optimistic, autoCommit=true) let a = get @a return concat(a, "!") end',
        parameters,
      });
      expect(ran).toMatchObject({ type: 3, values: [{ value: 'x!' }] });
      for (const key of keys) expect(await driver.call('kv/try-get', { key })).toMatchObject({ value: 'x' });
    }
  });

  it('let a session read what it has locked, wherever it began', async () => {
    const bucket = freshName(`locked-${transport}`);
    await (drivers[0] as Driver).call('kv/try-set', { key: `${bucket}/1`, value: 'x' });

    for (const driver of drivers) {
      const coordinatorKey = freshName('c');
      const { transactionId } = await driver.call('kv/start-tx-session', { coordinatorKey });
      let operations = 0;
      const call = (path: ServicePath, body: Fields): Promise<Fields> => {
        const id = { operationIdHigh: 1, operationIdLow: (operations += 1) };
        return driver.call(path, { transactionId, coordinatorKey, ...id, ...body });
      };

      expect(await call('kv/try-acquire-prefix-lock', { key: bucket, expiresMs: 9_000 })).toMatchObject({
        type: 5,
      });
      const rows = [{ key: `${bucket}/1`, value: 'x' }];
      expect(await call('kv/get-by-bucket', { prefixKey: bucket })).toMatchObject({ type: 3, items: rows });
      expect(await call('kv/get-by-range', { prefix: bucket, limit: 9 })).toMatchObject({ items: rows });
      expect(await call('kv/try-get', { key: `${bucket}/1` })).toMatchObject({ type: 3, value: 'x' });
      expect(await call('kv/try-exists', { key: `${bucket}/2` })).toMatchObject({ type: 103 });
      const ended = await driver.call('kv/commit-tx-session', { transactionId, coordinatorKey });
      expect(ended).toMatchObject({ type: 8 });
    }
  });

  it('find a prefix in all partitions, whoever is asked', async () => {
    const prefix = freshName(`spread-${transport}`);
    const items = Array.from({ length: 10 }, (_, index) => ({ key: `${prefix}-${index}/x`, value: 'x' }));
    await (drivers[0] as Driver).call('kv/try-set-many', { items });

    for (const driver of drivers) {
      const answer = await driver.call('kv/scan-all-by-prefix', { prefixKey: prefix });
      expect((answer.items as readonly Fields[]).map(({ key }) => key)).toEqual(items.map(({ key }) => key));
    }
  });
});
