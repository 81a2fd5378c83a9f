/** Hand-made states, disks and histories of one Raft group, for showing a rule what it should refuse. */

import {
  groupId,
  logIndex,
  monotonicMs,
  nodeId,
  restoreRaft,
  term,
  writeNumber,
  type Entry,
  type PartitionState,
  type RaftState,
} from '../../../../core/index.js';
import { createDurableView, type DurableView } from '../../../../sim/check/raft/durable-view.js';
import { createGroupHistory, pairKey, type Raft } from '../../../../sim/check/raft/group-history.js';
import { checkStates, type StateContext } from '../../../../sim/check/raft/state-rules.js';
import { PropertyBroken } from '../../../../sim/world/world.js';

export const VOTERS = [1, 2, 3].map(nodeId);
export const MAX_INFLIGHT = 2;

type Progress = Raft['peers'][number];

/** The entry that some leader put at this index in this term; every log that has it has the same. */
export function entry(index: number, ofTerm: number, mark = 0): Entry {
  return { term: term(ofTerm), payload: new Uint8Array([index, ofTerm, mark]) };
}

/** What is another than in a node that has just started; terms are given as plain numbers. */
type Changes = Partial<Omit<Raft, 'term'>> & { readonly term: number };

/** A node with a log of entries of these terms, from index 1. */
export function raft(self: number, terms: readonly number[], changes: Changes): Raft {
  const entries = terms.map((ofTerm, i) => entry(i + 1, ofTerm));
  const restored: RaftState<PartitionState> = restoreRaft(
    { group: groupId(1), self: nodeId(self), voters: VOTERS },
    { term: term(Math.max(changes.term, terms.at(-1) ?? 0)), vote: nodeId(0), snapshot: undefined, entries },
    monotonicMs(0),
    100,
  );
  // Nothing is taken to be durable, so that a test puts on the disk only what it is about.
  const durable = { write: writeNumber(0), term: term(0), vote: nodeId(0), lastIndex: logIndex(0) };
  return { ...restored, durable, ...changes, term: term(changes.term) };
}

export function leader(self: number, terms: readonly number[], changes: Changes): Raft {
  return raft(self, terms, { role: 'leader', leader: nodeId(self), vote: nodeId(self), ...changes });
}

export function progress(peer: number, match: number, changes: Partial<Progress> = {}): Progress {
  return {
    peer: nodeId(peer),
    match: logIndex(match),
    next: logIndex(match + 1),
    mode: 'replicate',
    probing: false,
    inflight: [],
    snapshotIndex: logIndex(0),
    snapshotMovedAt: monotonicMs(0),
    heardAt: monotonicMs(0),
    round: 0,
    matchAtTick: logIndex(match),
    ...changes,
  };
}

export interface Scene extends StateContext {
  readonly disks: ReadonlyMap<number, DurableView>;
  /** Who runs now. */
  readonly cast: Raft[];
}

/** A group in which nothing has happened yet, and every disk is empty. */
export function scene(): Scene {
  const disks = new Map(VOTERS.map((voter) => [voter as number, createDurableView()]));
  const cast: Raft[] = [];
  return {
    disks,
    cast,
    history: createGroupHistory(),
    viewOf: (node) => disks.get(node) as DurableView,
    everywhere: () => cast,
    limitsOf: () => ({
      maxInflightAppends: MAX_INFLIGHT,
      maxInflightBytes: 1_000,
      electionTimeoutMs: 200,
      heartbeatIntervalMs: 50,
    }),
  };
}

/** Puts a log, a term and a vote on a node's disk. */
export function store(
  { disks }: Scene,
  node: number,
  { terms = [], ...hard }: { term?: number; vote?: number; terms?: readonly number[] },
): void {
  const view = disks.get(node) as DurableView;
  Object.assign(view, hard);
  view.terms.splice(0, view.terms.length, ...terms);
}

/** Stores the node's own vote with whatever else is on its disk, and lets one other node have voted for it. */
export function elect(
  context: Scene,
  node: number,
  disk: { readonly term: number; readonly terms?: readonly number[] },
): void {
  store(context, node, { vote: node, ...disk });
  context.history.votes.set(pairKey((node % VOTERS.length) + 1, disk.term), node);
}

/** What the rules say of these states in turn: the name of the first property that is broken, or `holds`. */
export function judge(
  context: StateContext,
  ...steps: readonly (readonly [Raft | undefined, Raft])[]
): string {
  return verdictOf(() => {
    for (const [before, after] of steps) checkStates(context, before, after);
  });
}

/** The property that a check finds broken, or `holds`. */
export function verdictOf(check: () => void): string {
  try {
    check();
    return 'holds';
  } catch (error) {
    if (error instanceof PropertyBroken) return error.property;
    throw error;
  }
}
