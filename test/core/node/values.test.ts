import { describe, expect, it } from 'vitest';
import { fifoToArray } from '../../../core/collections/fifo.js';
import { emptyOrderedMap, mapForEach, mapGet } from '../../../core/collections/ordered-map.js';
import { radixGet } from '../../../core/collections/radix-array.js';
import type { NodeEffect, NodeEvent } from '../../../core/node/node.js';
import type { NodeOptions } from '../../../core/node/options.js';
import type { GroupValues } from '../../../core/node/value-store.js';
import type { Revision } from '../../../core/machine/units.js';
import { KeyValueCode, SetFlag, type ClientCall } from '../../../core/partition/command.js';
import type { KeyEntry } from '../../../core/partition/key-entry.js';
import { forEachReference } from '../../../core/partition/key-history.js';
import {
  effectsOf,
  get,
  restartNode,
  revisionOf,
  set,
  startReadyCluster,
  startReadyNode,
  textOf,
  type InFlight,
  type TestNode,
} from './support.js';
import { ask, coldKeys, newToken } from './kept-apart.js';
import { call } from './operations.js';
import { commitAt, decide, FIRST, prepare, settle, staged, timeIn, tx } from './transacting.js';

/** Values of four bytes and more are kept apart, and memory lets go of all that it may. */
const APART = { separateValuesFrom: 4, maxValueBytesInMemory: 0 };
/** Memory has room for everything, so nothing is written before it must be. */
const ROOMY = { separateValuesFrom: 4, maxValueBytesInMemory: 1_000_000 };
/** Snapshots only when a test has one taken. */
const NO_SNAPSHOTS = { snapshotEveryEntries: 1_000_000, snapshotEveryValueBytes: 1_000_000_000 };

function write(node: TestNode, key: string, text: string, flags = 1): void {
  expect(node.answers.get(ask(node, set(key, text, undefined, flags)))).toMatchObject({
    code: KeyValueCode.set,
  });
}

/** What a read shows, the disk answering whatever it is asked. */
function read(node: TestNode, request: ClientCall): string | null | undefined {
  const asked = ask(node, request);
  node.answerReads();
  return textOf(node.answers.get(asked));
}

const valuesOf = (node: TestNode): GroupValues | undefined =>
  node.state.values === undefined ? undefined : radixGet(node.state.values.groups, 1);

const heldBytes = (node: TestNode): number => node.state.values?.heldBytes ?? 0;

const entryOf = (node: TestNode, key: string) => {
  const group = radixGet(node.state.groups, 1);
  return group === undefined ? undefined : mapGet(group.partition.keys, key);
};

function haltOf(effects: readonly NodeEffect[]): string | undefined {
  return effectsOf(effects, 'Halt')[0]?.reason;
}

function ready(options: Partial<NodeOptions> = APART): TestNode {
  return startReadyNode({ ...NO_SNAPSHOTS, ...options });
}

/** A node whose value of the key `k` is on the disk alone. */
function withColdValue(text: string, options: Partial<NodeOptions> = {}): TestNode {
  const node = ready({ ...APART, ...options });
  write(node, 'k', text);
  expect(heldBytes(node)).toBe(0);
  return node;
}

