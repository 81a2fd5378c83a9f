/** The past of keys on a node: on its disk, read from there, sent with snapshots, and at its end. */

import { describe, expect, it } from 'vitest';
import { mapForEach } from '../../../core/collections/ordered-map.js';
import { radixGet } from '../../../core/collections/radix-array.js';
import { ZERO_TIMESTAMP } from '../../../core/clock/hybrid-clock.js';
import { groupId, logIndex, nodeId, term, wallMs, type Revision } from '../../../core/machine/units.js';
import type { NodeOptions } from '../../../core/node/options.js';
import {
  KeyValueCode,
  type ClientAnswer,
  type ClientCall,
  type Operation,
  type RequestId,
  type Trim,
} from '../../../core/partition/command.js';
import { MAX_HISTORY } from '../../../core/partition/key-entry.js';
import { FIRST_PAGE, pageName, type PastPage } from '../../../core/partition/past.js';
import { encodeCommand } from '../../../core/wire/index.js';
import { ask, coldKeys } from './kept-apart.js';
import { call, commandsAfter } from './operations.js';
import {
  effectsOf,
  restartNode,
  set,
  startNode,
  startReadyCluster,
  startReadyNode,
  textOf,
  type InFlight,
  type TestNode,
} from './support.js';
import { FIRST, staged, tx } from './transacting.js';

/** Everything goes to the disk, and memory lets go of it; values of 8 bytes and more are apart from their versions. */
const COLD = {
  separateValuesFrom: 8,
  maxValueBytesInMemory: 0,
  snapshotEveryEntries: 1_000_000,
  snapshotEveryValueBytes: 1_000_000_000,
};
/** A snapshot after each entry. */
const SNAPPY = { ...COLD, snapshotEveryEntries: 1, snapshotPercentOfRecords: 0, keepEntries: 0 };

/** The answer, the disk giving whatever it is asked for, however often. Counts the rounds in which it was asked. */
function read(node: TestNode, request: ClientCall): { answer: ClientAnswer | undefined; rounds: number } {
  const asked = ask(node, request);
  let rounds = 0;
  for (; node.reading.length > 0; rounds += 1) node.answerReads();
  return { answer: node.answers.get(asked), rounds };
}

function write(node: TestNode, times: number, key = 'k', text: (i: number) => string = (i) => `v${i}`): void {
  for (let i = 0; i < times; i += 1) ask(node, set(key, text(i)));
}

const revision = (wanted: number, key = 'k', rest: object = {}): ClientCall =>
  call({ type: 'Get', key, revision: wanted as Revision, ...rest });

function pagesOf(node: TestNode, group = 1): readonly PastPage[] {
  const pages: PastPage[] = [];
  const { past } = radixGet(node.state.groups, group)?.partition ?? {};
  if (past !== undefined) mapForEach(past.pages, (_, page) => void pages.push(page));
  return pages;
}

const coldPages = (node: TestNode): readonly string[] =>
  coldKeys(node).filter((key) => Number.parseInt(key.slice(key.lastIndexOf('/') + 1), 16) >= FIRST_PAGE);

/** Time passes, as the node asks to be woken. */
function pass(node: TestNode, ms: number): void {
  const until = node.now + ms;
  const goTo = (time: number): void => {
    node.wall += time - node.now;
    node.now = time;
  };
  while (node.timerAt <= until) {
    goTo(Math.max(node.now, node.timerAt));
    node.turn({ type: 'TimerFired' });
    while (node.underWay.length > 0) node.complete();
  }
  goTo(until);
}

const ready = (options: Partial<NodeOptions> = COLD): TestNode => startReadyNode(options);

