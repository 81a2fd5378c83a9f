/**
 * What clients ask of the lock manager, and what they are told (lock specification, sections 2 and 3).
 *
 * The codes are Kahuna's numbers, because they cross the public wire as they are.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';

/** Outcome codes of the lock manager. */
export const LockCode = {
  locked: 0,
  busy: 1,
  extended: 2,
  unlocked: 3,
  got: 4,
  errored: 99,
  invalidInput: 100,
  mustRetry: 101,
  lockDoesNotExist: 102,
  invalidOwner: 103,
  aborted: 104,
} as const;
export type LockCode = (typeof LockCode)[keyof typeof LockCode];

export type LockWrite = AcquireLockOperation | ExtendLockOperation | ReleaseLockOperation;
export type LockOperation = LockWrite | GetLockOperation;

export interface AcquireLockOperation {
  readonly type: 'AcquireLock';
  readonly resource: string;
  /** One or more bytes; who gives the same ones is the same owner. */
  readonly owner: Uint8Array;
  /** The lease, in milliseconds: 1 … 2^31 - 1. */
  readonly expiresMs: number;
  /** Kept in the leader's memory alone, and lost with it; absent for a lock that is replicated. */
  readonly ephemeral?: true;
}

export interface ExtendLockOperation {
  readonly type: 'ExtendLock';
  readonly resource: string;
  readonly owner: Uint8Array;
  /** The new lease counts from now, and may be shorter than what is left of the old one. */
  readonly expiresMs: number;
  readonly ephemeral?: true;
}

export interface ReleaseLockOperation {
  readonly type: 'ReleaseLock';
  readonly resource: string;
  readonly owner: Uint8Array;
  readonly ephemeral?: true;
}

export interface GetLockOperation {
  readonly type: 'GetLock';
  readonly resource: string;
  readonly ephemeral?: true;
}

export interface LockOutcome {
  readonly family: 'lock';
  readonly code: LockCode;
  /** Of this grant; 0 where the outcome tells of none. */
  readonly fencingToken: number;
  /** Only with `got`. */
  readonly owner: Uint8Array | null;
  /** When the lease ends by the clock of the leader that granted it; zero where the outcome tells of none. It may last longer. */
  readonly expires: Timestamp;
}
