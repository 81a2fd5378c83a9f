import { Agent, request as httpRequest } from 'node:http';

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import {
  KeyValueCode,
  nodeId,
  refusal,
  revision,
  wallMs,
  type ClientAnswer,
  type ClientCall,
  type KeyValueOutcome,
  type Told,
} from '../../../core/index.js';
import { createApi, type Api } from '../../../runtime-node/api/index.js';
import { HostStopped } from '../../../runtime-node/index.js';
import { recordingLog, type RecordingLog } from '../support/recording-log.js';
import { fakeBackend } from './fake-backend.js';

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}

const JSON_HEADERS = { 'content-type': 'application/json' };

/** What the fake node was asked, and what it answers next. */
let asked: ClientCall[];
let answer: () => Promise<ClientAnswer>;
let ready: boolean;
let log: RecordingLog;
let api: Api;
let port: number;

const lastModified = { node: nodeId(3), wall: wallMs(1_790_000_000_001), counter: 3 };

function outcome(code: KeyValueCode, rest: Partial<KeyValueOutcome & Told> = {}): ClientAnswer {
  return { code, revision: revision(5), value: null, lastModified, ...rest };
}

beforeEach(async () => {
  asked = [];
  answer = () => Promise.resolve(outcome(KeyValueCode.set));
  ready = true;
  log = recordingLog();
  const backend = fakeBackend(
    (request) => {
      asked.push(request);
      return answer();
    },
    {
      // Nothing is known of who leads, so that answers have no hint.
      routeOf: () => undefined,
      health: () => ({ ready, initialized: true, localRole: 'Voter', hostedPartitions: 8 }),
    },
  );
  api = await createApi(backend, log);
  onTestFinished(() => api.close());
  ({ port } = await api.listen({ host: '127.0.0.1', port: 0 }));
});

