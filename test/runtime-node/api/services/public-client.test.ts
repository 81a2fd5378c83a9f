import { credentials, Client } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Fields } from './driver.js';
import { decodeWhole, methodNamed } from './grpc-driver.js';
import { freshName, startService, TRANSPORTS, type Service } from './start.js';

/** What public clients of Kahuna do beside what the other tests say. */

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

/** As such a client sends it: with a token that nobody asked for. */
async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Fields> {
  const response = await fetch(`${service.url}/v1/${path}`, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      authorization: 'Bearer xxx',
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Fields;
}

describe('by REST', () => {
  it('takes a token, and a charset', async () => {
    const key = freshName('key');
    const headers = { 'content-type': 'application/json; charset=utf-8' };

    expect(await post('kv/try-set', { key, value: 'YQ==', flags: 1, durability: 1 }, headers)).toMatchObject({
      type: 0,
    });
  });

  it('writes every field of an answer, and nothing for null', async () => {
    const key = freshName('key');
    await post('kv/try-set', { key, value: null, flags: 1, durability: 1 });

    const got = await post('kv/try-get', { key, revision: -1, durability: 1 });

    expect(Object.keys(got).sort()).toEqual([
      'expires',
      'lastModified',
      'revision',
      'route',
      'servedFrom',
      'type',
      'value',
    ]);
    expect(got).toMatchObject({ type: 3, value: null, expires: { n: 0, l: 0, c: 0 } });
  });

  it('takes the largest number that a client has for no limit', async () => {
    const bucket = freshName('bucket');
    await post('kv/try-set', { key: `${bucket}/a`, value: 'YQ==', flags: 1, durability: 1 });

    const page = await post('kv/get-by-range', {
      prefix: bucket,
      startKey: null,
      endKey: null,
      limit: Number.MAX_SAFE_INTEGER,
      readTimestamp: { n: 0, l: 0, c: 0 },
      durability: 1,
    });

    expect(page).toMatchObject({ type: 3, hasMore: false, nextCursor: null });
  });

  it('answers a lock that is not there with nothing but its code', async () => {
    expect(await post('locks/get-info', { resource: freshName('lock'), durability: 1 })).toMatchObject({
      type: 102,
      owner: null,
      fencingToken: 0,
      expires: { n: 0, l: 0, c: 0 },
    });
  });
});

describe('by gRPC', () => {
  it('streams a whole range as it was at its first page, while others write', async () => {
    const bucket = freshName('bucket');
    const names = ['a', 'c', 'e', 'g', 'i', 'k', 'm', 'o'];
    const driver = await service.driver('gRPC');
    // More than the connection takes ahead of its reader.
    const set = (name: string, value: string): Promise<Fields> =>
      driver.call('kv/try-set', { key: `${bucket}/${name}`, value, flags: 1 });
    for (const name of names) await set(name, 'old'.repeat(100_000));
    const { path, request, answer } = methodNamed('KeyValuer.GetByRangeStream');
    const client = new Client(new URL(service.url).host, credentials.createInsecure());

    const stream = client.makeServerStreamRequest(
      path,
      (message: Fields) => Buffer.from(request.encode(message).finish()),
      (bytes: Buffer) => decodeWhole(answer, bytes),
      { Prefix: bucket, Limit: 1, Durability: 1 },
    );
    const seen: unknown[] = [];
    for await (const page of stream) {
      for (const { Key, Revision } of (page as Fields).Items as readonly Fields[]) seen.push([Key, Revision]);
      if (seen.length > 1) continue;
      for (const name of ['b', 'd', 'n', ...names]) await set(name, 'new');
      await driver.call('kv/try-delete', { key: `${bucket}/o` });
    }
    client.close();

    expect(seen).toEqual(names.map((name) => [`${bucket}/${name}`, 0]));
  });
});

describe.each(TRANSPORTS)('by %s', (face) => {
  it('reads what it wrote at once, and what was written before a moment that it names in milliseconds', async () => {
    const driver = await service.driver(face);
    const key = freshName('key');
    const { lastModified } = await driver.call('kv/try-set', { key, value: 'a', flags: 1 });
    const readTimestamp = { n: 0, l: (lastModified as { readonly l: number }).l, c: 2 ** 32 - 1 };

    expect(await driver.call('kv/try-get', { key })).toMatchObject({ type: 3, revision: 0 });
    expect(await driver.call('kv/try-exists', { key, readTimestamp })).toMatchObject({
      type: 10,
      revision: 0,
    });
  });
});
