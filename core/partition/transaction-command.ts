/**
 * What the coordinator of a transaction asks of the partitions that take part, and what it is told.
 *
 * The commit is two-phase commit over replicated participants with one canonical record (Gray and Lamport, "Consensus on
 * Transaction Commit", 2006, section 2; Corbett et al., "Spanner", 2012, section 4.2.1): prepared intents in the log of every
 * partition that is written, and a decision by compare-and-set in the log of one of them, the anchor.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { GroupId, LogIndex, Revision } from '../machine/units.js';
import type { KeyBound, KeyValueOutcome, Value } from './command.js';

/** Names a transaction for ever: the timestamp that its client knows, and the run of the node that gave it. */
export type TransactionId = string & { readonly transactionId: unique symbol };

/** The name of the transaction that a run of a node began at that time. */
export function transactionIdOf({ node, wall, counter }: Timestamp, incarnation: string): TransactionId {
  return `${node}.${wall}.${counter}.${incarnation}` as TransactionId;
}

/** How all names of transactions with that timestamp begin. */
export function transactionPrefix({ node, wall, counter }: Timestamp): string {
  return `${node}.${wall}.${counter}.`;
}

/** Codes of the outcomes; those that clients are told are Kahuna's numbers. */
export const TransactionCode = {
  /** Settled, finished, or whatever else was asked for is so. */
  done: 0,
  locked: 5,
  unlocked: 6,
  prepared: 7,
  committed: 8,
  rolledBack: 9,
  /** Of a decision: there is a record, and it says neither. */
  undecided: 11,
  errored: 99,
  invalidInput: 100,
  mustRetry: 101,
  /** Something that was read is otherwise now, or somebody else is writing it. */
  aborted: 102,
  /** Of a decision: there is no record. */
  doesNotExist: 103,
  alreadyLocked: 104,
} as const;
export type TransactionCode = (typeof TransactionCode)[keyof typeof TransactionCode];

/** What becomes of one key. All that a transaction does to a key comes to one of these. */
export type StagedWrite = StagedSet | StagedDelete | StagedExtend;

interface Staged {
  readonly key: string;
}

export interface StagedSet extends Staged {
  readonly type: 'Set';
  readonly value: Value;
  /** By how many the revision grows, as the key was written so often: 1 or more. Only the last version is published. */
  readonly revisions: number;
  /** What it supersedes is not kept in the history. */
  readonly noRevision?: true;
  /** Counts from when it is settled; absent for ever. */
  readonly expiresMs?: number;
}

export interface StagedDelete extends Staged {
  readonly type: 'Delete';
  readonly revisions: number;
}

/** A new time to live for a value that stays as it is. */
export interface StagedExtend extends Staged {
  readonly type: 'Extend';
  /** Absent for ever. */
  readonly expiresMs?: number;
}

/** What the transaction has seen of the partition, and must still be so when it commits. */
export type Observation = KeyObservation | RangeObservation;

export interface KeyObservation {
  readonly type: 'Key';
  readonly key: string;
  /** Whether it was live: neither absent, nor deleted, nor over. */
  readonly exists: boolean;
  /** -1 for a key that was never written. */
  readonly revision: Revision;
}

/** That no key of the range was written, deleted or over since; so it covers absent keys and empty ranges. */
export interface RangeObservation {
  readonly type: 'Range';
  readonly prefix: string;
  readonly from?: KeyBound;
  readonly to?: KeyBound;
  /** The partition's last modification when it was read (`PageOutcome.at`). */
  readonly at: Timestamp;
}

/** A partition's part in a transaction; the ephemeral keys of a partition are a part of their own. */
export interface Participant {
  readonly group: GroupId;
  readonly ephemeral?: true;
}

export type TransactionOperation = TransactionWrite | TransactionRead | TransactionLockOperation;
export type TransactionWrite =
  PrepareOperation | CommitAtOnceOperation | DecideOperation | SettleOperation | FinishOperation;
export type TransactionRead = ValidateOperation | GetDecisionOperation;

interface InTransaction {
  readonly group: GroupId;
  readonly transaction: TransactionId;
}

/**
 * A partition remembers the end of a transaction for `retryWindow` entries. The basis of a request keeps what was delayed on
 * its way from coming after that; `since` does the same for what its sender asks for anew: the group's applied index as
 * the coordinator's node had it before the first request of this commit was sent, to any group. What it would begin is
 * refused (`mustRetry`) once its end may have been forgotten.
 */
export type Since = LogIndex;

/** Puts intents into place: from here on nobody else writes these keys, until it is settled. */
export interface PrepareOperation extends InTransaction {
  readonly type: 'Prepare';
  /** The group that holds the record. */
  readonly anchor: GroupId;
  /** Only where `group` is the anchor: all that take part. Opens the record, undecided. */
  readonly participants?: readonly Participant[];
  readonly writes: readonly StagedWrite[];
  /** Of keys that it writes: checked before the intents are placed. */
  readonly reads: readonly Observation[];
  /** See `Since`. */
  readonly since?: Since;
  readonly ephemeral?: true;
}

