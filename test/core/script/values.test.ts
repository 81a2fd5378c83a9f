/** Section 4 of the script specification: what values are as text and bytes, and text as numbers. */

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { formatFloat, integerOf, readFloat, readInteger } from '../../../core/script/number-text.js';
import { textOfBytes } from '../../../core/script/text.js';
import { emptyShelf } from './support/shelf.js';
import { resultOf, runScript, said, valueOf } from './support/run.js';

describe('a value is stored as text', () => {
  it.each([
    ['null', ''],
    ['true', 'true'],
    ['false', 'false'],
    ['-7', '-7'],
    ['7.500', '7.5'],
    ['12.0', '12'],
    ['"é€😀"', 'é€😀'],
  ])('%s as %j', (literal, text) => {
    const shelf = emptyShelf();

    expect(resultOf(`set k ${literal}`, { shelf })).toBe('set');

    expect(said(runScript('get k', { shelf }).outcome)).toEqual({
      type: 'got',
      values: [text],
      revisions: [0],
    });
  });

  it('but not an array', () => {
    expect(resultOf('set k 1..2')).toBe('errored: An array cannot be stored at line 1');
  });

  it('and comes back as text', () => {
    expect(resultOf('set k 5 let v = get k return is_str(v)')).toBe('got true');
  });

  it('which is a replacement character where it was none', () => {
    expect(textOfBytes(Uint8Array.of(0x61, 0xff, 0x62))).toBe('a�b');
  });
});

test('bytes are read as every decoder of UTF-8 reads them', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 24 }),
    fc
      .array(fc.constantFrom(0x41, 0xc2, 0xe0, 0xa0, 0xed, 0x9f, 0xf0, 0x90, 0xf4, 0x8f, 0x80, 0xbf))
      .map((each) => Uint8Array.from(each)),
    fc.string({ unit: 'binary', maxLength: 5_000 }).map((text) => new TextEncoder().encode(text)),
  );
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  fc.assert(
    fc.property(bytes, (each) => {
      expect(textOfBytes(each)).toBe(decoder.decode(each));
    }),
    { numRuns: 500 },
  );
});

