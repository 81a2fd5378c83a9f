/**
 * The queue of what waits for a transaction to be settled, at the leader of its group.
 *
 * A key that a prepared transaction is to write is neither shown nor written by anybody else: the transaction may be committed
 * already. Such an operation waits here and is executed, in the order of arrival, when that transaction is settled. The queue is
 * the leadership's, and ends with it. Who repeats a request that waits has no second place. What waits for one transaction is found
 * without a look at what waits for others.
 */

import {
  emptyOrderedMap,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  type OrderedMap,
} from '../collections/ordered-map.js';
import { emptyRadixArray, radixDelete, radixSet, type RadixArray } from '../collections/radix-array.js';
import { monotonicMs } from '../machine/units.js';
import type { Outcome } from '../partition/command.js';
import type { TransactionId } from '../partition/transaction-command.js';
import { itemName, itemNamed, withItem, type AgendaKind } from './agenda.js';
import { originName, type Execution } from './execution.js';
import { tooMuch, type Answer } from './proposals.js';
import { presentLeadership } from './tenure.js';
import type { NodeTurn, OpenGroup } from './turn.js';

export interface Blocked {
  readonly byArrival: RadixArray<BlockedExecution>;
  /** The places of those who wait, by who they are and what they asked. */
  readonly placeOf: OrderedMap<number>;
  /** The same as `byArrival`, by whom they wait for and then by their places (`blockerName`). */
  readonly byBlocker: OrderedMap<Placed>;
  /** The place of the next one to come. */
  readonly next: number;
}

export interface BlockedExecution {
  readonly execution: Execution;
  /** Whose intent is in the way. */
  readonly on: TransactionId;
  /** It is confirmed that this node led after it came. */
  readonly confirmed: boolean;
}

interface Placed {
  readonly place: number;
  readonly waiting: BlockedExecution;
}

export const NOBODY_BLOCKED: Blocked = {
  byArrival: emptyRadixArray(),
  placeOf: emptyOrderedMap(),
  byBlocker: emptyOrderedMap(),
  next: 0,
};

/** The milliseconds between two questions about the same transaction, while something waits for it. */
export const ASK_AGAIN_MS = 200;

/** Has an execution wait until that transaction is settled, which it sees to; or turns it away where too much waits. */
export function block(turn: NodeTurn, opened: OpenGroup, waiting: BlockedExecution, answer: Answer): void {
  const { execution, on } = waiting;
  const { group, origin } = execution;
  const { blocked } = presentLeadership(opened);
  const queue = blocked ?? NOBODY_BLOCKED;
  const { placeOf } = queue;
  const { maxBlockedOperations } = turn.options;
  if (mapGet(placeOf, nameOf(execution)) === undefined) {
    if (placeOf.size >= maxBlockedOperations) {
      const reason =
        `${placeOf.size} operations on this partition wait for transactions that are prepared, and no more may ` +
        '(maxBlockedOperations); nothing was executed: retry it later';
      answer(turn, group, origin, tooMuch(opened, reason));
      return;
    }
    opened.group.lead = { ...presentLeadership(opened), blocked: withBlocked(queue, waiting) };
  }
  const { ephemeral = false } = execution.operation as { readonly ephemeral?: true };
  urge(turn, opened, ephemeral ? 'ephemeral' : 'part', on);
}

/** The queue with one more, who has no place in it yet. */
export function withBlocked(queue: Blocked, waiting: BlockedExecution): Blocked {
  const { byArrival, placeOf, byBlocker, next } = queue;
  return {
    byArrival: radixSet(byArrival, next, waiting),
    placeOf: mapSet(placeOf, nameOf(waiting.execution), next),
    byBlocker: mapSet(byBlocker, blockerName(waiting.on, next), { place: next, waiting }),
    next: next + 1,
  };
}

/** Takes those out of the queue who wait for that transaction, in their order. */
export function takeBlocked(opened: OpenGroup, on: TransactionId): readonly BlockedExecution[] {
  const lead = presentLeadership(opened);
  if (lead.blocked === undefined) return [];
  const { queue, taken } = withoutBlocked(lead.blocked, on);
  if (taken.length === 0) return taken;
  opened.group.lead = { ...lead, blocked: queue.placeOf.size === 0 ? undefined : queue };
  return taken;
}

/** The queue without those who wait for that transaction, and these in their order. */
export function withoutBlocked(
  queue: Blocked,
  on: TransactionId,
): { readonly queue: Blocked; readonly taken: readonly BlockedExecution[] } {
  const taken: BlockedExecution[] = [];
  let { byArrival, placeOf, byBlocker } = queue;
  forEachOn(queue, on, ({ place, waiting }) => {
    taken.push(waiting);
    byArrival = radixDelete(byArrival, place);
    placeOf = mapDelete(placeOf, nameOf(waiting.execution));
    byBlocker = mapDelete(byBlocker, blockerName(on, place));
  });
  return { queue: { byArrival, placeOf, byBlocker, next: queue.next }, taken };
}

/** Whether anybody waits for that transaction. */
export function isAwaited(blocked: Blocked | undefined, on: TransactionId): boolean {
  let found = false;
  if (blocked !== undefined) {
    forEachOn(blocked, on, () => {
      found = true;
      return false;
    });
  }
  return found;
}

/** Walks along those who wait for that transaction, and nobody else, until `visit` gives false. */
function forEachOn(
  { byBlocker }: Blocked,
  on: TransactionId,
  visit: (placed: Placed) => boolean | void,
): void {
  const end = blockerName(on, Number.MAX_SAFE_INTEGER);
  mapForEach(byBlocker, (name, placed) => name <= end && visit(placed), blockerName(on, 0));
}

/** Places so that they sort as numbers; the length keeps apart names of which one is the beginning of the other. */
function blockerName(on: TransactionId, place: number): string {
  return `${on.length} ${on} ${String(place).padStart(16, '0')}`;
}

/** A transaction met another one that is prepared: whether it can go on depends on what becomes of that one. */
export function urgeBlocker(
  turn: NodeTurn,
  opened: OpenGroup,
  kind: Extract<AgendaKind, 'part' | 'ephemeral'>,
  outcome: Outcome,
): void {
  if (outcome.family === 'transaction' && outcome.blocker !== undefined) {
    urge(turn, opened, kind, outcome.blocker);
  }
}

/** Somebody waits for a transaction that is prepared here: it is looked after now, unless that was just done. */
export function urge(
  turn: NodeTurn,
  opened: OpenGroup,
  kind: Extract<AgendaKind, 'part' | 'ephemeral'>,
  transaction: TransactionId,
): void {
  const lead = presentLeadership(opened);
  const { now } = turn;
  const item = lead.agenda === undefined ? undefined : itemNamed(lead.agenda, itemName(kind, transaction));
  if (lead.agenda === undefined || item?.at === undefined) return;
  const askedAt = item.askedAt ?? Number.NEGATIVE_INFINITY;
  const at = monotonicMs(Math.max(now.monotonic, askedAt + ASK_AGAIN_MS));
  if (at < item.at) opened.group.lead = { ...lead, agenda: withItem(lead.agenda, { ...item, at }) };
}

function nameOf({ origin, requestId }: Execution): string {
  return `${originName(origin)} ${requestId}`;
}
