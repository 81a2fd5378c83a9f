import { describe, expect, it } from 'vitest';
import { nodeId, type GroupId } from '../../../core/machine/units.js';
import type {
  AdminAnswer,
  AdminCommand,
  ChangeMembers,
  NewMember,
} from '../../../core/node/admin-protocol.js';
import { KeyValueCode } from '../../../core/partition/command.js';
import { radixForEach, radixGet } from '../../../core/collections/radix-array.js';
import type { Configuration } from '../../../core/raft/configuration.js';
import { ephemeral } from './operations.js';
import {
  effectsOf,
  get,
  set,
  startCluster,
  startNode,
  textOf,
  type TestCluster,
  type TestNode,
} from './support.js';

const TIMES = { meta: true, placementIntervalMs: 200, placementSettleMs: 600, partitions: 2 };

/** A cluster of so many founders whose leaders are elected, and nodes that may join it. */
function startGrowing(founders: number, joiners: readonly number[] = [], options = {}): TestCluster {
  const cluster = startCluster(founders, { ...TIMES, ...options }, joiners);
  cluster.pass(3000);
  return cluster;
}

let tokens = 1_000;

type Filter = Parameters<TestCluster['settle']>[0];

function ask(
  cluster: TestCluster,
  at: number,
  command: AdminCommand,
  filter?: Filter,
  passMs = 6000,
): AdminAnswer {
  tokens += 1;
  const token = tokens;
  cluster.ask(at, token, { admin: command });
  for (let passed = 0; passed < passMs; passed += 50) {
    cluster.settle(filter);
    const answer = cluster.node(at).told.get(token);
    if (answer !== undefined) return answer;
    cluster.pass(50, filter);
  }
  throw new Error(`node ${at} never answered`);
}

function change(parts: Partial<Omit<ChangeMembers, 'type'>>): ChangeMembers {
  return { type: 'ChangeMembers', add: [], promote: [], remove: [], priorities: [], ...parts };
}

function newMember(node: number, role: NewMember['role'] = 'voter'): NewMember {
  return { node: nodeId(node), address: `host-${node}:1`, role };
}

function add(node: number, role: NewMember['role'] = 'voter'): ChangeMembers {
  return change({ add: [newMember(node, role)] });
}

function remove(...nodes: readonly number[]): ChangeMembers {
  return change({ remove: nodes.map(nodeId) });
}

/** Every group's configuration as its leader has it. */
function configurations(cluster: TestCluster): readonly Configuration[] {
  const found = new Map<number, Configuration>();
  for (const id of cluster.ids) {
    radixForEach(cluster.node(id).state.groups, ({ raft }) => {
      if (raft.role === 'leader') found.set(raft.group, raft.config);
    });
  }
  return [...found.values()];
}

function simple(voters: readonly number[], learners: readonly number[] = []): Configuration {
  return {
    voters: voters.map(nodeId),
    outgoing: [],
    learners: learners.map(nodeId),
    learnersNext: [],
  };
}

function led(cluster: TestCluster, id: number): number {
  let count = 0;
  radixForEach(cluster.node(id).state.groups, ({ raft }) => {
    if (raft.role === 'leader') count += 1;
  });
  return count;
}

function metaLeader(cluster: TestCluster): number {
  return cluster.leader(0).id;
}

function otherThan(cluster: TestCluster, ...ids: readonly number[]): number {
  return cluster.ids.find((id) => !ids.includes(id)) as number;
}

