/**
 * What clients ask of the key/value store, and what they are told.
 *
 * The codes and flags are Kahuna's numbers (key/value specification, sections 3 and 4), because they cross the
 * public wire as they are.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { GroupId, LogIndex, Revision } from '../machine/units.js';

/** The conditions of a set, one bit each; they combine with AND. */
export const SetFlag = {
  none: 0,
  set: 1,
  noRevision: 2,
  ifExists: 4,
  ifNotExists: 8,
  ifEqualToValue: 16,
  ifEqualToRevision: 32,
} as const;

/** All bits that mean something. */
export const ALL_SET_FLAGS = 63;

/** Outcome codes of the key/value store. */
export const KeyValueCode = {
  set: 0,
  notSet: 1,
  got: 3,
  deleted: 4,
  exists: 10,
  errored: 99,
  invalidInput: 100,
  mustRetry: 101,
  doesNotExist: 103,
} as const;
export type KeyValueCode = (typeof KeyValueCode)[keyof typeof KeyValueCode];

/** Keys that begin so belong to the system; clients may not touch them. */
export const RESERVED_KEY_PREFIX = '__kahuna:';

/**
 * The client's name for one intended operation: a retry carries the same id and takes effect once.
 * Any text of 1 to 128 characters that no other operation uses.
 */
export type RequestId = string & { readonly requestId: unique symbol };

/** Request ids that a node makes for clients which give none begin so. */
export const OWN_REQUEST_ID_PREFIX = 'n:';

/** `null` is a value of its own ("no value"), different from zero bytes. */
export type Value = Uint8Array | null;

export type KeyValueOperation = WriteOperation | ReadOperation;
export type WriteOperation = SetOperation | DeleteOperation;
export type ReadOperation = GetOperation | ExistsOperation;

export interface SetOperation {
  readonly type: 'Set';
  readonly key: string;
  readonly value: Value;
  /** A sum of `SetFlag` bits. */
  readonly flags: number;
  /** Read only with `SetFlag.ifEqualToValue`. An absent key's value counts as null. */
  readonly compareValue: Value;
  /** Read only with `SetFlag.ifEqualToRevision`. -1 matches a key that was never written. */
  readonly compareRevision: Revision;
}

export interface DeleteOperation {
  readonly type: 'Delete';
  readonly key: string;
}

export interface GetOperation {
  readonly type: 'Get';
  readonly key: string;
  /** Absent for `linearizable`. */
  readonly mode?: SpecialReadMode;
}

export interface ExistsOperation {
  readonly type: 'Exists';
  readonly key: string;
  /** Absent for `linearizable`. */
  readonly mode?: SpecialReadMode;
}

/**
 * How a read is answered:
 *
 * - `linearizable` (ReadIndex): by the leader, after a majority has confirmed that it still leads.
 * - `lease`: by the leader, without asking anybody while its lease holds. Linearizable as long as no clock drifts by more than
 *   `maxClockDriftPercent`.
 * - `follower`: by the node that was asked, from its own state, as soon as that has come as far as its leader says that it
 *   must. Linearizable; spares the leader the work and the network the value.
 * - `stale`: by the node that was asked, from its own state as it is: at once, even without a leader. A state that was, perhaps
 *   long ago; not even two reads of one client are in order, where it asks two nodes.
 */
export type ReadMode = 'linearizable' | SpecialReadMode;
export type SpecialReadMode = 'lease' | 'follower' | 'stale';

/** All of them, the default first. */
export const READ_MODES: readonly ReadMode[] = ['linearizable', 'lease', 'follower', 'stale'];

/** What a client hands to a node. */
export interface KeyValueRequest {
  /** Absent when the client gave none: then a retry after a lost answer is a new operation. */
  readonly requestId?: RequestId;
  readonly operation: KeyValueOperation;
}

/** The outcome of an operation, as the replicated state machine gives it. */
export interface Outcome {
  readonly code: KeyValueCode;
  /** The new revision, the current one where a condition refused, the tombstone's after a delete. */
  readonly revision: Revision;
  readonly value: Value;
  readonly lastModified: Timestamp;
}

/** What a client is told. */
export interface KeyValueAnswer extends Outcome {
  /** Why, where the outcome is `invalidInput`, `mustRetry` or `errored`; for people. */
  readonly reason?: string;
  /** The point of the partition's history that the answer reflects; absent when nothing was executed. */
  readonly servedAt?: { readonly group: GroupId; readonly index: LogIndex };
}

/** A write as it stands in the log: what to do, who asked, and when. */
export interface Command {
  readonly requestId: RequestId;
  /**
   * The partition's applied index that the first node saw when it took the request: the request cannot have been
   * applied at or below it. This is what lets the retry table forget (see `retry-table.ts`).
   */
  readonly basis: LogIndex;
  readonly stampedAt: Timestamp;
  readonly operation: WriteOperation;
}
