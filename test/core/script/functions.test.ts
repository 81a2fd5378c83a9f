/** Section 6 of the script specification: every function, every alias, every refusal. */

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { SCRIPT_FUNCTIONS } from '../../../core/index.js';
import { power } from '../../../core/script/power.js';
import { emptyShelf } from './support/shelf.js';
import { resultOf, valueOf } from './support/run.js';

const MIN = '-9223372036854775808';
const MAX = '9223372036854775807';

function check(rows: readonly (readonly [string, string])[]): void {
  it.each(rows)('%s is %j', (expression, result) => {
    expect(valueOf(expression)).toBe(`got ${result}`);
  });
}

function refuse(rows: readonly (readonly [string, string])[]): void {
  it.each(rows)('%s fails: %s', (expression, why) => {
    expect(valueOf(expression)).toBe(`errored: ${why} at line 1`);
  });
}

describe('names', () => {
  it('are these', () => {
    expect(SCRIPT_FUNCTIONS).toEqual([
      ...['to_int', 'to_integer', 'to_long', 'to_number', 'to_float', 'to_double', 'to_str', 'to_string'],
      ...['to_bool', 'to_boolean', 'is_int', 'is_integer', 'is_long', 'is_float', 'is_double', 'is_str'],
      ...['is_string', 'is_bool', 'is_boolean', 'is_null', 'is_array', 'rev', 'revision', 'expires', 'abs'],
      ...['ceil', 'floor', 'round', 'pow', 'min', 'max', 'current_time', 'hlc', 'len', 'length', 'count'],
      ...['upper', 'lower', 'concat', 'split', 'to_json'],
    ]);
  });

  it('live apart from those of variables', () => {
    expect(resultOf('let count = 3 return count(1..count)')).toBe('got 3');
  });

  refuse([
    ['nope(1)', 'Undefined function nope'],
    ['TO_INT(1)', 'Undefined function TO_INT'],
    ['constructor(1)', 'Undefined function constructor'],
    ['abs()', 'abs() takes 1 argument, not 0'],
    ['concat("a")', 'concat() takes 2 arguments, not 1'],
    ['current_time(1)', 'current_time() takes 0 arguments, not 1'],
    ['max(1, 2, 3)', 'max() takes 2 arguments, not 3'],
    ['nope(1 / 0)', 'Division by zero'],
    ['concat(missing, also)', 'Undefined variable missing'],
  ]);
});

describe.each(['to_int', 'to_integer', 'to_long', 'to_number'])('%s', (name) => {
  check(
    [
      ['(true)', '1'],
      ['(false)', '0'],
      ['(5)', '5'],
      ['(2.9)', '2'],
      ['(-2.9)', '-2'],
      ['(1 / 0.0)', MAX],
      ['(-1 / 0.0)', MIN],
      ['(0 / 0.0)', '0'],
      ['(1000000000000.0 * 100000000000.0)', MAX],
      ['("")', '0'],
      ['(" 12 ")', '12'],
      [`("${MIN}")`, MIN],
    ].map(([input, result]): [string, string] => [name + (input as string), result as string]),
  );
  refuse(
    [
      ['("12.5")', 'Cannot convert "12.5" to int'],
      ['("abc")', 'Cannot convert "abc" to int'],
      ['("9223372036854775808")', 'Cannot convert "9223372036854775808" to int'],
      ['(null)', 'Cannot convert null to int'],
      ['(1..2)', 'Cannot convert array to int'],
    ].map(([input, why]): [string, string] => [name + (input as string), why as string]),
  );
});

describe.each(['to_float', 'to_double'])('%s', (name) => {
  check(
    [
      ['(true)', '1'],
      ['(7)', '7'],
      ['(1.5)', '1.5'],
      ['("")', '0'],
      ['("1,234.5")', '1234.5'],
      ['(" 1e3 ")', '1000'],
      ['("NaN")', 'NaN'],
    ].map(([input, result]): [string, string] => [name + (input as string), result as string]),
  );
  refuse(
    [
      ['("x")', 'Cannot convert "x" to float'],
      ['(null)', 'Cannot convert null to float'],
      ['(1..1)', 'Cannot convert array to float'],
    ].map(([input, why]): [string, string] => [name + (input as string), why as string]),
  );
});

