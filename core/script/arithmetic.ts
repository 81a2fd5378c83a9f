/** `+ - * /`: whole numbers of 64 bits that wrap around, IEEE doubles, and text that is read as a number opposite a number. */

import { failed, type Failure } from './failure.js';
import { readFloat, readInteger } from './number-text.js';
import { floatOf, intOf, MIN_INT, type FloatValue, type IntValue, type ScriptValue } from './value.js';

export type NumberValue = IntValue | FloatValue;
export type ArithmeticOperator = '+' | '-' | '*' | '/';

export function calculate(
  operator: ArithmeticOperator,
  left: ScriptValue,
  right: ScriptValue,
  line: number,
): NumberValue | Failure {
  const pair = numbersOf(left, right);
  if (pair === undefined) return invalidOperands(operator, left, right, line);
  const [a, b] = pair;
  if (a.type === 'int' && b.type === 'int') return whole(operator, a.value, b.value, line);
  return floatOf(floating(operator, Number(a.value), Number(b.value)));
}

/**
 * Two numbers, or a number and text that reads as one; undefined for any other pair. Two texts are no pair of numbers,
 * whatever they say.
 */
export function numbersOf(
  left: ScriptValue,
  right: ScriptValue,
): readonly [NumberValue, NumberValue] | undefined {
  if (left.type === 'string' && right.type === 'string') return undefined;
  const a = numberIn(left);
  const b = a && numberIn(right);
  return a && b && [a, b];
}

/** A number as it is, text as the number that it says: whole if it can be. */
function numberIn(value: ScriptValue): NumberValue | undefined {
  if (value.type === 'int' || value.type === 'float') return value;
  if (value.type !== 'string') return undefined;
  const integer = readInteger(value.value);
  if (integer !== undefined) return intOf(integer);
  const float = readFloat(value.value);
  return float === undefined ? undefined : floatOf(float);
}

export function invalidOperands(
  operator: string,
  left: ScriptValue,
  right: ScriptValue,
  line: number,
): Failure {
  return failed(`Invalid operands: ${left.type} ${operator} ${right.type}`, line);
}

function whole(operator: ArithmeticOperator, a: bigint, b: bigint, line: number): IntValue | Failure {
  switch (operator) {
    case '+':
      return intOf(BigInt.asIntN(64, a + b));
    case '-':
      return intOf(BigInt.asIntN(64, a - b));
    case '*':
      return intOf(BigInt.asIntN(64, a * b));
    case '/':
      if (b === 0n) return failed('Division by zero', line);
      if (a === MIN_INT && b === -1n)
        return failed(`The quotient of ${a} and -1 needs more than 64 bits`, line);
      return intOf(a / b);
  }
}

function floating(operator: ArithmeticOperator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
  }
}
