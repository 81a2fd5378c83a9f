/**
 * Predicate anti-dependencies: a scan that did not find a key comes before every transaction that wrote the key, because keys
 * begin absent and are never removed.
 *
 * A scan misses all keys that are to come, so drawing every such edge would cost scans times keys. The first writers of the keys
 * of a prefix therefore stand in a chain of helpers by the time of their invocation; a scan leads to the latest part of the chain
 * of which it found nothing, and has edges of its own to the few that it missed before that.
 */
import { isPresent, writerOf, type Facts } from './facts.js';
import { addBareEdge, addEdge, addNode, edgeType, type EdgeList } from './graph.js';
import type { MicroOperation, Transaction } from './history.js';
import { at } from './ints.js';
import type { Observed } from './observed.js';
import { ownWrites } from './scan.js';

/** A transaction that wrote a key first, or may have, as far as the order is known. */
interface Birth {
  readonly key: number;
  readonly version: number;
  readonly writer: number;
}

interface Chain {
  readonly births: readonly Birth[];
  readonly helpers: readonly number[];
}

/** Returns the number of anti-dependencies drawn. */
export function addPhantoms(facts: Facts, observed: Observed, edges: EdgeList): number {
  if (observed.scans.length === 0) return 0;
  const births = birthsByName(facts, observed);
  const chains = new Map<string, Chain>();
  const stamp = new Int32Array(facts.keys.length).fill(-1);
  let count = 0;
  for (let index = 0; index < observed.scans.length; index++) {
    const transaction = at(observed.scanners.items, index);
    const place = at(observed.scans.items, index);
    const { operations } = facts.history[transaction] as Transaction;
    const scan = operations[place] as MicroOperation;
    if (scan.type !== 'scan') continue;
    const chain = chains.get(scan.prefix) ?? chainOf(facts, births, scan.prefix, edges);
    chains.set(scan.prefix, chain);
    const names = [...(scan.found ?? []).map(([name]) => name), ...ownWrites(operations, place).keys()];
    for (const name of names) {
      const key = facts.keyIds.get(name);
      if (key !== undefined) stamp[key] = index;
    }
    const isMissed = ({ key, writer }: Birth): boolean => stamp[key] !== index && writer !== transaction;
    let start = chain.births.length;
    while (start > 0 && isMissed(chain.births[start - 1] as Birth)) start -= 1;
    const type = edgeType.predicateRw;
    for (const birth of chain.births.slice(0, start).filter(isMissed)) {
      const from = at(facts.initial.items, birth.key);
      addEdge(edges, { source: transaction, target: birth.writer, type, from, to: birth.version, how: 0 });
      count += 1;
    }
    if (start === chain.births.length) continue;
    addBareEdge(edges, transaction, chain.helpers[start] as number, type);
    count += 1;
  }
  return count;
}

/** In the order of the keys' names, by code unit. */
function birthsByName(facts: Facts, observed: Observed): readonly Birth[] {
  const births: Birth[] = [];
  for (let pair = 0; pair < observed.before.length; pair++) {
    const version = at(observed.after.items, pair);
    const key = at(facts.keyOf.items, version);
    const writer = writerOf(facts, version);
    if (at(observed.before.items, pair) === at(facts.initial.items, key) && isPresent(facts, writer))
      births.push({ key, version, writer });
  }
  return births.sort(
    (a, b) => byCodeUnit(facts.keys[a.key] ?? '', facts.keys[b.key] ?? '') || a.version - b.version,
  );
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function chainOf(facts: Facts, births: readonly Birth[], prefix: string, edges: EdgeList): Chain {
  const nameAt = (index: number): string => facts.keys[births[index]?.key ?? -1] ?? '';
  let [low, high] = [0, births.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (nameAt(middle) < prefix) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < births.length && nameAt(end).startsWith(prefix)) end += 1;
  const startOf = ({ writer }: Birth): number => facts.history[writer]?.invokedAt ?? 0;
  const own = births.slice(low, end).sort((a, b) => startOf(a) - startOf(b) || a.version - b.version);
  const helpers = own.map(() => addNode(edges));
  own.forEach(({ key, version, writer }, index) => {
    const source = helpers[index] as number;
    const from = at(facts.initial.items, key);
    addEdge(edges, { source, target: writer, type: edgeType.link, from, to: version, how: 0 });
    const next = helpers[index + 1];
    if (next !== undefined) addBareEdge(edges, source, next, edgeType.link);
  });
  return { births: own, helpers };
}
