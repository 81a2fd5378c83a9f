/**
 * The state of one node: its groups, the requests that came in through it, and what it holds back.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { DeadlineHeap } from '../collections/deadlines.js';
import type { Fifo } from '../collections/fifo.js';
import type { OrderedMap } from '../collections/ordered-map.js';
import type { RadixArray } from '../collections/radix-array.js';
import type { GroupId, LogIndex, MonotonicMs, NodeId, Term, WriteNumber } from '../machine/units.js';
import type { Operation, RequestId } from '../partition/command.js';
import type { PartitionState } from '../partition/partition.js';
import type { TransactionId } from '../partition/transaction-command.js';
import type { Snapshot } from '../raft/messages.js';
import type { RaftState } from '../raft/state.js';
import type { ChunkPlace, PartialState } from '../wire/snapshot-chunk.js';
import type { Coordination } from './coordination.js';
import type { Execution, Origin } from './execution.js';
import type { Journal } from './journal.js';
import type { Leadership } from './leadership.js';
import type { Membership } from './membership.js';
import type { NodeMessage, SnapshotChunk, Tally } from './protocol.js';
import type { TaskOrigin, Tasks } from './requests.js';
import type { ValueStore } from './value-store.js';

export interface NodeState {
  /** This run's name; see `Boot.incarnation`. */
  readonly incarnation: string;
  /** Set once this node can go on no longer: it then does nothing more. */
  readonly halted: boolean;
  /** By group id. */
  readonly groups: RadixArray<GroupState>;
  /** Writes issued so far, and how many of them are durable. */
  readonly lastWrite: WriteNumber;
  readonly durableWrite: WriteNumber;
  /** What waits for a write, in the order of the writes. */
  readonly held: Fifo<Held>;

  /** Requests of this node's own clients, by token. */
  readonly requests: RadixArray<ClientRequest>;
  /** Which requests carry a request id, those of this node itself included: more than one when a client repeats itself before it is answered. */
  readonly tokensOf: OrderedMap<readonly number[]>;
  /** Reads handed to a group, by number. */
  readonly reads: RadixArray<PendingRead>;
  readonly nextRead: number;
  /** How many of them there are. */
  readonly openReads: number;

  /** Snapshots that are under way, in the order in which they were begun; each list is bounded by an option. */
  readonly writing: readonly SnapshotWriting[];
  readonly sending: readonly SnapshotSending[];
  readonly receiving: readonly SnapshotReceiving[];

  readonly groupAlarms: DeadlineHeap | undefined;
  readonly requestAlarms: DeadlineHeap | undefined;
  /** When the host was last asked to wake this node; undefined once that time has come. */
  readonly timerAt: MonotonicMs | undefined;
  /** What this node and each other are to one another while groups sleep; in ascending order of their ids. */
  readonly links: readonly Link[];
  /** When the next beats are due; undefined while there is nobody to send one to. */
  readonly beatAt: MonotonicMs | undefined;
  /** The newest timestamp that this node gave. */
  readonly clock: Timestamp;
  readonly membership: Membership;
  /** What this node asks on its own account; absent until it asks something. */
  readonly tasks?: Tasks;
  /** The transactions of this node's clients; absent until there was one. */
  readonly coordination?: Coordination;
  /** The values that the states keep apart; absent until there is one. */
  readonly values?: ValueStore;
}

/** What looks after the sleeping groups that this node shares with another one. */
export interface Link {
  readonly peer: NodeId;
  /** The groups that this node leads and that sleep here and there. */
  readonly covers: Tally;
  /** How many groups that this node leads sleep without the other, because it was silent. */
  readonly lacking: number;
  /** The groups in which this node sleeps and the other leads. */
  readonly under: Tally;
  /** When the other last agreed with `covers`. */
  readonly answeredAt: MonotonicMs;
  /** When the other's beat last covered just what is `under`. */
  readonly agreedAt: MonotonicMs;
  /** The other disagrees: the next beat names the groups one by one. */
  readonly disagrees: boolean;
}

