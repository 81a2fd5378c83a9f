/**
 * What operators ask of a cluster, and what they are told: requests of a node beside those for keys. They may be made
 * to any node; all may be repeated, since a wish that is fulfilled already is a success that changes nothing.
 */

import type { GroupId, LogIndex, NodeId, Term } from '../machine/units.js';
import type { ClientAnswer, ClientCall } from '../partition/command.js';
import type { TransactionAnswer, TransactionRequest } from '../transactions/calls.js';
import type { Member, Roster } from './roster.js';

/** What a client hands to a node. */
export type NodeRequest = ClientCall | AdminRequest | TransactionRequest;
/** What a client is told. */
export type NodeAnswer = ClientAnswer | AdminAnswer | TransactionAnswer;

/** Of the answers to transactions and scripts; plain operations and orders have others. */
export function isTransactionAnswer(answer: NodeAnswer): answer is TransactionAnswer {
  return 'family' in answer && (answer.family === 'session' || answer.family === 'script');
}

/** Of the answers to plain operations. */
export function isClientAnswer(answer: NodeAnswer): answer is ClientAnswer {
  return !isTransactionAnswer(answer) && !isAdminAnswer(answer);
}

export function isAdminAnswer(answer: NodeAnswer): answer is AdminAnswer {
  return 'outcome' in answer && !isTransactionAnswer(answer);
}

export interface AdminRequest {
  readonly admin: AdminCommand;
}

export type AdminCommand = ListMembers | ChangeMembers | TransferLeadership | HandOver;

/** Who belongs to the cluster, and how they are. */
export interface ListMembers {
  readonly type: 'ListMembers';
}

/** All of it in one step: either the roster says all of it afterwards, or none. */
export interface ChangeMembers {
  readonly type: 'ChangeMembers';
  readonly add: readonly NewMember[];
  /** Learners that are to vote. */
  readonly promote: readonly NodeId[];
  readonly remove: readonly NodeId[];
  readonly priorities: readonly NodePriority[];
}

export interface NewMember {
  readonly node: NodeId;
  readonly address: string;
  /** A voter begins as a learner too, and votes as soon as it is caught up. */
  readonly role: Member['role'];
}

export interface NodePriority {
  readonly node: NodeId;
  readonly priority: number;
}

/** Leadership of a group to this node; 0: to whoever is best placed. */
export interface TransferLeadership {
  readonly type: 'TransferLeadership';
  readonly group: GroupId;
  readonly target: NodeId;
}

/** The node that is asked hands over all that it leads, and leads nothing more that others can: before it is stopped. */
export interface HandOver {
  readonly type: 'HandOver';
}

export type AdminOutcome =
  | 'Done'
  /** It was so already. */
  | 'Unchanged'
  /** Understood, and not done; `refusal` says why. */
  | 'Refused'
  /** Not done, because something does not answer: try again later. */
  | 'Unavailable'
  /** It may have been done, or may still be: ask again, which is harmless. */
  | 'Unknown';

export const ADMIN_OUTCOMES = ['Done', 'Unchanged', 'Refused', 'Unavailable', 'Unknown'] as const;

export const ADMIN_REFUSALS = [
  'InvalidInput',
  'FixedMembership',
  'UnknownNode',
  'AlreadyMember',
  'AddressTaken',
  'LastVoter',
  'WouldLoseQuorum',
  'ChangeInProgress',
  'NotCaughtUp',
  'NotAVoter',
  'UnknownGroup',
] as const;
export type AdminRefusal = (typeof ADMIN_REFUSALS)[number];

export interface AdminAnswer {
  readonly outcome: AdminOutcome;
  readonly refusal?: AdminRefusal;
  /** For people: what was done, or why not, and what to do. */
  readonly reason: string;
  /** Of the roster that the answer speaks of. */
  readonly version: number;
  /** The answer to `ListMembers`. */
  readonly report?: MembersReport;
}

export interface MembersReport {
  readonly roster: Roster;
  readonly members: readonly MemberReport[];
  /** Groups on every node, group 0 included. */
  readonly groups: number;
  /** Groups that nobody is known to lead. */
  readonly leaderless: readonly GroupId[];
  /** Groups whose configuration is not yet what the roster wants. */
  readonly unsettled: readonly GroupId[];
}

export interface MemberReport extends Member {
  /** Whether it answered just now. */
  readonly alive: boolean;
  /** How long ago any leader heard from it; undefined when none says. */
  readonly heardMsAgo: number | undefined;
  /** Groups that it leads. */
  readonly leads: number;
  /** In how many groups it votes, and in how many it learns. */
  readonly votesIn: number;
  readonly learnsIn: number;
  /** The most entries that it is behind in any group; undefined when nobody knows. */
  readonly lag: number | undefined;
  readonly lagGroup: GroupId | undefined;
}

/** What a leader says of its group. */
export interface GroupReport {
  readonly group: GroupId;
  readonly term: Term;
  readonly voters: readonly NodeId[];
  readonly outgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** The configuration is committed, and the leader has committed in its term. */
  readonly committed: boolean;
  readonly lastIndex: LogIndex;
  readonly peers: readonly PeerReport[];
}

export interface PeerReport {
  readonly node: NodeId;
  readonly match: LogIndex;
  readonly heardMsAgo: number;
}
