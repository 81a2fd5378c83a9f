/**
 * What clients ask of a node about transactions and scripts, and what they are told (transaction specification, sections 2 to 7
 * and 10).
 *
 * A session is kept by the node that started it, and its timestamp says which node that is; any node takes a call and hands it on.
 * Every call may be repeated: an operation carries an id, and there is one commit and one rollback.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { KeyValueOperation, KeyValueOutcome, PageOutcome } from '../partition/command.js';
import type { LockNeed } from '../partition/transaction-command.js';
import type { Entry, ScriptCode } from '../script/effects.js';
import type { Parameter } from '../script/step.js';

/** What a client hands to a node, beside plain operations and administrative commands. */
export interface TransactionRequest {
  readonly transaction: TransactionCall;
}

export type TransactionCall =
  StartTransaction | OperateInTransaction | CommitTransaction | RollbackTransaction | RunScript;

/** The codes of the answers: Kahuna's numbers. */
export const SessionCode = {
  /** Started. */
  set: 0,
  /** The operation of the session was done: its own outcome says how. */
  operated: 3,
  locked: 5,
  unlocked: 6,
  committed: 8,
  rolledBack: 9,
  errored: 99,
  invalidInput: 100,
  mustRetry: 101,
  aborted: 102,
  alreadyLocked: 104,
  admissionRefused: 108,
} as const;
export type SessionCode = (typeof SessionCode)[keyof typeof SessionCode];

/** How urgent a transaction is, the least first; its place in this list is Kahuna's number. */
export const TRANSACTION_PRIORITIES = ['background', 'low', 'normal', 'high', 'critical'] as const;
export type TransactionPriority = (typeof TRANSACTION_PRIORITIES)[number];

export interface StartTransaction {
  readonly type: 'StartTransaction';
  /** Not empty. */
  readonly coordinatorKey: string;
  readonly options: SessionOptions;
}

export interface SessionOptions {
  readonly locking: 'pessimistic' | 'optimistic';
  /** Milliseconds: 0 or less for 5,000; at most 300,000. From when it is admitted. */
  readonly timeoutMs: number;
  /** Milliseconds of waiting to be admitted: 0 or less for 5,000; at most 30,000. */
  readonly admissionWaitMs: number;
  /**
   * What was read is validated at commit in every mode but that of a snapshot, so both mean the same, but for one thing: with a
   * snapshot `trackAndValidate` is refused.
   */
  readonly readValidation: 'none' | 'trackAndValidate';
  /** `durable` takes no ephemeral writes. */
  readonly decisionDurability: 'bestEffort' | 'durable';
  /** Reads show this time, and there are no writes; absent for now. */
  readonly readTimestamp?: Timestamp;
  /** Answer a commit before everything is settled. A decision is durable and visible before it is answered in either case. */
  readonly asyncRelease: boolean;
  readonly priority: TransactionPriority;
}

/** How a client names a session. */
export interface TransactionHandle {
  readonly id: Timestamp;
  readonly coordinatorKey: string;
}

export interface OperateInTransaction {
  readonly type: 'OperateInTransaction';
  readonly handle: TransactionHandle;
  /** The same on every repetition; what is done under one id is done once. */
  readonly operationId: string;
  readonly operation: SessionOperation;
  /** Only of scripts: it never comes again under this id. */
  readonly unrepeated?: true;
}

export type SessionOperation = KeyValueOperation | LockInTransaction | UnlockInTransaction;

/** Exclusive or shared, as the need says; until the end of the session, or for so long. */
export interface LockInTransaction {
  readonly type: 'LockInTransaction';
  readonly need: LockNeed;
  /** Only of scripts: more that the same partition keeps. All of it is locked, or nothing. */
  readonly also?: readonly LockNeed[];
  /** Milliseconds; 0 for as long as the session lasts. */
  readonly leaseMs: number;
  /** Only of scripts, which do not wait: see `AcquireTransactionLocks.once`. */
  readonly once?: true;
  readonly ephemeral?: true;
}

export interface UnlockInTransaction {
  readonly type: 'UnlockInTransaction';
  readonly need: LockNeed;
  readonly ephemeral?: true;
}

export interface CommitTransaction {
  readonly type: 'CommitTransaction';
  readonly handle: TransactionHandle;
  /** From an earlier answer: where the decision is found when the session is gone. */
  readonly anchorKey?: string;
}

export interface RollbackTransaction {
  readonly type: 'RollbackTransaction';
  readonly handle: TransactionHandle;
  readonly anchorKey?: string;
}

/** Runs a script on the node that is asked. It has no id: repeated after a lost answer it may take effect twice. */
export interface RunScript {
  readonly type: 'RunScript';
  /** UTF-8. */
  readonly script: Uint8Array;
  /** For the plan cache; never trusted without the text. */
  readonly hash?: string;
  /** Names come with their leading `@`. */
  readonly parameters: readonly Parameter[];
  readonly priority: TransactionPriority;
}

export type TransactionAnswer = SessionAnswer | RunAnswer;

export interface SessionAnswer {
  readonly family: 'session';
  readonly code: SessionCode;
  /** Of the session that was started. */
  readonly id?: Timestamp;
  /** Who holds what was asked for. */
  readonly holder?: Timestamp;
  /** Of a commit: send it with a repetition. */
  readonly anchorKey?: string;
  /** Of an operation on keys, where the code is `operated`. */
  readonly outcome?: KeyValueOutcome | PageOutcome;
  /** Why, where the code is 99 or more. */
  readonly reason?: string;
}

/** Of a script. */
export interface RunAnswer {
  readonly family: 'script';
  readonly code: ScriptCode;
  readonly entries: readonly Entry[];
  readonly reason?: string;
}
