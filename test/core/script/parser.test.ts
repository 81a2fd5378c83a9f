/** Sections 2 and 3 of the script specification: words, grammar, and what is said of a text that is no script. */

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { nextToken } from '../../../core/script/lexer.js';
import { describeProblem, parseScript, SCRIPT_KEYWORDS } from '../../../core/index.js';
import { problemIn, resultOf, valueOf } from './support/run.js';

function problemOf(source: string): {
  found: string;
  expected: readonly string[];
  line: number;
  column: number;
} {
  const parsed = parseScript(source);
  if (parsed.type === 'Parsed') throw new Error(`"${source}" is a script`);
  const { found, expected, line, column } = parsed.problem;
  return { found, expected, line, column };
}

function isScript(source: string): boolean {
  return parseScript(source).type === 'Parsed';
}

function tokens(source: string): readonly string[] {
  const found: string[] = [];
  for (let token = nextToken(source, 0, 1); token.kind !== 'End';) {
    found.push(`${token.kind} ${token.text}`);
    token = nextToken(source, token.end, token.line);
  }
  return found;
}

describe('words', () => {
  it.each([...SCRIPT_KEYWORDS])('%s is a keyword in any letter case, and no name', (word) => {
    for (const spelled of [word, word.toUpperCase(), word.charAt(0).toUpperCase() + word.slice(1)]) {
      expect(tokens(spelled)).toEqual([`Keyword ${spelled}`]);
    }
    expect(isScript(`let ${word} = 1`)).toBe(false);
    expect(isScript(`get ${word}`)).toBe(false);
    expect(isScript(`get \`${word}\``)).toBe(true);
  });

  it.each(['and', 'or', 'like', 'while', 'elseif'])('%s is a name like any other', (word) => {
    expect(resultOf(`let ${word} = 1 return ${word}`)).toBe('got 1');
  });

  it.each([
    ['del', 'delete'],
    ['edel', 'edelete'],
  ])('%s is short for %s', (short, long) => {
    expect(parseScript(`${short} k`)).toEqual(parseScript(`${long} k`));
  });

  it('names are case-sensitive and may begin with an underscore', () => {
    expect(resultOf('let _a = 1 let _A = 2 return _a')).toBe('got 1');
  });

  it('a name in back quotes holds nearly any characters', () => {
    expect(tokens('`a "b" /#é; \\ c`')).toEqual(['Identifier a "b" /#é; \\ c']);
    expect(resultOf('let `my var` = 4 return `my var` + `my var`')).toBe('got 8');
    expect(valueOf('`len`("abc")')).toBe('got 3');
  });

  it.each([
    ["`a'b`", 'a name in back quotes cannot hold a single quote'],
    ['`a\nb`', 'a name in back quotes is not closed before the line ends'],
    ['`a\tb`', 'a name in back quotes cannot hold the control character U+0009'],
    ['`ab', 'a name in back quotes is not closed'],
    ['"a\tb"', 'a string cannot hold the control character U+0009'],
    ['@$', 'a placeholder is @ and letters, digits or underscores'],
    ['0x', 'a hexadecimal number has digits after 0x'],
    ['1.', 'a number has digits on both sides of its point'],
    ['1.x', 'a number has digits on both sides of its point'],
  ])('%j is refused: %s', (text, why) => {
    expect(problemOf(`return ${text}`).found).toBe(why);
  });

  it.each([
    ['1..10', ['Integer 1', 'Operator ..', 'Integer 10']],
    ['1.5..2', ['Float 1.5', 'Operator ..', 'Integer 2']],
    ['007', ['Integer 007']],
    ['0x2A', ['Integer 0x2A']],
    ['a<=b', ['Identifier a', 'Operator <=', 'Identifier b']],
    ['a<>b!=c', ['Identifier a', 'Operator <>', 'Identifier b', 'Operator !=', 'Identifier c']],
    ['@1a @_', ['Placeholder @1a', 'Placeholder @_']],
    ['{ }', ['Operator {', 'Operator }']],
    ['12abc', ['Integer 12', 'Identifier abc']],
    ['\'a"b\' "a\'b"', ['String a"b', "String a'b"]],
  ])('%s is cut at the longest match', (source, expected) => {
    expect(tokens(source)).toEqual(expected);
  });

  it('braces are words without a meaning', () => {
    expect(problemOf('{ get k }')).toEqual({
      found: 'unexpected "{"',
      expected: ['a statement'],
      line: 1,
      column: 1,
    });
  });

  it('strings that stand side by side are not joined', () => {
    expect(isScript('return "a" "b"')).toBe(false);
  });

  it('an @ by itself is AT', () => {
    expect(parseScript('get k @ 5')).toEqual(parseScript('get k at 5'));
    expect(isScript('get k @5')).toBe(false);
  });

  it('lines end where they end, at LF or CR LF', () => {
    expect(problemOf('get a\r\nget b\n\r\n  oops').line).toBe(4);
  });
});

