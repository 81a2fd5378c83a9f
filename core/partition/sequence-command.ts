/**
 * What clients ask of the sequencer, and what they are told (sequence specification, sections 2 to 4).
 *
 * The codes are Kahuna's numbers, because they cross the public wire as they are.
 *
 * Values are whole numbers within ±(2^53 - 1): the range in which every client can read them. A sequence whose next value
 * would leave it answers `maxValueExceeded`, as Kahuna's do at the end of 64 bits.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';

/** Outcome codes of the sequencer. */
export const SequenceCode = {
  success: 0,
  notFound: 1,
  alreadyExists: 2,
  invalidInput: 3,
  maxValueExceeded: 4,
  mustRetry: 5,
  aborted: 6,
  error: 99,
} as const;
export type SequenceCode = (typeof SequenceCode)[keyof typeof SequenceCode];

/** A sequence is placed as if this and its name were a key. */
export const SEQUENCE_KEY_PREFIX = '__kahuna:sequences:';

export type SequenceWrite =
  CreateSequenceOperation | UpdateSequenceOperation | ReserveSequenceOperation | DeleteSequenceOperation;
export type SequenceOperation = SequenceWrite | GetSequenceOperation;

export interface CreateSequenceOperation {
  readonly type: 'CreateSequence';
  /** Trimmed, 1 … 1,024 characters. */
  readonly name: string;
  readonly initialValue: number;
  /** 1 or more. */
  readonly increment: number;
  /** Absent for none. */
  readonly maxValue?: number;
  /** How many values an owner reserves at a time; absent for what the node is set to. */
  readonly blockSize?: number;
}

/** Changes what is given; what is absent stays. At least one is given, or it is invalid. */
export interface UpdateSequenceOperation {
  readonly type: 'UpdateSequence';
  readonly name: string;
  /** The next value is the one after it. */
  readonly currentValue?: number;
  readonly increment?: number;
  readonly initialValue?: number;
  /** Null takes the limit away. */
  readonly maxValue?: number | null;
  /** Null leaves it to the nodes' setting. */
  readonly blockSize?: number | null;
}

export interface ReserveSequenceOperation {
  readonly type: 'ReserveSequence';
  readonly name: string;
  /** 1 … 2^31 - 1 values, in one run. */
  readonly count: number;
  /** Replays the same allocation; absent for none. Trimmed, at most 1,024 bytes of UTF-8. */
  readonly idempotencyKey?: string;
}

export interface DeleteSequenceOperation {
  readonly type: 'DeleteSequence';
  readonly name: string;
}

export interface GetSequenceOperation {
  readonly type: 'GetSequence';
  readonly name: string;
}

export interface SequenceRecord {
  readonly name: string;
  /** The highest value that any durable block covers; not the last one that was handed out. */
  readonly currentValue: number;
  readonly initialValue: number;
  readonly increment: number;
  readonly maxValue: number | null;
  /** 0 when created; every change of the record adds 1. */
  readonly revision: number;
  readonly blockSize: number | null;
  /** 0 when created, one more after each update: blocks of an earlier one are handed out no more. */
  readonly incarnation: number;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}

export interface SequenceAllocation {
  readonly start: number;
  readonly end: number;
  readonly count: number;
  /** The record's when the block was planned of which this is a part. */
  readonly revision: number;
}

export interface SequenceOutcome {
  readonly family: 'sequence';
  readonly code: SequenceCode;
  /** With `success` of all but a deletion, and with `alreadyExists`. */
  readonly record: SequenceRecord | null;
  /** With `success` of a reservation. */
  readonly allocation: SequenceAllocation | null;
}
