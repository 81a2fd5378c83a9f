import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZERO_TIMESTAMP } from '../../../core/clock/hybrid-clock.js';
import { mapForEach } from '../../../core/collections/ordered-map.js';
import { logIndex } from '../../../core/machine/units.js';
import {
  KeyValueCode,
  SetFlag,
  type KeyBound,
  type Lapse,
  type PageItem,
  type ScanOperation,
} from '../../../core/partition/command.js';
import { MAX_HISTORY } from '../../../core/partition/key-entry.js';
import { lapsesIn } from '../../../core/partition/lapse.js';
import { answerRead } from '../../../core/partition/partition.js';
import { keysLookedAt, MAX_PAGE_BYTES, MAX_PAGE_ITEMS } from '../../../core/partition/scan.js';
import { bytes, emptyPartition, get, remove, set, stamp, type PartitionUnderTest } from './support.js';

function scan(prefix: string, limit: number, others: Partial<ScanOperation> = {}): ScanOperation {
  return { type: 'Scan', prefix, limit, ...others };
}

function withKeys(keys: readonly string[]): PartitionUnderTest {
  const partition = emptyPartition();
  for (const [i, key] of keys.entries()) partition.apply(set(key, bytes(i)));
  return partition;
}

function keysOf(items: readonly PageItem[]): readonly string[] {
  return items.map(({ key }) => key);
}

/** All pages, one after the other, as a client asks for them: at the time that the first one shows. */
function allPages(partition: PartitionUnderTest, first: ScanOperation, between = () => {}): PageItem[] {
  const items: PageItem[] = [];
  let operation = first;
  for (let pages = 0; pages < 1000; pages += 1) {
    const page = partition.read(operation);
    expect(page.code).toBe(KeyValueCode.got);
    items.push(...page.items);
    if (!page.hasMore) return items;
    operation = { ...operation, at: page.at, from: { key: page.lastKey, inclusive: false } };
    between();
  }
  throw new Error('there is no end of pages');
}

