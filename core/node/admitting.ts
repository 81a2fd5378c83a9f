/**
 * The two gates of a node: how many sessions and how many scripts of its clients may be under way at a time.
 *
 * `core/transactions/admission.ts` decides; here is who is told. Without a ceiling nothing of this is there.
 */

import { radixDelete, radixGet, radixSet } from '../collections/radix-array.js';
import { monotonicMs } from '../machine/units.js';
import { advance, arrive, leaveGate, type GateSettings, type Queued } from '../transactions/admission.js';
import type { StartTransaction, TransactionPriority } from '../transactions/calls.js';
import type { BeginEffect } from '../script/effects.js';
import { coordinate, coordinationOf, newNumber, setAlarm, type CallerPlace } from './coordination.js';
import type { NodeTurn } from './turn.js';

export type GateName = 'sessions' | 'scripts';

/** What is to be done when there is a place, or none in time. */
export type Entrant =
  | { readonly type: 'Session'; readonly place: CallerPlace; readonly call: StartTransaction }
  | {
      readonly type: 'Script';
      readonly run: number;
      readonly round: number;
      readonly place: number;
      readonly effect: BeginEffect;
    };

export interface AtGate {
  readonly gate: GateName;
  readonly entrant: Entrant;
}

/** A place that is taken. */
export interface Admission {
  readonly gate: GateName;
  readonly priority: TransactionPriority;
}

export type Entry =
  | { readonly type: 'Admitted'; readonly admission?: Admission }
  | { readonly type: 'Queued' }
  | { readonly type: 'Refused'; readonly reason: string };

/** What happens to those who waited; the coordinator implements it. */
export interface Doorman {
  readonly admit: (turn: NodeTurn, entrant: Entrant, admission: Admission) => void;
  readonly refuse: (turn: NodeTurn, entrant: Entrant, reason: string) => void;
}

function settingsOf({ options }: NodeTurn, gate: GateName): GateSettings {
  return {
    ceiling: gate === 'sessions' ? options.maxConcurrentSessions : options.maxConcurrentScripts,
    reserved: options.reservedSlots,
    agingMs: options.priorityAgingMs,
    maxQueued: options.maxQueuedAdmissions,
  };
}

/** Somebody wants to start, and waits for it if need be. */
export function enterGate(
  turn: NodeTurn,
  gate: GateName,
  priority: TransactionPriority,
  waitMs: number,
  entrant: Entrant,
): Entry {
  const settings = settingsOf(turn, gate);
  if (settings.ceiling === 0) return { type: 'Admitted' };
  const { now } = turn;
  const until = monotonicMs(now.monotonic + waitMs);
  const number = newNumber(turn);
  const { gates, atGate } = coordinationOf(turn);
  const arrival = arrive(gates[gate], settings, { number, priority, since: now.monotonic, until });
  if (arrival.type === 'Refused') return arrival;
  coordinate(turn, { gates: { ...gates, [gate]: arrival.gate } });
  if (arrival.type === 'Admitted') return { type: 'Admitted', admission: { gate, priority } };
  coordinate(turn, { atGate: radixSet(atGate, number, { gate, entrant }) });
  setAlarm(turn, number, until);
  return { type: 'Queued' };
}

/** A place is free again. */
export function freePlace(turn: NodeTurn, { gate, priority }: Admission, doorman: Doorman): void {
  const { gates } = coordinationOf(turn);
  coordinate(turn, { gates: { ...gates, [gate]: leaveGate(gates[gate], priority) } });
  moveUp(turn, gate, doorman);
}

/** The alarm of one who waits went off. False if nobody waits under that number. */
export function patienceOver(turn: NodeTurn, number: number, doorman: Doorman): boolean {
  const waiting = radixGet(coordinationOf(turn).atGate, number);
  if (waiting === undefined) return false;
  moveUp(turn, waiting.gate, doorman);
  return true;
}

function moveUp(turn: NodeTurn, name: GateName, doorman: Doorman): void {
  const { gates } = coordinationOf(turn);
  const { gate, admitted, refused } = advance(gates[name], settingsOf(turn, name), turn.now.monotonic);
  coordinate(turn, { gates: { ...gates, [name]: gate } });
  for (const each of refused) {
    const entrant = takeEntrant(turn, each);
    const reason = `no place became free within ${each.until - each.since} ms`;
    if (entrant !== undefined) doorman.refuse(turn, entrant, reason);
  }
  for (const each of admitted) {
    const entrant = takeEntrant(turn, each);
    if (entrant !== undefined) doorman.admit(turn, entrant, { gate: name, priority: each.priority });
  }
}

function takeEntrant(turn: NodeTurn, { number }: Queued): Entrant | undefined {
  const { atGate } = coordinationOf(turn);
  const waiting = radixGet(atGate, number);
  coordinate(turn, { atGate: radixDelete(atGate, number) });
  return waiting?.entrant;
}
