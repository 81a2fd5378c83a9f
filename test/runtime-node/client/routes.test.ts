import { describe, expect, it } from 'vitest';

import { partitionOfKey, partitionOfKeySpace } from '../../../core/index.js';
import { createRoutes, type Routes } from '../../../runtime-node/client/routes.js';
import { deadEndpoint, fakeNode, type Asked, type FakeNode } from '../support/fake-node.js';
import { clientOf, SET } from './support.js';

const PARTITIONS = 8;
const NODES = ['http://10.0.0.1:2070', 'http://10.0.0.2:2070', 'http://10.0.0.3:2070'];

const MAP = {
  initialized: true,
  coherent: true,
  schemaVersion: 1,
  hashAlgorithm: 'kahuna.placement-group-jump-xxh32-v1',
  prefixSeparator: '/',
  groupSeparator: '|',
  hashPartitionOffset: 1,
  hashPoolSize: PARTITIONS,
  keySpaces: [],
  leaders: [],
};

const get = (key: string) => ({ type: 'Get', key }) as const;
const hint = (key: string, endpoint: string, provenance = 2) => ({
  partitionId: partitionOfKey(key, PARTITIONS),
  endpoint,
  provenance,
  generation: 0,
});

interface Trial {
  readonly routes: Routes;
  now: number;
  asked: number;
}

function trial(map: object | undefined): Trial {
  const one: Trial = {
    now: 0,
    asked: 0,
    routes: createRoutes(
      NODES,
      () => {
        one.asked += 1;
        return Promise.resolve(map as Readonly<Record<string, unknown>> | undefined);
      },
      () => one.now,
    ),
  };
  return one;
}