export interface GroupState {
  readonly raft: RaftState<PartitionState>;
  readonly partition: PartitionState;
  readonly journal: Journal;
  /** Who waits for which log index; empty unless leading. */
  readonly waiting: RadixArray<Waiter>;
  /** The log index of every request that is proposed here and not yet applied: a repeated request waits for it too. */
  readonly proposed: OrderedMap<LogIndex>;
  /** What this node keeps as the leader; undefined while it has not noticed that it is one. */
  readonly lead: Leadership | undefined;
  /** The alarm that is set for this group; undefined for none. */
  readonly alarmAt: MonotonicMs | undefined;
}

/** A snapshot that a group makes of its own state, of which some chunks are written. */
export interface SnapshotWriting {
  readonly group: GroupId;
  readonly state: PartitionState;
  /** See `SnapshotRecords`. */
  readonly number: number;
  readonly chunks: number;
  readonly digest: number;
  readonly next: ChunkPlace;
  /** The write that holds the newest chunk: the next one is made when it is durable. */
  readonly write: WriteNumber;
}

/** A snapshot on its way to a follower; `snapshot-sending.ts` says how. */
export interface SnapshotSending {
  readonly group: GroupId;
  readonly peer: NodeId;
  /** The leader's term, with which the transfer ends. */
  readonly term: Term;
  readonly snapshot: Snapshot<PartitionState>;
  /** Where each chunk begins that was made so far, and the one after them. */
  readonly cuts: RadixArray<ChunkCut>;
  /** The number of the newest of them. */
  readonly lastCut: number;
  /** So many chunks have arrived, and so many were sent: `acked <= sent <= lastCut`. */
  readonly acked: number;
  readonly sent: number;
  /** How many chunks may be on their way; grows with every answer. */
  readonly window: number;
  /** When to ask what has arrived, should no answer come before. */
  readonly askAt: MonotonicMs;
  /** The follower has no place for it now: it is asked again, but sent nothing. */
  readonly busy: boolean;
  /** The wait for the values of the next chunk (`value-store.ts`); absent for none. */
  readonly wait?: number;
}

export interface ChunkCut {
  readonly place: ChunkPlace;
  /** Over the bytes of all chunks before it. */
  readonly digest: number;
}

/** A snapshot of which some chunks have arrived. */
export interface SnapshotReceiving {
  readonly group: GroupId;
  readonly from: NodeId;
  /** These three say which snapshot it is, and of which leadership: a chunk of another one is none of it. */
  readonly term: Term;
  readonly index: LogIndex;
  readonly snapshotTerm: Term;
  readonly number: number;
  readonly chunks: number;
  readonly digest: number;
  readonly state: PartialState;
  /** Chunks that overtook others on the way and wait for their turn; at most `maxInflightChunks`. */
  readonly early: readonly SnapshotChunk[];
  readonly heardAt: MonotonicMs;
}

/** Those who wait for the entry that was proposed at an index, in this term. */
export interface Waiter {
  readonly term: Term;
  readonly requestId: RequestId;
  readonly operation: Operation;
  readonly origins: readonly Origin[];
}

export interface ClientRequest {
  readonly token: number;
  readonly group: GroupId;
  readonly requestId: RequestId;
  readonly basis: LogIndex;
  readonly operation: Operation;
  /** When to give up. */
  readonly deadline: MonotonicMs;
  /** When to try again. */
  readonly retryAt: MonotonicMs;
  /** Where it was last sent; 0 while no leader is known. */
  readonly sentTo: NodeId;
  /** How often another node was tried on the word of one that does not lead, since the last alarm. */
  readonly redirects: number;
  /** It was handed to some leader, and so may take effect. */
  readonly wasSent: boolean;
  /** See `Forward`. */
  readonly within?: TransactionId | undefined;
  /** Who in this node asked; absent for a client. */
  readonly task?: TaskOrigin;
}

/** What is executed when it is confirmed that the leader of this term still leads; not only reads are. */
export interface PendingRead {
  readonly execution: Execution;
  readonly term: Term;
}

/** Messages that may leave when a write is durable, and the groups that wait to hear of it. */
export interface Held {
  readonly write: WriteNumber;
  readonly groups: readonly GroupId[];
  readonly messages: readonly Addressed[];
}

export interface Addressed {
  readonly to: NodeId;
  readonly message: NodeMessage;
}
