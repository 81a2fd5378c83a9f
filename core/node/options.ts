/**
 * What a node must be told, with sane defaults, checked before it starts.
 */

import { RETRY_WINDOW } from '../partition/retry-table.js';
import type { NodeId } from '../machine/units.js';

export interface NodeOptions {
  readonly node: NodeId;
  /**
   * The voters with whom the cluster began, this node included, in ascending order; none for a node that is to join a
   * running cluster. They count as long as the log says nothing else.
   */
  readonly voters: readonly NodeId[];
  /** Where each of the voters listens for the others, in their order; absent where the host needs none. */
  readonly addresses?: readonly string[];
  /**
   * Whether the cluster keeps its roster, in a group 0 beside the data partitions: then its members can be changed and
   * its leaders are spread. The same on every node.
   */
  readonly meta: boolean;
  /** Number of data partitions; fixed for the cluster's life. They are groups 1 … partitions. */
  readonly partitions: number;
  /** A leader tells its followers that it lives this often. */
  readonly heartbeatIntervalMs: number;
  /** A follower that has heard nothing for a time drawn from [this, twice this) starts an election. */
  readonly electionTimeoutMs: number;
  /**
   * For so long at least a voter that heard from its leader helps nobody else to an election, so a leader may answer reads
   * by lease for nearly as long without asking. The same on every node, and no longer than any `electionTimeoutMs`; 0 for no
   * leases: then reads by lease are confirmed like all others.
   */
  readonly leaseMs: number;
  /**
   * No monotonic clock of the cluster runs faster or slower than true time by more than this percentage. Reads by lease
   * may be stale if one does; nothing else rests on it.
   */
  readonly maxClockDriftPercent: number;
  /**
   * A group to which nothing has happened for so long goes to sleep: it sends no heartbeats and has no timers until
   * it is woken (`core/raft/quiescence.ts`). 0: never.
   */
  readonly quiesceAfterMs: number;
  /** Entries of one append message, together, unless a single one is larger. */
  readonly maxAppendBytes: number;
  /** Append messages to one follower that may be unanswered at a time. */
  readonly maxInflightAppends: number;
  /** Payload bytes of those messages, together; a single message may have more. */
  readonly maxInflightBytes: number;
  /** Proposals of one group that may be uncommitted at a time; beyond it a client is told to try again. */
  readonly maxUncommittedBytes: number;
  /** A learner becomes a voter only when it lacks no more than this many entries of its group's log. */
  readonly maxPromotionLag: number;
  /** A partition takes a snapshot after this many applied entries at the earliest … */
  readonly snapshotEveryEntries: number;
  /**
   * … and when they are this many percent of the records (keys and retries) that the snapshot will hold, so that the
   * work of writing it stays in proportion to the work that led to it.
   */
  readonly snapshotPercentOfRecords: number;
  /** Entries kept behind a snapshot, for followers that are only a little behind. */
  readonly keepEntries: number;
  /**
   * A leader keeps more of the log for followers that still read it, or that are being sent an older snapshot: so many
   * entries behind its snapshot at most …
   */
  readonly maxKeepEntries: number;
  /** … and never more payload bytes than this, whoever needs them. */
  readonly maxKeepBytes: number;
  /**
   * Snapshots are written and sent in chunks of about this many bytes, unless a single key or retry record is larger.
   * The work of one step for a snapshot is that of a chunk.
   */
  readonly snapshotChunkBytes: number;
  /** Chunks of one snapshot that may be on their way, unanswered, at a time. */
  readonly maxInflightChunks: number;
  /** Snapshots that this node may send, receive and write at a time, in all its groups; of each so many. */
  readonly maxSnapshotsSending: number;
  readonly maxSnapshotsReceiving: number;
  readonly maxSnapshotsWriting: number;
  /** How long a client's request may wait, elections included, before it is told to try again. */
  readonly requestTimeoutMs: number;
  /** How long a forwarded request waits for its answer before it is sent again. */
  readonly forwardTimeoutMs: number;
  /** See `retry-table.ts`. The same on every node. */
  readonly retryWindow: number;
  /** Leaders that others should rather be are moved this often, some at a time; 0 for never. */
  readonly placementIntervalMs: number;
  /** … and those only that have led for so long, with the same members. */
  readonly placementSettleMs: number;
  /** Leaders that a node hands over in one such interval, at most. */
  readonly placementTransfers: number;
}

