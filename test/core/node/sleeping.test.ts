import { describe, expect, it } from 'vitest';
import type { NodeMessage } from '../../../core/node/protocol.js';
import type { NodeEffect } from '../../../core/node/node.js';
import { KeyValueCode } from '../../../core/partition/command.js';
import { partitionOfKey } from '../../../core/placement/partition-of-key.js';
import { setFor } from './operations.js';
import { effectsOf, get, set, startReadyCluster, type InFlight, type TestCluster } from './support.js';

const GROUPS = 20;
const OPTIONS = { partitions: GROUPS, quiesceAfterMs: 500 };
/** Every group sleeps after this. */
const REST_MS = 1_500;

function groupsOf(cluster: TestCluster, id: number) {
  return Array.from({ length: GROUPS }, (_, i) => cluster.node(id).group(i + 1));
}

function awakeIn(cluster: TestCluster): number {
  return cluster.ids.flatMap((id) => groupsOf(cluster, id)).filter(({ asleep }) => !asleep).length;
}

function startSleeping(): TestCluster {
  const cluster = startReadyCluster(3, OPTIONS);
  cluster.pass(REST_MS);
  return cluster;
}

/** A network in which this node is not. */
function without(dead: number): (one: InFlight) => boolean {
  return ({ from, to }) => from !== dead && to !== dead;
}

function said(effects: readonly NodeEffect[]): readonly NodeMessage[] {
  return effectsOf(effects, 'Send').flatMap(({ messages }) => messages);
}

describe('heartbeats of many groups', () => {
  it('travel in one message to each of the other nodes, and so do the answers', () => {
    const cluster = startReadyCluster(3, { partitions: GROUPS, quiesceAfterMs: 0 });
    const frames: NodeMessage[] = [];

    cluster.pass(1_000, ({ message }) => {
      frames.push(message);
      return true;
    });

    // Ten intervals, three nodes, each with two others: sixty messages for all the groups, and sixty answers.
    expect(frames.filter(({ type }) => type === 'Heartbeats').length).toBeLessThanOrEqual(60);
    expect(frames.filter(({ type }) => type === 'HeartbeatAnswers').length).toBeLessThanOrEqual(60);
    expect(frames.every(({ type }) => type === 'Heartbeats' || type === 'HeartbeatAnswers')).toBe(true);
  });

  it('prove nothing for a group that is not named in them', () => {
    const cluster = startReadyCluster(3, { partitions: GROUPS, quiesceAfterMs: 0 });
    const leader = cluster.leader(1).id;
    const follower = cluster.ids.find((id) => id !== leader) ?? 0;
    const before = cluster.node(follower).state;

    const silent = cluster.node(follower);
    silent.now += 50;
    cluster.turn(follower, {
      type: 'MessageReceived',
      from: leader as never,
      message: { type: 'Heartbeats', items: [], beat: undefined },
    });

    expect(silent.state.groups).toBe(before.groups);
  });
});

