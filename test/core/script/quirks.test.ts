/** Section 16 of the script specification: for every quirk of the original, what this language does. By its number. */

import { describe, expect, it } from 'vitest';
import { emptyPlanCache, findPlan, monotonicMs } from '../../../core/index.js';
import { emptyShelf } from './support/shelf.js';
import { problemIn, resultOf, runScript, said, valueOf } from './support/run.js';

describe('1: a number sign begins a comment', () => {
  it.each([
    ['return 1 # set k 2', 'got 1'],
    ['# first\n# second\nreturn 2', 'got 2'],
    ['return "a # b"', 'got a # b'],
    ['set `a#b` 3 get `a#b`', 'got 3'],
    ['if true then # why\r\n return 4 end', 'got 4'],
  ])('%j: %s', (script, result) => {
    expect(resultOf(script)).toBe(result);
  });
});

describe('2: a character without a meaning is an error, but for the semicolon', () => {
  it.each(['%', '$', '~', '?', '\\', ':', '^', '|', '&', '.', 'é', '\u00a0', '\u0000', '😀'])(
    '%j',
    (character) => {
      expect(problemIn(`set k 1 ${character}`)).toContain('Syntax error at line 1, column 9');
    },
  );

  it('; stands wherever a blank may', () => {
    expect(resultOf('let a = 1; ; return a;')).toBe('got 1');
  });
});

describe('3: a minus between two operands subtracts', () => {
  it.each([
    ['9-4', '5'],
    ['9 -4', '5'],
    ['9--4', '13'],
    ['-5', '-5'],
    ['-5-5', '-10'],
    ['(3)-1', '2'],
    ['2*-3', '-6'],
  ])('%s is %s', (expression, result) => {
    expect(valueOf(expression)).toBe(`got ${result}`);
  });

  it('a value after a key keeps its minus', () => {
    expect(resultOf('set k -5 get k')).toBe('got -5');
    expect(resultOf('let n = 7 return n -1')).toBe('got 6');
  });
});

it('4: a name in back quotes ends at the next one', () => {
  expect(resultOf('set `a` 1 set `b` 2 get `a`')).toBe('got 1');
});

it.each(['return "abc', "return 'abc", 'return "a\nb"', 'return "a\tb"'])(
  '5: %j is a syntax error: the string is not closed, or holds what it must not',
  (script) => {
    expect(problemIn(script)).toContain('Syntax error');
  },
);

describe('6: hexadecimal numbers are numbers', () => {
  it.each([
    ['0x2A', 'got 42'],
    ['-0x2a', 'got -42'],
    ['0x7fffffffffffffff', 'got 9223372036854775807'],
    ['-0x8000000000000000', 'got -9223372036854775808'],
    ['0x8000000000000000', 'errored: The number 0x8000000000000000 needs more than 64 bits at line 1'],
    ['0x00000000000000000001', 'got 1'],
  ])('%s', (literal, result) => {
    expect(valueOf(literal)).toBe(result);
  });

  it('but not where text is read as a number', () => {
    expect(valueOf('to_int("0x2A")')).toContain('Cannot convert');
  });
});

describe('7: arrays can be written out', () => {
  it.each([
    ['[1, "a", null]', 'got 1 a '],
    ['[]', 'got'],
    ['count([1, 2, 3])', 'got 3'],
    ['["a", "b"][1]', 'got b'],
    ['[[1]]', 'errored: An array cannot hold an array at line 1'],
  ])('%s', (expression, result) => {
    expect(valueOf(expression)).toBe(result);
  });
});

it('8: a write has no value to assign, and a command is no expression; the error says so', () => {
  expect(problemIn('let x = set k 1')).toContain('SET has no value to assign');
  expect(problemIn('return to_int(get k)')).toContain('unexpected GET');
});

it('9: the right side of a range is a count', () => {
  expect(valueOf('to_json(3..4)')).toBe('got [3,4,5,6]');
  expect(valueOf('to_json(10..1)')).toBe('got [10]');
});

it('10: NOT of a number is whether it is zero', () => {
  expect(valueOf('not 0')).toBe('got true');
  expect(valueOf('not 7')).toBe('got false');
  expect(valueOf('!0.0')).toBe('got true');
  expect(valueOf('!0.5')).toBe('got false');
});

it('11: NOT of null is true; of text it is an error', () => {
  expect(resultOf('let v = get k if not v then return "none" end')).toBe('got none');
  expect(valueOf('not "x"')).toContain('errored');
});

it('12: EX takes text that is a whole number, as parameters are', () => {
  const shelf = emptyShelf(1_000);

  expect(
    resultOf('set k 1 ex @ttl let v = get k return expires(v)', { shelf, parameters: { '@ttl': '500' } }),
  ).toBe('got 1500');
});

it('13: every option of BEGIN counts', () => {
  expect(resultOf('begin (timeout=9, autoCommit=true, locking="optimistic") set k 1 end')).toBe('set');
  expect(resultOf('begin (autoCommit=true, locking=nonsense) set k 1 end')).toContain(
    'errored: Invalid option',
  );
});

it('14: a scan may stand in a longer script', () => {
  expect(resultOf('let all = scan by prefix p return count(all)')).toBe('got 0');
});

