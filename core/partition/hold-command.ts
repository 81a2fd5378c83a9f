/**
 * What clients ask about snapshot holds, and what they are told (key/value specification, section 7); and how a partition is told
 * what it has to keep.
 *
 * The codes are Kahuna's numbers of the key/value store, because they cross the public wire as they are.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { GroupId, LogIndex } from '../machine/units.js';
import { KeyValueCode } from './command.js';

export const HoldCode = {
  /** Acquired, renewed, or the floor is taken. */
  set: KeyValueCode.set,
  /** The floor is told. */
  got: KeyValueCode.got,
  released: KeyValueCode.deleted,
  errored: KeyValueCode.errored,
  invalidInput: KeyValueCode.invalidInput,
  mustRetry: KeyValueCode.mustRetry,
  /** Never there, released, or over. */
  doesNotExist: KeyValueCode.doesNotExist,
} as const;
export type HoldCode = (typeof HoldCode)[keyof typeof HoldCode];

/** The group that keeps the holds of the whole cluster. */
export const HOLDS_GROUP = 0 as GroupId;

export type HoldWrite = AcquireHoldOperation | RenewHoldOperation | ReleaseHoldOperation;
/** All that clients may ask. */
export type HoldOperation = HoldWrite | GetFloorOperation;

/**
 * That everything can go on being read as it was at that time. The same holder and time make the same hold, whose lease then counts
 * from now, as long as it is asked for.
 */
export interface AcquireHoldOperation {
  readonly type: 'AcquireHold';
  /** 1 … 1,024 characters. */
  readonly holder: string;
  /** Of whatever clock, and of no node perhaps; not zero. */
  readonly timestamp: Timestamp;
  /** Milliseconds: 1 … 2^31 - 1. */
  readonly leaseMs: number;
}

/** The new lease counts from now, and may be shorter than what is left of the old one. */
export interface RenewHoldOperation {
  readonly type: 'RenewHold';
  readonly hold: string;
  readonly leaseMs: number;
}

export interface ReleaseHoldOperation {
  readonly type: 'ReleaseHold';
  readonly hold: string;
}

/** The earliest time that is held; a read. */
export interface GetFloorOperation {
  readonly type: 'GetFloor';
}

/** From the leader of the holds to a partition: what it has to keep from now on. No client asks it. */
export interface SetFloorOperation {
  readonly type: 'SetFloor';
  readonly group: GroupId;
  /** The earliest time that is held; zero for none. */
  readonly timestamp: Timestamp;
  /** The command after which the holds were so: of two floors the one with the later position counts. */
  readonly position: LogIndex;
}

export interface HoldOutcome {
  readonly family: 'hold';
  readonly code: HoldCode;
  /** 32 hexadecimal digits; empty where the outcome tells of no hold. */
  readonly hold: string;
  /** When the lease ends by the clock of the leader that granted it; it may last longer. Zero for none. */
  readonly expires: Timestamp;
  /** The earliest time that is held, and how many holds there are; only with `got`. Zero for none. */
  readonly floor: Timestamp;
  readonly live: number;
}

/** More holds than this are refused. */
export const MAX_HOLDS = 10_000;

/** The longest name of a holder, in UTF-16 units. */
export const MAX_HOLDER_LENGTH = 1_024;
