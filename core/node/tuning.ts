/**
 * Every timeout and limit of a node: its default, its range and what it is for. One table, from which the checks at the
 * start, the command line's list of settings and the schema of scenarios are made.
 */

import { RETRY_WINDOW } from '../partition/retry-table.js';

export interface Tunable {
  readonly default: number;
  /** The smallest value that makes sense; all are whole numbers. */
  readonly least: number;
  readonly most?: number;
  readonly about: string;
}

export const NODE_TUNING = {
  heartbeatIntervalMs: {
    default: 100,
    least: 1,
    about: 'A leader tells its followers that it lives this often.',
  },
  electionTimeoutMs: {
    default: 600,
    least: 1,
    about:
      'A follower that has heard nothing for a time drawn from [this, twice this) starts an election. At least twice heartbeatIntervalMs.',
  },
  leaseMs: {
    default: 600,
    least: 0,
    about:
      'For so long at least a voter that heard from its leader helps nobody else to an election, so a leader may answer reads by lease for nearly as long without asking. The same on every node, and at most electionTimeoutMs; 0 for no leases: then reads by lease are confirmed like all others.',
  },
  maxClockDriftPercent: {
    default: 1,
    least: 0,
    // With clocks that may be wronger than this, next to nothing would be left of a lease.
    most: 90,
    about:
      'No monotonic clock of the cluster, or of a client that holds a lock, runs faster or slower than true time by more than this percentage. Leases of locks and times to live last longer by what two clocks may drift apart meanwhile; reads by lease may be stale if one drifts further.',
  },
  quiesceAfterMs: {
    default: 1_500,
    least: 0,
    about:
      'A group to which nothing has happened for so long goes to sleep: it sends no heartbeats and has no timers until it is woken. 0 for never.',
  },
  maxAppendBytes: {
    default: 1 << 20,
    least: 1,
    about: 'Entries of one append message, together, unless a single one is larger.',
  },
  maxInflightAppends: {
    default: 16,
    least: 1,
    about: 'Append messages to one follower that may be unanswered at a time.',
  },
  maxInflightBytes: {
    default: 16 << 20,
    least: 1,
    about: 'Payload bytes of those messages, together; a single message may have more.',
  },
  maxUncommittedBytes: {
    default: 64 << 20,
    least: 1,
    about:
      'Proposals of one group that may be uncommitted at a time; beyond it a client is told to try again.',
  },
  maxPromotionLag: {
    default: 1_000,
    least: 0,
    about: 'A learner becomes a voter only when it lacks no more than this many entries of its group.',
  },
  snapshotEveryEntries: {
    default: 10_000,
    least: 1,
    about: 'A partition takes a snapshot after this many applied entries at the earliest …',
  },
  snapshotPercentOfRecords: {
    // Of records that are all new there are more than entries, by those of the retry table: 100 would be never.
    default: 25,
    least: 0,
    about:
      '… and when they are this many percent of the records (keys, locks, sequences and retries) that the snapshot will hold, so that the work of writing it stays in proportion to the work that led to it.',
  },
  keepEntries: {
    default: 5_000,
    least: 0,
    about: 'Entries kept behind a snapshot, for followers that are only a little behind.',
  },
  maxKeepEntries: {
    default: 50_000,
    least: 0,
    about:
      'A leader keeps more of the log for followers that still read it, or that are being sent an older snapshot: so many entries behind its snapshot at most …',
  },
  maxKeepBytes: {
    default: 64 << 20,
    least: 0,
    about: '… and never more payload bytes than this, whoever needs them.',
  },
  persistentRevisionRetentionCount: {
    default: 0,
    least: 0,
    about:
      'Of a persistent key so many of its newest revisions are kept at least, and not many more; the newest 16 always are. 0 for all of them.',
  },
  persistentRevisionRetentionAgeMs: {
    default: 0,
    least: 0,
    about:
      'A revision of a persistent key that was superseded so long ago may go. 0 for never. What a hold protects stays, whatever these two say.',
  },
  persistentRevisionCleanupMs: {
    default: 300_000,
    least: 1,
    about: 'A leader looks this often for revisions that are to go.',
  },
  separateValuesFrom: {
    default: 512,
    least: 1,
    about:
      'Values of at least this many bytes are kept apart from the rest of a partition, which stays in memory as a whole: memory holds those that were used last, the disk all of them.',
  },
  maxValueBytesInMemory: {
    default: 256 << 20,
    least: 0,
    about:
      'Bytes of such values that a node keeps in memory, in all its partitions. More only for as long as they are on their way to the disk.',
  },
  maxValueReads: {
    default: 1_024,
    least: 1,
    about:
      'Reads of clients that may wait on a node for values from its disk at a time; beyond it a client is told to try again.',
  },
  snapshotEveryValueBytes: {
    default: 8 << 20,
    least: 1,
    about:
      'A partition also takes a snapshot when this many bytes of such values were applied since the last one, if that is no less than its records take: the log, which is in memory, has them too until then.',
  },
  snapshotChunkBytes: {
    default: 256 << 10,
    least: 1,
    about:
      'Snapshots are written and sent in chunks of about this many bytes, unless a single key or retry record is larger. The work of one step for a snapshot is that of a chunk.',
  },
  maxInflightChunks: {
    default: 4,
    least: 1,
    about: 'Chunks of one snapshot that may be on their way, unanswered, at a time.',
  },
  maxSnapshotsSending: {
    default: 2,
    least: 1,
    about: 'Snapshots that a node sends at a time, in all its groups.',
  },
  maxSnapshotsReceiving: { default: 2, least: 1, about: 'Snapshots that a node receives at a time.' },
  maxSnapshotsWriting: { default: 2, least: 1, about: 'Snapshots of its own that a node writes at a time.' },
  requestTimeoutMs: {
    default: 10_000,
    least: 1,
    about: "How long a client's request may wait, elections included, before it is told to try again.",
  },
  forwardTimeoutMs: {
    default: 1_000,
    least: 1,
    about: 'How long a forwarded request waits for its answer before it is sent again.',
  },
  retryWindow: {
    default: RETRY_WINDOW,
    least: 1,
    about:
      'How many of the newest writes of a partition are remembered, so that a repeated request is not executed twice. The same on every node.',
  },
  maxOpenReads: {
    default: 65_536,
    least: 1,
    about:
      'Reads, and whatever else waits for a leader to be confirmed, that a node holds at a time; beyond it a client is told to try again.',
  },
  expirySweepMs: {
    default: 1_000,
    least: 0,
    about:
      'A leader looks this often, while anything has an end, for keys and locks that are over and that nobody asks for. 0 for never: they then stay until they are asked for.',
  },
  sequenceBlockSize: {
    default: 1_000,
    least: 1,
    most: 2_147_483_647,
    about:
      'How many values of a sequence its leader reserves at a time, where the sequence itself does not say. 1 for one write for each value, without gaps.',
  },
  maxWaitingReservations: {
    default: 1_024,
    least: 1,
    about:
      'Reservations of one sequence that may wait for its next block at a time; beyond it a client is told to try again.',
  },
  maxBlockedOperations: {
    default: 4_096,
    least: 1,
    about:
      'Operations on one partition that may wait for prepared transactions to be settled at a time; beyond it a client is told to try again.',
  },
  intentGraceMs: {
    default: 5_000,
    least: 1,
    about:
      'So long a prepared transaction may stay undecided before a leader of one of its partitions sees to it that it is aborted, and a committed one unsettled before it is settled for its coordinator.',
  },
  maxUnsettledTransactions: {
    default: 16_384,
    least: 1,
    about:
      'Transactions that may be prepared in a partition, or have a record there, and are not settled everywhere; beyond it those that come to prepare are aborted.',
  },
  maxConcurrentSessions: {
    default: 0,
    least: 0,
    about:
      'Transactions of sessions that a node has under way at a time; more wait to be admitted. 0 for any number.',
  },
  maxConcurrentScripts: {
    default: 0,
    least: 0,
    about:
      'The same of scripts that are transactions; a script that is a single command always runs. 0 for any number.',
  },
  reservedSlots: {
    default: 0,
    least: 0,
    about:
      'So many places of either kind are kept for transactions of the priorities high and critical. Less than the number of places.',
  },
  priorityAgingMs: {
    default: 1_000,
    least: 0,
    about: 'Waiting for so long to be admitted counts as one priority more, up to high; 0 for never.',
  },
  maxQueuedAdmissions: {
    default: 4_096,
    least: 0,
    about: 'Transactions of either kind that may wait to be admitted; beyond it a client is refused.',
  },
  placementIntervalMs: {
    default: 500,
    least: 0,
    about: 'Leaders that others should rather be are moved this often, some at a time; 0 for never.',
  },
  placementSettleMs: {
    default: 5_000,
    least: 0,
    about: '… and those only that have led for so long, with the same members.',
  },
  placementTransfers: {
    default: 16,
    least: 1,
    about: 'Leaders that a node hands over in one such interval, at most.',
  },
} as const satisfies Readonly<Record<string, Tunable>>;

export type TunableName = keyof typeof NODE_TUNING;

/** A value for each of them. */
export type NodeTuning = { readonly [Name in TunableName]: number };

/** In the order of the table. */
export const TUNABLE_NAMES = Object.keys(NODE_TUNING) as readonly TunableName[];

export const DEFAULT_TUNING = Object.fromEntries(
  TUNABLE_NAMES.map((name) => [name, NODE_TUNING[name].default]),
) as NodeTuning;

/** What is wrong with a value by itself, in words; undefined when nothing is. */
export function problemWithTunable(name: TunableName, value: number): string | undefined {
  const { least, most }: Tunable = NODE_TUNING[name];
  if (Number.isSafeInteger(value) && value >= least && value <= (most ?? value)) return undefined;
  const range = most === undefined ? `of ${least} or more` : `from ${least} to ${most}`;
  return `${name} must be a whole number ${range}, but is ${value}`;
}
