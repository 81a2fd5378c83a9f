/** What is over: judged by the leader's clock, said in the log, and never too early. */

import { describe, expect, it } from 'vitest';
import { KeyValueCode, type Operation } from '../../../core/partition/command.js';
import { LockCode } from '../../../core/partition/lock-command.js';
import { groupOf } from '../../../core/node/turn.js';
import { groupId } from '../../../core/machine/units.js';
import {
  acquire,
  call,
  commandsAfter,
  extendLock,
  getLock,
  lapsesOf,
  LEASE_BY_LEADER_MS,
  LEASE_MS,
  release,
  setFor,
} from './operations.js';
import {
  get,
  set,
  startReadyCluster,
  startReadyNode,
  type InFlight,
  type TestCluster,
  type TestNode,
} from './support.js';
import type { ClientCall } from '../../../core/partition/command.js';

/** Nothing is swept, so that only what is asked comes to its end. */
const ASKED_ONLY = { expirySweepMs: 0 };

function ask(node: TestNode, token: number, request: ClientCall): number | undefined {
  node.turn({ type: 'RequestReceived', token, request });
  while (node.underWay.length > 0) node.complete();
  return node.answers.get(token)?.code;
}

function armedIn(node: TestNode): number {
  const { lead } = groupOf(node.state, groupId(1));
  expect(lead?.leases.byEnd.size).toBe(lead?.leases.armed.size);
  return lead?.leases.armed.size ?? -1;
}

describe('a lease', () => {
  it('is over when it has run by the leader’s clock, and what clocks may drift apart besides', () => {
    const node = startReadyNode(ASKED_ONLY);
    ask(node, 1, acquire('a'));

    node.now += LEASE_BY_LEADER_MS;
    const before = ask(node, 2, acquire('b'));
    node.now += 1;
    const after = ask(node, 3, acquire('b'));

    expect([before, after]).toEqual([LockCode.busy, LockCode.locked]);
    expect(node.answers.get(3)).toMatchObject({ fencingToken: 1 });
  });

  it('ends whatever the wall clock says', () => {
    const node = startReadyNode(ASKED_ONLY);
    ask(node, 1, setFor(LEASE_MS, 'k'));
    node.wall += 3_600_000;

    const early = ask(node, 2, get('k'));
    node.wall -= 7_200_000;
    node.now += LEASE_BY_LEADER_MS + 1;

    expect([early, ask(node, 3, get('k'))]).toEqual([KeyValueCode.got, KeyValueCode.doesNotExist]);
  });

  it('counts from the extension, which may make it shorter', () => {
    const node = startReadyNode(ASKED_ONLY);
    ask(node, 1, acquire('a', 100_000));
    ask(node, 2, extendLock('a'));

    node.now += LEASE_BY_LEADER_MS + 1;

    expect(ask(node, 3, getLock())).toBe(LockCode.lockDoesNotExist);
  });

  it('that was prolonged before its end was applied lives on', () => {
    const node = startReadyNode(ASKED_ONLY);
    ask(node, 1, acquire('a'));
    node.now += LEASE_BY_LEADER_MS;
    node.turn({ type: 'RequestReceived', token: 2, request: extendLock('a') });
    node.now += 1;
    node.turn({ type: 'RequestReceived', token: 3, request: getLock() });
    const { applied } = node.group();
    while (node.underWay.length > 0) node.complete();

    expect(lapsesOf(commandsAfter(node, applied))).toEqual(['lock r']);
    expect(node.answers.get(2)).toMatchObject({ code: LockCode.extended });
    expect(node.answers.get(3)).toMatchObject({ code: LockCode.got });
  });

  it('is remembered once, and not at all when it is given up, ended or taken away', () => {
    const node = startReadyNode(ASKED_ONLY);
    ask(node, 1, acquire('a'));
    for (let token = 2; token < 20; token += 1) ask(node, token, extendLock('a'));
    ask(node, 20, setFor(LEASE_MS, 'k'));
    ask(node, 21, setFor(LEASE_MS, 'l'));
    const two = armedIn(node);
    ask(node, 22, release('a'));
    ask(node, 23, set('k', 'for ever'));
    const one = armedIn(node);
    node.now += LEASE_BY_LEADER_MS + 1;
    ask(node, 24, get('l'));

    expect([two, one, armedIn(node)]).toEqual([3, 1, 0]);
    expect(ask(node, 25, get('k'))).toBe(KeyValueCode.got);
  });
});

