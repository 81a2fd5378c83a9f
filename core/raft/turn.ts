/**
 * A turn of one group: its state opened for change, and what the changes will say and write.
 *
 * A turn is private to the step that opened it. It starts as a copy of the state, one literal of fixed shape; the
 * rules assign to its fields as the paper's do; closing it gives the next state. So a step stays pure while a rule
 * reads like figure 2, and many inputs of one turn make one write and few messages.
 */

import { finish, mixNumber } from '../collections/digest.js';
import { fifoFrom, fifoToArray } from '../collections/fifo.js';
import { added, EMPTY_LIST } from '../collections/list.js';
import { isBent, type Bend } from '../machine/bend.js';
import {
  logIndex,
  monotonicMs,
  writeNumber,
  type LogIndex,
  type MonotonicMs,
  type NodeId,
  type WriteNumber,
} from '../machine/units.js';
import { truncateFrom } from './log.js';
import type { RaftMessage, Snapshot } from './messages.js';
import { newestOf, type RaftOptions, type RaftState, type ReadAsk } from './state.js';

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

export interface TurnContext {
  readonly options: RaftOptions;
  readonly now: MonotonicMs;
  readonly entropy: number;
  /** The number that a write made in this turn will have. */
  readonly write: WriteNumber;
  /** When the heartbeats of this node's groups are due next, all at once; an interval from now when absent. */
  readonly heartbeatAt?: MonotonicMs;
  /** This node had rather that others led: it gives them time to be elected before it campaigns itself. */
  readonly reluctant?: boolean;
  /** Only in a simulator. */
  readonly bend?: Bend | undefined;
}

/** A message, and the write that it depends on: it may not leave before that one is durable. 0: at once. */
export interface Outgoing<Image> {
  readonly to: NodeId;
  readonly message: RaftMessage<Image>;
  readonly after: WriteNumber;
}

/** Reads that may be answered by a state that has applied `index`. */
export interface ReadyReads {
  readonly tokens: readonly number[];
  readonly index: LogIndex;
}

export interface RaftTurn<Image> {
  readonly context: TurnContext;
  readonly raft: Mutable<RaftState<Image>>;
  outgoing: readonly Outgoing<Image>[];
  /** Term or vote changed. */
  hardChanged: boolean;
  /** The lowest index whose entry changed; 0 for none. */
  changedFrom: number;
  /** A snapshot taken or installed; installing one replaces the whole log on disk. */
  newSnapshot: Snapshot<Image> | undefined;
  logReplaced: boolean;
  /** Reads asked for in this turn: of this leader, of its lease, of this follower, and by other followers. */
  newReads: readonly number[];
  newLeaseReads: readonly number[];
  newFollowerReads: readonly number[];
  newAsks: readonly ReadAsk[];
  readsReady: readonly ReadyReads[];
  readsRefused: readonly number[];
  /** A leader put another configuration in force. */
  membersChanged: boolean;
  /** Whether this turn has already made its own copy of the list of peers. */
  ownsPeers: boolean;
  draws: number;
}

export function openTurn<Image>(state: RaftState<Image>, context: TurnContext): RaftTurn<Image> {
  return {
    context,
    raft: {
      group: state.group,
      self: state.self,
      config: state.config,
      configs: state.configs,
      term: state.term,
      vote: state.vote,
      log: state.log,
      snapshot: state.snapshot,
      commit: state.commit,
      durable: state.durable,
      unsynced: state.unsynced,
      lastWrite: state.lastWrite,
      lastHardWrite: state.lastHardWrite,
      role: state.role,
      leader: state.leader,
      leaderHeardAt: state.leaderHeardAt,
      electionDeadline: state.electionDeadline,
      electionPatienceMs: state.electionPatienceMs,
      votes: state.votes,
      peers: state.peers,
      termStart: state.termStart,
      heartbeatAt: state.heartbeatAt,
      quorumCheckAt: state.quorumCheckAt,
      uncommittedBytes: state.uncommittedBytes,
      round: state.round,
      readRounds: state.readRounds,
      earlyReads: state.earlyReads,
      transfer: state.transfer,
      askedToCampaign: state.askedToCampaign,
      leftOutAt: state.leftOutAt,
      earlyAsks: state.earlyAsks,
      lease: state.lease,
      followerReads: state.followerReads,
      rest: state.rest,
      busyAt: state.busyAt,
    },
    outgoing: EMPTY_LIST,
    hardChanged: false,
    changedFrom: 0,
    newSnapshot: undefined,
    logReplaced: false,
    newReads: EMPTY_LIST,
    newLeaseReads: EMPTY_LIST,
    newFollowerReads: EMPTY_LIST,
    newAsks: EMPTY_LIST,
    readsReady: EMPTY_LIST,
    readsRefused: EMPTY_LIST,
    membersChanged: false,
    ownsPeers: false,
    draws: 0,
  };
}

