/**
 * What a request says, whichever way it came: properties by their names in the REST specification. A JSON body and a
 * gRPC message are two readers of one kind, so that every rule of the API stands in one place.
 *
 * Readers throw `BadRequest` for what has the wrong type; what a value means is for others to say.
 */

import type { NodeId, Timestamp, WallMs } from '../../core/index.js';

export interface RequestReader {
  /** A string; one that is missing or null is empty. */
  text(name: string): string;
  optionalText(name: string): string | null;
  /** @param missing what a property that is left out counts as; gRPC knows only 0 for it. */
  integer(name: string, range: IntegerRange, missing: number): number;
  optionalInteger(name: string, range: IntegerRange): number | null;
  /** An unsigned 64-bit integer in decimal digits, to the last one; "0" when missing. */
  uint64(name: string): string;
  flag(name: string): boolean;
  /** Null, and a missing property, mean "no value"; zero bytes are a value. */
  bytes(name: string): Uint8Array | null;
  /** Undefined when it is missing or zero, which means the same. */
  timestamp(name: string): Timestamp | undefined;
  /** The objects of an array; null when it is missing. */
  list(name: string): readonly RequestReader[] | null;
}

export interface IntegerRange {
  readonly least: number;
  readonly most: number;
  readonly name: string;
}

export const INT32: IntegerRange = { least: -(2 ** 31), most: 2 ** 31 - 1, name: 'a 32-bit integer' };
/** Beyond 2^53 a number has lost digits; whether such a value means anything is for its reader to say. */
export const INT64: IntegerRange = { least: -(2 ** 63), most: 2 ** 63, name: 'a 64-bit integer' };

/** A time as somebody else says it: `{n, l, c}` of the wire. */
export function timestampOf(parts: {
  readonly n: number;
  readonly l: number;
  readonly c: number;
}): Timestamp | undefined {
  const { n, l, c } = parts;
  return n === 0 && l === 0 && c === 0 ? undefined : { node: n as NodeId, wall: l as WallMs, counter: c };
}
