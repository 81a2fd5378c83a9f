import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addDeadline,
  emptyFifo,
  emptyOrderedMap,
  emptyRadixArray,
  fifoPop,
  fifoPush,
  mapDelete,
  mapSet,
  monotonicMs,
  radixDelete,
  radixSet,
  type DeadlineHeap,
  type OrderedMap,
} from '../../../core/index.js';
import {
  buildTimeline,
  diffStates,
  hashValue,
  nodeSubject,
  tellDiff,
  unfoldCollection,
} from '../../../sim/index.js';
import { parsePath, pathTo, show, valueAt } from '../../../sim/trace/show.js';
import { recorded, shortStorm } from '../support/recorded.js';

function diff(before: unknown, after: unknown): readonly string[] {
  return tellDiff(diffStates(before, after, unfoldCollection));
}

describe('a state diff', () => {
  it.each<[string, unknown, unknown, readonly string[]]>([
    ['nothing', { a: 1, b: [1] }, { a: 1, b: [1] }, []],
    ['a number', { raft: { term: 3 } }, { raft: { term: 4 } }, ['raft.term: 3 -> 4']],
    ['a word', { role: 'follower' }, { role: 'leader' }, ['role: "follower" -> "leader"']],
    ['a field that came', {}, { at: 1 }, ['at: none -> 1']],
    ['a field that went', { at: 1 }, {}, ['at: 1 -> none']],
    ['a list of bare values', { votes: [1] }, { votes: [1, 2] }, ['votes: [1] -> [1, 2]']],
    [
      'a record in a list',
      { peers: [{ match: 1 }, { match: 2 }] },
      { peers: [{ match: 1 }, { match: 5 }] },
      ['peers[1].match: 2 -> 5'],
    ],
    ['bytes', { v: new Uint8Array([97]) }, { v: new Uint8Array([98]) }, ['v: 1 bytes "a" -> 1 bytes "b"']],
    ['equal bytes', { v: new Uint8Array([97]) }, { v: new Uint8Array([97]) }, []],
    ['a bare value', 1, 2, ['1 -> 2']],
  ])('shows %s', (_, before, after, expected) => {
    expect(diff(before, after)).toEqual(expected);
  });

  it('shows a table by number as its contents', () => {
    let log = emptyRadixArray<{ readonly term: number }>();
    for (let i = 1; i <= 11; i += 1) log = radixSet(log, i, { term: 1 });
    const longer = radixSet(radixSet(log, 12, { term: 2 }), 13, { term: 2 });
    const shorter = radixDelete(radixDelete(longer, 1), 2);
    const other = radixSet(longer, 5, { term: 9 });

    expect(diff({ log }, { log: longer })).toEqual(['log: +2 entries (12..13): {term: 2}, {term: 2}']);
    expect(diff({ log: longer }, { log: shorter })).toEqual(['log: -2 entries (1..2)']);
    expect(diff({ log: longer }, { log: other })).toEqual(['log[5].term: 1 -> 9']);
  });

  it('shows a table by text as its contents', () => {
    const empty = emptyOrderedMap<number>();
    const some = mapSet(mapSet(empty, 'a', 1), 'b', 2);

    expect(diff({ keys: empty }, { keys: some })).toEqual(['keys: +2 entries ("a", "b"): 1, 2']);
    expect(diff({ keys: some }, { keys: mapDelete(some, 'a') })).toEqual(['keys: -1 entry ("a")']);
    expect(diff({ keys: some }, { keys: mapSet(some, 'b', 3) })).toEqual(['keys["b"]: 2 -> 3']);
  });

  it('shows a queue as what left its front and joined its back', () => {
    const one = fifoPush(emptyFifo<number>(), 1);
    const three = fifoPush(fifoPush(one, 2), 3);

    expect(diff({ held: one }, { held: three })).toEqual(['held: +2 at the back: [2, 3]']);
    expect(diff({ held: three }, { held: fifoPop(three) })).toEqual(['held: -1 from the front']);
    expect(diff({ held: three }, { held: fifoPush(fifoPop(three), 4) })).toEqual([
      'held: -1 from the front',
      'held: +1 at the back: [4]',
    ]);
  });

  it('shows deadlines as what came and went, an absent heap as an empty one', () => {
    const first = addDeadline(undefined, monotonicMs(5), 1);
    const second = addDeadline(first, monotonicMs(3), 2);

    expect(diff({ alarms: undefined }, { alarms: first })).toEqual(['alarms: +1: [{at: 5, id: 1}]']);
    expect(diff({ alarms: first }, { alarms: second })).toEqual(['alarms: +1: [{at: 3, id: 2}]']);
    expect(diff({ alarms: second }, { alarms: undefined })).toEqual([
      'alarms: -2: [{at: 3, id: 2}, {at: 5, id: 1}]',
    ]);
  });

  it('shows no difference between trees of one content', () => {
    const keys = fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 100 });
    const mapOf = (order: readonly string[]): OrderedMap<number> =>
      order.reduce((map, key) => mapSet(map, key, key.length), emptyOrderedMap<number>());
    const heapOf = (order: readonly string[]): DeadlineHeap | undefined =>
      order.reduce<DeadlineHeap | undefined>(
        (heap, key) => addDeadline(heap, monotonicMs(key.length), 1),
        undefined,
      );

    fc.assert(
      fc.property(keys, (order) => {
        const other = order.slice().reverse();

        expect(
          diff({ map: mapOf(order), heap: heapOf(order) }, { map: mapOf(other), heap: heapOf(other) }),
        ).toEqual([]);
      }),
    );
  });

  it('is limited, and counts what it leaves out', () => {
    const before = { a: 1, b: 1, c: 1 };
    const after = { a: 2, b: 2, c: 2 };

    const limited = diffStates(before, after, unfoldCollection, { maxChanges: 2 });
    const shallow = diffStates({ a: { b: { c: 1 } } }, { a: { b: { c: 2 } } }, unfoldCollection, {
      maxDepth: 1,
    });

    expect(tellDiff(limited)).toEqual(['a: 1 -> 2', 'b: 1 -> 2', '… and 1 more']);
    expect(tellDiff(shallow)).toEqual(['a: {b: {c: 1}} -> {b: {c: 2}}']);
  });

  it('of a recorded run is empty exactly where the contents are equal', () => {
    const { moments } = buildTimeline(recorded(shortStorm(9)));

    const wrong = moments.filter(({ before, after }) => {
      const { changes } = diffStates(before, after, nodeSubject.unfold);
      return (hashValue(before) === hashValue(after)) !== (changes.length === 0);
    });

    expect(moments.length).toBeGreaterThan(500);
    expect(wrong).toEqual([]);
  });
});

