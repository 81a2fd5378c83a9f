/**
 * The values of a script, and the two attributes that each carries: the revision and the expiry of the entry that it came from.
 *
 * Attributes travel with plain copies and are lost by any computation. Values never change.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';

export type ScriptValue = NullValue | BoolValue | IntValue | FloatValue | StringValue | ArrayValue;

export type ValueType = ScriptValue['type'];

/** Absent where the value did not come from the store: then the revision is -1 and there is no expiry. */
interface Attributes {
  readonly revision?: number;
  readonly expires?: Timestamp;
}

export interface NullValue extends Attributes {
  readonly type: 'null';
}

export interface BoolValue extends Attributes {
  readonly type: 'bool';
  readonly value: boolean;
}

export interface IntValue extends Attributes {
  readonly type: 'int';
  /** Signed, 64 bits. */
  readonly value: bigint;
}

export interface FloatValue extends Attributes {
  readonly type: 'float';
  readonly value: number;
}

export interface StringValue extends Attributes {
  readonly type: 'string';
  readonly value: string;
}

export interface ArrayValue extends Attributes {
  readonly type: 'array';
  /** None of them is an array. */
  readonly items: readonly ScriptValue[];
  /** What the items take, as `sizeOf` counts. */
  readonly itemBytes: number;
}

export const NULL: NullValue = { type: 'null' };
export const TRUE: BoolValue = { type: 'bool', value: true };
export const FALSE: BoolValue = { type: 'bool', value: false };

export const MIN_INT = -0x8000_0000_0000_0000n;
export const MAX_INT = 0x7fff_ffff_ffff_ffffn;

export const boolOf = (value: boolean): BoolValue => (value ? TRUE : FALSE);
export const intOf = (value: bigint): IntValue => ({ type: 'int', value });
export const floatOf = (value: number): FloatValue => ({ type: 'float', value });
export const stringOf = (value: string): StringValue => ({ type: 'string', value });

export function arrayOf(items: readonly ScriptValue[]): ArrayValue {
  let itemBytes = 0;
  for (const item of items) itemBytes += sizeOf(item);
  return { type: 'array', items, itemBytes };
}

/** What any value takes besides its text or items, in bytes; a guess that is about right for today's engines. */
export const VALUE_BYTES = 32;

/** Roughly what a value takes in memory, in bytes. */
export function sizeOf(value: ScriptValue): number {
  switch (value.type) {
    case 'string':
      return VALUE_BYTES + 2 * value.value.length;
    case 'array':
      return VALUE_BYTES + value.itemBytes;
    default:
      return VALUE_BYTES;
  }
}
