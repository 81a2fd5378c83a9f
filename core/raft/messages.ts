/**
 * What the members of one Raft group say to each other.
 *
 * Every message carries its sender's term, except where noted. The sender is known from the connection, the group
 * from the envelope around it. Local inputs are other types: no peer can forge a completed write.
 */

import type { LogIndex, Term } from '../machine/units.js';
import type { Configuration } from './configuration.js';

/** One entry of the log. Its index is its place; the core reads nothing of the payload but its length. */
export interface Entry {
  readonly term: Term;
  /** Empty for the entry with which a new leader opens its term (Raft section 8), and where there is a `config`. */
  readonly payload: Uint8Array;
  /** The members from this entry on, whole; only in an entry that changes them. */
  readonly config?: Configuration;
}

/**
 * The state that a log prefix gave, in place of that prefix. `state` is opaque to Raft: an immutable value that the
 * machine above makes and understands.
 */
export interface Snapshot<Image> {
  readonly index: LogIndex;
  readonly term: Term;
  /** The configuration at that index, which may be a joint one. */
  readonly config: Configuration;
  readonly state: Image;
}

export type RaftMessage<Image> =
  | PreVoteRequest
  | PreVoteAnswer
  | VoteRequest
  | VoteAnswer
  | Append
  | AppendAccepted
  | AppendRefused
  | Heartbeat
  | HeartbeatAnswer
  | ReadIndexRequest
  | ReadIndexAnswer
  | ReadIndexRefused
  | InstallSnapshot<Image>
  | CampaignNow
  | NotMember;

/** Would you vote for me? Changes nothing at the receiver (thesis, section 9.6). */
export interface PreVoteRequest {
  readonly type: 'PreVoteRequest';
  /** The term that the sender would campaign in: one more than its own. */
  readonly term: Term;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
}

export interface PreVoteAnswer {
  readonly type: 'PreVoteAnswer';
  /** The term asked for when granted; the answerer's own term when refused. */
  readonly term: Term;
  readonly granted: boolean;
}

/** RequestVote (Raft section 5.2). */
export interface VoteRequest {
  readonly type: 'VoteRequest';
  readonly term: Term;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** The leader itself asked for this election: it is no disturbance (thesis, section 4.2.3). */
  readonly handedOver: boolean;
}

export interface VoteAnswer {
  readonly type: 'VoteAnswer';
  readonly term: Term;
  readonly granted: boolean;
}

/** AppendEntries with entries, or an empty probe of where the logs part (Raft section 5.3). */
export interface Append {
  readonly type: 'Append';
  readonly term: Term;
  readonly previousIndex: LogIndex;
  readonly previousTerm: Term;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
}

/** Everything up to `index` is in the sender's log as the leader has it, and durable. */
export interface AppendAccepted {
  readonly type: 'AppendAccepted';
  readonly term: Term;
  readonly index: LogIndex;
}

/** The entry before those offered does not match. */
export interface AppendRefused {
  readonly type: 'AppendRefused';
  readonly term: Term;
  /** The `previousIndex` that did not match; tells a late refusal from a new one. */
  readonly refused: LogIndex;
  /** The last place where the logs could still agree, and the term found there. */
  readonly hintIndex: LogIndex;
  readonly hintTerm: Term;
}

/** I lead, and I ask whether you still follow: carries the number of a read-confirmation round. */
export interface Heartbeat {
  readonly type: 'Heartbeat';
  readonly term: Term;
  /** Never above what the receiver is known to match. */
  readonly commit: LogIndex;
  readonly round: number;
  /** Sleep, if your log ends at `commit` (see `quiescence.ts`). */
  readonly sleep?: true;
}

export interface HeartbeatAnswer {
  readonly type: 'HeartbeatAnswer';
  readonly term: Term;
  /** 0 in answers to no heartbeat: to tell of a later term, or that the sender has been woken. */
  readonly round: number;
  /** I sleep, as I was asked in this round. */
  readonly asleep?: true;
}

/** A follower has reads to answer: how far must its state have come (thesis, section 6.4)? */
export interface ReadIndexRequest {
  readonly type: 'ReadIndexRequest';
  readonly term: Term;
  /** The sender's number for the reads that it asks for. */
  readonly batch: number;
}

/** Everything that was committed anywhere when the batch was asked for lies at or below `index`. */
export interface ReadIndexAnswer {
  readonly type: 'ReadIndexAnswer';
  readonly term: Term;
  readonly batch: number;
  readonly index: LogIndex;
}

/** I do not lead, or no longer. */
export interface ReadIndexRefused {
  readonly type: 'ReadIndexRefused';
  readonly term: Term;
  readonly batch: number;
}

/** The whole state at once, for a follower that needs entries which are gone (Raft section 7). */
export interface InstallSnapshot<Image> {
  readonly type: 'InstallSnapshot';
  readonly term: Term;
  readonly snapshot: Snapshot<Image>;
}

/** The leader hands over: do not wait for your election timeout (thesis, section 3.10). */
export interface CampaignNow {
  readonly type: 'CampaignNow';
  readonly term: Term;
}

/** You are no member of this group since the committed configuration at `index`; do not ask for votes. */
export interface NotMember {
  readonly type: 'NotMember';
  readonly term: Term;
  readonly index: LogIndex;
}