describe('to_str', () => {
  check([
    ['to_str(null)', ''],
    ['to_string(true)', 'true'],
    ['to_str(-5)', '-5'],
    ['to_str(7.50)', '7.5'],
    ['to_string("x")', 'x'],
    ['is_str(to_str(5))', 'true'],
  ]);
  refuse([['to_str(1..2)', 'Cannot convert array to string']]);
});

describe('to_bool', () => {
  check([
    ['to_bool(true)', 'true'],
    ['to_boolean(0)', 'false'],
    ['to_bool(-3)', 'true'],
    ['to_bool(0.0)', 'false'],
    ['to_bool("TrUe")', 'true'],
    ['to_bool("yes")', 'false'],
    ['to_bool("1")', 'false'],
    ['to_bool("")', 'false'],
  ]);
  refuse([
    ['to_bool(null)', 'Cannot convert null to bool'],
    ['to_bool(1..2)', 'Cannot convert array to bool'],
  ]);
});

describe('tests of type', () => {
  const values = { int: '1', float: '1.0', str: '"1"', bool: 'true', null: 'null', array: '(1..1)' };
  const aliases: Readonly<Record<keyof typeof values, readonly string[]>> = {
    int: ['is_int', 'is_integer', 'is_long'],
    float: ['is_float', 'is_double'],
    str: ['is_str', 'is_string'],
    bool: ['is_bool', 'is_boolean'],
    null: ['is_null'],
    array: ['is_array'],
  };
  const rows = Object.entries(aliases).flatMap(([type, names]) =>
    names.flatMap((name) =>
      Object.entries(values).map(([other, value]) => [`${name}(${value})`, String(type === other)] as const),
    ),
  );
  check(rows);
});

describe('numbers', () => {
  check([
    ['abs(-5)', '5'],
    ['abs(-5.5)', '5.5'],
    ['is_int(abs(-5))', 'true'],
    ['ceil(1.2)', '2'],
    ['floor(-1.2)', '-2'],
    ['is_float(ceil(3))', 'true'],
    ['is_float(floor(3))', 'true'],
    ['round(2.5, 0)', '2'],
    ['round(3.5, 0)', '4'],
    ['round(-2.5, 0)', '-2'],
    ['round(10.55, 1)', '10.6'],
    ['round(1.005, 2)', '1'],
    ['round(7, 2)', '7'],
    ['is_float(round(7, 2))', 'true'],
    ['round(1.0, 15)', '1'],
    ['round(1 / 0.0, 2)', 'Infinity'],
    ['pow(2, 10)', '1024'],
    ['is_float(pow(2, 2))', 'true'],
    ['pow(2, -1)', '0.5'],
    ['pow(2, 0.5)', '1.4142135623730951'],
    ['min(1, 2)', '1'],
    ['max(1, 2)', '2'],
    ['max(2, 2)', '2'],
    ['is_int(max(1, 2))', 'true'],
    ['min(1, 2.0)', '1'],
    ['is_float(min(1, 2.0))', 'true'],
    [`max(${MAX}, ${MIN})`, MAX],
  ]);
  refuse([
    [`abs(${MIN})`, `The absolute value of ${MIN} needs more than 64 bits`],
    ['abs("1")', 'abs() takes a number, not string'],
    ['ceil(null)', 'ceil() takes a number, not null'],
    ['floor(true)', 'floor() takes a number, not bool'],
    ['round(1.5, 16)', 'round() takes 0 to 15 digits, not 16'],
    ['round(1.5, -1)', 'round() takes 0 to 15 digits, not -1'],
    ['round(1.5, 1.0)', 'round() takes a number and an int, not float and float'],
    ['pow("2", 2)', 'pow() takes two numbers, not string and int'],
    ['min(1, "2")', 'min() takes two numbers, not int and string'],
    ['max(1..2, 2)', 'max() takes two numbers, not array and int'],
  ]);
});