describe('members', () => {
  it('are those with whom the cluster began, as long as nobody changed them', () => {
    const cluster = startGrowing(3);

    const { report } = ask(cluster, 2, { type: 'ListMembers' });

    expect(report?.roster.version).toBe(0);
    expect(report?.members.map(({ node, role, alive, lag }) => ({ node, role, alive, lag }))).toEqual(
      [1, 2, 3].map((node) => ({ node, role: 'voter', alive: true, lag: 0 })),
    );
    expect(report).toMatchObject({ groups: 3, leaderless: [], unsettled: [] });
  });

  it('that join are learners first, and vote in every group once they are caught up', () => {
    const cluster = startGrowing(3, [4]);
    cluster.ask(1, 1, set('k', 'v'));
    cluster.settle();

    const answer = ask(cluster, otherThan(cluster, metaLeader(cluster), 4), add(4));
    cluster.pass(3000);
    const steps = cluster.leader(1).state.groups;

    expect(answer).toMatchObject({ outcome: 'Done', version: 1, reason: 'node 4 joins' });
    expect(radixGet(steps, 1)?.raft.configs.map(({ config }) => config)).toEqual([
      simple([1, 2, 3]),
      simple([1, 2, 3], [4]),
      simple([1, 2, 3, 4]),
    ]);
    expect(configurations(cluster)).toEqual([1, 2, 3].map(() => simple([1, 2, 3, 4])));
    cluster.ask(4, 2, get('k'));
    cluster.pass(500);
    expect(textOf(cluster.node(4).answers.get(2))).toBe('v');
  });

  it('that join as learners stay so until they are promoted', () => {
    const cluster = startGrowing(3, [4]);

    ask(cluster, 1, add(4, 'learner'));
    cluster.pass(3000);
    const before = configurations(cluster);
    const promoted = ask(cluster, 1, change({ promote: [nodeId(4)] }));
    cluster.pass(3000);

    expect(before).toEqual([1, 2, 3].map(() => simple([1, 2, 3], [4])));
    expect(promoted.outcome).toBe('Done');
    expect(configurations(cluster)).toEqual([1, 2, 3].map(() => simple([1, 2, 3, 4])));
  });

  it('that go hand over first, and take no more requests', () => {
    const cluster = startGrowing(3);
    const leaving = metaLeader(cluster);

    const answer = ask(cluster, leaving, remove(leaving));
    cluster.pass(4000);
    cluster.ask(leaving, 1, get('k'));
    cluster.settle();

    expect(answer.outcome).toBe('Done');
    expect(led(cluster, leaving)).toBe(0);
    const rest = [1, 2, 3].filter((id) => id !== leaving);
    expect(configurations(cluster)).toEqual([1, 2, 3].map(() => simple(rest)));
    expect(cluster.node(leaving).answers.get(1)).toMatchObject({
      code: KeyValueCode.mustRetry,
      reason: expect.stringContaining(
        `node ${leaving} is no member of the cluster (roster version 1)`,
      ) as string,
    });
  });

  it('are replaced in one step, the old one voting until the new one is caught up', () => {
    const cluster = startGrowing(3, [4]);
    const dead = otherThan(cluster, metaLeader(cluster), 4);
    const alive = ({ from, to }: { from: number; to: number }): boolean => from !== dead && to !== dead;
    cluster.pass(3000, alive);

    cluster.ask(metaLeader(cluster), 1, { admin: change({ add: [newMember(4)], remove: [nodeId(dead)] }) });
    const seen: Configuration[] = [];
    for (let i = 0; i < 80; i += 1) {
      cluster.pass(50, alive);
      seen.push(...configurations(cluster));
    }

    const rest = [1, 2, 3].filter((id) => id !== dead);
    expect(seen).not.toContainEqual(simple(rest));
    expect(configurations(cluster).slice(0, 3)).toContainEqual(simple([...rest, 4]));
    const leader = cluster.node(metaLeader(cluster));
    expect(leader.told.get(1)).toMatchObject({ outcome: 'Done' });
  });

  it('are all replaced in one step, and what was written is there', () => {
    const cluster = startGrowing(3, [4, 5, 6]);
    cluster.ask(1, 1, set('k', 'v'));
    cluster.settle();

    const joining = [4, 5, 6].map((node) => newMember(node));
    const answer = ask(cluster, 1, change({ add: joining, remove: [1, 2, 3].map(nodeId) }));
    cluster.pass(6000);
    cluster.ask(5, 2, get('k'));
    cluster.pass(500);

    expect(answer).toMatchObject({
      outcome: 'Done',
      reason: 'nodes 4, 5 and 6 join and nodes 1, 2 and 3 leave',
    });
    expect(configurations(cluster)).toEqual([1, 2, 3].map(() => simple([4, 5, 6])));
    expect(textOf(cluster.node(5).answers.get(2))).toBe('v');
  });

  it('grow from three to five in one step, and shrink back', () => {
    const cluster = startGrowing(3, [4, 5]);

    ask(cluster, 1, change({ add: [newMember(4), newMember(5)] }));
    cluster.pass(4000);
    const grown = configurations(cluster);
    ask(cluster, 1, remove(1, 2));
    cluster.pass(5000);

    expect(grown).toEqual([1, 2, 3].map(() => simple([1, 2, 3, 4, 5])));
    expect(configurations(cluster)).toEqual([1, 2, 3].map(() => simple([3, 4, 5])));
  });

  it('are known to a node that starts anew, and that was away while they changed', () => {
    const cluster = startGrowing(3, [4]);
    const away = otherThan(cluster, metaLeader(cluster), 4);
    const others = ({ from, to }: { from: number; to: number }): boolean => from !== away && to !== away;

    cluster.ask(metaLeader(cluster), 1, { admin: add(4) });
    cluster.pass(4000, others);
    cluster.network = [];
    cluster.restart(away);
    cluster.pass(3000);

    expect(cluster.node(away).state.membership.roster?.version).toBe(1);
  });

  it('that were removed while they were away are told when they come back, and disturb nobody', () => {
    const cluster = startGrowing(3);
    const away = otherThan(cluster, metaLeader(cluster));
    const others = ({ from, to }: { from: number; to: number }): boolean => from !== away && to !== away;
    cluster.ask(metaLeader(cluster), 1, { admin: remove(away) });
    cluster.pass(4000, others);
    cluster.network = [];
    const terms = cluster.ids.map((id) => cluster.node(id).group(1).term);

    cluster.restart(away);
    cluster.pass(5000);

    expect(cluster.node(away).state.membership.roster?.version).toBe(1);
    const staying = cluster.ids.filter((id) => id !== away);
    expect(staying.map((id) => cluster.node(id).group(1).term)).toEqual(
      terms.filter((_, i) => i + 1 !== away),
    );
  });
});

