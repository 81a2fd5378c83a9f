/** The table of transactions' locks: what excludes what, who is next, and when it is over. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { monotonicMs } from '../../../core/machine/units.js';
import { NO_LOCKS, intervalWithin, type LockTable } from '../../../core/node/lock-table.js';
import {
  acquireLocks,
  lockAgainstRead,
  lockAgainstWrite,
  MAX_LOCKS,
  releaseLocks,
} from '../../../core/node/transaction-locks.js';
import type { KeyBound } from '../../../core/partition/command.js';
import { LINE_MS, type LockNeed, type TransactionId } from '../../../core/partition/transaction-command.js';
import { deepFreeze } from '../support/pure.js';

const tx = (name: string): TransactionId => name as TransactionId;
const key = (name: string): LockNeed => ({ type: 'KeyLock', key: name });
const prefix = (name: string): LockNeed => ({ type: 'PrefixLock', prefix: name });
const from = (name: string, inclusive = true): KeyBound => ({ key: name, inclusive });
const range = (
  name: string,
  mode: 'shared' | 'exclusive',
  bounds: { readonly from?: KeyBound; readonly to?: KeyBound } = {},
): LockNeed => ({ type: 'RangeLock', prefix: name, mode, ...bounds });

/** A table in the hands of a test, which says what became of each request. */
function table(now = 0) {
  let current: LockTable = NO_LOCKS;
  const self = {
    now,
    get size() {
      return current.size;
    },
    get table() {
      return current;
    },
    acquire(who: string, needs: readonly LockNeed[], leaseMs = 10_000): string {
      deepFreeze(current);
      const wanted = { transaction: tx(who), needs, leaseMs };
      const acquired = acquireLocks(current, wanted, monotonicMs(self.now));
      current = acquired.table;
      return acquired.type === 'Taken' ? acquired.by : acquired.type;
    },
    release(who: string, needs?: readonly LockNeed[]): void {
      deepFreeze(current);
      current = releaseLocks(current, tx(who), needs, monotonicMs(self.now));
    },
    writer(name: string, by?: string): string | undefined {
      const who = by === undefined ? undefined : tx(by);
      return lockAgainstWrite(current, name, who, monotonicMs(self.now))?.transaction;
    },
    reader(name: string, by?: string): string | undefined {
      const who = by === undefined ? undefined : tx(by);
      const interval = intervalWithin({ prefix: name });
      return lockAgainstRead(current, interval, who, monotonicMs(self.now))?.transaction;
    },
  };
  return self;
}

describe('locks of two transactions exclude each other', () => {
  it.each([
    ['on the same key', key('a'), key('a')],
    ['on a key and a prefix that it begins with', key('ab'), prefix('a')],
    ['on a prefix and one that begins with it', prefix('a'), prefix('ab')],
    ['on a key and a range around it', key('ab'), range('a', 'shared')],
    [
      'on a range and one that begins where it ends',
      range('a', 'exclusive', { to: from('ab') }),
      range('a', 'shared', { from: from('ab') }),
    ],
    ['on a prefix and a range in it', prefix('a'), range('ab', 'shared')],
    ['on a shared range and an exclusive one', range('a', 'shared'), range('a', 'exclusive')],
  ])('%s', (_what, one, other) => {
    for (const [first, second] of [
      [one, other],
      [other, one],
    ] as const) {
      const locks = table();
      expect(locks.acquire('A', [first])).toBe('Locked');
      expect(locks.acquire('B', [second])).toBe('A');
    }
  });

  it.each([
    ['on different keys', key('a'), key('ab')],
    ['on a prefix and a key that begins otherwise', prefix('ab'), key('a')],
    [
      'on ranges of which one ends where the other begins',
      range('a', 'exclusive', { to: from('ab', false) }),
      range('a', 'exclusive', { from: from('ab') }),
    ],
    ['on shared ranges', range('a', 'shared'), range('', 'shared')],
    [
      'on a range that ends before it begins',
      range('a', 'exclusive', { from: from('ac'), to: from('ab') }),
      prefix('a'),
    ],
  ])('but not %s', (_what, one, other) => {
    for (const [first, second] of [
      [one, other],
      [other, one],
    ] as const) {
      const locks = table();
      expect(locks.acquire('A', [first])).toBe('Locked');
      expect(locks.acquire('B', [second])).toBe('Locked');
    }
  });

  it('all or none: what is free of a request is not taken', () => {
    const locks = table();
    locks.acquire('A', [key('b')]);

    expect(locks.acquire('B', [key('a'), key('b')])).toBe('A');
    expect(locks.writer('a')).toBeUndefined();
    expect(locks.size).toBe(3);
  });
});

