/** The past of keys beyond their own histories: pages, which keep every superseded version, and their end. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareTimestamps, ZERO_TIMESTAMP, type Timestamp } from '../../../core/clock/hybrid-clock.js';
import { mapForEach, mapGet } from '../../../core/collections/ordered-map.js';
import { logIndex, revision } from '../../../core/machine/units.js';
import { KeyValueCode, SetFlag, type KeyValueOutcome, type Trim } from '../../../core/partition/command.js';
import { MAX_HISTORY, MAX_HISTORY_BYTES, MAX_UNPAGED_HISTORY } from '../../../core/partition/key-entry.js';
import { answerRead } from '../../../core/partition/partition.js';
import { FIRST_PAGE, mayReferTo, pageName, type PastPage } from '../../../core/partition/past.js';
import { bytes, get, pagedPartition, remove, set, stamp, type PartitionUnderTest } from './support.js';
import { atOnce, commit, decide, drop, prepareHere, put, settle } from './transaction-support.js';

const { noRevision } = SetFlag;

/** Writes a key so often; the write at the index i has the time of 1,000 ms + i. */
function write(partition: PartitionUnderTest, times: number, key = 'k', size = 2): void {
  for (let i = 0; i < times; i += 1) {
    partition.apply(set(key, new Uint8Array(size).fill(partition.state.applied)));
  }
}

function pages(partition: PartitionUnderTest): readonly PastPage[] {
  const found: PastPage[] = [];
  const { past } = partition.state;
  if (past !== undefined) mapForEach(past.pages, (_, page) => void found.push(page));
  return found;
}

const history = (partition: PartitionUnderTest, key = 'k'): readonly number[] =>
  (mapGet(partition.state.keys, key)?.history ?? []).map((version) => version.revision);

const span = ({ oldest, newest }: PastPage): readonly number[] => [oldest, newest];

function trim(partition: PartitionUnderTest, rules: Partial<Trim>): readonly PastPage[] {
  const all = { from: '', to: '', keep: 0, before: ZERO_TIMESTAMP };
  return partition.apply(get('k'), { trim: { ...all, ...rules } }).pages?.removed ?? [];
}

