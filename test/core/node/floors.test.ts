/** Holds across the groups of a cluster: an acquisition is answered when every partition keeps what it protects, and not before. */

import { describe, expect, it } from 'vitest';
import type { Timestamp } from '../../../core/clock/hybrid-clock.js';
import { ZERO_TIMESTAMP } from '../../../core/clock/hybrid-clock.js';
import { groupId } from '../../../core/machine/units.js';
import { KeyValueCode, type ClientCall } from '../../../core/partition/command.js';
import { HoldCode } from '../../../core/partition/hold-command.js';
import { holdIdOf } from '../../../core/partition/holds.js';
import { groupOf } from '../../../core/node/turn.js';
import { stamp } from '../partition/support.js';
import type { NodeOptions } from '../../../core/node/options.js';
import { call, commandsAfter } from './operations.js';
import { get, restartNode, set, startReadyCluster, startReadyNode } from './support.js';
import type { InFlight, TestCluster, TestNode } from './support.js';

const OPTIONS = { meta: true, partitions: 3, expirySweepMs: 100 };
const PARTITIONS = [1, 2, 3];
/** With a drift of 5 %, by the leader's clock: a lease of 950 ms takes 1,050. */
const LEASE_MS = 950;
const LONG_MS = 600_000;

function hold(holder: string, timestamp: Timestamp, leaseMs = LONG_MS, requestId?: string): ClientCall {
  return call({ type: 'AcquireHold', holder, timestamp, leaseMs }, requestId);
}

const release = (holder: string, timestamp: Timestamp): ClientCall =>
  call({ type: 'ReleaseHold', hold: holdIdOf(holder, timestamp) });
const floor = call({ type: 'GetFloor' });

/** What a node has as the floor of each partition; undefined for none ever. */
function floorsOf(node: TestNode): readonly (Timestamp | undefined)[] {
  return PARTITIONS.map((group) => {
    const { retention } = groupOf(node.state, groupId(group)).partition;
    return retention?.type === 'Floor' ? retention.timestamp : undefined;
  });
}

const everywhere = (timestamp: Timestamp): readonly Timestamp[] => PARTITIONS.map(() => timestamp);

function startCluster(more: Partial<NodeOptions> = {}): TestCluster {
  return startReadyCluster(3, { ...OPTIONS, ...more });
}

/** Asks, and lets so much time pass. */
function ask(
  cluster: TestCluster,
  id: number,
  token: number,
  request: ClientCall,
  ms = 200,
  filter: (one: InFlight) => boolean = () => true,
) {
  cluster.ask(id, token, request);
  cluster.settle(filter);
  cluster.pass(ms, filter);
  return cluster.node(id).answers.get(token);
}

const notOfGroup =
  (group: number) =>
  ({ message }: InFlight): boolean =>
    !('group' in message && message.group === group);

