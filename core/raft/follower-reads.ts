/**
 * Linearizable reads at a follower: it asks its leader for a read index, and answers from its own state as soon as that
 * has come as far (thesis, section 6.4, last paragraph).
 *
 * One request a turn covers all reads of that turn. Batches are numbered without gaps, so an answer to one covers all
 * earlier ones too: they were asked before it. What was asked of a leader is given up with that leader; what was
 * answered stays good for ever, since an index that was committed once is.
 *
 * A request or its answer may be lost. Whatever comes of a leader that has not answered for an election timeout is taken as the
 * occasion to ask again, for all that waits. Without it such a read would wait for ever, and enough of them would
 * fill the place that a node has for reads.
 */

import { emptyFifo, fifoPeek, fifoPop, fifoPush, fifoToArray, type Fifo } from '../collections/fifo.js';
import { mixNumber } from '../collections/digest.js';
import { added, EMPTY_LIST } from '../collections/list.js';
import { monotonicMs, NO_NODE, type LogIndex, type MonotonicMs } from '../machine/units.js';
import type { ReadIndexAnswer, ReadIndexRefused } from './messages.js';
import { afterHardState, send, type RaftTurn, type ReadyReads } from './turn.js';

export interface FollowerReads {
  /** The number of the newest batch of this run; 0 before the first. */
  readonly batch: number;
  /** Asked of the present leader and not answered yet, oldest first. */
  readonly asked: Fifo<AskedBatch>;
  /** When the leader was last asked. */
  readonly askedAt: MonotonicMs;
  /** Answered with an index that is not committed here yet. */
  readonly awaited: readonly ReadyReads[];
}

export interface AskedBatch {
  readonly batch: number;
  readonly tokens: readonly number[];
}

export const NO_FOLLOWER_READS: FollowerReads = {
  batch: 0,
  asked: emptyFifo(),
  askedAt: monotonicMs(0),
  awaited: [],
};

/** Room for the batches of one run; the number of runs that can be told apart is what is left of 2^53. */
const BATCHES_OF_A_RUN = 1 << 20;

/** Asks the leader, once, for all reads of this turn; called when the turn closes. */
export function askForReadIndex<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  const tokens = turn.newFollowerReads;
  if (tokens.length === 0) return;
  turn.newFollowerReads = EMPTY_LIST;
  if (raft.role === 'leader') {
    turn.newReads = [...turn.newReads, ...tokens];
    return;
  }
  if (raft.role !== 'follower' || raft.leader === NO_NODE) {
    turn.readsRefused = [...turn.readsRefused, ...tokens];
    return;
  }
  const { asked, awaited } = raft.followerReads;
  const batch = nextBatch(turn);
  raft.followerReads = { batch, asked: fifoPush(asked, { batch, tokens }), askedAt: context.now, awaited };
  ask(turn, batch);
}

/** The leader lives: what it has not answered for long is asked again. */
export function askAgain<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  const { batch, asked, askedAt } = raft.followerReads;
  if (fifoPeek(asked) === undefined || context.now - askedAt < context.options.electionTimeoutMs) return;
  raft.followerReads = { ...raft.followerReads, askedAt: context.now };
  ask(turn, batch);
}

function ask<Image>(turn: RaftTurn<Image>, batch: number): void {
  const { raft } = turn;
  // The request shows this node's term, which another may adopt: it must not be one that a crash takes back.
  send(turn, raft.leader, { type: 'ReadIndexRequest', term: raft.term, batch }, afterHardState(turn));
}

/**
 * Numbers go on from a place that is drawn when the first batch of a run is asked: an answer to an earlier run of this
 * node, still on its way, is in nobody's range. (Started from 1, it would vouch for reads that came after it.)
 */
function nextBatch<Image>({ raft, context }: RaftTurn<Image>): number {
  if (raft.followerReads.batch > 0) return raft.followerReads.batch + 1;
  const drawn = mixNumber(mixNumber(context.entropy, raft.group), raft.self) >>> 0;
  return 1 + drawn * BATCHES_OF_A_RUN;
}

export function readIndexAnswered<Image>(turn: RaftTurn<Image>, { batch, index }: ReadIndexAnswer): void {
  const tokens = takeAsked(turn, batch);
  if (tokens.length === 0) return;
  const { raft } = turn;
  const { awaited } = raft.followerReads;
  raft.followerReads = { ...raft.followerReads, awaited: [...awaited, { tokens, index }] };
}

export function readIndexRefused<Image>(turn: RaftTurn<Image>, { batch }: ReadIndexRefused): void {
  const tokens = takeAsked(turn, batch);
  if (tokens.length > 0) turn.readsRefused = [...turn.readsRefused, ...tokens];
}

/** Takes the reads of this batch and of all before it; of none, when the number is not one that is waited for. */
function takeAsked<Image>({ raft }: RaftTurn<Image>, batch: number): readonly number[] {
  if (batch > raft.followerReads.batch) return EMPTY_LIST;
  let { asked } = raft.followerReads;
  const tokens: number[] = [];
  for (let first = fifoPeek(asked); first !== undefined && first.batch <= batch; first = fifoPeek(asked)) {
    tokens.push(...first.tokens);
    asked = fifoPop(asked);
  }
  if (tokens.length > 0) raft.followerReads = { ...raft.followerReads, asked };
  return tokens;
}

/** Hands out what is committed here by now; called when the turn closes. */
export function releaseFollowerReads<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  const { awaited } = raft.followerReads;
  if (awaited.length === 0) return;
  const isReady = ({ index }: { readonly index: LogIndex }): boolean => index <= raft.commit;
  const ready = awaited.filter(isReady);
  if (ready.length === 0) return;
  for (const reads of ready) turn.readsReady = added(turn.readsReady, reads);
  raft.followerReads = { ...raft.followerReads, awaited: awaited.filter((reads) => !isReady(reads)) };
}

/** The leader that was asked is none any more, as far as this node knows. */
export function giveUpAskedReads<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  const { asked } = raft.followerReads;
  if (fifoPeek(asked) === undefined) return;
  const tokens = fifoToArray(asked).flatMap((each) => each.tokens);
  turn.readsRefused = [...turn.readsRefused, ...tokens];
  raft.followerReads = { ...raft.followerReads, asked: emptyFifo() };
}
