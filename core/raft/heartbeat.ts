/**
 * Heartbeats: how a leader keeps its followers, learns that they live, and notices that appends to them were lost.
 */

import { EMPTY_LIST } from '../collections/list.js';
import { assert } from '../machine/assert.js';
import { isBent } from '../machine/bend.js';
import { logIndex, type NodeId } from '../machine/units.js';
import { openLeaseRound } from './lease.js';
import { termAt } from './log.js';
import type { Heartbeat, HeartbeatAnswer } from './messages.js';
import { answersUs, heardFrom, inMode, isSilent, notedAtTick, replacePeer, withProbing } from './progress.js';
import { asksToSleep, restTick, sleepAnswered, sleepAsked } from './quiescence.js';
import { commitTo } from './replication.js';
import { followLeader } from './role.js';
import { snapshotTimedOut } from './snapshot.js';
import type { Progress } from './state.js';
import { afterHardState, AT_ONCE, nextHeartbeatAt, send, type RaftTurn } from './turn.js';

/** The heartbeat interval has passed: tell everybody, and look after followers that make no progress. */
export function heartbeatTick<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  if (raft.role !== 'leader' || context.now < raft.heartbeatAt) return;
  raft.heartbeatAt = nextHeartbeatAt(context);
  for (let i = 0; i < raft.peers.length; i += 1) {
    const progress = raft.peers[i] as Progress;
    replacePeer(turn, i, recoverLost(turn, progress));
  }
  openLeaseRound(turn);
  restTick(turn);
  sendHeartbeats(turn);
}

/** What was sent may have been lost. Only a follower that answers is sent it again. */
function recoverLost<Image>(turn: RaftTurn<Image>, progress: Progress): Progress {
  const { raft, context } = turn;
  const { match, mode } = progress;
  const silent = isSilent(progress, context.now, context.options);
  const stuck = match < raft.log.lastIndex && match === progress.matchAtTick;
  const noted = notedAtTick(progress);
  if (mode === 'snapshot') {
    return !silent && snapshotTimedOut(turn, progress) ? inMode(noted, 'probe', logIndex(match + 1)) : noted;
  }
  if (mode === 'replicate' && isBent(context.bend, 'a follower probed anew')) {
    return inMode(noted, 'probe', logIndex(match + 1));
  }
  if (silent || !stuck) return noted;
  if (mode === 'probe') return withProbing(noted, false);
  if (progress.inflight.length === 0) return noted;
  return askWhereLogsPart(turn, progress) ? noted : inMode(noted, 'probe', logIndex(match + 1));
}

/**
 * An empty append after the last one sent: it is refused if any before it was lost, and then sending starts over.
 * False when the log no longer reaches back to what was sent: then only starting over is left.
 */
function askWhereLogsPart<Image>(turn: RaftTurn<Image>, progress: Progress): boolean {
  const { raft } = turn;
  const { term, commit } = raft;
  const previousIndex = logIndex(progress.next - 1);
  const previousTerm = termAt(raft.log, previousIndex);
  if (previousTerm === undefined) return false;
  send(
    turn,
    progress.peer,
    { type: 'Append', term, previousIndex, previousTerm, entries: EMPTY_LIST, commit },
    AT_ONCE,
  );
  return true;
}

/** Carries the newest read round, so that a round whose heartbeats were lost is made good by a later one. */
export function sendHeartbeats<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  for (const { peer, match } of raft.peers) {
    const { term, round } = raft;
    const commit = logIndex(Math.min(raft.commit, match));
    const heartbeat: Heartbeat = asksToSleep(raft, peer)
      ? { type: 'Heartbeat', term, commit, round, sleep: true }
      : { type: 'Heartbeat', term, commit, round };
    send(turn, peer, heartbeat, AT_ONCE);
  }
}

export function heartbeatReceived<Image>(turn: RaftTurn<Image>, from: NodeId, heartbeat: Heartbeat): void {
  const { raft } = turn;
  followLeader(turn, from);
  assert(
    heartbeat.commit <= raft.log.lastIndex,
    () =>
      `leader ${from} says that this node matches up to ${heartbeat.commit}, but its log ends at ` +
      `${raft.log.lastIndex}: the disk lost entries that it had acknowledged`,
  );
  if (heartbeat.commit > raft.commit) commitTo(turn, heartbeat.commit);
  const { term } = raft;
  const { round } = heartbeat;
  const answer: HeartbeatAnswer = sleepAsked(turn, from, heartbeat)
    ? { type: 'HeartbeatAnswer', term, round, asleep: true }
    : { type: 'HeartbeatAnswer', term, round };
  send(turn, from, answer, afterHardState(turn));
}

export function heartbeatAnswered<Image>(turn: RaftTurn<Image>, from: NodeId, answer: HeartbeatAnswer): void {
  if (!answersUs(turn, from)) return;
  heardFrom(turn, from, answer.round);
  sleepAnswered(turn, from, answer);
}
