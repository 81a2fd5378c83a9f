import { describe, expect, it } from 'vitest';
import { monotonicMs, nodeId, term, writeNumber } from '../../../core/machine/units.js';
import type { NodeEvent } from '../../../core/node/node.js';
import type { NodeMessage, SpokenMessage } from '../../../core/node/protocol.js';
import { KeyValueCode } from '../../../core/partition/command.js';
import { groupOfOperation } from '../../../core/partition/operation.js';
import { partitionOfKey } from '../../../core/placement/partition-of-key.js';
import {
  effectsOf,
  get,
  remove,
  restartNode,
  revisionOf,
  set,
  startCluster,
  startNode,
  startReadyCluster,
  startReadyNode,
  textOf,
  type InFlight,
  type TestCluster,
} from './support.js';

type GroupMessageType = SpokenMessage['type'];

function isGroupMessage(message: NodeMessage, type: GroupMessageType): boolean {
  return message.type === 'Group' && message.message.type === type;
}

/** A node of the cluster that does not lead. */
function followerOf(cluster: TestCluster, group = 1) {
  const leader = cluster.leader(group).id;
  return cluster.node(cluster.ids.find((id) => id !== leader) ?? 0);
}

describe('a single node', () => {
  it('elects itself for all its groups, and serves', () => {
    const node = startReadyNode({ partitions: 4 });

    node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v') });
    node.complete();
    node.turn({ type: 'RequestReceived', token: 2, request: get('k') });

    expect(node.answers.get(1)).toMatchObject({ code: KeyValueCode.set, revision: 0 });
    expect(textOf(node.answers.get(2))).toBe('v');
  });

  it('does not answer a write before it is durable', () => {
    const node = startReadyNode();

    const effects = node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v') });
    const before = node.answers.get(1);
    node.complete();

    expect(effects.map(({ type }) => type)).toEqual(['Persist']);
    expect(before).toBeUndefined();
    expect(node.answers.get(1)?.code).toBe(KeyValueCode.set);
  });

  it('holds what was written across a restart', () => {
    const node = startReadyNode();
    node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v') });
    node.complete();

    const again = restartNode(node);
    again.now += 3000;
    again.turn({ type: 'TimerFired' });
    while (again.underWay.length > 0) again.complete();
    again.turn({ type: 'RequestReceived', token: 1, request: get('k') });

    expect(textOf(again.answers.get(1))).toBe('v');
    expect(again.group()).toMatchObject({ role: 'leader', term: 2, applied: 3 });
  });

  it('forgets what was not durable', () => {
    const node = startReadyNode();
    node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v') });

    const again = restartNode(node);

    expect(again.group().lastIndex).toBe(1);
  });

  it('answers a request that is not valid at once, in words', () => {
    const node = startReadyNode();

    node.turn({ type: 'RequestReceived', token: 1, request: set('__kahuna:x', 'v') });

    expect(node.answers.get(1)).toMatchObject({ code: KeyValueCode.invalidInput });
    expect(node.answers.get(1)?.reason).toContain('reserved');
    expect(node.underWay).toEqual([]);
  });

  it('tells at which point of which history an answer was given', () => {
    const node = startReadyNode({ partitions: 4 });

    node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v') });
    node.complete();

    const group = partitionOfKey('k', 4);
    expect(node.answers.get(1)?.servedAt).toEqual({ group, index: 2 });
    expect(node.group(group).applied).toBe(2);
  });
});

