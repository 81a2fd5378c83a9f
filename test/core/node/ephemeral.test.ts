/** Ephemeral keys and locks: the leader's alone, confirmed before they are told, and gone with it. */

import { describe, expect, it } from 'vitest';
import { KeyValueCode, type ClientCall, type Operation } from '../../../core/partition/command.js';
import { LockCode } from '../../../core/partition/lock-command.js';
import {
  acquire,
  call,
  ephemeral,
  extendLock,
  getLock,
  LEASE_BY_LEADER_MS,
  LEASE_MS,
  setFor,
} from './operations.js';
import {
  effectsOf,
  get,
  remove,
  revisionOf,
  set,
  startReadyCluster,
  startReadyNode,
  textOf,
  type InFlight,
} from './support.js';

const away =
  (node: number) =>
  ({ from, to }: InFlight): boolean =>
    from !== node && to !== node;

describe('an ephemeral operation', () => {
  it('writes nothing, and says how far the partition had come', () => {
    const node = startReadyNode();
    const { applied } = node.group();

    const effects = node.turn({ type: 'RequestReceived', token: 1, request: ephemeral(set('k', 'v')) });

    expect(effectsOf(effects, 'Persist')).toEqual([]);
    expect(node.answers.get(1)).toMatchObject({
      code: KeyValueCode.set,
      revision: 0,
      servedAt: { group: 1, index: applied },
    });
    expect(node.group()).toMatchObject({ applied, lastIndex: applied });
  });

  it('knows nothing of the persistent ones, nor they of it', () => {
    const node = startReadyNode();
    const ask = (token: number, request: ClientCall): void => {
      node.turn({ type: 'RequestReceived', token, request });
      while (node.underWay.length > 0) node.complete();
    };

    ask(1, set('k', 'kept'));
    ask(2, ephemeral(get('k')));
    ask(3, ephemeral(set('k', 'fleeting')));
    ask(4, get('k'));
    ask(5, ephemeral(get('k')));
    ask(6, acquire('a'));
    ask(7, ephemeral(acquire('b')));

    expect(node.answers.get(2)).toMatchObject({ code: KeyValueCode.doesNotExist });
    expect([4, 5].map((token) => textOf(node.answers.get(token)))).toEqual(['kept', 'fleeting']);
    expect([6, 7].map((token) => node.answers.get(token)?.code)).toEqual([LockCode.locked, LockCode.locked]);
  });

  it('is another one than the persistent one under the same id, which is under way', () => {
    const node = startReadyNode();

    node.turn({ type: 'RequestReceived', token: 1, request: set('k', 'kept', 'once') });
    node.turn({ type: 'RequestReceived', token: 2, request: ephemeral(set('k', 'fleeting'), 'once') });
    while (node.underWay.length > 0) node.complete();

    expect(node.answers.get(1)).toMatchObject({ code: KeyValueCode.set, revision: 0 });
    expect(node.answers.get(2)).toMatchObject({
      code: KeyValueCode.invalidInput,
      reason: 'operation id once is under way for another operation of this partition',
    });
  });

  it('takes effect once, however often it is asked', () => {
    const node = startReadyNode();

    for (const token of [1, 2]) {
      node.turn({ type: 'RequestReceived', token, request: ephemeral(set('k', 'v'), 'once') });
    }
    node.turn({ type: 'RequestReceived', token: 3, request: ephemeral(remove('k'), 'once') });
    node.turn({ type: 'RequestReceived', token: 4, request: ephemeral(set('k', 'v'), 'twice') });

    expect([1, 2, 4].map((token) => revisionOf(node.answers.get(token)))).toEqual([0, 0, 1]);
    expect(node.answers.get(3)).toMatchObject({ code: KeyValueCode.invalidInput });
  });

  it.each(['follower', 'stale', 'lease'] as const)('goes to the leader, though read as %s', (mode) => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader().id;
    const other = (leader % 3) + 1;
    cluster.ask(other, 1, ephemeral(set('k', 'v')));
    cluster.settle();

    cluster.ask(other, 2, ephemeral(call({ type: 'Get', key: 'k', mode } as Operation)));
    cluster.settle();

    expect(textOf(cluster.node(other).answers.get(2))).toBe('v');
  });

  it('is executed when it is confirmed that the leader leads, and not before', () => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();

    cluster.ask(leader.id, 1, ephemeral(acquire('a')));
    const early = leader.answers.has(1);
    cluster.settle();

    expect(early).toBe(false);
    expect(leader.answers.get(1)).toMatchObject({ code: LockCode.locked, fencingToken: 0 });
  });

  it('is not executed by a leader that was deposed', () => {
    const cluster = startReadyCluster(3);
    const deposed = cluster.leader();

    cluster.ask(deposed.id, 1, ephemeral(acquire('a')));
    cluster.pass(6_000, away(deposed.id));

    expect(cluster.leader().id).not.toBe(deposed.id);
    expect(deposed.answers.get(1)).toMatchObject({ code: LockCode.mustRetry });
  });

  it('is done by the next leader, where the one that was asked is deposed first', () => {
    const cluster = startReadyCluster(3);
    const deposed = cluster.leader();
    cluster.ask(deposed.id, 1, ephemeral(acquire('a')));
    cluster.pass(3_000, away(deposed.id));

    cluster.pass(1_500);

    expect(cluster.leader().id).not.toBe(deposed.id);
    expect(deposed.answers.get(1)).toMatchObject({ code: LockCode.locked });
  });

  it('looks at what is over by the leader’s clock', () => {
    const node = startReadyNode({ expirySweepMs: 0 });
    const ask = (token: number, request: ClientCall): number | undefined => {
      node.turn({ type: 'RequestReceived', token, request: ephemeral(request) });
      return node.answers.get(token)?.code;
    };
    ask(1, acquire('a'));
    ask(2, setFor(LEASE_MS, 'k'));

    node.now += LEASE_BY_LEADER_MS;
    const before = [ask(3, acquire('b')), ask(4, get('k'))];
    node.now += 1;
    const after = [ask(5, extendLock('a')), ask(6, acquire('b')), ask(7, get('k'))];

    expect(before).toEqual([LockCode.busy, KeyValueCode.got]);
    expect(after).toEqual([LockCode.lockDoesNotExist, LockCode.locked, KeyValueCode.doesNotExist]);
    expect(node.answers.get(6)).toMatchObject({ fencingToken: 1 });
  });
});

