/**
 * One Raft group as a machine: `step(state, context, input) -> { state, effects }`.
 *
 * Routes each input to the rule that owns it. What holds for every message stands here: a later term makes a
 * follower of anybody (figure 2, "all servers"), an older one is told of ours or ignored. A node with many groups
 * opens a turn, hands in several inputs and closes it; `step` is the same with one input.
 */

import { unreachable } from '../machine/assert.js';
import { NO_NODE, type LogIndex, type NodeId, type Term, type WriteNumber } from '../machine/units.js';
import { issueWrite, writesCompleted, type RaftWrite } from './durability.js';
import {
  campaignNow,
  electionTick,
  hearsFromLeader,
  leftOut,
  preVoteAnswered,
  preVoteRequested,
  voteAnswered,
  voteRequested,
} from './election.js';
import { heartbeatAnswered, heartbeatReceived, heartbeatTick } from './heartbeat.js';
import type { RaftMessage } from './messages.js';
import {
  askForReadIndex,
  readIndexAnswered,
  readIndexRefused,
  releaseFollowerReads,
} from './follower-reads.js';
import { placeOf } from './progress.js';
import {
  confirmRounds,
  openReadRound,
  readIndexRequested,
  requestRead,
  type Confirmation,
} from './read-index.js';
import { leavesAsleep, wokenBy } from './quiescence.js';
import {
  advanceCommit,
  appendAccepted,
  appendReceived,
  appendRefused,
  propose,
  replicate,
  type Proposal,
} from './replication.js';
import { reconfigure, type Members, type Reconfigured } from './reconfigure.js';
import { becomeFollower } from './role.js';
import { compact, snapshotReceived } from './snapshot.js';
import { newestOf } from './state.js';
import type { RaftState } from './state.js';
import { transferLeadership, transferTick, type TransferStart } from './transfer.js';
import { afterHardState, openTurn, send, type Outgoing, type RaftTurn, type TurnContext } from './turn.js';

export type RaftInput<Image> =
  | { readonly type: 'Tick' }
  | { readonly type: 'MessageReceived'; readonly from: NodeId; readonly message: RaftMessage<Image> }
  | { readonly type: 'Propose'; readonly payload: Uint8Array }
  | { readonly type: 'Read'; readonly token: number; readonly by?: Confirmation }
  | { readonly type: 'Reconfigure'; readonly members: Members }
  | { readonly type: 'Transfer'; readonly target: NodeId }
  | { readonly type: 'WritesCompleted'; readonly through: WriteNumber }
  | {
      readonly type: 'Compact';
      readonly index: LogIndex;
      readonly state: Image;
      readonly keepEntries: number;
    };

export type RaftEffect<Image> =
  | ({ readonly type: 'Send' } & Outgoing<Image>)
  | ({ readonly type: 'Persist' } & RaftWrite<Image>)
  | { readonly type: 'ReadReady'; readonly tokens: readonly number[]; readonly index: LogIndex }
  | { readonly type: 'ReadsRefused'; readonly tokens: readonly number[] }
  | { readonly type: 'Proposed'; readonly proposal: Proposal }
  | { readonly type: 'Reconfigured'; readonly outcome: Reconfigured }
  | { readonly type: 'Transferring'; readonly outcome: TransferStart };

export interface RaftStep<Image> {
  readonly state: RaftState<Image>;
  readonly effects: readonly RaftEffect<Image>[];
}

/** The state after one input, and what is to be done. Commits show as a higher `commit` in the state. */
export function stepRaft<Image>(
  state: RaftState<Image>,
  context: TurnContext,
  input: RaftInput<Image>,
): RaftStep<Image> {
  const turn = openTurn(state, context);
  const effects: RaftEffect<Image>[] = [];
  switch (input.type) {
    case 'Tick':
      tick(turn);
      break;
    case 'MessageReceived':
      receive(turn, input.from, input.message);
      break;
    case 'Propose':
      effects.push({ type: 'Proposed', proposal: propose(turn, input.payload) });
      break;
    case 'Read':
      requestRead(turn, input.token, input.by);
      break;
    case 'Reconfigure':
      effects.push({ type: 'Reconfigured', outcome: reconfigure(turn, input.members) });
      break;
    case 'Transfer':
      effects.push({ type: 'Transferring', outcome: transferLeadership(turn, input.target) });
      break;
    case 'WritesCompleted':
      writesCompleted(turn, input.through);
      break;
    case 'Compact':
      compact(turn, input.index, input.state, input.keepEntries);
      break;
    default:
      return unreachable(input);
  }
  const write = closeTurn(turn);
  if (write !== undefined) effects.push({ type: 'Persist', ...write });
  for (const { tokens, index } of turn.readsReady) effects.push({ type: 'ReadReady', tokens, index });
  if (turn.readsRefused.length > 0) effects.push({ type: 'ReadsRefused', tokens: turn.readsRefused });
  for (const outgoing of turn.outgoing) effects.push({ type: 'Send', ...outgoing });
  return { state: turn.raft, effects };
}

export function tick<Image>(turn: RaftTurn<Image>): void {
  if (turn.raft.rest.asleep) return;
  electionTick(turn);
  heartbeatTick(turn);
  // A leader that is a majority by itself waits for nobody.
  confirmRounds(turn);
}

