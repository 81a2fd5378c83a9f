/**
 * What has happened in one Raft group, over all nodes and all their runs: the history variables of the invariants.
 */

import type {
  Configuration,
  Entry,
  PartitionState,
  PlacedConfiguration,
  RaftState,
} from '../../../core/index.js';

export interface GroupHistory {
  /** Who led each term. */
  readonly leaders: Map<number, number>;
  newestTerm: number;
  /** By index, from 1: the entries that some leader committed. Place 0 is not used. */
  readonly committed: (Entry | undefined)[];
  /** By index: the term of the leader that committed it first; at least the entry's own. */
  readonly committedIn: number[];
  /** Every entry that was ever in some log, by index and term, with the term of the entry before it. */
  readonly entries: Map<number, { readonly entry: Entry; readonly previousTerm: number | undefined }>;
  /** The configuration that the group began with, when it is known, and those committed since, in ascending order. */
  readonly changes: PlacedConfiguration[];
  /** Up to here, what is committed has been looked at for `changes`. */
  changesNotedTo: number;
  /** By applied index: the digest of the state there. */
  readonly digests: Map<number, number>;
  /** By node and term: whom the node granted its vote. */
  readonly votes: Map<number, number>;
  /** By node and term: who voted for itself. */
  readonly candidates: Set<number>;
  /** By candidate and term: the best log that it stated when it asked for votes, and for pre-votes. */
  readonly stated: Map<number, LogEnd>;
  readonly statedBefore: Map<number, LogEnd>;
  /** The election timeouts of those who asked for pre-votes, and how many times anybody did. */
  readonly patiences: Set<number>;
  asked: number;
}

export interface LogEnd {
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** Whether a log that ends at `a` is ahead of one that ends at `b` (Raft section 5.4.1). */
export function isAhead(a: LogEnd, b: LogEnd): boolean {
  return a.lastTerm > b.lastTerm || (a.lastTerm === b.lastTerm && a.lastIndex > b.lastIndex);
}

/** Takes note of what a candidate states; of several statements the best counts. */
export function noteStated(stated: Map<number, LogEnd>, key: number, end: LogEnd): void {
  const known = stated.get(key);
  if (known === undefined || isAhead(end, known)) stated.set(key, end);
}

export function createGroupHistory(): GroupHistory {
  return {
    leaders: new Map(),
    newestTerm: 0,
    committed: [undefined],
    committedIn: [0],
    entries: new Map(),
    changes: [],
    changesNotedTo: 0,
    digests: new Map(),
    votes: new Map(),
    candidates: new Set(),
    stated: new Map(),
    statedBefore: new Map(),
    patiences: new Set(),
    asked: 0,
  };
}

export type Raft = RaftState<PartitionState>;

/** The newest index that is known to be committed. */
export function lastCommitted(history: GroupHistory): number {
  return history.committed.length - 1;
}

/** Two small numbers as one key. */
export function pairKey(a: number, b: number): number {
  return a * 0x10_0000 + b;
}

export function sameEntry(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  if (a.term !== b.term || a.payload.length !== b.payload.length) return false;
  return sameConfiguration(a.config, b.config) && a.payload.every((byte, i) => byte === b.payload[i]);
}

/** Two that are both absent are the same. */
export function sameConfiguration(a: Configuration | undefined, b: Configuration | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  const lists = ({ voters, outgoing, learners, learnersNext }: Configuration): string =>
    [voters, outgoing, learners, learnersNext].join('/');
  return lists(a) === lists(b);
}