describe('what is ephemeral', () => {
  it('is gone with the leadership, the persistent is not', () => {
    const cluster = startReadyCluster(3);
    const first = cluster.leader().id;
    cluster.ask(first, 1, ephemeral(acquire('a', 100_000)));
    cluster.ask(first, 2, acquire('a', 100_000));
    cluster.settle();
    cluster.pass(3_000, away(first));
    const next = cluster.leader();

    cluster.ask(next.id, 3, ephemeral(getLock()));
    cluster.ask(next.id, 4, getLock());
    cluster.pass(300, away(first));

    expect(next.id).not.toBe(first);
    expect(next.answers.get(3)).toMatchObject({ code: LockCode.lockDoesNotExist });
    expect(next.answers.get(4)).toMatchObject({ code: LockCode.got });
  });

  it('is gone though the same node leads again', () => {
    const cluster = startReadyCluster(3);
    const first = cluster.leader();
    cluster.ask(first.id, 1, ephemeral(set('k', 'v')));
    cluster.settle();
    const { term } = first.group();
    for (let passed = 0; passed < 60_000 && first.group().role === 'leader'; passed += 500) {
      cluster.pass(500, () => false);
    }
    for (let turns = 0; turns < 100; turns += 1) {
      cluster.pass(500);
      if (cluster.leader().id === first.id) break;
      // Whoever else was elected is cut off until another one is.
      const rival = cluster.leader().id;
      cluster.pass(3_000, away(rival));
    }

    cluster.ask(first.id, 2, ephemeral(get('k')));
    cluster.pass(300);

    expect(cluster.leader().id).toBe(first.id);
    expect(first.group().term).toBeGreaterThan(term);
    expect(first.answers.get(2)).toMatchObject({ code: KeyValueCode.doesNotExist });
  });
});
