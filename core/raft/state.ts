/**
 * The state of one Raft group on one node, as an immutable record.
 *
 * Sources: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (extended version), figure 2;
 * Ongaro's thesis, chapters 3, 6 and 9. What departs from the papers: the newest values are in `term`, `vote` and
 * `log`, written or not, and `durable` says how much of them a crash would leave. What depends on a write is marked
 * with its number and held back by the node until it is durable.
 */

import { emptyFifo, type Fifo } from '../collections/fifo.js';
import { EMPTY_LIST } from '../collections/list.js';
import { assert } from '../machine/assert.js';
import {
  logIndex,
  monotonicMs,
  NO_NODE,
  term,
  writeNumber,
  type GroupId,
  type LogIndex,
  type MonotonicMs,
  type NodeId,
  type Term,
  type WriteNumber,
} from '../machine/units.js';
import { simpleConfiguration, type Configuration, type PlacedConfiguration } from './configuration.js';
import { NO_FOLLOWER_READS, type FollowerReads } from './follower-reads.js';
import { NO_LEASE, type Lease } from './lease.js';
import { appendEntry, emptyLogAfter, type RaftLog } from './log.js';
import type { Entry, Snapshot } from './messages.js';

export type Role = 'follower' | 'precandidate' | 'candidate' | 'leader';

/** Sizes and times of a group; the same fields as in `NodeOptions`, which documents them. */
export interface RaftOptions {
  readonly heartbeatIntervalMs: number;
  readonly electionTimeoutMs: number;
  readonly maxAppendBytes: number;
  readonly maxInflightAppends: number;
  readonly maxInflightBytes: number;
  readonly maxUncommittedBytes: number;
  readonly maxKeepEntries: number;
  readonly maxKeepBytes: number;
  readonly maxPromotionLag: number;
  readonly leaseMs: number;
  readonly maxClockDriftPercent: number;
  readonly quiesceAfterMs: number;
}

export interface RaftState<Image> {
  readonly group: GroupId;
  readonly self: NodeId;
  /** The members as this node knows them: the newest of `configs`. */
  readonly config: Configuration;
  /**
   * The configurations that the log holds, in ascending order, and the one before them. A truncation takes away those
   * at its end, never the first, which is committed, or the one that the cluster began with (index 0).
   */
  readonly configs: readonly PlacedConfiguration[];

  /** Never falls. */
  readonly term: Term;
  /** Changes only with the term, or from none. */
  readonly vote: NodeId;
  readonly log: RaftLog;
  /** What replaces the log's dropped prefix; its index is at or above the log's base, at or below `commit`. */
  readonly snapshot: Snapshot<Image> | undefined;
  /** Never falls within one run; never above the log's last index. */
  readonly commit: LogIndex;

  readonly durable: Durable;
  /** Writes that are issued and not yet durable, oldest first. */
  readonly unsynced: Fifo<UnsyncedWrite>;
  /** The newest write that holds anything of this group, and the newest that changed its term or vote. */
  readonly lastWrite: WriteNumber;
  readonly lastHardWrite: WriteNumber;

  readonly role: Role;
  /** Who leads this term, as far as this node knows; 0 for nobody. */
  readonly leader: NodeId;
  /**
   * When this node last heard from a leader, of whatever term: for an election timeout it helps nobody else to an
   * election. Its start counts too, for it may have heard from one just before.
   */
  readonly leaderHeardAt: MonotonicMs;
  /** A node that does not lead starts an election then. */
  readonly electionDeadline: MonotonicMs;
  /** The election timeout that was drawn for this node; a word from the leader starts it anew. */
  readonly electionPatienceMs: number;

  /** Answers to this node's (pre-)candidacy, its own excluded; the first of each voter stands. */
  readonly votes: readonly VoteHeard[];

