/** Section 5 of the script specification. */

import { describe, expect, it, test } from 'vitest';
import { emptyShelf } from './support/shelf.js';
import { resultOf, valueOf } from './support/run.js';

const MIN = '-9223372036854775808';
const MAX = '9223372036854775807';

function check(rows: readonly (readonly [string, string])[]): void {
  it.each(rows)('%s is %s', (expression, result) => {
    expect(valueOf(expression)).toBe(`got ${result}`);
  });
}

function refuse(rows: readonly (readonly [string, string])[]): void {
  it.each(rows)('%s fails: %s', (expression, why) => {
    expect(valueOf(expression)).toBe(`errored: ${why} at line 1`);
  });
}

describe('precedence', () => {
  check([
    ['2 + 3 * 4', '14'],
    ['(2 + 3) * 4', '20'],
    ['20 - 5 - 3', '12'],
    ['100 / 10 / 5', '2'],
    ['1 + 1 == 2', 'true'],
    ['4 == 4 == true', 'true'],
    ['1 < 2 == true', 'true'],
    ['false || true && false', 'false'],
    ['(true || false) && false', 'false'],
    ['count(1..2 + 3)', '5'],
    ['not true == false', 'true'],
    ['!false && true', 'true'],
    ['not not true', 'true'],
    ['(5..3)[2] * 2', '14'],
    ['9 - -4', '13'],
  ]);
  refuse([
    ['1 < 2 < 3', 'Invalid operands: bool < int'],
    ['1..3[0]', 'Invalid operands: int [ int ]'],
    ['1..2..3', 'Invalid operands: array .. int'],
  ]);
});

describe('arithmetic', () => {
  check([
    ['7 + 2', '9'],
    ['7 - 9', '-2'],
    ['7 * 6', '42'],
    ['7 / 2', '3'],
    ['-7 / 2', '-3'],
    ['7 / -2', '-3'],
    ['7 + 0.5', '7.5'],
    ['0.5 * 4', '2'],
    ['1.5 - 0.5', '1'],
    ['1 / 0.0', 'Infinity'],
    ['-1 / 0.0', '-Infinity'],
    ['0 / 0.0', 'NaN'],
    ['is_float(7 + 0.0)', 'true'],
    ['is_int(6 / 2)', 'true'],
    ['9 / "2"', '4'],
    ['"9" / 2', '4'],
    ['9 / "2.0"', '4.5'],
    ['9.0 / "2"', '4.5'],
    ['" 4 " + 1', '5'],
    ['1 + "1e2"', '101'],
    [`${MAX} + 1`, MIN],
    [`${MIN} - 1`, MAX],
    [`${MAX} * 2`, '-2'],
    [`${MAX} + 1.0`, '9.223372036854776E+18'],
  ]);
  refuse([
    ['1 / 0', 'Division by zero'],
    ['5 / "0"', 'Division by zero'],
    [`${MIN} / -1`, `The quotient of ${MIN} and -1 needs more than 64 bits`],
    ['"1" + "2"', 'Invalid operands: string + string'],
    ['"a" + "b"', 'Invalid operands: string + string'],
    ['1 + "a"', 'Invalid operands: int + string'],
    ['1 + ""', 'Invalid operands: int + string'],
    ['1.5 * "x"', 'Invalid operands: float * string'],
    ['1 + null', 'Invalid operands: int + null'],
    ['null - 1', 'Invalid operands: null - int'],
    ['true + 1', 'Invalid operands: bool + int'],
    ['1.0 / true', 'Invalid operands: float / bool'],
    ['(1..2) + 1', 'Invalid operands: array + int'],
    ['"1" + null', 'Invalid operands: string + null'],
    ['null + null', 'Invalid operands: null + null'],
  ]);
});

describe('equality', () => {
  check([
    ['null == null', 'true'],
    ['null == 0', 'false'],
    ['0 == null', 'false'],
    ['null == "" ', 'false'],
    ['null == (1..2)', 'false'],
    ['true == true', 'true'],
    ['true == false', 'false'],
    ['"a" == "a"', 'true'],
    ['"a" == "A"', 'false'],
    ['"1" == "1.0"', 'false'],
    ['1 == 1', 'true'],
    ['1 = 1', 'true'],
    ['1 == 1.001', 'true'],
    ['1 == 1.0011', 'false'],
    ['1.0 == 1.0009', 'true'],
    ['1 == "1"', 'true'],
    ['"1.0" == 1', 'true'],
    [`${MAX} == ${MAX}`, 'true'],
    ['9007199254740993 == 9007199254740992', 'false'],
    ['1 <> 2', 'true'],
    ['1 != 1', 'false'],
    ['null != 1', 'true'],
    ['1 / 0.0 == 1 / 0.0', 'true'],
    ['0 / 0.0 == 0 / 0.0', 'false'],
  ]);
  refuse([
    ['1 == "x"', 'Invalid operands: int == string'],
    ['"" != 1', 'Invalid operands: string != int'],
    ['true == 1', 'Invalid operands: bool == int'],
    ['true = "true"', 'Invalid operands: bool = string'],
    ['(1..2) == (1..2)', 'Invalid operands: array == array'],
    ['(1..2) <> 1', 'Invalid operands: array <> int'],
  ]);

  test('decomposed and composed letters differ', () => {
    expect(valueOf('"\u00e9" == "e\u0301"')).toBe('got false');
  });
});

