/**
 * The order of appends: that of the longest list, and after it what no list shows.
 */
import { isAtLeast } from './anomaly.js';
import { showList } from './describe.js';
import { idOf, isAborted, isPresent, nobody, show, writerOf, type Facts } from './facts.js';
import { find, type Findings } from './findings.js';
import { at } from './ints.js';
import type { Longest } from './longest-list.js';
import { addOrder, orderKnownBy, type Observed } from './observed.js';
import { keyName, reportDirtyUpdate } from './suspicion.js';

export interface ListRun {
  readonly facts: Facts;
  readonly findings: Findings;
  readonly observed: Observed;
  /** By key. */
  readonly longest: readonly Longest[];
  /** By version: its place in the longest list, or -1. */
  readonly place: Int32Array;
}

/** The appends of one transaction stand in the order in which it made them, all of them up to the latest. */
function checkOwnOrder({ facts, findings, place }: ListRun, list: Longest, version: number): void {
  const previous = at(facts.previousOwn.items, version);
  if (previous === -1) return;
  const found = at(place, previous);
  if (found !== -1 && found < at(place, version)) return;
  const writer = idOf(facts, writerOf(facts, version));
  find(findings, 'incompatible-order', () => ({
    transactions: [writer, idOf(facts, list.reader)],
    explanation: [
      `T${writer} appended ${show(facts.valueOf[previous] ?? null)} and then ${show(facts.valueOf[version] ?? null)} ` +
        `to ${keyName(facts, version)}.`,
      `T${idOf(facts, list.reader)} read it as ${showList(list.values)}, ` +
        `${found === -1 ? 'without the first' : 'in the other order'}.`,
    ],
  }));
}

/**
 * Each version comes before the next one whose writer is committed. Where appends are what they say, those that no list
 * contains came after the longest; a store that loses appends need not keep to that below snapshot isolation.
 */
export function orderLists(run: ListRun): void {
  const { facts, findings, observed, longest } = run;
  const trustsUnseen =
    isAtLeast(facts.level, 'snapshot-isolation') || isAtLeast(facts.level, 'repeatable-read');
  const updaterOf = onlyUpdaters(facts, observed);
  const unseen = longest.map((): number[] => []);
  for (let version = 0; version < run.place.length; version++) {
    const isLast = facts.overwritten.items[version] !== 1 && isPresent(facts, writerOf(facts, version));
    if (isLast && run.place[version] === -1) unseen[at(facts.keyOf.items, version)]?.push(version);
  }
  longest.forEach((list, key) => {
    if (!list.isOrder) return;
    let before = at(facts.initial.items, key);
    // The latest version that counts, and those after it that do not: somebody may have read them.
    const waiting: number[] = [];
    let aborted = -1;
    for (const version of list.versions) {
      waiting.push(before);
      before = version;
      const writer = writerOf(facts, version);
      if (isAborted(facts, writer)) aborted = version;
      if (!isPresent(facts, writer)) continue;
      checkOwnOrder(run, list, version);
      for (const earlier of waiting) addOrder(observed, earlier, version, orderKnownBy.list);
      waiting.length = 0;
      if (aborted !== -1) reportDirtyUpdate(facts, findings, { aborted, version });
      aborted = -1;
    }
    waiting.push(before);
    if (trustsUnseen) orderUnseen(run, waiting, unseen[key] ?? [], updaterOf[before] ?? nobody);
    else if (list.length === 0) {
      for (const version of unseen[key] ?? []) addOrder(observed, before, version, orderKnownBy.initial);
    }
  });
}

/**
 * When just one of them read the end of the longest list, it was the first to append: another one in between would have been
 * lost on it. When several did, that is a lost update, and their order is left open.
 */
function orderUnseen(
  { facts, observed }: ListRun,
  ends: readonly number[],
  unseen: readonly number[],
  updater: number,
): void {
  const first = unseen.find((version) => writerOf(facts, version) === updater);
  for (const version of unseen) {
    if (first !== undefined && version !== first) addOrder(observed, first, version, orderKnownBy.unseen);
    else
      for (const end of ends) {
        const isInitial = facts.initial.items[at(facts.keyOf.items, end)] === end;
        addOrder(observed, end, version, isInitial ? orderKnownBy.initial : orderKnownBy.unseen);
      }
  }
}

/** By version: the only transaction that read it and appended to the key, or `nobody` when there is none or more than one. */
function onlyUpdaters(facts: Facts, { updaters, updated }: Observed): Int32Array {
  const only = new Int32Array(facts.valueOf.length).fill(nobody);
  const several = new Set<number>();
  for (let update = 0; update < updated.length; update++) {
    const version = at(updated.items, update);
    if (only[version] !== nobody && only[version] !== updaters.items[update]) several.add(version);
    only[version] = at(updaters.items, update);
  }
  for (const version of several) only[version] = nobody;
  return only;
}
