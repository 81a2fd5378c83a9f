/**
 * The order of a register's versions where the level promises an order of transactions: when a transaction that touched one
 * version (wrote it, or read it) precedes one that touched another, the one version came before the other. And what is wrong
 * when versions, by all that is known of them, each came before the other.
 *
 * By time, `v` precedes `w` exactly when the first answer among those who touched `v` is before the last invocation among those
 * who touched `w` (the zones of Gibbons and Korach, "Testing shared memories", 1997). Of these pairs only those are kept that do
 * not follow from others.
 */
import { isAtLeast } from './anomaly.js';
import { idOf, isPresent, show, writerOf, type Facts } from './facts.js';
import { find, type Findings } from './findings.js';
import { addBareEdge, arrange, edgeType, findComponents, noEdges } from './graph.js';
import type { Transaction } from './history.js';
import { at, groupBy, ints, push, timeAt, type Ints } from './ints.js';
import { addOrder, orderKnownBy, type Observed } from './observed.js';
import { hasEnd, type Session } from './time-order.js';

/** Completes the order of versions: times and sessions where the level promises them, and the initial versions before all. */
export function orderRegisters(
  facts: Facts,
  findings: Findings,
  observed: Observed,
  sessions: readonly Session[],
): void {
  const useSessions = isAtLeast(facts.level, 'strong-session-serializable');
  const useTime = isAtLeast(facts.level, 'strict-serializable');
  // The order of time holds that of sessions already.
  if (useSessions && !useTime) orderBySession(facts, observed, sessions);
  if (useTime) orderByTime(facts, observed, touchesOf(facts, observed, true));
  removeCycles(facts, findings, observed, useTime);
  addInitial(facts, observed);
}

/** Who touched which version: transactions and versions in step. */
interface Touches {
  readonly transactions: Ints;
  readonly versions: Ints;
}

/** With `reads` false only writes. */
function touchesOf(facts: Facts, observed: Observed, reads: boolean): Touches {
  const touches = { transactions: ints(), versions: ints() };
  for (let version = 0; version < facts.valueOf.length; version++) {
    if (!isFinal(facts, version)) continue;
    push(touches.transactions, writerOf(facts, version));
    push(touches.versions, version);
  }
  for (let read = 0; reads && read < observed.readers.length; read++) {
    push(touches.transactions, at(observed.readers.items, read));
    push(touches.versions, at(observed.seen.items, read));
  }
  return touches;
}

const isFinal = (facts: Facts, version: number): boolean =>
  facts.overwritten.items[version] === 0 && isPresent(facts, writerOf(facts, version));

/** Along a session, the version of a key that was touched last precedes the one that is touched next. */
function orderBySession(facts: Facts, observed: Observed, sessions: readonly Session[]): void {
  const { transactions, versions } = touchesOf(facts, observed, true);
  const ofTransaction = groupBy(transactions, facts.history.length);
  for (const session of sessions) {
    const latest = new Map<number, number>();
    for (const transaction of session) {
      const touched: number[] = [];
      for (
        let place = at(ofTransaction.starts, transaction);
        place < at(ofTransaction.starts, transaction + 1);
        place++
      )
        touched.push(at(versions.items, at(ofTransaction.items, place)));
      for (const version of touched) {
        const before = latest.get(at(facts.keyOf.items, version));
        if (before !== undefined && before !== version && isOrdered(facts, version))
          addOrder(observed, before, version, orderKnownBy.session);
      }
      if (!hasEnd(facts, transaction)) continue;
      // What a transaction wrote is later than what it read of the same key.
      const writes = touched.filter((version) => writerOf(facts, version) === transaction);
      const written = new Set(writes.map((version) => at(facts.keyOf.items, version)));
      const reads = touched.filter((version) => !written.has(at(facts.keyOf.items, version)));
      for (const version of [...writes, ...reads]) {
        if (isOrdered(facts, version)) latest.set(at(facts.keyOf.items, version), version);
      }
    }
  }
}

/** Versions that take part in the order: initial ones and the last writes of present transactions. */
const isOrdered = (facts: Facts, version: number): boolean =>
  isFinal(facts, version) || facts.initial.items[at(facts.keyOf.items, version)] === version;

function orderByTime(facts: Facts, observed: Observed, { transactions, versions }: Touches): void {
  const count = facts.valueOf.length;
  const firstEnd = new Float64Array(count).fill(Infinity);
  const lastStart = new Float64Array(count).fill(-Infinity);
  for (let touch = 0; touch < versions.length; touch++) {
    const version = at(versions.items, touch);
    const transaction = at(transactions.items, touch);
    const { invokedAt, answeredAt } = facts.history[transaction] as Transaction;
    if (hasEnd(facts, transaction) && answeredAt !== undefined && answeredAt < timeAt(firstEnd, version))
      firstEnd[version] = answeredAt;
    if (invokedAt > timeAt(lastStart, version)) lastStart[version] = invokedAt;
  }
  const touched: number[][] = facts.keys.map(() => []);
  for (let version = 0; version < count; version++) {
    if (timeAt(lastStart, version) > -Infinity && isOrdered(facts, version))
      touched[at(facts.keyOf.items, version)]?.push(version);
  }
  for (const own of touched) orderKeyByTime(observed, own, firstEnd, lastStart);
}

