/**
 * Changes of role: who a node believes leads, and what it drops when that changes.
 */

import { emptyFifo, fifoToArray } from '../collections/fifo.js';
import { EMPTY_LIST } from '../collections/list.js';
import { assert } from '../machine/assert.js';
import { logIndex, monotonicMs, NO_NODE, type NodeId, type Term } from '../machine/units.js';
import { hasVote, membersOf } from './configuration.js';
import { askAgain, giveUpAskedReads } from './follower-reads.js';
import { NO_LEASE } from './lease.js';
import { appendEntry } from './log.js';
import { newProgress } from './progress.js';
import { AWAKE } from './state.js';
import {
  afterHardState,
  logChangedFrom,
  nextHeartbeatAt,
  restartElectionTimer,
  send,
  type RaftTurn,
} from './turn.js';

export const NO_PAYLOAD = new Uint8Array(0);

/**
 * Follows, in this term or a later one. A later term forgets the vote; in the same term the vote stands (figure 2).
 * Open reads are refused: they may not be answered by this node again, not even if it is re-elected.
 */
export function becomeFollower<Image>(turn: RaftTurn<Image>, term: Term, leader: NodeId): void {
  const { raft } = turn;
  assert(term >= raft.term, () => `node ${raft.self} was asked to go back from term ${raft.term} to ${term}`);
  if (term > raft.term) {
    raft.term = term;
    raft.vote = NO_NODE;
    turn.hardChanged = true;
  }
  leaveLeadership(turn);
  giveUpAskedReads(turn);
  if (raft.role !== 'follower') restartElectionTimer(turn);
  raft.role = 'follower';
  raft.leader = leader;
  raft.rest = AWAKE;
  raft.votes = EMPTY_LIST;
}

/** Asks whether an election could be won, before disturbing anybody's term (thesis, section 9.6). */
export function becomePrecandidate<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  assert(raft.role !== 'leader', () => `leader ${raft.self} of term ${raft.term} cannot start an election`);
  giveUpAskedReads(turn);
  raft.role = 'precandidate';
  raft.leader = NO_NODE;
  raft.votes = EMPTY_LIST;
  restartElectionTimer(turn);
}

/** Raises the term and votes for itself; the vote counts only when it is durable. */
export function becomeCandidate<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  giveUpAskedReads(turn);
  raft.role = 'candidate';
  raft.term = (raft.term + 1) as Term;
  raft.vote = raft.self;
  raft.leader = NO_NODE;
  raft.votes = EMPTY_LIST;
  turn.hardChanged = true;
  restartElectionTimer(turn);
}

/** Leads, and opens the term with an empty entry: only its commit makes earlier entries committed (section 8). */
export function becomeLeader<Image>(turn: RaftTurn<Image>): void {
  const { raft, context } = turn;
  assert(
    raft.configs.slice(-2).some(({ config }) => hasVote(config, raft.self)),
    () => `node ${raft.self} would lead, but has no vote, and had none before the last change`,
  );
  assert(
    raft.durable.term === raft.term && raft.durable.vote === raft.self,
    () => `node ${raft.self} would lead term ${raft.term} before its own vote is durable`,
  );
  raft.role = 'leader';
  raft.leader = raft.self;
  raft.votes = EMPTY_LIST;
  raft.peers = membersOf(raft.config)
    .filter((member) => member !== raft.self)
    .map((peer) => newProgress(peer, logIndex(raft.log.lastIndex + 1), context.now));
  raft.termStart = logIndex(raft.log.lastIndex + 1);
  raft.log = appendEntry(raft.log, { term: raft.term, payload: NO_PAYLOAD });
  logChangedFrom(turn, raft.termStart);
  raft.heartbeatAt = nextHeartbeatAt(context);
  raft.quorumCheckAt = monotonicMs(context.now + context.options.electionTimeoutMs);
  raft.uncommittedBytes = 0;
  raft.round = 0;
  raft.transfer = undefined;
  raft.askedToCampaign = false;
  raft.leftOutAt = logIndex(0);
  raft.lease = NO_LEASE;
  raft.busyAt = context.now;
}

function leaveLeadership<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  if (raft.role !== 'leader') return;
  dropReads(turn);
  raft.lease = NO_LEASE;
  raft.peers = EMPTY_LIST;
  raft.uncommittedBytes = 0;
  raft.transfer = undefined;
}

/** Open reads end with the leadership; whoever asked for them is told. */
function dropReads<Image>(turn: RaftTurn<Image>): void {
  const { raft } = turn;
  const rounds = fifoToArray(raft.readRounds);
  turn.readsRefused = [
    ...turn.readsRefused,
    ...rounds.flatMap(({ tokens }) => tokens),
    ...raft.earlyReads,
    ...turn.newReads,
    ...turn.newLeaseReads,
  ];
  const asks = [...rounds.flatMap((round) => round.asks), ...raft.earlyAsks, ...turn.newAsks];
  const after = afterHardState(turn);
  for (const { node, batch } of asks) {
    send(turn, node, { type: 'ReadIndexRefused', term: raft.term, batch }, after);
  }
  raft.readRounds = emptyFifo();
  raft.earlyReads = EMPTY_LIST;
  raft.earlyAsks = EMPTY_LIST;
  turn.newReads = EMPTY_LIST;
  turn.newLeaseReads = EMPTY_LIST;
  turn.newAsks = EMPTY_LIST;
}

/** A message of this term's leader arrived: follow it, and put off the next election. */
export function followLeader<Image>(turn: RaftTurn<Image>, leader: NodeId): void {
  const { raft, context } = turn;
  assert(raft.role !== 'leader', () => `nodes ${raft.self} and ${leader} both lead term ${raft.term}`);
  assert(
    raft.leader === NO_NODE || raft.leader === leader,
    () => `term ${raft.term} has two leaders, ${raft.leader} and ${leader}`,
  );
  if (raft.role !== 'follower' || raft.leader !== leader) becomeFollower(turn, raft.term, leader);
  raft.leaderHeardAt = context.now;
  raft.leftOutAt = logIndex(0);
  raft.electionDeadline = monotonicMs(context.now + raft.electionPatienceMs);
  askAgain(turn);
}
