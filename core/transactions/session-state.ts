/**
 * The state of a session: what a transaction has seen, what it will write, and how far its end has come.
 *
 * Plain immutable data. Nothing in it is known to anybody else before the session is committed, so a session that is lost with its
 * node was never there.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { OrderedMap } from '../collections/ordered-map.js';
import type { RadixArray } from '../collections/radix-array.js';
import type { Clocks } from '../machine/machine.js';
import type { GroupId, LogIndex, MonotonicMs } from '../machine/units.js';
import type { KeyValueOperation, KeyValueRead, Outcome, Value } from '../partition/command.js';
import type {
  Decision,
  LockNeed,
  Observation,
  Participant,
  RangeObservation,
  Since,
  StagedWrite,
  TransactionId,
  TransactionOperation,
  TransactionOutcome,
} from '../partition/transaction-command.js';
import type {
  CommitTransaction,
  OperateInTransaction,
  RollbackTransaction,
  SessionAnswer,
  SessionOperation,
  SessionOptions,
} from './calls.js';

/** Operations of one session that may be under way at a time, and that it may have in all. */
export const MAX_PENDING_OPERATIONS = 4_096;
export const MAX_OPERATIONS = 65_536;

/** Keys and values that a session has written, in UTF-16 units and bytes: what is prepared in one partition is one log entry. */
export const MAX_STAGED_BYTES = 32 << 20;

/** Locks that last as long as the session are taken for so long, and renewed so often, in milliseconds. */
export const SESSION_LEASE_MS = 15_000;
export const RENEW_EVERY_MS = 5_000;

/** Whoever waits for an answer: the node knows who that is. */
export type Caller = number;

export interface SessionState {
  readonly id: TransactionId;
  readonly stamp: Timestamp;
  readonly options: SessionOptions;
  /** When it is over, if it is not committed before. */
  readonly endsAt: MonotonicMs;
  readonly phase: Phase;
  /** By operation id. */
  readonly operations: OrderedMap<Registered>;
  /** How many of them are under way. */
  readonly pending: number;
  /** All keys that were read or written, by space and key (`placeOf`). */
  readonly keys: OrderedMap<KeyView>;
  /** Ranges that were read, by what they are and when. */
  readonly ranges: OrderedMap<RangeSeen>;
  readonly stagedBytes: number;
  /** Locks that are held, as far as is known, by what they are. */
  readonly locks: OrderedMap<HeldLock>;
  /** Where locks were asked for, whether they were given or not. */
  readonly lockedAt: OrderedMap<Participant>;
  /** For whom it waits; absent when nobody was in its way when it last asked for a lock, or for what is locked. */
  readonly waits?: Waits;
  /** When the locks are renewed next; absent without any. */
  readonly renewAt?: MonotonicMs;
  /** They were renewed: whoever gave them may be giving them again. */
  readonly renewed?: true;
  /** What was asked of partitions and is not answered, by number. */
  readonly asks: RadixArray<Asked>;
  readonly nextAsk: number;
  /** When it wants to be woken. */
  readonly wakeAt: MonotonicMs | undefined;
}

/** Who holds what the session asked for, or comes before it in line. */
export interface Waits {
  readonly on: TransactionId;
  /** What it was that it asked. */
  readonly operationId: string;
  /** Whoever has not asked again by then waits no more. */
  readonly until: MonotonicMs;
}

export type Phase =
  | { readonly type: 'Open' }
  /** No more operations; those under way come to their end first. */
  | { readonly type: 'Draining'; readonly waiters: readonly Waiter[] }
  | Finalizing
  | { readonly type: 'Over' };

/** Who asked to commit or to roll back, and how long it waits. */
export interface Waiter {
  readonly caller: Caller;
  readonly wish: 'commit' | 'rollback';
  readonly until: MonotonicMs;
}

/** The commit is under way. Its input does not change any more. */
export interface Finalizing {
  readonly type: 'Finalizing';
  readonly step: FinalizingStep;
  readonly waiters: readonly Waiter[];
  readonly parts: readonly Part[];
  /** Whose group holds the record; absent if nothing is written. */
  readonly anchorKey?: string;
  readonly anchor?: GroupId;
  /** The time of the commit, as far as it is known; what was read must not be overwritten before that. */
  readonly commitAt?: Timestamp;
  /** The latest change of what was read. */
  readonly latest?: Timestamp;
  /** What is done in this step, by part. */
  readonly jobs: readonly Job[];
  /** What it comes to; undefined as long as nobody knows. */
  readonly verdict: Verdict | undefined;
  /** What the record is to say, or says. */
  readonly decision?: Decision;
  /** A participant may have placed intents, so the record must say that they count for nothing. */
  readonly tainted: boolean;
}

export type FinalizingStep =
  'CommittingAtOnce' | 'Preparing' | 'Validating' | 'Deciding' | 'Settling' | 'Finishing';

