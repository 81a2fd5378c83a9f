/**
 * The queue of what waits for a transaction to be settled, at the leader of its group.
 *
 * A key that a prepared transaction is to write is neither shown nor written by anybody else: the transaction may be committed
 * already. Such an operation waits here and is executed, in the order of arrival, when that transaction is settled. The queue is
 * the leadership's, and ends with it. Who repeats a request that waits has no second place.
 */

import { emptyOrderedMap, mapDelete, mapGet, mapSet, type OrderedMap } from '../collections/ordered-map.js';
import {
  emptyRadixArray,
  radixDelete,
  radixForEach,
  radixSet,
  type RadixArray,
} from '../collections/radix-array.js';
import { monotonicMs } from '../machine/units.js';
import type { Outcome } from '../partition/command.js';
import type { TransactionId } from '../partition/transaction-command.js';
import { itemName, itemNamed, withItem, type AgendaKind } from './agenda.js';
import type { Execution, Origin } from './execution.js';
import { tooMuch, type Answer } from './proposals.js';
import { presentLeadership } from './tenure.js';
import type { NodeTurn, OpenGroup } from './turn.js';

export interface Blocked {
  readonly byArrival: RadixArray<BlockedExecution>;
  /** The places of those who wait, by who they are and what they asked. */
  readonly placeOf: OrderedMap<number>;
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

export const NOBODY_BLOCKED: Blocked = { byArrival: emptyRadixArray(), placeOf: emptyOrderedMap(), next: 0 };

/** The milliseconds between two questions about the same transaction, while something waits for it. */
export const ASK_AGAIN_MS = 200;

/** Has an execution wait until that transaction is settled, which it sees to; or turns it away where too much waits. */
export function block(turn: NodeTurn, opened: OpenGroup, waiting: BlockedExecution, answer: Answer): void {
  const { execution, on } = waiting;
  const { group, origin } = execution;
  const { blocked } = presentLeadership(opened);
  const { byArrival, placeOf, next } = blocked ?? NOBODY_BLOCKED;
  const { maxBlockedOperations } = turn.options;
  const name = nameOf(execution);
  if (mapGet(placeOf, name) === undefined) {
    if (placeOf.size >= maxBlockedOperations) {
      const reason =
        `${placeOf.size} operations on this partition wait for transactions that are prepared, and no more may ` +
        '(maxBlockedOperations); nothing was executed: retry it later';
      answer(turn, group, origin, tooMuch(opened, reason));
      return;
    }
    const changed = {
      byArrival: radixSet(byArrival, next, waiting),
      placeOf: mapSet(placeOf, name, next),
      next: next + 1,
    };
    opened.group.lead = { ...presentLeadership(opened), blocked: changed };
  }
  const { ephemeral = false } = execution.operation as { readonly ephemeral?: true };
  urge(turn, opened, ephemeral ? 'ephemeral' : 'part', on);
}

/** Takes those out of the queue who wait for that transaction, in their order. */
export function takeBlocked(opened: OpenGroup, on: TransactionId): readonly BlockedExecution[] {
  const lead = presentLeadership(opened);
  const taken: BlockedExecution[] = [];
  if (lead.blocked === undefined) return taken;
  let { byArrival, placeOf } = lead.blocked;
  radixForEach(lead.blocked.byArrival, (waiting, place) => {
    if (waiting.on !== on) return;
    taken.push(waiting);
    byArrival = radixDelete(byArrival, place);
    placeOf = mapDelete(placeOf, nameOf(waiting.execution));
  });
  if (taken.length === 0) return taken;
  const blocked = placeOf.size === 0 ? undefined : { byArrival, placeOf, next: lead.blocked.next };
  opened.group.lead = { ...lead, blocked };
  return taken;
}

/** Whether anybody waits for that transaction. */
export function isAwaited(blocked: Blocked | undefined, on: TransactionId): boolean {
  let found = false;
  if (blocked !== undefined) {
    radixForEach(blocked.byArrival, (waiting) => {
      found ||= waiting.on === on;
    });
  }
  return found;
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

function originName(origin: Origin): string {
  switch (origin.type) {
    case 'Client':
      return `client ${origin.token}`;
    case 'Node':
      return `node ${origin.node}`;
    case 'Admin':
      return `admin ${origin.task}`;
  }
}