describe('the superseded versions of a key', () => {
  it('go into a page many at a time, all but the newest', () => {
    const partition = pagedPartition();
    write(partition, MAX_UNPAGED_HISTORY + 1);
    const before = pages(partition);
    const full = history(partition);
    write(partition, 1);

    expect(before).toEqual([]);
    expect(full).toHaveLength(MAX_UNPAGED_HISTORY);
    expect(history(partition)).toHaveLength(MAX_HISTORY);
    expect(pages(partition).map(span)).toEqual([[0, MAX_UNPAGED_HISTORY - MAX_HISTORY]]);
  });

  it('leave no page behind on a key that has few', () => {
    const partition = pagedPartition();
    write(partition, MAX_UNPAGED_HISTORY + 1);

    expect('past' in partition.state).toBe(false);
  });

  it('are all found, by their numbers and by their times, however many there are', () => {
    const partition = pagedPartition();
    write(partition, 500);

    for (let i = 0; i < 500; i += 1) {
      const value = new Uint8Array(2).fill(i);
      const found = { code: KeyValueCode.got, revision: i, value, lastModified: stamp(1_001 + i) };
      expect(partition.read(get('k', { revision: i }))).toMatchObject(found);
      expect(partition.read(get('k', { at: stamp(1_001 + i) }))).toMatchObject(found);
      expect(partition.read(get('k', { at: stamp(1_001 + i, 7) }))).toMatchObject(found);
    }
    expect(partition.read(get('k', { at: stamp(1_000) })).code).toBe(KeyValueCode.doesNotExist);
    expect(partition.read(get('k', { revision: 500 })).code).toBe(KeyValueCode.doesNotExist);
  });

  it('are told apart from those of every other key, whatever its name is', () => {
    const partition = pagedPartition();
    const names = ['k', 'k0', `k${'0'.repeat(16)}`, 'kk', pageName('k', 0), '\u0000', 'k\u0000'];
    for (const name of names) write(partition, 40, name);

    for (const name of names) {
      const entry = mapGet(partition.state.keys, name);
      for (let i = 0; i < 40; i += 1) {
        const found = partition.read(get(name, { revision: i }));
        expect([name, found.code, found.revision]).toEqual([name, KeyValueCode.got, i]);
        expect(partition.read(get(name, { at: found.lastModified }))).toMatchObject({ revision: i });
      }
      expect(entry?.revision).toBe(39);
    }
  });

  it('go sooner where they are large: a key with its history must fit into one message', () => {
    const partition = pagedPartition();
    write(partition, 4, 'k', MAX_HISTORY_BYTES / 2);

    expect(history(partition)).toEqual([2]);
    expect(pages(partition).map(span)).toEqual([[0, 1]]);
    expect(partition.read(get('k', { revision: 0 })).value).toHaveLength(MAX_HISTORY_BYTES / 2);
  });

  it('go even at once where one alone is too large', () => {
    const partition = pagedPartition();
    write(partition, 2, 'k', MAX_HISTORY_BYTES + 1);

    expect(history(partition)).toEqual([]);
    expect(pages(partition).map(span)).toEqual([[0, 0]]);
    expect(partition.read(get('k', { at: stamp(1_001) }))).toMatchObject({ revision: 0 });
  });

  it('are found also where transactions wrote them, at once or when they were settled', () => {
    const partition = pagedPartition();
    const written: Timestamp[] = [];
    for (let i = 0; i < 100; i += 1) {
      const writes = ['a', 'b'].map((key) => (i % 3 === 2 ? drop(key) : put(key, bytes(i))));
      if (i % 2 === 0) partition.apply(atOnce(`t${i}`, { writes }));
      else {
        const { at } = partition.apply(prepareHere(`t${i}`, { writes })).outcome;
        partition.apply(decide(`t${i}`, commit(at)));
        partition.apply(settle(`t${i}`, commit(at)));
      }
      written.push(partition.state.lastModified);
    }

    for (const key of ['a', 'b']) {
      expect(written.map((at) => partition.read(get(key, { at })).value?.[0])).toEqual(
        written.map((_, i) => (i % 3 === 2 ? undefined : i)),
      );
    }
    // Two pages of one entry have names of their own.
    const names = pages(partition).map(({ versions }) => versions.index);
    expect(names.toSorted((a, b) => a - b)).toEqual(names.map((_, i) => FIRST_PAGE + i));
  });

  it('show what keys were at a time, page by page', () => {
    const partition = pagedPartition();
    for (let i = 0; i < 60; i += 1) for (const key of ['p/a', 'p/b']) write(partition, 1, key);
    const at = partition.read(get('p/b', { revision: 10 })).lastModified;
    const { items, hasMore } = partition.read({ type: 'Scan', prefix: 'p/', limit: 10, at });

    expect(items.map((item) => [item.key, item.revision])).toEqual([
      ['p/a', 10],
      ['p/b', 10],
    ]);
    expect(hasMore).toBe(false);
  });

  it('where one is missing by a wish between two pages, what was then is not known', () => {
    for (let gap = 1; gap < 60; gap += 1) {
      const partition = pagedPartition();
      write(partition, gap);
      const before = partition.state.lastModified;
      partition.apply(set('k', bytes(1), { flags: noRevision }));
      const after = partition.state.lastModified;
      write(partition, 80);

      // The version before was not kept, so nobody knows until when the one before that was to be seen.
      expect(partition.read(get('k', { at: before })).code).toBe(KeyValueCode.errored);
      expect(partition.read(get('k', { revision: gap - 1 })).code).toBe(KeyValueCode.doesNotExist);
      expect(partition.read(get('k', { at: after }))).toMatchObject({ revision: gap });
    }
  });

  it('cannot be told where their page is not at hand, and the answer says that alone', () => {
    const partition = pagedPartition();
    write(partition, 40);
    const nothing = { valueOf: () => bytes(), versionsOf: () => undefined };

    const cold = answerRead(partition.state, get('k', { revision: 0 }), nothing);
    const warm = answerRead(partition.state, get('k', { revision: 39 }), nothing);
    const page = answerRead(
      partition.state,
      { type: 'Scan', prefix: 'k', limit: 10, at: stamp(1_005) },
      nothing,
    );

    expect([cold.lacks, warm.lacks, page.lacks]).toEqual([true, undefined, true]);
  });

  it('are named for good: a page that came later is not one of an earlier state', () => {
    const partition = pagedPartition();
    write(partition, 40);
    const { state } = partition;
    write(partition, 40);
    const [first, second] = pages(partition).map(({ versions }) => versions.index);

    expect([first, second].map((name) => mayReferTo(state, name ?? logIndex(1)))).toEqual([true, false]);
    expect(mayReferTo(state, state.applied)).toBe(true);
    expect(mayReferTo(state, logIndex(state.applied + 1))).toBe(false);
  });
});

