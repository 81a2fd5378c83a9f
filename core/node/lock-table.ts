/**
 * The table in which a leader keeps the locks of transactions: what is held, and what is waited for, found by what it covers, by
 * whose it is, and by its end. `transaction-locks.ts` has the rules.
 */

import {
  intersection,
  intervalAdded,
  intervalOfPrefix,
  intervalRemoved,
  isEmptyInterval,
  successor,
  type Interval,
  type IntervalTree,
} from '../collections/interval-tree.js';
import {
  emptyOrderedMap,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  type OrderedMap,
} from '../collections/ordered-map.js';
import { monotonicMs, type MonotonicMs } from '../machine/units.js';
import type { KeyBound } from '../partition/command.js';
import { LINE_MS, type LockNeed, type TransactionId } from '../partition/transaction-command.js';

export interface LockTable {
  readonly held: IntervalTree<HeldLock>;
  readonly line: IntervalTree<Claim>;
  /** Both by their transaction and what they are of. */
  readonly locks: OrderedMap<HeldLock>;
  readonly places: OrderedMap<Place>;
  /** All of these in the order of their ends. */
  readonly byEnd: OrderedMap<HeldLock | Place>;
  /** The next number; they are given in the order of arrival. */
  readonly next: number;
  /** Locks, and needs in line. */
  readonly size: number;
  /** How many of the locks are of prefixes. */
  readonly prefixes: number;
}

export interface HeldLock {
  readonly kind: 'lock';
  readonly name: string;
  readonly number: number;
  readonly transaction: TransactionId;
  readonly type: LockNeed['type'];
  readonly interval: Interval;
  readonly shared: boolean;
  /** Held before this time. */
  readonly endsAt: MonotonicMs;
}

/** What a transaction waits for: all of it or nothing. */
export interface Place {
  readonly kind: 'place';
  readonly name: string;
  readonly number: number;
  readonly transaction: TransactionId;
  readonly claims: readonly Claim[];
  readonly endsAt: MonotonicMs;
}

export interface Claim {
  /** The name and the number of the place. */
  readonly place: string;
  readonly arrival: number;
  /** One for each claim of the table. */
  readonly number: number;
  readonly transaction: TransactionId;
  readonly interval: Interval;
  readonly shared: boolean;
}

export const NO_LOCKS: LockTable = {
  held: undefined,
  line: undefined,
  locks: emptyOrderedMap(),
  places: emptyOrderedMap(),
  byEnd: emptyOrderedMap(),
  next: 1,
  size: 0,
  prefixes: 0,
};

export function intervalOfKey(key: string): Interval {
  return { from: key, to: successor(key) };
}

/** The keys that begin with the prefix, between the bounds. */
export function intervalWithin({
  prefix,
  from,
  to,
}: {
  readonly prefix: string;
  readonly from?: KeyBound | undefined;
  readonly to?: KeyBound | undefined;
}): Interval {
  return intersection(intervalOfPrefix(prefix), {
    from: from === undefined ? '' : from.inclusive ? from.key : successor(from.key),
    to: to === undefined ? undefined : to.inclusive ? successor(to.key) : to.key,
  });
}

export function intervalOf(need: LockNeed): Interval {
  switch (need.type) {
    case 'KeyLock':
      return intervalOfKey(need.key);
    case 'PrefixLock':
      return intervalOfPrefix(need.prefix);
    case 'RangeLock':
      return intervalWithin(need);
  }
}

export function isShared(need: LockNeed): boolean {
  return need.type === 'RangeLock' && need.mode === 'shared';
}

/** What a lock is of, whatever its mode. */
export function nameOf(need: LockNeed): string {
  const { from, to } = intervalOf(need);
  return `${need.type} ${from.length} ${from}${to === undefined ? '' : ` ${to}`}`;
}

export function lockName(transaction: TransactionId, need: LockNeed): string {
  return `${transaction}\0${nameOf(need)}`;
}

export interface Need {
  readonly need: LockNeed;
  readonly interval: Interval;
  readonly shared: boolean;
}

