/**
 * Elections: Raft sections 5.2 and 5.4.1, with PreVote and CheckQuorum (thesis, sections 9.6 and 6.2).
 *
 * Owns who asks for votes, who grants them, and when a leader that lost touch gives up. At most one candidate is
 * granted a vote per node and term, and no answer that rests on a vote leaves before that vote is durable.
 */

import { assert } from '../machine/assert.js';
import { logIndex, monotonicMs, NO_NODE, type NodeId, type Term } from '../machine/units.js';
import { hasQuorum, hasVote, votersOf } from './configuration.js';
import { isUpToDate } from './log.js';
import type { NotMember, PreVoteAnswer, PreVoteRequest, VoteAnswer, VoteRequest } from './messages.js';
import { becomeCandidate, becomeFollower, becomeLeader, becomePrecandidate } from './role.js';
import { reachedByMembers } from './progress.js';
import { newestOf, type Progress, type RaftState, type VoteHeard } from './state.js';
import {
  afterEverything,
  afterHardState,
  AT_ONCE,
  restartElectionTimer,
  send,
  type RaftTurn,
} from './turn.js';

/** The time has come to look after this group's timers. */
export function electionTick<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  if (raft.role !== 'leader') {
    if (context.now < raft.electionDeadline) return;
    if (context.reluctant === true && raft.leader !== NO_NODE) letOthersBegin(turn);
    else startPreVote(turn);
    return;
  }
  if (context.now >= raft.quorumCheckAt) checkQuorum(turn);
}

/** The leader is gone. Others may have this node's vote at once; it asks for theirs only if nobody came by then. */
function letOthersBegin<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  becomeFollower(turn, raft.term, NO_NODE);
  raft.electionDeadline = monotonicMs(context.now + 2 * context.options.electionTimeoutMs);
}

/**
 * Step one: find out whether a majority would vote, while nobody's term changes. A learner does not ask, nor does a node
 * that is told that it is no member any more.
 */
function startPreVote<Image>(turn: RaftTurn<Image>): void {
  if (!mayCampaign(turn.raft)) return restartElectionTimer(turn);
  becomePrecandidate(turn);
  const { raft } = turn;
  for (const voter of votersOf(raft.config)) {
    if (voter === raft.self) continue;
    const { lastIndex, lastTerm } = raft.log;
    send(
      turn,
      voter,
      { type: 'PreVoteRequest', term: (raft.term + 1) as Term, lastIndex, lastTerm },
      AT_ONCE,
    );
  }
  if (isGranted(turn)) campaign(turn, false);
}

/**
 * Whether this node may ask for votes: it has one, and no leader has said that it was left out since. Until it knows that
 * its own removal is committed it may do so, too, without counting itself: it may be the only one to hold that entry, and
 * those who stay would wait for its vote for ever, which it cannot give to a shorter log (thesis, section 4.2.2).
 */
export function mayCampaign<Image>(raft: RaftState<Image>): boolean {
  const { config, configs, self, leftOutAt, commit } = raft;
  const { index } = newestOf(configs);
  if (hasVote(config, self)) return leftOutAt <= index;
  const before = configs[configs.length - 2];
  return before !== undefined && index > commit && leftOutAt < index && hasVote(before.config, self);
}

/**
 * Step two: ask for votes. The request states this node's log, so it waits until that log is durable too.
 * `handedOver`: the leader asked for it, so nobody need be asked beforehand, and nobody is disturbed.
 */
function campaign<Image>(turn: RaftTurn<Image>, handedOver: boolean): void {
  becomeCandidate(turn);
  const { raft } = turn;
  for (const voter of votersOf(raft.config)) {
    if (voter === raft.self) continue;
    const { lastIndex, lastTerm } = raft.log;
    send(
      turn,
      voter,
      { type: 'VoteRequest', term: raft.term, lastIndex, lastTerm, handedOver },
      afterEverything(turn),
    );
  }
}

/** The leader of this term hands over to this node (thesis, section 3.10). */
export function campaignNow<Image>(turn: RaftTurn<Image>, from: NodeId): void {
  const { raft } = turn;
  if (raft.role === 'leader' || (raft.leader !== NO_NODE && raft.leader !== from)) return;
  if (mayCampaign(raft)) campaign(turn, true);
}

/** A leader has no place for this node. What it says may be old: a configuration that came later may have one. */
export function leftOut<Image>(turn: RaftTurn<Image>, { index }: NotMember): void {
  const { raft } = turn;
  if (raft.role === 'leader') return;
  raft.leftOutAt = logIndex(Math.max(raft.leftOutAt, index));
  if (!mayCampaign(raft)) becomeFollower(turn, raft.term, raft.leader);
}