describe('a transaction', () => {
  it('is not in its own way', () => {
    const locks = table();

    expect(locks.acquire('A', [key('ab'), range('a', 'shared')])).toBe('Locked');
    expect(locks.acquire('A', [prefix('a')])).toBe('Locked');
    expect([locks.writer('ab', 'A'), locks.reader('a', 'A')]).toEqual([undefined, undefined]);
  });

  it('has what it holds for longer when it asks again, and never for less', () => {
    const locks = table();
    locks.acquire('A', [key('a')], 100);
    locks.now = 50;
    locks.acquire('A', [key('a')], 100);
    locks.acquire('A', [key('a')], 1);
    locks.now = 149;

    expect([locks.writer('a'), locks.size]).toEqual(['A', 1]);
    locks.now = 150;
    expect(locks.writer('a')).toBeUndefined();
    expect(locks.acquire('B', [key('a')])).toBe('Locked');
    expect(locks.size).toBe(1);
  });

  it('may make a shared range exclusive when nobody else has a part of it, and it stays so', () => {
    const locks = table();
    locks.acquire('A', [range('a', 'shared')]);
    locks.acquire('B', [range('ab', 'shared')]);

    expect(locks.acquire('A', [range('a', 'exclusive')])).toBe('B');
    locks.release('B');
    expect(locks.acquire('A', [range('a', 'exclusive')])).toBe('Locked');
    expect(locks.acquire('A', [range('a', 'shared')])).toBe('Locked');
    expect(locks.acquire('B', [range('ab', 'shared')])).toBe('A');
  });

  it('gives back what it names, or all that it has with its places in line', () => {
    const locks = table();
    locks.acquire('A', [key('a'), key('b'), prefix('c')]);
    locks.acquire('B', [key('x')]);
    locks.acquire('A', [key('x')]);

    locks.release('A', [key('a'), key('unheard of'), key('x')]);
    expect([locks.writer('a'), locks.writer('b'), locks.writer('c1')]).toEqual([undefined, 'A', 'A']);
    locks.release('A');
    expect([locks.writer('b'), locks.reader('c'), locks.size]).toEqual([undefined, undefined, 1]);
    locks.release('B');
    expect(locks.acquire('C', [key('x')])).toBe('Locked');
  });

  it('does not take for its own what one with a longer name has', () => {
    const locks = table();
    locks.acquire('A1', [key('a')]);

    locks.release('A');

    expect(locks.writer('a')).toBe('A1');
  });
});

describe('the line', () => {
  it('gives what comes free to the one who came first, and not to whoever asks first', () => {
    const locks = table();
    locks.acquire('A', [key('a')]);
    locks.acquire('B', [key('a')]);
    locks.acquire('C', [key('a')]);
    locks.release('A');

    expect(locks.acquire('C', [key('a')])).toBe('B');
    expect(locks.acquire('D', [key('a')])).toBe('B');
    expect(locks.acquire('B', [key('a')])).toBe('Locked');
    locks.release('B');
    expect(locks.acquire('D', [key('a')])).toBe('C');
    expect(locks.acquire('C', [key('a')])).toBe('Locked');
  });

  it('lets nobody pass who would make the first one wait longer, though he himself could have it now', () => {
    const locks = table();
    locks.acquire('A', [range('a', 'shared')]);
    locks.acquire('B', [range('a', 'exclusive')]);

    expect(locks.acquire('C', [range('a', 'shared')])).toBe('B');
    expect(locks.acquire('D', [key('elsewhere')])).toBe('Locked');
  });

  it('lets him pass for whom the first one waits', () => {
    const locks = table();
    locks.acquire('A', [key('ab')]);
    locks.acquire('B', [prefix('a')]);

    expect(locks.acquire('A', [key('ac')])).toBe('Locked');
    expect(locks.acquire('A', [key('ab')])).toBe('Locked');
  });

  it('forgets who did not ask again for a while', () => {
    const locks = table();
    locks.acquire('A', [key('a')]);
    locks.acquire('B', [key('a')]);
    locks.release('A');
    locks.now = LINE_MS - 1;
    expect(locks.acquire('C', [key('a')])).toBe('B');
    locks.acquire('B', [key('z')]);

    locks.now = LINE_MS;
    expect(locks.acquire('C', [key('a')])).toBe('Locked');
  });

  it('remembers who asks again', () => {
    const locks = table();
    locks.acquire('A', [key('a')]);
    locks.acquire('B', [key('a')]);
    locks.now = LINE_MS - 1;
    locks.acquire('B', [key('a')]);
    locks.now = 2 * LINE_MS - 2;
    locks.release('A');

    expect(locks.acquire('C', [key('a')])).toBe('B');
  });
});

