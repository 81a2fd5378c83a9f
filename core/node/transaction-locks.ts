/**
 * The locks of transactions, as a group's leader keeps them in its memory: who holds what, and who waits in line for it.
 *
 * They only keep contenders apart: what is read is validated when a transaction commits, so a lock that is lost costs an abort
 * and nothing else. Two locks of different transactions that overlap exclude each other unless both are shared. Whoever finds
 * something taken has a place in line for what he asked, as long as he asks again; whoever comes later does not overtake him.
 * But who holds something that the one in line waits for may go on: else the two would wait for each other.
 *
 * A pure table. A request costs O(log n) for each of its needs and for what overlaps them; what is over is dropped by the way.
 */

import {
  forEachOverlapping,
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
import type { LockNeed, TransactionId } from '../partition/transaction-command.js';

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
interface Place {
  readonly kind: 'place';
  readonly name: string;
  readonly number: number;
  readonly transaction: TransactionId;
  readonly claims: readonly Claim[];
  readonly endsAt: MonotonicMs;
}

interface Claim {
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

/** So many locks and needs in line are kept. */
export const MAX_LOCKS = 65_536;

/** A place in line is kept for so long after its transaction last asked, in milliseconds. */
export const LINE_MS = 1_000;

export type Acquired =
  | { readonly type: 'Locked'; readonly table: LockTable }
  /** Somebody holds some of it, or is before it in line. */
  | { readonly type: 'Taken'; readonly table: LockTable; readonly by: TransactionId }
  | { readonly type: 'Full'; readonly table: LockTable };

export interface Wanted {
  readonly transaction: TransactionId;
  readonly needs: readonly LockNeed[];
  readonly leaseMs: number;
}

/** Gives a transaction all that it needs, or a place in line. */
export function acquireLocks(
  before: LockTable,
  { transaction, needs, leaseMs }: Wanted,
  now: MonotonicMs,
): Acquired {
  const table = withoutOver(before, now);
  const wanted = needs.map((need) => ({ need, interval: intervalOf(need), shared: isShared(need) }));
  const name = `${transaction}\0${needs.map(nameOf).join('\0\0')}`;
  const place = mapGet(table.places, name);
  const by =
    firstOf(wanted, (one) => holderOf(table, transaction, one, now)) ??
    firstOf(wanted, (one) => aheadOf(table, transaction, place?.number ?? table.next, one, now));
  if (by !== undefined) {
    if (place !== undefined) {
      const kept = { ...place, endsAt: monotonicMs(now + LINE_MS) };
      const byEnd = withEnd(table.byEnd, place, kept);
      return { type: 'Taken', table: { ...table, places: mapSet(table.places, name, kept), byEnd }, by };
    }
    if (table.size + needs.length > MAX_LOCKS) return { type: 'Full', table };
    return { type: 'Taken', table: lineUp(table, name, transaction, wanted, now), by };
  }
  const isNew = needs.filter((need) => mapGet(table.locks, lockName(transaction, need)) === undefined);
  if (table.size + isNew.length > MAX_LOCKS) return { type: 'Full', table };
  let next = place === undefined ? table : withoutPlace(table, place);
  const endsAt = monotonicMs(now + leaseMs);
  for (const { need, interval, shared } of wanted) {
    next = hold(next, transaction, need, interval, shared, endsAt);
  }
  return { type: 'Locked', table: next };
}

/** Takes these from a transaction; all that it has, and its places in line, where `needs` is undefined. */
export function releaseLocks(
  before: LockTable,
  transaction: TransactionId,
  needs: readonly LockNeed[] | undefined,
  now: MonotonicMs,
): LockTable {
  let table = withoutOver(before, now);
  if (needs !== undefined) {
    for (const need of needs) {
      const lock = mapGet(table.locks, lockName(transaction, need));
      if (lock !== undefined) table = withoutLock(table, lock);
    }
    return table;
  }
  const start = `${transaction}\0`;
  const locks: HeldLock[] = [];
  const places: Place[] = [];
  mapForEach(table.locks, (name, lock) => name.startsWith(start) && locks.push(lock) > 0, start);
  mapForEach(table.places, (name, place) => name.startsWith(start) && places.push(place) > 0, start);
  for (const lock of locks) table = withoutLock(table, lock);
  for (const place of places) table = withoutPlace(table, place);
  return table;
}

/** Who else holds a lock under which that key must not be written; undefined for nobody. */
export function lockAgainstWrite(
  table: LockTable,
  key: string,
  by: TransactionId | undefined,
  now: MonotonicMs,
): HeldLock | undefined {
  return firstHeld(table, intervalOfKey(key), (lock) => lock.transaction !== by && lock.endsAt > now);
}

/** Who else holds a prefix with keys in it that are to be read; undefined for nobody. */
export function lockAgainstRead(
  table: LockTable,
  interval: Interval,
  by: TransactionId | undefined,
  now: MonotonicMs,
): HeldLock | undefined {
  if (table.prefixes === 0) return undefined;
  return firstHeld(
    table,
    interval,
    (lock) => lock.type === 'PrefixLock' && lock.transaction !== by && lock.endsAt > now,
  );
}

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

function intervalOf(need: LockNeed): Interval {
  switch (need.type) {
    case 'KeyLock':
      return intervalOfKey(need.key);
    case 'PrefixLock':
      return intervalOfPrefix(need.prefix);
    case 'RangeLock':
      return intervalWithin(need);
  }
}

function isShared(need: LockNeed): boolean {
  return need.type === 'RangeLock' && need.mode === 'shared';
}

/** What a lock is of, whatever its mode. */
function nameOf(need: LockNeed): string {
  const { from, to } = intervalOf(need);
  return `${need.type} ${from.length} ${from}${to === undefined ? '' : ` ${to}`}`;
}

function lockName(transaction: TransactionId, need: LockNeed): string {
  return `${transaction}\0${nameOf(need)}`;
}

interface Need {
  readonly need: LockNeed;
  readonly interval: Interval;
  readonly shared: boolean;
}

function firstOf(
  needs: readonly Need[],
  find: (need: Need) => TransactionId | undefined,
): TransactionId | undefined {
  for (const need of needs) {
    const found = find(need);
    if (found !== undefined) return found;
  }
  return undefined;
}

function firstHeld(
  table: LockTable,
  interval: Interval,
  matches: (lock: HeldLock) => boolean,
): HeldLock | undefined {
  let found: HeldLock | undefined;
  forEachOverlapping(table.held, interval, (lock) => {
    if (matches(lock)) found = lock;
    return found === undefined;
  });
  return found;
}

function holderOf(
  table: LockTable,
  transaction: TransactionId,
  { interval, shared }: Need,
  now: MonotonicMs,
): TransactionId | undefined {
  return firstHeld(
    table,
    interval,
    (lock) => lock.transaction !== transaction && lock.endsAt > now && !(shared && lock.shared),
  )?.transaction;
}

/** Who waits for some of this and came before, unless it is this transaction for which he waits. */
function aheadOf(
  table: LockTable,
  transaction: TransactionId,
  arrival: number,
  { interval, shared }: Need,
  now: MonotonicMs,
): TransactionId | undefined {
  let found: TransactionId | undefined;
  forEachOverlapping(table.line, interval, (claim) => {
    if (claim.transaction === transaction || claim.arrival >= arrival) return true;
    if (shared && claim.shared) return true;
    const place = mapGet(table.places, claim.place);
    if (place === undefined || place.endsAt <= now || waitsFor(table, place, transaction, now)) return true;
    found = claim.transaction;
    return false;
  });
  return found;
}

function waitsFor(
  table: LockTable,
  { claims }: Place,
  transaction: TransactionId,
  now: MonotonicMs,
): boolean {
  return claims.some(
    ({ interval, shared }) =>
      firstHeld(
        table,
        interval,
        (lock) => lock.transaction === transaction && lock.endsAt > now && !(shared && lock.shared),
      ) !== undefined,
  );
}

function lineUp(
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
function hold(
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

function withoutLock(table: LockTable, lock: HeldLock): LockTable {
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

function withoutPlace(table: LockTable, place: Place): LockTable {
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

function withEnd<T extends HeldLock | Place>(
  byEnd: LockTable['byEnd'],
  old: T | undefined,
  changed: T,
): LockTable['byEnd'] {
  const others = old === undefined ? byEnd : mapDelete(byEnd, endOf(old));
  return mapSet(others, endOf(changed), changed);
}

/** The table without what is over by now. */
function withoutOver(before: LockTable, now: MonotonicMs): LockTable {
  const over: (HeldLock | Place)[] = [];
  mapForEach(before.byEnd, (_end, one) => one.endsAt <= now && over.push(one) > 0);
  let table = before;
  for (const one of over) table = one.kind === 'lock' ? withoutLock(table, one) : withoutPlace(table, one);
  return table;
}