describe('a path', () => {
  it.each([
    ['raft.term', ['raft', 'term']],
    ['groups[1].raft.log', ['groups', 1, 'raft', 'log']],
    ['keys["a\\"b"].revision', ['keys', 'a"b', 'revision']],
  ])('%s is read step by step', (text, steps) => {
    expect(parsePath(text)).toEqual(steps);
  });

  it.each(['', '.a', 'a.', 'a..b', '[1]', 'a[', 'a[x]', 'a["x]', 'a b', 'a["\\x"]'])('%j is none', (text) => {
    expect(parsePath(text)).toBeUndefined();
  });

  it('is read back as the steps that it was made of', () => {
    const name = fc.stringMatching(/^[A-Za-z_]\w*$/);
    const rest = fc.array(fc.oneof(fc.nat(), fc.string()), { maxLength: 5 });

    fc.assert(
      fc.property(name, rest, (first, steps) => {
        const path = steps.reduce<string>(pathTo, pathTo('', first));

        expect(parsePath(path)).toEqual([first, ...steps]);
      }),
    );
  });

  it('leads through records, lists, tables and queues, and nowhere else', () => {
    const value = {
      list: [{ a: 1 }],
      table: radixSet(emptyRadixArray<number>(), 7, 70),
      map: mapSet(emptyOrderedMap<number>(), 'k', 5),
      queue: fifoPush(emptyFifo<string>(), 'first'),
      text: 'abc',
      bytes: new Uint8Array([1]),
    };
    const at = (path: string): unknown => valueAt(value, parsePath(path) ?? [], unfoldCollection);

    expect([at('list[0].a'), at('table[7]'), at('map["k"]'), at('queue[0]')]).toEqual([1, 70, 5, 'first']);
    expect([
      at('list[1]'),
      at('table[8]'),
      at('text[0]'),
      at('bytes[0]'),
      at('constructor'),
      at('list.length'),
    ]).toEqual(new Array(6).fill(undefined));
  });
});

describe('a value as text', () => {
  it('is short, whatever the value', () => {
    fc.assert(
      fc.property(fc.anything(), fc.integer({ min: 1, max: 60 }), (value, room) => {
        expect(show(value, unfoldCollection, room).length).toBeLessThanOrEqual(room);
      }),
    );
  });

  it('counts what it leaves out', () => {
    expect(show([1, 2, 3, 4, 5, 6], unfoldCollection)).toBe('[1, 2, 3, 4, … 2 more]');
    expect(show(new Uint8Array([0, 255]), unfoldCollection)).toBe('2 bytes 00ff');
    expect(show({ a: { b: { c: { d: { e: 1 } } } } }, unfoldCollection)).toBe('{a: {b: {c: {d: {…}}}}}');
  });
});