describe('a float is the shortest text that reads back', () => {
  it.each([
    [7.5, '7.5'],
    [12, '12'],
    [100_000_000_000_000, '100000000000000'],
    [1e15, '1E+15'],
    [0.0001, '0.0001'],
    [0.000_01, '1E-05'],
    [0.1 + 0.2, '0.30000000000000004'],
    [-0, '-0'],
    [Infinity, 'Infinity'],
    [-Infinity, '-Infinity'],
    [NaN, 'NaN'],
    [1_234_567_890_123_456, '1234567890123456'],
    [9_007_199_254_740_992, '9007199254740992'],
    [90_071_992_547_409_920, '9.007199254740992E+16'],
    [1e100, '1E+100'],
    [-1.5e-300, '-1.5E-300'],
    [123_456.75, '123456.75'],
    [5e-324, '5E-324'],
  ])('%d is %s', (value, text) => {
    expect(formatFloat(value)).toBe(text);
  });

  test('whatever it is', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const text = formatFloat(value);
        expect(readFloat(text)).toBe(value);
        expect(text.replace(/E.*|\D/g, '').replace(/^0+|0+$/g, '').length).toBeLessThanOrEqual(17);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('text reads as a whole number', () => {
  it.each([
    ['42', 42n],
    [' +42\t', 42n],
    ['-042', -42n],
    ['9223372036854775807', 9_223_372_036_854_775_807n],
    ['-9223372036854775808', -9_223_372_036_854_775_808n],
    [`${'0'.repeat(10_000)}7`, 7n],
  ])('%j', (text, value) => {
    expect(readInteger(text)).toBe(value);
  });

  it.each([
    '',
    ' ',
    '4 2',
    '1.5',
    '1e3',
    '0x10',
    '--1',
    '9223372036854775808',
    '-9223372036854775809',
    '٣',
    '1,000',
  ])('but %j does not', (text) => {
    expect(readInteger(text)).toBeUndefined();
  });

  test('a text of a million digits is refused at once', () => {
    expect(readInteger('9'.repeat(1_000_000))).toBeUndefined();
    expect(readFloat(`${'9'.repeat(1_000_000)}x`)).toBeUndefined();
  });
});

describe('text reads as a float', () => {
  it.each([
    ['1.5', 1.5],
    [' -1.5e3 ', -1_500],
    ['.5', 0.5],
    ['5.', 5],
    ['+Infinity', Infinity],
    ['-infinity', -Infinity],
    ['NaN', NaN],
    ['1E+15', 1e15],
    ['1e999', Infinity],
  ])('%j', (text, value) => {
    expect(readFloat(text)).toBe(value);
  });

  it.each(['', '.', 'e5', '1e', '1 2', 'Inf', '0x1', '1,000', '1_000'])('but %j does not', (text) => {
    expect(readFloat(text)).toBeUndefined();
  });
});

describe('a literal', () => {
  it.each([
    ['0', '0'],
    ['007', '7'],
    ['-0', '0'],
    ['9223372036854775807', '9223372036854775807'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['2.50', '2.5'],
    ['-2.0', '-2'],
    ['-0.0', '-0'],
  ])('%s is %s', (literal, text) => {
    expect(valueOf(literal)).toBe(`got ${text}`);
  });

  it('that 64 bits do not hold is an error when it is evaluated, not before', () => {
    expect(valueOf('9223372036854775808')).toBe(
      'errored: The number 9223372036854775808 needs more than 64 bits at line 1',
    );
    expect(resultOf('if false then return 9223372036854775808 end return 1')).toBe('got 1');
    expect(integerOf('9223372036854775808')).toBeUndefined();
  });
});

describe('the attributes of a value', () => {
  const shelf = emptyShelf(5_000);
  const fetched = 'eset k 1 ex 700 eset k 2 ex 800 let v = eget k ';

  it.each([
    [
      'are those of the entry',
      'return concat(to_str(rev(v)), concat(" ", to_str(expires(v))))',
      'got 1 5800',
    ],
    ['travel with plain copies', 'let w = v return rev(w)', 'got 1'],
    ['are lost by computation', 'return rev(v + 0)', 'got -1'],
    ['are lost by computation on text', 'return expires(concat(v, ""))', 'got 0'],
    [
      'are -1 and 0 for what was not fetched',
      'return concat(to_str(rev(3)), to_str(expires("x")))',
      'got -10',
    ],
    ['come with EXISTS', 'let e = eexists k return rev(e)', 'got 1'],
    ['come with null as with what was never there', 'let n = get missing return rev(n)', 'got -1'],
  ])('%s', (_why, rest, result) => {
    expect(resultOf(fetched + rest, { shelf: emptyShelf(5_000) })).toBe(result);
  });

  it('come with the elements of an array', () => {
    expect(resultOf('set `b/x` 1 set `b/x` 2 let all = get by bucket b return rev(all[0])', { shelf })).toBe(
      'got 1',
    );
  });

  it('are told with what is returned', () => {
    const { outcome } = runScript(`${fetched} return v`, { shelf: emptyShelf(5_000) });

    expect(outcome.entries[0]).toMatchObject({ revision: 1, expires: { wall: 5_800 } });
    expect(outcome.entries[0]).not.toHaveProperty('key');
  });

  it('rev carries what it says', () => {
    expect(said(runScript(`${fetched} return rev(v)`).outcome)).toEqual({
      type: 'got',
      values: ['1'],
      revisions: [1],
    });
  });
});

describe('CMPREV and AS OF take', () => {
  it.each([
    ['null', 'set k 2 cmprev null', 'set'],
    ['false', 'set k 2 cmprev false', 'set'],
    ['true', 'set k 2 cmprev true', 'notSet'],
    ['an int', 'set k 2 cmprev 0', 'set'],
    ['a float', 'set k 2 cmprev 0.9', 'set'],
    ['text', 'set k 2 cmprev " 0 "', 'set'],
    ['a revision that there cannot be', 'set k 2 cmprev 9223372036854775807', 'notSet'],
    ['a revision below all', 'set k 2 cmprev -7', 'notSet'],
    [
      'not other text',
      'set k 2 cmprev "x"',
      'errored: CMPREV takes a whole number, which this string is not at line 1',
    ],
    ['not an array', 'set k 2 cmprev 1..2', 'errored: CMPREV takes a whole number, not an array at line 1'],
    [
      'not an array either',
      'get k as of 1..2',
      'errored: AS OF takes a whole number, not an array at line 1',
    ],
    ['text', 'get k as of "1000000"', 'got 1'],
  ])('%s', (_what, script, result) => {
    const shelf = emptyShelf();
    resultOf('set k 1', { shelf });

    expect(resultOf(script, { shelf })).toBe(result);
  });
});