describe('the grammar', () => {
  it.each([
    ...['set k 1', 'eset k 1 nx xx norev', 'set "k" 1 ex 5 cmp 2 cmprev 3', 'set @k @v EX 1 NX EX 2'],
    ...['get k', 'eget k at 3', 'get k at -1', 'get k as of 1 + 2', 'let x = get k', 'let x = eget k at 1'],
    ...['exists k', 'eexists k as of t', 'let x = exists k', 'delete k', 'edelete k', 'extend k 5'],
    ...['eextend k -5', 'get by bucket b', 'eget by bucket `b/c` as of 9', 'let x = get by bucket b'],
    ...['scan by prefix p', 'escan by prefix @p as of 1', 'let x = scan by prefix p', 'let x = (1)'],
    ...['if a then get b end', 'if a then get b else get c end', 'for i in x do get k end', 'return'],
    ...[
      'begin get k commit end',
      'begin (timeout=5) commit end',
      'begin (a=b, `c d`="e", f=1.5, g=null) commit end',
    ],
    ...['begin (a=-5, b=@p, c=true) commit end', 'commit', 'rollback', 'return 1', 'throw "x"', 'sleep 5'],
    ...['return f()', 'return f(1, a, @b)', 'return x[1][2]', 'return -5'],
    ...['return not not a', 'return !set', 'return not found', 'return a[b[c]]', 'set k not set nx'],
    ...['if a then if b then get c end else get d end', 'return (((1)))', 'let a = 1 let b = 2'],
    ...['return get k', 'set k 5 -3', 'set k -5', 'return 1..2..3', 'get k; get l;'],
  ])('%s', (source) => {
    expect(problemIn(source)).toBe('no problem');
  });

  it.each([
    ['', 'an empty script'],
    ['   \n # only a comment', 'a comment alone'],
    ['if a then end', 'an empty THEN'],
    ['if a then get b else end', 'an empty ELSE'],
    ['for i in x do end', 'an empty loop'],
    ['begin end', 'an empty block'],
    ['begin () commit end', 'empty options'],
    ['if a then get b else if c then get d end', 'ELSE IF with one END'],
    ['f(1)', 'a bare call'],
    ['5', 'a bare literal'],
    ['x = 3', 'an assignment without LET'],
    ['let x == 1', 'LET with two equal signs'],
    ['let x = set k 1', 'LET of a SET'],
    ['let x = delete k', 'LET of a DELETE'],
    ['let x = extend k 1', 'LET of an EXTEND'],
    ['return to_int(get k)', 'a command in a call'],
    ['for i in get by bucket b do get k end', 'a command in a loop'],
    ['get k at n', 'AT of a variable'],
    ['get k at @n', 'AT of a placeholder'],
    ['get k at 1.5', 'AT of a float'],
    ['extend k n', 'EXTEND of a variable'],
    ['sleep @n', 'SLEEP of a placeholder'],
    ['sleep', 'SLEEP of nothing'],
    ['get k at 1 as of 2', 'AT and AS OF together'],
    ['get k as of 2 at 1', 'AS OF and AT together'],
    ['delete k as of 1', 'DELETE of the past'],
    ['scan by prefix p at 1', 'a scan of a revision'],
    ['get 5', 'a number as key'],
    ['return 1 +', 'half a sum'],
    ['return (1', 'half a parenthesis'],
    ['return - 5', 'a minus that stands apart'],
    ['return -x', 'a minus of a variable'],
    ['return +5', 'a plus'],
    ['return x[]', 'an index of nothing'],
    ['return f(1,)', 'a comma too many'],
    ['throw', 'THROW of nothing'],
    ['begin (timeout) commit end', 'an option without a value'],
    ['begin (timeout==5) commit end', 'an option with two equal signs'],
    ['begin (timeout=1+1) commit end', 'an option with a sum'],
    ['begin (timeout=-x) commit end', 'an option with a minus of a word'],
    ['get k end', 'END of nothing'],
    ['not found', 'an expression as statement'],
  ])('%j is no script: %s', (source) => {
    expect(isScript(source)).toBe(false);
  });

  it('ELSE IF takes two ENDs', () => {
    expect(resultOf('if false then return 1 else if true then return 2 end end')).toBe('got 2');
  });

  it('RETURN takes an operand if there is one: a command is none', () => {
    expect(resultOf('let a = 7 return get k')).toBe('got 7');
  });

  it('the options of SET end its value', () => {
    expect(resultOf('set k 1 + 1 nx get k')).toBe('got 2');
  });
});

