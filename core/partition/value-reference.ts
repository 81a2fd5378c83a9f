/**
 * References to values that are kept apart from the state (key-value separation: WiscKey, Lu et al., 2016; Bitcask).
 *
 * A large value stands in the state as its length, its digest and the index of the entry that wrote it. Its bytes are the
 * node's to keep, in memory or on the disk: whether they are at hand changes nothing of what a command does, on any
 * replica, because values are then compared by their digests.
 */

import { sha256 } from '../collections/sha256.js';
import { ImpossibleState } from '../machine/assert.js';
import type { LogIndex } from '../machine/units.js';
import type { Value } from './command.js';

export interface ValueReference {
  /** The entry that wrote the value, which names it: an entry writes one value at most. Pages have names of their own (`past.ts`). */
  readonly index: LogIndex;
  /** How many bytes it has. */
  readonly bytes: number;
  /** SHA-256 of the bytes, as 64 hexadecimal digits. */
  readonly digest: string;
}

/** A value as a state holds it. */
export type KeptValue = Value | ValueReference;

export function isReference(value: KeptValue): value is ValueReference {
  return value !== null && !(value instanceof Uint8Array);
}

/** What the state keeps of a value that the entry at `index` writes: a reference where it has `separateFrom` bytes or more. */
export function keptValue(value: Value, index: LogIndex, separateFrom: number): KeptValue {
  if (value === null || value.length < separateFrom) return value;
  return { index, bytes: value.length, digest: sha256(value) };
}

/** Gives the bytes that a reference stands for, to whoever answers a read. */
export type ValueOf = (reference: ValueReference) => Uint8Array;

/** For states that keep nothing apart. */
export const NOTHING_APART: ValueOf = ({ index }) => {
  throw new ImpossibleState(`the value written at index ${index} is kept apart, where nothing should be`);
};

/** A value as a read shows it. */
export function shownValue(value: KeptValue, valueOf: ValueOf): Value {
  return isReference(value) ? valueOf(value) : value;
}

/** How many bytes a value has, wherever they are. */
export function sizeOf(value: KeptValue): number {
  if (value === null) return 0;
  return isReference(value) ? value.bytes : value.length;
}

/** Whether these are the bytes that the reference stands for. */
export function isValueOf({ bytes, digest }: ValueReference, value: Uint8Array): boolean {
  return value.length === bytes && sha256(value) === digest;
}

/** Whether a value that is kept is the same as one that is given. */
export function keptEquals(kept: KeptValue, value: Value): boolean {
  if (!isReference(kept)) return valuesEqual(kept, value);
  return value !== null && isValueOf(kept, value);
}

export function valuesEqual(a: Value, b: Value): boolean {
  if (a === null || b === null) return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