describe('a page', () => {
  it('has what a get has, of the keys that begin with the prefix, in order', () => {
    const partition = withKeys(['a/2', 'a/1', 'a', 'b/1', 'a/10']);
    partition.apply(set('a/3', null, { expiresMs: 50 }), { stampedAt: stamp(9000) });

    const page = partition.read(scan('a/', 10));

    expect(keysOf(page.items)).toEqual(['a/1', 'a/10', 'a/2', 'a/3']);
    expect(page).toMatchObject({ hasMore: false, lastKey: 'a/3', at: stamp(9000) });
    for (const { key, ...item } of page.items) expect(partition.read(get(key))).toMatchObject(item);
    expect(page.items[3]).toEqual({
      key: 'a/3',
      value: null,
      revision: 0,
      lastModified: stamp(9000),
      expires: stamp(9050),
    });
  });

  it.each<[string, KeyBound | undefined, KeyBound | undefined, string]>([
    ['no bounds', undefined, undefined, 'p1 p2 p3'],
    ['a beginning', { key: 'p2', inclusive: true }, undefined, 'p2 p3'],
    ['a beginning that is not in it', { key: 'p2', inclusive: false }, undefined, 'p3'],
    ['a beginning between keys', { key: 'p11', inclusive: false }, undefined, 'p2 p3'],
    ['a beginning before the prefix', { key: 'a', inclusive: true }, undefined, 'p1 p2 p3'],
    ['a beginning after the prefix', { key: 'q', inclusive: true }, undefined, ''],
    ['an end', undefined, { key: 'p2', inclusive: true }, 'p1 p2'],
    ['an end that is not in it', undefined, { key: 'p2', inclusive: false }, 'p1'],
    ['an end before the beginning', { key: 'p3', inclusive: true }, { key: 'p1', inclusive: true }, ''],
    ['one key', { key: 'p2', inclusive: true }, { key: 'p2', inclusive: true }, 'p2'],
  ])('with %s', (_what, from, to, keys) => {
    const partition = withKeys(['o', 'p1', 'p2', 'p3', 'q', 'q1']);

    const page = partition.read({
      ...scan('p', 10),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    });

    expect(keysOf(page.items).join(' ')).toBe(keys);
    expect(page.hasMore).toBe(false);
  });

  it('says whether there may be more', () => {
    const partition = withKeys(['k1', 'k2', 'k3', 'l']);

    expect(partition.read(scan('k', 2))).toMatchObject({ hasMore: true, lastKey: 'k2' });
    expect(partition.read(scan('k', 3))).toMatchObject({ hasMore: false, lastKey: 'k3' });
  });

  it('of nothing at all is empty', () => {
    expect(emptyPartition().read(scan('k', 3))).toEqual({
      family: 'page',
      code: KeyValueCode.got,
      items: [],
      hasMore: false,
      lastKey: '',
      at: ZERO_TIMESTAMP,
    });
  });

  it('passes over dead keys, and counts on behind them', () => {
    const partition = withKeys(['k1', 'k2', 'k3', 'k4']);
    partition.apply(remove('k1'));
    partition.apply(set('k2', bytes(1), { expiresMs: 5 }));
    partition.apply(get('k2'), { lapsed: [{ space: 'key', name: 'k2', armedAt: logIndex(6) }] });

    expect(partition.read(scan('k', 1))).toMatchObject({ items: [{ key: 'k3' }], hasMore: true });
  });

  it('looks at so many keys and no more: it may be empty and yet have others after it', () => {
    const dead = Array.from({ length: keysLookedAt(1) }, (_, i) => `k${i + 1000}`);
    const partition = withKeys([...dead, 'kz']);
    for (const key of dead) partition.apply(remove(key));

    const page = partition.read(scan('k', 1));

    expect(page).toMatchObject({ items: [], hasMore: true, lastKey: dead.at(-1) });
    expect(keysOf(allPages(partition, scan('k', 1)))).toEqual(['kz']);
  });

  it('shows so many keys and no more, however many are asked for', () => {
    const partition = withKeys(Array.from({ length: MAX_PAGE_ITEMS + 1 }, (_, i) => `k${i + 10_000}`));

    const page = partition.read(scan('k', Number.MAX_SAFE_INTEGER));

    expect(page.items).toHaveLength(MAX_PAGE_ITEMS);
    expect(page.hasMore).toBe(true);
  });

  it('has so many bytes and no more, unless it is a single key', () => {
    const partition = emptyPartition();
    for (const key of ['k1', 'k2', 'k3']) partition.apply(set(key, new Uint8Array(MAX_PAGE_BYTES / 2 + 1)));
    partition.apply(set('k4', new Uint8Array(MAX_PAGE_BYTES + 1)));

    expect(partition.read(scan('k', 10))).toMatchObject({
      items: [{ key: 'k1' }],
      hasMore: true,
      lastKey: 'k1',
    });
    expect(keysOf(allPages(partition, scan('k', 10)))).toEqual(['k1', 'k2', 'k3', 'k4']);
  });

  it('shows no reserved keys', () => {
    const partition = withKeys(['__a', '__kahuna:x', '__z']);

    expect(keysOf(partition.read(scan('__', 10)).items)).toEqual(['__a', '__z']);
  });
});

