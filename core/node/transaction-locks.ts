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

import { forEachOverlapping, type Interval } from '../collections/interval-tree.js';
import { mapForEach, mapGet, mapSet } from '../collections/ordered-map.js';
import { monotonicMs, type MonotonicMs } from '../machine/units.js';
import { LINE_MS, type LockNeed, type TransactionId } from '../partition/transaction-command.js';
import {
  hold,
  intervalOf,
  intervalOfKey,
  isShared,
  lineUp,
  lockName,
  nameOf,
  withEnd,
  withoutLock,
  withoutOver,
  withoutPlace,
  type HeldLock,
  type LockTable,
  type Need,
  type Place,
} from './lock-table.js';

/** So many locks and needs in line are kept. */
export const MAX_LOCKS = 65_536;

export type Acquired =
  | { readonly type: 'Locked'; readonly table: LockTable }
  /** Somebody holds some of it, or is before it in line. */
  | { readonly type: 'Taken'; readonly table: LockTable; readonly by: TransactionId; readonly need: LockNeed }
  | { readonly type: 'Full'; readonly table: LockTable };

export interface Wanted {
  readonly transaction: TransactionId;
  readonly needs: readonly LockNeed[];
  readonly leaseMs: number;
  readonly once?: true;
}

/** Gives a transaction all that it needs, or a place in line unless it asks but once. */
export function acquireLocks(
  before: LockTable,
  { transaction, needs, leaseMs, once }: Wanted,
  now: MonotonicMs,
): Acquired {
  const table = withoutOver(before, now);
  const wanted = needs.map((need) => ({ need, interval: intervalOf(need), shared: isShared(need) }));
  const name = `${transaction}\0${needs.map(nameOf).join('\0\0')}`;
  const place = mapGet(table.places, name);
  const inTheWay =
    firstOf(wanted, (one) => holderOf(table, transaction, one, now)) ??
    firstOf(wanted, (one) => aheadOf(table, transaction, place?.number ?? table.next, one, now));
  if (inTheWay !== undefined) {
    if (place !== undefined) {
      const kept = { ...place, endsAt: monotonicMs(now + LINE_MS) };
      const byEnd = withEnd(table.byEnd, place, kept);
      return {
        type: 'Taken',
        table: { ...table, places: mapSet(table.places, name, kept), byEnd },
        ...inTheWay,
      };
    }
    if (once === true) return { type: 'Taken', table, ...inTheWay };
    if (table.size + needs.length > MAX_LOCKS) return { type: 'Full', table };
    return { type: 'Taken', table: lineUp(table, name, transaction, wanted, now), ...inTheWay };
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

interface InTheWay {
  readonly by: TransactionId;
  /** Of what. */
  readonly need: LockNeed;
}

function firstOf(
  needs: readonly Need[],
  find: (need: Need) => TransactionId | undefined,
): InTheWay | undefined {
  for (const each of needs) {
    const by = find(each);
    if (by !== undefined) return { by, need: each.need };
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