describe('a value that is kept apart', () => {
  it('stands in the state as a reference; a shorter one as itself', () => {
    const node = ready(ROOMY);
    write(node, 'long', 'four');
    write(node, 'short', 'two');

    expect(entryOf(node, 'long')?.value).toMatchObject({ bytes: 4 });
    expect(entryOf(node, 'short')?.value).toEqual(Uint8Array.from([116, 119, 111]));
    expect(valuesOf(node)?.held).toBeDefined();
  });

  it('is read from memory as long as it is there', () => {
    const node = ready(ROOMY);
    write(node, 'k', 'value');

    const asked = ask(node, get('k'));

    expect(node.reading).toEqual([]);
    expect(textOf(node.answers.get(asked))).toBe('value');
  });

  it('leaves nothing in the state of a node that keeps none', () => {
    const node = ready({ separateValuesFrom: 1_000 });
    write(node, 'k', 'value');

    expect('values' in node.state).toBe(false);
  });

  it('is compared without being read, and equals what it was and nothing else', () => {
    const node = withColdValue('value');
    const compare = (text: string): ClientCall => {
      const { operation } = set('k', 'other', undefined, SetFlag.set | SetFlag.ifEqualToValue);
      const compareValue = Uint8Array.from(text, (character) => character.charCodeAt(0));
      return { operation: { ...operation, compareValue } as ClientCall['operation'] };
    };

    const sameLength = ask(node, compare('valuf'));
    const shorter = ask(node, compare('valu'));
    const equal = ask(node, compare('value'));

    expect(node.reading).toEqual([]);
    expect(node.answers.get(sameLength)).toMatchObject({ code: KeyValueCode.notSet });
    expect(node.answers.get(shorter)).toMatchObject({ code: KeyValueCode.notSet });
    expect(node.answers.get(equal)).toMatchObject({ code: KeyValueCode.set });
  });
});

describe('the background writer', () => {
  it('writes nothing while memory has room for it', () => {
    const node = ready(ROOMY);
    for (let i = 0; i < 10; i += 1) write(node, `k${i}`, `value ${i}`);

    expect(coldKeys(node)).toEqual([]);
  });

  it('writes many values at once when more than half of the room is unwritten, oldest first', () => {
    const node = ready({ ...APART, maxValueBytesInMemory: 100 });
    for (let i = 0; i < 5; i += 1) write(node, `k${i}`, '0123456789');
    const before = coldKeys(node).length;

    write(node, 'k5', '0123456789');

    expect(before).toBe(0);
    expect(coldKeys(node)).toHaveLength(4);
    expect(node.state.values).toMatchObject({ heldBytes: 60, unwrittenBytes: 20 });
  });

  it('never writes a value that was overwritten before', () => {
    const node = ready({ ...ROOMY, snapshotEveryEntries: 12, snapshotPercentOfRecords: 0 });
    for (let i = 0; i < 40; i += 1) write(node, 'k', `value ${i}`, SetFlag.set | SetFlag.noRevision);

    const written = coldKeys(node);

    expect(node.group().snapshotIndex).toBeGreaterThan(24);
    expect(written.length).toBeLessThanOrEqual(1);
    expect(heldBytes(node)).toBeLessThan(10);
  });

  it('writes what a snapshot refers to with it, and the snapshot holds the reference alone', () => {
    const node = ready({ ...ROOMY, snapshotEveryEntries: 3, snapshotPercentOfRecords: 0 });
    for (let i = 0; i < 3; i += 1) write(node, `k${i}`, 'x'.repeat(5_000));

    const chunks = node.stored.flatMap(({ value }) =>
      value.type === 'SnapshotChunk' ? [value.bytes.length] : [],
    );

    expect(node.group().snapshotIndex).toBeGreaterThan(2);
    expect(coldKeys(node).length).toBeGreaterThanOrEqual(2);
    expect(Math.max(...chunks)).toBeLessThan(1_500);
  });
});

describe('a snapshot that is being written', () => {
  it('finds on the disk what it refers to, also what is overwritten before its chunk is made', () => {
    const node = ready({
      ...ROOMY,
      snapshotEveryEntries: 7,
      snapshotPercentOfRecords: 0,
      snapshotChunkBytes: 1,
    });
    for (let i = 0; i < 5; i += 1) write(node, `k${i}`, `value ${i}`);
    node.turn({
      type: 'RequestReceived',
      token: newToken(),
      request: set('k0', 'other', undefined, SetFlag.set),
    });
    while (node.state.writing.length === 0) node.complete(node.underWay[0]?.write);
    const image = node.state.writing[0]?.state;

    write(node, 'k4', 'newer', SetFlag.set | SetFlag.noRevision);
    const { snapshot } = radixGet(node.state.groups, 1)?.raft ?? {};
    const referred: number[] = [];
    mapForEach(snapshot?.state.keys ?? emptyOrderedMap<KeyEntry>(), (_, entry) => {
      forEachReference(entry, ({ index }) => void referred.push(index));
    });
    const onDisk = coldKeys(node).map((key) => Number.parseInt(key.slice(key.lastIndexOf('/') + 1), 16));

    expect(snapshot?.state).toBe(image);
    expect(referred.length).toBeGreaterThanOrEqual(6);
    expect(onDisk).toEqual(expect.arrayContaining(referred));
  });
});