describe('powers', () => {
  it.each([
    [0, -1, Infinity],
    [-0, -3, -Infinity],
    [-0, 3, -0],
    [-2, 3, -8],
    [-8, 1 / 3, NaN],
    [1, NaN, 1],
    [NaN, 0, 1],
    [-1, Infinity, 1],
    [0.5, -Infinity, Infinity],
    [-Infinity, 3, -Infinity],
    [-Infinity, -2, 0],
    [2, 1_023, 2 ** 1_023],
    [2, 1_024, Infinity],
    [2, -1_074, 5e-324],
    [2, -1_076, 0],
    [10, 22, 1e22],
    [249_743, 3, 15_576_862_019_775_408],
    [3, 7.5, 3_787.995_116_153_135],
  ])('%d to the %d is %d', (x, y, result) => {
    expect(power(x, y)).toBe(result);
  });

  test('half a power is the square root, which IEEE 754 prescribes to the last bit', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
        expect(power(x, 0.5)).toBe(Math.sqrt(x));
      }),
      { numRuns: 500 },
    );
  });

  test('whole powers of whole numbers are exact, or the nearest double', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1_000_000 }), fc.integer({ min: 1, max: 100 }), (x, y) => {
        expect(power(x, y)).toBe(Number(BigInt(x) ** BigInt(y)));
      }),
      { numRuns: 500 },
    );
  });
});

describe('text', () => {
  check([
    ['len("héllo")', '5'],
    ['length("😀")', '2'],
    ['len("")', '0'],
    ['count(4..6)', '6'],
    ['upper("abc é ß")', 'ABC É ß'],
    ['lower("ABC É İ")', 'abc é İ'],
    ['lower("ΑΣ")', 'ασ'],
    ['concat("a", "b")', 'ab'],
    ['count(split("a:b:", ":"))', '3'],
    ['to_json(split("a::b", ":"))', '["a","","b"]'],
    ['to_json(split("", ":"))', '[""]'],
  ]);
  refuse([
    ['len(1..2)', 'len() takes a string, not array'],
    ['length(5)', 'length() takes a string, not int'],
    ['count("abc")', 'count() takes an array, not string'],
    ['count(null)', 'count() takes an array, not null'],
    ['upper(1)', 'upper() takes a string, not int'],
    ['lower(null)', 'lower() takes a string, not null'],
    ['concat("a", 1)', 'concat() takes two strings, not string and int'],
    ['concat(null, "a")', 'concat() takes two strings, not null and string'],
    ['split("a", "")', 'split() takes a separator that is not empty'],
    ['split(1, "a")', 'split() takes two strings, not int and string'],
  ]);

  test('no mapping of letters changes the length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const parameters = { '@t': text };
        expect(valueOf('len(upper(@t))', { parameters })).toBe(`got ${text.length}`);
        expect(valueOf('len(lower(@t))', { parameters })).toBe(`got ${text.length}`);
      }),
    );
  });
});

describe('to_json', () => {
  check([
    ['to_json(5)', '5'],
    ['to_json(7.50)', '7.5'],
    ['to_json("a\'b<é>")', '"a\'b<é>"'],
    ['to_json([1, "a", null, true, 2.5])', '[1,"a",null,true,2.5]'],
  ]);
  refuse([['to_json(1 / 0.0)', 'Cannot convert a float that is not finite to JSON']]);

  test('text is quoted as JSON has it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const result = valueOf('to_json(@t)', { parameters: { '@t': text } });
        expect(JSON.parse(result.slice(4))).toBe(text);
      }),
    );
  });
});

describe('time', () => {
  it('current_time is the clock of the node, which goes on', () => {
    expect(resultOf('sleep 250 return current_time()', { shelf: emptyShelf(1_000) })).toBe('got 1250');
  });

  it('hlc is one reading a run', () => {
    expect(resultOf('let a = hlc() sleep 250 return hlc() == a', { shelf: emptyShelf(1_000) })).toBe(
      'got true',
    );
  });
});
