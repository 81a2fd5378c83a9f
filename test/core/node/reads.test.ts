/** Reads of every mode through the nodes of a cluster. */

import { describe, expect, it } from 'vitest';
import { emptyRadixArray, radixFirstDifference } from '../../../core/collections/radix-array.js';
import type { NodeEvent } from '../../../core/node/node.js';
import type { PendingRead } from '../../../core/node/state.js';
import type { ClientCall, SpecialReadMode } from '../../../core/partition/command.js';
import {
  effectsOf,
  get,
  set,
  startReadyCluster,
  textOf,
  type InFlight,
  type TestCluster,
} from './support.js';

const MODES = ['lease', 'follower', 'stale'] as const;

function read(key: string, mode: SpecialReadMode): ClientCall {
  return { operation: { type: 'Get', key, mode } };
}

/** A ready cluster in which `a` is `1` everywhere. */
function startWritten(): { readonly cluster: TestCluster; readonly leader: number; readonly other: number } {
  const cluster = startReadyCluster(3);
  const leader = cluster.leader().id;
  cluster.ask(leader, 1, set('a', '1'));
  cluster.pass(300);
  return { cluster, leader, other: (leader % 3) + 1 };
}

const away =
  (node: number) =>
  ({ from, to }: InFlight): boolean =>
    from !== node && to !== node;

describe('a read of any mode', () => {
  it.each(MODES)('%s is answered through every node', (mode) => {
    const { cluster } = startWritten();

    for (const id of cluster.ids) cluster.ask(id, 10, read('a', mode));
    cluster.pass(100);

    expect(cluster.ids.map((id) => textOf(cluster.node(id).answers.get(10)))).toEqual(['1', '1', '1']);
  });

  it.each(['linearizable', 'lease', 'follower'] as const)(
    '%s sees what was acknowledged before it was asked, though its node is behind',
    (mode) => {
      const { cluster, leader, other } = startWritten();
      cluster.ask(leader, 2, set('a', '2'));
      cluster.settle(away(other));

      cluster.ask(other, 10, mode === 'linearizable' ? get('a') : read('a', mode));
      cluster.settle();
      const early = cluster.node(other).answers.get(10);
      cluster.pass(1000);

      expect(cluster.node(leader).answers.get(2)).toMatchObject({ code: 0 });
      expect(early === undefined || textOf(early) === '2').toBe(true);
      expect(textOf(cluster.node(other).answers.get(10))).toBe('2');
    },
  );
});

describe('a read by lease', () => {
  it('is answered by the leader in the turn in which it is asked, without a message', () => {
    const { cluster, leader } = startWritten();

    const effects = cluster.ask(leader, 10, read('a', 'lease'));

    expect(effectsOf(effects, 'Send')).toEqual([]);
    expect(textOf(cluster.node(leader).answers.get(10))).toBe('1');
  });

  it('goes to the leader from another node, and asks nobody else', () => {
    const { cluster, other } = startWritten();

    cluster.ask(other, 10, read('a', 'lease'));
    const kinds: string[] = [];
    cluster.settle(({ message }) => {
      kinds.push(message.type === 'Group' ? message.message.type : message.type);
      return true;
    });

    expect(kinds).toEqual(['Forward', 'ForwardAnswer']);
    expect(textOf(cluster.node(other).answers.get(10))).toBe('1');
  });

  it('is not answered by a leader that has been cut off for longer than its lease', () => {
    const { cluster, leader } = startWritten();
    cluster.node(leader).now += 960;

    cluster.ask(leader, 10, read('a', 'lease'));

    expect(cluster.node(leader).answers.has(10)).toBe(false);
  });
});

