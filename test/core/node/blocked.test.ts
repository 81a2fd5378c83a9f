/** What waits for transactions that are prepared: reads, writes, pages and reads at a time. */

import { describe, expect, it } from 'vitest';
import type { Timestamp } from '../../../core/clock/hybrid-clock.js';
import { logIndex, nodeId, wallMs } from '../../../core/machine/units.js';
import {
  isAwaited,
  NOBODY_BLOCKED,
  withBlocked,
  withoutBlocked,
  type Blocked,
  type BlockedExecution,
} from '../../../core/node/blocked.js';
import {
  KeyValueCode,
  type ClientAnswer,
  type ClientCall,
  type RequestId,
} from '../../../core/partition/command.js';
import { TransactionCode, type TransactionId } from '../../../core/partition/transaction-command.js';
import { call, ephemeral } from './operations.js';
import {
  get,
  set,
  startReadyCluster,
  textOf,
  type InFlight,
  type TestCluster,
  type TestNode,
} from './support.js';
import {
  ABORT,
  asker,
  commitAt,
  FIRST,
  followerOf,
  keyIn,
  prepare,
  SECOND,
  settle,
  staged,
  timeIn,
} from './transacting.js';

function answerOf(cluster: TestCluster, node: number, token: number): ClientAnswer | undefined {
  return cluster.node(node).answers.get(token);
}

/** A cluster in which the key is `old`, and a transaction is prepared that makes it `new`. */
function withIntent(size = 3, options = {}) {
  const cluster = startReadyCluster(size, { partitions: 2, ...options });
  const ask = asker(cluster);
  const leader = cluster.leader().id;
  ask(leader, set(K, 'old'));
  const token = ask(leader, prepare('T', [staged(K, 'new')], { anchor: SECOND }));
  const prepared = answerOf(cluster, leader, token);
  expect(prepared).toMatchObject({ code: TransactionCode.prepared });
  const at = timeIn(prepared);
  return { cluster, ask, leader, at, commit: commitAt(at) };
}

const follower = (key: string): ClientCall => call({ type: 'Get', key, mode: 'follower' });
const stale = (key: string): ClientCall => call({ type: 'Get', key, mode: 'stale' });
const lease = (key: string): ClientCall => call({ type: 'Get', key, mode: 'lease' });
const page = (prefix: string): ClientCall => call({ type: 'Scan', prefix, group: FIRST, limit: 10 });

/** Of the first of two groups. The record of its transactions is in the other one, where nobody ever decides. */
const K = keyIn(FIRST);

