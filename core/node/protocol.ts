/**
 * What nodes say to each other, and what a node writes to its disk. The codecs in `core/wire` cover exactly these.
 */

import type { Operation, Outcome, RequestId } from '../partition/command.js';
import type { PartitionState } from '../partition/partition.js';
import type { TransactionId } from '../partition/transaction-command.js';
import type { Configuration } from '../raft/configuration.js';
import type { Entry, Heartbeat, HeartbeatAnswer, InstallSnapshot, RaftMessage } from '../raft/messages.js';
import type { GroupId, LogIndex, NodeId, Term } from '../machine/units.js';
import type { SessionAnswer } from '../transactions/calls.js';
import type { SessionCall } from '../transactions/session-state.js';
import type { AdminAnswer, ChangeMembers, GroupReport, TransferLeadership } from './admin-protocol.js';
import type { Roster } from './roster.js';

export type NodeMessage =
  | GroupMessage
  | SnapshotChunk
  | SnapshotAnswer
  | Forward
  | ForwardAnswer
  | Heartbeats
  | HeartbeatAnswers
  | ClusterMessage
  | SessionMessage;

/** What nodes say to each other about the cluster's members. */
export type ClusterMessage =
  RosterAsk | RosterNews | SurveyAsk | SurveyAnswer | AdminForward | AdminForwarded;

/** What nodes say to each other about the sessions that one of them keeps. */
export type SessionMessage = SessionForward | SessionForwarded | WaitProbe | Condemn;

/** A client's call for a session, handed on to the node that keeps it. */
export interface SessionForward {
  readonly type: 'SessionForward';
  /** The sender's name for the call; a repetition carries the same. */
  readonly id: string;
  readonly call: SessionCall;
}

export interface SessionForwarded {
  readonly type: 'SessionForwarded';
  readonly id: string;
  readonly answer: SessionAnswer;
}

/** A probe goes no farther: more who wait in one row than this are rather one busy key than a deadlock. */
export const MAX_PATH = 64;

/** For whom does `on` wait? The probe goes on to that one, and has found a deadlock when it comes back to the first of its path. */
export interface WaitProbe {
  readonly type: 'WaitProbe';
  /** Each of these waits for the next one, and the last one for `on`: 1 to 64. */
  readonly path: readonly TransactionId[];
  readonly on: TransactionId;
}

/** There is a deadlock: the first of these, a session of the receiver, is to be aborted if it still waits for the second. */
export interface Condemn {
  readonly type: 'Condemn';
  /** Each waits for the next one, and the last one for the first: 2 to 64. */
  readonly cycle: readonly TransactionId[];
}

/** A message of one Raft group. */
export interface GroupMessage {
  readonly type: 'Group';
  readonly group: GroupId;
  readonly message: SpokenMessage;
}

/** All that members of a group say to each other but a snapshot, which goes in chunks. */
export type SpokenMessage = Exclude<RaftMessage<PartitionState>, InstallSnapshot<PartitionState>>;

/** A part of a snapshot that the leader of `term` sends to a follower. */
export interface SnapshotChunk {
  readonly type: 'SnapshotChunk';
  readonly group: GroupId;
  readonly term: Term;
  /** The last entry that the snapshot stands for, and its term: with the leader's term they say which snapshot it is. */
  readonly index: LogIndex;
  readonly snapshotTerm: Term;
  /** The members at that place. */
  readonly config: Configuration;
  /** Its place among the chunks, from 0. */
  readonly number: number;
  /** See `core/wire/snapshot-chunk.ts`. None at all: only asks how much of the snapshot has arrived. */
  readonly bytes: Uint8Array;
  /** Over the bytes of this chunk and of all before it; so that of the last one is over the whole snapshot. */
  readonly digest: number;
  readonly last: boolean;
  /** The values that the state in `bytes` keeps apart, in the order in which it names them; absent for none. */
  readonly values?: readonly CarriedValue[];
}

/** A value that comes with a chunk, and the entry that wrote it. */
export interface CarriedValue {
  readonly index: LogIndex;
  readonly bytes: Uint8Array;
}

/** How much of a snapshot has arrived. The whole of it is acknowledged as any entries are, when it is durable. */
export interface SnapshotAnswer {
  readonly type: 'SnapshotAnswer';
  readonly group: GroupId;
  readonly term: Term;
  readonly index: LogIndex;
  readonly snapshotTerm: Term;
  /** So many chunks, without gaps: the next one wanted has this number. */
  readonly chunks: number;
  /** Answers a chunk that only asked: what was sent before that one and is not counted here was lost. */
  readonly asked: boolean;
  /** The follower receives as many snapshots as it may: ask again later. */
  readonly busy: boolean;
}

/** All that one node says to another of its groups' heartbeats at a time; it proves nothing for a group not named in it. */
export interface Heartbeats {
  readonly type: 'Heartbeats';
  readonly items: readonly GroupHeartbeat[];
  /** Absent when the sender leads no sleeping group that concerns the receiver. */
  readonly beat: Beat | undefined;
}

export interface GroupHeartbeat {
  readonly group: GroupId;
  readonly message: Heartbeat;
}

/** For all the groups that the sender leads and that sleep at the receiver, in place of their heartbeats. */
export interface Beat {
  readonly covers: Tally;
  /** The groups are named one by one this time, among the heartbeats: the receiver must not sleep in any other. */
  readonly listed: boolean;
}

