/** Between what a program has in its hands and what the store keeps: bytes, or null for "no value", which is not the same as none. */

import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import type { NodeId, WallMs } from '../../core/machine/units.js';
import type { Value } from '../../core/partition/command.js';

/** What can be written: text is written as UTF-8. */
export type ValueInput = Uint8Array | string | null;

/** A moment: milliseconds since 1970, where the whole millisecond counts; a `Date`; or a `lastModified` that was answered. */
export type Moment = number | Date | Timestamp;

/** The counter at the end of a millisecond. */
const LAST_COUNTER = 0xffff_ffff;

export function bytesOf(value: ValueInput): Value {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value;
}

/**
 * @throws TypeError for bytes that are not UTF-8: to replace them would lose them without a word.
 */
export function textOf(value: Value): string | null {
  return value === null ? null : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
}

/** @throws SyntaxError, TypeError */
export function jsonOf(value: Value): unknown {
  const text = textOf(value);
  return text === null ? null : (JSON.parse(text) as unknown);
}

export function timestampOf(moment: Moment): Timestamp {
  if (typeof moment !== 'number' && !(moment instanceof Date)) return moment;
  return { node: 0 as NodeId, wall: Number(moment) as WallMs, counter: LAST_COUNTER };
}

/** The field `at`, where a moment is given. */
export function atOf(moment: Moment | undefined): { readonly at?: Timestamp } {
  return moment === undefined ? {} : { at: timestampOf(moment) };
}
