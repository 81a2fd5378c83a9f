/**
 * Quiescence: a group that nobody asks anything of sleeps, and costs nothing until it is woken.
 *
 * Raft itself has no such thing; CockroachDB's quiescent ranges and TiKV's hibernating regions are the models. A leader
 * with nothing to do asks its followers to sleep, in its heartbeats, and sleeps when every one that answers at all has
 * agreed. What must hold then: leader and followers are level in term, log and commit index, all of it durable, and
 * every wake is sound whatever the reason: to be awake is always safe.
 *
 * Asleep, a group has no timers and sends nothing. That its leader and followers still live is looked after by the
 * node, for all sleeping groups together (`core/node/liveness.ts`); it wakes the group when one of them is lost.
 * Any other input wakes it too: a proposal, a read, a vote request, a message of a later term. What was said of an
 * older term or an older round wakes nobody.
 */

import { EMPTY_LIST, listWith } from '../collections/list.js';
import { fifoPeek } from '../collections/fifo.js';
import { isBent } from '../machine/bend.js';
import { monotonicMs, type MonotonicMs, type NodeId } from '../machine/units.js';
import { hasQuorum, isJoint } from './configuration.js';
import { checkQuorum } from './election.js';
import { sendHeartbeats } from './heartbeat.js';
import type { Heartbeat, HeartbeatAnswer, RaftMessage } from './messages.js';
import { isSilent, placeOf } from './progress.js';
import { AWAKE, type RaftState } from './state.js';
import { afterHardState, nextHeartbeatAt, send, type RaftTurn } from './turn.js';

// The leader's side.

/** Whether this heartbeat tells its receiver to sleep. */
export function asksToSleep<Image>(raft: RaftState<Image>, peer: NodeId): boolean {
  const { asleep, round, without } = raft.rest;
  return asleep ? raft.rest.agreed.includes(peer) : round > 0 && !without.includes(peer);
}

/** The heartbeat interval has passed: ask the followers to sleep, or go on asking, while nothing speaks against it. */
export function restTick<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  if (!mayRest(turn)) {
    raft.rest = AWAKE;
    return;
  }
  const without = silentPeers(turn);
  if (raft.rest.round === 0 || !sameNodes(raft.rest.without, without)) {
    // A round of its own: an answer to an earlier one says nothing about now.
    raft.round += 1;
    raft.rest = {
      asleep: false,
      round: raft.round,
      term: raft.term,
      leader: raft.self,
      agreed: EMPTY_LIST,
      without,
    };
  }
  sleepIfAgreed(turn);
}

function mayRest<Image>(turn: RaftTurn<Image>): boolean {
  const { raft, context } = turn;
  const { quiesceAfterMs } = context.options;
  if (quiesceAfterMs === 0) return false;
  const atOnce = isBent(context.bend, 'a group sleeps as soon as it may');
  if (context.now - raft.busyAt < quiesceAfterMs && !atOnce) return false;
  const { lastIndex } = raft.log;
  if (raft.commit !== lastIndex || raft.commit < raft.termStart || !isDurable(raft)) return false;
  if (turn.newReads.length > 0 || raft.earlyReads.length > 0 || fifoPeek(raft.readRounds) !== undefined) {
    return false;
  }
  if (raft.transfer !== undefined || isJoint(raft.config)) return false;
  for (const progress of raft.peers) {
    if (isSilent(progress, turn.context.now, turn.context.options)) continue;
    const { mode, match, inflight } = progress;
    if (mode !== 'replicate' || match !== lastIndex || inflight.length > 0) return false;
  }
  return hasQuorum(raft.config, (node) => node === raft.self || isLive(turn, node));
}

/** Everything that this node has of the group is on its disk. */
function isDurable<Image>({ durable, term, vote, log, unsynced }: RaftState<Image>): boolean {
  if (fifoPeek(unsynced) !== undefined) return false;
  return durable.term === term && durable.vote === vote && durable.lastIndex === log.lastIndex;
}

function isLive<Image>(turn: RaftTurn<Image>, node: NodeId): boolean {
  const progress = turn.raft.peers[placeOf(turn.raft.peers, node)];
  return progress !== undefined && !isSilent(progress, turn.context.now, turn.context.options);
}

function silentPeers<Image>(turn: RaftTurn<Image>): readonly NodeId[] {
  let silent: readonly NodeId[] = EMPTY_LIST;
  for (const progress of turn.raft.peers) {
    if (isSilent(progress, turn.context.now, turn.context.options)) silent = listWith(silent, progress.peer);
  }
  return silent;
}

function sameNodes(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((node, i) => node === b[i]);
}

/** A follower answered a heartbeat. */
export function sleepAnswered<Image>(turn: RaftTurn<Image>, from: NodeId, answer: HeartbeatAnswer): void {
  const { raft } = turn;
  const { rest } = raft;
  if (rest.round === 0 || rest.asleep) return;
  if (answer.round === 0) {
    // One that had agreed has been woken since.
    raft.rest = AWAKE;
    return;
  }
  if (answer.asleep !== true || answer.round < rest.round || rest.agreed.includes(from)) return;
  raft.rest = { ...rest, agreed: listWith(rest.agreed, from) };
  sleepIfAgreed(turn);
}