describe('a read that finds something over', () => {
  it('stands in the log, and is answered when that is committed', () => {
    const node = startReadyNode(ASKED_ONLY);
    ask(node, 1, setFor(LEASE_MS, 'k'));
    const { applied } = node.group();
    node.now += LEASE_BY_LEADER_MS + 1;

    node.turn({ type: 'RequestReceived', token: 2, request: get('k') });
    const early = node.answers.has(2);
    while (node.underWay.length > 0) node.complete();

    expect(early).toBe(false);
    expect(commandsAfter(node, applied)).toMatchObject([
      { operation: { type: 'Get', key: 'k' }, lapsed: [{ space: 'key', name: 'k' }] },
    ]);
    expect(node.answers.get(2)).toMatchObject({
      code: KeyValueCode.doesNotExist,
      servedAt: { group: 1, index: applied + 1 },
    });
  });

  it('says so once: after that nothing is written for reads', () => {
    const node = startReadyNode(ASKED_ONLY);
    ask(node, 1, setFor(LEASE_MS, 'k'));
    node.now += LEASE_BY_LEADER_MS + 1;
    ask(node, 2, get('k'));
    const { applied } = node.group();

    ask(node, 3, get('k'));
    ask(node, 4, get('other'));

    expect(node.group().applied).toBe(applied);
  });

  it('names everything that a page would have shown', () => {
    const node = startReadyNode(ASKED_ONLY);
    ask(node, 1, setFor(LEASE_MS, 'p/a'));
    ask(node, 2, set('p/b', 'stays'));
    ask(node, 3, setFor(LEASE_MS, 'p/c'));
    node.now += LEASE_BY_LEADER_MS + 1;
    const { applied } = node.group();

    ask(node, 4, call({ type: 'Scan', prefix: 'p/', limit: 10 }));

    expect(lapsesOf(commandsAfter(node, applied))).toEqual(['key p/a', 'key p/c']);
    expect(node.answers.get(4)).toMatchObject({ items: [{ key: 'p/b' }] });
  });

  it('by lease too, though it is confirmed in the turn in which it is asked', () => {
    const { cluster, leader } = startHeld(setFor(LEASE_MS, 'k'));
    cluster.pass(LEASE_BY_LEADER_MS + 10);
    const node = cluster.node(leader);

    cluster.ask(leader, 2, call({ type: 'Get', key: 'k', mode: 'lease' }));
    const early = node.answers.has(2);
    cluster.settle();

    expect(early).toBe(false);
    expect(node.answers.get(2)).toMatchObject({ code: KeyValueCode.doesNotExist });
  });

  it('is asked again while it is on its way, and stands in the log once', () => {
    const { cluster, leader, other } = startHeld(setFor(LEASE_MS, 'k'));
    cluster.pass(LEASE_BY_LEADER_MS + 10);
    const { applied } = cluster.node(leader).group();
    const noAcceptance = ({ message }: InFlight): boolean =>
      message.type !== 'Group' || message.message.type !== 'AppendAccepted';

    cluster.ask(other, 2, get('k'));
    cluster.pass(900, noAcceptance);
    const proposed = commandsAfter(cluster.node(leader), applied);
    cluster.pass(500);

    expect(lapsesOf(proposed)).toEqual(['key k']);
    expect(cluster.node(other).answers.get(2)).toMatchObject({ code: KeyValueCode.doesNotExist });
  });

  it('is answered by the next leader when the leadership is lost on the way, by what that one can know', () => {
    const { cluster, leader, other } = startHeld(setFor(LEASE_MS, 'k'));
    cluster.pass(LEASE_BY_LEADER_MS + 10);
    cluster.ask(other, 2, get('k'));
    cluster.settle(({ message }) => message.type !== 'Group' || message.message.type !== 'Append');
    const proposed = lapsesOf(commandsAfter(cluster.node(leader), 2));
    const early = cluster.node(other).answers.has(2);

    cluster.pass(3_500, away(leader));

    expect(proposed).toEqual(['key k']);
    expect(early).toBe(false);
    expect(cluster.node(other).answers.get(2)).toMatchObject({ code: KeyValueCode.got });
  });
});

