/**
 * What a node must be told, with sane defaults, checked before it starts.
 */

import { RETRY_WINDOW } from '../partition/retry-table.js';
import type { NodeId } from '../machine/units.js';

export interface NodeOptions {
  readonly node: NodeId;
  /** All voting members, this node included, in ascending order. */
  readonly voters: readonly NodeId[];
  /** Number of data partitions; fixed for the cluster's life. They are groups 1 … partitions. */
  readonly partitions: number;
  /** A leader tells its followers that it lives this often. */
  readonly heartbeatIntervalMs: number;
  /** A follower that has heard nothing for a time drawn from [this, twice this) starts an election. */
  readonly electionTimeoutMs: number;
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
}

export const DEFAULT_NODE_OPTIONS = {
  partitions: 8,
  heartbeatIntervalMs: 100,
  electionTimeoutMs: 600,
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
} as const satisfies Omit<NodeOptions, 'node' | 'voters'>;

/** What is wrong with these options, in words; empty when nothing is. */
export function checkNodeOptions(options: NodeOptions): readonly string[] {
  const problems: string[] = [];
  const positive = (name: Exclude<keyof NodeOptions, 'voters'>, least = 1): void => {
    const value = options[name];
    if (!Number.isSafeInteger(value) || value < least) {
      problems.push(`${name} must be a whole number of ${least} or more, but is ${value}`);
    }
  };
  positive('node');
  positive('partitions');
  positive('heartbeatIntervalMs');
  positive('electionTimeoutMs');
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
  if (options.electionTimeoutMs < 2 * options.heartbeatIntervalMs) {
    problems.push(
      `electionTimeoutMs (${options.electionTimeoutMs}) must be at least twice heartbeatIntervalMs ` +
        `(${options.heartbeatIntervalMs}), or one late heartbeat starts an election`,
    );
  }
  const { voters } = options;
  if (voters.length === 0 || voters.some((voter) => !Number.isSafeInteger(voter) || voter < 1)) {
    problems.push(`voters must be node ids of 1 or more, but are [${voters.join(', ')}]`);
  }
  if (voters.some((voter, i) => i > 0 && voter <= (voters[i - 1] as NodeId))) {
    problems.push(`voters must be in ascending order without repeats, but are [${voters.join(', ')}]`);
  }
  if (!voters.includes(options.node)) {
    problems.push(`voters [${voters.join(', ')}] must include this node, ${options.node}`);
  }
  return problems;
}
