/** Casts, tests of type, and what a value remembers of the entry that it came from. */

import { noCast } from './function-inputs.js';
import type { Failure } from './failure.js';
import type { BuiltIn, CallContext } from './functions.js';
import { make, spend } from './meter.js';
import { readFloat, readInteger } from './number-text.js';
import { textOf } from './text.js';
import {
  boolOf,
  floatOf,
  intOf,
  MAX_INT,
  MIN_INT,
  sizeOf,
  stringOf,
  type ScriptValue,
  type ValueType,
} from './value.js';

type Unary = (value: ScriptValue, context: CallContext) => ScriptValue | Failure;

function unary(names: readonly string[], call: Unary): BuiltIn {
  return { names, inputs: 1, call: ([value], context) => call(value as ScriptValue, context) };
}

function test(names: readonly string[], type: ValueType): BuiltIn {
  return unary(names, (value) => boolOf(value.type === type));
}

export const TYPE_FUNCTIONS: readonly BuiltIn[] = [
  unary(['to_int', 'to_integer', 'to_long', 'to_number'], toInt),
  unary(['to_float', 'to_double'], toFloat),
  unary(['to_str', 'to_string'], toText),
  unary(['to_bool', 'to_boolean'], toBool),
  test(['is_int', 'is_integer', 'is_long'], 'int'),
  test(['is_float', 'is_double'], 'float'),
  test(['is_str', 'is_string'], 'string'),
  test(['is_bool', 'is_boolean'], 'bool'),
  test(['is_null'], 'null'),
  test(['is_array'], 'array'),
  unary(['rev', 'revision'], ({ revision = -1 }) => ({ ...intOf(BigInt(revision)), revision })),
  unary(['expires'], ({ expires }) => intOf(BigInt(expires?.wall ?? 0))),
];

/** Floats lose their fraction and stay within 64 bits; empty text is 0. */
function toInt(value: ScriptValue, context: CallContext): ScriptValue | Failure {
  switch (value.type) {
    case 'bool':
      return intOf(value.value ? 1n : 0n);
    case 'int':
      return intOf(value.value);
    case 'float':
      return intOf(wholePart(value.value));
    case 'string': {
      spend(context.meter, value.value.length);
      const integer = value.value === '' ? 0n : readInteger(value.value);
      return integer === undefined ? noCast(value, 'int', context) : intOf(integer);
    }
    case 'null':
    case 'array':
      return noCast(value, 'int', context);
  }
}

/** Towards zero, at most what 64 bits hold; 0 for NaN. */
export function wholePart(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= Number(MAX_INT)) return MAX_INT;
  return value <= Number(MIN_INT) ? MIN_INT : BigInt(Math.trunc(value));
}

function toFloat(value: ScriptValue, context: CallContext): ScriptValue | Failure {
  switch (value.type) {
    case 'bool':
      return floatOf(value.value ? 1 : 0);
    case 'int':
    case 'float':
      return floatOf(Number(value.value));
    case 'string': {
      spend(context.meter, value.value.length);
      const float = value.value === '' ? 0 : readFloat(value.value, 'commas');
      return float === undefined ? noCast(value, 'float', context) : floatOf(float);
    }
    case 'null':
    case 'array':
      return noCast(value, 'float', context);
  }
}

function toText(value: ScriptValue, context: CallContext): ScriptValue | Failure {
  if (value.type === 'array') return noCast(value, 'string', context);
  const text = stringOf(textOf(value));
  // Text itself is not copied.
  return make(context.meter, value.type === 'string' ? 0 : sizeOf(text), context.line) ?? text;
}

/** Of all texts only the word true, in any case, is true. */
function toBool(value: ScriptValue, context: CallContext): ScriptValue | Failure {
  switch (value.type) {
    case 'bool':
      return boolOf(value.value);
    case 'int':
      return boolOf(value.value !== 0n);
    case 'float':
      return boolOf(value.value !== 0);
    case 'string':
      return boolOf(value.value.length === 4 && value.value.toLowerCase() === 'true');
    case 'null':
    case 'array':
      return noCast(value, 'bool', context);
  }
}
