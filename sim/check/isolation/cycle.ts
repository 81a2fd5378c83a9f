/** One cycle in words: what it is called, whether the level permits it, and why each of its transactions precedes the next. */
import {
  allowsCycle,
  cycleName,
  cycleTitle,
  type CycleShape,
  type CycleStep,
  type DependencyKind,
} from './anomaly.js';
import { describeTransaction } from './describe.js';
import { idOf, isPresent, show, writerOf, type Facts } from './facts.js';
import { hasRoom, keep, type Findings } from './findings.js';
import { edgeAt, edgeType, type Edge, type EdgeList, type Graph } from './graph.js';
import type { Transaction } from './history.js';
import { at } from './ints.js';
import { orderKnownBy } from './observed.js';
import { keyName, wrote } from './suspicion.js';

/** A step from one transaction to the next, over whatever helpers lie between. */
type Leg = Edge;

/** `slots` lead from a transaction back to itself. A cycle that was reported before is not reported again. */
export function reportCycle(
  facts: Facts,
  findings: Findings,
  edges: EdgeList,
  graph: Graph,
  slots: readonly number[],
): void {
  const legs = legsOf(edges, graph, slots);
  const shape = shapeOf(legs);
  const name = cycleName(shape);
  const transactions = [...new Set(legs.map(({ source }) => idOf(facts, source)))];
  if (isLostUpdate(facts, legs) || isKnown(findings, name, transactions) || !hasRoom(findings, name)) return;
  const cycle = legs.map((leg) => describeLeg(facts, leg));
  keep(findings, {
    name,
    title: cycleTitle(shape),
    allowed: allowsCycle(facts.level, shape),
    transactions,
    explanation: [
      ...[...new Set(legs.map(({ source }) => source))].map((member) =>
        describeTransaction(facts.history[member] as Transaction),
      ),
      ...cycle.map(
        ({ from, to, reason }, index) =>
          `T${from} ${index === cycle.length - 1 ? 'must also come' : 'comes'} before T${to}: ${reason}.`,
      ),
    ],
    cycle,
  });
}

/** The cycle begins with the transaction that stands first in the history. */
function legsOf(edges: EdgeList, graph: Graph, slots: readonly number[]): readonly Leg[] {
  const legs: Leg[] = [];
  for (const slot of slots) {
    const edge = edgeAt(edges, at(graph.edges, slot));
    const leg = legs.at(-1);
    if (edge.type !== edgeType.link || leg === undefined) {
      legs.push(edge);
      continue;
    }
    const { target, to, how } = edge.to === -1 ? { ...leg, target: edge.target } : edge;
    legs[legs.length - 1] = { ...leg, target, to, how };
  }
  const least = legs.reduce(
    (best, leg, index) => (leg.source < (legs[best] as Leg).source ? index : best),
    0,
  );
  return [...legs.slice(least), ...legs.slice(0, least)];
}

function shapeOf(legs: readonly Leg[]): CycleShape {
  const count = (type: number): number => legs.filter((leg) => leg.type === type).length;
  const isAnti = (leg: Leg | undefined): boolean =>
    leg !== undefined && (leg.type === edgeType.rw || leg.type === edgeType.predicateRw);
  return {
    readsWrites: count(edgeType.wr) > 0,
    itemAnti: count(edgeType.rw),
    predicateAnti: count(edgeType.predicateRw),
    adjacent: legs.some((leg, index) => isAnti(leg) && isAnti(legs[(index + 1) % legs.length])),
    usesSession: count(edgeType.session) > 0,
    usesTime: count(edgeType.time) > 0,
  };
}

