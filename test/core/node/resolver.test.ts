/** How transactions come to their end when their coordinator is gone. */

import { describe, expect, it } from 'vitest';
import type { NodeOptions } from '../../../core/node/options.js';
import { KeyValueCode, type ClientAnswer, type ClientCall } from '../../../core/partition/command.js';
import type { PartitionState } from '../../../core/partition/partition.js';
import { TransactionCode, type Decision } from '../../../core/partition/transaction-command.js';
import type { GroupId } from '../../../core/machine/units.js';
import { groupOf } from '../../../core/node/turn.js';
import { ephemeral } from './operations.js';
import { get, set, startReadyCluster, textOf, type InFlight, type TestCluster } from './support.js';
import {
  ABORT,
  asker,
  commitAt,
  decide,
  FIRST,
  followerOf,
  getDecision,
  keyIn,
  prepare,
  SECOND,
  settle,
  staged,
  timeIn,
} from './transacting.js';

const A = keyIn(FIRST);
const B = keyIn(SECOND);
const GRACE_MS = 2_000;
const PARTS = [{ group: FIRST }, { group: SECOND }];

const away =
  (node: number) =>
  ({ from, to }: InFlight): boolean =>
    from !== node && to !== node;

/** Two groups, in which both keys are `old`, and a transaction that is prepared in both and makes them `new`. */
function prepared(size = 3, options: Partial<NodeOptions> = {}) {
  const cluster = startReadyCluster(size, { partitions: 2, intentGraceMs: GRACE_MS, ...options });
  const ask = asker(cluster);
  const tell = (request: ClientCall, node = 1): ClientAnswer | undefined =>
    cluster.node(node).answers.get(ask(node, request));
  tell(set(A, 'old'));
  tell(set(B, 'old'));
  const first = tell(prepare('T', [staged(A, 'new')], { participants: PARTS }));
  const second = tell(prepare('T', [staged(B, 'new')], { group: SECOND, anchor: FIRST }));
  expect([first, second].map((answer) => answer?.code)).toEqual([
    TransactionCode.prepared,
    TransactionCode.prepared,
  ]);
  const commit = commitAt(timeIn(second));
  return { cluster, ask, tell, commit };
}

function stateOf(cluster: TestCluster, group: GroupId): PartitionState {
  return groupOf(cluster.leader(group).state, group).partition;
}

/** How many transactions are prepared in the two groups, and how many records are open. */
function left(cluster: TestCluster): readonly [prepared: number, open: number] {
  const states = [FIRST, SECOND].map((group) => stateOf(cluster, group).transactions);
  return [
    states.reduce((sum, state) => sum + state.prepared.size, 0),
    states.reduce((sum, state) => sum + state.open.size, 0),
  ];
}

function shown(cluster: TestCluster, ask: (id: number, request: ClientCall) => number, node = 1) {
  return [A, B].map((key) => textOf(cluster.node(node).answers.get(ask(node, get(key)))));
}

