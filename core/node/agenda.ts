/**
 * The agenda: what transactions have left in a group that its leader looks after, and when it does.
 *
 * Kept by the leader alone, in the order of the times, so that looking costs what is due and nothing else. `resolver.ts` says
 * what is done about it.
 */

import {
  emptyOrderedMap,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  type OrderedMap,
} from '../collections/ordered-map.js';
import type { MonotonicMs } from '../machine/units.js';
import type { TransactionId } from '../partition/transaction-command.js';

export interface Agenda {
  readonly items: OrderedMap<AgendaItem>;
  /** Those that have a time, in the order of it. */
  readonly byTime: OrderedMap<AgendaItem>;
  /** The first of these times; undefined for none. */
  readonly wakeAt: MonotonicMs | undefined;
}

export type AgendaKind =
  /** A part that is prepared, of the persistent keys or of the ephemeral ones. */
  | 'part'
  | 'ephemeral'
  /** The record of a decision that is to be made, or of one that not all have settled. */
  | 'undecided'
  | 'committed';

export interface AgendaItem {
  readonly kind: AgendaKind;
  readonly transaction: TransactionId;
  /** When this leader first saw it. */
  readonly since: MonotonicMs;
  /** When it last asked about it; undefined for never. */
  readonly askedAt: MonotonicMs | undefined;
  /** When to look after it; undefined while answers are awaited. */
  readonly at: MonotonicMs | undefined;
  /** So many of them; and whether one was not as it should be. */
  readonly awaited: number;
  readonly failed: boolean;
}

export const EMPTY_AGENDA: Agenda = {
  items: emptyOrderedMap(),
  byTime: emptyOrderedMap(),
  wakeAt: undefined,
};

/** What an item is known by: a transaction has one record at most, decided or not. */
export function itemName(kind: AgendaKind, transaction: TransactionId): string {
  return `${kind === 'undecided' || kind === 'committed' ? 'record' : kind} ${transaction}`;
}

export function itemNamed(agenda: Agenda, name: string): AgendaItem | undefined {
  return agenda.items.size === 0 ? undefined : mapGet(agenda.items, name);
}

/** Puts an item on the agenda, in place of the one with its name. */
export function withItem(agenda: Agenda, item: AgendaItem): Agenda {
  const name = itemName(item.kind, item.transaction);
  const { items, byTime } = withoutItem(agenda, name);
  const timed = item.at === undefined ? byTime : mapSet(byTime, timeKey(item, item.at), item);
  return { items: mapSet(items, name, item), byTime: timed, wakeAt: earliestIn(timed) };
}

export function withoutItem(agenda: Agenda, name: string): Agenda {
  const known = itemNamed(agenda, name);
  if (known === undefined) return agenda;
  const items = mapDelete(agenda.items, name);
  if (items.size === 0) return EMPTY_AGENDA;
  const { at } = known;
  const byTime = at === undefined ? agenda.byTime : mapDelete(agenda.byTime, timeKey(known, at));
  return { items, byTime, wakeAt: earliestIn(byTime) };
}

/** What is due, the earliest first; at most so many. */
export function dueItems({ byTime, wakeAt }: Agenda, now: MonotonicMs, limit: number): readonly AgendaItem[] {
  const due: AgendaItem[] = [];
  if (wakeAt === undefined || wakeAt > now) return due;
  mapForEach(byTime, (_time, item) => {
    if (item.at === undefined || item.at > now || due.length === limit) return false;
    due.push(item);
    return true;
  });
  return due;
}

function earliestIn(byTime: OrderedMap<AgendaItem>): MonotonicMs | undefined {
  let earliest: MonotonicMs | undefined;
  mapForEach(byTime, (_time, { at }) => {
    earliest = at;
    return false;
  });
  return earliest;
}

/** Text sorts as the number does when it has as many digits as the largest one. */
const DIGITS = 16;

function timeKey({ kind, transaction }: AgendaItem, at: MonotonicMs): string {
  return `${String(Math.ceil(at)).padStart(DIGITS, '0')}${itemName(kind, transaction)}`;
}