describe('one turn', () => {
  it('makes one write for many groups and many requests', () => {
    const node = startReadyNode({ partitions: 8 });
    const requests = Array.from({ length: 40 }, (_, i) => set(`bucket${i}/k`, 'v'));
    const groups = new Set(requests.map(({ operation }) => groupOfOperation(operation, 8)));

    const effects = node.turn(
      ...requests.map((request, i) => ({ type: 'RequestReceived', token: i + 1, request }) as const),
    );

    const [persist, ...more] = effectsOf(effects, 'Persist');
    expect(more).toEqual([]);
    expect(groups.size).toBe(8);
    expect(persist?.changes.filter(({ type }) => type === 'Put')).toHaveLength(8);
  });

  it('sends one frame to each node, whatever it has to say', () => {
    const cluster = startReadyCluster(3, { partitions: 8 });
    const leader = cluster.leader(1);
    const led = cluster.ids
      .flatMap(() => [1, 2, 3, 4, 5, 6, 7, 8])
      .filter((id) => leader.group(id).role === 'leader');
    leader.now += 100;

    const effects = leader.turn({ type: 'TimerFired' }, ...requestsFor(leader.id));

    const sends = effectsOf(effects, 'Send');
    expect(led.length).toBeGreaterThan(0);
    expect(sends.map(({ to }) => to)).toEqual([...new Set(sends.map(({ to }) => to))]);
    expect(sends.some(({ messages }) => messages.length > 2)).toBe(true);
  });

  function requestsFor(node: number) {
    return Array.from(
      { length: 20 },
      (_, i) =>
        ({ type: 'RequestReceived', token: node * 100 + i, request: set(`bucket${i}/k`, 'v') }) as const,
    );
  }

  it('numbers its writes one after the other', () => {
    const node = startReadyNode();
    const first = node.state.lastWrite;

    const effects = [1, 2, 3].flatMap((token) =>
      node.turn({ type: 'RequestReceived', token, request: set('k', `${token}`) }),
    );

    expect(effectsOf(effects, 'Persist').map(({ write }) => write)).toEqual([
      first + 1,
      first + 2,
      first + 3,
    ]);
  });

  it('that changes nothing wants nothing done', () => {
    const node = startReadyNode();
    const before = node.state.groups;

    const effects = node.turn({ type: 'WriteCompleted', write: writeNumber(1) });

    expect(effects).toEqual([]);
    expect(node.state.groups).toBe(before);
  });

  it('asks to be woken at the next deadline, and again after it was woken too early', () => {
    const node = startReadyNode();
    const at = node.timerAt;

    const effects = node.turn({ type: 'TimerFired' });

    expect(effectsOf(effects, 'SetTimer')).toEqual([{ type: 'SetTimer', at: monotonicMs(at) }]);
  });
});

describe('nothing is released before it is durable', () => {
  it('a vote is held until term and vote are written', () => {
    const node = startNode({ voters: [1, 2, 3] });
    const request: NodeMessage = {
      type: 'Group',
      group: partitionOfKey('k', 1),
      message: {
        type: 'VoteRequest',
        handedOver: false,
        term: term(1),
        lastIndex: node.state.durableWrite as never,
        lastTerm: term(0),
      },
    };

    const effects = node.turn({ type: 'MessageReceived', from: nodeId(2), message: request });
    const released = node.complete();

    expect(effectsOf(effects, 'Send')).toEqual([]);
    expect(effectsOf(released, 'Send')).toMatchObject([
      { to: 2, messages: [{ type: 'Group', message: { type: 'VoteAnswer', granted: true } }] },
    ]);
  });

  it('an append is acknowledged only when it is written, while the leader sends before it has written', () => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();
    const follower = followerOf(cluster);

    const sent = cluster.ask(leader.id, 1, set('k', 'v'));
    const toFollower = cluster.network.filter(({ to }) => to === follower.id);
    const taken = toFollower.flatMap(({ from, message }) =>
      follower.turn({ type: 'MessageReceived', from: nodeId(from), message }),
    );
    const released = follower.complete();

    expect(effectsOf(sent, 'Send')).toHaveLength(2);
    expect(effectsOf(taken, 'Send')).toEqual([]);
    expect(effectsOf(released, 'Send')).toMatchObject([
      { to: leader.id, messages: [{ message: { type: 'AppendAccepted', index: 2 } }] },
    ]);
  });

  it('writes are let go in their order: an earlier one does not release what waits for a later one', () => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();
    const follower = followerOf(cluster);
    cluster.ask(leader.id, 1, set('k', '1'));
    cluster.ask(leader.id, 2, set('k', '2'));
    for (const { from, message } of cluster.network.filter(({ to }) => to === follower.id)) {
      follower.turn({ type: 'MessageReceived', from: nodeId(from), message });
    }
    const [first, second] = follower.underWay;

    const early = follower.complete(first?.write);
    const late = follower.complete(second?.write);

    expect([early, late].map((effects) => effectsOf(effects, 'Send'))).toMatchObject([
      [{ messages: [{ message: { type: 'AppendAccepted', index: 2 } }] }],
      [{ messages: [{ message: { type: 'AppendAccepted', index: 3 } }] }],
    ]);
  });

  it('a write that is durable lets go of all earlier ones', () => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();
    const follower = followerOf(cluster);
    cluster.ask(leader.id, 1, set('k', '1'));
    cluster.ask(leader.id, 2, set('k', '2'));
    for (const { from, message } of cluster.network.filter(({ to }) => to === follower.id)) {
      follower.turn({ type: 'MessageReceived', from: nodeId(from), message });
    }

    const released = follower.complete();

    expect(effectsOf(released, 'Send')).toMatchObject([{ messages: [{}, {}] }]);
  });

  it('a write that was never issued cannot be durable', () => {
    const node = startReadyNode();

    expect(() => node.turn({ type: 'WriteCompleted', write: writeNumber(99) })).toThrow(
      /only \d+ were issued/,
    );
  });
});

