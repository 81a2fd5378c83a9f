/** Equality, order and logic, and the operators that make and read arrays. */

import { invalidOperands, numbersOf } from './arithmetic.js';
import { failed, type Failure } from './failure.js';
import { make, spend, type Meter } from './meter.js';
import {
  arrayOf,
  boolOf,
  intOf,
  TRUE,
  VALUE_BYTES,
  type ArrayValue,
  type BoolValue,
  type ScriptValue,
} from './value.js';

/** Two numbers of which one is a float count as equal when they differ by no more than this. */
export const FLOAT_TOLERANCE = 0.001;

export function areEqual(
  operator: string,
  left: ScriptValue,
  right: ScriptValue,
  line: number,
): boolean | Failure {
  if (left.type === 'null' || right.type === 'null') return left.type === right.type;
  if (left.type === 'bool' && right.type === 'bool') return left.value === right.value;
  if (left.type === 'string' && right.type === 'string') return left.value === right.value;
  const pair = numbersOf(left, right);
  if (pair === undefined) return invalidOperands(operator, left, right, line);
  const [a, b] = pair;
  if (a.type === 'int' && b.type === 'int') return a.value === b.value;
  const x = Number(a.value);
  const y = Number(b.value);
  // Infinities are equal to themselves, though their difference is no number.
  return x === y || Math.abs(x - y) <= FLOAT_TOLERANCE;
}

/** `<=` and `>=` are what `>` and `<` are not, so both hold of a NaN. */
export function inOrder(
  operator: '<' | '>' | '<=' | '>=',
  left: ScriptValue,
  right: ScriptValue,
  line: number,
): BoolValue | Failure {
  const pair = numbersOf(left, right);
  if (pair === undefined) return invalidOperands(operator, left, right, line);
  const [a, b] = pair;
  const exact = a.type === 'int' && b.type === 'int';
  const x = exact ? a.value : Number(a.value);
  const y = exact ? b.value : Number(b.value);
  switch (operator) {
    case '<':
      return boolOf(x < y);
    case '>':
      return boolOf(x > y);
    case '<=':
      return boolOf(!(x > y));
    case '>=':
      return boolOf(!(x < y));
  }
}

/** Both booleans, or both numbers, of which all but zero are true. Both sides have been evaluated: there is no short cut. */
export function logical(
  operator: '&&' | '||',
  left: ScriptValue,
  right: ScriptValue,
  line: number,
): BoolValue | Failure {
  const a = truthOf(left);
  const b = truthOf(right);
  const mixed = (left.type === 'bool') !== (right.type === 'bool');
  if (a === undefined || b === undefined || mixed) return invalidOperands(operator, left, right, line);
  return boolOf(operator === '&&' ? a && b : a || b);
}

function truthOf(value: ScriptValue): boolean | undefined {
  if (value.type === 'bool') return value.value;
  if (value.type === 'int') return value.value !== 0n;
  return value.type === 'float' ? value.value !== 0 : undefined;
}

/** Null, which is what an absent key gives, counts as false. */
export function negation(value: ScriptValue, line: number): BoolValue | Failure {
  if (value.type === 'null') return TRUE;
  const truth = truthOf(value);
  return truth === undefined ? failed(`Invalid operands: not ${value.type}`, line) : boolOf(!truth);
}

const LEAST_ELEMENT = -0x8000_0000n;
const LARGEST_ELEMENT = 0x7fff_ffffn;

/** `a..b`: so many whole numbers as the right side says, from the left side on. */
export function rangeOf(
  left: ScriptValue,
  right: ScriptValue,
  line: number,
  meter: Meter,
): ArrayValue | Failure {
  if (left.type !== 'int' || right.type !== 'int') return invalidOperands('..', left, right, line);
  const first = left.value;
  const count = right.value;
  if (count < 0n) return failed(`Invalid range: ${count} elements`, line);
  if (count > 0n && (first < LEAST_ELEMENT || first + count - 1n > LARGEST_ELEMENT)) {
    return failed(`Invalid range: ${count} elements from ${first} on do not all fit into 32 bits`, line);
  }
  const length = Number(count);
  const problem = tooMany(length, line, meter) ?? make(meter, VALUE_BYTES * length, line);
  return problem ?? arrayOf(Array.from({ length }, (_, i) => intOf(first + BigInt(i))));
}

/** A failure where an array of so many elements is not to be. */
export function tooMany(length: number, line: number, meter: Meter): Failure | undefined {
  const most = meter.limits.maxArrayItems;
  return length <= most
    ? undefined
    : failed(`An array of ${length} elements is too long: at most ${most}`, line);
}

/** `x[i]`, from 0. */
export function elementAt(base: ScriptValue, place: ScriptValue, line: number): ScriptValue | Failure {
  if (base.type !== 'array' || place.type !== 'int') {
    return failed(`Invalid operands: ${base.type} [ ${place.type} ]`, line);
  }
  const { length } = base.items;
  if (place.value < 0n || place.value >= BigInt(length)) {
    return failed(`Index ${place.value} is out of bounds: the array has ${length} elements`, line);
  }
  return base.items[Number(place.value)] as ScriptValue;
}

/** What looking at two values costs: only texts are long. */
export function spendOnBoth(meter: Meter, left: ScriptValue, right: ScriptValue): void {
  const a = left.type === 'string' ? left.value.length : 0;
  const b = right.type === 'string' ? right.value.length : 0;
  if (a + b > 0) spend(meter, a + b);
}