describe('a revision for which a key has no room any more', () => {
  it('is read from the disk, in one go where its value is with it', () => {
    const node = ready();
    write(node, 100);

    expect(pagesOf(node).length).toBeGreaterThan(3);
    expect(coldPages(node)).toHaveLength(pagesOf(node).length);
    for (const wanted of [0, 7, 40, 60]) {
      const { answer, rounds } = read(node, revision(wanted));
      expect([textOf(answer), rounds]).toEqual([`v${wanted}`, 1]);
    }
    expect(read(node, revision(99))).toMatchObject({ rounds: 0, answer: { code: KeyValueCode.got } });
  });

  it('is read in two where its value is apart', () => {
    const node = ready();
    write(node, 100, 'k', (i) => `a value of its own, ${i}`);

    const { answer, rounds } = read(node, revision(5));

    expect([textOf(answer), rounds]).toEqual(['a value of its own, 5', 2]);
    expect(node.state.values).toMatchObject({ waitingReads: 0 });
  });

  it('exists, and is shown at its time, and on a page of its time', () => {
    const node = ready();
    write(node, 100);
    const { answer: old } = read(node, revision(5));
    if (old === undefined || !('lastModified' in old)) throw new Error('no answer');
    const at = old.lastModified;

    const exists = read(node, call({ type: 'Exists', key: 'k', revision: 5 as Revision }));
    const then = read(node, call({ type: 'Get', key: 'k', at }));
    const page = read(node, call({ type: 'Scan', prefix: 'k', limit: 5, at }));

    expect(exists).toMatchObject({ rounds: 1, answer: { code: KeyValueCode.exists, revision: 5 } });
    expect(then).toMatchObject({ rounds: 1, answer: { code: KeyValueCode.got, revision: 5 } });
    expect(page).toMatchObject({ rounds: 1, answer: { items: [{ key: 'k', revision: 5 }] } });
  });

  it('is there though a transaction wrote the key', () => {
    const node = ready();
    for (let i = 0; i < 50; i += 1) {
      const writes = [staged('k', `v${i}`)];
      ask(node, call({ type: 'CommitAtOnce', group: FIRST, transaction: tx(`t${i}`), writes, reads: [] }));
    }

    expect(textOf(read(node, revision(3)).answer)).toBe('v3');
  });

  it('does not stop the key: it is answered from what was when it was asked for', () => {
    const node = ready();
    write(node, 60, 'k', (i) => `a value of its own, ${i}`);

    const asked = ask(node, revision(5));
    node.answerReads();
    write(node, 60, 'k', (i) => `later, ${i}`);
    node.answerReads();

    expect(textOf(node.answers.get(asked))).toBe('a value of its own, 5');
  });

  it('is forgotten of an ephemeral key, which is in memory alone', () => {
    const node = ready();
    for (let i = 0; i < 60; i += 1)
      ask(node, call({ ...set('k', `v${i}`).operation, ephemeral: true } as never));

    expect(read(node, revision(5, 'k', { ephemeral: true })).answer).toMatchObject({
      code: KeyValueCode.errored,
    });
    expect(pagesOf(node)).toEqual([]);
  });

  it('halts the node where the disk gives another page', () => {
    const node = ready();
    write(node, 60);
    ask(node, revision(5));
    const [under] = node.reading;

    const effects = node.turn({ type: 'ReadCompleted', read: under?.read ?? -1, value: undefined });

    expect(effectsOf(effects, 'Halt')[0]?.reason).toContain('is gone');
  });
});

describe('the past after a restart', () => {
  for (const [name, options] of [
    ['in the log alone', COLD],
    ['in a snapshot', SNAPPY],
    ['in memory before', { ...COLD, maxValueBytesInMemory: 1_000_000 }],
  ] as const) {
    it(`is what it was, ${name}`, () => {
      const node = ready(options);
      write(node, 80, 'k', (i) => `a value of its own, ${i}`);
      write(node, 80, 'short');
      const pages = pagesOf(node);

      const again = restartNode(node);
      pass(again, 3_000);

      expect(pages.length).toBeGreaterThan(4);
      expect(pagesOf(again)).toEqual(pages);
      for (const wanted of [0, 20, 79]) {
        expect(textOf(read(again, revision(wanted)).answer)).toBe(`a value of its own, ${wanted}`);
        expect(textOf(read(again, revision(wanted, 'short')).answer)).toBe(`v${wanted}`);
      }
    });
  }
});

describe('a snapshot for a follower', () => {
  it('comes with the past, which is read from the disk of the leader', () => {
    const options = { ...COLD, snapshotEveryEntries: 10, snapshotPercentOfRecords: 0, keepEntries: 0 };
    const cluster = startReadyCluster(3, { ...options, maxKeepEntries: 0, snapshotChunkBytes: 100 });
    const leader = cluster.leader();
    const id = cluster.ids.find((one) => one !== leader.id) as number;
    const without = ({ from, to }: InFlight): boolean => from !== id && to !== id;
    for (let i = 0; i < 120; i += 1) {
      const [key, text] = i % 2 === 0 ? ['k', `a value of its own, ${i / 2}`] : ['short', `v${(i - 1) / 2}`];
      cluster.ask(leader.id, 1_000 + i, set(key, text));
      cluster.settle(without);
    }
    cluster.pass(6_000);
    const follower = cluster.node(id);

    expect(follower.group().digest).toBe(leader.group().digest);
    expect(pagesOf(follower)).toEqual(pagesOf(leader));
    expect(coldPages(follower)).toHaveLength(pagesOf(leader).length);
    expect(textOf(read(follower, revision(3, 'k', { mode: 'stale' })).answer)).toBe('a value of its own, 3');
    expect(textOf(read(follower, revision(3, 'short', { mode: 'stale' })).answer)).toBe('v3');
    cluster.restart(id);
    expect(textOf(read(cluster.node(id), revision(9, 'k', { mode: 'stale' })).answer)).toBe(
      'a value of its own, 9',
    );
  });
});

