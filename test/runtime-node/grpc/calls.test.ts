import { status, type ServiceError } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it } from 'vitest';

import { groupId, KeyValueCode, logIndex, nodeId, revision, wallMs } from '../../../core/index.js';
import { HostStopped } from '../../../runtime-node/index.js';
import { OTHER_URL, OWN_URL } from '../api/fake-backend.js';
import type { Fields } from '../api/services/driver.js';
import { codecs, grpcFake, type GrpcFake } from './grpc-fake.js';

const at = { node: nodeId(1), wall: wallMs(5), counter: 0 };

let fake: GrpcFake;
beforeEach(async () => {
  fake = await grpcFake();
});

describe('calls', () => {
  it('hand on every field', async () => {
    await fake.unary('KeyValuer.TrySetKeyValue', {
      Key: 'k',
      Value: Buffer.from('v'),
      CompareValue: Buffer.alloc(0),
      CompareRevision: -1,
      Flags: 48,
      ExpiresMs: 7,
      Durability: 1,
      OperationIdHigh: { low: -1, high: -1, unsigned: true },
      OperationIdLow: 9,
    });

    expect(fake.asked).toEqual([
      {
        requestId: 'c:18446744073709551615:9',
        operation: {
          type: 'Set',
          key: 'k',
          value: new Uint8Array([118]),
          compareValue: new Uint8Array(0),
          compareRevision: -1,
          flags: 48,
          expiresMs: 7,
        },
      },
    ]);
  });

  it('take a number that is left out for 0: ephemeral, and the first revision', async () => {
    await fake.unary('KeyValuer.TryGetKeyValue', { Key: 'k' });

    expect(fake.asked).toEqual([{ operation: { type: 'Get', key: 'k', revision: 0, ephemeral: true } }]);
  });

  it('write every part of an answer', async () => {
    fake.answerWith(() =>
      Promise.resolve({
        code: KeyValueCode.got,
        revision: revision(4),
        value: new Uint8Array(0),
        lastModified: { ...at, counter: 3 },
        expires: at,
        servedAt: { group: groupId(2), index: logIndex(1) },
      }),
    );

    expect(await fake.unary('KeyValuer.TryGetKeyValue', { Key: 'k', Revision: -1 })).toMatchObject({
      Type: 3,
      Value: Buffer.alloc(0),
      Revision: 4,
      ExpiresNode: 1,
      ExpiresPhysical: 5,
      LastModifiedCounter: 3,
      State: 1,
      Route: { PartitionId: 2, Endpoint: OTHER_URL, Provenance: 2, Generation: 0 },
    });
  });

  it('are told to try again when the node stops, row by row in a batch', async () => {
    fake.answerWith(() => Promise.reject(new HostStopped('stopping')));
    const Items = [{ Key: 'a', Durability: 1 }, { Key: 'b' }];

    expect(await fake.unary('KeyValuer.TrySetKeyValue', { Key: 'k' })).toMatchObject({ Type: 101 });
    expect(await fake.unary('Locker.GetLock', { Resource: 'r' })).toMatchObject({ Type: 101 });
    expect(await fake.unary('Sequencer.GetSequence', { Name: 's', Durability: 1 })).toMatchObject({
      Type: 5,
    });
    expect(await fake.unary('KeyValuer.TrySetManyKeyValue', { Items })).toMatchObject({
      Items: [
        { Type: 101, Key: 'a', Durability: 1 },
        { Type: 101, Key: 'b' },
      ],
    });
  });

  it('that fail unexpectedly are unknown', async () => {
    fake.answerWith(() => Promise.reject(new Error('oh no')));

    const error = await fake
      .unary('KeyValuer.TryDeleteKeyValue', { Key: 'k' })
      .catch((caught: ServiceError) => caught);

    expect(error).toMatchObject({ code: status.UNKNOWN });
    expect(String(error)).not.toContain('oh no');
  });

  it('may carry more than the 4 MiB of the protocol, and no more than 64', async () => {
    await fake.unary('KeyValuer.TrySetKeyValue', { Key: 'k', Value: Buffer.alloc(8 << 20) });
    const tooMuch = fake.unary('KeyValuer.TrySetKeyValue', { Key: 'k', Value: Buffer.alloc(65 << 20) });

    await expect(tooMuch).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(fake.asked).toHaveLength(1);
  });
});

describe('the cluster', () => {
  it('gives the map by which clients find their way', async () => {
    expect(await fake.unary('Cluster.GetRoutingMetadata', {})).toMatchObject({
      Initialized: true,
      SchemaVersion: 1,
      HashAlgorithm: 'kahuna.placement-group-jump-xxh32-v1',
      PrefixSeparator: '/',
      GroupSeparator: '|',
      HashPoolSize: 3,
      HashPartitionOffset: 1,
      SequenceStorageKeyFormat: '__kahuna:sequences:{0}',
      ReservedKeyPrefix: '__kahuna:',
      LocalEndpoint: OWN_URL,
      Coherent: true,
      KeySpaces: [],
      Leaders: [
        { PartitionId: 1, Endpoint: OWN_URL },
        { PartitionId: 2, Endpoint: OTHER_URL },
        { PartitionId: 3, Endpoint: '' },
      ],
    });
    const rest = (await (await fetch(`${fake.url}/v1/cluster/routing?keySpace=`)).json()) as Fields;
    expect(rest).toMatchObject({ hashPoolSize: 3, localEndpoint: OWN_URL, coherent: true });
    expect((rest.leaders as readonly Fields[])[1]).toEqual({ partitionId: 2, endpoint: OTHER_URL });
  });

  it('says who its members are', async () => {
    expect(await fake.unary('Cluster.GetMembership', {})).toMatchObject({ LocalRole: 1, Initialized: true });
  });
});

describe('a streamed range', () => {
  it('comes page by page, all of the moment of the first', async () => {
    const keys = ['p/a', 'p/b', 'p/c'];
    fake.answerWith(({ operation }) => {
      if (operation.type !== 'Scan') return Promise.reject(new Error('what?'));
      const { from, limit } = operation;
      const rest = keys.filter((key) => from === undefined || key > from.key);
      const items = rest
        .slice(0, limit)
        .map((key) => ({ key, value: null, revision: revision(0), lastModified: at }));
      return Promise.resolve({
        family: 'page',
        code: KeyValueCode.got,
        items,
        hasMore: rest.length > limit,
        lastKey: items.at(-1)?.key ?? '',
        at,
      });
    });
    const { path, encode, decode } = codecs('KeyValuer.GetByRangeStream');
    const pages: Fields[] = [];
    const stream = fake.client.makeServerStreamRequest(path, encode, decode, {
      Prefix: 'p',
      Limit: 2,
      Durability: 1,
    });
    stream.on('data', (page: Fields) => pages.push(page));
    await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));

    const keysIn = (page: Fields): unknown[] => (page.Items as readonly Fields[]).map(({ Key }) => Key);
    expect(pages.map(keysIn)).toEqual([['p/a', 'p/b'], ['p/c']]);
    expect(pages.map(({ HasMore }) => HasMore)).toEqual([true, false]);
    expect(fake.asked[1]?.operation).toMatchObject({ from: { key: 'p/b', inclusive: false }, at });
  });

  it('of an empty prefix ends with no message', async () => {
    const { path, encode, decode } = codecs('KeyValuer.GetByRangeStream');
    const stream = fake.client.makeServerStreamRequest(path, encode, decode, { Limit: 2 });
    let pages = 0;
    stream.on('data', () => (pages += 1));
    await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));

    expect(pages).toBe(0);
  });
});