/** A set of groups with their terms, as far as two nodes must know it to compare theirs. */
export interface Tally {
  readonly count: number;
  /** The sum of their digests, of 32 bits: it does not depend on the order. */
  readonly sum: number;
}

export interface HeartbeatAnswers {
  readonly type: 'HeartbeatAnswers';
  readonly items: readonly GroupHeartbeatAnswer[];
  /** Whether the receiver of a `Beat` sleeps in exactly the groups that it covers; absent when there was none. */
  readonly agrees: boolean | undefined;
}

export interface GroupHeartbeatAnswer {
  readonly group: GroupId;
  readonly message: HeartbeatAnswer;
}

/** A client's operation, handed on by the node that received it to the one that it believes leads the partition. */
export interface Forward {
  readonly type: 'Forward';
  readonly group: GroupId;
  readonly requestId: RequestId;
  /** See `Command.basis`. */
  readonly basis: LogIndex;
  readonly operation: Operation;
  /** The transaction on whose behalf it is asked, whose own locks are not in its way; absent for none. */
  readonly within?: TransactionId | undefined;
}

/** The leader's answer to a `Forward`; matched by the request's id. */
export interface ForwardAnswer {
  readonly type: 'ForwardAnswer';
  readonly group: GroupId;
  readonly requestId: RequestId;
  readonly result: ForwardResult;
}

export type ForwardResult = Executed | TryAgain;

/** Not executed by this node now. It may still take effect if an earlier attempt reached a log. */
export interface TryAgain {
  readonly type: 'TryAgain';
  readonly leader: NodeId;
  readonly reason: string;
  /** The leader has more to do than it can take: whoever asks is told so at once, and decides when to come back. */
  readonly overloaded: boolean;
  /** This node cannot do it, though it may answer for the group: its leader can. Said within a node only. */
  readonly atLeader?: true;
}

/** Executed; `index` is the point of the partition's history that the outcome reflects. */
export interface Executed {
  readonly type: 'Executed';
  readonly outcome: Outcome;
  readonly index: LogIndex;
  readonly reason?: string;
}

/** Do you know of a newer roster than this one? Asked by a node to which no leader of group 0 speaks any more. */
export interface RosterAsk {
  readonly type: 'RosterAsk';
  /** The sender hands over all that it leads, and is not to be given anything to lead. */
  readonly draining: boolean;
  readonly version: number;
}

/** A roster that is agreed: the sender has applied it, or heard it from one that has. */
export interface RosterNews {
  readonly type: 'RosterNews';
  readonly roster: Roster;
}

/** How are the groups that you lead? */
export interface SurveyAsk {
  readonly type: 'SurveyAsk';
  /** The asker's name for the question. */
  readonly survey: string;
}

export interface SurveyAnswer {
  readonly type: 'SurveyAnswer';
  readonly survey: string;
  readonly groups: readonly GroupReport[];
}

/** An administrative command, handed on to the node that is believed to lead the group that it concerns. */
export interface AdminForward {
  readonly type: 'AdminForward';
  /** The sender's name for the request; a repetition carries the same. */
  readonly id: string;
  readonly command: ForwardedCommand;
}

/** The commands that are carried out by a group's leader; the others concern the node that is asked. */
export type ForwardedCommand = ChangeMembers | TransferLeadership;

export interface AdminForwarded {
  readonly type: 'AdminForwarded';
  readonly id: string;
  /** Absent from a node that does not lead the group: nothing was done. */
  readonly answer: AdminAnswer | undefined;
}

/** The values under a node's storage keys; `journal.ts` says which key holds which. */
export type Stored = StoredHardState | StoredSegment | StoredSnapshot | StoredChunk | StoredValue;

/** Term and vote of a group (Raft figure 2, "persistent state"). */
export interface StoredHardState {
  readonly type: 'HardState';
  readonly term: Term;
  readonly vote: NodeId;
}

/** Entries appended to a group's log in one turn. A later segment overrides an earlier one from its first index on. */
export interface StoredSegment {
  readonly type: 'Segment';
  readonly firstIndex: LogIndex;
  readonly entries: readonly Entry[];
}

/** Which of the stored snapshots of a group counts, and which of its log segments. */
export interface StoredSnapshot extends SnapshotRecords {
  readonly type: 'Snapshot';
  readonly index: LogIndex;
  readonly term: Term;
  readonly config: Configuration;
  /** The number of the first log segment that still counts. */
  readonly firstSegment: number;
}

/** A snapshot as it lies on the disk. */
export interface SnapshotRecords {
  /** Given once for every snapshot that was begun; chunks of another number belong to one that does not count. */
  readonly number: number;
  readonly chunks: number;
  /** Over the bytes of all chunks, as in `SnapshotChunk`. */
  readonly digest: number;
  /** Where the values lie that its state keeps apart (`value-records.ts`); absent for the first place. */
  readonly generation?: number;
  /** The values of that generation whose records nothing will refer to for long, but something still does; absent for none. */
  readonly superseded?: readonly LogIndex[];
}

/** A part of a snapshot. */
export interface StoredChunk {
  readonly type: 'SnapshotChunk';
  readonly bytes: Uint8Array;
}

/** A value that a partition's state keeps apart. */
export interface StoredValue {
  readonly type: 'Value';
  readonly bytes: Uint8Array;
}