describe('pages that go', () => {
  it('leave nothing on the disk, also where a newer page of their key went before', () => {
    const node = startNode({ voters: [1, 2, 3], options: { ...SNAPPY, meta: false } });
    const clock = (i: number) => ({ node: nodeId(2), wall: wallMs(1_000 + i), counter: 0 });
    let last = logIndex(0);
    const append = (operation: Operation, trim?: Trim): void => {
      const index = logIndex(last + 1);
      const added = trim === undefined ? {} : { trim };
      const plain = { requestId: `r${index}` as RequestId, basis: last, stampedAt: clock(index), operation };
      const entries = [{ term: term(1), payload: encodeCommand({ ...plain, ...added }) }];
      const before = { previousIndex: last, previousTerm: term(last === 0 ? 0 : 1) };
      const message = { type: 'Append' as const, term: term(1), ...before, entries, commit: index };
      node.turn({
        type: 'MessageReceived',
        from: nodeId(2),
        message: { type: 'Group', group: groupId(1), message },
      });
      while (node.underWay.length > 0) node.complete();
      last = index;
    };
    for (let i = 0; i < 70; i += 1) append(set('k', `v${i}`).operation);
    const names = pagesOf(node).map(({ oldest }) => pageName('k', oldest));
    const [first, second, third] = names;
    const read: Operation = { type: 'Exists', key: 'k' };
    const rules = { keep: 1, before: ZERO_TIMESTAMP };
    append(read, { from: second ?? '', to: third ?? '', ...rules });
    append(read, { from: first ?? '', to: second ?? '', ...rules });
    append(read);
    append(read);

    expect(names).toHaveLength(3);
    expect(pagesOf(node)).toHaveLength(1);
    expect(coldPages(node)).toHaveLength(1);
  });
});

describe('a leader whose options bound the past', () => {
  const BOUND = { ...SNAPPY, persistentRevisionRetentionCount: 20, persistentRevisionCleanupMs: 5_000 };

  it('says what is to go when it is time, and nothing while there is nothing', () => {
    const node = ready({ ...BOUND, snapshotEveryEntries: 1_000_000 });
    write(node, 100);
    const before = pagesOf(node).length;
    const { applied } = node.group();
    pass(node, 4_000);
    const early = pagesOf(node).length;
    pass(node, 30_000);

    expect(early).toBe(before);
    expect(pagesOf(node).length).toBeLessThanOrEqual(1);
    expect(commandsAfter(node, applied).filter(({ trim }) => trim !== undefined)).toHaveLength(1);
    expect(read(node, revision(3)).answer).toMatchObject({ code: KeyValueCode.errored });
    expect(textOf(read(node, revision(85)).answer)).toBe('v85');
  });

  it('leaves nothing of it on the disk, neither pages nor the values to which they alone referred', () => {
    const node = ready(BOUND);
    write(node, 100, 'k', (i) => `a value of its own, ${i}`);
    const before = coldKeys(node).length;
    pass(node, 6_000);
    write(node, 3, 'other');

    const kept = pagesOf(node).reduce((sum, { values }) => sum + values.length + 1, 0);
    expect(before).toBeGreaterThan(100);
    expect(coldKeys(node).length).toBeLessThanOrEqual(kept + 2 * MAX_HISTORY + 1);
    expect(coldPages(node)).toHaveLength(pagesOf(node).length);
    expect(textOf(read(node, revision(85)).answer)).toBe('a value of its own, 85');
  });

  it('keeps what was superseded of late, by age', () => {
    const node = ready({
      ...SNAPPY,
      persistentRevisionRetentionAgeMs: 60_000,
      persistentRevisionCleanupMs: 1_000,
    });
    write(node, 50);
    pass(node, 40_000);
    const early = pagesOf(node).length;
    pass(node, 40_000);

    expect(early).toBeGreaterThan(0);
    expect(pagesOf(node)).toEqual([]);
  });

  it('has all replicas do so, alike', () => {
    const cluster = startReadyCluster(3, {
      persistentRevisionRetentionCount: 1,
      persistentRevisionCleanupMs: 500,
    });
    const leader = cluster.leader();
    for (let i = 0; i < 100; i += 1) {
      cluster.ask(leader.id, 5_000 + i, set('k', `v${i}`));
      cluster.settle();
    }
    const before = pagesOf(leader).length;
    cluster.pass(2_000);

    expect(before).toBeGreaterThan(3);
    expect(cluster.ids.map((id) => pagesOf(cluster.node(id)).length)).toEqual([0, 0, 0]);
  });

  it('sets no alarm where there is no past, nor when all of it is gone', () => {
    const node = ready({ ...BOUND, quiesceAfterMs: 100, persistentRevisionRetentionCount: 1 });
    write(node, 5);
    pass(node, 10_000);
    const idle = radixGet(node.state.groups, 1)?.lead?.trimming;
    write(node, 50);
    pass(node, 20_000);

    expect(idle).toBeUndefined();
    expect(pagesOf(node)).toEqual([]);
    expect(radixGet(node.state.groups, 1)?.lead?.trimming).toBeUndefined();
  });
});