describe('a page as of a time', () => {
  it('shows what was then', () => {
    const partition = withKeys(['k1', 'k2', 'k3']);
    const { at } = partition.read(scan('k', 10));
    partition.apply(set('k0', bytes(9)));
    partition.apply(set('k1', bytes(9)));
    partition.apply(remove('k2'));

    const page = partition.read(scan('k', 10, { at }));

    expect(page.items).toMatchObject([
      { key: 'k1', value: bytes(0) },
      { key: 'k2', value: bytes(1) },
      { key: 'k3', value: bytes(2) },
    ]);
    expect(page.at).toEqual(at);
  });

  it('ends before a key of which too little is known, and is no page where that is the first', () => {
    const partition = withKeys(['k1', 'k2', 'k3']);
    const { at } = partition.read(scan('k', 10));
    for (let i = 0; i <= MAX_HISTORY; i += 1) partition.apply(set('k2', bytes(i)));

    const first = partition.read(scan('k', 10, { at }));
    const second = scan('k', 10, { at, from: { key: first.lastKey, inclusive: false } });
    const { outcome, reason } = answerRead(partition.state, second);

    expect(first).toMatchObject({ items: [{ key: 'k1' }], hasMore: true });
    expect(outcome).toMatchObject({ family: 'page', code: KeyValueCode.errored, items: [] });
    expect(reason).toContain('"k2"');
  });

  it('is the same on the pages after the first one, whatever is written between them', () => {
    const key = fc.integer({ min: 0, max: 19 }).map((i) => `k${String(i).padStart(2, '0')}`);
    const write = fc.oneof(
      key.map((each) => set(each, bytes(1))),
      key.map((each) => set(each, bytes(2), { expiresMs: 5 })),
      key.map((each) => remove(each)),
      key,
    );
    fc.assert(
      fc.property(
        fc.array(write, { maxLength: 40 }),
        fc.array(write, { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        (before, after, limit) => {
          const partition = emptyPartition();
          const apply = (each: typeof write extends fc.Arbitrary<infer W> ? W : never): void => {
            if (typeof each !== 'string') partition.apply(each);
            else partition.apply(get('x'), { lapsed: lapsesIn(partition.state, get(each), () => true) });
          };
          before.forEach(apply);
          const whole = partition.read(scan('k', 100));
          let next = 0;

          const items = allPages(partition, scan('k', limit), () => {
            const each = after[next];
            next += 1;
            if (each !== undefined) apply(each);
          });

          expect(items.map((item) => [item.key, item.revision, item.value])).toEqual(
            whole.items.map((item) => [item.key, item.revision, item.value]),
          );
        },
      ),
    );
  });
});

describe('pages', () => {
  it('put together are a sorted filter of all keys', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\u{1f600}', '\uffff'), maxLength: 4 });
    const key = text.filter((each) => each !== '');
    const bound = fc.option(fc.record({ key: text, inclusive: fc.boolean() }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, fc.boolean()), { maxLength: 60 }),
        key,
        bound,
        bound,
        fc.integer({ min: 1, max: 5 }),
        (writes, prefix, from, to, limit) => {
          const partition = emptyPartition();
          const live = new Set<string>();
          for (const [name, stays] of writes) {
            partition.apply(stays ? set(name, null) : remove(name));
            if (stays) live.add(name);
            else live.delete(name);
          }
          const wanted = [...live]
            .filter((each) => each.startsWith(prefix))
            .filter((each) => from === undefined || each > from.key || (from.inclusive && each === from.key))
            .filter((each) => to === undefined || each < to.key || (to.inclusive && each === to.key))
            .sort((a, b) => (a < b ? -1 : 1));
          const bounds = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };

          expect(keysOf(allPages(partition, scan(prefix, limit, bounds)))).toEqual(wanted);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the lapses in a page', () => {
  const all = (): boolean => true;

  it('are those of the keys on it, and of those that come to it in their place', () => {
    const partition = emptyPartition();
    for (const key of ['k1', 'k2', 'k3', 'k4', 'k5']) partition.apply(set(key, bytes(1), { expiresMs: 5 }));
    partition.apply(set('k3', bytes(1)));

    const lapsed = lapsesIn(partition.state, scan('k', 1), all);
    const { outcome } = partition.apply(scan('k', 1), { lapsed });

    expect(lapsed).toEqual([
      { space: 'key', name: 'k1', armedAt: 1 },
      { space: 'key', name: 'k2', armedAt: 2 },
    ]);
    expect(outcome).toMatchObject({ items: [{ key: 'k3' }], hasMore: true });
  });

  it('are such that the page after them has none', () => {
    const step = fc.tuple(fc.nat(30), fc.constantFrom('for ever', 'over', 'living', 'deleted'));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (steps, limit) => {
        const partition = emptyPartition();
        const over = new Set<string>();
        for (const [number, state] of steps) {
          const key = `k${number}`;
          if (state === 'deleted') partition.apply(remove(key));
          else partition.apply(set(key, null, state === 'for ever' ? {} : { expiresMs: 5 }));
          if (state === 'over') over.add(key);
          else over.delete(key);
        }
        const hasEnded = (_space: Lapse['space'], name: string): boolean => over.has(name);

        const lapsed = lapsesIn(partition.state, scan('k', limit), hasEnded);
        const { outcome } = partition.apply(scan('k', limit), { lapsed });

        expect(keysOf(outcome.items).filter((key) => over.has(key))).toEqual([]);
        expect(lapsesIn(partition.state, scan('k', limit), hasEnded)).toEqual([]);
        const live: string[] = [];
        mapForEach(partition.state.keys, (key, entry) => {
          if (!entry.deleted && !over.has(key)) live.push(key);
        });
        expect(keysOf(outcome.items)).toEqual(live.slice(0, limit));
      }),
    );
  });

  it('are none of a page of the past, which shows what was, and some of one that is to come', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1), { expiresMs: 5, flags: SetFlag.set }), { stampedAt: stamp(100) });

    expect(lapsesIn(partition.state, scan('k', 1, { at: stamp(100) }), all)).toEqual([]);
    expect(lapsesIn(partition.state, scan('k', 1, { at: stamp(101) }), all)).toHaveLength(1);
  });
});