/** To whom a node that was started again, and that nobody speaks to, turns for news of the members. */
function askedForNews(id: number, stored: TestNode['stored']): readonly number[] {
  const node = startNode({ id, voters: [], stored, options: TIMES });
  const asked = new Set<number>();
  for (let passed = 0; passed < 3_000; passed += 50) {
    node.now += 50;
    if (node.now < node.timerAt) continue;
    for (const { to, messages } of effectsOf(node.turn({ type: 'TimerFired' }), 'Send')) {
      if (messages.some(({ type }) => type === 'RosterAsk')) asked.add(to);
    }
  }
  return [...asked].sort();
}

describe('a node that was no founder, was left out, and is started again before it knows that this is agreed', () => {
  it('asks those whom its log names', () => {
    const cluster = startGrowing(3, [4]);
    ask(cluster, metaLeader(cluster), add(4));
    cluster.pass(3000);
    ask(cluster, otherThan(cluster, 4), remove(4));
    cluster.pass(3000);

    expect(askedForNews(4, cluster.node(4).stored)).toEqual([1, 2, 3]);
  });

  it('asks those with whom it is in a group, if it has nothing of group 0', () => {
    const cluster = startGrowing(3, [4]);
    ask(cluster, metaLeader(cluster), add(4));
    cluster.pass(3000);
    const others = cluster.node(4).stored.filter(({ key }) => !key.includes('00000000/'));

    expect(askedForNews(4, others)).toEqual([1, 2, 3]);
  });
});