describe('a failed write', () => {
  it('halts the node: it says nothing any more, to nobody', () => {
    const node = startReadyNode();
    node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v') });
    const write = node.state.lastWrite;

    const effects = node.turn({ type: 'WriteFailed', write, reason: 'disk full' });
    const after = [
      node.turn({ type: 'WriteCompleted', write }),
      node.turn({ type: 'TimerFired' }),
      node.turn({ type: 'RequestReceived', token: 2, request: get('k') }),
    ];

    expect(effects).toEqual([{ type: 'Halt', reason: `write ${write} failed: disk full` }]);
    expect(after.flat()).toEqual([]);
    expect(node.answers.size).toBe(0);
  });

  it('takes back what else the same turn would have said', () => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();

    const effects = leader.turn(
      { type: 'RequestReceived', token: 1, request: set('k', 'v') },
      { type: 'WriteFailed', write: leader.state.lastWrite, reason: 'gone' },
    );

    expect(effects.map(({ type }) => type)).toEqual(['Halt']);
  });
});

describe('a cluster', () => {
  it('elects a leader for every group, and everybody knows it', () => {
    const cluster = startReadyCluster(3, { partitions: 4 });

    for (const group of [1, 2, 3, 4]) {
      const leader = cluster.leader(group);
      for (const id of cluster.ids) {
        expect(cluster.node(id).group(group)).toMatchObject({
          leader: leader.id,
          term: leader.group(group).term,
        });
      }
    }
  });

  it('replicas that applied the same have the same digest', () => {
    const cluster = startReadyCluster(3);

    for (let i = 0; i < 20; i += 1)
      cluster.ask(1 + (i % 3), i, i % 4 === 3 ? remove(`k${i % 5}`) : set(`k${i % 5}`, `${i}`));
    cluster.pass(500);

    const statuses = cluster.ids.map((id) => cluster.node(id).group());
    expect(new Set(statuses.map(({ applied }) => applied)).size).toBe(1);
    expect(new Set(statuses.map(({ digest }) => digest)).size).toBe(1);
    expect(statuses[0]?.applied).toBeGreaterThan(20);
  });

  it('a message of a group that nobody configured is ignored', () => {
    const node = startReadyNode();
    const before = node.state;
    const message: NodeMessage = { ...heartbeat(99), group: 99 as never };

    const effects = node.turn({ type: 'MessageReceived', from: nodeId(2), message });

    expect(effects).toEqual([]);
    expect(node.state).toEqual(before);
  });

  function heartbeat(of: number): Extract<NodeMessage, { type: 'Group' }> {
    return {
      type: 'Group',
      group: partitionOfKey('k', 1),
      message: { type: 'Heartbeat', term: term(of), commit: 0 as never, round: 0 },
    };
  }
});