describe('retention', () => {
  it('keeps at least so many revisions, and not a page more', () => {
    const partition = pagedPartition();
    write(partition, 200);
    const removed = trim(partition, { keep: 50 });
    const [first] = pages(partition);

    expect(removed.every(({ newest }) => newest <= 199 - 50)).toBe(true);
    expect(first?.newest).toBeGreaterThan(199 - 50);
    expect(partition.read(get('k', { revision: 150 })).code).toBe(KeyValueCode.got);
    expect(partition.read(get('k', { revision: 100 })).code).toBe(KeyValueCode.errored);
    expect(partition.read(get('k', { at: stamp(1_101) })).code).toBe(KeyValueCode.errored);
    expect(mapGet(partition.state.keys, 'k')?.forgotten).toBe(removed.at(-1)?.newest);
  });

  it('keeps what could be seen at a time, and later', () => {
    for (const at of [1_020, 1_032, 1_033, 1_080, 1_500]) {
      const partition = pagedPartition();
      write(partition, 200);
      trim(partition, { before: stamp(at) });

      expect(partition.read(get('k', { at: stamp(at) }))).toMatchObject({
        revision: Math.min(at - 1_001, 199),
      });
    }
  });

  it('removes nothing that is in the memory of a key', () => {
    const partition = pagedPartition();
    write(partition, 200);
    trim(partition, { keep: 1, before: stamp(99_999) });

    expect(pages(partition)).toEqual([]);
    expect(history(partition).length).toBeGreaterThanOrEqual(MAX_HISTORY);
    expect(partition.state.past?.written).toBeGreaterThan(5);
  });

  it('looks at the pages from a name on, up to another one, and no others', () => {
    const partition = pagedPartition();
    for (const key of ['a', 'b', 'c']) write(partition, 40, key);
    trim(partition, { keep: 1, from: pageName('b', 0), to: pageName('c', 0) });

    expect(pages(partition).map(({ key }) => key)).toEqual(['a', 'c']);
  });

  it('counts revisions of which nothing is kept like others', () => {
    const partition = pagedPartition();
    write(partition, 40);
    for (let i = 0; i < 10; i += 1) partition.apply(set('k', bytes(i), { flags: noRevision }));
    const [page] = pages(partition);
    const newest = revision(page?.newest ?? 0);
    const distance = 49 - newest;
    const kept = trim(partition, { keep: distance + 1 });
    const gone = trim(partition, { keep: distance });

    expect([kept.length, gone.length]).toEqual([0, 1]);
  });

  it('changes the digest by which replicas are compared', () => {
    const digests = [{ keep: 1 }, { keep: 2 }, { keep: 1, before: stamp(5) }, { keep: 1, from: 'x' }].map(
      (rules) => {
        const partition = pagedPartition();
        write(partition, 40);
        trim(partition, rules);
        return partition.state.digest;
      },
    );

    expect(new Set(digests).size).toBe(4);
  });
});

describe('a read of the past', () => {
  it('tells what a read at that time was told, or that it does not know; and knows all that nobody gave up', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b'),
      kind: fc.constantFrom(
        'set',
        'set',
        'set',
        'set',
        'many',
        'expiring',
        'delete',
        'lapse',
        'wish',
        'trim',
      ),
      byte: fc.nat(255),
    });
    let known = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 60, maxLength: 160 }), fc.boolean(), (steps, givesUp) => {
        const partition = pagedPartition();
        const told: { at: Timestamp; key: string; outcome: KeyValueOutcome }[] = [];
        for (const { key, kind, byte } of steps) {
          if (kind === 'delete') partition.apply(remove(key));
          else if (kind === 'many') {
            const writes = [{ ...put(key, bytes(byte)), revisions: 3 }];
            partition.apply(atOnce(`t${partition.state.applied}`, { writes }));
          } else if (kind === 'lapse') {
            const armedAt = mapGet(partition.state.keys, key)?.armedAt ?? logIndex(0);
            partition.apply(get(key), { lapsed: [{ space: 'key', name: key, armedAt }] });
          } else if (kind === 'trim' && givesUp) trim(partition, { keep: 1 + (byte % 60) });
          else {
            const flags = kind === 'wish' && givesUp ? noRevision : SetFlag.set;
            const life = kind === 'expiring' ? { expiresMs: 10 } : {};
            partition.apply(set(key, bytes(byte), { flags, ...life }));
          }
          const at = partition.state.lastModified;
          for (const each of ['a', 'b']) told.push({ at, key: each, outcome: partition.read(get(each)) });
        }
        for (const { at, key, outcome } of told) {
          if (compareTimestamps(at, ZERO_TIMESTAMP) === 0) continue;
          const now = partition.read(get(key, { at }));
          if (now.code === KeyValueCode.errored) expect(givesUp).toBe(true);
          else {
            known += 1;
            const seen = ({ code, revision: of, value }: KeyValueOutcome): unknown => [code, of, value];
            expect(seen(now)).toEqual(seen(outcome));
          }
        }
      }),
      { numRuns: 150 },
    );
    expect(known).toBeGreaterThan(5_000);
  });
});