describe('a hold', () => {
  it.each([1, 2, 3])('can be acquired at node %i; then every partition has its floor', (id) => {
    const cluster = startCluster();
    const answer = ask(cluster, id, 1, hold('a', stamp(500)));

    expect(answer).toMatchObject({ family: 'hold', code: HoldCode.set, hold: holdIdOf('a', stamp(500)) });
    for (const each of cluster.ids) expect(floorsOf(cluster.node(each))).toEqual(everywhere(stamp(500)));
    for (const each of cluster.ids) {
      expect(ask(cluster, each, 9, floor)).toMatchObject({ code: HoldCode.got, floor: stamp(500), live: 1 });
    }
  });

  it('is not told to be acquired before every partition has its floor, though it is asked for again', () => {
    const cluster = startCluster();
    const { id } = cluster.leader(0);
    const request = hold('a', stamp(500), LONG_MS, 'once');
    const early = ask(cluster, id, 1, request, 800, notOfGroup(2));
    const repeated = ask(cluster, id, 2, request, 800, notOfGroup(2));
    const leader = cluster.node(id);
    cluster.pass(3_000);

    expect([early, repeated]).toEqual([undefined, undefined]);
    expect(leader.answers.get(1)).toMatchObject({ code: HoldCode.set });
    expect(leader.answers.get(2)).toMatchObject({ code: HoldCode.set });
    expect(floorsOf(leader)).toEqual(everywhere(stamp(500)));
  });

  it('is to be acquired again where that takes too long, but is there', () => {
    const cluster = startCluster();
    const { id } = cluster.leader(0);
    const answer = ask(cluster, id, 1, hold('a', stamp(500)), 5_500, notOfGroup(2));

    expect(answer).toMatchObject({ family: 'hold', code: HoldCode.mustRetry });
    expect(ask(cluster, id, 2, floor)).toMatchObject({ floor: stamp(500), live: 1 });
    cluster.pass(3_000);
    expect(ask(cluster, id, 3, hold('a', stamp(500)))).toMatchObject({ code: HoldCode.set });
  });

  it('costs the partitions nothing when they keep as much already', () => {
    const cluster = startCluster();
    ask(cluster, 1, 1, hold('a', stamp(500)));
    const { id } = cluster.leader(0);
    const before = PARTITIONS.map((group) => cluster.node(id).group(group).applied);

    expect(ask(cluster, 2, 2, hold('b', stamp(600)))).toMatchObject({ code: HoldCode.set });
    ask(cluster, 2, 3, call({ type: 'RenewHold', hold: holdIdOf('a', stamp(500)), leaseMs: LONG_MS }));
    ask(cluster, 2, 4, release('b', stamp(600)), 2_000);

    expect(PARTITIONS.map((group) => cluster.node(id).group(group).applied)).toEqual(before);
    expect(floorsOf(cluster.node(id))).toEqual(everywhere(stamp(500)));
  });

  it('takes the floor down at once, and up when it has been gone for a while', () => {
    const cluster = startCluster();
    ask(cluster, 1, 1, hold('a', stamp(500)));
    ask(cluster, 1, 2, hold('b', stamp(300)));
    const lower = floorsOf(cluster.node(1));
    ask(cluster, 1, 3, release('b', stamp(300)));
    const stillLow = floorsOf(cluster.node(1));
    cluster.pass(2_000);
    const higher = floorsOf(cluster.node(1));
    ask(cluster, 1, 4, release('a', stamp(500)), 2_000);

    expect(lower).toEqual(everywhere(stamp(300)));
    expect(stillLow).toEqual(everywhere(stamp(300)));
    expect(higher).toEqual(everywhere(stamp(500)));
    expect(floorsOf(cluster.node(1))).toEqual(everywhere(ZERO_TIMESTAMP));
  });

  it('raises the floors when its lease is over, though nobody asks; then nothing ticks any more', () => {
    const cluster = startCluster();
    ask(cluster, 1, 1, hold('a', stamp(500), LEASE_MS));
    const held = floorsOf(cluster.node(1));
    cluster.pass(4_000);
    const leader = cluster.leader(0);
    const ended = commandsAfter(leader, 0, 0).flatMap(({ lapsed = [] }) => lapsed);

    expect(held).toEqual(everywhere(stamp(500)));
    expect(floorsOf(cluster.node(1))).toEqual(everywhere(ZERO_TIMESTAMP));
    expect(ended).toMatchObject([{ space: 'hold', name: holdIdOf('a', stamp(500)) }]);
    expect(leader.state.membership.choresAt).toBeUndefined();
    expect(leader.state.floors).toMatchObject({ lacking: 0, raiseAt: undefined });
    expect(groupOf(leader.state, groupId(0)).lead?.sweepAt).toBeUndefined();
  });

  it('is not counted by the floor once it is over, whether it was swept or not', () => {
    const node = startReadyNode({ ...OPTIONS, expirySweepMs: 0 });
    const asked = (token: number, request: ClientCall) => {
      node.turn({ type: 'RequestReceived', token, request });
      while (node.underWay.length > 0) node.complete();
      if (node.timerAt <= node.now) node.turn({ type: 'TimerFired' });
      while (node.underWay.length > 0) node.complete();
      return node.answers.get(token);
    };
    asked(1, hold('a', stamp(500), LEASE_MS));
    node.now += 1_050;
    const before = asked(2, floor);
    node.now += 1;
    const after = asked(3, floor);

    expect(before).toMatchObject({ floor: stamp(500), live: 1 });
    expect(after).toMatchObject({ floor: ZERO_TIMESTAMP, live: 0 });
    expect(asked(4, call({ type: 'RenewHold', hold: holdIdOf('a', stamp(500)), leaseMs: 1 }))).toMatchObject({
      code: HoldCode.doesNotExist,
    });
  });
});

