/** The client of a cluster: what programs import as `wavetank/client`. */

export { LockCode } from '../../core/partition/lock-command.js';
export {
  SequenceCode,
  type SequenceAllocation,
  type SequenceRecord,
} from '../../core/partition/sequence-command.js';
export { READ_MODES, type ReadMode, type Value } from '../../core/partition/command.js';
export type { Timestamp } from '../../core/clock/hybrid-clock.js';
export * from './client.js';
export * from './cluster-client.js';
export * from './error.js';
export type { Hold, HoldOptions, Holds, SnapshotFloor } from './holds.js';
export type { TlsOptions } from './http.js';
export type * from './key-options.js';
export type * from './keys.js';
export type * from './lock.js';
export type { AcquireOptions, LockInfo, LockOptions, Locks, Owner } from './locks.js';
export type * from './many-keys.js';
export type { CallOptions } from './patience.js';
export type * from './ranges.js';
export type { CreateSequenceOptions, ReserveOptions, Sequences, UpdateSequenceOptions } from './sequences.js';
export type {
  RunOptions,
  Script,
  ScriptEntry,
  ScriptOutcomeName,
  ScriptParameters,
  ScriptResult,
  Scripts,
} from './scripts.js';
export type { RangeLockOptions, Session, SessionKeys, SessionLockOptions, SessionState } from './session.js';
export type { BeginOptions, TransactionOptions, Transactions } from './transactions.js';
export type { TransactionPriority } from '../../core/transactions/calls.js';
export * from './status-client.js';
export type { Moment, ValueInput } from './values.js';