describe('a request at a node that does not lead', () => {
  it('is forwarded to the leader, and its answer comes back', () => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();
    const follower = followerOf(cluster);

    const effects = cluster.ask(follower.id, 7, set('k', 'v'));
    cluster.settle();

    expect(effectsOf(effects, 'Send')).toMatchObject([{ to: leader.id, messages: [{ type: 'Forward' }] }]);
    expect(effectsOf(effects, 'Persist')).toEqual([]);
    expect(follower.answers.get(7)).toMatchObject({
      code: KeyValueCode.set,
      revision: 0,
      servedAt: { group: 1, index: 2 },
    });
  });

  it('reads see what was written through another node', () => {
    const cluster = startReadyCluster(3);
    cluster.ask(1, 1, set('k', 'v'));
    cluster.settle();

    for (const id of cluster.ids) cluster.ask(id, 50 + id, get('k'));
    cluster.settle();

    expect(cluster.ids.map((id) => textOf(cluster.node(id).answers.get(50 + id)))).toEqual(['v', 'v', 'v']);
  });

  it('waits for a leader where none is known, and is served then', () => {
    const cluster = startCluster(3);

    cluster.ask(2, 1, set('k', 'v'));
    const early = cluster.node(2).answers.size;
    cluster.pass(3000);

    expect(early).toBe(0);
    expect(cluster.node(2).answers.get(1)?.code).toBe(KeyValueCode.set);
  });

  it('is sent again when the answer stays away, and takes effect once', () => {
    const cluster = startReadyCluster(3);
    const follower = followerOf(cluster);
    const leader = cluster.leader();
    cluster.ask(follower.id, 7, set('k', 'v', 'id'));
    cluster.settle(({ message }) => message.type !== 'ForwardAnswer');

    cluster.pass(600);

    expect(follower.answers.get(7)).toMatchObject({ code: KeyValueCode.set, revision: 0 });
    expect(leader.group().lastIndex).toBe(2);
  });

  it('is sent again when the request itself was lost', () => {
    const cluster = startReadyCluster(3);
    const follower = followerOf(cluster);
    cluster.ask(follower.id, 7, set('k', 'v'));
    cluster.settle(({ message }) => message.type !== 'Forward');

    cluster.pass(600);

    expect(follower.answers.get(7)?.code).toBe(KeyValueCode.set);
  });

  it('follows the leadership: what an old leader took but could not commit is done by the new one, once', () => {
    const cluster = startReadyCluster(3);
    const old = cluster.leader();
    const cutOff = ({ from, to }: InFlight): boolean => from !== old.id && to !== old.id;
    cluster.ask(old.id, 7, set('k', 'v', 'id'));
    cluster.pass(3500, cutOff);
    const meanwhile = old.answers.get(7);

    cluster.pass(1000);

    expect(meanwhile).toBeUndefined();
    expect(cluster.leader().id).not.toBe(old.id);
    expect(old.answers.get(7)).toMatchObject({ code: KeyValueCode.set, revision: 0 });
  });

  it('is not sent once more by an alarm that was set for an earlier attempt', () => {
    const cluster = startCluster(3);
    const node = cluster.node(2);
    const group = partitionOfKey('k', 1);
    const beat: NodeMessage = {
      type: 'Group',
      group,
      message: { type: 'Heartbeat', term: term(1), commit: 0 as never, round: 0 },
    };
    cluster.ask(2, 1, set('k', 'v'));
    const firstAlarm = node.timerAt;
    node.now += 50;

    const learnt = cluster.turn(2, { type: 'MessageReceived', from: nodeId(1), message: beat });
    node.now = firstAlarm;
    const alarmed = cluster.turn(2, { type: 'TimerFired' });

    const forwards = [learnt, alarmed].map((effects) =>
      effectsOf(effects, 'Send').flatMap(({ messages }) => messages.filter(({ type }) => type === 'Forward')),
    );
    expect(forwards.map(({ length }) => length)).toEqual([1, 0]);
  });

  it('is turned back at once by a leader that is deposed, with the name of the new one', () => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();
    const [asking, next] = cluster.ids.filter((id) => id !== leader.id) as [number, number];
    cluster.ask(asking, 1, set('k', 'v'));
    for (const { from, message } of cluster.network.splice(0)) {
      leader.turn({ type: 'MessageReceived', from: nodeId(from), message });
    }
    leader.complete();

    const effects = leader.turn({
      type: 'MessageReceived',
      from: nodeId(next),
      message: {
        type: 'Group',
        group: partitionOfKey('k', 1),
        message: { type: 'Heartbeat', term: term(leader.group().term + 1), commit: 0 as never, round: 0 },
      },
    });

    const answers = effectsOf(effects, 'Send').filter(({ to }) => to === asking);
    expect(answers).toMatchObject([
      { messages: [{ type: 'ForwardAnswer', result: { type: 'TryAgain', leader: next } }] },
    ]);
  });

  it('is turned back at once by a leader that is elected and deposed within one turn', () => {
    const node = startNode({ id: 3, voters: [1, 2, 3] });
    const said = (from: number, message: SpokenMessage): NodeEvent => ({
      type: 'MessageReceived',
      from: nodeId(from),
      message: { type: 'Group', group: partitionOfKey('k', 1), message },
    });
    node.now = node.timerAt;
    node.turn({ type: 'TimerFired' });
    node.turn(said(1, { type: 'PreVoteAnswer', term: term(1), granted: true }));
    node.complete();
    const { operation } = set('k', 'v');

    const effects = node.turn(
      said(1, { type: 'VoteAnswer', term: term(1), granted: true }),
      {
        type: 'MessageReceived',
        from: nodeId(1),
        message: {
          type: 'Forward',
          group: partitionOfKey('k', 1),
          requestId: 'x' as never,
          basis: 0 as never,
          operation,
        },
      },
      said(2, { type: 'Heartbeat', term: term(2), commit: 0 as never, round: 0 }),
    );

    const answers = effectsOf(effects, 'Send').flatMap(({ to, messages }) =>
      to === 1 ? messages.filter(({ type }) => type === 'ForwardAnswer') : [],
    );
    expect(node.group().role).toBe('follower');
    expect(answers).toMatchObject([{ result: { type: 'TryAgain', leader: 2 } }]);
  });

  it.each([
    ['is not valid', 1, set('', 'v'), { type: 'Executed', outcome: { code: KeyValueCode.invalidInput } }],
    ['is of a partition that this node does not have', 9, set('k', 'v'), { type: 'TryAgain', leader: 0 }],
  ])('when it was forwarded and %s is answered without being executed', (_what, group, request, result) => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();
    const { operation } = request;

    const effects = leader.turn({
      type: 'MessageReceived',
      from: nodeId(2),
      message: {
        type: 'Forward',
        group: group as never,
        requestId: 'x' as never,
        basis: 0 as never,
        operation,
      },
    });

    expect(effects).toMatchObject([{ type: 'Send', to: 2, messages: [{ type: 'ForwardAnswer', result }] }]);
  });
});

