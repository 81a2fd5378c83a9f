/**
 * From versions to transactions: the edges of Adya's direct serialization graph.
 *
 * `ww`: wrote the version before the other's. `wr`: wrote the version that the other read. `rw`, an anti-dependency: read a
 * version before the one that the other wrote. The order of versions may be partial and may leave out what follows from it; an
 * `rw` edge may then stand for an anti-dependency and some `ww` edges after it, which makes a cycle neither more nor less
 * forbidden than it is, except that two `rw` edges may look adjacent that are not: the milder reading.
 */
import { idOf, isPresent, nobody, show, writerOf, type Facts } from './facts.js';
import { find, type Findings } from './findings.js';
import { addEdge, addNode, edgeType, type EdgeList } from './graph.js';
import { at, groupBy, type Grouping } from './ints.js';
import type { Observed } from './observed.js';

export interface EdgeCounts {
  readonly ww: number;
  readonly wr: number;
  readonly rw: number;
}

/** How many edges may be drawn one by one between the readers of a version and the writers of the next. */
const drawnSingly = 16;

/** How many readers that are also among the writers get edges of their own; already two are a lost update. */
const updatersDrawn = 4;

export function addDependencies(facts: Facts, observed: Observed, edges: EdgeList): EdgeCounts {
  const { readers, seen, before, after, how } = observed;
  let ww = 0;
  let wr = 0;
  for (let read = 0; read < readers.length; read++) {
    const version = at(seen.items, read);
    const writer = writerOf(facts, version);
    const reader = at(readers.items, read);
    if (writer === reader || !isPresent(facts, writer)) continue;
    wr += 1;
    addEdge(edges, {
      source: writer,
      target: reader,
      type: edgeType.wr,
      from: version,
      to: version,
      how: 0,
    });
  }
  for (let pair = 0; pair < before.length; pair++) {
    const from = at(before.items, pair);
    const to = at(after.items, pair);
    const source = writerOf(facts, from);
    const target = writerOf(facts, to);
    if (source === target || !isPresent(facts, source) || !isPresent(facts, target)) continue;
    ww += 1;
    addEdge(edges, { source, target, type: edgeType.ww, from, to, how: at(how.items, pair) });
  }
  const versions = facts.valueOf.length;
  const readsOf = groupBy(seen, versions);
  const pairsOf = groupBy(before, versions);
  const stamp = new Int32Array(facts.history.length).fill(-1);
  let rw = 0;
  for (let version = 0; version < versions; version++) {
    rw += addAntiDependencies({ facts, observed, edges, readsOf, pairsOf, stamp }, version);
  }
  return { ww, wr, rw };
}

interface Drawing {
  readonly facts: Facts;
  readonly observed: Observed;
  readonly edges: EdgeList;
  readonly readsOf: Grouping;
  readonly pairsOf: Grouping;
  readonly stamp: Int32Array;
}

/** Everyone who read the version comes before everyone who wrote a next one; their number. */
function addAntiDependencies(drawing: Drawing, version: number): number {
  const { facts, observed, edges, readsOf, pairsOf, stamp } = drawing;
  const firstRead = at(readsOf.starts, version);
  const lastRead = at(readsOf.starts, version + 1);
  const firstPair = at(pairsOf.starts, version);
  const lastPair = at(pairsOf.starts, version + 1);
  const reads = lastRead - firstRead;
  const nexts = lastPair - firstPair;
  if (reads === 0 || nexts === 0) return 0;
  let count = 0;
  const draw = (source: number, target: number, type: number, pair: number): void => {
    const to = at(observed.after.items, pair);
    addEdge(edges, { source, target, type, from: version, to, how: at(observed.how.items, pair) });
    count += 1;
  };
  const drawAll = (reader: number): void => {
    for (let place = firstPair; place < lastPair; place++) {
      const pair = at(pairsOf.items, place);
      const writer = writerOf(facts, at(observed.after.items, pair));
      if (writer !== reader && isPresent(facts, writer)) draw(reader, writer, edgeType.rw, pair);
    }
  };
  if (nexts === 1 || reads === 1 || reads * nexts <= drawnSingly) {
    for (let place = firstRead; place < lastRead; place++)
      drawAll(at(observed.readers.items, at(readsOf.items, place)));
    return count;
  }
  const between = addNode(edges);
  for (let place = firstPair; place < lastPair; place++) {
    const pair = at(pairsOf.items, place);
    const writer = writerOf(facts, at(observed.after.items, pair));
    if (!isPresent(facts, writer)) continue;
    stamp[writer] = version;
    draw(between, writer, edgeType.link, pair);
  }
  let updaters = 0;
  for (let place = firstRead; place < lastRead; place++) {
    const reader = at(observed.readers.items, at(readsOf.items, place));
    if (stamp[reader] !== version) {
      addEdge(edges, {
        source: reader,
        target: between,
        type: edgeType.rw,
        from: version,
        to: -1,
        how: 0,
      });
      count += 1;
    } else if (updaters++ < updatersDrawn) drawAll(reader);
  }
  return count;
}

/**
 * Two transactions that both read a version and both wrote the key: whichever came second did not see the first. That holds in
 * any order of their writes, so it is found even where the order is not known.
 */
export function findLostUpdates(facts: Facts, findings: Findings, observed: Observed): void {
  const { updaters, updated } = observed;
  const first = new Int32Array(facts.valueOf.length).fill(nobody);
  for (let update = 0; update < updated.length; update++) {
    const version = at(updated.items, update);
    const updater = at(updaters.items, update);
    const earlier = at(first, version);
    if (earlier === nobody) first[version] = updater;
    if (earlier === nobody || earlier === updater) continue;
    find(findings, 'lost-update', () => {
      const key = show(facts.keys[at(facts.keyOf.items, version)] ?? '');
      const value = facts.valueOf[version] ?? null;
      const state =
        value === null
          ? 'absent'
          : facts.model === 'list-append'
            ? `ending with ${show(value)}`
            : show(value);
      return {
        transactions: [idOf(facts, earlier), idOf(facts, updater)],
        explanation: [
          `T${idOf(facts, earlier)} and T${idOf(facts, updater)} both read ${key} as ${state}, and both then wrote it.`,
          'Whichever wrote second overwrote a version that it had not read.',
        ],
      };
    });
  }
}
