/** How the leader of a sequence hands out its values. */

import { describe, expect, it } from 'vitest';
import { groupId, nodeId } from '../../../core/machine/units.js';
import { groupOf } from '../../../core/node/turn.js';
import { SequenceCode } from '../../../core/partition/sequence-command.js';
import type { ClientCall } from '../../../core/partition/command.js';
import { call, commandsAfter, createSequence, reserve, valuesOf } from './operations.js';
import { effectsOf, startReadyCluster, startReadyNode, type InFlight, type TestNode } from './support.js';

const away =
  (node: number) =>
  ({ from, to }: InFlight): boolean =>
    from !== node && to !== node;

function ask(node: TestNode, token: number, request: ClientCall): string | number | undefined {
  node.turn({ type: 'RequestReceived', token, request });
  while (node.underWay.length > 0) node.complete();
  return valuesOf(node.answers.get(token));
}

/** A node with a sequence, counted from 1 in steps of 1. */
function startWith(
  more: { readonly blockSize?: number; readonly maxValue?: number } = {},
  options: Parameters<typeof startReadyNode>[0] = {},
): TestNode {
  const node = startReadyNode(options);
  ask(node, 1, createSequence('s', more));
  return node;
}

function blocksIn(node: TestNode): number {
  return groupOf(node.state, groupId(1)).lead?.blocks.size ?? -1;
}

describe('a reservation', () => {
  it('takes a block through the log, and the next ones come from memory', () => {
    const node = startWith({ blockSize: 10 });
    const first = ask(node, 2, reserve());
    const { applied } = node.group();

    const effects = node.turn({ type: 'RequestReceived', token: 3, request: reserve(4) });

    expect(first).toBe('1..1');
    expect(valuesOf(node.answers.get(3))).toBe('2..5');
    expect(effectsOf(effects, 'Persist')).toEqual([]);
    expect(node.group().applied).toBe(applied);
    expect(node.answers.get(3)).toMatchObject({
      record: { currentValue: 10 },
      allocation: { count: 4, revision: 1 },
      servedAt: { group: 1, index: applied },
    });
  });

  it('takes blocks of the node’s size where the sequence says nothing', () => {
    const node = startWith({}, { sequenceBlockSize: 7 });

    ask(node, 2, reserve());

    expect(node.answers.get(2)).toMatchObject({ record: { currentValue: 7 } });
  });

  it('is never made of two blocks: what is left of the old one is abandoned', () => {
    const node = startWith({ blockSize: 10 });

    const all = [ask(node, 2, reserve(8)), ask(node, 3, reserve(3)), ask(node, 4, reserve(2))];

    expect(all).toEqual(['1..8', '11..13', '14..15']);
  });

  it('larger than a block takes just what it needs', () => {
    const node = startWith({ blockSize: 10 });

    expect([ask(node, 2, reserve(25)), ask(node, 3, reserve(1))]).toEqual(['1..25', '26..26']);
    expect(node.answers.get(3)).toMatchObject({ record: { currentValue: 35 } });
  });

  it('beyond the limit is refused, and leaves the block as it is', () => {
    const node = startWith({ blockSize: 10, maxValue: 12 });
    ask(node, 2, reserve(5));
    const { applied } = node.group();

    const answers = [ask(node, 3, reserve(6)), ask(node, 4, reserve(5))];

    expect(answers).toEqual([SequenceCode.maxValueExceeded, '6..10']);
    expect(node.group().applied).toBe(applied);
    expect([ask(node, 5, reserve(2)), ask(node, 6, reserve(1))]).toEqual([
      '11..12',
      SequenceCode.maxValueExceeded,
    ]);
  });

  it('of an unknown sequence is refused without a write', () => {
    const node = startReadyNode();
    const { applied } = node.group();

    expect([ask(node, 1, reserve()), ask(node, 2, reserve(1, 'key'))]).toEqual([
      SequenceCode.notFound,
      SequenceCode.notFound,
    ]);
    expect(node.group().applied).toBe(applied);
  });

  it('of a block size of 1 is a write for every value, without gaps', () => {
    const node = startWith({ blockSize: 1 });

    const all = [2, 3, 4].map((token) => ask(node, token, reserve()));

    expect(all).toEqual(['1..1', '2..2', '3..3']);
    expect(blocksIn(node)).toBe(0);
  });

  it('that is asked again under its id while its block is on its way waits for the same values', () => {
    const node = startWith({ blockSize: 10 });
    for (const token of [2, 3]) {
      node.turn({ type: 'RequestReceived', token, request: reserve(2, undefined, 's', 'once') });
    }
    while (node.underWay.length > 0) node.complete();

    expect([2, 3].map((token) => valuesOf(node.answers.get(token)))).toEqual(['1..2', '1..2']);
    expect(ask(node, 4, reserve(1))).toBe('3..3');
  });

  it('is served by a leader that is confirmed, and by no other', () => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();
    cluster.ask(leader.id, 1, createSequence());
    cluster.settle();
    cluster.ask(leader.id, 2, reserve());
    cluster.settle();

    cluster.ask(leader.id, 3, reserve());
    const early = leader.answers.has(3);
    cluster.pass(6_000, away(leader.id));

    expect(early).toBe(false);
    expect(valuesOf(leader.answers.get(2))).toBe('1..1');
    expect(valuesOf(leader.answers.get(3))).toBe(SequenceCode.mustRetry);
  });
});