export const DEFAULT_NODE_OPTIONS = {
  partitions: 8,
  heartbeatIntervalMs: 100,
  electionTimeoutMs: 600,
  leaseMs: 600,
  maxClockDriftPercent: 5,
  quiesceAfterMs: 1_500,
  maxAppendBytes: 1 << 20,
  maxInflightAppends: 16,
  maxInflightBytes: 16 << 20,
  maxUncommittedBytes: 64 << 20,
  maxPromotionLag: 1_000,
  snapshotEveryEntries: 10_000,
  snapshotPercentOfRecords: 100,
  keepEntries: 5_000,
  maxKeepEntries: 50_000,
  maxKeepBytes: 64 << 20,
  snapshotChunkBytes: 256 << 10,
  maxInflightChunks: 4,
  maxSnapshotsSending: 2,
  maxSnapshotsReceiving: 2,
  maxSnapshotsWriting: 2,
  requestTimeoutMs: 10_000,
  forwardTimeoutMs: 1_000,
  retryWindow: RETRY_WINDOW,
  meta: true,
  placementIntervalMs: 500,
  placementSettleMs: 5_000,
  placementTransfers: 16,
} as const satisfies Omit<NodeOptions, 'node' | 'voters' | 'addresses'>;

/** With clocks that may be wronger than this, next to nothing would be left of a lease. */
const MOST_DRIFT_PERCENT = 90;

/** What is wrong with these options, in words; empty when nothing is. */
export function checkNodeOptions(options: NodeOptions): readonly string[] {
  const problems: string[] = [];
  const positive = (name: Exclude<keyof NodeOptions, 'voters' | 'addresses' | 'meta'>, least = 1): void => {
    const value = options[name];
    if (!Number.isSafeInteger(value) || value < least) {
      problems.push(`${name} must be a whole number of ${least} or more, but is ${value}`);
    }
  };
  positive('node');
  positive('partitions');
  positive('heartbeatIntervalMs');
  positive('electionTimeoutMs');
  positive('leaseMs', 0);
  positive('maxClockDriftPercent', 0);
  positive('quiesceAfterMs', 0);
  positive('maxAppendBytes');
  positive('maxInflightAppends');
  positive('maxInflightBytes');
  positive('maxUncommittedBytes');
  positive('maxPromotionLag', 0);
  positive('snapshotEveryEntries');
  positive('snapshotPercentOfRecords', 0);
  positive('keepEntries', 0);
  positive('maxKeepEntries', 0);
  positive('maxKeepBytes', 0);
  positive('snapshotChunkBytes');
  positive('maxInflightChunks');
  positive('maxSnapshotsSending');
  positive('maxSnapshotsReceiving');
  positive('maxSnapshotsWriting');
  positive('requestTimeoutMs');
  positive('forwardTimeoutMs');
  positive('retryWindow');
  positive('placementIntervalMs', 0);
  positive('placementSettleMs', 0);
  positive('placementTransfers');
  if (options.electionTimeoutMs < 2 * options.heartbeatIntervalMs) {
    problems.push(
      `electionTimeoutMs (${options.electionTimeoutMs}) must be at least twice heartbeatIntervalMs ` +
        `(${options.heartbeatIntervalMs}), or one late heartbeat starts an election`,
    );
  }
  if (options.leaseMs > options.electionTimeoutMs) {
    problems.push(
      `leaseMs (${options.leaseMs}) must be at most electionTimeoutMs (${options.electionTimeoutMs}): ` +
        'a voter promises no leader more than that',
    );
  }
  if (options.maxClockDriftPercent > MOST_DRIFT_PERCENT) {
    problems.push(
      `maxClockDriftPercent must be at most ${MOST_DRIFT_PERCENT}, but is ${options.maxClockDriftPercent}; ` +
        'where clocks are worse than that, set leaseMs to 0',
    );
  }
  const { voters, addresses, meta } = options;
  const joins = voters.length === 0 && meta;
  if ((voters.length === 0 && !joins) || voters.some((voter) => !Number.isSafeInteger(voter) || voter < 1)) {
    problems.push(`voters must be node ids of 1 or more, but are [${voters.join(', ')}]`);
  }
  if (voters.some((voter, i) => i > 0 && voter <= (voters[i - 1] as NodeId))) {
    problems.push(`voters must be in ascending order without repeats, but are [${voters.join(', ')}]`);
  }
  if (!joins && !voters.includes(options.node)) {
    problems.push(`voters [${voters.join(', ')}] must include this node, ${options.node}`);
  }
  if (addresses !== undefined && addresses.length !== voters.length) {
    problems.push(`addresses must be as many as voters, ${voters.length}, but are ${addresses.length}`);
  }
  return problems;
}
