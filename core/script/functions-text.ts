/** Text and arrays. Lengths and places are in UTF-16 units. */

import { tooMany } from './comparison.js';
import { failed, type Failure } from './failure.js';
import { wrongType } from './function-inputs.js';
import type { BuiltIn, CallContext } from './functions.js';
import { make } from './meter.js';
import { textOf } from './text.js';
import { arrayOf, intOf, sizeOf, stringOf, VALUE_BYTES, type ScriptValue } from './value.js';

export const TEXT_FUNCTIONS: readonly BuiltIn[] = [
  { names: ['len', 'length'], inputs: 1, call: withText((text) => intOf(BigInt(text.length))) },
  { names: ['count'], inputs: 1, call: count },
  { names: ['upper'], inputs: 1, call: withText((text, context) => mapped(text, toUpper, context)) },
  { names: ['lower'], inputs: 1, call: withText((text, context) => mapped(text, toLower, context)) },
  { names: ['concat'], inputs: 2, call: concat },
  { names: ['split'], inputs: 2, call: split },
  { names: ['to_json'], inputs: 1, call: toJson },
];

function withText(call: (text: string, context: CallContext) => ScriptValue | Failure): BuiltIn['call'] {
  return (inputs, context) => {
    const [value] = inputs;
    return value?.type === 'string' ? call(value.value, context) : wrongType(inputs, 'a string', context);
  };
}

function count(inputs: readonly ScriptValue[], context: CallContext): ScriptValue | Failure {
  const [value] = inputs;
  return value?.type === 'array' ? intOf(BigInt(value.items.length)) : wrongType(inputs, 'an array', context);
}

/** Room for a text of so many units. */
function makeText(units: number, { meter, line }: CallContext): Failure | undefined {
  return make(meter, VALUE_BYTES + 2 * units, line);
}

const toUpper = (text: string): string => text.toUpperCase();
const toLower = (text: string): string => text.toLowerCase();

/** Every character by itself; one whose other case has another length stays, so the length never changes. */
function mapped(text: string, map: (text: string) => string, context: CallContext): ScriptValue | Failure {
  const problem = makeText(text.length, context);
  if (problem !== undefined) return problem;
  if (/^[\u0000-\u007f]*$/.test(text)) return stringOf(map(text));
  let result = '';
  for (const character of text) {
    const other = map(character);
    result += other.length === character.length ? other : character;
  }
  return stringOf(result);
}

function concat(inputs: readonly ScriptValue[], context: CallContext): ScriptValue | Failure {
  const [a, b] = inputs;
  if (a?.type !== 'string' || b?.type !== 'string') return wrongType(inputs, 'two strings', context);
  return makeText(a.value.length + b.value.length, context) ?? stringOf(a.value + b.value);
}

/** All parts, empty ones too, so that the place of a field does not depend on what the others hold. */
function split(inputs: readonly ScriptValue[], context: CallContext): ScriptValue | Failure {
  const [text, separator] = inputs;
  if (text?.type !== 'string' || separator?.type !== 'string')
    return wrongType(inputs, 'two strings', context);
  const { meter, line } = context;
  if (separator.value === '') return failed('split() takes a separator that is not empty', line);
  // One more than is allowed tells that there are too many, without making them all.
  const parts = text.value.split(separator.value, meter.limits.maxArrayItems + 1);
  const problem = tooMany(parts.length, line, meter) ?? make(meter, VALUE_BYTES * parts.length, line);
  return problem ?? makeText(text.value.length, context) ?? arrayOf(parts.map(stringOf));
}

/** Plain JSON. A float that is no finite number has no JSON. */
function toJson([value]: readonly ScriptValue[], context: CallContext): ScriptValue | Failure {
  const { line } = context;
  const written = jsonOf(value as ScriptValue, context);
  if (written === undefined) return failed('Cannot convert a float that is not finite to JSON', line);
  return typeof written === 'string' ? stringOf(written) : written;
}

/** Most a character takes in JSON, as `\u0000`. */
const JSON_UNITS = 6;

function jsonOf(value: ScriptValue, context: CallContext): string | undefined | Failure {
  switch (value.type) {
    case 'null':
      return 'null';
    case 'bool':
    case 'int':
      return textOf(value);
    case 'float':
      return Number.isFinite(value.value) ? textOf(value) : undefined;
    case 'string':
      return makeText(value.value.length * JSON_UNITS, context) ?? JSON.stringify(value.value);
    case 'array': {
      const problem = make(context.meter, sizeOf(value), context.line);
      if (problem !== undefined) return problem;
      const parts: string[] = [];
      for (const item of value.items) {
        const part = jsonOf(item, context);
        if (typeof part !== 'string') return part;
        parts.push(part);
      }
      return `[${parts.join(',')}]`;
    }
  }
}