describe('order', () => {
  check([
    ['1 < 2', 'true'],
    ['2 <= 2', 'true'],
    ['2.5 > 2', 'true'],
    ['2 >= 2.5', 'false'],
    ['"10" > 9', 'true'],
    ['9 < "10"', 'true'],
    ['1 < 1.0009', 'true'],
    ['9007199254740993 > 9007199254740992', 'true'],
  ]);
  refuse([
    ['"a" < "b"', 'Invalid operands: string < string'],
    ['"1" < "2"', 'Invalid operands: string < string'],
    ['true < false', 'Invalid operands: bool < bool'],
    ['null > 1', 'Invalid operands: null > int'],
    ['1 >= null', 'Invalid operands: int >= null'],
    ['1 <= "x"', 'Invalid operands: int <= string'],
    ['(1..2) < 1', 'Invalid operands: array < int'],
  ]);
});

describe('logic', () => {
  check([
    ['true && true', 'true'],
    ['true && false', 'false'],
    ['false || true', 'true'],
    ['1 && 2.5', 'true'],
    ['0 || 0.0', 'false'],
    ['!true', 'false'],
    ['not false', 'true'],
  ]);
  refuse([
    ['true && 1', 'Invalid operands: bool && int'],
    ['1 || true', 'Invalid operands: int || bool'],
    ['"true" && true', 'Invalid operands: string && bool'],
    ['null || true', 'Invalid operands: null || bool'],
    ['not "x"', 'Invalid operands: not string'],
    ['not (1..2)', 'Invalid operands: not array'],
    ['false && 1 / 0', 'Division by zero'],
    ['true || missing', 'Undefined variable missing'],
    ['missing && also', 'Undefined variable missing'],
  ]);
});

describe('not set', () => {
  it.each([
    ['set k 1 return not set', 'got false'],
    ['set k 1 return !set', 'got false'],
    ['set k 1 set k 2 nx return not set', 'got true'],
    ['set k 1 nx get other let x = 1 return not set', 'got false'],
    ['set k 1 delete k return not set', 'got true'],
    ['set k 1 extend k 5 return not set', 'got true'],
    ['eset k 1 return not set', 'got false'],
    ['set k 1 xx eset k 1 return not set', 'got false'],
    ['set k 1 ex -1 return not set', 'got true'],
    ['return not set', 'errored: NOT SET before any write at line 1'],
  ])('%s: %s', (script, result) => {
    expect(resultOf(script)).toBe(result);
  });
});

describe('not found', () => {
  it.each([
    ['return not found', 'got true'],
    ['get k return not found', 'got true'],
    ['set k 1 get k return !found', 'got false'],
    ['get by bucket b return not found', 'got true'],
    ['get k let x = 1 return not found', 'got false'],
    ['set k 1 return not found', 'got true'],
    ['let x = get k if not found then return "none" end', 'got none'],
  ])('%s: %s', (script, result) => {
    expect(resultOf(script, { shelf: emptyShelf() })).toBe(result);
  });
});

describe('a range', () => {
  check([
    ['to_json(1..4)', '[1,2,3,4]'],
    ['to_json(3..4)', '[3,4,5,6]'],
    ['to_json(10..1)', '[10]'],
    ['to_json(0..9)', '[0,1,2,3,4,5,6,7,8]'],
    ['to_json(5..0)', '[]'],
    ['to_json(-2..3)', '[-2,-1,0]'],
    ['to_json(2147483646..2)', '[2147483646,2147483647]'],
  ]);
  refuse([
    ['1..-1', 'Invalid range: -1 elements'],
    ['2147483646..3', 'Invalid range: 3 elements from 2147483646 on do not all fit into 32 bits'],
    ['-2147483649..1', 'Invalid range: 1 elements from -2147483649 on do not all fit into 32 bits'],
    ['"1"..2', 'Invalid operands: string .. int'],
    ['1..2.5', 'Invalid operands: int .. float'],
    ['1..null', 'Invalid operands: int .. null'],
    ['1..100001', 'An array of 100001 elements is too long: at most 100000'],
    ['1..2147483647', 'An array of 2147483647 elements is too long: at most 100000'],
  ]);
});

describe('an index', () => {
  check([
    ['(7..3)[0]', '7'],
    ['(7..3)[2]', '9'],
    ['split("a:b", ":")[1]', 'b'],
  ]);
  refuse([
    ['(7..3)[3]', 'Index 3 is out of bounds: the array has 3 elements'],
    ['(7..3)[-1]', 'Index -1 is out of bounds: the array has 3 elements'],
    ['(7..3)["0"]', 'Invalid operands: array [ string ]'],
    ['(7..3)[0.0]', 'Invalid operands: array [ float ]'],
    ['"abc"[0]', 'Invalid operands: string [ int ]'],
    ['null[0]', 'Invalid operands: null [ int ]'],
  ]);
});

test('an error tells the line of the first token of what failed', () => {
  expect(resultOf('let a = 1\nlet b =\n  a +\n  "x"')).toBe(
    'errored: Invalid operands: int + string at line 3',
  );
  expect(resultOf('return\n\n(1 +\n2) * null')).toBe('errored: Invalid operands: int * null at line 3');
});
