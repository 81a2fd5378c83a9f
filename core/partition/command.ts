/**
 * What clients ask of the key/value store, and what they are told.
 *
 * The codes and flags are Kahuna's numbers (key/value specification, sections 3 and 4), because they cross the
 * public wire as they are.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { GroupId, LogIndex, Revision } from '../machine/units.js';
import type { GetFloorOperation, HoldOutcome, HoldWrite, SetFloorOperation } from './hold-command.js';
import type { GetLockOperation, LockOutcome, LockWrite } from './lock-command.js';
import type { GetSequenceOperation, SequenceOutcome, SequenceWrite } from './sequence-command.js';
import type {
  TransactionLockOperation,
  TransactionOutcome,
  TransactionRead,
  TransactionWrite,
} from './transaction-command.js';

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
  extended: 2,
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

/** All that clients, and the coordinators of their transactions, ask of a partition. */
export type Operation = WriteOperation | ReadOperation | TransactionLockOperation;
export type WriteOperation =
  KeyValueWrite | LockWrite | SequenceWrite | TransactionWrite | HoldWrite | SetFloorOperation;
export type ReadOperation =
  KeyValueRead | GetLockOperation | GetSequenceOperation | TransactionRead | GetFloorOperation;

export type KeyValueOperation = KeyValueWrite | KeyValueRead;
export type KeyValueWrite = SetOperation | DeleteOperation | ExtendOperation;
export type KeyValueRead = GetOperation | ExistsOperation | ScanOperation;

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
  /** How long the key lives, in milliseconds: 1 … 2^31 - 1; absent for ever, whatever it had before. */
  readonly expiresMs?: number;
  /** Kept in the leader's memory alone, in a key space of its own, and lost with the leadership. */
  readonly ephemeral?: true;
}

export interface DeleteOperation {
  readonly type: 'Delete';
  readonly key: string;
  readonly ephemeral?: true;
}

/** Gives a key that lives a new time to live, which may be shorter than what is left of the old one. */
export interface ExtendOperation {
  readonly type: 'Extend';
  readonly key: string;
  /** 1 … 2^31 - 1 milliseconds. */
  readonly expiresMs: number;
  readonly ephemeral?: true;
}

export interface GetOperation extends PointRead {
  readonly type: 'Get';
}

export interface ExistsOperation extends PointRead {
  readonly type: 'Exists';
}

interface PointRead {
  readonly key: string;
  /** Absent for `linearizable`. */
  readonly mode?: SpecialReadMode;
  /** This revision, of the present value or of the history, whatever became of it later; absent for the newest. */
  readonly revision?: Revision;
  /** As it was then: the newest revision that is not later. Absent for now; not together with `revision`. */
  readonly at?: Timestamp;
  /** Of a key that is not there, its last revision is told too; -1 for one that was never written. Not with `revision` or `at`. */
  readonly tombstone?: true;
  readonly ephemeral?: true;
}

/** One page of the keys that begin with a prefix, in the order of their UTF-16 code units, as all keys are ordered. */
export interface ScanOperation {
  readonly type: 'Scan';
  /** Not empty. Also says which partition is asked, as if it were a key space, unless `group` does. */
  readonly prefix: string;
  readonly group?: GroupId;
  /** Bounds within the prefix; absent for none. */
  readonly from?: KeyBound;
  readonly to?: KeyBound;
  /** Keys on the page, at most: 1 or more. */
  readonly limit: number;
  /** Absent for now; the outcome says which time that was, for the pages after it. */
  readonly at?: Timestamp;
  readonly mode?: SpecialReadMode;
  readonly ephemeral?: true;
}

export interface KeyBound {
  readonly key: string;
  readonly inclusive: boolean;
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
export interface ClientCall {
  /** Absent when the client gave none: then a retry after a lost answer is a new operation. */
  readonly requestId?: RequestId;
  readonly operation: Operation;
}

/** The outcome of an operation, as the replicated state machine gives it. */
export type Outcome =
  KeyValueOutcome | PageOutcome | LockOutcome | SequenceOutcome | TransactionOutcome | HoldOutcome;

/** Of every key/value operation but a scan. */
export interface KeyValueOutcome {
  readonly family?: undefined;
  readonly code: KeyValueCode;
  /** The new revision, the current one where a condition refused, the tombstone's after a delete. */
  readonly revision: Revision;
  readonly value: Value;
  readonly lastModified: Timestamp;
  /** When the key ends by the clock of the leader that gave it its time to live; it may last longer. Absent for never. */
  readonly expires?: Timestamp;
}

/** Of a scan. */
export interface PageOutcome {
  readonly family: 'page';
  /** `got`, even of an empty page; or why there is none. */
  readonly code: KeyValueCode;
  readonly items: readonly PageItem[];
  /** There may be more keys after the last one. */
  readonly hasMore: boolean;
  /** The last key that was looked at, which need not be an item: the next page begins after it. */
  readonly lastKey: string;
  /** The time that the page shows. */
  readonly at: Timestamp;
}

export interface PageItem {
  readonly key: string;
  readonly value: Value;
  readonly revision: Revision;
  readonly lastModified: Timestamp;
  readonly expires?: Timestamp;
}

/** What a client is told. */
export type ClientAnswer = Outcome & Told;

export interface Told {
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
  /**
   * A write; or a read that found something expired, so that its end stands in the log before anybody is told of it; or a
   * read at a time to which the partition has not come (`isAhead`).
   */
  readonly operation: Operation;
  /** What had expired by the clock of the leader that proposed this; executed before the operation. Absent for nothing. */
  readonly lapsed?: readonly Lapse[];
  /** Only with a reservation: what the leader means it to take. */
  readonly take?: SequenceTake;
  /** Only with a read that is for nobody; executed before it. */
  readonly trim?: Trim;
}

/** What is to go of the past of keys (`trim.ts`). */
export interface Trim {
  /** Of the pages from this name on, up to the other one, which is not among them. Empty for the first of all, and for the end. */
  readonly from: string;
  readonly to: string;
  /** Those of which so many newer revisions were written; 0 for none. */
  readonly keep: number;
  /** And those that were superseded before this time; zero for none. */
  readonly before: Timestamp;
}

/**
 * That a key, a lock or a hold has come to its end. It counts only if `armedAt` is still the index of the entry that gave it its
 * time to live: one that was prolonged in between lives on. No replica looks at a clock: an end is an event in the log.
 */
export interface Lapse {
  readonly space: 'key' | 'lock' | 'hold';
  readonly name: string;
  readonly armedAt: LogIndex;
}

/** What a reservation takes, as the leader planned it. */
export type SequenceTake =
  /** A new block of so many values, of which the first ones are for the caller. */
  | { readonly type: 'Block'; readonly window: number }
  /** Values of the block that the leader holds, written down for the sake of an idempotency key. */
  | {
      readonly type: 'Part';
      readonly start: number;
      readonly revision: number;
      readonly incarnation: number;
      /** The record's: one that was deleted and created anew may have come to the same two numbers. */
      readonly createdAt: Timestamp;
    };