function send(
  method: string,
  path: string,
  body?: string | Uint8Array,
  headers: Readonly<Record<string, string>> = JSON_HEADERS,
  agent: Agent | false = false,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', method, path, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

const post = (path: string, body: unknown): Promise<Reply> =>
  send('POST', path, typeof body === 'string' ? body : JSON.stringify(body));

async function refusedWith(path: string, body: unknown): Promise<string> {
  const { status, text } = await post(path, body);
  expect(status).toBe(200);
  const parsed = JSON.parse(text) as { type: number; reason: string };
  expect(parsed.type).toBe(100);
  expect(asked).toEqual([]);
  return parsed.reason;
}

async function badWith(path: string, body: unknown): Promise<string> {
  const { status, text, type } = await post(path, body);
  expect(status).toBe(400);
  expect(type).toContain('application/json');
  expect(asked).toEqual([]);
  const parsed = JSON.parse(text) as { error: string; message: string };
  expect(parsed.error).toBe('BadRequest');
  return parsed.message;
}

describe('try-set', () => {
  it('hands on every field, and writes every property of the answer', async () => {
    const reply = await post('/v1/kv/try-set', {
      key: 'users/17',
      value: 'QWRh',
      compareValue: '',
      compareRevision: 4,
      expiresMs: 0,
      flags: 48,
      durability: 1,
      operationIdHigh: 7,
      operationIdLow: 9,
      transactionId: { n: 0, l: 0, c: 0 },
      coordinatorKey: null,
    });

    expect(asked).toEqual([
      {
        requestId: 'c:7:9',
        operation: {
          type: 'Set',
          key: 'users/17',
          value: new Uint8Array([65, 100, 97]),
          flags: 48,
          compareValue: new Uint8Array(0),
          compareRevision: 4,
        },
      },
    ]);
    expect(reply.status).toBe(200);
    expect(reply.type).toContain('application/json');
    expect(reply.text).toBe(
      '{"servedFrom":null,"type":0,"revision":5,"lastModified":{"n":3,"l":1790000000001,"c":3},"route":null}',
    );
  });

  it('takes what is left out for a plain set of null on a persistent key, without a request id', async () => {
    await post('/v1/kv/try-set', { key: 'k' });

    expect(asked).toEqual([
      { operation: { type: 'Set', key: 'k', value: null, flags: 0, compareValue: null, compareRevision: 0 } },
    ]);
  });

  it('keeps null and zero bytes apart', async () => {
    await post('/v1/kv/try-set', { key: 'k', value: null });
    await post('/v1/kv/try-set', { key: 'k', value: '' });

    expect(asked.map(({ operation }) => operation.type === 'Set' && operation.value)).toEqual([
      null,
      new Uint8Array(0),
    ]);
  });

  it('says a refused condition with the current revision', async () => {
    answer = () => Promise.resolve(outcome(KeyValueCode.notSet, { revision: revision(-1) }));

    const { text } = await post('/v1/kv/try-set', { key: 'k', flags: 4 });

    expect(JSON.parse(text)).toMatchObject({ type: 1, revision: -1 });
  });
});

describe('try-get', () => {
  it('gives the value in base64, and writes every property of the answer', async () => {
    answer = () => Promise.resolve(outcome(KeyValueCode.got, { value: new Uint8Array([255, 254, 253]) }));

    const { text } = await post('/v1/kv/try-get', {
      key: 'k',
      revision: -1,
      readTimestamp: { n: 0, l: 0, c: 0 },
    });

    expect(asked).toEqual([{ operation: { type: 'Get', key: 'k' } }]);
    expect(text).toBe(
      '{"servedFrom":null,"type":3,"value":"//79","revision":5,"expires":{"n":0,"l":0,"c":0},' +
        '"lastModified":{"n":3,"l":1790000000001,"c":3},"route":null}',
    );
  });

  it('keeps null and zero bytes apart, and reads the newest revision when none is given', async () => {
    answer = () => Promise.resolve(outcome(KeyValueCode.got));
    const none = await post('/v1/kv/try-get', { key: 'k' });
    answer = () => Promise.resolve(outcome(KeyValueCode.got, { value: new Uint8Array(0) }));
    const empty = await post('/v1/kv/try-get', { key: 'k' });

    expect(none.text).toContain('"value":null');
    expect(empty.text).toContain('"value":""');
  });

  it('says that there is no such key', async () => {
    answer = () => Promise.resolve(refusal(KeyValueCode.doesNotExist));

    const { text } = await post('/v1/kv/try-get', { key: 'k' });

    expect(JSON.parse(text)).toEqual({
      servedFrom: null,
      type: 103,
      value: null,
      revision: 0,
      expires: { n: 0, l: 0, c: 0 },
      lastModified: { n: 0, l: 0, c: 0 },
      route: null,
    });
  });
});

describe('readMode', () => {
  it.each([
    [{}, {}],
    [{ readMode: null }, {}],
    [{ readMode: 'linearizable' }, {}],
    [{ readmode: 'lease' }, { mode: 'lease' }],
    [{ readMode: 'follower' }, { mode: 'follower' }],
    [{ readMode: 'stale' }, { mode: 'stale' }],
  ])('%o', async (fields, mode) => {
    answer = () => Promise.resolve(outcome(KeyValueCode.got));

    await post('/v1/kv/try-get', { key: 'k', ...fields });
    await post('/v1/kv/try-exists', { key: 'k', ...fields });

    expect(asked).toEqual([
      { operation: { type: 'Get', key: 'k', ...mode } },
      { operation: { type: 'Exists', key: 'k', ...mode } },
    ]);
  });
});

describe('try-delete and try-exists', () => {
  it('hand on the key and write every property of their answers', async () => {
    answer = () => Promise.resolve(outcome(KeyValueCode.deleted));
    const deleted = await post('/v1/kv/try-delete', { key: 'k', operationIdHigh: 1, operationIdLow: 0 });
    answer = () => Promise.resolve(outcome(KeyValueCode.exists));
    const exists = await post('/v1/kv/try-exists', { key: 'k' });

    expect(asked).toEqual([
      { requestId: 'c:1:0', operation: { type: 'Delete', key: 'k' } },
      { operation: { type: 'Exists', key: 'k' } },
    ]);
    expect(Object.keys(JSON.parse(deleted.text) as object)).toEqual([
      'servedFrom',
      'type',
      'revision',
      'lastModified',
      'route',
    ]);
    expect(Object.keys(JSON.parse(exists.text) as object)).toEqual([
      'servedFrom',
      'type',
      'revision',
      'expires',
      'lastModified',
      'route',
    ]);
  });
});

describe('the names and numbers of a body', () => {
  it('are read whatever their case, and unknown ones are ignored', async () => {
    await post('/v1/kv/try-delete', {
      KEY: 'k',
      Durability: 1,
      OPERATIONIDLOW: 5,
      somethingNew: { deep: [1] },
    });

    expect(asked).toEqual([{ requestId: 'c:0:5', operation: { type: 'Delete', key: 'k' } }]);
  });

  it('may be strings', async () => {
    await post('/v1/kv/try-set', {
      key: 'k',
      flags: '32',
      compareRevision: '-1',
      durability: '1',
      operationIdLow: '5',
    });

    expect(asked).toMatchObject([{ requestId: 'c:0:5', operation: { flags: 32, compareRevision: -1 } }]);
  });

  it('keep all digits of an operation id, as numbers and as strings', async () => {
    await post(
      '/v1/kv/try-delete',
      '{"key":"k","operationIdHigh":18446744073709551615,"operationidlow":9007199254740993}',
    );
    await post(
      '/v1/kv/try-delete',
      '{"key":"k","operationIdHigh":"18446744073709551615","operationIdLow":"9007199254740993"}',
    );

    expect(asked.map(({ requestId }) => requestId)).toEqual([
      'c:18446744073709551615:9007199254740993',
      'c:18446744073709551615:9007199254740993',
    ]);
  });

  it('are not found inside a key or a value', async () => {
    await post('/v1/kv/try-delete', '{"key":"\\"operationIdLow\\":1,","operationIdLow":9007199254740993}');

    expect(asked).toMatchObject([{ requestId: 'c:0:9007199254740993' }]);
  });

  it('do not reach the prototype of anything', async () => {
    await post('/v1/kv/try-delete', '{"key":"k","__proto__":{"durability":0},"constructor":1}');

    expect(asked).toEqual([{ operation: { type: 'Delete', key: 'k' } }]);
  });
});

describe('a request that is understood, but cannot be done, is answered with code 100 and a reason', () => {
  it.each([
    [
      '/v1/kv/try-set',
      { key: 'k', durability: 2 },
      'durability must be 0 (ephemeral) or 1 (persistent), but is 2',
    ],
    ['/v1/kv/try-set', { key: 'k', expiresMs: -5 }, 'expiresMs must not be negative, but is -5'],
    ['/v1/kv/try-extend', { key: 'k', expiresMs: 0 }, 'expiresMs must be 1 or more, but is 0'],
    ['/v1/kv/try-exists', { key: 'k', revision: -2 }, 'revision must be -1 (the newest) or more, but is -2'],
    [
      '/v1/kv/try-get',
      { key: 'k', readMode: 'dirty' },
      'readMode must be one of linearizable, lease, follower, stale, but is "dirty"',
    ],
    [
      '/v1/kv/try-get',
      { key: 'k', revision: 3, readTimestamp: { n: 0, l: 5, c: 0 } },
      'either a revision or a readTimestamp, not both',
    ],
    [
      '/v1/kv/try-delete',
      { key: 'k', transactionId: { N: '1', L: 5, C: 0 } },
      'coordinatorKey: an operation in a transaction needs that of its start',
    ],
  ])('%s %o', async (path, body, reason) => {
    expect(await refusedWith(path, body)).toContain(reason);
  });

  it('with the reason of the core', async () => {
    answer = () => Promise.resolve({ ...refusal(KeyValueCode.invalidInput), reason: 'the key is empty' });

    const { status, text } = await post('/v1/kv/try-set', {});

    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ type: 100, reason: 'the key is empty', route: null });
  });

  it('and one that must be tried again with nothing but the code and why', async () => {
    answer = () => Promise.resolve({ ...refusal(KeyValueCode.mustRetry), reason: 'no leader' });
    for (const path of ['/v1/kv/try-set', '/v1/kv/try-get', '/v1/kv/try-exists', '/v1/kv/try-delete']) {
      const { status, text } = await post(path, { key: 'k' });

      expect(status).toBe(200);
      expect(JSON.parse(text)).toEqual({ type: 101, reason: 'no leader' });
    }
  });

  it('and one that the stopping node leaves unanswered too', async () => {
    answer = () => Promise.reject(new HostStopped('this node is stopping'));

    const { status, text } = await post('/v1/kv/try-set', { key: 'k' });

    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ type: 101, reason: 'this node is stopping' });
  });
});