describe('a read at a follower', () => {
  it('asks the leader once for all reads of a turn, and hands nothing on', () => {
    const { cluster, other } = startWritten();

    const effects = cluster.turn(
      other,
      { type: 'RequestReceived', token: 10, request: read('a', 'follower') },
      { type: 'RequestReceived', token: 11, request: read('b', 'follower') },
    );
    cluster.settle();

    const sent = effectsOf(effects, 'Send').flatMap(({ messages }) => messages);
    expect(sent).toMatchObject([{ type: 'Group', message: { type: 'ReadIndexRequest' } }]);
    expect(textOf(cluster.node(other).answers.get(10))).toBe('1');
    expect(cluster.node(other).answers.get(11)).toMatchObject({ code: 103 });
  });

  it('whose question was lost is asked again', () => {
    const { cluster, leader, other } = startWritten();
    cluster.ask(other, 10, read('a', 'follower'));
    cluster.network = cluster.network.filter(({ to }) => to !== leader);

    cluster.pass(600);

    expect(textOf(cluster.node(other).answers.get(10))).toBe('1');
  });

  it('is answered under the next leader when its leader is gone', () => {
    const { cluster, leader, other } = startWritten();
    cluster.ask(other, 10, read('a', 'follower'));

    cluster.pass(3000, away(leader));

    expect(textOf(cluster.node(other).answers.get(10))).toBe('1');
  });

  it('leaves nothing behind', () => {
    const { cluster, other } = startWritten();
    cluster.ask(other, 10, read('a', 'follower'));
    cluster.network = [];
    cluster.pass(2000);

    const { state } = cluster.node(other);

    expect(textOf(cluster.node(other).answers.get(10))).toBe('1');
    expect(radixFirstDifference(state.reads, emptyRadixArray<PendingRead>(), 0)).toBeUndefined();
  });
});

describe('a stale read', () => {
  it('is answered at once where no leader is known, from what the node has', () => {
    const { cluster, leader, other } = startWritten();
    cluster.ask(leader, 2, set('a', '2'));
    cluster.settle(away(other));
    cluster.pass(2500, away(other));

    const effects = cluster.ask(other, 10, read('a', 'stale'));

    expect(cluster.node(other).group().leader).toBe(0);
    expect(effectsOf(effects, 'Send')).toEqual([]);
    expect(textOf(cluster.node(other).answers.get(10))).toBe('1');
  });
});

describe('reads that wait to be confirmed', () => {
  const reads = (tokens: readonly number[]): readonly NodeEvent[] =>
    tokens.map((token) => ({ type: 'RequestReceived', token, request: get('a') }) as const);

  it('are turned away beyond a number, and lost by nobody', () => {
    const cluster = startReadyCluster(3, { maxOpenReads: 2 });
    const leader = cluster.leader();

    cluster.turn(leader.id, ...reads([1, 2, 3]));
    const early = [1, 2, 3].filter((token) => leader.answers.has(token));
    const { openReads } = leader.state;
    cluster.settle();
    cluster.turn(leader.id, ...reads([4]));
    cluster.settle();

    expect(early).toEqual([3]);
    expect(openReads).toBe(2);
    expect(leader.answers.get(3)).toMatchObject({ code: 101 });
    expect(leader.answers.get(3)?.reason).toMatch(
      /^overloaded: 2 reads wait .*maxOpenReads.* retry it later$/,
    );
    expect([1, 2, 4].map((token) => leader.answers.get(token)?.code)).toEqual([103, 103, 103]);
    expect(leader.state.openReads).toBe(0);
  });

  it('are counted at followers too, and not for ever', () => {
    const { cluster, leader, other } = startWritten();
    cluster.ask(other, 10, read('a', 'follower'));
    const waiting = cluster.node(other).state.openReads;
    cluster.pass(3_000, away(leader));

    expect(waiting).toBe(1);
    expect(cluster.node(other).state.openReads).toBe(0);
  });

  it('do not count where nobody has to be asked', () => {
    const cluster = startReadyCluster(3, { maxOpenReads: 1 });
    const leader = cluster.leader();
    cluster.turn(leader.id, ...reads([1]));

    cluster.ask(leader.id, 2, read('a', 'stale'));

    expect(leader.answers.get(2)).toMatchObject({ code: 103 });
  });
});
