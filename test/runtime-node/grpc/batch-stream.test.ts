import { beforeEach, describe, expect, it } from 'vitest';

import { KeyValueCode, refusal, refusalOf } from '../../../core/index.js';
import type { Fields } from '../api/services/driver.js';
import { toMessage } from '../api/services/grpc-driver.js';
import { grpcFake, type GrpcFake } from './grpc-fake.js';

let fake: GrpcFake;
beforeEach(async () => {
  fake = await grpcFake();
});

describe('a batch stream', () => {
  const get = (RequestId: number, Key: string): Fields => ({
    Type: 5,
    RequestId,
    TryGetKeyValue: toMessage({ key: Key, revision: -1 }),
  });

  it('answers each request with its number, as they finish', async () => {
    let release = (): void => undefined;
    fake.answerWith(({ operation }) =>
      'key' in operation && operation.key === 'slow'
        ? new Promise((resolve) => (release = () => resolve(refusal(KeyValueCode.doesNotExist))))
        : Promise.resolve(refusal(KeyValueCode.doesNotExist)),
    );
    const { stream, take, ended } = fake.batchStream('KeyValuer.BatchClientKeyValueRequests');

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
    fake.answerWith(({ operation }) =>
      'key' in operation && operation.key === 'bad'
        ? Promise.reject(new Error('oh no'))
        : Promise.resolve(refusal(KeyValueCode.doesNotExist)),
    );
    const { stream, take } = fake.batchStream('KeyValuer.BatchClientKeyValueRequests');

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
    const { stream, take } = fake.batchStream('KeyValuer.BatchClientKeyValueRequests');

    stream.write({ Type: 15, Frame: { Items: [get(1, 'a'), get(2, 'b')] } });
    const [frame] = await take(1);
    stream.end();

    const { Items } = frame?.Frame as { readonly Items: readonly Fields[] };
    expect(Items.map(({ RequestId }) => RequestId)).toEqual([1, 2]);
  });

  it('of locks does the same for locks', async () => {
    fake.answerWith(({ operation }) => Promise.resolve(refusalOf(operation, 'mustRetry')));
    const { stream, take } = fake.batchStream('Locker.BatchClientLockRequests');

    stream.write({ Type: 4, RequestId: 8, GetLock: { Resource: 'r' } });
    const [answered] = await take(1);
    stream.end();

    expect(answered).toMatchObject({ Type: 4, RequestId: 8, GetLock: { Type: 101 } });
  });

  it('ends when the node closes, after what is under way', async () => {
    let release = (): void => undefined;
    fake.answerWith(
      () => new Promise((resolve) => (release = () => resolve(refusal(KeyValueCode.doesNotExist)))),
    );
    const { stream, take, ended } = fake.batchStream('KeyValuer.BatchClientKeyValueRequests');
    stream.write(get(1, 'slow'));
    while (fake.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));

    const closed = fake.api.close();
    release();

    expect(await take(1)).toMatchObject([{ RequestId: 1 }]);
    await Promise.all([ended, closed]);
  });
});
