/**
 * The order of sessions and the order of time, as edges.
 *
 * Only a transaction that was answered "committed" has an end; an unknown one may take effect at any time, so nothing comes
 * after it on account of time, though it comes after what was over before its invocation.
 *
 * The order of time is an interval order with up to n²/2 pairs. It takes O(n) edges here: a chain of moments, one helper for
 * each group of answers that some invocation follows; a transaction leads to the moment after its answer, and a moment to the
 * transactions invoked before the next one. A transaction never leads to itself, because it is invoked before it is answered.
 */
import type { Facts } from './facts.js';
import { idOf } from './facts.js';
import { addBareEdge, addNode, edgeType, type EdgeList } from './graph.js';
import type { Transaction } from './history.js';
import { ints, push, timeAt, at, type Ints } from './ints.js';

/** Present transactions of one client, each answered before the next was invoked; an unknown one precedes nothing. */
export type Session = readonly number[];

export interface Sessions {
  readonly sessions: readonly Session[];
  /** Two transactions that one client had under way at once, if any did. */
  readonly overlap: readonly [number, number] | undefined;
}

export const hasEnd = (facts: Facts, transaction: number): boolean =>
  facts.history[transaction]?.outcome === 'committed';

const invokedAt = (facts: Facts, transaction: number): number =>
  (facts.history[transaction] as Transaction).invokedAt;

const endOf = (facts: Facts, transaction: number): number =>
  hasEnd(facts, transaction) ? (facts.history[transaction]?.answeredAt ?? Infinity) : Infinity;

/** A client that has two transactions under way at once has a session only up to there, and another after it. */
export function findSessions(facts: Facts): Sessions {
  const ofClient = new Map<string, number[]>();
  facts.history.forEach(({ client }, transaction) => {
    if (facts.present[transaction] !== 1) return;
    const own = ofClient.get(client);
    if (own === undefined) ofClient.set(client, [transaction]);
    else own.push(transaction);
  });
  const sessions: number[][] = [];
  let overlap: readonly [number, number] | undefined;
  for (const own of ofClient.values()) {
    own.sort(
      (a, b) =>
        invokedAt(facts, a) - invokedAt(facts, b) || compare(endOf(facts, a), endOf(facts, b)) || a - b,
    );
    let session: number[] = [];
    let latest = -1;
    for (const transaction of own) {
      if (latest !== -1 && !precedesInSession(facts, latest, transaction)) {
        overlap ??= [latest, transaction];
        sessions.push(session);
        session = [];
      }
      session.push(transaction);
      if (hasEnd(facts, transaction)) latest = transaction;
    }
    sessions.push(session);
  }
  return { sessions, overlap };
}

const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

/** Within a session the next transaction may be invoked in the very moment of the answer. */
function precedesInSession(facts: Facts, earlier: number, later: number): boolean {
  const end = endOf(facts, earlier);
  const start = invokedAt(facts, later);
  return end < start || (end === start && invokedAt(facts, earlier) < endOf(facts, later));
}

export function addSessionEdges(facts: Facts, sessions: readonly Session[], edges: EdgeList): void {
  for (const session of sessions) {
    let latest = -1;
    for (const transaction of session) {
      if (latest !== -1) addBareEdge(edges, latest, transaction, edgeType.session);
      if (hasEnd(facts, transaction)) latest = transaction;
    }
  }
}

export function addTimeEdges(facts: Facts, edges: EdgeList): void {
  const started = ints();
  const over = ints();
  const starts = new Float64Array(facts.history.length);
  const ends = new Float64Array(facts.history.length);
  for (let transaction = 0; transaction < facts.history.length; transaction++) {
    if (facts.present[transaction] !== 1) continue;
    starts[transaction] = invokedAt(facts, transaction);
    ends[transaction] = endOf(facts, transaction);
    push(started, transaction);
    if (hasEnd(facts, transaction)) push(over, transaction);
  }
  const byInvocation = sorted(started, starts);
  const byEnd = sorted(over, ends);
  let moment = -1;
  let ended = 0;
  for (const transaction of byInvocation) {
    const start = timeAt(starts, transaction);
    if (ended < byEnd.length && timeAt(ends, at(byEnd, ended)) < start) {
      const earlier = moment;
      moment = addNode(edges);
      if (earlier !== -1) addBareEdge(edges, earlier, moment, edgeType.link);
      for (; ended < byEnd.length && timeAt(ends, at(byEnd, ended)) < start; ended++)
        addBareEdge(edges, at(byEnd, ended), moment, edgeType.time);
    }
    if (moment !== -1) addBareEdge(edges, moment, transaction, edgeType.link);
  }
}

/** By time, and by place in the history where times are equal. */
function sorted({ items, length }: Ints, times: Float64Array): Int32Array {
  const transactions = items.slice(0, length);
  for (let place = 1; place < length; place++) {
    if (timeAt(times, at(transactions, place)) < timeAt(times, at(transactions, place - 1)))
      return transactions.sort((a, b) => timeAt(times, a) - timeAt(times, b) || a - b);
  }
  return transactions;
}

export function noteOverlap(facts: Facts, { overlap }: Sessions): readonly string[] {
  if (overlap === undefined) return [];
  const [earlier, later] = overlap;
  return [
    `Client ${facts.history[earlier]?.client ?? ''} had transactions ${idOf(facts, earlier)} and ${idOf(facts, later)} under ` +
      'way at once; they are treated as concurrent, without the order of a session.',
  ];
}