/** All of a transaction that concerns one partition alone, in one step. */
export interface CommitAtOnceOperation extends InTransaction {
  readonly type: 'CommitAtOnce';
  readonly writes: readonly StagedWrite[];
  readonly reads: readonly Observation[];
  /** See `Since`. */
  readonly since?: Since;
  readonly ephemeral?: true;
}

/**
 * Whether all that was seen is still so, and nobody else has an intent on it. The outcome says how late the latest of it is:
 * the commit must not be earlier.
 */
export interface ValidateOperation extends InTransaction {
  readonly type: 'Validate';
  readonly reads: readonly Observation[];
  /**
   * When it is to be committed. If the partition has not come to that time, the operation goes through the log, and it comes to
   * it: so whoever overwrites what was seen is later, and no read at a time shows that without this transaction.
   */
  readonly at?: Timestamp;
  readonly ephemeral?: true;
}

/**
 * Decides an undecided transaction; a decision that was made stands, and is told. `group` is the anchor. An abort of which there is no
 * record leaves one: what comes late finds it. A commit without a record is refused.
 */
export interface DecideOperation extends InTransaction {
  readonly type: 'Decide';
  readonly decision: Decision;
  /** Only with an abort: who takes part, as far as the decider knows; absent for what the record says. */
  readonly participants?: readonly Participant[];
  /** See `Since`: without it, a commit that was finished and forgotten is told as aborted. */
  readonly since?: Since;
}

export type Decision =
  /** The time of all its versions, in all partitions: not before any of them was prepared. */
  { readonly type: 'Commit'; readonly at: Timestamp } | { readonly type: 'Abort' };

/** Makes intents into versions, or drops them. Doing it twice does nothing. */
export interface SettleOperation extends InTransaction {
  readonly type: 'Settle';
  readonly decision: Decision;
  readonly ephemeral?: true;
}

/** Every participant has settled: the record may be forgotten in time. `group` is the anchor. */
export interface FinishOperation extends InTransaction {
  readonly type: 'Finish';
}

/** What was decided; a read. `group` is the anchor. */
export interface GetDecisionOperation {
  readonly type: 'GetDecision';
  readonly group: GroupId;
  /** A `TransactionId`, or what all those with one timestamp begin with (`transactionPrefix`): then the newest of them. */
  readonly transaction: string;
}

/** In the memory of the partition's leader, and lost with its leadership. */
export type TransactionLockOperation = AcquireTransactionLocks | ReleaseTransactionLocks;

/** All of them or none. Those that it holds already are renewed. */
export interface AcquireTransactionLocks extends InTransaction {
  readonly type: 'AcquireTransactionLocks';
  readonly needs: readonly LockNeed[];
  /** How long they are held, by the leader's clock, unless they are released or renewed. */
  readonly leaseMs: number;
  /** Whoever asks does not come again for what is taken, and gets no place in line: it would only keep others from it. */
  readonly once?: true;
  /** The answer is also to tell what is committed under the keys (`TransactionOutcome.keys`). */
  readonly show?: true;
  readonly ephemeral?: true;
}

/** A place in line is kept for so long after its transaction last asked, in milliseconds; for so long it waits. */
export const LINE_MS = 1_000;

export interface ReleaseTransactionLocks extends InTransaction {
  readonly type: 'ReleaseTransactionLocks';
  /** Absent for all that the transaction holds here, and its places in line. */
  readonly needs?: readonly LockNeed[];
  readonly ephemeral?: true;
}

export type LockNeed = KeyLock | PrefixLock | RangeLock;

/** Exclusive, of one key. */
export interface KeyLock {
  readonly type: 'KeyLock';
  readonly key: string;
}

/** Exclusive, of all keys that begin so: nobody else reads or writes them. */
export interface PrefixLock {
  readonly type: 'PrefixLock';
  readonly prefix: string;
}

/** Of all keys between the bounds, within the prefix; nobody else writes them. */
export interface RangeLock {
  readonly type: 'RangeLock';
  readonly prefix: string;
  readonly from?: KeyBound;
  readonly to?: KeyBound;
  readonly mode: 'exclusive' | 'shared';
}

/** Of every operation of a transaction. */
export interface TransactionOutcome {
  readonly family: 'transaction';
  readonly code: TransactionCode;
  /** When it was prepared here; when it was committed; of a validation, the latest change of what was seen. Absent for none. */
  readonly at?: Timestamp;
  /** Who takes part, as the record says; only with a decision. */
  readonly participants?: readonly Participant[];
  /** With a commit at once: the revision that each of the writes came to, in their order. */
  readonly revisions?: readonly Revision[];
  /** Whose intent or lock is in the way. */
  readonly blocker?: TransactionId;
  /** Where the record of that transaction is, if it is known. */
  readonly blockerAnchor?: GroupId;
  /** With locks, where they were asked to show it: what is committed under the keys, as far as that could be told at once. */
  readonly keys?: readonly CommittedKey[];
}

/** The committed state of a key: `got` with its value, `exists` where that is too long to be told unasked, or `doesNotExist`. */
export interface CommittedKey {
  readonly key: string;
  readonly outcome: KeyValueOutcome;
}
