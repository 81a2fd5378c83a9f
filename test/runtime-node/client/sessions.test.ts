/** What a session says to nodes, and makes of what they say: of nodes that answer as a list says. */

import { describe, expect, it } from 'vitest';

import type { Session } from '../../../runtime-node/client/index.js';
import { fakeNode, type Asked, type FakeAnswer, type FakeNode } from '../support/fake-node.js';
import { clientOf, failureOf } from './support.js';

const ID = { n: 1, l: 1_790_000_000_000, c: 2 };
const BEGUN = { type: 0, transactionId: ID };
const SET = { type: 0, revision: 0 };
const LOCKED = { type: 5 };
const COMMITTED = { type: 8, recordAnchorKey: 'k' };
const NOT_YET = { type: 101, recordAnchorKey: 'k' };

/** By the last part of the path, what is answered in turn; the last of it again and again. */
async function nodeWith(answers: Readonly<Record<string, readonly FakeAnswer[]>>): Promise<FakeNode> {
  const counts = new Map<string, number>();
  return fakeNode(({ path }: Asked) => {
    const name = path.replace(/^.*\//, '');
    const known = answers[name] ?? { 'start-tx-session': [BEGUN] }[name] ?? [500];
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return known[Math.min(count, known.length - 1)] ?? 500;
  });
}

async function sessionOn(node: FakeNode, options = {}): Promise<Session> {
  return clientOf([node.endpoint], { timeoutMs: 2_000 }).begin(options);
}

const pathsOf = ({ asked }: FakeNode): readonly string[] =>
  asked.map(({ path }) => path.replace(/^.*\//, '').replace('-tx-session', ''));

describe('a session', () => {
  it('is begun with what was said of it', async () => {
    const node = await nodeWith({});

    await sessionOn(node, {
      locking: 'optimistic',
      lifetimeMs: 4_000,
      admissionWaitMs: 70,
      durable: true,
      asyncRelease: true,
      priority: 'critical',
      at: 9,
    });
    await sessionOn(node);

    expect(node.asked[0]?.body).toMatchObject({
      timeout: 4_000,
      admissionWaitMs: 70,
      lockingType: 1,
      decisionDurability: 1,
      asyncRelease: true,
      priority: 4,
      readTimestamp: { n: 0, l: 9, c: 0xffff_ffff },
    });
    expect(node.asked[1]?.body).toMatchObject({ timeout: 5_000, lockingType: 0, priority: 2 });
    expect(node.asked[0]?.body['coordinatorKey']).not.toBe(node.asked[1]?.body['coordinatorKey']);
  });

  it('that is not admitted fails with that code', async () => {
    const failure = await failureOf(
      sessionOn(await nodeWith({ 'start-tx-session': [{ type: 108, reason: 'full' }] })),
    );

    expect([failure.code, failure.reason]).toEqual(['admissionRefused', 'full']);
  });

  it('names itself and each of its operations', async () => {
    const node = await nodeWith({
      'try-set': [SET],
      'try-delete-many': [{ type: 4, items: [{ key: 'a', type: 4 }] }],
    });
    const session = await sessionOn(node);

    await session.set('k', 'v');
    await session.deleteMany(['a']);

    const { coordinatorKey } = node.asked[0]?.body ?? {};
    expect(node.asked[1]?.body).toMatchObject({ transactionId: ID, coordinatorKey, key: 'k' });
    expect(node.asked[2]?.body).toMatchObject({ coordinatorKey, items: [{ key: 'a', transactionId: ID }] });
    const ids = node.asked
      .slice(1)
      .map(({ body }) => `${String(body['operationIdHigh'])}:${String(body['operationIdLow'])}`);
    expect(new Set(ids).size).toBe(2);
    expect(ids.every((id) => /^[1-9]\d*:[1-9]\d*$/.test(id))).toBe(true);
  });

  it.each([
    [
      'pessimistic',
      [
        'start',
        'try-acquire-exclusive-lock',
        'try-get',
        'try-get',
        'try-acquire-prefix-lock',
        'get-by-bucket',
        'try-acquire-range-lock',
        'get-by-range',
      ],
    ],
    ['optimistic', ['start', 'try-get', 'try-get', 'get-by-bucket', 'get-by-range']],
  ])('locks what it reads, once, if it is pessimistic: %s', async (locking, paths) => {
    const node = await nodeWith({
      'try-acquire-exclusive-lock': [LOCKED],
      'try-acquire-prefix-lock': [LOCKED],
      'try-acquire-range-lock': [LOCKED],
      'try-get': [{ type: 103 }],
      'get-by-bucket': [{ type: 103 }],
      'get-by-range': [{ type: 3, items: [] }],
    });
    const session = await sessionOn(node, { locking });

    await session.get('k');
    await session.get('k');
    await session.getByBucket('b');
    await session.range('b');

    expect(pathsOf(node)).toEqual(paths);
  });

  it('asks again for what is locked, under the same id, as long as it waits', async () => {
    const held = { type: 104, reason: 'held' };
    const node = await nodeWith({ 'try-set': [held, held, SET] });
    const hasty = await nodeWith({ 'try-set': [held] });

    const { written } = await (await sessionOn(node)).set('k', 'v');
    const failure = await failureOf((await sessionOn(hasty, { lockWaitMs: 0 })).set('k', 'v'));

    expect([written, failure.code, failure.reason]).toEqual([true, 'alreadyLocked', 'held']);
    const ids = node.asked.slice(1).map(({ body }) => body['operationIdLow']);
    expect([ids.length, new Set(ids).size]).toEqual([3, 1]);
  });

  it('is over when a node says that it was aborted', async () => {
    const node = await nodeWith({ 'try-set': [{ type: 102, reason: 'a deadlock' }] });
    const session = await sessionOn(node);

    const failure = await failureOf(session.set('k', 'v'));
    const after = await failureOf(session.commit());

    expect([failure.code, failure.reason, failure.isOutcomeUnknown]).toEqual([
      'aborted',
      'a deadlock',
      false,
    ]);
    expect([session.state, after.code]).toEqual(['aborted', 'aborted']);
    expect(pathsOf(node)).toEqual(['start', 'try-set']);
  });

  it('commits until that is decided, and hands back the anchor', async () => {
    const node = await nodeWith({ 'commit-tx-session': [NOT_YET, 'hang up', COMMITTED] });
    const session = await sessionOn(node);

    await session.commit();

    expect(session.state).toBe('committed');
    expect(node.asked.slice(1).map(({ body }) => body['recordAnchorKey'])).toEqual([null, 'k', 'k']);
  });

  it('does not know whether it is committed when nobody says so in time, or nobody knows it any more', async () => {
    const undecided = await sessionOn(await nodeWith({ 'commit-tx-session': [NOT_YET] }));
    const forgotten = await sessionOn(await nodeWith({ 'commit-tx-session': ['hang up', { type: 99 }] }));

    const late = await failureOf(undecided.commit({ timeoutMs: 50 }));
    const gone = await failureOf(forgotten.commit());

    expect([late.code, late.isOutcomeUnknown, undecided.state]).toEqual(['mustRetry', true, 'unknown']);
    expect([gone.code, gone.isOutcomeUnknown, forgotten.state]).toEqual(['errored', true, 'unknown']);
  });

  it('says when a rollback came too late', async () => {
    const node = await nodeWith({ 'commit-tx-session': [NOT_YET], 'rollback-tx-session': [{ type: 8 }] });
    const session = await sessionOn(node);
    await failureOf(session.commit({ timeoutMs: 20 }));

    expect([await session.rollback(), session.state]).toEqual([false, 'committed']);
  });

  it('is rolled back when it is disposed of, unless it is over; what goes wrong then is told in the background', async () => {
    const errors: unknown[] = [];
    const node = await nodeWith({
      'rollback-tx-session': [{ type: 100, reason: 'no' }],
      'commit-tx-session': [COMMITTED],
    });
    const client = clientOf([node.endpoint], { onBackgroundError: (error) => errors.push(error) });
    {
      await using session = await client.begin();
      await using other = await client.begin();
      await other.commit();
      void session;
    }

    expect(pathsOf(node)).toEqual(['start', 'start', 'commit', 'rollback']);
    expect(errors).toHaveLength(1);
  });

  it('goes first to the node that began it', async () => {
    const first = await nodeWith({ 'try-set': [SET] });
    const second = await nodeWith({ 'try-set': [SET], 'start-tx-session': [500] });
    const client = clientOf([second.endpoint, first.endpoint], { routed: false });
    const session = await client.begin();
    await session.set('k', 'v');

    expect(pathsOf(first)).toEqual(['start', 'try-set']);
    expect(pathsOf(second)).toEqual(['start']);
  });
});

describe('a transaction', () => {
  it('is not done again when it is not known whether it was committed', async () => {
    const node = await nodeWith({ 'commit-tx-session': ['hang up', { type: 99 }] });
    let attempts = 0;

    const failure = await failureOf(
      clientOf([node.endpoint], { timeoutMs: 500 }).transaction(() => Promise.resolve((attempts += 1))),
    );

    expect([attempts, failure.isOutcomeUnknown]).toEqual([1, true]);
  });

  it('is done again in a new session after an abort, a lock and a "try again"', async () => {
    const node = await nodeWith({
      'try-set': [{ type: 102 }, { type: 104 }, SET],
      'rollback-tx-session': [{ type: 9 }],
      'commit-tx-session': [{ type: 102 }, COMMITTED],
    });
    const client = clientOf([node.endpoint]);

    await client.transaction(async (tx) => void (await tx.set('k', 'v')), { lockWaitMs: 0 });

    expect(pathsOf(node)).toEqual([
      ...['start', 'try-set'],
      ...['start', 'try-set', 'rollback'],
      ...['start', 'try-set', 'commit'],
      ...['start', 'try-set', 'commit'],
    ]);
  });

  it('ends when its caller wants no more', async () => {
    const node = await nodeWith({ 'try-set': [{ type: 102 }] });
    const controller = new AbortController();

    const failure = await failureOf(
      clientOf([node.endpoint]).transaction(
        async (tx) => {
          controller.abort();
          await tx.set('k', 'v');
        },
        { signal: controller.signal },
      ),
    );

    expect(failure.code).toBe('cancelled');
  });
});