describe('memory', () => {
  it('keeps the values that were used last', () => {
    const node = ready({ ...APART, maxValueBytesInMemory: 30 });
    for (const key of ['a', 'b', 'c']) write(node, key, `value of ${key}`);
    for (const key of ['a', 'b', 'c']) expect(read(node, get(key))).toBe(`value of ${key}`);
    expect(heldBytes(node)).toBeLessThanOrEqual(30);
    expect(read(node, get('b'))).toBe('value of b');

    const again = ask(node, get('b'));

    expect(node.reading).toEqual([]);
    expect(textOf(node.answers.get(again))).toBe('value of b');
  });

  it('keeps a value until its record is durable, however little room there is', () => {
    const node = ready(APART);
    node.turn({ type: 'RequestReceived', token: newToken(), request: set('k', 'value') });
    node.complete();

    const underWay = node.underWay.flatMap(({ changes }) => changes);
    const held = heldBytes(node);
    const asked = ask(node, get('k'));

    expect(underWay).toMatchObject([{ type: 'Put', value: { type: 'Value' } }]);
    expect(held).toBe(5);
    expect(textOf(node.answers.get(asked))).toBe('value');
    expect(heldBytes(node)).toBe(0);
  });
});

describe('a read of a value that is on the disk alone', () => {
  it('asks for it, and is answered when it has come', () => {
    const node = withColdValue('value');

    const asked = ask(node, get('k'));
    const before = node.answers.get(asked);
    node.answerReads();

    expect(before).toBeUndefined();
    expect(textOf(node.answers.get(asked))).toBe('value');
    expect(node.state.values).toMatchObject({ waitingReads: 0 });
  });

  it('does not stop the key: it shows what was when it came', () => {
    const node = withColdValue('value');

    const asked = ask(node, get('k'));
    write(node, 'k', 'newer value');
    node.answerReads();

    expect(textOf(node.answers.get(asked))).toBe('value');
    expect(revisionOf(node.answers.get(asked))).toBe(0);
  });

  it('is one read of the disk for all who wait', () => {
    const node = withColdValue('value');

    const first = ask(node, get('k'));
    const second = ask(node, get('k'));
    const reads = node.reading.length;
    node.answerReads();

    expect(reads).toBe(1);
    expect([first, second].map((each) => textOf(node.answers.get(each)))).toEqual(['value', 'value']);
  });

  it('shows revisions of the history, and pages', () => {
    const node = ready(APART);
    write(node, 'a', 'first');
    write(node, 'a', 'second');
    write(node, 'b', 'other');

    const old = read(node, { operation: { type: 'Get', key: 'a', revision: 0 as Revision } });
    const page = ask(node, { operation: { type: 'Scan', prefix: 'a', limit: 10 } });
    node.answerReads();

    expect(old).toBe('first');
    expect(node.answers.get(page)).toMatchObject({
      items: [{ key: 'a', value: Uint8Array.from('second', (character) => character.charCodeAt(0)) }],
    });
  });

  it('is not needed to tell that a key exists', () => {
    const node = withColdValue('value');

    const asked = ask(node, { operation: { type: 'Exists', key: 'k' } });

    expect(node.reading).toEqual([]);
    expect(node.answers.get(asked)).toMatchObject({ code: KeyValueCode.exists });
  });

  it('is put off where as many wait as may', () => {
    const node = withColdValue('value', { maxValueReads: 2 });
    ask(node, get('k'));
    ask(node, get('k'));

    const third = ask(node, get('k'));

    expect(node.answers.get(third)).toMatchObject({ code: KeyValueCode.mustRetry });
    expect(node.answers.get(third)?.reason).toContain('maxValueReads');
  });

  it('halts the node when the disk gives something else', () => {
    const others: ((key: string, number: number) => NodeEvent)[] = [
      (_, number) => ({ type: 'ReadFailed', read: number, reason: 'the disk is gone' }),
      (_, number) => ({ type: 'ReadCompleted', read: number, value: undefined }),
      (_, number) => ({
        type: 'ReadCompleted',
        read: number,
        value: { type: 'Value', bytes: Uint8Array.from('valuf', (c) => c.charCodeAt(0)) },
      }),
      (_, number) => ({
        type: 'ReadCompleted',
        read: number,
        value: { type: 'SnapshotChunk', bytes: Uint8Array.from('value', (c) => c.charCodeAt(0)) },
      }),
    ];
    for (const other of others) {
      const node = withColdValue('value');
      const asked = ask(node, get('k'));
      const [under] = node.reading;

      const effects = node.turn(other(under?.key ?? '', under?.read ?? -1));

      expect(haltOf(effects)).toBeDefined();
      expect(node.answers.get(asked)).toBeUndefined();
    }
  });

  it('halts nothing when nobody waits for it any more', () => {
    const node = withColdValue('value');

    const effects = node.turn({ type: 'ReadCompleted', read: 7, value: undefined });

    expect(effects).toEqual([]);
  });
});