describe('a read that the leader does not answer', () => {
  it.each(['follower', 'stale'] as const)('%s sees the state as it is', (mode) => {
    const { cluster, other } = startHeld(setFor(LEASE_MS, 'k'));
    cluster.pass(LEASE_BY_LEADER_MS + 10);
    const read = (token: number): number | undefined => {
      cluster.ask(other, token, call({ type: 'Get', key: 'k', mode } as Operation));
      cluster.pass(300);
      return cluster.node(other).answers.get(token)?.code;
    };

    const before = read(10);
    cluster.ask(other, 11, get('k'));
    cluster.pass(300);

    expect([before, read(12)]).toEqual([KeyValueCode.got, KeyValueCode.doesNotExist]);
  });
});

describe('a lease under another leader', () => {
  it('starts afresh when that leadership begins, and is not cut short', () => {
    const { cluster, leader, other } = startHeld(acquire('a'));
    cluster.pass(LEASE_MS - 50);
    const since = passUntilNext(cluster, leader);
    const next = cluster.leader();
    const tryAt = (token: number, age: number): number | undefined => {
      cluster.pass(since + age - next.now, away(leader));
      cluster.ask(next.id, token, acquire('b'));
      cluster.settle(away(leader));
      return next.answers.get(token)?.code;
    };

    const codes = [tryAt(10, 50), tryAt(11, LEASE_BY_LEADER_MS), tryAt(12, LEASE_BY_LEADER_MS + 10)];

    expect(next.id).not.toBe(leader);
    expect(other).not.toBe(leader);
    expect(codes).toEqual([LockCode.busy, LockCode.busy, LockCode.locked]);
  });

  it('is not ended by one who has lost the leadership', () => {
    const { cluster, leader } = startHeld(acquire('a'));
    cluster.pass(LEASE_BY_LEADER_MS - 50);
    const deposed = cluster.node(leader);
    deposed.now += 100;

    cluster.ask(leader, 10, acquire('b'));
    cluster.settle(away(leader));
    passUntilNext(cluster, leader);
    cluster.settle();
    cluster.pass(300);

    expect(cluster.leader().id).not.toBe(leader);
    expect(deposed.answers.get(10)).toMatchObject({ code: LockCode.busy });
  });
});

const away =
  (node: number) =>
  ({ from, to }: InFlight): boolean =>
    from !== node && to !== node;

/** A ready cluster in which something was armed, and whose leader is settled. */
function startHeld(arm: ClientCall): {
  readonly cluster: TestCluster;
  readonly leader: number;
  readonly other: number;
} {
  const cluster = startReadyCluster(3, ASKED_ONLY);
  const leader = cluster.leader().id;
  cluster.ask(leader, 1, arm);
  cluster.settle();
  expect(cluster.node(leader).answers.get(1)?.code).toBe(0);
  return { cluster, leader, other: (leader % 3) + 1 };
}

/** Cuts the leader off until there is another one; the time at which that began to lead, at most 10 ms late. */
function passUntilNext(cluster: TestCluster, leader: number): number {
  for (let passed = 0; passed < 5_000; passed += 10) {
    cluster.pass(10, away(leader));
    const next = cluster.ids.find((id) => id !== leader && cluster.node(id).group().role === 'leader');
    if (next !== undefined) return cluster.node(next).now;
  }
  throw new Error('nobody was elected');
}