export function lineUp(
  table: LockTable,
  name: string,
  transaction: TransactionId,
  needs: readonly Need[],
  now: MonotonicMs,
): LockTable {
  const arrival = table.next;
  const claims = needs.map(({ interval, shared }, i): Claim => {
    return { place: name, arrival, number: arrival + 1 + i, transaction, interval, shared };
  });
  const endsAt = monotonicMs(now + LINE_MS);
  const place: Place = { kind: 'place', name, number: arrival, transaction, claims, endsAt };
  let { line } = table;
  for (const claim of claims) line = intervalAdded(line, claim.interval, claim.number, claim);
  return {
    ...table,
    line,
    places: mapSet(table.places, name, place),
    byEnd: withEnd(table.byEnd, undefined, place),
    next: arrival + 1 + claims.length,
    size: table.size + claims.length,
  };
}

/** A new lock; or the old one for longer, and exclusive if it was that or becomes so. */
export function hold(
  table: LockTable,
  transaction: TransactionId,
  need: LockNeed,
  interval: Interval,
  shared: boolean,
  endsAt: MonotonicMs,
): LockTable {
  if (isEmptyInterval(interval)) return table;
  const name = lockName(transaction, need);
  const old = mapGet(table.locks, name);
  const number = old?.number ?? table.next;
  const lock: HeldLock = {
    kind: 'lock',
    name,
    number,
    transaction,
    type: need.type,
    interval,
    shared: shared && old?.shared !== false,
    endsAt: old === undefined || old.endsAt < endsAt ? endsAt : old.endsAt,
  };
  const others = old === undefined ? table.held : intervalRemoved(table.held, interval.from, number);
  const held = intervalAdded(others, interval, number, lock);
  const locks = mapSet(table.locks, name, lock);
  const byEnd = withEnd(table.byEnd, old, lock);
  if (old !== undefined) return { ...table, held, locks, byEnd };
  return {
    ...table,
    held,
    locks,
    byEnd,
    next: number + 1,
    size: table.size + 1,
    prefixes: table.prefixes + (need.type === 'PrefixLock' ? 1 : 0),
  };
}

export function withoutLock(table: LockTable, lock: HeldLock): LockTable {
  const { name, number, interval, type } = lock;
  return {
    ...table,
    held: intervalRemoved(table.held, interval.from, number),
    locks: mapDelete(table.locks, name),
    byEnd: mapDelete(table.byEnd, endOf(lock)),
    size: table.size - 1,
    prefixes: table.prefixes - (type === 'PrefixLock' ? 1 : 0),
  };
}

export function withoutPlace(table: LockTable, place: Place): LockTable {
  const { name, claims } = place;
  let { line } = table;
  for (const claim of claims) line = intervalRemoved(line, claim.interval.from, claim.number);
  return {
    ...table,
    line,
    places: mapDelete(table.places, name),
    byEnd: mapDelete(table.byEnd, endOf(place)),
    size: table.size - claims.length,
  };
}

/** Text sorts as the number does when it has as many digits as the largest one. */
const DIGITS = 16;

function endOf({ endsAt, number }: HeldLock | Place): string {
  return `${String(Math.ceil(endsAt)).padStart(DIGITS, '0')}${number}`;
}

export function withEnd<T extends HeldLock | Place>(
  byEnd: LockTable['byEnd'],
  old: T | undefined,
  changed: T,
): LockTable['byEnd'] {
  const others = old === undefined ? byEnd : mapDelete(byEnd, endOf(old));
  return mapSet(others, endOf(changed), changed);
}

/** The table without what is over by now. */
export function withoutOver(before: LockTable, now: MonotonicMs): LockTable {
  const over: (HeldLock | Place)[] = [];
  mapForEach(before.byEnd, (_end, one) => one.endsAt <= now && over.push(one) > 0);
  let table = before;
  for (const one of over) table = one.kind === 'lock' ? withoutLock(table, one) : withoutPlace(table, one);
  return table;
}