describe('a read of what a prepared transaction writes', () => {
  it.each([
    ['a linearizable one', get(K)],
    ['one by lease', lease(K)],
    ['one at a follower', follower(K)],
  ])('waits until it is settled: %s', (_which, request) => {
    const { cluster, ask, leader, commit } = withIntent();
    const other = followerOf(cluster);
    const here = ask(leader, request);
    const there = ask(other, request);
    cluster.pass(1500);
    expect([answerOf(cluster, leader, here), answerOf(cluster, other, there)]).toEqual([
      undefined,
      undefined,
    ]);

    ask(leader, settle('T', commit));

    expect(textOf(answerOf(cluster, leader, here))).toBe('new');
    expect(textOf(answerOf(cluster, other, there))).toBe('new');
  });

  it('waits in the same way when it is a page that holds it, and shows what was there when it is aborted', () => {
    const { cluster, ask, leader } = withIntent();
    const shown = ask(leader, page(K));
    const beside = ask(leader, page('x'));
    expect(answerOf(cluster, leader, beside)).toMatchObject({ code: KeyValueCode.got, items: [] });
    expect(answerOf(cluster, leader, shown)).toBeUndefined();

    ask(leader, settle('T', ABORT));

    expect(answerOf(cluster, leader, shown)).toMatchObject({ items: [{ key: K, revision: 0 }] });
  });

  it('does not wait when it is stale, or when it is of a time before', () => {
    const { cluster, ask, leader, at, commit } = withIntent();
    const now = ask(leader, stale(K));
    const before: Timestamp = { ...at, wall: wallMs(at.wall - 1) };
    const earlier = ask(leader, call({ type: 'Exists', key: keyIn(FIRST, 'other'), at: before }));
    const then = ask(leader, call({ type: 'Get', key: K, at: before }));
    const after = ask(leader, call({ type: 'Get', key: K, at }));

    expect(textOf(answerOf(cluster, leader, now))).toBe('old');
    expect(answerOf(cluster, leader, earlier)).toMatchObject({ code: KeyValueCode.doesNotExist });
    expect(answerOf(cluster, leader, then)).toBeDefined();
    expect(answerOf(cluster, leader, after)).toBeUndefined();
    ask(leader, settle('T', commit));
    expect(textOf(answerOf(cluster, leader, after))).toBe('new');
  });

  it('is turned away where too many wait', () => {
    const { cluster, ask, leader, commit } = withIntent(3, { maxBlockedOperations: 2 });
    const tokens = [ask(leader, get(K)), ask(leader, set(K, 'next')), ask(leader, get(K))];

    expect(answerOf(cluster, leader, tokens[2] ?? 0)).toMatchObject({ code: KeyValueCode.mustRetry });
    expect(answerOf(cluster, leader, tokens[2] ?? 0)?.reason).toContain('maxBlockedOperations');
    ask(leader, settle('T', commit));
    expect(tokens.slice(0, 2).map((token) => answerOf(cluster, leader, token)?.code)).toEqual([
      KeyValueCode.got,
      KeyValueCode.set,
    ]);
  });

  it('has one place, however often it is sent', () => {
    const { cluster, ask, leader, commit } = withIntent(3, { maxBlockedOperations: 1 });
    const other = followerOf(cluster);
    const token = ask(other, get(K));

    cluster.pass(2500);

    expect(answerOf(cluster, other, token)).toBeUndefined();
    ask(leader, settle('T', commit));
    expect(textOf(answerOf(cluster, other, token))).toBe('new');
  });

  it('is answered by the next leader when the one that it waits for is gone', () => {
    const { cluster, ask, leader, commit } = withIntent();
    const other = followerOf(cluster);
    const token = ask(other, get(K));
    const away = ({ from, to }: { from: number; to: number }): boolean => from !== leader && to !== leader;
    cluster.network = [];
    cluster.pass(2500, away);
    const [next] = cluster.ids.filter((id) => id !== leader && cluster.node(id).group().role === 'leader');

    cluster.ask(next ?? 0, 99, settle('T', commit));
    cluster.settle(away);
    cluster.pass(600, away);

    expect(textOf(answerOf(cluster, other, token))).toBe('new');
  });

  it('is turned back by a leader that has lost the lead, at once', () => {
    const { cluster, ask, leader } = withIntent();
    ask(followerOf(cluster), get(K));
    const turnedBack: unknown[] = [];
    const watch = ({ from, message }: InFlight): boolean => {
      if (from === leader && message.type === 'ForwardAnswer') turnedBack.push(message.result);
      return true;
    };
    cluster.pass(3000, (one) => watch(one) && one.from !== leader && one.to !== leader);
    cluster.pass(20, watch);

    expect(turnedBack).toMatchObject([{ type: 'TryAgain', overloaded: false }]);
  });

  it('is sent back to its client when the leader has lost the lead', () => {
    const { cluster, ask, leader, commit } = withIntent();
    const token = ask(leader, get(K));
    const away = ({ from, to }: { from: number; to: number }): boolean => from !== leader && to !== leader;
    cluster.pass(3000, away);
    const next = cluster.leader().id;
    expect(next).not.toBe(leader);
    cluster.pass(300);
    expect(answerOf(cluster, leader, token)).toBeUndefined();

    ask(next, settle('T', commit));
    cluster.pass(600);

    expect(textOf(answerOf(cluster, leader, token))).toBe('new');
    expect(cluster.node(leader).state.requests.root).toBeUndefined();
  });
});

describe('a write of what a prepared transaction writes', () => {
  it('waits, and the writes are done in the order in which they came', () => {
    const { cluster, ask, leader, commit } = withIntent();
    const tokens = ['a', 'b', 'c'].map((text) => ask(leader, set(K, text)));
    const last = ask(leader, get(K));
    expect(tokens.map((token) => answerOf(cluster, leader, token))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);

    ask(leader, settle('T', commit));

    expect(tokens.map((token) => answerOf(cluster, leader, token))).toMatchObject([
      { code: KeyValueCode.set, revision: 2 },
      { code: KeyValueCode.set, revision: 3 },
      { code: KeyValueCode.set, revision: 4 },
    ]);
    // It was let through before the writes were in the log.
    expect(textOf(answerOf(cluster, leader, last))).toBe('new');
  });

  it('waits also when the transaction was prepared while it was on its way', () => {
    const cluster = startReadyCluster(3, { partitions: 2 });
    const ask = asker(cluster);
    const leader = cluster.leader().id;
    cluster.ask(leader, 101, prepare('T', [staged(K, 'new')], { anchor: SECOND }));
    cluster.ask(leader, 102, set(K, 'next', 'once'));
    cluster.settle();
    expect(answerOf(cluster, leader, 102)).toBeUndefined();
    cluster.ask(leader, 103, set(K, 'next', 'once'));
    cluster.settle();

    ask(leader, settle('T', commitAt(timeIn(answerOf(cluster, leader, 101)))));

    expect([102, 103].map((token) => answerOf(cluster, leader, token))).toMatchObject([
      { code: KeyValueCode.set, revision: 1 },
      { code: KeyValueCode.set, revision: 1 },
    ]);
  });

  it('waits for ephemeral keys as well, and only there', () => {
    const cluster = startReadyCluster(3, { partitions: 2 });
    const ask = asker(cluster);
    const leader = cluster.leader().id;
    const prepared = ask(leader, prepare('T', [staged(K, 'new')], { anchor: SECOND, ephemeral: true }));
    const read = ask(leader, ephemeral(get(K)));
    const write = ask(leader, ephemeral(set(K, 'next')));
    const persistent = ask(leader, set(K, 'other'));
    expect(answerOf(cluster, leader, persistent)).toMatchObject({ code: KeyValueCode.set });
    expect([read, write].map((token) => answerOf(cluster, leader, token))).toEqual([undefined, undefined]);

    const commit = commitAt(timeIn(answerOf(cluster, leader, prepared)));
    ask(leader, settle('T', commit, FIRST, true));

    expect(textOf(answerOf(cluster, leader, read))).toBe('new');
    expect(answerOf(cluster, leader, write)).toMatchObject({ code: KeyValueCode.set, revision: 1 });
  });
});