describe('a body that cannot be read is a 400 that names the field and what was expected', () => {
  it.each([
    ['', 'the body is not valid JSON: it is empty'],
    ['{"key":', 'the body is not valid JSON'],
    ['[1]', 'the body: expected a JSON object, but got an array'],
    ['"x"', 'the body: expected a JSON object, but got the string "x"'],
    ['null', 'the body: expected a JSON object, but got null'],
    [{ key: 17 }, 'key: expected a string, but got the number 17'],
    [
      { key: 'k', value: 'not base64!' },
      'value: expected standard base64 with padding, but got the string "not base64!"',
    ],
    [{ key: 'k', value: 'QWRhQQ' }, 'value: expected standard base64 with padding'],
    [{ key: 'k', value: 'Q=Rh' }, 'value: expected standard base64 with padding'],
    [{ key: 'k', value: '_-_-' }, 'value: expected standard base64 with padding'],
    [{ key: 'k', value: 'QW Rh\n==' }, 'value: expected standard base64 with padding'],
    [{ key: 'k', value: 5 }, 'value: expected a base64 string or null, but got the number 5'],
    [{ key: 'k', compareValue: {} }, 'compareValue: expected a base64 string or null, but got an object'],
    [{ key: 'k', flags: 1.5 }, 'flags: expected a 32-bit integer, but got the number 1.5'],
    [{ key: 'k', flags: null }, 'flags: expected a 32-bit integer, but got null'],
    [{ key: 'k', flags: 'many' }, 'flags: expected a 32-bit integer, but got the string "many"'],
    [{ key: 'k', expiresMs: 2 ** 31 }, 'expiresMs: expected a 32-bit integer'],
    [{ key: 'k', durability: true }, 'durability: expected a 32-bit integer, but got the boolean true'],
    [{ key: 'k', operationIdLow: -1 }, 'operationIdLow: expected an unsigned 64-bit integer'],
    [
      { key: 'k', operationIdHigh: '18446744073709551616' },
      'operationIdHigh: expected an unsigned 64-bit integer',
    ],
    [
      '{"key":"k","operationIdLow":1e19}',
      'operationIdLow: numbers of 2^53 or more must be written as plain digits',
    ],
    [{ key: 'k', transactionId: 5 }, 'transactionId: expected an object {"n","l","c"}, but got the number 5'],
    [{ key: 'k', transactionId: { n: 'x' } }, 'transactionId.n: expected an integer, but got the string "x"'],
  ])('%o', async (body, message) => {
    expect(await badWith('/v1/kv/try-set', body)).toContain(message);
  });

  it('when it is not UTF-8', async () => {
    const { status, text } = await send('POST', '/v1/kv/try-set', Buffer.from([0x7b, 0xff, 0x7d]));

    expect(status).toBe(400);
    expect(text).toContain('the body is not valid UTF-8');
  });

  it('and shows only the beginning of a long string', async () => {
    const message = await badWith('/v1/kv/try-set', { key: 'k', value: '!'.repeat(10_000) });

    expect(message.length).toBeLessThan(300);
  });
});