describe('a request that a client repeats under the same id', () => {
  it('takes effect once, and is told the same', () => {
    const node = startReadyNode();
    node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v', 'id') });
    node.complete();

    const effects = node.turn({ type: 'RequestReceived', token: 2, request: set('k', 'v', 'id') });

    expect(effectsOf(effects, 'Persist')).toEqual([]);
    expect(node.answers.get(2)).toEqual(node.answers.get(1));
  });

  it('is not proposed a second time while the first is in flight; both are answered', () => {
    const node = startReadyNode();
    const first = node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v', 'id') });

    const second = node.turn({ type: 'RequestReceived', token: 2, request: set('k', 'v', 'id') });
    node.complete();

    expect([first, second].map((effects) => effectsOf(effects, 'Persist').length)).toEqual([1, 0]);
    expect(node.group().lastIndex).toBe(2);
    expect(node.answers.get(2)).toEqual(node.answers.get(1));
    expect(node.answers.get(1)).toMatchObject({ code: KeyValueCode.set, revision: 0 });
  });

  it('nor when both come in one turn', () => {
    const node = startReadyNode();

    node.turn(
      { type: 'RequestReceived', token: 1, request: set('k', 'v', 'id') },
      { type: 'RequestReceived', token: 2, request: set('k', 'v', 'id') },
    );
    node.complete();

    expect(node.group().lastIndex).toBe(2);
    expect([...node.answers.keys()]).toEqual([1, 2]);
  });

  it('through different nodes takes effect once, and all of them are answered', () => {
    const cluster = startReadyCluster(3);

    for (const id of cluster.ids) cluster.ask(id, 7, set('k', 'v', 'id'));
    cluster.settle();

    const answers = cluster.ids.map((id) => cluster.node(id).answers.get(7));
    expect(answers).toEqual([answers[0], answers[0], answers[0]]);
    expect(answers[0]).toMatchObject({ code: KeyValueCode.set, revision: 0 });
    expect(cluster.leader().group().lastIndex).toBe(2);
  });

  it('twice through one node that does not lead is answered twice', () => {
    const cluster = startReadyCluster(3);
    const follower = followerOf(cluster);

    cluster.ask(follower.id, 1, set('k', 'v', 'id'));
    cluster.ask(follower.id, 2, set('k', 'v', 'id'));
    cluster.settle();

    expect(follower.answers.get(2)).toEqual(follower.answers.get(1));
    expect(cluster.leader().group().lastIndex).toBe(2);
  });

  it('with another operation is refused, in words', () => {
    const node = startReadyNode();
    node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v', 'id') });
    node.complete();

    node.turn({ type: 'RequestReceived', token: 2, request: remove('k', 'id') });
    node.complete();

    expect(node.answers.get(2)).toMatchObject({ code: KeyValueCode.invalidInput });
    expect(node.answers.get(2)?.reason).toContain('already used');
  });

  it('with another operation while the first is in flight is refused as well', () => {
    const node = startReadyNode();
    node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v', 'id') });

    node.turn({ type: 'RequestReceived', token: 2, request: remove('k', 'id') });
    node.complete();

    expect(node.answers.get(1)?.code).toBe(KeyValueCode.set);
    expect(node.answers.get(2)?.code).toBe(KeyValueCode.invalidInput);
  });

  it('is remembered by a new leader', () => {
    const cluster = startReadyCluster(3);
    const old = cluster.leader();
    cluster.ask(old.id, 1, set('k', 'v', 'id'));
    cluster.pass(500);
    cluster.pass(4000, ({ from, to }) => from !== old.id && to !== old.id);
    const next = cluster.leader();

    cluster.ask(next.id, 2, set('k', 'v', 'id'));
    cluster.pass(500);

    expect(next.id).not.toBe(old.id);
    expect(next.answers.get(2)).toMatchObject({ code: KeyValueCode.set, revision: 0 });
  });

  it('requests without an id are operations of their own', () => {
    const node = startReadyNode();

    for (const token of [1, 2]) {
      node.turn({ type: 'RequestReceived', token, request: set('k', 'v') });
      node.complete();
    }

    expect([1, 2].map((token) => revisionOf(node.answers.get(token)))).toEqual([0, 1]);
  });

  it('two runs of one node do not share the ids that they give', () => {
    const node = startReadyNode();
    node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v') });
    node.complete();
    const again = restartNode(node);
    again.now += 3000;
    again.turn({ type: 'TimerFired' });
    while (again.underWay.length > 0) again.complete();

    again.turn({ type: 'RequestReceived', token: 1, request: set('k', 'v') });
    again.complete();

    expect(again.answers.get(1)).toMatchObject({ code: KeyValueCode.set, revision: 1 });
  });
});