/** What concerns one participant, or one partition that was only read. */
export interface Part {
  readonly participant: Participant;
  readonly writes: readonly StagedWrite[];
  readonly reads: readonly Observation[];
  /** Its group keeps the record. There need not be anything to write: where all writes are ephemeral, the record still lasts. */
  readonly record?: true;
  /** How far the partition had come before anything of this commit was asked of anybody. */
  readonly since?: Since;
  /** When its intents were placed. */
  readonly preparedAt?: Timestamp;
}

export interface Job {
  /** The place among the parts. */
  readonly part: number;
  readonly state: 'asked' | 'paused' | 'done';
  /** How often it was asked before. */
  readonly attempt: number;
  /** When it is asked again, if it is paused. */
  readonly retryAt?: MonotonicMs;
}

export type Verdict =
  | { readonly type: 'Committed'; readonly at?: Timestamp }
  | { readonly type: 'Aborted'; readonly reason: string }
  | { readonly type: 'RolledBack' }
  /** Nobody can tell any more. */
  | { readonly type: 'Unknown'; readonly reason: string };

export interface Registered {
  readonly digest: string;
  /** Those who wait for it, while it is under way; undefined when it is done. */
  readonly callers: readonly Caller[] | undefined;
  /** Of a write that is done. Reads are done again. */
  readonly answer?: SessionAnswer;
}

/** A key as the transaction sees it. */
export interface KeyView {
  readonly key: string;
  readonly participant: Participant;
  /** As it was when it was first touched. */
  readonly base: KeyBase;
  /** Something that anybody was told depends on it being so. */
  readonly observed: boolean;
  /** It was shown with the lock, by the answer of this number. */
  readonly shown?: number;
  /** The committed value, where that was shown too. */
  readonly committed?: Value;
  /** A lock that was taken later has shown that it is so no more: the next thing done to it aborts the transaction. */
  readonly moved?: true;
  readonly staged?: StagedWrite;
  readonly stagedExpires?: Timestamp;
}

export interface KeyBase {
  readonly exists: boolean;
  /** -1 for never written. */
  readonly revision: number;
  readonly lastModified: Timestamp;
  readonly expires?: Timestamp;
}

export interface RangeSeen {
  readonly participant: Participant;
  readonly observation: RangeObservation;
}

export interface HeldLock {
  readonly need: LockNeed;
  readonly participant: Participant;
  /** When it ends; absent for as long as the session lasts. */
  readonly until?: MonotonicMs;
}

export type Asked =
  | {
      readonly type: 'ForOperation';
      readonly operationId: string;
      readonly operation: SessionOperation;
      readonly step: 'Lock' | 'Read' | 'Past' | 'Unlock';
    }
  | { readonly type: 'ForFinalizing'; readonly step: FinalizingStep; readonly job: number }
  | { readonly type: 'Renewal' };

export type SessionAsk = KeyValueRead | TransactionOperation;

export type SessionCall = OperateInTransaction | CommitTransaction | RollbackTransaction;

/** What is told of something that was asked of a partition. */
export type Told =
  | { readonly type: 'Told'; readonly outcome: Outcome | TransactionOutcome; readonly reason?: string }
  /** No answer came: a write may have taken effect, or still may. */
  | { readonly type: 'Lost'; readonly reason: string };

export type SessionInput =
  | {
      readonly type: 'Called';
      readonly caller: Caller;
      readonly call: SessionCall;
      /** When the caller wants to hear at the latest that it is not known yet. */
      readonly until: MonotonicMs;
    }
  | { readonly type: 'Answered'; readonly ask: number; readonly told: Told }
  | { readonly type: 'TimeCame' }
  /** It is to end without effect: it is the victim of a deadlock, or of its node. */
  | { readonly type: 'Condemned'; readonly reason: string };

export type SessionEffect =
  | { readonly type: 'Ask'; readonly ask: number; readonly operation: SessionAsk }
  | { readonly type: 'Reply'; readonly caller: Caller; readonly answer: SessionAnswer }
  /** It was just told that it must wait for that one; comes before the answer that says so. */
  | { readonly type: 'Waits'; readonly on: TransactionId }
  /** What it came to: to be remembered, for those who ask again. */
  | { readonly type: 'Ended'; readonly verdict: Verdict; readonly anchorKey?: string }
  /** Nothing is left to be done. */
  | { readonly type: 'Gone' };

export interface SessionContext {
  readonly now: Clocks;
  /** How many partitions the cluster has. */
  readonly partitions: number;
  /** How far a partition has come, as far as this node knows. */
  readonly appliedOf?: (group: GroupId) => LogIndex;
}

export interface SessionStep {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

/** An operation on keys that changes one of them. */
export type SessionWrite = Exclude<KeyValueOperation, KeyValueRead>;
