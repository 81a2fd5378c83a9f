/**
 * What is due is done: a node that has all that it needs for a step has taken it, and one that waits will wake up.
 *
 * These are the liveness rules that can be seen in one state, long before a client has waited in vain.
 */

import { fifoPeek, termAt } from '../../../core/index.js';
import { broken } from './broken.js';
import type { Raft } from './group-history.js';
import { isQuorum, quorumNumber } from './quorum.js';
import type { GroupLimits } from './state-rules.js';

type Peer = Raft['peers'][number];

/** What a majority said is acted on at once. */
export function checkDue(before: Raft | undefined, raft: Raft): void {
  if (raft.role === 'candidate') return checkElected(raft);
  if (raft.role !== 'leader') return;
  const same =
    before?.peers === raft.peers &&
    before.durable === raft.durable &&
    before.log === raft.log &&
    before.commit === raft.commit;
  if (same) return;
  const quorumOf = (own: number, numberOf: (peer: Peer) => number): number =>
    quorumNumber(raft.config, (node) => {
      const peer = raft.peers.find((other) => other.peer === node);
      return peer === undefined ? own : numberOf(peer);
    });

  const held = quorumOf(raft.durable.lastIndex, ({ match }) => match);
  if (held > raft.commit && termAt(raft.log, held) === raft.term) {
    broken('what is due is done', raft, `a majority holds index ${held}, but it commits only ${raft.commit}`);
  }
  const read = fifoPeek(raft.readRounds);
  const answered = quorumOf(raft.round, ({ round }) => round);
  if (read !== undefined && read.round <= answered) {
    broken(
      'what is due is done',
      raft,
      `round ${answered} is confirmed, but reads of round ${read.round} wait`,
    );
  }
  const { uncommittedBytes } = raft;
  if (uncommittedBytes < 0 || (raft.commit === raft.log.lastIndex && uncommittedBytes !== 0)) {
    broken(
      'uncommitted bytes are counted',
      raft,
      `it counts ${uncommittedBytes}, with commit ${raft.commit} of ${raft.log.lastIndex}`,
    );
  }
}

function checkElected(raft: Raft): void {
  const { durable, term, self, votes, config } = raft;
  if (durable.term !== term || durable.vote !== self) return;
  const grants = votes.filter(({ granted }) => granted).map(({ voter }) => voter);
  if (isQuorum(config, (node) => node === self || grants.includes(node))) {
    broken('what is due is done', raft, `it has the votes of [${grants.join(', ')}] and does not lead`);
  }
}

/**
 * Whoever has waited for a leader for as long as it meant to asks for votes, if it may: who has a vote, and who may be needed
 * until its own removal is committed (thesis, section 4.2.2). Called for a turn in which its timer fired and it heard nothing.
 */
export function checkAsks(before: Raft, after: Raft, nowMs: number): void {
  if (before.role === 'leader' || before.rest.asleep || before.electionDeadline > nowMs) return;
  if (after.term !== before.term || after.role !== 'follower' || !mayAsk(before)) return;
  // One that hands over what it leads lets the others begin.
  if (before.leader !== 0 && after.leader === 0 && after.electionDeadline > before.electionDeadline) return;
  broken(
    'what is due is done',
    after,
    `it meant to ask for votes at ${before.electionDeadline} ms, and has not at ${nowMs} ms`,
  );
}

function mayAsk({ configs, self, commit, leftOutAt }: Raft): boolean {
  const newest = configs[configs.length - 1];
  const earlier = configs[configs.length - 2];
  if (newest === undefined) return false;
  const votes = ({ voters, outgoing }: Raft['config']): boolean =>
    voters.includes(self) || outgoing.includes(self);
  if (votes(newest.config)) return leftOutAt <= newest.index;
  const isSettled = newest.index <= commit || leftOutAt >= newest.index;
  return !isSettled && earlier !== undefined && votes(earlier.config);
}

/** A follower that hears from its leader does not wait for ever for what that leader may never have been asked. */
export function checkQuestions(raft: Raft, nowMs: number, { electionTimeoutMs }: GroupLimits): void {
  const { leaderHeardAt, followerReads } = raft;
  const { asked, askedAt } = followerReads;
  if (raft.role !== 'follower' || leaderHeardAt !== nowMs || fifoPeek(asked) === undefined) return;
  if (nowMs - askedAt < electionTimeoutMs) return;
  broken(
    'questions are asked again',
    raft,
    `it hears from node ${raft.leader}, which has not answered what it was asked ${nowMs - askedAt} ms ago`,
  );
}

/**
 * The alarm of a node rings in time for this group, and no follower waits much longer than the election timeout.
 *
 * @param alarmMs when the node will be woken; undefined for never.
 */
export function checkAwake(
  raft: Raft,
  alarmMs: number | undefined,
  nowMs: number,
  limits: GroupLimits,
): void {
  if (raft.rest.asleep) return;
  const dueMs = raft.role === 'leader' ? raft.heartbeatAt : raft.electionDeadline;
  if (alarmMs === undefined || alarmMs > dueMs) {
    broken(
      'nobody oversleeps',
      raft,
      `it must act at ${dueMs} ms, but wakes ${alarmMs === undefined ? 'never' : `at ${alarmMs} ms`}`,
    );
  }
  const { heartbeatIntervalMs, electionTimeoutMs } = limits;
  // When the leader of sleeping groups is lost, the others come forward one after the other.
  const turns = Math.max(
    4 * electionTimeoutMs,
    heartbeatIntervalMs + raft.config.voters.length * electionTimeoutMs,
  );
  const longestMs = raft.role === 'leader' ? 2 * heartbeatIntervalMs : turns;
  if (dueMs - nowMs > longestMs) {
    broken('nobody oversleeps', raft, `it means to act only in ${dueMs - nowMs} ms`);
  }
}