/** Such a pair is reported as what it is, from the reads and writes themselves (`findLostUpdates`). */
function isLostUpdate(facts: Facts, legs: readonly Leg[]): boolean {
  if (legs.length !== 2) return false;
  const anti = legs.find(({ type }) => type === edgeType.rw);
  const over = legs.find(({ type }) => type === edgeType.ww);
  if (anti === undefined || over === undefined) return false;
  const { history } = facts;
  const key = at(facts.keyOf.items, anti.to);
  if (key !== at(facts.keyOf.items, over.to)) return false;
  const saw = (transaction: number): boolean => {
    const value = facts.valueOf[anti.from] ?? null;
    return (history[transaction] as Transaction).operations.some(
      (operation) =>
        (operation.type === 'read' && operation.key === facts.keys[key] && operation.value === value) ||
        (operation.type === 'list' &&
          operation.key === facts.keys[key] &&
          (operation.values?.filter((each) => !isOwn(facts, transaction, key, each)).at(-1) ?? null) ===
            value &&
          operation.values !== undefined),
    );
  };
  return saw(anti.source) && saw(anti.target);
}

function isOwn(facts: Facts, transaction: number, key: number, value: number | string): boolean {
  const version = facts.byValue[key]?.get(value);
  return version !== undefined && writerOf(facts, version) === transaction;
}

function isKnown(
  findings: Findings,
  name: ReturnType<typeof cycleName>,
  transactions: readonly number[],
): boolean {
  const members = transactions.toSorted((a, b) => a - b).join();
  return (findings.kept.get(name) ?? []).some(
    (anomaly) => anomaly.transactions.toSorted((a, b) => a - b).join() === members,
  );
}

function describeLeg(facts: Facts, leg: Leg): CycleStep {
  const isTimed = leg.type === edgeType.session || leg.type === edgeType.time;
  return {
    from: idOf(facts, leg.source),
    to: idOf(facts, leg.target),
    kind: kindOf(leg.type),
    key: isTimed ? undefined : facts.keys[at(facts.keyOf.items, leg.to)],
    reason: reasonOf(facts, leg),
  };
}

function kindOf(type: number): DependencyKind {
  switch (type) {
    case edgeType.ww:
      return 'ww';
    case edgeType.wr:
      return 'wr';
    case edgeType.rw:
      return 'rw';
    case edgeType.predicateRw:
      return 'predicate-rw';
    case edgeType.session:
      return 'session';
    default:
      return 'realtime';
  }
}

function reasonOf(facts: Facts, { source, target, type, from, to, how }: Leg): string {
  const [earlier, later] = [`T${idOf(facts, source)}`, `T${idOf(facts, target)}`];
  const times = (): string =>
    `${earlier} was answered at ${facts.history[source]?.answeredAt ?? '?'}, ` +
    `and ${later} was invoked at ${facts.history[target]?.invokedAt ?? '?'}`;
  switch (type) {
    case edgeType.ww:
      return `${earlier} ${wrote(facts, from)}, and ${later} ${wrote(facts, to)} after it${knownBy(facts, how, target)}`;
    case edgeType.wr:
      return `${earlier} ${wrote(facts, from)}, and ${later} read it`;
    case edgeType.rw:
      return `${earlier} saw ${keyName(facts, from)} ${stateOf(facts, from)}, without what ${later} did, which ${wrote(facts, to)}${knownBy(facts, how, target)}`;
    case edgeType.predicateRw:
      return `${earlier} scanned and found no ${keyName(facts, to)}, and ${later} ${wrote(facts, to)}`;
    case edgeType.session:
      return `both are of client ${facts.history[source]?.client ?? ''}; ${times()}`;
    default:
      return times();
  }
}

function stateOf(facts: Facts, version: number): string {
  const value = facts.valueOf[version] ?? null;
  if (value === null) return facts.model === 'list-append' ? 'as an empty list' : 'absent';
  return facts.model === 'list-append' ? `ending with ${show(value)}` : `= ${show(value)}`;
}

/** How the order of two versions is known, where a reader could not guess. */
function knownBy(facts: Facts, how: number, later: number): string {
  switch (how) {
    case orderKnownBy.unseen:
      return ' (no list that was read has it yet)';
    case orderKnownBy.update:
      return isPresent(facts, later) ? ` (T${idOf(facts, later)} read the one and wrote the other)` : '';
    case orderKnownBy.atomic:
      return ' (who saw another write of the one, and so all of them, read the other)';
    case orderKnownBy.session:
      return ' (by the order of a session that touched both)';
    case orderKnownBy.time:
      return ' (by the times of those who touched both)';
    default:
      return '';
  }
}