  /** A leader's view of the other members, learners included, in ascending order; empty unless leading. */
  readonly peers: readonly Progress[];
  /** Index of the empty entry that opened the leader's term: nothing is read before it is committed. */
  readonly termStart: LogIndex;
  readonly heartbeatAt: MonotonicMs;
  readonly quorumCheckAt: MonotonicMs;
  readonly uncommittedBytes: number;
  /** The newest read-confirmation round that this leader opened in its term. */
  readonly round: number;
  /** Reads that wait for their round to be confirmed, oldest first. */
  readonly readRounds: Fifo<ReadRound>;
  /** Reads that came before the leader's first entry was committed. */
  readonly earlyReads: readonly number[];
  /** The same for followers that ask for a read index. */
  readonly earlyAsks: readonly ReadAsk[];
  /** A leader's licence to answer reads without asking. */
  readonly lease: Lease;
  /** Reads for which this node asks its leader. */
  readonly followerReads: FollowerReads;
  /** To whom this leader is handing its leadership over; undefined when to nobody. */
  readonly transfer: Transfer | undefined;
  /** This leader has asked somebody to campaign: from then on an election may come at any time, for as long as it leads. */
  readonly askedToCampaign: boolean;
  /** The committed configuration that left this node out, as a leader said; 0 when none did, or when a leader counts it in. */
  readonly leftOutAt: LogIndex;

  /** Whether the group sleeps, on this node. */
  readonly rest: Rest;
  /** The leader's: when it last had something to do. */
  readonly busyAt: MonotonicMs;
}

/** A transfer of leadership under way (thesis, section 3.10). No proposal is taken meanwhile. */
export interface Transfer {
  readonly target: NodeId;
  /** Given up then, when the target has not been elected. */
  readonly deadline: MonotonicMs;
  /** The target has been told to campaign. */
  readonly told: boolean;
}

/** What a crash now would leave. */
export interface Durable {
  readonly write: WriteNumber;
  readonly term: Term;
  readonly vote: NodeId;
  /** Everything up to this index of the *present* log is on disk; falls when the log is truncated below it. */
  readonly lastIndex: LogIndex;
}

/** What will be durable when this write is. Clipped when a later write truncates below its last index. */
export interface UnsyncedWrite {
  readonly write: WriteNumber;
  readonly term: Term;
  readonly vote: NodeId;
  readonly lastIndex: LogIndex;
}

export interface VoteHeard {
  readonly voter: NodeId;
  readonly granted: boolean;
}

/** How far a follower is, as its leader knows. `match < next` always; `match` never falls within a leadership. */
export interface Progress {
  readonly peer: NodeId;
  readonly match: LogIndex;
  readonly next: LogIndex;
  /**
   * `probe`: one append at a time, until the logs are known to match. `replicate`: a window of appends in flight.
   * `snapshot`: nothing until the snapshot is answered or given up.
   */
  readonly mode: 'probe' | 'replicate' | 'snapshot';
  /** In probe mode: the one append is out, and unanswered. */
  readonly probing: boolean;
  /**
   * The appends in flight, oldest first: at most `maxInflightAppends`, with at most `maxInflightBytes` in them unless it
   * is a single one.
   */
  readonly inflight: readonly InFlight[];
  /** In snapshot mode: the place of the snapshot that was offered, and when that last made progress; else 0. */
  readonly snapshotIndex: LogIndex;
  readonly snapshotMovedAt: MonotonicMs;
  readonly heardAt: MonotonicMs;
  /** The newest round that this peer answered. */
  readonly round: number;
  /** `match` at the last heartbeat: one that stays behind without moving may have lost what was sent. */
  readonly matchAtTick: LogIndex;
}

/** An append that is not answered yet. */
export interface InFlight {
  /** Its last index. */
  readonly last: LogIndex;
  /** Of its payloads, together. */
  readonly bytes: number;
}

export interface ReadRound {
  readonly round: number;
  /** The leader's commit index when the reads came; they see at least everything up to it. */
  readonly index: LogIndex;
  readonly tokens: readonly number[];
  readonly asks: readonly ReadAsk[];
}

/** A follower that waits for a read index, and the number by which it knows its reads. */
export interface ReadAsk {
  readonly node: NodeId;
  readonly batch: number;
}

