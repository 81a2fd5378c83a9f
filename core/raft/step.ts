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
  electionTick,
  hearsFromLeader,
  preVoteAnswered,
  preVoteRequested,
  voteAnswered,
  voteRequested,
} from './election.js';
import { heartbeatAnswered, heartbeatReceived, heartbeatTick } from './heartbeat.js';
import type { RaftMessage } from './messages.js';
import { confirmRounds, openReadRound, requestRead } from './read-index.js';
import {
  appendAccepted,
  appendReceived,
  appendRefused,
  propose,
  replicate,
  type Proposal,
} from './replication.js';
import { becomeFollower } from './role.js';
import { compact, snapshotReceived } from './snapshot.js';
import type { RaftState } from './state.js';
import { afterHardState, openTurn, send, type Outgoing, type RaftTurn, type TurnContext } from './turn.js';

export type RaftInput<Image> =
  | { readonly type: 'Tick' }
  | { readonly type: 'MessageReceived'; readonly from: NodeId; readonly message: RaftMessage<Image> }
  | { readonly type: 'Propose'; readonly payload: Uint8Array }
  | { readonly type: 'Read'; readonly token: number }
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
  | { readonly type: 'Proposed'; readonly proposal: Proposal };

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
      requestRead(turn, input.token);
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
  electionTick(turn);
  heartbeatTick(turn);
}

export function receive<Image>(turn: RaftTurn<Image>, from: NodeId, message: RaftMessage<Image>): void {
  const { raft } = turn;
  if (!raft.voters.includes(from) || from === raft.self) return;
  if (message.term > raft.term && !meetsLaterTerm(turn, from, message)) return;
  if (message.term < raft.term) {
    tellOfOurTerm(turn, from, message);
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
    case 'InstallSnapshot':
      return snapshotReceived(turn, from, message);
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
      if (hearsFromLeader(turn)) return false;
      becomeFollower(turn, message.term, NO_NODE);
      return true;
    case 'Append':
    case 'Heartbeat':
    case 'InstallSnapshot':
      becomeFollower(turn, message.term, from);
      return true;
    case 'VoteAnswer':
    case 'AppendAccepted':
    case 'AppendRefused':
    case 'HeartbeatAnswer':
      becomeFollower(turn, message.term, NO_NODE);
      return true;
    default:
      return unreachable(message);
  }
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
      return send(turn, from, { type: 'HeartbeatAnswer', term, round: 0 }, after);
    case 'PreVoteAnswer':
    case 'VoteAnswer':
    case 'AppendAccepted':
    case 'AppendRefused':
    case 'HeartbeatAnswer':
      return;
    default:
      return unreachable(message);
  }
}

/** Sends what is to be sent and says what is to be written; after this the turn's state is the next state. */
export function closeTurn<Image>(turn: RaftTurn<Image>): RaftWrite<Image> | undefined {
  openReadRound(turn);
  replicate(turn);
  return issueWrite(turn);
}