describe('a transaction that nobody decides', () => {
  it.each([1, 3])('is aborted after the grace, and not before, among %i nodes', (size) => {
    const { cluster, ask, tell, commit } = prepared(size);
    cluster.pass(GRACE_MS - 200);
    expect(left(cluster)).toEqual([2, 1]);

    cluster.pass(1000);

    expect(left(cluster)).toEqual([0, 0]);
    expect(shown(cluster, ask)).toEqual(['old', 'old']);
    expect(tell(decide('T', commit))).toMatchObject({ code: TransactionCode.aborted });
  });

  it('is aborted when there is no record of it at all', () => {
    const cluster = startReadyCluster(3, { partitions: 2, intentGraceMs: GRACE_MS });
    const ask = asker(cluster);
    ask(1, prepare('T', [staged(B, 'new')], { group: SECOND, anchor: FIRST }));
    cluster.pass(GRACE_MS + 500);

    expect(left(cluster)).toEqual([0, 0]);
    const late = ask(1, prepare('T', [staged(A, 'new')], { participants: PARTS }));
    expect(cluster.node(1).answers.get(late)).toMatchObject({ code: TransactionCode.aborted });
  });

  it('is aborted also where only a record is left', () => {
    const cluster = startReadyCluster(3, { partitions: 2, intentGraceMs: GRACE_MS });
    const ask = asker(cluster);
    ask(1, prepare('T', [], { participants: [{ group: SECOND, ephemeral: true }] }));
    expect(left(cluster)).toEqual([0, 1]);

    cluster.pass(GRACE_MS + 500);

    expect(left(cluster)).toEqual([0, 0]);
    expect(cluster.node(1).answers.get(ask(1, getDecision('T')))).toMatchObject({
      code: TransactionCode.aborted,
    });
  });

  it('lets an operation wait for it until then, and go on at once', () => {
    const { cluster, ask } = prepared();
    const node = followerOf(cluster, SECOND);
    const read = ask(node, get(B));
    const write = ask(node, set(B, 'next'));
    cluster.pass(GRACE_MS + 500);

    expect(textOf(cluster.node(node).answers.get(read))).toBe('old');
    expect(cluster.node(node).answers.get(write)).toMatchObject({ code: KeyValueCode.set, revision: 1 });
  });

  it('is aborted by the leaders that come after those who prepared it', () => {
    const { cluster, ask } = prepared();
    const gone = cluster.leader(SECOND).id;
    cluster.network = [];
    cluster.pass(2500 + GRACE_MS + 1000, away(gone));
    const stays = cluster.ids.find((id) => id !== gone) ?? 0;

    const tokens = [A, B].map((key) => {
      const token = 500 + (key === A ? 1 : 2);
      cluster.ask(stays, token, get(key));
      return token;
    });
    cluster.settle(away(gone));

    expect(tokens.map((token) => textOf(cluster.node(stays).answers.get(token)))).toEqual(['old', 'old']);
    cluster.pass(1000);
    expect(shown(cluster, ask, gone)).toEqual(['old', 'old']);
    expect(left(cluster)).toEqual([0, 0]);
  });
});

describe('a transaction that is committed and not settled', () => {
  it('is settled by whoever waits for it, long before the grace is over', () => {
    const { cluster, ask, tell, commit } = prepared(3, { intentGraceMs: 60_000 });
    expect(tell(decide('T', commit))).toMatchObject({ code: TransactionCode.committed });
    expect(left(cluster)).toEqual([2, 1]);

    expect(shown(cluster, ask)).toEqual(['new', 'new']);
    expect(left(cluster)).toEqual([0, 1]);
  });

  it('is settled in no time where all are led by the node itself', () => {
    const { cluster, ask, tell, commit } = prepared(1, { intentGraceMs: 60_000 });
    tell(decide('T', commit));
    const tokens = [A, B].map((key) => ask(1, get(key)));

    cluster.pass(50);

    expect(tokens.map((token) => textOf(cluster.node(1).answers.get(token)))).toEqual(['new', 'new']);
  });

  it('is settled and finished by the leader of its record after the grace', () => {
    const { cluster, ask, tell, commit } = prepared();
    tell(decide('T', commit));
    // Only the record's leader may see to it.
    tell(settle('T', commit, FIRST));
    cluster.pass(GRACE_MS - 200);
    expect(left(cluster)[1]).toBe(1);

    cluster.pass(1200);

    expect(left(cluster)).toEqual([0, 0]);
    expect(shown(cluster, ask)).toEqual(['new', 'new']);
  });

  it('is finished, though its coordinator and the leader of its record die', () => {
    const { cluster, tell, commit } = prepared();
    tell(decide('T', commit));
    // Nothing but the record tells the next leader of it.
    tell(settle('T', commit, FIRST));
    tell(settle('T', commit, SECOND));
    const gone = cluster.leader(FIRST).id;
    cluster.pass(2500 + GRACE_MS + 1000, away(gone));
    const stays = cluster.ids.find((id) => id !== gone) ?? 0;
    cluster.ask(stays, 501, get(A));
    cluster.ask(stays, 502, get(B));
    cluster.settle(away(gone));

    expect([501, 502].map((token) => textOf(cluster.node(stays).answers.get(token)))).toEqual(['new', 'new']);
    expect(left(cluster)).toEqual([0, 0]);
  });

  it('is not finished before all have settled', () => {
    const { cluster, tell, commit } = prepared(3, { requestTimeoutMs: 1000, forwardTimeoutMs: 300 });
    tell(decide('T', commit));
    tell(settle('T', commit, FIRST));
    const leader = cluster.leader(FIRST).id;
    const notToSecond = ({ message }: InFlight): boolean =>
      !(message.type === 'Forward' && message.group === SECOND) &&
      !(message.type === 'ForwardAnswer' && message.group === SECOND) &&
      !(message.type === 'Group' && message.group === SECOND);
    cluster.pass(GRACE_MS + 3000, notToSecond);
    expect(groupOf(cluster.node(leader).state, FIRST).partition.transactions.open.size).toBe(1);

    cluster.pass(12_000);

    expect(left(cluster)).toEqual([0, 0]);
  });

  it('is settled where it wrote ephemeral keys', () => {
    const cluster = startReadyCluster(3, { partitions: 2, intentGraceMs: GRACE_MS });
    const ask = asker(cluster);
    const answer = (token: number): ClientAnswer | undefined => cluster.node(1).answers.get(token);
    const parts = [{ group: FIRST }, { group: SECOND, ephemeral: true as const }];
    ask(1, prepare('T', [staged(A, 'new')], { participants: parts }));
    const last = ask(1, prepare('T', [staged(B, 'new')], { group: SECOND, anchor: FIRST, ephemeral: true }));
    ask(1, decide('T', commitAt(timeIn(answer(last)))));

    expect(textOf(answer(ask(1, ephemeral(get(B)))))).toBe('new');
    cluster.pass(GRACE_MS + 1000);
    expect(textOf(answer(ask(1, get(A))))).toBe('new');
    expect(left(cluster)).toEqual([0, 0]);
  });

  it('gives its keys the time to live that it says', () => {
    const cluster = startReadyCluster(3, { partitions: 2 });
    const ask = asker(cluster);
    const answer = (token: number): ClientAnswer | undefined => cluster.node(1).answers.get(token);
    const at = ask(1, prepare('T', [staged(A, 'new', 950)], { anchor: SECOND }));
    ask(1, settle('T', commitAt(timeIn(answer(at)))));
    cluster.pass(900);
    expect(textOf(answer(ask(1, get(A))))).toBe('new');
    cluster.pass(300);
    expect(answer(ask(1, get(A)))).toMatchObject({ code: KeyValueCode.doesNotExist });
  });
});

