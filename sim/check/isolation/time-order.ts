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
import { addEdge, addNode, edgeType, type EdgeList } from './graph.js';
import type { Transaction } from './history.js';
import { at } from './ints.js';

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
      if (latest !== -1) addEdge(edges, { source: latest, target: transaction, type: edgeType.session });
      if (hasEnd(facts, transaction)) latest = transaction;
    }
  }
}

export function addTimeEdges(facts: Facts, edges: EdgeList): void {
  const present = facts.history.map((_, index) => index).filter((index) => facts.present[index] === 1);
  const byInvocation = sorted(present, (transaction) => invokedAt(facts, transaction));
  const byEnd = sorted(
    present.filter((transaction) => hasEnd(facts, transaction)),
    (transaction) => endOf(facts, transaction),
  );
  let moment = -1;
  let over = 0;
  for (const transaction of byInvocation) {
    const start = invokedAt(facts, transaction);
    if (over < byEnd.length && endOf(facts, at(byEnd, over)) < start) {
      const earlier = moment;
      moment = addNode(edges);
      if (earlier !== -1) addEdge(edges, { source: earlier, target: moment, type: edgeType.link });
      for (; over < byEnd.length && endOf(facts, at(byEnd, over)) < start; over++)
        addEdge(edges, { source: at(byEnd, over), target: moment, type: edgeType.time });
    }
    if (moment !== -1) addEdge(edges, { source: moment, target: transaction, type: edgeType.link });
  }
}

/** By time, and by place in the history where times are equal. */
function sorted(transactions: readonly number[], timeOf: (transaction: number) => number): Int32Array {
  const times = Float64Array.from(transactions, timeOf);
  const places = Int32Array.from(transactions, (_, place) => place);
  if (times.some((time, place) => place > 0 && time < at(times, place - 1)))
    places.sort((a, b) => at(times, a) - at(times, b) || a - b);
  return places.map((place) => transactions[place] as number);
}

export function noteOverlap(facts: Facts, { overlap }: Sessions): readonly string[] {
  if (overlap === undefined) return [];
  const [earlier, later] = overlap;
  return [
    `Client ${facts.history[earlier]?.client ?? ''} had transactions ${idOf(facts, earlier)} and ${idOf(facts, later)} under ` +
      'way at once; they are treated as concurrent, without the order of a session.',
  ];
}