describe("a request's deadline", () => {
  it('gives the client mustRetry, and says that the outcome is not known', () => {
    const cluster = startReadyCluster(3);
    const follower = followerOf(cluster);
    cluster.ask(follower.id, 1, set('k', 'v'));

    cluster.pass(4990, () => false);
    const before = follower.answers.get(1);
    cluster.pass(20, () => false);

    expect(before).toBeUndefined();
    expect(follower.answers.get(1)).toMatchObject({ code: KeyValueCode.mustRetry });
    expect(follower.answers.get(1)?.reason).toContain('not known');
  });

  it('is kept where no leader is ever known', () => {
    const cluster = startCluster(3);
    cluster.ask(1, 1, get('k'));

    cluster.pass(5010, () => false);

    expect(cluster.node(1).answers.get(1)?.code).toBe(KeyValueCode.mustRetry);
  });

  it('leaves nothing behind: a late answer is ignored', () => {
    const cluster = startReadyCluster(3);
    const follower = followerOf(cluster);
    cluster.ask(follower.id, 1, set('k', 'v', 'id'));
    cluster.pass(5010, ({ message }) => message.type !== 'ForwardAnswer');

    const effects = cluster.turn(follower.id, {
      type: 'MessageReceived',
      from: nodeId(cluster.leader().id),
      message: {
        type: 'ForwardAnswer',
        group: partitionOfKey('k', 1),
        requestId: 'id' as never,
        result: { type: 'TryAgain', leader: nodeId(1), reason: 'late', overloaded: false },
      },
    });

    expect(effects).toEqual([]);
    expect(follower.state.tokensOf.size).toBe(0);
    expect(follower.state.requests.root).toBeUndefined();
  });

  it('means nothing for a request that was answered', () => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();
    cluster.ask(leader.id, 1, set('k', 'v'));
    cluster.settle();
    const answer = leader.answers.get(1);

    cluster.pass(6000);

    expect(leader.answers.get(1)).toBe(answer);
  });
});