describe('who looks after transactions', () => {
  it('asks now and then while something waits, and not at all while nothing does', () => {
    const { cluster, ask } = prepared(3, { intentGraceMs: 60_000, requestTimeoutMs: 30_000 });
    const asked = { count: 0 };
    const node = cluster.leader(SECOND).id;
    const count = (one: InFlight): boolean => {
      if (one.message.type === 'Forward' && one.message.operation.type === 'GetDecision') asked.count += 1;
      return true;
    };
    const moved = cluster.leader(FIRST).id !== node;
    cluster.pass(3000, count);
    expect(asked.count).toBe(0);
    ask(node, get(B));
    cluster.pass(3000, count);

    // Where both groups have one leader, it has only itself to ask.
    expect(asked.count).toBeGreaterThanOrEqual(moved ? 10 : 0);
    expect(asked.count).toBeLessThanOrEqual(16);
  });

  it('sleeps when nothing is left, and wakes for what is', () => {
    const { cluster } = prepared(3, { quiesceAfterMs: 300 });
    cluster.pass(1500);
    expect([FIRST, SECOND].map((group) => cluster.leader(group).group(group).asleep)).toEqual([true, true]);

    cluster.pass(GRACE_MS);
    expect(left(cluster)).toEqual([0, 0]);
    cluster.pass(3000);
    expect([FIRST, SECOND].map((group) => cluster.leader(group).group(group).asleep)).toEqual([true, true]);
    for (const id of cluster.ids) expect(cluster.node(id).timerAt - cluster.node(id).now).toBeGreaterThan(0);
  });

  it('obeys a decision that is made while it is about to abort', () => {
    const { cluster, ask, tell, commit } = prepared();
    cluster.pass(GRACE_MS - 50);
    const made: Decision = commit;
    expect(tell(decide('T', made))).toMatchObject({ code: TransactionCode.committed });
    cluster.pass(1500);

    expect(shown(cluster, ask)).toEqual(['new', 'new']);
    expect(tell(decide('T', ABORT))).toMatchObject({ code: TransactionCode.committed });
  });
});