describe('a block', () => {
  it.each([
    ['the sequence is changed', [call({ type: 'UpdateSequence', name: 's', currentValue: 100 })], '101..101'],
    ['it is deleted and made anew', [call({ type: 'DeleteSequence', name: 's' }), createSequence()], '1..1'],
  ] as const)('is given up when %s', (_what, changes, expected) => {
    const node = startWith({ blockSize: 10 });
    ask(node, 2, reserve(3));

    changes.forEach((change, i) => ask(node, 3 + i, change));

    expect(ask(node, 10, reserve())).toBe(expected);
  });

  it('is lost with the leadership: the next leader begins above it', () => {
    const cluster = startReadyCluster(3);
    const first = cluster.leader();
    const other = (first.id % 3) + 1;
    cluster.ask(first.id, 1, createSequence('s', { blockSize: 10 }));
    cluster.settle();
    cluster.ask(first.id, 2, reserve(3));
    cluster.settle();
    const held = blocksIn(first);
    cluster.pass(3_000, away(first.id));

    cluster.ask(other, 3, reserve());
    cluster.pass(1_000, away(first.id));
    cluster.pass(1_500);

    expect(held).toBe(1);
    expect(cluster.leader().id).not.toBe(first.id);
    expect(valuesOf(cluster.node(other).answers.get(3))).toBe('11..11');
    expect(groupOf(first.state, groupId(1)).lead).toBeUndefined();
  });

  it('that an earlier leader asked for is not handed out by the one that finds it in the log', () => {
    const cluster = startReadyCluster(3);
    const first = cluster.leader();
    cluster.ask(first.id, 1, createSequence('s', { blockSize: 10 }));
    cluster.settle();
    const other = (first.id % 3) + 1;
    cluster.ask(other, 2, reserve(3, undefined, 's', 'once'));
    // The block is replicated, but nobody hears that it is.
    cluster.settle(
      ({ from, message }) => message.type === 'Forward' || (from === first.id && message.type === 'Group'),
    );
    cluster.pass(4_000, away(first.id));
    const next = cluster.leader();

    cluster.ask(next.id, 3, reserve());
    cluster.pass(500, away(first.id));

    expect(next.id).not.toBe(first.id);
    expect(valuesOf(cluster.node(other).answers.get(2))).toBe('1..3');
    expect(valuesOf(next.answers.get(3))).toBe('11..11');
  });
});

describe('reservations that come while a block is on its way', () => {
  it('wait in line for it, and for the next', () => {
    const node = startWith({ blockSize: 3 });

    node.turn(
      ...[2, 3, 4, 5].map((token) => ({ type: 'RequestReceived', token, request: reserve(2) }) as const),
    );
    const early = [2, 3, 4, 5].some((token) => node.answers.has(token));
    while (node.underWay.length > 0) node.complete();

    expect(early).toBe(false);
    expect([2, 3, 4, 5].map((token) => valuesOf(node.answers.get(token)))).toEqual([
      '1..2',
      '4..5',
      '7..8',
      '10..11',
    ]);
  });

  it('are turned away where the line is full', () => {
    const node = startWith({ blockSize: 10 }, { maxWaitingReservations: 2 });

    node.turn(
      ...[2, 3, 4, 5].map((token) => ({ type: 'RequestReceived', token, request: reserve() }) as const),
    );
    const refused = node.answers.get(5);
    while (node.underWay.length > 0) node.complete();

    expect(refused).toMatchObject({ code: SequenceCode.mustRetry });
    expect(refused?.reason).toMatch(/^overloaded: 2 reservations wait .* retry it later/);
    expect([2, 3, 4].map((token) => valuesOf(node.answers.get(token)))).toEqual(['1..1', '2..2', '3..3']);
  });

  it('are told to try again when the leadership is lost, and get values of the next leader', () => {
    const cluster = startReadyCluster(3);
    const first = cluster.leader();
    cluster.ask(first.id, 1, createSequence('s', { blockSize: 10 }));
    cluster.settle();
    const other = (first.id % 3) + 1;
    cluster.ask(other, 2, reserve());
    cluster.ask(other, 3, reserve());
    // Confirmed, and in line; but the block is not accepted by anybody.
    cluster.settle(({ message }) => message.type !== 'Group' || message.message.type !== 'Append');
    const line = groupOf(first.state, groupId(1)).lead?.blocks;
    const told: unknown[] = [];
    cluster.pass(3_000, (one) => {
      if (one.from === first.id && one.message.type === 'ForwardAnswer') told.push(one.message.result);
      return away(first.id)(one);
    });

    cluster.pass(1_500);

    expect(line?.size).toBe(1);
    expect(cluster.leader().id).not.toBe(first.id);
    expect(told).toMatchObject([{ type: 'TryAgain' }, { type: 'TryAgain' }]);
    const values = [2, 3].map((token) => valuesOf(cluster.node(other).answers.get(token)));
    expect(new Set(values)).toEqual(new Set(['1..1', '2..2']));
  });
});