describe('a change of members is refused', () => {
  function refusal(answer: AdminAnswer): string {
    return `${answer.outcome} ${answer.refusal ?? ''}: ${answer.reason}`;
  }

  it('when the members are fixed', () => {
    const cluster = startGrowing(3, [], { meta: false });

    expect(refusal(ask(cluster, 1, add(4)))).toMatch(/^Refused FixedMembership: the members .* are fixed/);
  });

  it('when it asks for nothing', () => {
    const cluster = startGrowing(3);

    expect(refusal(ask(cluster, 1, change({})))).toMatch(/^Refused InvalidInput: nothing is asked for/);
  });

  it('when it names a node twice', () => {
    const cluster = startGrowing(3);

    const answer = ask(cluster, 1, change({ add: [newMember(4)], remove: [nodeId(4)] }));

    expect(refusal(answer)).toMatch(/^Refused InvalidInput: node 4 is named twice/);
  });

  it('when it promotes a stranger', () => {
    const cluster = startGrowing(3);

    expect(refusal(ask(cluster, 1, change({ promote: [nodeId(9)] })))).toBe(
      'Refused UnknownNode: node 9 is no member; the members are nodes 1, 2 and 3',
    );
  });

  it('when it adds a node that is there under another address', () => {
    const cluster = startGrowing(3, [4]);
    ask(cluster, 1, add(4));
    cluster.pass(3000);

    const answer = ask(
      cluster,
      1,
      change({ add: [{ node: nodeId(4), address: 'elsewhere:1', role: 'voter' }] }),
    );

    expect(refusal(answer)).toMatch(/^Refused AlreadyMember: node 4 is a member already, at host-4:1/);
  });

  it('when it adds a node under the address of another', () => {
    const cluster = startGrowing(3, [4]);
    ask(cluster, 1, add(4));
    cluster.pass(3000);

    const answer = ask(
      cluster,
      1,
      change({ add: [{ node: nodeId(5), address: 'host-4:1', role: 'voter' }] }),
    );

    expect(refusal(answer)).toBe('Refused AddressTaken: host-4:1 is the address of node 4');
  });

  it('when no voter would be left', () => {
    const cluster = startGrowing(3);

    expect(refusal(ask(cluster, 1, remove(1, 2, 3)))).toMatch(
      /^Refused LastVoter: removing nodes 1, 2 and 3 would leave no voter/,
    );
  });

  it('when it would lose quorum, with who does not answer and for how long', () => {
    const cluster = startGrowing(3);
    const leader = metaLeader(cluster);
    const [dead, leaving] = [1, 2, 3].filter((id) => id !== leader) as [number, number];
    const alive = ({ from, to }: { from: number; to: number }): boolean => from !== dead && to !== dead;
    cluster.pass(4000, alive);

    cluster.ask(metaLeader(cluster), 7, { admin: remove(leaving) });
    const asked = metaLeader(cluster);
    cluster.pass(3000, alive);

    const remaining = [1, 2, 3].filter((id) => id !== leaving);
    expect(refusal(cluster.node(asked).told.get(7) as AdminAnswer)).toMatch(
      new RegExp(
        `^Refused WouldLoseQuorum: removing node ${leaving} would lose quorum: of the voters that would remain, ` +
          `${remaining.join(' and ')}, node ${dead} has not answered for \\d+ s`,
      ),
    );
  });

  it('when another is in progress, with the group that it waits for', () => {
    const cluster = startGrowing(3, [4, 5]);
    const withoutFive = ({ from, to }: { from: number; to: number }): boolean => from !== 5 && to !== 5;
    ask(cluster, 1, add(5), withoutFive);
    cluster.pass(1000, withoutFive);

    const told = ask(cluster, 1, add(4), withoutFive);

    expect(refusal(told)).toBe(
      'Refused ChangeInProgress: a change is in progress: group 0 is not yet where the roster wants it ' +
        '(voters 1, 2 and 3, learners 5, and 2 more). Wait for it, or remove the node that it waits for',
    );
  });

  it('but not when it takes away the node that the one in progress waits for', () => {
    const cluster = startGrowing(3, [4, 5]);
    const withoutFive = ({ from, to }: { from: number; to: number }): boolean => from !== 5 && to !== 5;
    ask(cluster, 1, add(5), withoutFive);
    cluster.pass(1000, withoutFive);

    const told = ask(cluster, 1, change({ add: [newMember(4)], remove: [nodeId(5)] }), withoutFive);
    cluster.pass(3000, withoutFive);

    expect(told.outcome).toBe('Done');
    expect(configurations(cluster)).toEqual([1, 2, 3].map(() => simple([1, 2, 3, 4])));
  });

  it('when a learner is not caught up, with how far it is behind and where', () => {
    const cluster = startGrowing(3, [4], { maxPromotionLag: 2 });
    ask(cluster, 1, add(4, 'learner'));
    cluster.pass(3000);
    const withoutFour = ({ from, to }: { from: number; to: number }): boolean => from !== 4 && to !== 4;
    const leader = cluster.leader(1).id;
    for (let i = 0; i < 20; i += 1) cluster.ask(leader, i, set('key-in-some-group', `${i}`));
    cluster.pass(300, withoutFour);

    const asked = metaLeader(cluster);
    cluster.ask(asked, 7_777, { admin: change({ promote: [nodeId(4)] }) });
    cluster.pass(3000, withoutFour);

    expect(refusal(cluster.node(asked).told.get(7_777) as AdminAnswer)).toMatch(
      /^Refused NotCaughtUp: node 4 is not caught up: it is 20 entries behind in group \d, and 2 are the most/,
    );
  });

  it('for want of an answer, when nobody leads', () => {
    const cluster = startGrowing(3);
    const alone = ({ from, to }: { from: number; to: number }): boolean => from === to;
    cluster.pass(3000, alone);

    cluster.ask(1, 7, { admin: remove(2) });
    cluster.pass(6000, alone);

    expect(cluster.node(1).told.get(7)).toMatchObject({
      outcome: 'Unavailable',
      reason: 'no leader answered within 5000 ms; nothing was done: try again',
    });
  });
});

