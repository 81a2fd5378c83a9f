import { beforeEach, describe, expect, it } from 'vitest';

import {
  KeyValueCode,
  nodeId,
  refusal,
  refusalOf,
  ScriptCode,
  SessionCode,
  wallMs,
} from '../../../core/index.js';
import type { Fields } from '../api/services/driver.js';
import { toMessage } from '../api/services/grpc-driver.js';
import { grpcFake, type GrpcFake } from './grpc-fake.js';

const ANSWERS = {
  StartTransaction: SessionCode.set,
  OperateInTransaction: SessionCode.alreadyLocked,
  CommitTransaction: SessionCode.committed,
  RollbackTransaction: SessionCode.rolledBack,
} as const;

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

  it('takes sessions, their locks and scripts', async () => {
    const id = { node: nodeId(1), wall: wallMs(5), counter: 0 };
    fake = await grpcFake({
      transact: (call) =>
        Promise.resolve(
          call.type === 'RunScript'
            ? { family: 'script', code: ScriptCode.got, entries: [{ revision: 7 }] }
            : { family: 'session', code: ANSWERS[call.type], id, holder: id, anchorKey: 'k' },
        ),
    });
    const { stream, take } = fake.batchStream('KeyValuer.BatchClientKeyValueRequests');
    const handle = { coordinatorKey: 'c', transactionId: { n: 1, l: 5, c: 0 } };
    const inSession = { ...handle, key: 'k', operationIdHigh: 1, operationIdLow: 1 };

    stream.write({ Type: 7, RequestId: 1, TryExecuteTransactionScript: { Script: Buffer.from('x') } });
    stream.write({ Type: 8, RequestId: 2, TryAcquireExclusiveLock: toMessage(inSession) });
    stream.write({ Type: 11, RequestId: 3, StartTransaction: toMessage({ coordinatorKey: 'c' }) });
    stream.write({ Type: 12, RequestId: 4, CommitTransaction: toMessage(handle) });
    stream.write({ Type: 13, RequestId: 5, RollbackTransaction: toMessage(handle) });
    const answers = [...(await take(5))].sort((a, b) => Number(a.RequestId) - Number(b.RequestId));

    expect(answers).toMatchObject([
      { Type: 7, TryExecuteTransactionScript: { Type: 3, Values: [{ Revision: 7 }] } },
      { Type: 8, TryAcquireExclusiveLock: { Type: 104, HolderTransactionIdPhysical: 5 } },
      { Type: 11, StartTransaction: { Type: 0, TransactionIdPhysical: 5 } },
      { Type: 12, CommitTransaction: { Type: 8, RecordAnchorKey: 'k' } },
      { Type: 13, RollbackTransaction: { Type: 9 } },
    ]);
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