describe('reads', () => {
  it('are not served by a leader that is cut off from the others', () => {
    const cluster = startReadyCluster(3);
    const old = cluster.leader();
    cluster.ask(old.id, 1, set('k', 'old'));
    cluster.pass(200);
    const cutOff = ({ from, to }: InFlight): boolean => from !== old.id && to !== old.id;

    cluster.ask(old.id, 2, get('k'));
    cluster.pass(3000, cutOff);

    expect(old.answers.get(2)).toBeUndefined();
    expect(cluster.leader().id).not.toBe(old.id);
  });

  it('see every write that was acknowledged before they were asked', () => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();

    for (let i = 0; i < 5; i += 1) {
      cluster.ask(leader.id, 10 + i, set('k', `${i}`));
      cluster.settle();
      cluster.ask(followerOf(cluster).id, 20 + i, get('k'));
      cluster.settle();
    }

    const read = [0, 1, 2, 3, 4].map((i) => textOf(followerOf(cluster).answers.get(20 + i)));
    expect(read).toEqual(['0', '1', '2', '3', '4']);
  });
});

describe('snapshots', () => {
  it('are taken after as many entries as the option says, and the disk does not grow with the log', () => {
    const node = startReadyNode({ snapshotEveryEntries: 10, snapshotPercentOfRecords: 0, keepEntries: 2 });

    for (let i = 0; i < 200; i += 1) {
      node.turn({ type: 'RequestReceived', token: i, request: set(`k${i % 3}`, `${i}`) });
      node.complete();
    }

    expect(node.group().snapshotIndex).toBeGreaterThan(185);
    expect(node.stored.length).toBeLessThan(20);
  });

  it('a restart from a snapshot and the log after it gives the same state', () => {
    const node = startReadyNode({ snapshotEveryEntries: 10, snapshotPercentOfRecords: 0, keepEntries: 2 });
    for (let i = 0; i < 57; i += 1) {
      node.turn({ type: 'RequestReceived', token: i, request: set(`k${i % 3}`, `${i}`, `id${i}`) });
      node.complete();
    }

    const again = restartNode(node);
    again.now += 3000;
    again.turn({ type: 'TimerFired' });
    while (again.underWay.length > 0) again.complete();
    again.turn({ type: 'RequestReceived', token: 1, request: set('k1', '55', 'id55') });
    again.turn({ type: 'RequestReceived', token: 2, request: get('k1') });

    expect(again.answers.get(1)).toEqual(node.answers.get(55));
    expect(again.answers.get(2)).toMatchObject({ revision: 18 });
    expect(textOf(again.answers.get(2))).toBe('55');
  });

  it('bring a follower level that was away for long', () => {
    const cluster = startReadyCluster(3, {
      snapshotEveryEntries: 10,
      snapshotPercentOfRecords: 0,
      keepEntries: 2,
    });
    const follower = followerOf(cluster);
    const leader = cluster.leader();
    const cutOff = ({ from, to }: InFlight): boolean => from !== follower.id && to !== follower.id;
    for (let i = 0; i < 60; i += 1) {
      cluster.ask(leader.id, i, set(`k${i % 3}`, `${i}`));
      cluster.settle(cutOff);
    }
    const before = follower.group().applied;

    cluster.pass(3000);

    expect(before).toBeLessThan(5);
    expect(follower.group()).toMatchObject({
      applied: leader.group().applied,
      digest: leader.group().digest,
    });
  });

  it('a follower that was brought level by one keeps it across a restart', () => {
    const cluster = startReadyCluster(3, {
      snapshotEveryEntries: 10,
      snapshotPercentOfRecords: 0,
      keepEntries: 2,
    });
    const { id } = followerOf(cluster);
    const leader = cluster.leader();
    for (let i = 0; i < 60; i += 1) {
      cluster.ask(leader.id, i, set(`k${i % 3}`, `${i}`));
      cluster.settle(({ from, to }) => from !== id && to !== id);
    }
    cluster.pass(3000);

    cluster.restart(id);
    const started = cluster.node(id).group().applied;
    cluster.pass(1000);

    expect(started).toBeGreaterThan(40);
    expect(cluster.node(id).group().digest).toBe(cluster.leader().group().digest);
  });
});