describe('what is said of a text that is no script', () => {
  test('the place, the token, what was expected, the line and a caret', () => {
    expect(problemIn('let a = 1\nif a == 1 the\n  get k\nend')).toBe(
      [
        'Syntax error at line 2, column 11: unexpected identifier "the"; expected an operator or THEN',
        '  if a == 1 the',
        '            ^',
      ].join('\n'),
    );
  });

  test('tabs stay, so that the caret stands right', () => {
    expect(problemIn('\tlet\tx 5')).toBe(
      'Syntax error at line 1, column 8: unexpected integer "5"; expected "="\n  \tlet\tx 5\n  \t   \t  ^',
    );
  });

  test('a script that breaks off', () => {
    expect(problemOf('for i in')).toEqual({
      found: 'unexpected end of the script',
      expected: ['an expression'],
      line: 1,
      column: 9,
    });
  });

  test('of a long line only the surroundings are shown', () => {
    const described = problemIn(`return ${'"a" + '.repeat(100)} nx ${'b '.repeat(100)}`);

    const [, excerpt = '', caret = ''] = described.split('\n');
    expect(excerpt.length).toBeLessThan(100);
    expect(excerpt.slice(caret.length - 1)).toMatch(/^nx b/);
  });

  test('a hint where a write is assigned', () => {
    expect(problemOf('let x = ESET k 1').found).toContain('ESET has no value to assign');
  });

  test('a hint where a minus stands alone', () => {
    expect(problemOf('return -x').found).toContain('write "0 - x"');
  });

  test.each(['get users/17', 'set users/17 5', 'get by bucket a/b', 'let x = exists a/b', 'delete a / 5'])(
    'a hint where a key wants quotes: %s',
    (source) => {
      const { found } = problemOf(source);
      if (source.includes(' / ')) expect(found).toBe('unexpected "/"');
      else expect(found).toBe('a key with "/" in it stands in quotes, as in get "users/17"');
    },
  );

  test('a hint where a key with a hyphen wants quotes; a minus before a number is that of the number', () => {
    expect(problemOf('set my-key 5').found).toContain('a key with "-" in it stands in quotes');
    expect(resultOf('set k-1 nx get k')).toBe('got -1');
  });

  test('a long token is cut', () => {
    expect(problemIn(`get k ${'x'.repeat(5_000)}`).length).toBeLessThan(400);
  });

  test('whatever a text is, it is a script or refused in a bounded description', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (source) => {
        const parsed = parseScript(source);
        if (parsed.type === 'Parsed') return;
        const described = describeProblem(parsed.problem);
        expect(described).toMatch(/^Syntax error at line \d+, column \d+: /);
        expect(described.length).toBeLessThan(1_000);
        expect(described.isWellFormed()).toBe(true);
        expect(described.split('\n').length).toBe(3);
      }),
      { numRuns: 500 },
    );
  });
});
