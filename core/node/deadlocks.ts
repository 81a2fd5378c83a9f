/**
 * Deadlocks of transactions, over all nodes: found by probes that go along who waits for whom (Chandy, Misra and Haas, "Distributed
 * Deadlock Detection", ACM TOCS 1(2), 1983).
 *
 * A session waits for one other at a time, for as long as it asks again (`SessionState.waits`). Whenever one is told that it must wait a
 * probe sets out from it, from one session to the next, over to their nodes where they are elsewhere. Where it meets somebody who waits for
 * nobody it ends; comes it back to where it set out, and that one still waits as it did, those on its way form a deadlock. The youngest of
 * them is the victim: it has the least to lose, and all who find the same deadlock choose the same one. Its own node ends it, unless it
 * waits for somebody else by then, or for nobody.
 *
 * A probe that is lost is made up for by the next one, as everybody asks again. One that goes round in a circle in which it did not begin
 * ends there: those of the circle send their own. What somebody is said to wait for may be over by the time that the probe is elsewhere; but
 * who waits gives up nothing, so only he who has ceased to ask for what he wanted, without ending his transaction, is missed.
 */

import { compareTimestamps } from '../clock/hybrid-clock.js';
import { mapGet } from '../collections/ordered-map.js';
import { radixGet } from '../collections/radix-array.js';
import type { NodeId } from '../machine/units.js';
import type { TransactionId } from '../partition/transaction-command.js';
import { timestampOf } from '../transactions/names.js';
import { coordinate, coordinationOf } from './coordination.js';
import { MAX_PATH, type Condemn, type WaitProbe } from './protocol.js';
import { memberOf } from './roster.js';
import { sendAtOnce, type NodeTurn } from './turn.js';
import { rosterOf } from './worklist.js';

/** Ends the session of that number of this node. */
export type Executioner = (turn: NodeTurn, number: number, reason: string) => void;

/** Goes from `on` to whom that one waits for, and so on, as far as this node knows; and has other nodes go on. */
export function chase(turn: NodeTurn, { path, on }: Omit<WaitProbe, 'type'>, condemn: Executioner): void {
  const way = [...path];
  for (let next = on; ;) {
    const node = nodeOf(next);
    if (node !== turn.options.node) return sendTo(turn, node, { type: 'WaitProbe', path: way, on: next });
    const waitsFor = awaitedBy(turn, next);
    if (waitsFor === undefined) return;
    if (next === way[0]) return waitsFor === way[1] ? found(turn, way, condemn) : undefined;
    if (way.length >= MAX_PATH || way.includes(next)) return;
    way.push(next);
    next = waitsFor;
  }
}

/** Another node has found a deadlock, and a session of this one is the victim. */
export function condemnReceived(
  turn: NodeTurn,
  { cycle }: Pick<Condemn, 'cycle'>,
  condemn: Executioner,
): void {
  const [victim, next] = cycle;
  if (victim === undefined || next === undefined || awaitedBy(turn, victim) !== next) return;
  const { numbers, deadlocks } = coordinationOf(turn);
  const number = mapGet(numbers, victim);
  if (number === undefined) return;
  coordinate(turn, { deadlocks: deadlocks + 1 });
  condemn(turn, number, reasonOf(cycle));
}

function found(turn: NodeTurn, cycle: readonly TransactionId[], condemn: Executioner): void {
  const place = cycle.indexOf(cycle.reduce(younger));
  const fromVictim = [...cycle.slice(place), ...cycle.slice(0, place)];
  const node = nodeOf(fromVictim[0] as TransactionId);
  if (node === turn.options.node) condemnReceived(turn, { cycle: fromVictim }, condemn);
  else sendTo(turn, node, { type: 'Condemn', cycle: fromVictim });
}

function younger(one: TransactionId, other: TransactionId): TransactionId {
  const [a, b] = [timestampOf(one), timestampOf(other)];
  const difference = a === undefined || b === undefined ? 0 : compareTimestamps(a, b);
  return difference > 0 || (difference === 0 && one > other) ? one : other;
}

function reasonOf(cycle: readonly TransactionId[]): string {
  const [victim] = cycle;
  return `a deadlock: ${[...cycle, victim].join(' waits for ')}; this transaction is the youngest of them and gives way`;
}

/** For whom a session of this node waits now; undefined if it waits for nobody, or is none. */
function awaitedBy(turn: NodeTurn, transaction: TransactionId): TransactionId | undefined {
  const { numbers, sessions } = coordinationOf(turn);
  const number = mapGet(numbers, transaction);
  const waits = number === undefined ? undefined : radixGet(sessions, number)?.waits;
  return waits !== undefined && waits.until > turn.now.monotonic ? waits.on : undefined;
}

/** The node that keeps the session. */
function nodeOf(transaction: TransactionId): NodeId | undefined {
  return timestampOf(transaction)?.node;
}

function sendTo(turn: NodeTurn, node: NodeId | undefined, message: WaitProbe | Condemn): void {
  if (node === undefined || memberOf(rosterOf(turn), node) === undefined) return;
  sendAtOnce(turn, node, message);
}
