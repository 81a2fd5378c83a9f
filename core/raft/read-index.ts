/**
 * Linearizable reads without writing: ReadIndex (thesis, section 6.4).
 *
 * The leader notes its commit index, then makes sure that it still led *after* the read arrived: a majority must
 * answer a heartbeat that was sent after that. All reads of one turn share a round, a later round confirms earlier
 * ones, and an answer of another term or an older round confirms nothing. A new leader holds reads until its first
 * entry is committed, because before that its commit index may lag behind what its predecessor acknowledged.
 */

import { fifoPeek, fifoPop, fifoPush } from '../collections/fifo.js';
import { added, EMPTY_LIST } from '../collections/list.js';
import { sendHeartbeats } from './heartbeat.js';
import { reachedByMembers } from './progress.js';
import type { Progress } from './state.js';
import type { RaftTurn } from './turn.js';

/** Asks for a read point; `token` comes back in `readsReady` or `readsRefused`. */
export function requestRead<Image>(turn: RaftTurn<Image>, token: number): void {
  if (turn.raft.role === 'leader') turn.newReads = added(turn.newReads, token);
  else turn.readsRefused = added(turn.readsRefused, token);
}

/** Opens one round for the reads of this turn; called once, when the turn closes. */
export function openReadRound<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  if (raft.role !== 'leader') return;
  if (turn.newReads.length === 0 && raft.earlyReads.length === 0) return;
  const tokens = raft.earlyReads.length === 0 ? turn.newReads : [...raft.earlyReads, ...turn.newReads];
  if (raft.commit < raft.termStart) {
    raft.earlyReads = tokens;
    return;
  }
  raft.earlyReads = EMPTY_LIST;
  raft.round += 1;
  raft.readRounds = fifoPush(raft.readRounds, { round: raft.round, index: raft.commit, tokens });
  sendHeartbeats(turn);
  confirmRounds(turn);
}

/** Hands out every read whose round a majority has answered; this node counts for all of them. */
export function confirmRounds<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  if (fifoPeek(raft.readRounds) === undefined) return;
  const confirmed = reachedByMembers(raft, raft.round, roundOf);
  for (let read = fifoPeek(raft.readRounds); read !== undefined; read = fifoPeek(raft.readRounds)) {
    if (read.round > confirmed) return;
    turn.readsReady = added(turn.readsReady, { tokens: read.tokens, index: read.index });
    raft.readRounds = fifoPop(raft.readRounds);
  }
}

function roundOf(progress: Progress): number {
  return progress.round;
}
