import { Client, credentials, status, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import {
  groupId,
  KeyValueCode,
  logIndex,
  nodeId,
  refusal,
  refusalOf,
  revision,
  wallMs,
  type ClientAnswer,
  type ClientCall,
} from '../../../core/index.js';
import { createApi, type Api } from '../../../runtime-node/api/index.js';
import { HostStopped } from '../../../runtime-node/index.js';
import { recordingLog } from '../support/recording-log.js';
import { fakeBackend, OTHER_URL, OWN_URL } from './fake-backend.js';
import type { Fields } from './services/driver.js';
import { decodeWhole, methodNamed, toMessage } from './services/grpc-driver.js';
import { loadSchema } from '../../../runtime-node/grpc/schema.js';

const at = { node: nodeId(1), wall: wallMs(5), counter: 0 };

let asked: ClientCall[];
let answer: (call: ClientCall) => Promise<ClientAnswer>;
let api: Api;
let url: string;
let client: Client;

beforeEach(async () => {
  asked = [];
  answer = () => Promise.resolve(refusal(KeyValueCode.doesNotExist));
  const backend = fakeBackend((call) => {
    asked.push(call);
    return answer(call);
  });
  api = await createApi(backend, recordingLog());
  onTestFinished(() => api.close());
  const { port } = await api.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${port}`;
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
});

function codecs(name: string): {
  readonly path: string;
  encode(request: Fields): Buffer;
  decode(bytes: Buffer): Fields;
} {
  const { path, request, answer: type } = methodNamed(name);
  return {
    path,
    encode: (fields) => Buffer.from(request.encode(fields).finish()),
    decode: (bytes) => decodeWhole(type, bytes),
  };
}

function unary(name: string, request: Fields): Promise<Fields> {
  const { path, encode, decode } = codecs(name);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, encode, decode, request, (error, got) =>
      error === null ? resolve(got ?? {}) : reject(error),
    );
  });
}

function batchStream(name: string): {
  readonly stream: ClientDuplexStream<Fields, Fields>;
  /** The next answers, so many of them. */
  take(count: number): Promise<readonly Fields[]>;
  readonly ended: Promise<void>;
} {
  const { path, encode, decode } = codecs(name);
  const stream = client.makeBidiStreamRequest(path, encode, decode);
  const came: Fields[] = [];
  let look = (): void => undefined;
  stream.on('data', (one: Fields) => {
    came.push(one);
    look();
  });
  stream.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => stream.on('end', () => resolve()));
  return {
    stream,
    ended,
    take: (count) =>
      new Promise((resolve) => {
        look = () => {
          if (came.length >= count) resolve(came.splice(0, count));
        };
        look();
      }),
  };
}

describe('calls', () => {
  it('hand on every field', async () => {
    await unary('KeyValuer.TrySetKeyValue', {
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

    expect(asked).toEqual([
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
    await unary('KeyValuer.TryGetKeyValue', { Key: 'k' });

    expect(asked).toEqual([{ operation: { type: 'Get', key: 'k', revision: 0, ephemeral: true } }]);
  });

  it('write every part of an answer', async () => {
    answer = () =>
      Promise.resolve({
        code: KeyValueCode.got,
        revision: revision(4),
        value: new Uint8Array(0),
        lastModified: { ...at, counter: 3 },
        expires: at,
        servedAt: { group: groupId(2), index: logIndex(1) },
      });

    expect(await unary('KeyValuer.TryGetKeyValue', { Key: 'k', Revision: -1 })).toMatchObject({
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
    answer = () => Promise.reject(new HostStopped('stopping'));
    const Items = [{ Key: 'a', Durability: 1 }, { Key: 'b' }];

    expect(await unary('KeyValuer.TrySetKeyValue', { Key: 'k' })).toMatchObject({ Type: 101 });
    expect(await unary('Locker.GetLock', { Resource: 'r' })).toMatchObject({ Type: 101 });
    expect(await unary('Sequencer.GetSequence', { Name: 's', Durability: 1 })).toMatchObject({ Type: 5 });
    expect(await unary('KeyValuer.TrySetManyKeyValue', { Items })).toMatchObject({
      Items: [
        { Type: 101, Key: 'a', Durability: 1 },
        { Type: 101, Key: 'b' },
      ],
    });
  });

  it.each(['StartTransaction', 'TryExecuteTransactionScript', 'AcquireSnapshotHold', 'GetSnapshotFloor'])(
    'of later versions are unimplemented: %s',
    async (name) => {
      await expect(unary(`KeyValuer.${name}`, {})).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
    },
  );

  it('that fail unexpectedly are unknown', async () => {
    answer = () => Promise.reject(new Error('oh no'));

    const error = await unary('KeyValuer.TryDeleteKeyValue', { Key: 'k' }).catch(
      (caught: ServiceError) => caught,
    );

    expect(error).toMatchObject({ code: status.UNKNOWN });
    expect(String(error)).not.toContain('oh no');
  });

  it('may carry more than the 4 MiB of the protocol, and no more than 64', async () => {
    await unary('KeyValuer.TrySetKeyValue', { Key: 'k', Value: Buffer.alloc(8 << 20) });
    const tooMuch = unary('KeyValuer.TrySetKeyValue', { Key: 'k', Value: Buffer.alloc(65 << 20) });

    await expect(tooMuch).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(asked).toHaveLength(1);
  });
});

describe('the cluster', () => {
  it('gives the map by which clients find their way', async () => {
    expect(await unary('Cluster.GetRoutingMetadata', {})).toMatchObject({
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
    const rest = (await (await fetch(`${url}/v1/cluster/routing?keySpace=`)).json()) as Fields;
    expect(rest).toMatchObject({ hashPoolSize: 3, localEndpoint: OWN_URL, coherent: true });
    expect((rest.leaders as readonly Fields[])[1]).toEqual({ partitionId: 2, endpoint: OTHER_URL });
  });

  it('says who its members are', async () => {
    expect(await unary('Cluster.GetMembership', {})).toMatchObject({ LocalRole: 1, Initialized: true });
  });
});

describe('a streamed range', () => {
  it('comes page by page, all of the moment of the first', async () => {
    const keys = ['p/a', 'p/b', 'p/c'];
    answer = ({ operation }) => {
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
    };
    const { path, encode, decode } = codecs('KeyValuer.GetByRangeStream');
    const pages: Fields[] = [];
    const stream = client.makeServerStreamRequest(path, encode, decode, {
      Prefix: 'p',
      Limit: 2,
      Durability: 1,
    });
    stream.on('data', (page: Fields) => pages.push(page));
    await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));

    const keysIn = (page: Fields): unknown[] => (page.Items as readonly Fields[]).map(({ Key }) => Key);
    expect(pages.map(keysIn)).toEqual([['p/a', 'p/b'], ['p/c']]);
    expect(pages.map(({ HasMore }) => HasMore)).toEqual([true, false]);
    expect(asked[1]?.operation).toMatchObject({ from: { key: 'p/b', inclusive: false }, at });
  });

  it('of an empty prefix ends with no message', async () => {
    const { path, encode, decode } = codecs('KeyValuer.GetByRangeStream');
    const stream = client.makeServerStreamRequest(path, encode, decode, { Limit: 2 });
    let pages = 0;
    stream.on('data', () => (pages += 1));
    await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));

    expect(pages).toBe(0);
  });
});

describe('a batch stream', () => {
  const get = (RequestId: number, Key: string): Fields => ({
    Type: 5,
    RequestId,
    TryGetKeyValue: toMessage({ key: Key, revision: -1 }),
  });

  it('answers each request with its number, as they finish', async () => {
    let release = (): void => undefined;
    answer = ({ operation }) =>
      'key' in operation && operation.key === 'slow'
        ? new Promise((resolve) => (release = () => resolve(refusal(KeyValueCode.doesNotExist))))
        : Promise.resolve(refusal(KeyValueCode.doesNotExist));
    const { stream, take, ended } = batchStream('KeyValuer.BatchClientKeyValueRequests');

    stream.write(get(1, 'slow'));
    stream.write(get(2, 'fast'));
    const [first] = await take(1);
    stream.end();
    release();
    const [second] = await take(1);
    await ended;

    expect(first).toMatchObject({ Type: 5, RequestId: 2, TryGetKeyValue: { Type: 103 } });
    expect(second).toMatchObject({ Type: 5, RequestId: 1, TryGetKeyValue: { Type: 103 } });
  });

  it('goes on when one request fails, and leaves unknown ones unanswered', async () => {
    answer = ({ operation }) =>
      'key' in operation && operation.key === 'bad'
        ? Promise.reject(new Error('oh no'))
        : Promise.resolve(refusal(KeyValueCode.doesNotExist));
    const { stream, take } = batchStream('KeyValuer.BatchClientKeyValueRequests');

    stream.write({ Type: 0, RequestId: 1 });
    stream.write(get(2, 'bad'));
    const [bad] = await take(1);
    stream.write(get(3, 'good'));
    const [good] = await take(1);
    stream.end();

    expect(bad).toMatchObject({ RequestId: 2, TryGetKeyValue: { Type: 101 } });
    expect(good).toMatchObject({ RequestId: 3, TryGetKeyValue: { Type: 103 } });
  });

  it('takes frames of requests, and then may answer in frames', async () => {
    const { stream, take } = batchStream('KeyValuer.BatchClientKeyValueRequests');

    stream.write({ Type: 15, Frame: { Items: [get(1, 'a'), get(2, 'b')] } });
    const [frame] = await take(1);
    stream.end();

    const { Items } = frame?.Frame as { readonly Items: readonly Fields[] };
    expect(Items.map(({ RequestId }) => RequestId)).toEqual([1, 2]);
  });

  it('of locks does the same for locks', async () => {
    answer = ({ operation }) => Promise.resolve(refusalOf(operation, 'mustRetry'));
    const { stream, take } = batchStream('Locker.BatchClientLockRequests');

    stream.write({ Type: 4, RequestId: 8, GetLock: { Resource: 'r' } });
    const [answered] = await take(1);
    stream.end();

    expect(answered).toMatchObject({ Type: 4, RequestId: 8, GetLock: { Type: 101 } });
  });

  it('ends when the node closes, after what is under way', async () => {
    let release = (): void => undefined;
    answer = () => new Promise((resolve) => (release = () => resolve(refusal(KeyValueCode.doesNotExist))));
    const { stream, take, ended } = batchStream('KeyValuer.BatchClientKeyValueRequests');
    stream.write(get(1, 'slow'));
    while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));

    const closed = api.close();
    release();

    expect(await take(1)).toMatchObject([{ RequestId: 1 }]);
    await Promise.all([ended, closed]);
  });
});

describe('reflection', () => {
  async function reflect(request: Fields): Promise<Fields> {
    const type = loadSchema('reflection.proto').root;
    const requests = type.lookupType('grpc.reflection.v1.ServerReflectionRequest');
    const answers = type.lookupType('grpc.reflection.v1.ServerReflectionResponse');
    const stream = client.makeBidiStreamRequest(
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      (fields: Fields) => Buffer.from(requests.encode(fields).finish()),
      (bytes: Buffer) => answers.toObject(answers.decode(bytes)) as Fields,
    );
    const got = new Promise<Fields>((resolve) => stream.on('data', resolve));
    stream.write(request);
    stream.end();
    return got;
  }

  it('names the services', async () => {
    const { list_services_response: list } = await reflect({ list_services: '' });

    const names = (list as { readonly service: readonly Fields[] }).service.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['Locker', 'KeyValuer', 'Sequencer', 'Cluster']));
  });

  it('describes them, with the files that they import', async () => {
    const { file_descriptor_response: files } = await reflect({ file_containing_symbol: 'Locker' });

    const { file_descriptor_proto: protos } = files as {
      readonly file_descriptor_proto: readonly Uint8Array[];
    };
    const described = protos.map((bytes) => descriptor.FileDescriptorProto.decode(bytes));
    expect(described.map(({ name }) => name)).toEqual(['locks.proto', 'routing.proto']);
    const set = descriptor.FileDescriptorSet.encode({ file: described }).finish();
    const root = protobuf.Root.fromDescriptor(set).resolveAll();
    expect(root.lookupType('GrpcTryLockResponse').fields.Route?.resolvedType?.name).toBe('GrpcRouteHint');
  });

  it('says what it does not know', async () => {
    expect(await reflect({ file_containing_symbol: 'Nobody' })).toMatchObject({
      error_response: { error_code: status.NOT_FOUND },
    });
  });
});