describe('a wish that is fulfilled already', () => {
  it('is a success that changes nothing', () => {
    const cluster = startGrowing(3, [4]);
    ask(cluster, 1, add(4));
    cluster.pass(3000);

    const again = ask(cluster, 2, add(4));

    expect(again).toMatchObject({ outcome: 'Unchanged', version: 1 });
  });

  it('may be to remove a node that is gone', () => {
    const cluster = startGrowing(3);
    ask(cluster, 1, remove(3));
    cluster.pass(3000);

    expect(ask(cluster, 1, remove(3))).toMatchObject({ outcome: 'Unchanged', version: 1 });
  });
});

describe('leadership', () => {
  it('is transferred at any node’s request', () => {
    const cluster = startGrowing(3, [], { placementIntervalMs: 0 });
    const leader = cluster.leader(1).id;
    const target = otherThan(cluster, leader);

    const answer = ask(cluster, target, {
      type: 'TransferLeadership',
      group: 1 as GroupId,
      target: nodeId(target),
    });

    expect(answer).toMatchObject({ outcome: 'Done', reason: `node ${target} leads group 1` });
    expect(cluster.leader(1).id).toBe(target);
  });

  it('is not transferred to a node without a vote, nor of a group that there is not', () => {
    const cluster = startGrowing(3);

    const stranger = ask(cluster, 1, { type: 'TransferLeadership', group: 1 as GroupId, target: nodeId(9) });
    const nowhere = ask(cluster, 1, { type: 'TransferLeadership', group: 7 as GroupId, target: nodeId(1) });

    expect(stranger).toMatchObject({
      refusal: 'NotAVoter',
      reason: 'node 9 has no vote in group 1; nodes 1, 2 and 3 have',
    });
    expect(nowhere).toMatchObject({
      refusal: 'UnknownGroup',
      reason: 'there is no group 7; there are 0 to 2',
    });
  });

  it('is spread evenly, as the groups settle', () => {
    const cluster = startGrowing(3, [], { partitions: 8 });

    cluster.pass(5000);

    expect([1, 2, 3].map((id) => led(cluster, id))).toEqual([3, 3, 3]);
  });

  it('stays where something would be lost with it, but for those who rank higher', () => {
    const cluster = startGrowing(3, [], { partitions: 8, placementSettleMs: 6000 });
    const leaders = (): readonly number[] =>
      Array.from({ length: 8 }, (_, index) => cluster.leader(index + 1).id);
    const leader = cluster.leader(1).id;
    for (let i = 0; i < 60; i += 1) cluster.ask(leader, 500 + i, ephemeral(set(`e${i}`, 'kept')));
    const before = leaders();
    cluster.pass(9000);
    const after = leaders();
    const other = otherThan(cluster, leader);
    ask(cluster, leader, change({ priorities: [{ node: nodeId(other), priority: 5 }] }));
    cluster.pass(9000);

    expect(after).toEqual(before);
    // Five of eight are more than a fair share.
    expect(before.filter((id) => id === leader).length).toBeGreaterThan(3);
    expect(leaders()).toEqual(before.map(() => other));
  });

  it('goes to those with the highest priority, and to one with none only when nobody else can', () => {
    const cluster = startGrowing(3, [], { partitions: 5 });
    const priorities = [
      { node: nodeId(1), priority: 5 },
      { node: nodeId(3), priority: 0 },
    ];

    ask(cluster, 1, change({ priorities }));
    cluster.pass(4000);
    const all = led(cluster, 1);
    const withoutOne = ({ from, to }: { from: number; to: number }): boolean => from !== 1 && to !== 1;
    cluster.pass(8000, withoutOne);

    expect(all).toBe(6);
    expect(led(cluster, 2)).toBe(6);
  });

  it('is handed over by a node that is to stop, and stays with the others', () => {
    const cluster = startGrowing(3, [], { partitions: 5, placementIntervalMs: 0 });
    const leaving = cluster.leader(1).id;

    const answer = ask(cluster, leaving, { type: 'HandOver' });
    cluster.pass(3000);

    expect(answer).toMatchObject({ outcome: 'Done', reason: 'this node leads nothing' });
    expect(led(cluster, leaving)).toBe(0);
  });

  it('is not given back to a node that hands it over, though it should lead, until it is silent about that', () => {
    const cluster = startGrowing(3, [], { partitions: 5, quiesceAfterMs: 0 });
    ask(cluster, 1, change({ priorities: [{ node: nodeId(1), priority: 5 }] }));
    cluster.pass(4000);
    const all = led(cluster, 1);

    const answer = ask(cluster, 1, { type: 'HandOver' });
    const known = [2, 3].map((id) => cluster.node(id).state.membership.leaving.map(({ node }) => node));
    const seen: number[] = [];
    // Four election timeouts, less the one in which the last of its groups was handed over.
    for (let passed = 0; passed < 3000; passed += 50) {
      cluster.pass(50);
      seen.push(led(cluster, 1));
    }
    // It was started anew, without the wish to stop.
    cluster.restart(1);
    cluster.pass(8000);

    expect(all).toBe(6);
    expect(answer).toMatchObject({ outcome: 'Done', reason: 'this node leads nothing' });
    expect(known).toEqual([[1], [1]]);
    expect(Math.max(...seen)).toBe(0);
    expect(led(cluster, 1)).toBe(6);
  });

  it('goes to the only node that shall have it, although those who hand over must first give it its vote', () => {
    const cluster = startGrowing(3, [4]);
    const without4 = ({ from, to }: { from: number; to: number }): boolean => from !== 4 && to !== 4;

    const replaced = change({ add: [newMember(4)], remove: [1, 2, 3].map(nodeId) });
    const answer = ask(cluster, 1, replaced, without4);
    cluster.pass(500, without4);
    for (const id of [1, 2, 3]) cluster.ask(id, 1, { admin: { type: 'HandOver' } });
    const before = configurations(cluster);
    cluster.pass(6000);

    expect(answer).toMatchObject({ outcome: 'Done' });
    expect(before).toEqual([1, 2, 3].map(() => simple([1, 2, 3], [4])));
    expect(configurations(cluster)).toEqual([1, 2, 3].map(() => simple([4])));
    expect(led(cluster, 4)).toBe(3);
  });

  it('is all that a node gives away where the members are fixed, whatever voters it was started with later', () => {
    const options = { meta: false, snapshotEveryEntries: 1, keepEntries: 0 };
    const alone = startNode({ options });
    for (let passed = 0; passed < 3000; passed += 50) {
      alone.now += 50;
      alone.turn({ type: 'TimerFired' });
      alone.complete();
    }
    alone.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v') });
    alone.complete();

    const later = startNode({ options, stored: alone.stored, voters: [1, 2], now: alone.now });
    for (let passed = 0; passed < 3000; passed += 50) {
      if (passed === 2000) {
        later.turn({ type: 'RequestReceived', token: 1, request: { admin: { type: 'HandOver' } } });
      }
      later.now += 50;
      later.turn({ type: 'TimerFired' });
      later.complete();
    }

    expect(later.state.membership.draining).toBe(true);
    expect(later.group().role).toBe('leader');
    expect(radixGet(later.state.groups, 1)?.raft.config).toEqual(simple([1]));
  });

  it('cannot be handed over by a node that is alone, which says so at once', () => {
    const cluster = startGrowing(1);

    expect(ask(cluster, 1, { type: 'HandOver' })).toMatchObject({ outcome: 'Done' });
  });
});