function sleepIfAgreed<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  const { agreed, without } = raft.rest;
  if (agreed.length + without.length < raft.peers.length || !mayRest(turn)) return;
  raft.rest = { ...raft.rest, asleep: true };
}

// The follower's side.

/** Sleeps if it is asked to, level with its leader and waits for nothing from it; wakes at a later heartbeat that does not ask. */
export function sleepAsked<Image>(turn: RaftTurn<Image>, from: NodeId, heartbeat: Heartbeat): boolean {
  const { raft, context } = turn;
  const { rest } = raft;
  const { round } = heartbeat;
  if (heartbeat.sleep !== true) {
    if (round >= rest.round) raft.rest = AWAKE;
    return false;
  }
  if (rest.asleep && rest.round === round && rest.leader === from) return true;
  const level = heartbeat.commit === raft.log.lastIndex && raft.commit === heartbeat.commit;
  const asks = fifoPeek(raft.followerReads.asked) !== undefined;
  if (context.options.quiesceAfterMs === 0 || round < rest.round || !level || asks || !isDurable(raft)) {
    if (round >= rest.round) raft.rest = AWAKE;
    return false;
  }
  raft.rest = { asleep: true, round, term: raft.term, leader: from, agreed: EMPTY_LIST, without: EMPTY_LIST };
  return true;
}

// Waking.

/** Whether a message leaves a sleeping group asleep: it only says what is known, or what has been overtaken. */
export function leavesAsleep<Image>(raft: RaftState<Image>, message: RaftMessage<Image>): boolean {
  if (message.term < raft.term) return true;
  if (message.term > raft.term) return false;
  const { round } = raft.rest;
  if (message.type === 'Heartbeat') return message.sleep === true || message.round < round;
  if (message.type !== 'HeartbeatAnswer' || message.round === 0) return false;
  return message.asleep === true || message.round < round;
}

/** A message for a sleeping group wakes it. The leader must know that one of its followers sleeps no longer. */
export function wokenBy<Image>(turn: RaftTurn<Image>, from: NodeId): void {
  const { raft } = turn;
  const { leader, role, term } = raft;
  wake(turn);
  if (role === 'leader' || leader === from) return;
  send(turn, leader, { type: 'HeartbeatAnswer', term, round: 0 }, afterHardState(turn));
}

/**
 * There is something to do: the group is awake, and stays so for a while. A leader whose node has not heard from a
 * majority meanwhile leads no longer: it may have slept through an election. One that still leads tells its followers at once.
 */
export function wake<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  const { asleep } = raft.rest;
  raft.rest = AWAKE;
  raft.busyAt = context.now;
  if (!asleep) return;
  if (raft.role === 'leader') {
    raft.heartbeatAt = nextHeartbeatAt(context);
    checkQuorum(turn);
    sendHeartbeats(turn);
  } else raft.electionDeadline = monotonicMs(context.now + raft.electionPatienceMs);
}

/**
 * The leader's node is lost: campaign before long. Each group a little later than the next (`afterMs`), or a node's
 * death would start all its groups' elections in one turn. Never sooner than an election timeout after the leader was
 * heard.
 */
export function leaderLost<Image>(turn: RaftTurn<Image>, afterMs: number): void {
  const { raft, context } = turn;
  raft.rest = AWAKE;
  const since = Math.max(context.now, raft.leaderHeardAt + context.options.electionTimeoutMs);
  raft.electionDeadline = monotonicMs(since + afterMs);
}

/**
 * A follower of a sleeping group is silent: the leader sleeps on without it, as long as a majority sleeps with it. False
 * when there is none.
 */
export function sleepWithout<Image>(turn: RaftTurn<Image>, silent: NodeId): boolean {
  const { raft } = turn;
  const agreed = raft.rest.agreed.filter((node) => node !== silent);
  if (!hasQuorum(raft.config, (node) => node === raft.self || agreed.includes(node))) return false;
  raft.rest = { ...raft.rest, agreed, without: [...raft.rest.without, silent] };
  return true;
}

/** While it slept, the node heard for the group: what it heard last counts as heard by the group. */
export function heardAsleep<Image>(turn: RaftTurn<Image>, heardAt: (node: NodeId) => MonotonicMs): void {
  const { raft } = turn;
  if (raft.role === 'leader') {
    const { agreed } = raft.rest;
    raft.peers = raft.peers.map((progress) => {
      if (!agreed.includes(progress.peer)) return progress;
      return { ...progress, heardAt: monotonicMs(Math.max(progress.heardAt, heardAt(progress.peer))) };
    });
  } else {
    raft.leaderHeardAt = monotonicMs(Math.max(raft.leaderHeardAt, heardAt(raft.leader)));
  }
}
