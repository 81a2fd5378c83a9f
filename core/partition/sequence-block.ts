/**
 * Blocks of a sequence: what can be taken from its record at once, and from what is left of such a block (sequence
 * specification, section 5).
 *
 * Pure functions over numbers, for the replicated state and for the leader that plans what to ask of it. A run of values
 * never comes from two blocks. Values lie within ±(2^53 - 1), but a product or a difference on the way to one may not, and
 * is then computed exactly.
 */

import type { SequenceEntry } from './sequence-entry.js';
import type { SequenceAllocation, SequenceRecord } from './sequence-command.js';

/** The retention of allocations that can be replayed. */
export const MAX_KEYED_ALLOCATIONS = 256;
export const KEYED_ALLOCATION_MS = 600_000;

/** Values that are reserved for one leader and not handed out yet. */
export interface SequenceBlock {
  /** The next one to be handed out. */
  readonly next: number;
  readonly increment: number;
  /** How many are left. */
  readonly left: number;
  /** The record's, since the block was taken. */
  readonly revision: number;
  readonly incarnation: number;
}

/**
 * How many values a new block would have in which the first `count` are taken at once: the record's block size, or
 * `blockSize` where it leaves that to the nodes, but `count` at least, and no more than there is room for below the limit.
 * Undefined when there is no room even for `count`: then nothing may be taken.
 */
export function planReservation(
  record: SequenceRecord,
  count: number,
  blockSize: number,
): number | undefined {
  const room = roomIn(record);
  if (room < count) return undefined;
  return Math.min(Math.max(record.blockSize ?? blockSize, count), room);
}

/** How many values there are between the high-water mark and the limit. */
function roomIn({ currentValue, increment, maxValue }: SequenceRecord): number {
  const limit = maxValue ?? Number.MAX_SAFE_INTEGER;
  if (limit < currentValue) return 0;
  const distance = limit - currentValue;
  if (Number.isSafeInteger(distance)) return (distance - (distance % increment)) / increment;
  const room = (BigInt(limit) - BigInt(currentValue)) / BigInt(increment);
  return Math.min(Number(room), Number.MAX_SAFE_INTEGER);
}

/** The value that comes so many steps after `from`. The caller knows that it is a safe integer. */
export function valueAfter(from: number, increment: number, steps: number): number {
  const distance = increment * steps;
  if (Number.isSafeInteger(distance)) return from + distance;
  return Number(BigInt(from) + BigInt(increment) * BigInt(steps));
}

/** The run of `count` values that begins at `start`. */
export function runFrom(
  start: number,
  increment: number,
  count: number,
  revision: number,
): SequenceAllocation {
  return { start, end: valueAfter(start, increment, count - 1), count, revision };
}

/**
 * The block that its proposer holds after a command that changed the record: what that set aside beyond the values that it
 * gave to its caller. Undefined where the command took no block, or used all of it. Either way a block that was held
 * before is held no more. Where the record is still the same object, nothing was set aside, and the old block stays.
 */
export function blockLeft(
  before: SequenceEntry | undefined,
  after: SequenceEntry | undefined,
  allocation: SequenceAllocation | null,
): SequenceBlock | undefined {
  if (before === undefined || after === undefined || allocation === null) return undefined;
  const { currentValue, increment, revision, incarnation } = after.record;
  if (before.record.revision === revision || allocation.end === currentValue) return undefined;
  const next = allocation.end + increment;
  return {
    next,
    increment,
    left: roomBetween(allocation.end, currentValue, increment),
    revision,
    incarnation,
  };
}

function roomBetween(from: number, to: number, increment: number): number {
  const distance = to - from;
  if (Number.isSafeInteger(distance)) return distance / increment;
  return Number((BigInt(to) - BigInt(from)) / BigInt(increment));
}

/** The next `count` values of a block and the block without them; undefined when it has not so many. */
export function takeFromBlock(
  block: SequenceBlock,
  count: number,
): { readonly allocation: SequenceAllocation; readonly rest: SequenceBlock | undefined } | undefined {
  const { next, increment, left, revision } = block;
  if (count > left) return undefined;
  const allocation = runFrom(next, increment, count, revision);
  if (count === left) return { allocation, rest: undefined };
  return { allocation, rest: { ...block, next: allocation.end + increment, left: left - count } };
}