describe('the record of a value', () => {
  const SNAPPY = { ...APART, snapshotEveryEntries: 1, snapshotPercentOfRecords: 0, keepEntries: 0 };
  const plain = SetFlag.set | SetFlag.noRevision;

  it('goes with the first snapshot that refers to it no more', () => {
    const node = ready(SNAPPY);
    write(node, 'k', 'value', plain);
    const [first] = coldKeys(node);
    write(node, 'k', 'newer', plain);
    write(node, 'k', 'newest', plain);

    expect(first).toBeDefined();
    expect(coldKeys(node)).not.toContain(first);
    expect(coldKeys(node)).toHaveLength(1);
  });

  it('goes as well where a transaction has replaced it', () => {
    const node = ready(SNAPPY);
    write(node, 'k', 'value', plain);
    write(node, 'other', 'value', plain);
    expect(coldKeys(node)).toHaveLength(2);

    const replaced = [{ ...staged('k', 'newer'), noRevision: true }] as const;
    ask(
      node,
      call({ type: 'CommitAtOnce', group: FIRST, transaction: tx('A'), writes: replaced, reads: [] }),
    );
    const replacedToo = [{ ...staged('other', 'newer'), noRevision: true }] as const;
    const prepared = node.answers.get(ask(node, prepare('B', replacedToo)));
    ask(node, decide('B', commitAt(timeIn(prepared))));
    ask(node, settle('B', commitAt(timeIn(prepared))));
    write(node, 'l', 'l', plain);
    write(node, 'l', 'm', plain);

    expect(read(node, get('k'))).toBe('newer');
    expect(coldKeys(node)).toHaveLength(0);
  });

  it('stays while a read waits for it, and goes then', () => {
    const node = ready(SNAPPY);
    write(node, 'k', 'value', plain);
    const [first] = coldKeys(node);

    const asked = ask(node, get('k'));
    write(node, 'k', 'newer', plain);
    write(node, 'k', 'newest', plain);
    const meanwhile = coldKeys(node);
    node.answerReads();
    write(node, 'other', 'and so on', plain);

    expect(meanwhile).toContain(first);
    expect(textOf(node.answers.get(asked))).toBe('value');
    expect(coldKeys(node)).not.toContain(first);
  });

  it('that stayed for a read is looked for after a crash', () => {
    const node = ready(SNAPPY);
    write(node, 'k', 'value', plain);
    const [first] = coldKeys(node);
    ask(node, get('k'));
    write(node, 'k', 'newer', plain);
    write(node, 'k', 'newest', plain);
    expect(coldKeys(node)).toContain(first);

    const again = restartNode(node);
    again.now += 3_000;
    again.turn({ type: 'TimerFired' });
    while (again.underWay.length > 0) again.complete();
    write(again, 'k', 'after all', plain);

    expect(coldKeys(again)).not.toContain(first);
  });

  it('of a version of the history stays as long as the version', () => {
    const node = ready(SNAPPY);
    for (let i = 0; i < 20; i += 1) write(node, 'k', `value ${i}`);

    expect(coldKeys(node)).toHaveLength(20);
    expect(read(node, { operation: { type: 'Get', key: 'k', revision: 5 as Revision } })).toBe('value 5');
  });
});