describe('what is not a request to any route', () => {
  it('is a 404 where there is none', async () => {
    const { status, text, type } = await send('GET', '/v1/nowhere?x=1');

    expect(status).toBe(404);
    expect(type).toContain('application/json');
    expect(JSON.parse(text)).toEqual({ error: 'NotFound', message: 'there is no route /v1/nowhere' });
  });

  it('is a 405 where the method is another, which is named', async () => {
    const get = await send('GET', '/v1/kv/try-set');
    const del = await send('DELETE', '/v1/status');

    expect([get.status, get.headers['allow']]).toEqual([405, 'POST']);
    expect(JSON.parse(get.text)).toEqual({
      error: 'MethodNotAllowed',
      message: '/v1/kv/try-set takes POST, not GET',
    });
    expect([del.status, del.headers['allow']]).toEqual([405, 'GET']);
  });

  it.each([
    ['of another type', { 'content-type': 'text/plain' }, '{"key":"k"}'],
    ['without a type', {}, '{"key":"k"}'],
    ['without a type and a body', {}, undefined],
    ['of a type that is no type', { 'content-type': 'nonsense' }, '{"key":"k"}'],
  ])('is a 415 where the body is %s', async (_what, headers, body) => {
    const { status, text } = await send('POST', '/v1/kv/try-set', body, headers as Record<string, string>);

    expect(status).toBe(415);
    expect(JSON.parse(text)).toMatchObject({ error: 'UnsupportedMediaType' });
    expect(asked).toEqual([]);
  });

  it('is a 413 where the body is announced as too large', async () => {
    const headers = { ...JSON_HEADERS, 'content-length': String(1 << 30), connection: 'close' };
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest({
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/v1/kv/try-set',
        headers,
      });
      request.on('response', (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.flushHeaders();
    });

    expect(status).toBe(413);
  });
});

