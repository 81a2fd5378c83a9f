/**
 * What the search need not try again.
 *
 * A configuration is (the answered operations placed, the state); beside it stands the set of unanswered operations that
 * were used to get there. Lowe's memoisation ("Testing for linearizability", 2017, section 3) forbids to visit the same triple
 * twice. We forbid more: an unanswered operation may never have happened, so whatever can follow a configuration reached with
 * the set `U` can also follow the same configuration reached with a subset of `U`. A visit is therefore refused when an
 * earlier one used a subset.
 *
 * Bounded: at most one entry for each step of the search, and never more than `maxMemoWords` words in all. When full, it
 * remembers no more; the search stays right and only gets slower, until its own budget ends it.
 */
import {
  addWords,
  at,
  emptyWordTable,
  findWords,
  mix,
  withRoom,
  wordsHeld,
  type WordTable,
} from './word-table.js';

/** 2^24 words, 64 MB, for one key's search (searches run one after another). Growing an array may briefly take twice that. */
const maxMemoWords = 16_777_216;

/** How many earlier sets are compared for being a subset; beyond it only an equal set is found. */
const maxSubsetsCompared = 32;

export interface Memo {
  readonly configurations: WordTable;
  /** Sequences of the configuration's number, then the words of the set. Unused when the history has no unanswered ones. */
  readonly usedSets: WordTable;
  /** By configuration: its first and its latest used set. By used set: the next of the same configuration, plus one. */
  firstSet: Int32Array;
  latestSet: Int32Array;
  nextSet: Int32Array;
}

/** A configuration laid out for lookup. `words` and `used` are scratch space; the memo copies what it keeps. */
export interface Visit {
  readonly words: Int32Array;
  length: number;
  hash: number;
  /** Place 0 is left free for the memo; the set's words follow. */
  readonly used: Int32Array;
  usedLength: number;
  usedHash: number;
}

export function emptyMemo(): Memo {
  return {
    configurations: emptyWordTable(),
    usedSets: emptyWordTable(),
    firstSet: new Int32Array(32),
    latestSet: new Int32Array(32),
    nextSet: new Int32Array(32),
  };
}

/** Records the visit; false when an earlier visit makes it pointless. */
export function visitFirst(memo: Memo, visit: Visit, hasUnanswered: boolean): boolean {
  const configuration = findWords(memo.configurations, visit.words, visit.length, visit.hash);
  if (configuration === -1) {
    if (isFull(memo)) return true;
    const added = addWords(memo.configurations, visit.words, visit.length, visit.hash);
    if (hasUnanswered) addUsedSet(memo, added, visit, true);
    return true;
  }
  if (!hasUnanswered || subsetWasUsed(memo, configuration, visit)) return false;
  visit.used[0] = configuration;
  const hash = mix(visit.usedHash ^ Math.imul(configuration + 1, 0x9e3779b1));
  if (findWords(memo.usedSets, visit.used, visit.usedLength, hash) !== -1) return false;
  if (!isFull(memo)) addUsedSet(memo, configuration, visit, false);
  return true;
}

function isFull(memo: Memo): boolean {
  return wordsHeld(memo.configurations) + wordsHeld(memo.usedSets) >= maxMemoWords;
}

function addUsedSet(memo: Memo, configuration: number, visit: Visit, isFirst: boolean): void {
  visit.used[0] = configuration;
  const hash = mix(visit.usedHash ^ Math.imul(configuration + 1, 0x9e3779b1));
  const set = addWords(memo.usedSets, visit.used, visit.usedLength, hash);
  memo.nextSet = withRoom(memo.nextSet, set + 1);
  if (isFirst) {
    memo.firstSet = withRoom(memo.firstSet, configuration + 1);
    memo.latestSet = withRoom(memo.latestSet, configuration + 1);
    memo.firstSet[configuration] = set;
  } else {
    memo.nextSet[at(memo.latestSet, configuration)] = set + 1;
  }
  memo.latestSet[configuration] = set;
}

function subsetWasUsed(memo: Memo, configuration: number, visit: Visit): boolean {
  let set = at(memo.firstSet, configuration);
  for (let compared = 0; compared < maxSubsetsCompared && set !== -1; compared++) {
    if (isSubset(memo.usedSets, set, visit)) return true;
    set = at(memo.nextSet, set) - 1;
  }
  return false;
}

function isSubset(sets: WordTable, set: number, visit: Visit): boolean {
  const start = at(sets.starts, set);
  const length = at(sets.starts, set + 1) - start;
  if (length > visit.usedLength) return false;
  for (let index = 1; index < length; index++) {
    if ((at(sets.words, start + index) & ~at(visit.used, index)) !== 0) return false;
  }
  return true;
}
