/**
 * What nodes say to each other, and what a node writes to its disk. The codecs in `core/wire` cover exactly these.
 */

import type { KeyValueOperation, Outcome, RequestId } from '../partition/command.js';
import type { PartitionState } from '../partition/partition.js';
import type { Entry, Heartbeat, HeartbeatAnswer, RaftMessage, Snapshot } from '../raft/messages.js';
import type { GroupId, LogIndex, NodeId, Term } from '../machine/units.js';
import type { AdminAnswer, ChangeMembers, GroupReport, TransferLeadership } from './admin-protocol.js';
import type { Roster } from './roster.js';

export type NodeMessage =
  GroupMessage | Forward | ForwardAnswer | Heartbeats | HeartbeatAnswers | ClusterMessage;

/** What nodes say to each other about the cluster's members. */
export type ClusterMessage =
  RosterAsk | RosterNews | SurveyAsk | SurveyAnswer | AdminForward | AdminForwarded;

/** A message of one Raft group. */
export interface GroupMessage {
  readonly type: 'Group';
  readonly group: GroupId;
  readonly message: RaftMessage<PartitionState>;
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
  readonly operation: KeyValueOperation;
}

/** The leader's answer to a `Forward`; matched by the request's id. */
export interface ForwardAnswer {
  readonly type: 'ForwardAnswer';
  readonly group: GroupId;
  readonly requestId: RequestId;
  readonly result: ForwardResult;
}

export type ForwardResult =
  | Executed
  /** Not executed by this node now. It may still take effect if an earlier attempt reached a log. */
  | { readonly type: 'TryAgain'; readonly leader: NodeId; readonly reason: string };

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
export type Stored = StoredHardState | StoredSegment | StoredSnapshot;

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

/** A group's state up to an index, and the number of the first log segment that still counts. */
export interface StoredSnapshot {
  readonly type: 'Snapshot';
  readonly snapshot: Snapshot<PartitionState>;
  readonly firstSegment: number;
}