/** Whether a group sleeps, and who agreed to it. A new value for every change, so that two can be told apart. */
export interface Rest {
  readonly asleep: boolean;
  /** The heartbeat round in which the leader asked; 0 for one that is awake and does not ask. */
  readonly round: number;
  readonly term: Term;
  readonly leader: NodeId;
  /** The leader's: who agreed to sleep in this round. */
  readonly agreed: readonly NodeId[];
  /** The leader's: who is silent, and therefore not waited for. Woken groups find out whether they have returned. */
  readonly without: readonly NodeId[];
}

export const AWAKE: Rest = {
  asleep: false,
  round: 0,
  term: term(0),
  leader: NO_NODE,
  agreed: EMPTY_LIST,
  without: EMPTY_LIST,
};

/** What a group starts from: everything that was durable. */
export interface DurableImage<Image> {
  readonly term: Term;
  readonly vote: NodeId;
  readonly snapshot: Snapshot<Image> | undefined;
  /** The entries after the snapshot's index, without gaps. */
  readonly entries: readonly Entry[];
}

/**
 * A follower that has just started from its durable image. `voters` are those of the first configuration of the
 * group, which counts as long as neither the log nor a snapshot has another one; a node that is to join has none.
 */
export function restoreRaft<Image>(
  members: { readonly group: GroupId; readonly self: NodeId; readonly voters: readonly NodeId[] },
  image: DurableImage<Image>,
  now: MonotonicMs,
  electionPatienceMs: number,
): RaftState<Image> {
  const { snapshot } = image;
  let log = emptyLogAfter(snapshot?.index ?? logIndex(0), snapshot?.term ?? term(0));
  const first = snapshot?.config ?? simpleConfiguration(members.voters);
  let configs: readonly PlacedConfiguration[] = [{ index: log.baseIndex, config: first }];
  for (const entry of image.entries) {
    log = appendEntry(log, entry);
    if (entry.config !== undefined) configs = [...configs, { index: log.lastIndex, config: entry.config }];
  }
  assert(
    image.term >= log.lastTerm,
    () => `group ${members.group} stored term ${image.term}, but its log ends in term ${log.lastTerm}`,
  );
  return {
    group: members.group,
    self: members.self,
    config: newestOf(configs).config,
    configs,
    term: image.term,
    vote: image.vote,
    log,
    snapshot,
    commit: log.baseIndex,
    durable: { write: writeNumber(0), term: image.term, vote: image.vote, lastIndex: log.lastIndex },
    unsynced: emptyFifo(),
    lastWrite: writeNumber(0),
    lastHardWrite: writeNumber(0),
    role: 'follower',
    leader: NO_NODE,
    // Without a term it has never answered a leader, since no answer leaves before its term is durable.
    leaderHeardAt: image.term > 0 ? now : monotonicMs(now - electionPatienceMs),
    electionDeadline: monotonicMs(now + electionPatienceMs),
    electionPatienceMs,
    votes: EMPTY_LIST,
    peers: EMPTY_LIST,
    termStart: logIndex(0),
    heartbeatAt: monotonicMs(0),
    quorumCheckAt: monotonicMs(0),
    uncommittedBytes: 0,
    round: 0,
    readRounds: emptyFifo(),
    earlyReads: EMPTY_LIST,
    transfer: undefined,
    askedToCampaign: false,
    leftOutAt: logIndex(0),
    earlyAsks: [],
    lease: NO_LEASE,
    followerReads: NO_FOLLOWER_READS,
    rest: AWAKE,
    busyAt: monotonicMs(0),
  };
}

/** The configuration in force, and its place. */
export function newestOf(configs: readonly PlacedConfiguration[]): PlacedConfiguration {
  return configs[configs.length - 1] as PlacedConfiguration;
}

/** The next time at which this group has something to do by itself; never while it sleeps. */
export function nextDeadline<Image>(raft: RaftState<Image>): MonotonicMs | undefined {
  if (raft.rest.asleep) return undefined;
  return raft.role === 'leader' ? raft.heartbeatAt : raft.electionDeadline;
}