export function receive<Image>(turn: RaftTurn<Image>, from: NodeId, message: RaftMessage<Image>): void {
  const { raft } = turn;
  if (from === raft.self || isLeftOut(turn, from, message)) return;
  if (raft.rest.asleep && !leavesAsleep(raft, message)) wokenBy(turn, from);
  if (message.term > raft.term && !meetsLaterTerm(turn, from, message)) return;
  if (message.term < raft.term) {
    // Who is left out by what is committed is so in every later term.
    if (message.type === 'NotMember') leftOut(turn, message);
    else tellOfOurTerm(turn, from, message);
    return;
  }
  switch (message.type) {
    case 'PreVoteRequest':
      return preVoteRequested(turn, from, message);
    case 'PreVoteAnswer':
      return preVoteAnswered(turn, from, message);
    case 'VoteRequest':
      return voteRequested(turn, from, message);
    case 'VoteAnswer':
      return voteAnswered(turn, from, message);
    case 'Append':
      return appendReceived(turn, from, message);
    case 'AppendAccepted':
      return appendAccepted(turn, from, message);
    case 'AppendRefused':
      return appendRefused(turn, from, message);
    case 'Heartbeat':
      return heartbeatReceived(turn, from, message);
    case 'HeartbeatAnswer':
      heartbeatAnswered(turn, from, message);
      return confirmRounds(turn);
    case 'ReadIndexRequest':
      return readIndexRequested(turn, from, message);
    case 'ReadIndexAnswer':
      return readIndexAnswered(turn, message);
    case 'ReadIndexRefused':
      return readIndexRefused(turn, message);
    case 'InstallSnapshot':
      return snapshotReceived(turn, from, message);
    case 'CampaignNow':
      return campaignNow(turn, from);
    case 'NotMember':
      return leftOut(turn, message);
    default:
      return unreachable(message);
  }
}

/** A message of a later term: follow into that term, unless it is only asked about. False: ignore the message. */
function meetsLaterTerm<Image>(turn: RaftTurn<Image>, from: NodeId, message: RaftMessage<Image>): boolean {
  switch (message.type) {
    case 'PreVoteRequest':
      return true;
    case 'PreVoteAnswer':
      if (!message.granted) becomeFollower(turn, message.term, NO_NODE);
      return true;
    case 'VoteRequest':
      // A disruptive candidate is not heard while a leader is (thesis, section 4.2.3).
      if (hearsFromLeader(turn) && !message.handedOver) return false;
      becomeFollower(turn, message.term, NO_NODE);
      return true;
    case 'Append':
    case 'Heartbeat':
    case 'InstallSnapshot':
    case 'CampaignNow':
    case 'NotMember':
      becomeFollower(turn, message.term, from);
      return true;
    case 'VoteAnswer':
    case 'AppendAccepted':
    case 'AppendRefused':
    case 'HeartbeatAnswer':
    case 'ReadIndexRequest':
    case 'ReadIndexAnswer':
    case 'ReadIndexRefused':
      becomeFollower(turn, message.term, NO_NODE);
      return true;
    default:
      return unreachable(message);
  }
}

/**
 * One that was left out asks for votes for as long as nobody tells it. A leader does, once the change is committed; what
 * it asked for, the leader would have refused in any case. False for everybody else.
 */
function isLeftOut<Image>(turn: RaftTurn<Image>, from: NodeId, message: RaftMessage<Image>): boolean {
  const { raft } = turn;
  if (raft.role !== 'leader' || placeOf(raft.peers, from) >= 0) return false;
  if (message.type !== 'PreVoteRequest' && message.type !== 'VoteRequest') return false;
  if (message.type === 'VoteRequest' && message.handedOver) return false;
  const { index } = newestOf(raft.configs);
  if (index <= raft.commit) {
    send(turn, from, { type: 'NotMember', term: raft.term, index }, afterHardState(turn));
  }
  return true;
}

/** Whoever still acts in an older term is told, so that it finds its way; answers of an older term mean nothing. */
function tellOfOurTerm<Image>(turn: RaftTurn<Image>, from: NodeId, message: RaftMessage<Image>): void {
  const term: Term = turn.raft.term;
  const after = afterHardState(turn);
  switch (message.type) {
    case 'PreVoteRequest':
      return send(turn, from, { type: 'PreVoteAnswer', term, granted: false }, after);
    case 'VoteRequest':
      return send(turn, from, { type: 'VoteAnswer', term, granted: false }, after);
    case 'Append':
    case 'Heartbeat':
    case 'InstallSnapshot':
    case 'CampaignNow':
      return send(turn, from, { type: 'HeartbeatAnswer', term, round: 0 }, after);
    case 'ReadIndexRequest':
      return send(turn, from, { type: 'ReadIndexRefused', term, batch: message.batch }, after);
    case 'PreVoteAnswer':
    case 'VoteAnswer':
    case 'AppendAccepted':
    case 'AppendRefused':
    case 'HeartbeatAnswer':
    case 'NotMember':
    case 'ReadIndexAnswer':
    case 'ReadIndexRefused':
      return;
    default:
      return unreachable(message);
  }
}

/**
 * What was too little for the members before may be enough for those who are in force now. To be called before what is
 * committed is applied and who waits is looked after; closing the turn does it too.
 */
export function settleMembers<Image>(turn: RaftTurn<Image>): void {
  while (turn.membersChanged) {
    turn.membersChanged = false;
    advanceCommit(turn);
    confirmRounds(turn);
  }
}

/** Confirms the reads of this turn that can be, and asks for the others; closing the turn does it too. */
export function closeReads<Image>(turn: RaftTurn<Image>): void {
  settleMembers(turn);
  askForReadIndex(turn);
  openReadRound(turn);
  releaseFollowerReads(turn);
}

/** Sends what is to be sent and says what is to be written; after this the turn's state is the next state. */
export function closeTurn<Image>(turn: RaftTurn<Image>): RaftWrite<Image> | undefined {
  closeReads(turn);
  replicate(turn);
  transferTick(turn);
  return issueWrite(turn);
}