describe('operations outside of transactions', () => {
  it('do not write under any lock, and do not read under a prefix', () => {
    const locks = table();
    locks.acquire('A', [key('k')]);
    locks.acquire('B', [range('r', 'shared')]);
    locks.acquire('C', [prefix('p')]);

    expect(['k', 'r1', 'p1', 'q'].map((name) => locks.writer(name))).toEqual(['A', 'B', 'C', undefined]);
    expect(['k', 'r', 'p1', 'q'].map((name) => locks.reader(name))).toEqual([
      undefined,
      undefined,
      'C',
      undefined,
    ]);
  });

  it('are not held up by who waits in line', () => {
    const locks = table();
    locks.acquire('A', [key('a')]);
    locks.acquire('B', [key('a'), key('b'), prefix('c')]);

    expect([locks.writer('b'), locks.reader('c')]).toEqual([undefined, undefined]);
  });
});

describe('the bound', () => {
  it('turns away what is too much, and takes it when there is room', () => {
    const locks = table();
    const many = Array.from({ length: MAX_LOCKS - 1 }, (_, i) => key(`k${i}`));
    expect(locks.acquire('A', many)).toBe('Locked');
    expect(locks.acquire('B', [key('x'), key('y')])).toBe('Full');
    expect(locks.acquire('B', [key('k1'), key('y')])).toBe('Full');
    expect(locks.acquire('A', many.slice(0, 10))).toBe('Locked');
    expect(locks.acquire('B', [key('x')])).toBe('Locked');
    locks.release('A');
    expect(locks.acquire('B', [key('y')])).toBe('Locked');
    expect(locks.size).toBe(2);
  });
});