function ahead({ id, wall }: TestNode, milliseconds: number): Timestamp {
  return { node: nodeId(id), wall: wallMs(wall + milliseconds), counter: 0 };
}

describe('a read at a time to which the partition has not come', () => {
  it('brings it there, so that nothing is written at that time afterwards', () => {
    const cluster = startReadyCluster(3, { partitions: 2 });
    const ask = asker(cluster);
    const leader = cluster.leader();
    ask(leader.id, set(K, 'old'));
    const at = ahead(leader, 5_000);
    const { applied } = leader.group();
    const then = ask(leader.id, call({ type: 'Get', key: K, at }));
    const follows = ask(followerOf(cluster), call({ type: 'Get', key: K, at, mode: 'follower' }));
    ask(leader.id, set(K, 'new'));
    const again = ask(leader.id, call({ type: 'Get', key: K, at }));

    expect([then, again].map((token) => textOf(answerOf(cluster, leader.id, token)))).toEqual(['old', 'old']);
    expect(textOf(answerOf(cluster, followerOf(cluster), follows))).toBe('old');
    expect(leader.group().applied).toBe(applied + 2);
  });

  it('does so for ephemeral keys', () => {
    const cluster = startReadyCluster(1, { partitions: 2 });
    const ask = asker(cluster);
    const leader = cluster.leader();
    ask(leader.id, ephemeral(set(K, 'old')));
    const at = ahead(leader, 5_000);
    const then = ask(leader.id, ephemeral(call({ type: 'Get', key: K, at })));
    ask(leader.id, ephemeral(set(K, 'new')));
    const again = ask(leader.id, ephemeral(call({ type: 'Get', key: K, at })));

    expect([then, again].map((token) => textOf(answerOf(cluster, leader.id, token)))).toEqual(['old', 'old']);
  });

  it('is refused when it is far ahead of the leader', () => {
    const cluster = startReadyCluster(1, { partitions: 2 });
    const ask = asker(cluster);
    const leader = cluster.leader();
    const at = ahead(leader, 10_001);

    const token = ask(leader.id, call({ type: 'Get', key: K, at }));

    expect(answerOf(cluster, leader.id, token)).toMatchObject({ code: KeyValueCode.invalidInput });
  });
});

describe('the queue', () => {
  /** Counts how often anybody looks for whom it waits. */
  function waiting(token: number, on: string, looks: { count: number }): BlockedExecution {
    const origin = { type: 'Client', token } as const;
    const requestId = `r${token}` as RequestId;
    const execution = { group: FIRST, requestId, basis: logIndex(0), operation: get(K).operation, origin };
    return {
      execution,
      confirmed: true,
      get on() {
        looks.count += 1;
        return on as TransactionId;
      },
    };
  }

  function queueOf(all: readonly BlockedExecution[]): Blocked {
    return all.reduce(withBlocked, NOBODY_BLOCKED);
  }

  it('gives those who wait for a transaction, in their order, and keeps the others', () => {
    const looks = { count: 0 };
    const names = ['T', 'T1', 'S', 'T', 'T1', 'T', 'S '];
    const all = names.map((on, i) => waiting(i, on, looks));

    const { queue, taken } = withoutBlocked(queueOf(all), 'T' as TransactionId);

    expect(taken).toEqual([all[0], all[3], all[5]]);
    expect([...names, 'R'].map((on) => isAwaited(queue, on as TransactionId))).toEqual(
      names.map((on) => on !== 'T').concat(false),
    );
    expect(withoutBlocked(queue, 'T1' as TransactionId).taken).toEqual([all[1], all[4]]);
    const rest = ['T1', 'S', 'S '].reduce(
      (left, on) => withoutBlocked(left, on as TransactionId).queue,
      queue,
    );
    expect(rest).toMatchObject({
      byArrival: NOBODY_BLOCKED.byArrival,
      placeOf: { size: 0 },
      byBlocker: { size: 0 },
    });
  });

  it('looks at nobody who waits for another transaction', () => {
    const looks = { count: 0 };
    const all = Array.from({ length: 1_000 }, (_, i) => waiting(i, i % 250 === 0 ? 'T' : `O${i}`, looks));
    const queue = queueOf(all);
    looks.count = 0;

    expect(isAwaited(queue, 'T' as TransactionId)).toBe(true);
    expect(isAwaited(queue, 'nobody' as TransactionId)).toBe(false);
    expect(withoutBlocked(queue, 'T' as TransactionId).taken).toHaveLength(4);
    expect(looks.count).toBeLessThanOrEqual(4);
  });
});