describe('a node that starts again', () => {
  it('has its values on the disk, and reads them when it is asked', () => {
    const node = ready({ ...APART, snapshotEveryEntries: 2, snapshotPercentOfRecords: 0, keepEntries: 0 });
    for (let i = 0; i < 5; i += 1) write(node, `k${i}`, `value ${i}`);

    const again = restartNode(node);
    again.now += 3_000;
    again.turn({ type: 'TimerFired' });
    while (again.underWay.length > 0) again.complete();

    for (let i = 0; i < 5; i += 1) expect(read(again, get(`k${i}`))).toBe(`value ${i}`);
    expect(entryOf(again, 'k1')).toEqual(entryOf(node, 'k1'));
  });
});

describe('a snapshot for a follower', () => {
  const SMALL = {
    ...APART,
    snapshotEveryEntries: 10,
    snapshotPercentOfRecords: 0,
    keepEntries: 0,
    maxKeepEntries: 0,
    snapshotChunkBytes: 100,
  };

  function straggling() {
    const cluster = startReadyCluster(3, SMALL);
    const leader = cluster.leader();
    const id = cluster.ids.find((one) => one !== leader.id) as number;
    const without = ({ from, to }: InFlight): boolean => from !== id && to !== id;
    for (let i = 0; i < 25; i += 1) {
      cluster.ask(leader.id, 1_000 + i, set(`k${i}`, `value ${i}`));
      cluster.settle(without);
    }
    return { cluster, leader, id };
  }

  /** Lets time pass until the last chunk of a snapshot was sent, and takes it off the network. */
  function lastChunks(cluster: ReturnType<typeof startReadyCluster>): readonly InFlight[] {
    const held: InFlight[] = [];
    for (let i = 0; i < 400 && held.length === 0; i += 1) {
      cluster.pass(10, (one) => {
        if (one.message.type !== 'SnapshotChunk' || !one.message.last) return true;
        held.push(one);
        return false;
      });
    }
    return held;
  }

  it('comes with the values, which are read from the disk of the leader', () => {
    const { cluster, leader, id } = straggling();
    expect(heldBytes(leader)).toBe(0);

    cluster.pass(4_000);
    const follower = cluster.node(id);

    expect(follower.group()).toMatchObject({ digest: leader.group().digest, keys: 25 });
    expect(coldKeys(follower)).toHaveLength(25);
    const asked = ask(follower, { operation: { type: 'Get', key: 'k3', mode: 'stale' } });
    follower.answerReads();
    expect(textOf(follower.answers.get(asked))).toBe('value 3');
  });

  it('leaves nothing of the values before it, and they are found again after a restart', () => {
    const { cluster, id } = straggling();
    cluster.pass(4_000);
    const generation = valuesOf(cluster.node(id))?.generation ?? 0;

    cluster.restart(id);
    const follower = cluster.node(id);

    expect(generation).toBeGreaterThan(0);
    expect(valuesOf(follower)?.generation).toBe(generation);
    expect(new Set(coldKeys(follower).map((key) => key.split('/')[2])).size).toBe(1);
    const asked = ask(follower, { operation: { type: 'Get', key: 'k3', mode: 'stale' } });
    follower.answerReads();
    expect(textOf(follower.answers.get(asked))).toBe('value 3');
  });

  it('has its values read when they are durable: until then a stale read waits, and is tried again', () => {
    const { cluster, id } = straggling();
    const held = lastChunks(cluster);
    const follower = cluster.node(id);
    for (const { from, message } of held) {
      follower.turn({ type: 'MessageReceived', from: from as never, message });
    }
    expect(follower.group().applied).toBeGreaterThan(0);
    expect(follower.underWay).toHaveLength(1);

    const asked = 77_777;
    const request = { operation: { type: 'Get', key: 'k3', mode: 'stale' } } as const;
    follower.turn({ type: 'RequestReceived', token: asked, request });
    follower.answerReads();
    expect(follower.answers.has(asked)).toBe(false);

    follower.complete();
    follower.now += follower.options.heartbeatIntervalMs;
    follower.turn({ type: 'TimerFired' });
    follower.answerReads();
    expect(textOf(follower.answers.get(asked))).toBe('value 3');
  });

  it('turns back reads that wait for values before it, which are then looked for where it put them', () => {
    const cluster = startReadyCluster(3, SMALL);
    const leader = cluster.leader();
    const id = cluster.ids.find((one) => one !== leader.id) as number;
    const follower = cluster.node(id);
    const write = (i: number, filter?: (one: InFlight) => boolean): void => {
      cluster.ask(leader.id, 1_000 + i, set(`k${i % 12}`, `value ${i}`));
      cluster.settle(filter);
    };
    for (let i = 0; i < 24; i += 1) write(i);
    cluster.pass(200);
    for (let i = 24; i < 60; i += 1) write(i, ({ from, to }) => from !== id && to !== id);
    cluster.network = [];
    const held = lastChunks(cluster);
    const asked = 77_777;
    const request = { operation: { type: 'Get', key: 'k0', mode: 'stale' } } as const;
    follower.turn({ type: 'RequestReceived', token: asked, request });
    expect(follower.reading).toHaveLength(1);

    const effects = held.flatMap(({ from, message }) =>
      follower.turn({ type: 'MessageReceived', from: from as never, message }),
    );

    expect(valuesOf(follower)?.generation).toBeGreaterThan(0);
    expect(effectsOf(effects, 'Read')).toEqual([]);
    follower.complete();
    follower.now += follower.options.heartbeatIntervalMs;
    follower.turn({ type: 'TimerFired' });
    follower.answerReads();
    expect(textOf(follower.answers.get(asked))).toBe('value 48');
  });

  it('is given up where the values are not those to which it refers', () => {
    const { cluster, id } = straggling();
    const damaged: InFlight[] = [];
    cluster.pass(1_500, ({ message }) => message.type !== 'SnapshotChunk');
    cluster.network = [];
    for (let i = 0; i < 100 && damaged.length === 0; i += 1) {
      cluster.pass(10, (one) => {
        if (one.message.type !== 'SnapshotChunk' || one.message.values === undefined) return true;
        damaged.push(one);
        return false;
      });
    }
    const [first] = damaged;
    if (first?.message.type !== 'SnapshotChunk') throw new Error('no chunk with values was sent');
    const { message, from } = first;
    const values = message.values?.map(({ index, bytes }) => ({
      index,
      bytes: bytes.map((byte) => byte ^ 1),
    }));
    const follower = cluster.node(id);
    const known = follower.state.receiving.length;

    follower.turn({
      type: 'MessageReceived',
      from: from as never,
      message: values === undefined ? message : { ...message, values },
    });

    expect(known).toBe(0);
    expect(follower.state.receiving).toEqual([]);
    expect(follower.underWay.flatMap(({ changes }) => changes).filter(({ type }) => type === 'Put')).toEqual(
      [],
    );
  });
});

describe('what a state no longer refers to', () => {
  it('is noted in order, until its record is gone', () => {
    const node = ready(APART);
    for (let i = 0; i < 3; i += 1) write(node, 'k', `value ${i}`, SetFlag.set | SetFlag.noRevision);

    const noted = fifoToArray(valuesOf(node)?.superseded ?? ({ front: [], back: [] } as never));

    expect(noted).toHaveLength(2);
    expect(noted.every(({ at, index }) => at > index)).toBe(true);
  });
});