describe('15: a SET that its condition refuses is not set, and nothing else', () => {
  it('also among others that run at once', () => {
    const shelf = emptyShelf();
    resultOf('set b 0', { shelf });

    const { outcome, effects } = runScript('set a 1 set b 2 nx set c 3', { shelf });

    expect(said(outcome)).toEqual({ type: 'set', values: [null], revisions: [0] });
    expect(effects[1]).toHaveLength(3);
    expect(resultOf('let a = get a let b = get b let c = get c return [a, b, c]', { shelf })).toBe(
      'got 1 0 3',
    );
  });

  it('the result is that of the last statement, whichever answer comes first', () => {
    const shelf = emptyShelf();
    resultOf('set b 0', { shelf });

    expect(resultOf('set a 1 set b 2 nx', { shelf })).toBe('notSet');
    expect(resultOf('set a 1 set b 2 nx if not set then return "taken" end', { shelf })).toBe('got taken');
  });

  it('an empty key among deletes aborts', () => {
    const parameters = { '@a': 'a', '@none': '' };

    expect(resultOf('delete @a delete @none', { parameters })).toBe('aborted');
    expect(resultOf('delete @none', { parameters })).toBe('invalidInput');
  });
});

it('16: EXTEND by 0 is for ever, also by itself', () => {
  const shelf = emptyShelf();
  resultOf('set k 1 ex 500', { shelf });

  expect(resultOf('extend k 0', { shelf })).toBe('extended');
  shelf.now += 1_000_000;
  expect(resultOf('get k', { shelf })).toBe('got 1');
});

it('17: DELETE of a key that never was says so, also in a transaction', () => {
  expect(resultOf('let a = 1 delete k')).toBe('doesNotExist');
});

it.each(['if false then get k end', 'sleep 1', 'for i in 1..0 do get k end', 'begin commit end'])(
  '18: %s has no result, and is a success without entries',
  (script) => {
    expect(said(runScript(script).outcome)).toEqual({ type: 'got', values: [], revisions: [] });
  },
);

it('19: to_json is plain JSON of any value', () => {
  expect(valueOf('to_json(["é<&>", true, null, 1, 1.5])')).toBe('got ["é<&>",true,null,1,1.5]');
  expect(valueOf('to_json(false)')).toBe('got false');
  expect(valueOf('to_json(null)')).toBe('got null');
});

it('20: NOT FOUND is false after an EXISTS that found', () => {
  expect(resultOf('set k 1 exists k return not found')).toBe('got false');
  expect(resultOf('exists k return not found')).toBe('got true');
});

describe('21: of a string one delimiter is stripped on each side, and no escape is decoded', () => {
  it.each([
    ['"a\\""', 'a\\"'],
    ['"\\"a"', '\\"a'],
    ["'it\\'s'", "it\\'s"],
    ['"a\\nb"', 'a\\nb'],
    ['"\\\\"', '\\\\'],
    ['""', ''],
  ])('%s', (literal, text) => {
    expect(valueOf(literal)).toBe(`got ${text}`);
  });
});

it('22: a tombstone read by its own revision does not exist', () => {
  const shelf = emptyShelf();
  resultOf('set k 1', { shelf });
  resultOf('delete k', { shelf });

  expect(resultOf('get k at 1', { shelf })).toBe('doesNotExist');
  expect(resultOf('get k at 0', { shelf })).toBe('got 1');
});

it('23: <= and >= hold of a NaN, < and > do not', () => {
  expect(resultOf('let n = 0 / 0.0 return [n <= 1, n >= 1, n < 1, n > 1, n == n]')).toBe(
    'got true true false false false',
  );
});

it('24: the text that is sent is what runs, whatever hash comes with it', () => {
  const now = monotonicMs(0);
  const first = findPlan(emptyPlanCache(), { source: 'return 1', hash: 'abc', now });
  const second = findPlan(first.cache, { source: 'return 2', hash: 'abc', now });

  expect(second.hit).toBe(false);
  expect(second.prepared).toEqual(findPlan(emptyPlanCache(), { source: 'return 2', now }).prepared);
});

it('25: a bucket has the keys whose last slash ends its name', () => {
  expect(resultOf('set `b/1` 1 set `b/c/2` 2 set `bb/3` 3 get by bucket b')).toBe('got 1');
});

it('26: floats are equal when they are within a thousandth', () => {
  expect(resultOf('return [1 == 1.001, 1 == 1.002, 1.0 < 1.0005]')).toBe('got true false true');
});

it('27: a letter whose other case is longer stays as it is', () => {
  expect(resultOf('return [upper("ß"), upper("ŉ"), lower("İ")]')).toBe('got ß ŉ İ');
});

describe('beyond the table', () => {
  it('-0 is written with its sign', () => {
    expect(valueOf('-1 * 0.0')).toBe('got -0');
  });

  it('EX beyond 32 bits is refused, not cut', () => {
    expect(resultOf('set k 1 ex 4294967297')).toContain('EX takes at most 2147483647 milliseconds');
  });

  it('&& and || evaluate both sides', () => {
    expect(valueOf('false && 1 / 0 == 1')).toBe('errored: Division by zero at line 1');
  });
});