describe('overload', () => {
  it('a write that the leader cannot take now is answered at once: overloaded, retry', () => {
    const node = startReadyNode({ maxUncommittedBytes: 1 });
    node.turn({ type: 'RequestReceived', token: 1, request: set('k', '1', 'first') });

    node.turn({ type: 'RequestReceived', token: 2, request: set('k', '2', 'second') });
    const refused = node.answers.get(2);
    node.complete();
    node.turn({ type: 'RequestReceived', token: 3, request: set('k', '2', 'second') });
    node.complete();

    expect(refused).toMatchObject({ code: KeyValueCode.mustRetry });
    expect(refused?.reason).toMatch(
      /^overloaded: \d+ bytes of writes .* retry it later, with the same operation id$/,
    );
    expect([1, 3].map((token) => revisionOf(node.answers.get(token)))).toEqual([0, 1]);
  });

  it('is told to the client of another node too', () => {
    const cluster = startReadyCluster(3, { maxUncommittedBytes: 1 });
    const leader = cluster.leader();
    const follower = followerOf(cluster);
    cluster.ask(leader.id, 1, set('k', '1'));

    cluster.ask(follower.id, 2, set('k', '2'));
    cluster.settle(({ message }) => message.type === 'Forward' || message.type === 'ForwardAnswer');

    expect(follower.answers.get(2)?.reason).toMatch(/^overloaded: /);
  });

  it('a write that found no leader says that it was not handed to any', () => {
    const node = startNode({ voters: [1, 2, 3] });
    node.turn({ type: 'RequestReceived', token: 1, request: set('k', '1') });

    for (let passed = 0; passed < 6; passed += 1) {
      node.now += 1000;
      node.turn({ type: 'TimerFired' });
    }

    expect(node.answers.get(1)).toMatchObject({ code: KeyValueCode.mustRetry });
    expect(node.answers.get(1)?.reason).toContain('was not handed to any and has not taken effect');
  });
});

describe('a frame that arrives in another order or twice', () => {
  it('changes nothing in the end', () => {
    const cluster = startReadyCluster(3);
    for (let i = 0; i < 30; i += 1) {
      cluster.ask(1 + (i % 3), i, set(`k${i % 4}`, `${i}`, `id${i}`));
      cluster.network = [...cluster.network, ...cluster.network].reverse();
      for (const { from, to, message } of cluster.network.splice(0)) {
        cluster.turn(to, { type: 'MessageReceived', from: nodeId(from), message });
      }
    }

    cluster.pass(2000);

    const digests = cluster.ids.map((id) => cluster.node(id).group().digest);
    const answered = cluster.ids.map((id) => cluster.node(id).answers.size);
    expect(new Set(digests).size).toBe(1);
    expect(answered).toEqual([10, 10, 10]);
    expect(cluster.network.some(({ message }) => isGroupMessage(message, 'VoteRequest'))).toBe(false);
  });
});

describe('an id that a client uses for two operations at once, at a node that does not lead', () => {
  it('on two partitions: each is told of its own', () => {
    const cluster = startReadyCluster(3, { partitions: 2 });
    const keys = [1, 2].map(
      (group) => ['a', 'b', 'c', 'd', 'e'].find((key) => partitionOfKey(key, 2) === group) ?? '',
    );
    const bystander = cluster.ids.find((id) =>
      [1, 2].every((group) => cluster.node(id).group(group).role !== 'leader'),
    );
    const id = bystander ?? 0;

    cluster.ask(id, 1, set(keys[0] ?? '', '1', 'id'));
    cluster.ask(id, 2, set(keys[1] ?? '', '2', 'id'));
    cluster.settle();

    expect([1, 2].map((token) => cluster.node(id).answers.get(token)?.servedAt?.group)).toEqual([1, 2]);
  });

  it('on one partition: the second is not told of the success of the first', () => {
    const cluster = startReadyCluster(3);
    const follower = followerOf(cluster);

    cluster.ask(follower.id, 1, set('k', 'v', 'id'));
    cluster.ask(follower.id, 2, remove('k', 'id'));
    cluster.settle();

    expect(follower.answers.get(1)?.code).toBe(KeyValueCode.set);
    expect(follower.answers.get(2)?.code).toBe(KeyValueCode.invalidInput);
  });
});