describe('an unexpected failure', () => {
  it('is a 500 that tells its details only to the log', async () => {
    answer = () => Promise.reject(new Error('secret details'));

    const { status, text } = await post('/v1/kv/try-set', { key: 'k' });

    expect(status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ error: 'InternalError' });
    expect(text).not.toContain('secret');
    expect(log.lines).toMatchObject([
      { level: 'error', message: 'a request failed unexpectedly: secret details' },
    ]);
  });
});

describe('the other routes', () => {
  it('answer with who is there, how it is, and what it knows', async () => {
    const root = await send('GET', '/');
    const health = await send('GET', '/v1/cluster/health');
    ready = false;
    const notReady = await send('GET', '/v1/cluster/health');
    const status = await send('GET', '/v1/status');

    expect([root.status, root.text]).toEqual([200, 'Kahuna.Server']);
    expect(root.type).toContain('text/plain');
    expect([health.status, health.text]).toEqual([
      200,
      '{"ready":true,"initialized":true,"localRole":"Voter","hostedPartitions":8}',
    ]);
    expect([notReady.status, JSON.parse(notReady.text)]).toMatchObject([503, { ready: false }]);
    expect(JSON.parse(status.text)).toMatchObject({ node: 1, pid: 2, cluster: 'test', groups: [] });
  });
});

describe('an API that is closed', () => {
  it('answers what is under way, and keeps none of these connections for more', async () => {
    let finish = (_answer: ClientAnswer): void => undefined;
    answer = () => new Promise((resolve) => (finish = resolve));
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const body = JSON.stringify({ key: 'k', value: '', flags: 1 });
    const reply = send('POST', '/v1/kv/try-set', body, JSON_HEADERS, agent);
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));

    const closed = api.close();
    finish(outcome(KeyValueCode.set));

    expect(await reply).toMatchObject({ status: 200, headers: { connection: 'close' } });
    await closed;
  });
});
