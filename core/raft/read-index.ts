/**
 * Linearizable reads without writing: ReadIndex (thesis, section 6.4).
 *
 * The leader notes its commit index, then makes sure that it still led *after* the read arrived: a majority must
 * answer a heartbeat that was sent after that. All reads of one turn share a round, a later round confirms earlier
 * ones, and an answer of another term or an older round confirms nothing. A new leader holds reads until its first
 * entry is committed, because before that its commit index may lag behind what its predecessor acknowledged.
 *
 * A read by lease takes the commit index at once while the lease holds (`lease.ts`), and is an ordinary read when it
 * does not. A read at a follower asks the leader for a read index (`follower-reads.ts`).
 */

import { fifoPeek, fifoPop, fifoPush } from '../collections/fifo.js';
import { added, EMPTY_LIST } from '../collections/list.js';
import { NO_NODE, type NodeId } from '../machine/units.js';
import { sendHeartbeats } from './heartbeat.js';
import { extendLease, holdsLease } from './lease.js';
import type { ReadIndexRequest } from './messages.js';
import { reachedByMembers } from './progress.js';
import { wake } from './quiescence.js';
import type { Progress } from './state.js';
import { afterHardState, AT_ONCE, send, type RaftTurn } from './turn.js';

/** How a read is confirmed: by a round of heartbeats, by the lease, or by the leader on behalf of this node. */
export type Confirmation = 'round' | 'lease' | 'leader';

/** Asks for a read point; `token` comes back in `readsReady` or `readsRefused`. */
export function requestRead<Image>(turn: RaftTurn<Image>, token: number, by: Confirmation = 'round'): void {
  const { raft } = turn;
  // A leader that has slept through the loss of its majority leads no longer.
  if (raft.role === 'leader') wake(turn);
  if (raft.role === 'leader') {
    if (by === 'lease') turn.newLeaseReads = added(turn.newLeaseReads, token);
    else turn.newReads = added(turn.newReads, token);
  } else if (by === 'leader' && raft.leader !== NO_NODE) {
    // Asleep it would not notice that its question was lost.
    if (raft.rest.asleep) wake(turn);
    turn.newFollowerReads = added(turn.newFollowerReads, token);
  } else turn.readsRefused = added(turn.readsRefused, token);
}

/** A follower asks for a read index; it waits like a read of the leader's own. */
export function readIndexRequested<Image>(
  turn: RaftTurn<Image>,
  from: NodeId,
  { batch }: ReadIndexRequest,
): void {
  const { raft } = turn;
  if (raft.role === 'leader') turn.newAsks = added(turn.newAsks, { node: from, batch });
  else send(turn, from, { type: 'ReadIndexRefused', term: raft.term, batch }, afterHardState(turn));
}

/** Answers by the lease what it may, and opens one round for the other reads of this turn; called when the turn closes. */
export function openReadRound<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  if (raft.role !== 'leader') return;
  answerByLease(turn);
  const tokens = joined(raft.earlyReads, turn.newReads);
  const asks = joined(raft.earlyAsks, turn.newAsks);
  if (tokens.length === 0 && asks.length === 0) return;
  turn.newReads = EMPTY_LIST;
  turn.newAsks = EMPTY_LIST;
  if (raft.commit < raft.termStart) {
    raft.earlyReads = tokens;
    raft.earlyAsks = asks;
    return;
  }
  raft.earlyReads = EMPTY_LIST;
  raft.earlyAsks = EMPTY_LIST;
  raft.round += 1;
  raft.readRounds = fifoPush(raft.readRounds, { round: raft.round, index: raft.commit, tokens, asks });
  sendHeartbeats(turn);
  confirmRounds(turn);
}

function answerByLease<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  const tokens = turn.newLeaseReads;
  if (tokens.length === 0) return;
  turn.newLeaseReads = EMPTY_LIST;
  if (holdsLease(raft, context.now)) {
    turn.readsReady = added(turn.readsReady, { tokens, index: raft.commit });
  } else turn.newReads = joined(turn.newReads, tokens);
}

function joined<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  if (first.length === 0) return second;
  return second.length === 0 ? first : [...first, ...second];
}

/** Hands out every read whose round a majority has answered, and prolongs the lease; this node counts for all rounds. */
export function confirmRounds<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  if (raft.role !== 'leader') return;
  if (fifoPeek(raft.readRounds) === undefined && fifoPeek(raft.lease.unconfirmed) === undefined) return;
  const confirmed = reachedByMembers(raft, raft.round, roundOf);
  extendLease(turn, confirmed);
  for (let read = fifoPeek(raft.readRounds); read !== undefined; read = fifoPeek(raft.readRounds)) {
    if (read.round > confirmed) return;
    const { index, tokens, asks } = read;
    if (tokens.length > 0) turn.readsReady = added(turn.readsReady, { tokens, index });
    for (const { node, batch } of asks) {
      send(turn, node, { type: 'ReadIndexAnswer', term: raft.term, batch, index }, AT_ONCE);
    }
    raft.readRounds = fifoPop(raft.readRounds);
  }
}

function roundOf(progress: Progress): number {
  return progress.round;
}