export function send<Image>(
  turn: RaftTurn<Image>,
  to: NodeId,
  message: RaftMessage<Image>,
  after: WriteNumber,
): void {
  turn.outgoing = added(turn.outgoing, { to, message, after });
}

/** When a leader that sends heartbeats now sends the next. */
export function nextHeartbeatAt({ now, options, heartbeatAt }: TurnContext): MonotonicMs {
  return heartbeatAt ?? monotonicMs(now + options.heartbeatIntervalMs);
}

/** For messages that promise nothing. */
export const AT_ONCE = writeNumber(0);

/** The write after which the present term and vote are durable. */
export function afterHardState<Image>(turn: RaftTurn<Image>): WriteNumber {
  if (turn.hardChanged) return turn.context.write;
  return turn.raft.lastHardWrite > turn.raft.durable.write ? turn.raft.lastHardWrite : AT_ONCE;
}

/** The write after which the present term, vote, log and snapshot are durable. */
export function afterEverything<Image>(turn: RaftTurn<Image>): WriteNumber {
  if (turn.hardChanged || turn.changedFrom > 0 || turn.newSnapshot !== undefined) return turn.context.write;
  return turn.raft.lastWrite > turn.raft.durable.write ? turn.raft.lastWrite : AT_ONCE;
}

/** Notes that the log changed from `index` on. */
export function logChangedFrom<Image>(turn: RaftTurn<Image>, index: number): void {
  if (turn.changedFrom === 0 || index < turn.changedFrom) turn.changedFrom = index;
}

/**
 * Cuts the log off before `from`, and with it what is or will be durable of it. A write still under way that holds
 * cut entries must not claim them when it completes, even if entries with the same index and term are appended
 * again before that: (index, term) alone cannot tell the two apart.
 */
export function truncateLog<Image>(turn: RaftTurn<Image>, from: number): void {
  const { raft } = turn;
  raft.log = truncateFrom(raft.log, from);
  forgetConfigurationsFrom(turn, from);
  forgetDurableFrom(turn, from);
  logChangedFrom(turn, from);
}

/** A configuration that was cut off is in force no longer: the one before it is. */
function forgetConfigurationsFrom<Image>(turn: RaftTurn<Image>, from: number): void {
  const { raft } = turn;
  if (newestOf(raft.configs).index < from) return;
  raft.configs = raft.configs.filter(({ index }) => index < from);
  raft.config = newestOf(raft.configs).config;
}

export function forgetDurableFrom<Image>(turn: RaftTurn<Image>, from: number): void {
  const { raft } = turn;
  const kept = logIndex(from - 1);
  loseStatementsBeyond(turn, kept);
  if (raft.durable.lastIndex > kept) raft.durable = { ...raft.durable, lastIndex: kept };
  raft.unsynced = fifoFrom(
    fifoToArray(raft.unsynced).map((write) =>
      write.lastIndex > kept ? { ...write, lastIndex: kept } : write,
    ),
  );
}

/**
 * What this turn was about to say of entries that it has cut off since is no longer so, and its write will not make
 * it so: such messages are lost, as any message may be.
 */
function loseStatementsBeyond<Image>(turn: RaftTurn<Image>, kept: LogIndex): void {
  turn.outgoing = turn.outgoing.filter(({ message }) => {
    if (message.type === 'VoteRequest') return message.lastIndex <= kept;
    return message.type !== 'AppendAccepted' || message.index <= kept;
  });
}

/** Draws a new election timeout, evenly from [the option, twice the option), and starts it (section 5.2). */
export function restartElectionTimer<Image>(turn: RaftTurn<Image>): void {
  const { context, raft } = turn;
  turn.draws += 1;
  raft.electionPatienceMs = isBent(context.bend, 'the shortest election timeout')
    ? context.options.electionTimeoutMs
    : drawPatience(
        context.options.electionTimeoutMs,
        mixNumber(mixNumber(mixNumber(context.entropy, raft.group), raft.self), turn.draws),
      );
  raft.electionDeadline = monotonicMs(context.now + raft.electionPatienceMs);
}

export function drawPatience(electionTimeoutMs: number, chance: number): number {
  return electionTimeoutMs + (finish(chance) % electionTimeoutMs);
}
