/** Arithmetic beyond the operators, and the clocks. */

import type { NumberValue } from './arithmetic.js';
import { failed, type Failure } from './failure.js';
import { wrongType } from './function-inputs.js';
import type { BuiltIn, CallContext } from './functions.js';
import { power } from './power.js';
import { floatOf, intOf, MIN_INT, type ScriptValue } from './value.js';

export const NUMBER_FUNCTIONS: readonly BuiltIn[] = [
  { names: ['abs'], inputs: 1, call: withNumber(absolute) },
  { names: ['ceil'], inputs: 1, call: withNumber(({ value }) => floatOf(Math.ceil(Number(value)))) },
  { names: ['floor'], inputs: 1, call: withNumber(({ value }) => floatOf(Math.floor(Number(value)))) },
  { names: ['round'], inputs: 2, call: round },
  {
    names: ['pow'],
    inputs: 2,
    call: withNumbers((a, b) => floatOf(power(Number(a.value), Number(b.value)))),
  },
  { names: ['min'], inputs: 2, call: withNumbers((a, b) => extreme(a, b, Math.min)) },
  { names: ['max'], inputs: 2, call: withNumbers((a, b) => extreme(a, b, Math.max)) },
  { names: ['current_time'], inputs: 0, call: (_, { wallMs }) => intOf(BigInt(wallMs)) },
  { names: ['hlc'], inputs: 0, call: (_, { hlcMs }) => intOf(BigInt(hlcMs)) },
];

function withNumber(
  call: (number: NumberValue, context: CallContext) => ScriptValue | Failure,
): BuiltIn['call'] {
  return (inputs, context) => {
    const [value] = inputs;
    return isNumber(value) ? call(value, context) : wrongType(inputs, 'a number', context);
  };
}

function withNumbers(call: (a: NumberValue, b: NumberValue) => ScriptValue): BuiltIn['call'] {
  return (inputs, context) => {
    const [a, b] = inputs;
    return isNumber(a) && isNumber(b) ? call(a, b) : wrongType(inputs, 'two numbers', context);
  };
}

function isNumber(value: ScriptValue | undefined): value is NumberValue {
  return value?.type === 'int' || value?.type === 'float';
}

function absolute(number: NumberValue, { line }: CallContext): ScriptValue | Failure {
  if (number.type === 'float') return floatOf(Math.abs(number.value));
  if (number.value === MIN_INT)
    return failed(`The absolute value of ${MIN_INT} needs more than 64 bits`, line);
  return intOf(number.value < 0n ? -number.value : number.value);
}

/** An int where both are, else a float. */
function extreme(a: NumberValue, b: NumberValue, of: (x: number, y: number) => number): ScriptValue {
  if (a.type !== 'int' || b.type !== 'int') return floatOf(of(Number(a.value), Number(b.value)));
  return intOf(a.value < b.value === (of === Math.min) ? a.value : b.value);
}

const MAX_DIGITS = 15n;

/** From here on a double has no fraction. */
const ALL_WHOLE = 1e16;

function round(inputs: readonly ScriptValue[], context: CallContext): ScriptValue | Failure {
  const [value, digits] = inputs;
  if (!isNumber(value) || digits?.type !== 'int') return wrongType(inputs, 'a number and an int', context);
  if (digits.value < 0n || digits.value > MAX_DIGITS) {
    return failed(`round() takes 0 to ${MAX_DIGITS} digits, not ${digits.value}`, context.line);
  }
  const number = Number(value.value);
  if (!(Math.abs(number) < ALL_WHOLE)) return floatOf(number);
  const scale = Number(`1e${digits.value}`);
  return floatOf(halfToEven(number * scale) / scale);
}

function halfToEven(value: number): number {
  const below = Math.floor(value);
  const over = value - below;
  const up = over > 0.5 || (over === 0.5 && below % 2 !== 0);
  const rounded = up ? below + 1 : below;
  // -0.4 rounds to -0, as IEEE has it.
  return rounded === 0 && (value < 0 || Object.is(value, -0)) ? -0 : rounded;
}