export function preVoteRequested<Image>(turn: RaftTurn<Image>, from: NodeId, request: PreVoteRequest): void {
  const { raft } = turn;
  const granted =
    request.term > raft.term &&
    !hearsFromLeader(turn) &&
    isUpToDate(raft.log, request.lastIndex, request.lastTerm);
  const term = granted ? request.term : raft.term;
  // A refusal shows this node's term, which another may adopt: it must not be one that a crash takes back.
  send(turn, from, { type: 'PreVoteAnswer', term, granted }, granted ? AT_ONCE : afterHardState(turn));
}

export function preVoteAnswered<Image>(turn: RaftTurn<Image>, from: NodeId, answer: PreVoteAnswer): void {
  const { raft } = turn;
  if (raft.role !== 'precandidate') return;
  if (answer.granted && answer.term !== raft.term + 1) return;
  countVote(turn, from, answer.granted);
  if (isGranted(turn)) campaign(turn, false);
}

/** The request is of this node's term; a later one has already made it a follower of that term. */
export function voteRequested<Image>(turn: RaftTurn<Image>, from: NodeId, request: VoteRequest): void {
  const { raft } = turn;
  const free =
    raft.vote === from ||
    (raft.vote === NO_NODE && raft.leader === NO_NODE && (request.handedOver || !hearsFromLeader(turn)));
  const granted = free && isUpToDate(raft.log, request.lastIndex, request.lastTerm);
  if (granted) {
    if (raft.vote !== from) {
      assert(
        raft.role === 'follower' || raft.role === 'precandidate',
        () => `${raft.role} ${raft.self} had not voted in its own term ${raft.term}`,
      );
      raft.vote = from;
      turn.hardChanged = true;
    }
    raft.electionDeadline = monotonicMs(
      Math.max(raft.electionDeadline, turn.context.now + turn.context.options.electionTimeoutMs),
    );
  }
  send(turn, from, { type: 'VoteAnswer', term: raft.term, granted }, afterHardState(turn));
}

export function voteAnswered<Image>(turn: RaftTurn<Image>, from: NodeId, answer: VoteAnswer): void {
  if (turn.raft.role !== 'candidate') return;
  countVote(turn, from, answer.granted);
  winIfElected(turn);
}

/** Leads once a majority granted, its own vote among them only when that is durable. */
export function winIfElected<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  if (raft.role !== 'candidate') return;
  if (raft.durable.term !== raft.term || raft.durable.vote !== raft.self) return;
  if (isGranted(turn)) becomeLeader(turn);
}

function countVote<Image>(turn: RaftTurn<Image>, voter: NodeId, granted: boolean): void {
  const { raft } = turn;
  if (raft.votes.some((heard) => heard.voter === voter)) return;
  raft.votes = [...raft.votes, { voter, granted }];
}

/** Whether a quorum would vote, or voted, for this node, itself included. */
function isGranted<Image>({ raft }: RaftTurn<Image>): boolean {
  return hasQuorum(raft.config, (node) => node === raft.self || isGrantedBy(raft.votes, node));
}

function isGrantedBy(votes: readonly VoteHeard[], node: NodeId): boolean {
  for (const { voter, granted } of votes) if (voter === node) return granted;
  return false;
}

/**
 * Whether a leader is alive as far as this node can tell: it leads itself, or heard from one within the minimum
 * election timeout. Then nobody else is helped to an election, so a node that comes back from behind a partition
 * does not unseat a healthy leader.
 *
 * A promise too, on which leases rest (`lease.ts`): it outlasts the term of that leader, which may well hold a lease while a
 * late answer of somebody else moves this node to a later term, and it outlasts a restart of this node.
 */
export function hearsFromLeader<Image>(turn: RaftTurn<Image>): boolean {
  const { raft, context } = turn;
  if (raft.role === 'leader') return true;
  return context.now - raft.leaderHeardAt < context.options.electionTimeoutMs;
}

/** A leader that has not heard from a majority for an election timeout steps down (CheckQuorum). */
export function checkQuorum<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  const since = context.now - context.options.electionTimeoutMs;
  if (reachedByMembers(raft, context.now, heardAt) <= since) becomeFollower(turn, raft.term, NO_NODE);
  else raft.quorumCheckAt = monotonicMs(context.now + context.options.electionTimeoutMs);
}

function heardAt(progress: Progress): number {
  return progress.heardAt;
}