describe('when the leader of the holds is gone', () => {
  const without =
    (gone: number) =>
    ({ from, to }: InFlight): boolean =>
      from !== gone && to !== gone;

  it('its successor goes on: it knows them, has the floors, and raises them', () => {
    const cluster = startCluster();
    ask(cluster, 1, 1, hold('a', stamp(500)));
    const gone = cluster.leader(0).id;
    const other = cluster.ids.find((id) => id !== gone) as number;
    cluster.pass(6_000, without(gone));

    expect(ask(cluster, other, 2, floor, 500, without(gone))).toMatchObject({ floor: stamp(500), live: 1 });
    expect(ask(cluster, other, 3, release('a', stamp(500)), 3_000, without(gone))).toMatchObject({
      code: HoldCode.released,
    });
    expect(floorsOf(cluster.node(other))).toEqual(everywhere(ZERO_TIMESTAMP));
  });

  it('its successor sends what the old one could not, and answers who still waits', () => {
    const cluster = startCluster();
    const gone = cluster.leader(0).id;
    const other = cluster.ids.find((id) => id !== gone) as number;
    // Nobody can take a floor: group 0 alone speaks.
    const onlyHolds = ({ message }: InFlight): boolean => !('group' in message) || message.group === 0;
    ask(cluster, other, 1, hold('a', stamp(500)), 300, onlyHolds);
    const early = cluster.node(other).answers.get(1);
    cluster.pass(4_000, without(gone));

    expect(early).toBeUndefined();
    expect(cluster.node(other).answers.get(1)).toMatchObject({ code: HoldCode.set });
    expect(floorsOf(cluster.node(other))).toEqual(everywhere(stamp(500)));
  });

  it('its successor raises the floor that the old one has left too low', () => {
    const cluster = startCluster();
    ask(cluster, 1, 1, hold('a', stamp(500)));
    const gone = cluster.leader(0).id;
    const other = cluster.ids.find((id) => id !== gone) as number;
    ask(cluster, other, 2, release('a', stamp(500)));
    const left = floorsOf(cluster.node(other));
    cluster.pass(6_000, without(gone));

    expect(left).toEqual(everywhere(stamp(500)));
    expect(floorsOf(cluster.node(other))).toEqual(everywhere(ZERO_TIMESTAMP));
  });

  it('those who waited for it here turn to the next one', () => {
    const cluster = startCluster();
    const { id } = cluster.leader(0);
    ask(cluster, id, 1, hold('a', stamp(500)), 300, notOfGroup(3));
    expect(cluster.node(id).state.keptAnswers).toHaveLength(1);
    cluster.pass(3_000, without(id));
    cluster.pass(1_500);

    expect(cluster.node(id).answers.get(1)).toMatchObject({ code: HoldCode.set });
    expect(cluster.node(id).state.keptAnswers ?? []).toEqual([]);
  });
});

describe('a restart', () => {
  it('loses neither holds nor floors', () => {
    const node = startReadyNode(OPTIONS);
    const wake = (one: TestNode): void => {
      for (let i = 0; i < 40; i += 1) {
        one.now += 100;
        if (one.timerAt <= one.now) one.turn({ type: 'TimerFired' });
        while (one.underWay.length > 0) one.complete();
      }
    };
    node.turn({ type: 'RequestReceived', token: 1, request: hold('a', stamp(500)) });
    wake(node);
    const again = restartNode(node);
    wake(again);
    again.turn({ type: 'RequestReceived', token: 2, request: floor });
    wake(again);

    expect(node.answers.get(1)).toMatchObject({ code: HoldCode.set });
    expect(floorsOf(again)).toEqual(everywhere(stamp(500)));
    expect(again.answers.get(2)).toMatchObject({ floor: stamp(500), live: 1 });
  });
});

describe('reads of the past', () => {
  it('are answered as long as it is held, and not for long after where the past is bounded', () => {
    const cluster = startCluster({ persistentRevisionRetentionCount: 1, persistentRevisionCleanupMs: 500 });
    ask(cluster, 1, 1, set('k', 'first'));
    const then = (cluster.node(1).answers.get(1) as { lastModified: Timestamp }).lastModified;
    ask(cluster, 1, 2, hold('a', then));
    for (let i = 0; i < 40; i += 1) ask(cluster, 1, 10 + i, set('k', `value ${i}`), 10);
    cluster.pass(2_000);
    const read = call({ ...get('k').operation, at: then } as ClientCall['operation']);
    const held = ask(cluster, 2, 3, read);
    ask(cluster, 1, 4, release('a', then), 4_000);

    expect(held).toMatchObject({ code: KeyValueCode.got, revision: 0 });
    expect(ask(cluster, 2, 6, read)).toMatchObject({ code: KeyValueCode.errored });
  });
});
