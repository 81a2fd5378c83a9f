/**
 * What a script asks of the world, and what it is told: data, in both directions.
 *
 * The operations have the field names of the key/value store's own (`../partition/command.ts`), so that whoever runs them can hand
 * most of them on as they are. They differ where the language does: a revision of -1 is "the newest that is committed", an instant is a
 * number of milliseconds, an expiry of 0 is "never", and a value of null does not occur: null is stored as zero bytes.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';
import { KeyValueCode } from '../partition/command.js';

/** How operations, and whole scripts, end: the store's codes and two more. */
export const ScriptCode = { ...KeyValueCode, aborted: 102, admissionRefused: 108 } as const;
export type ScriptCode = (typeof ScriptCode)[keyof typeof ScriptCode];

/** What a script needs before it can go on. */
export type Effect = BeginEffect | OperateEffect | SleepEffect | CommitEffect | RollbackEffect;

/** Admits and starts the transaction and takes its locks; answered by `Begun` or `Stopped`. */
export interface BeginEffect {
  readonly type: 'Begin';
  readonly options: TransactionOptions;
  /** To be taken before the first statement, all or none; empty unless locking is pessimistic. In the order of the script. */
  readonly locks: readonly LockNeed[];
}

/** One operation of the store, in the transaction where there is one; answered by `Answered` or `Stopped`. */
export interface OperateEffect {
  readonly type: 'Operate';
  readonly operation: StoreOperation;
}

/** Answered by `Done` when so much time has passed. */
export interface SleepEffect {
  readonly type: 'Sleep';
  readonly ms: number;
}

/** Answered by `Done` when all is durable and visible, or by `Stopped`. */
export interface CommitEffect {
  readonly type: 'Commit';
}

/** Discards all writes and frees the locks; answered by `Done`. */
export interface RollbackEffect {
  readonly type: 'Rollback';
}

export interface TransactionOptions {
  readonly locking: 'pessimistic' | 'optimistic';
  readonly asyncRelease: boolean;
  /** How long it may take from when it is admitted: 1 … 300,000. The evaluation watches it; the transaction may use it for its leases. */
  readonly timeoutMs: number;
  /** How long to wait to be admitted, at most 30,000; absent for the node's default. */
  readonly admissionWaitMs?: number;
  /** Reads show this instant, in milliseconds since 1970; absent for now. */
  readonly snapshotMs?: number;
  /** Absent for that of the request. */
  readonly priority?: Priority;
}

export const PRIORITIES = ['background', 'low', 'normal', 'high', 'critical'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** An exclusive lock on a key, or on all keys of a bucket, in one of the two key spaces. */
export type LockNeed =
  | { readonly type: 'Key'; readonly key: string; readonly ephemeral?: true }
  | { readonly type: 'Bucket'; readonly bucket: string; readonly ephemeral?: true };

export type StoreOperation = ScriptSet | ScriptDelete | ScriptExtend | ScriptPointRead | ScriptPageRead;

export interface ScriptSet {
  readonly type: 'Set';
  readonly key: string;
  readonly value: Uint8Array;
  /** A sum of `SetFlag` bits. All conditions must hold. */
  readonly flags: number;
  /** Only with `SetFlag.ifEqualToValue`. An absent key, and a value of null, compare as zero bytes. */
  readonly compareValue?: Uint8Array;
  /** Only with `SetFlag.ifEqualToRevision`: -1 for a key that was never written; a number below that equals none. */
  readonly compareRevision?: number;
  /** Absent for never, whatever the key had before. */
  readonly expiresMs?: number;
  readonly ephemeral?: true;
}

export interface ScriptDelete {
  readonly type: 'Delete';
  readonly key: string;
  readonly ephemeral?: true;
}

export interface ScriptExtend {
  readonly type: 'Extend';
  readonly key: string;
  /** Counts from now; absent for never. */
  readonly expiresMs?: number;
  readonly ephemeral?: true;
}

export interface ScriptPointRead {
  readonly type: 'Get' | 'Exists';
  readonly key: string;
  /** Exactly this revision, without its expiry; -1 for the newest that is committed. Own writes are not seen. */
  readonly revision?: number;
  /** As it was at the end of this millisecond since 1970; own writes are not seen. Not together with `revision`. */
  readonly asOfMs?: number;
  readonly ephemeral?: true;
}

/**
 * The live keys of a bucket, in order of their code units: all `b/…` that have no slash after that one. Or, with `Scan`, all live
 * keys of the cluster that begin so, in any order; in a transaction its own writes are among them.
 */
export interface ScriptPageRead {
  readonly type: 'Bucket' | 'Scan';
  readonly prefix: string;
  readonly limit: number;
  readonly asOfMs?: number;
  readonly ephemeral?: true;
}

/** What the world says to one effect. */
export type Answer =
  | { readonly type: 'Begun' }
  | { readonly type: 'Done' }
  | {
      readonly type: 'Answered';
      readonly code: ScriptCode;
      readonly entries: readonly Entry[];
      readonly reason?: string;
    }
  /**
   * It cannot be done, and the transaction is over: `aborted` for conflicts, locks that others hold and writes of a snapshot,
   * `admissionRefused`, `mustRetry`, `errored`. To a Begin or a Commit: nothing was kept.
   */
  | { readonly type: 'Stopped'; readonly code: ScriptCode; readonly reason: string };

/** One key as an answer shows it. */
export interface Entry {
  readonly key?: string;
  /** Absent where the operation tells none, and of a key that is not there. */
  readonly value?: Uint8Array;
  /** -1 for a key that was never written. */
  readonly revision: number;
  readonly expires?: Timestamp;
  readonly lastModified?: Timestamp;
}