describe('groups of which nothing is asked', () => {
  it('all sleep, with one small message a node pair and interval and no timer of their own', () => {
    const cluster = startSleeping();
    const frames: NodeMessage[] = [];

    cluster.pass(1_000, ({ message }) => {
      frames.push(message);
      return true;
    });

    expect(awakeIn(cluster)).toBe(0);
    expect(frames.length).toBeLessThanOrEqual(120);
    for (const frame of frames) {
      if (frame.type !== 'Heartbeats' && frame.type !== 'HeartbeatAnswers') throw new Error(frame.type);
      expect(frame.items).toEqual([]);
    }
    for (const id of cluster.ids) expect(cluster.node(id).state.groupAlarms).toBeUndefined();
  });

  it('never sleep when they are told not to', () => {
    const cluster = startReadyCluster(3, { ...OPTIONS, quiesceAfterMs: 0 });

    cluster.pass(REST_MS);

    expect(awakeIn(cluster)).toBe(3 * GROUPS);
  });

  it('wake for a write and for a read, alone, and sleep again', () => {
    const cluster = startSleeping();
    const [first = 0] = cluster.ids;

    cluster.ask(first, 1, set('k', 'v'));
    cluster.settle();
    cluster.ask(first, 2, get('k'));
    cluster.settle();
    const awake = awakeIn(cluster);
    cluster.pass(REST_MS);

    expect(cluster.node(first).answers.get(1)?.code).toBe(KeyValueCode.set);
    expect(cluster.node(first).answers.get(2)?.code).toBe(KeyValueCode.got);
    expect(awake).toBe(3);
    expect(awakeIn(cluster)).toBe(0);
  });

  it('have new leaders soon after the node of their leader is gone, and sleep on without it', () => {
    const cluster = startSleeping();
    const dead = cluster.leader(1).id;
    const rest = cluster.ids.filter((id) => id !== dead);

    cluster.pass(5_000, without(dead));

    for (let group = 1; group <= GROUPS; group += 1) {
      const leaders = rest.filter((id) => cluster.node(id).group(group).role === 'leader');
      expect(leaders).toHaveLength(1);
      expect(rest.every((id) => cluster.node(id).group(group).leader === leaders[0])).toBe(true);
    }
    expect(rest.flatMap((id) => groupsOf(cluster, id)).every(({ asleep }) => asleep)).toBe(true);
  });

  it('that their node still leads are not woken by the loss of a follower', () => {
    const cluster = startSleeping();
    const dead = cluster.leader(1).id;
    const own = (id: number) => groupsOf(cluster, id).filter(({ role }) => role === 'leader');
    const survivor = cluster.ids.find((id) => id !== dead && own(id).length > 0) ?? 0;
    const before = own(survivor).map(({ group }) => group);

    cluster.pass(1_050, without(dead));

    const after = groupsOf(cluster, survivor).filter(({ group }) => before.includes(group));
    expect(after.every(({ asleep, role }) => asleep && role === 'leader')).toBe(true);
  });

  it('lose their leader when it hears from nobody any more', () => {
    const cluster = startSleeping();
    const alone = cluster.leader(1).id;

    cluster.pass(3_500, without(alone));

    expect(groupsOf(cluster, alone).some(({ role }) => role === 'leader')).toBe(false);
  });

  it('take a returning node in again without another election', () => {
    const cluster = startSleeping();
    const away = cluster.leader(1).id;
    cluster.pass(5_000, without(away));
    cluster.ask(cluster.ids.find((id) => id !== away) ?? 0, 1, set('k', 'v'));
    cluster.pass(REST_MS, without(away));
    const terms = groupsOf(cluster, cluster.leader(1).id).map(({ term }) => term);

    cluster.pass(6_000);

    expect(awakeIn(cluster)).toBe(0);
    for (const id of cluster.ids) {
      expect(groupsOf(cluster, id).map(({ term }) => term)).toEqual(terms);
      expect(groupsOf(cluster, id).map(({ digest }) => digest)).toEqual(
        groupsOf(cluster, 1).map(({ digest }) => digest),
      );
    }
  });

  it('are not all woken by a restart: those of the others are named, and sleep on there', () => {
    const cluster = startSleeping();
    const restarted =
      cluster.ids.find((id) => groupsOf(cluster, id).some(({ role }) => role === 'follower')) ?? 0;

    cluster.restart(restarted);
    cluster.pass(6_000);

    expect(awakeIn(cluster)).toBe(0);
    for (let group = 1; group <= GROUPS; group += 1) {
      const leader = cluster.leader(group).id;
      expect(cluster.ids.every((id) => cluster.node(id).group(group).leader === leader)).toBe(true);
    }
  });

  it('are named one by one when two nodes do not agree, and only those that differ wake', () => {
    const cluster = startSleeping();
    const leader = cluster.leader(1).id;
    const follower = cluster.ids.find((id) => id !== leader) ?? 0;
    const third = cluster.ids.find((id) => id !== leader && id !== follower) ?? 0;
    const { term, lastIndex } = cluster.node(follower).group(1);
    // A candidate that is behind wakes the follower; what that tells its leader is lost.
    const told = cluster.turn(follower, {
      type: 'MessageReceived',
      from: third as never,
      message: {
        type: 'Group',
        group: 1 as never,
        message: { type: 'PreVoteRequest', term: (term + 1) as never, lastIndex, lastTerm: term },
      },
    });
    cluster.network = [];
    const woken = cluster.node(follower).group(1).asleep;

    cluster.pass(400);

    expect(said(told)).toContainEqual(expect.objectContaining({ type: 'HeartbeatAnswers' }));
    expect(woken).toBe(false);
    expect(awakeIn(cluster)).toBe(0);
  });
});

describe('a leader that has slept through the loss of its majority', () => {
  it('finds out before it says that something is over, though old answers come in the same turn', () => {
    const cluster = startReadyCluster(3, { ...OPTIONS, partitions: 1, expirySweepMs: 100 });
    cluster.ask(cluster.leader().id, 1, setFor(2_000, 'k'));
    cluster.pass(REST_MS);
    const leader = cluster.leader();
    const { asleep, lastIndex } = leader.group(1);
    // It stands still while the answers to its last beat arrive.
    const answers: InFlight[] = [];
    cluster.pass(150, (one) => {
      if (one.to === leader.id) answers.push(one);
      return one.to !== leader.id;
    });
    leader.now += 1_200;

    cluster.turn(
      leader.id,
      { type: 'TimerFired' },
      ...answers.map(({ from, message }) => ({
        type: 'MessageReceived' as const,
        from: from as never,
        message,
      })),
    );

    expect(asleep).toBe(true);
    expect(answers.map(({ message }) => message.type)).toContain('HeartbeatAnswers');
    expect(leader.group(1)).toMatchObject({ role: 'follower', lastIndex });
  });

  it('finds out when a read wakes it: the read is turned back, and nothing of it is left', () => {
    const cluster = startSleeping();
    const leader = cluster.leader(1);
    const key = Array.from({ length: 1_000 }, (_, i) => `k${i}`).find(
      (one) => partitionOfKey(one, GROUPS) === 1,
    );
    leader.now += 10_000;

    cluster.ask(leader.id, 1, get(key ?? ''));

    expect(leader.group(1)).toMatchObject({ role: 'follower' });
    expect(leader.state.openReads).toBe(0);
  });
});