/**
 * Versions are settled in the order of their first end, and placed in the order of their last start. A version that is both
 * settled and placed speaks for all settled ones that precede it, and these need no edges any more.
 */
function orderKeyByTime(
  observed: Observed,
  own: readonly number[],
  firstEnd: Float64Array,
  lastStart: Float64Array,
): void {
  if (own.length < 2) return;
  const bySettling = own.toSorted((a, b) => compare(timeAt(firstEnd, a), timeAt(firstEnd, b)) || a - b);
  const byPlacing = own.toSorted((a, b) => compare(timeAt(lastStart, a), timeAt(lastStart, b)) || a - b);
  let front: number[] = [];
  const placed = new Set<number>();
  const speakFor = (version: number): void => {
    front = front.filter(
      (other) => other === version || timeAt(firstEnd, other) >= timeAt(lastStart, version),
    );
  };
  let settled = 0;
  for (const version of byPlacing) {
    while (
      settled < bySettling.length &&
      timeAt(firstEnd, bySettling[settled] as number) < timeAt(lastStart, version)
    ) {
      const next = bySettling[settled++] as number;
      front.push(next);
      if (placed.has(next)) speakFor(next);
    }
    for (const before of front)
      if (before !== version) addOrder(observed, before, version, orderKnownBy.time);
    placed.add(version);
    if (front.includes(version)) speakFor(version);
  }
}

const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * A key whose versions form a cycle is reported. Its order is then taken from updates and from the times of writes alone, which
 * often shows the same contradiction as a cycle of transactions; where even that is a cycle, nothing is said about its order.
 */
function removeCycles(facts: Facts, findings: Findings, observed: Observed, useTime: boolean): void {
  const first = cyclicKeys(facts, observed);
  if (first.size === 0) return;
  for (const [key, versions] of first) reportCycle(facts, findings, key, versions);
  dropOrders(facts, observed, first, (how) => how >= orderKnownBy.atomic);
  if (useTime) {
    const writes = touchesOf(facts, observed, false);
    const kept = { transactions: ints(), versions: ints() };
    for (let touch = 0; touch < writes.versions.length; touch++) {
      const version = at(writes.versions.items, touch);
      if (!first.has(at(facts.keyOf.items, version))) continue;
      push(kept.transactions, at(writes.transactions.items, touch));
      push(kept.versions, version);
    }
    orderByTime(facts, observed, kept);
  }
  dropOrders(facts, observed, cyclicKeys(facts, observed), () => true);
}

function cyclicKeys(facts: Facts, observed: Observed): ReadonlyMap<number, readonly number[]> {
  const edges = noEdges(facts.valueOf.length);
  for (let pair = 0; pair < observed.before.length; pair++) {
    addBareEdge(edges, at(observed.before.items, pair), at(observed.after.items, pair), edgeType.ww);
  }
  const { nodes, starts, count } = findComponents(arrange(edges), edgeType.ww);
  const cyclic = new Map<number, readonly number[]>();
  for (let component = 0; component < count; component++) {
    const versions = [...nodes.items.subarray(at(starts.items, component), at(starts.items, component + 1))];
    const key = at(facts.keyOf.items, versions[0] as number);
    if (!cyclic.has(key))
      cyclic.set(
        key,
        versions.toSorted((a, b) => a - b),
      );
  }
  return cyclic;
}

function dropOrders(
  facts: Facts,
  observed: Observed,
  keys: ReadonlyMap<number, readonly number[]>,
  drops: (how: number) => boolean,
): void {
  const { before, after, how } = observed;
  let kept = 0;
  for (let pair = 0; pair < before.length; pair++) {
    const version = at(after.items, pair);
    if (keys.has(at(facts.keyOf.items, version)) && drops(at(how.items, pair))) continue;
    before.items[kept] = at(before.items, pair);
    after.items[kept] = version;
    how.items[kept] = at(how.items, pair);
    kept += 1;
  }
  before.length = after.length = how.length = kept;
}

const versionsShown = 6;

function reportCycle(facts: Facts, findings: Findings, key: number, versions: readonly number[]): void {
  const shown = versions.slice(0, versionsShown);
  find(findings, 'cyclic-versions', () => ({
    transactions: shown
      .map((version) => writerOf(facts, version))
      .filter((writer) => isPresent(facts, writer))
      .map((writer) => idOf(facts, writer)),
    explanation: [
      `By what was read, written and when, each of these values of ${show(facts.keys[key] ?? '')} came before the others: ` +
        `${shown.map((version) => show(facts.valueOf[version] ?? null)).join(', ')}${versions.length > shown.length ? ' …' : ''}.`,
    ],
  }));
}

function addInitial(facts: Facts, observed: Observed): void {
  const count = facts.valueOf.length;
  const hasEarlier = new Uint8Array(count);
  for (let pair = 0; pair < observed.after.length; pair++) hasEarlier[at(observed.after.items, pair)] = 1;
  for (let version = 0; version < count; version++) {
    if (hasEarlier[version] === 0 && isFinal(facts, version))
      addOrder(
        observed,
        at(facts.initial.items, at(facts.keyOf.items, version)),
        version,
        orderKnownBy.initial,
      );
  }
}
