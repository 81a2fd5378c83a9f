/**
 * Who may start now, and who waits: a gate with a ceiling, and a line in front of it (transaction specification, section 2,
 * "Admission").
 *
 * A pure queue, of which a node has two: for sessions and for scripts. Some places are kept for urgent work: ordinary work never takes
 * more than the others, so that an urgent transaction finds a place however many ordinary ones are under way. Who waits long moves up in
 * the line, but not into the places that are kept.
 */

import { monotonicMs, type MonotonicMs } from '../machine/units.js';
import { TRANSACTION_PRIORITIES, type TransactionPriority } from './calls.js';

export interface GateSettings {
  /** How many may be under way at a time; 0 for any number. */
  readonly ceiling: number;
  /** How many of these places only `high` and `critical` may take. */
  readonly reserved: number;
  /** Waiting for so many milliseconds counts as one priority more, up to `high`; 0 for never. */
  readonly agingMs: number;
  /** How many may wait. */
  readonly maxQueued: number;
}

export interface Gate {
  /** How many are under way, and how many of them are not urgent. */
  readonly open: number;
  readonly ordinary: number;
  /** In the order of their arrival. */
  readonly queue: readonly Queued[];
}

export interface Queued {
  /** Whose place in line it is: given by the caller, never twice. */
  readonly number: number;
  readonly priority: TransactionPriority;
  readonly since: MonotonicMs;
  /** When it gives up. */
  readonly until: MonotonicMs;
}

export const OPEN_GATE: Gate = { open: 0, ordinary: 0, queue: [] };

export type Arrival =
  | { readonly type: 'Admitted'; readonly gate: Gate }
  | { readonly type: 'Queued'; readonly gate: Gate }
  | { readonly type: 'Refused'; readonly reason: string };

const HIGH = TRANSACTION_PRIORITIES.indexOf('high');

function isUrgent(priority: TransactionPriority): boolean {
  return TRANSACTION_PRIORITIES.indexOf(priority) >= HIGH;
}

function hasRoom({ open, ordinary }: Gate, { ceiling, reserved }: GateSettings, urgent: boolean): boolean {
  if (ceiling === 0) return true;
  return open < ceiling && (urgent || ordinary < ceiling - reserved);
}

/** Somebody wants to start. Nobody overtakes those who wait already and could go. */
export function arrive(gate: Gate, settings: GateSettings, arriving: Queued): Arrival {
  const urgent = isUrgent(arriving.priority);
  const isNext = bestOf({ ...gate, queue: [...gate.queue, arriving] }, settings, arriving.since) === arriving;
  if (hasRoom(gate, settings, urgent) && isNext) return { type: 'Admitted', gate: entered(gate, urgent) };
  if (gate.queue.length >= settings.maxQueued) {
    return {
      type: 'Refused',
      reason: `${gate.queue.length} transactions wait to be admitted, and no more may`,
    };
  }
  return { type: 'Queued', gate: { ...gate, queue: [...gate.queue, arriving] } };
}

function entered({ open, ordinary, queue }: Gate, urgent: boolean): Gate {
  return { open: open + 1, ordinary: ordinary + (urgent ? 0 : 1), queue };
}

/** One that was under way is over. */
export function leaveGate({ open, ordinary, queue }: Gate, priority: TransactionPriority): Gate {
  return { open: open - 1, ordinary: ordinary - (isUrgent(priority) ? 0 : 1), queue };
}

/** The first in line of those for whom there is room. */
function bestOf(gate: Gate, settings: GateSettings, now: MonotonicMs): Queued | undefined {
  let best: Queued | undefined;
  let bestRank = -1;
  for (const each of gate.queue) {
    if (!hasRoom(gate, settings, isUrgent(each.priority))) continue;
    const rank = rankOf(each, settings, now);
    if (rank > bestRank) {
      best = each;
      bestRank = rank;
    }
  }
  return best;
}

function rankOf({ priority, since }: Queued, { agingMs }: GateSettings, now: MonotonicMs): number {
  const own = TRANSACTION_PRIORITIES.indexOf(priority);
  if (agingMs === 0 || own >= HIGH) return own;
  return Math.min(own + Math.floor((now - since) / agingMs), HIGH);
}

/** Who goes now, in this order, and whose patience is at its end. */
export function advance(
  before: Gate,
  settings: GateSettings,
  now: MonotonicMs,
): { readonly gate: Gate; readonly admitted: readonly Queued[]; readonly refused: readonly Queued[] } {
  const refused = before.queue.filter(({ until }) => until <= now);
  let gate: Gate =
    refused.length === 0 ? before : { ...before, queue: before.queue.filter(({ until }) => until > now) };
  const admitted: Queued[] = [];
  for (let next = bestOf(gate, settings, now); next !== undefined; next = bestOf(gate, settings, now)) {
    const { number, priority } = next;
    const queue = gate.queue.filter((each) => each.number !== number);
    gate = entered({ ...gate, queue }, isUrgent(priority));
    admitted.push(next);
  }
  return { gate, admitted, refused };
}

/** When somebody gives up next; undefined while nobody waits. */
export function nextRefusal({ queue }: Gate): MonotonicMs | undefined {
  if (queue.length === 0) return undefined;
  return monotonicMs(queue.reduce((least, { until }) => Math.min(least, until), Number.POSITIVE_INFINITY));
}