describe('the table', () => {
  const name = fc.constantFrom('a', 'ab', 'abc', 'b', 'ba', 'c');
  const bound = fc.option(fc.record({ key: name, inclusive: fc.boolean() }), { nil: undefined });
  const need: fc.Arbitrary<LockNeed> = fc.oneof(
    name.map(key),
    name.map(prefix),
    fc
      .record({ prefix: fc.constantFrom('', 'a', 'b'), from: bound, to: bound, shared: fc.boolean() })
      .map(({ prefix: within, from: begin, to, shared }) =>
        range(within, shared ? 'shared' : 'exclusive', {
          ...(begin === undefined ? {} : { from: begin }),
          ...(to === undefined ? {} : { to }),
        }),
      ),
  );
  const who = fc.constantFrom('A', 'B', 'C');
  const step = fc.record({
    pause: fc.constantFrom(0, 1, 400, 3_000),
    act: fc.oneof(
      { weight: 4, arbitrary: fc.record({ who, needs: fc.array(need, { minLength: 1, maxLength: 2 }) }) },
      { weight: 1, arbitrary: fc.record({ release: who }) },
    ),
  });

  it('never gives two transactions what excludes each other, and what it refuses somebody has or was promised', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const locks = table();
        let held: { readonly who: string; readonly need: LockNeed; readonly until: number }[] = [];
        const asked = new Map<string, number>();
        for (const { pause, act } of steps) {
          locks.now += pause;
          held = held.filter(({ until }) => until > locks.now);
          if ('release' in act) {
            locks.release(act.release);
            held = held.filter((one) => one.who !== act.release);
            asked.delete(act.release);
            continue;
          }
          const told = locks.acquire(act.who, act.needs, 2_000);
          const others = held.filter(
            (one) => one.who !== act.who && act.needs.some((wanted) => excludes(one.need, wanted)),
          );
          if (told === 'Locked') {
            expect(others).toEqual([]);
            for (const one of act.needs) held.push({ who: act.who, need: one, until: locks.now + 2_000 });
          } else {
            if (others.length > 0) expect(others.map((one) => one.who)).toContain(told);
            else expect(locks.now - (asked.get(told) ?? -Infinity)).toBeLessThan(LINE_MS);
            asked.set(act.who, locks.now);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('lets nobody overtake who came later, unless the one in line waits for what he holds', () => {
    let overtaken = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const locks = table();
        let held: { readonly who: string; readonly need: LockNeed; readonly until: number }[] = [];
        /** By who waits and for what, in the order of arrival. */
        const line = new Map<
          string,
          { readonly who: string; readonly needs: readonly LockNeed[]; at: number }
        >();
        for (const { pause, act } of steps) {
          locks.now += pause;
          held = held.filter(({ until }) => until > locks.now);
          for (const [name, { at }] of line) if (at + LINE_MS <= locks.now) line.delete(name);
          if ('release' in act) {
            locks.release(act.release);
            held = held.filter(({ who: holder }) => holder !== act.release);
            for (const [name, { who: waiter }] of line) if (waiter === act.release) line.delete(name);
            continue;
          }
          const name = JSON.stringify(act);
          const told = locks.acquire(act.who, act.needs, 2_000);
          if (told !== 'Locked') {
            const place = line.get(name) ?? { who: act.who, needs: act.needs, at: 0 };
            place.at = locks.now;
            line.set(name, place);
            continue;
          }
          for (const [other, { who: waiter, needs }] of line) {
            if (other === name) break;
            const isAfterTheSame = needs.some((one) => act.needs.some((wanted) => excludes(one, wanted)));
            if (waiter === act.who || !isAfterTheSame) continue;
            overtaken += 1;
            const mine = held.filter((one) => one.who === act.who);
            expect(mine.some((one) => needs.some((wanted) => excludes(one.need, wanted)))).toBe(true);
          }
          line.delete(name);
          for (const one of act.needs) held.push({ who: act.who, need: one, until: locks.now + 2_000 });
        }
      }),
      { numRuns: 500 },
    );
    expect(overtaken).toBeGreaterThan(0);
  });

  it('serves everybody within one round, whatever the order in which they ask', () => {
    const order = fc.shuffledSubarray(['A', 'B', 'C', 'D', 'E'], { minLength: 5 });
    fc.assert(
      fc.property(fc.array(order, { minLength: 12, maxLength: 12 }), (rounds) => {
        const locks = table();
        const served: string[] = [];
        for (const asking of rounds) {
          locks.now += LINE_MS / 2;
          let holder: string | undefined;
          for (const one of asking) if (locks.acquire(one, [key('k')]) === 'Locked') holder = one;
          if (holder === undefined) throw new Error('nobody has got it');
          locks.release(holder);
          served.push(holder);
        }
        // Once all are in line each has it as often as any other: of five in a row no two are the same.
        for (let i = 0; i + 5 <= served.length; i += 1) {
          expect(new Set(served.slice(i, i + 5)).size).toBe(5);
        }
      }),
    );
  });

  const keys = [
    '',
    'a',
    'a\0',
    'ab',
    'ab\0',
    'abc',
    'abc\0',
    'abd',
    'b',
    'b\0',
    'ba',
    'ba\0',
    'c',
    'c\0',
    'd',
  ];
  function isOf(one: LockNeed, name: string): boolean {
    if (one.type === 'KeyLock') return one.key === name;
    if (!name.startsWith(one.prefix)) return false;
    if (one.type === 'PrefixLock') return true;
    const { from: begin, to } = one;
    if (begin !== undefined && (name < begin.key || (name === begin.key && !begin.inclusive))) return false;
    return to === undefined || name < to.key || (name === to.key && to.inclusive);
  }
  function excludes(a: LockNeed, b: LockNeed): boolean {
    const isShared = (one: LockNeed): boolean => one.type === 'RangeLock' && one.mode === 'shared';
    if (isShared(a) && isShared(b)) return false;
    return keys.some((one) => isOf(a, one) && isOf(b, one));
  }
});