describe('a leader that does not know that it is deposed', () => {
  it('gives nothing of a block that is accepted late to those who came after the next leader gave of its own', () => {
    const cluster = startReadyCluster(3);
    const first = cluster.leader();
    const others = cluster.ids.filter((id) => id !== first.id);
    cluster.ask(first.id, 1, createSequence('s', { blockSize: 10 }));
    cluster.settle();
    // The block is everywhere, but the leader is cut off before it hears so, and its clock stands still.
    cluster.ask(first.id, 2, reserve());
    const late: InFlight[] = [];
    cluster.settle((one) => {
      if (one.to === first.id) late.push(one);
      return one.to !== first.id;
    });
    for (let passed = 0; passed < 4_000; passed += 10) {
      for (const id of others) {
        const node = cluster.node(id);
        node.now += 10;
        if (node.timerAt <= node.now) cluster.turn(id, { type: 'TimerFired' });
      }
      cluster.settle(away(first.id));
    }
    const next = cluster.leader();
    cluster.ask(next.id, 3, reserve());
    cluster.settle(away(first.id));

    cluster.ask(first.id, 4, reserve());
    for (const { from, message } of late) {
      cluster.turn(first.id, { type: 'MessageReceived', from: nodeId(from), message });
      cluster.network = [];
    }

    expect(next.id).not.toBe(first.id);
    expect(valuesOf(next.answers.get(3))).toBe('11..11');
    expect(valuesOf(first.answers.get(2))).toBe('1..1');
    expect(first.answers.has(4)).toBe(false);
  });
});

describe('an idempotency key', () => {
  it('has the values written down before they are told, though the block has room', () => {
    const node = startWith({ blockSize: 10 });
    ask(node, 2, reserve(2));
    const { applied } = node.group();

    node.turn({ type: 'RequestReceived', token: 3, request: reserve(2, 'key') });
    const early = node.answers.has(3);
    const meanwhile = node.turn({ type: 'RequestReceived', token: 4, request: reserve() });
    while (node.underWay.length > 0) node.complete();

    expect(early).toBe(false);
    expect(effectsOf(meanwhile, 'Reply')).toHaveLength(1);
    expect([3, 4].map((token) => valuesOf(node.answers.get(token)))).toEqual(['3..4', '5..5']);
    expect(commandsAfter(node, applied)).toMatchObject([{ take: { type: 'Part', start: 3 } }]);
    expect(node.answers.get(3)).toMatchObject({ record: { currentValue: 10 } });
  });

  it('gives the same values again, and costs none', () => {
    const node = startWith({ blockSize: 10 });

    const all = [
      ask(node, 2, reserve(2, 'key')),
      ask(node, 3, reserve(2, 'key')),
      ask(node, 4, reserve(3, 'key')),
      ask(node, 5, reserve()),
    ];

    expect(all).toEqual(['1..2', '1..2', SequenceCode.invalidInput, '3..3']);
  });

  it('gives the same values under the next leader', () => {
    const cluster = startReadyCluster(3);
    const first = cluster.leader();
    const other = (first.id % 3) + 1;
    cluster.ask(other, 1, createSequence('s', { blockSize: 10 }));
    cluster.settle();
    cluster.ask(other, 2, reserve(2));
    cluster.settle();
    cluster.ask(other, 3, reserve(2, 'key'));
    cluster.settle();
    cluster.pass(3_000, away(first.id));

    cluster.ask(other, 4, reserve(2, 'key'));
    cluster.pass(1_000, away(first.id));

    expect(cluster.leader().id).not.toBe(first.id);
    expect([3, 4].map((token) => valuesOf(cluster.node(other).answers.get(token)))).toEqual(['3..4', '3..4']);
  });

  it('takes a block where there is none, and hands out the rest of it', () => {
    const node = startWith({ blockSize: 10 });

    expect([ask(node, 2, reserve(2, 'key')), ask(node, 3, reserve())]).toEqual(['1..2', '3..3']);
  });
});