/** What was asked for has come. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('routes', () => {
  it('are known for all names of a partition, once a hint and the map have come', async () => {
    const { routes } = trial(MAP);
    expect(routes.placeOf(get('a/1'))).toBeUndefined();

    routes.learn({ type: 3, route: hint('a/1', NODES[1] as string) });
    await turn();

    expect(routes.placeOf(get('a/1'))).toBe(1);
    expect(routes.placeOf(get('a/2'))).toBe(1);
    expect(routes.placeOf({ type: 'Bucket', prefix: 'a' })).toBe(
      partitionOfKeySpace('a', PARTITIONS) === partitionOfKey('a/1', PARTITIONS) ? 1 : undefined,
    );
  });

  it('are those of the map, until a hint says otherwise', async () => {
    const leaders = Array.from({ length: PARTITIONS }, (_, index) => ({
      partitionId: index + 1,
      endpoint: index === 0 ? '' : `${(NODES[2] as string).toUpperCase()}/`,
    }));
    const { routes } = trial({ ...MAP, leaders });
    const key = ['a/', 'b/', 'c/', 'd/'].find((each) => partitionOfKey(each, PARTITIONS) !== 1) as string;
    routes.learn({ routes: [hint('other', NODES[0] as string, 1)] });
    await turn();

    expect(routes.placeOf(get(key))).toBe(2);
    routes.learn({ route: hint(key, NODES[1] as string) });
    expect(routes.placeOf(get(key))).toBe(1);
    // It leads no more, and who does is not among the endpoints.
    routes.learn({ route: hint(key, 'http://10.9.9.9:2070') });
    expect(routes.placeOf(get(key))).toBeUndefined();
  });

  it('lead to locks, and to sequences by their names without blanks', async () => {
    const leaders = Array.from({ length: PARTITIONS }, (_, index) => ({
      partitionId: index + 1,
      endpoint: NODES[(index + 1) % 3],
    }));
    const { routes } = trial({ ...MAP, leaders });
    routes.learn({ route: hint('a', NODES[0] as string) });
    await turn();
    const nextOf = (name: string) => routes.placeOf({ type: 'ReserveSequence', name, count: 1 });
    const placeOf = (partition: number): number => partition % 3;

    expect(nextOf('invoice')).toBe(placeOf(partitionOfKey('__kahuna:sequences:invoice', PARTITIONS)));
    expect(nextOf(' invoice ')).toBe(nextOf('invoice'));
    expect(routes.placeOf({ type: 'GetLock', resource: 'jobs/x' })).toBe(
      placeOf(partitionOfKey('jobs/x', PARTITIONS)),
    );
  });

  it('are none for what concerns all partitions, and for reads that are to spare the leader', async () => {
    const { routes } = trial(MAP);
    routes.learn({ route: hint('a/1', NODES[1] as string) });
    await turn();

    expect(routes.placeOf({ type: 'ScanAll', prefix: 'a/1' })).toBeUndefined();
    expect(routes.placeOf({ type: 'GetMany', items: [get('a/1')] })).toBeUndefined();
    expect(routes.placeOf({ ...get('a/1'), mode: 'follower' })).toBeUndefined();
    expect(routes.placeOf({ ...get('a/1'), mode: 'stale' })).toBeUndefined();
    expect(routes.placeOf({ ...get('a/1'), mode: 'lease' })).toBe(1);
  });

  it('avoid a node that did not answer, for 5 seconds or until it does', async () => {
    const one = trial(MAP);
    const { routes } = one;
    routes.learn({ route: hint('a/1', NODES[1] as string) });
    await turn();

    routes.avoid(1);
    expect(routes.placeOf(get('a/1'))).toBeUndefined();
    one.now = 5_000;
    expect(routes.placeOf(get('a/1'))).toBe(1);
    routes.avoid(1);
    routes.trust(1);
    expect(routes.placeOf(get('a/1'))).toBe(1);
  });

  it('ask for a map when a hint comes, and anew after a minute', async () => {
    const one = trial(undefined);
    const learn = (provenance: number): void =>
      one.routes.learn({ route: hint('a/1', NODES[1] as string, provenance) });

    learn(0);
    expect(one.asked).toBe(0);
    learn(1);
    one.now = 59_999;
    learn(1);
    expect(one.asked).toBe(1);
    one.now = 60_000;
    learn(2);
    await turn();
    expect(one.asked).toBe(2);
    expect(one.routes.placeOf(get('a/1'))).toBeUndefined();
  });

  it.each([
    [{ initialized: false }],
    [{ coherent: false }],
    [{ schemaVersion: 2 }],
    [{ hashAlgorithm: 'another' }],
    [{ prefixSeparator: ':' }],
    [{ groupSeparator: ':' }],
    [{ hashPartitionOffset: 0 }],
    [{ hashPoolSize: 0 }],
    [{ keySpaces: [{ keySpace: 'a', routingMode: 'KeyRange', ranges: [] }] }],
  ])('take no map with %o', async (rest) => {
    const { routes } = trial({ ...MAP, ...rest });
    routes.learn({ route: hint('a/1', NODES[1] as string) });
    await turn();

    expect(routes.placeOf(get('a/1'))).toBeUndefined();
  });
});

describe('a client of several nodes', () => {
  /** A node that takes everything, and says that the second one leads it all. */
  function node(leader: () => string): Promise<FakeNode> {
    return fakeNode(({ path, body }: Asked) => {
      if (path === '/v1/cluster/routing') return MAP;
      if (path === '/v1/kv/scan-all-by-prefix') return { type: 3, items: [] };
      return { ...SET, route: hint(String(body['key']), leader()) };
    });
  }
  const keysIn = ({ asked }: FakeNode): unknown[] =>
    asked.filter(({ path }) => path.startsWith('/v1/kv')).map(({ body }) => body['key']);
  const hasMap = async ({ asked }: FakeNode): Promise<void> => {
    while (!asked.some(({ path }) => path === '/v1/cluster/routing')) await turn();
  };

  it('asks the one that leads, and the others when that does not answer', async () => {
    let leader = '';
    const first = await node(() => leader);
    const second = await node(() => leader);
    const { keys } = clientOf([first.endpoint, second.endpoint]);
    leader = second.endpoint;

    await keys.set('a/1', 'v');
    await hasMap(first);
    while (keysIn(second).length === 0) await keys.set('a/2', 'v');
    const before = keysIn(first).length;
    await keys.set('a/3', 'v');
    // What has no route goes where it went before.
    await keys.scan('a');

    expect(keysIn(second)).toContain('a/3');
    expect(keysIn(first).slice(before)).toEqual([undefined]);

    leader = await deadEndpoint();
    await keys.set('a/4', 'v');
    expect(keysIn(second)).toContain('a/4');
  });

  it('asks nobody who leads when it is told not to', async () => {
    const first = await node(() => second.endpoint);
    const second = await node(() => second.endpoint);
    const { keys } = clientOf([first.endpoint, second.endpoint], { routed: false });

    for (const key of ['a/1', 'a/2', 'a/3']) await keys.set(key, 'v');

    expect(first.asked.map(({ path }) => path)).toEqual(Array(3).fill('/v1/kv/try-set'));
    expect(second.asked).toEqual([]);
  });

  it('finds its way when the leader is gone', async () => {
    const gone = await deadEndpoint();
    const first = await node(() => gone);
    const { keys } = clientOf([first.endpoint, gone]);
    await keys.set('a/1', 'v');
    await hasMap(first);

    for (const key of ['a/2', 'a/3', 'a/4']) expect((await keys.set(key, 'v')).written).toBe(true);

    expect(keysIn(first)).toEqual(['a/1', 'a/2', 'a/3', 'a/4']);
  });
});
