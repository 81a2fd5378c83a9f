/** What is over though nobody asks for it. */

import { describe, expect, it } from 'vitest';
import { groupId } from '../../../core/machine/units.js';
import { groupOf } from '../../../core/node/turn.js';
import { KeyValueCode, type Operation } from '../../../core/partition/command.js';
import {
  acquire,
  call,
  commandsAfter,
  ephemeral,
  extendLock,
  lapsesOf,
  LEASE_BY_LEADER_MS,
  LEASE_MS,
  setFor,
} from './operations.js';
import { startReadyCluster, startReadyNode, type InFlight, type TestNode } from './support.js';

function finish(node: TestNode): void {
  while (node.underWay.length > 0) node.complete();
}

/** Time passes to when the node asked to be woken, again and again. */
function passTo(node: TestNode, time: number): void {
  while (node.timerAt <= time) {
    node.now = Math.max(node.now, node.timerAt);
    node.turn({ type: 'TimerFired' });
    finish(node);
  }
  node.now = time;
}

function leadOf(node: TestNode) {
  const { lead } = groupOf(node.state, groupId(1));
  if (lead === undefined) throw new Error(`node ${node.id} does not lead`);
  return lead;
}

const away =
  (node: number) =>
  ({ from, to }: InFlight): boolean =>
    from !== node && to !== node;

describe('a leader', () => {
  it('says what is over though nobody asks', () => {
    const node = startReadyNode();
    node.turn(
      { type: 'RequestReceived', token: 1, request: setFor(LEASE_MS, 'k') },
      { type: 'RequestReceived', token: 2, request: acquire('a') },
    );
    finish(node);
    const { applied } = node.group();

    passTo(node, node.now + LEASE_BY_LEADER_MS);
    const early = node.group().applied;
    passTo(node, node.now + 1_000);

    expect(early).toBe(applied);
    expect(lapsesOf(commandsAfter(node, applied))).toEqual(['key k', 'lock r']);
    expect(leadOf(node).leases.armed.size).toBe(0);
  });

  it('says no more than a hundred ends in one command, and the others after it is applied', () => {
    const node = startReadyNode({ expirySweepMs: 100 });
    node.turn(
      ...Array.from(
        { length: 150 },
        (_, i) => ({ type: 'RequestReceived', token: i + 1, request: setFor(LEASE_MS, `k${i}`) }) as const,
      ),
    );
    finish(node);
    const { applied } = node.group();

    passTo(node, node.now + 3_000);

    const counts = commandsAfter(node, applied).map(({ lapsed = [] }) => lapsed.length);
    expect(counts).toEqual([100, 50]);
  });

  it('does not repeat what is said and not yet applied', () => {
    const node = startReadyNode({ expirySweepMs: 100 });
    node.turn({ type: 'RequestReceived', token: 1, request: setFor(LEASE_MS, 'k') });
    finish(node);
    const { applied } = node.group();

    for (let passed = 0; passed < 3_000; passed += 50) {
      node.now += 50;
      node.turn({ type: 'TimerFired' });
    }

    expect(lapsesOf(commandsAfter(node, applied))).toEqual(['key k']);
  });

  it('ends nothing that was prolonged meanwhile', () => {
    const node = startReadyNode();
    node.turn({ type: 'RequestReceived', token: 1, request: acquire('a') });
    finish(node);
    node.now += 500;
    node.turn({ type: 'RequestReceived', token: 2, request: extendLock('a', 100_000) });
    finish(node);
    const { applied } = node.group();

    passTo(node, node.now + 50_000);

    expect(node.group().applied).toBe(applied);
  });

  it('sweeps its ephemeral things without a word', () => {
    const node = startReadyNode();
    node.turn({ type: 'RequestReceived', token: 1, request: ephemeral(setFor(LEASE_MS, 'k')) });
    const { applied } = node.group();

    passTo(node, node.now + 2_500);

    expect(node.group().applied).toBe(applied);
    expect(leadOf(node).ephemeral.leases.armed.size).toBe(0);
    expect(leadOf(node).ephemeral.state.applied).toBe(2);
  });

  it('does none of it when it is told to leave what is over', () => {
    const node = startReadyNode({ expirySweepMs: 0 });
    node.turn({ type: 'RequestReceived', token: 1, request: setFor(LEASE_MS, 'k') });
    finish(node);
    const { applied } = node.group();

    passTo(node, node.now + 10_000);

    expect(node.group().applied).toBe(applied);
    expect(leadOf(node).sweepAt).toBeUndefined();
  });

  it('finds what earlier leaders armed, some at a time', () => {
    const keys = 1_500;
    const cluster = startReadyCluster(3, { expirySweepMs: 200 });
    const first = cluster.leader().id;
    for (let token = 1; token <= keys; token += 300) {
      cluster.turn(
        first,
        ...Array.from(
          { length: 300 },
          (_, i) =>
            ({
              type: 'RequestReceived',
              token: token + i,
              request: setFor(20_000, `k${token + i}`),
            }) as const,
        ),
      );
      cluster.settle();
    }
    cluster.pass(200);

    cluster.pass(2_200, away(first));
    const next = cluster.leader();
    const found = leadOf(next);
    cluster.pass(1_000, away(first));

    expect(next.id).not.toBe(first);
    expect(found.leases.armed.size).toBeGreaterThanOrEqual(1_024);
    expect(leadOf(next)).toMatchObject({ unseen: undefined, leases: { armed: { size: keys } } });
  });
});

describe('a group', () => {
  const OPTIONS = { quiesceAfterMs: 300 };

  it('sleeps while nothing is armed, and has no alarm', () => {
    const cluster = startReadyCluster(3, OPTIONS);
    const leader = cluster.leader();

    cluster.pass(1_000);

    expect(leader.group().asleep).toBe(true);
    expect(leadOf(leader)).toMatchObject({ sweepAt: undefined, unseen: undefined });
  });

  it('sleeps until the first end, and again after it', () => {
    const cluster = startReadyCluster(3, OPTIONS);
    const leader = cluster.leader();
    const other = cluster.node((leader.id % 3) + 1);
    cluster.ask(leader.id, 1, setFor(4_000, 'k'));
    cluster.settle();
    const { applied } = leader.group();
    const stale = { type: 'Get', key: 'k', mode: 'stale' } as Operation;

    cluster.pass(3_500);
    const asleep = leader.group().asleep;
    cluster.ask(other.id, 2, call(stale));
    cluster.pass(3_000);
    cluster.ask(other.id, 3, call(stale));

    expect([asleep, leader.group().asleep]).toEqual([true, true]);
    expect(leader.group().applied).toBe(applied + 1);
    expect(other.answers.get(2)).toMatchObject({ code: KeyValueCode.got });
    expect(other.answers.get(3)).toMatchObject({ code: KeyValueCode.doesNotExist });
  });
});
