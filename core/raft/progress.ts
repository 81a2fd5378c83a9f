/**
 * A leader's notes on one follower, and how they are changed.
 */

import { assert, present } from '../machine/assert.js';
import type { LogIndex, NodeId } from '../machine/units.js';
import type { Progress } from './state.js';
import type { RaftTurn } from './turn.js';

/** The change that happens for nearly every message, as a literal of fixed shape. */
export function withFlow(
  progress: Progress,
  match: LogIndex,
  next: LogIndex,
  inflight: readonly LogIndex[],
): Progress {
  return {
    peer: progress.peer,
    match,
    next,
    mode: progress.mode,
    probing: progress.probing,
    inflight,
    snapshotSentAt: progress.snapshotSentAt,
    heardAt: progress.heardAt,
    round: progress.round,
    matchAtTick: progress.matchAtTick,
  };
}

/** Notes that a follower answered in this term, and which read round; gives its place and progress. */
export function heardFrom<Image>(turn: RaftTurn<Image>, from: NodeId, round = 0): [number, Progress] {
  const { raft, context } = turn;
  const at = raft.peers.findIndex((progress) => progress.peer === from);
  const known = present(raft.peers[at], () => `leader ${raft.self} heard from ${from}, which is no member`);
  const progress: Progress = {
    peer: known.peer,
    match: known.match,
    next: known.next,
    mode: known.mode,
    probing: known.probing,
    inflight: known.inflight,
    snapshotSentAt: known.snapshotSentAt,
    heardAt: context.now,
    round: Math.max(known.round, round),
    matchAtTick: known.matchAtTick,
  };
  replacePeer(turn, at, progress);
  return [at, progress];
}

export function replacePeer<Image>(turn: RaftTurn<Image>, at: number, progress: Progress): void {
  if (turn.raft.peers[at] === progress) return;
  assert(
    progress.match < progress.next,
    () => `follower ${progress.peer} would match ${progress.match}, beyond its next index ${progress.next}`,
  );
  const peers = turn.raft.peers.slice();
  peers[at] = progress;
  turn.raft.peers = peers;
}
