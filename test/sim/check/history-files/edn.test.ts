import { describe, expect, it } from 'vitest';
import { readEdn } from '../../../../sim/check/history-files/edn.js';
import { showForm } from '../../../../sim/check/history-files/form.js';
import { UnreadableHistory } from '../../../../sim/check/history-files/unreadable.js';

const shown = (text: string): readonly string[] => readEdn(text).map(showForm);

describe('the reader of EDN', () => {
  it.each([
    ['nil true false', ['nil', 'true', 'false']],
    ['12 -3 +7 0 12N 007', ['12', '-3', '7', '0', '12', '7']],
    [
      '9223372036854775807 123456789012345678901234567890N',
      ['9223372036854775807', '123456789012345678901234567890'],
    ],
    ['0.5 1.0 1.5e3 2M 1/3 0x1f', ['0.5', '1', '1500', '2', '1/3', '31']],
    [':a :a/b :timed-out x + -', [':a', ':a/b', ':timed-out', 'x', '+', '-']],
    ['"a\\n\\"b\\" \\u0041\\\\"', ['"a\\n\\"b\\" A\\\\"']],
    ['\\a \\newline \\u0041 \\(', ['\\a', '\\\n', '\\A', '\\(']],
    ['[1 [2 nil]] (1 2) [1,2]', ['[1 [2 nil]]', '[1 2]', '[1 2]']],
    ['#{3 1 2} {:b 1, :a [2]}', ['#{1 2 3}', '{:a [2], :b 1}']],
    ['#jepsen.history.Op{:index 0} #inst "2026"', ['#jepsen.history.Op {:index 0}', '#inst "2026"']],
    ['#object[x.Y 0x1f "z"] #error {:via []} ##Inf', ['#object [x.Y 31 "z"]', '#error {:via []}', '##Inf']],
    ['1 ; two three\n4 #_ 5 #_[6 7] 8 #_#_ 9 10 11', ['1', '4', '8', '11']],
    ['#"a\\.b"', ['"a\\\\.b"']],
    ['', []],
    ['  ; nothing', []],
  ])('reads %s', (text, expected) => {
    expect(shown(text)).toEqual(expected);
  });

  it.each([
    ['[1 2', 1, 1, 'a closing ]'],
    ['{:a 1\n :b', 1, 1, 'a closing }'],
    ['{:a 1\n :b}', 2, 2, 'a key and its value'],
    ['[1)', 1, 3, 'a value'],
    ['1\n2\n  "abc', 3, 3, 'a string with a closing quote'],
    ['"a\\q"', 1, 3, 'one of the escapes'],
    ['"\\u00g1"', 1, 4, 'four hexadecimal digits'],
    ['12abc', 1, 1, 'a number'],
    ['\\foo', 1, 1, 'a character'],
    ['#', 1, 1, 'a tag'],
    ['#_', 1, 3, 'the form that #_ passes over'],
    ['{"a": 1}', 1, 5, 'a keyword'],
    ['['.repeat(500), 1, 201, 'no more than 200 levels'],
  ])('says where and why it cannot read %s', (text, line, column, expected) => {
    let error: unknown;

    try {
      readEdn(text);
    } catch (thrown) {
      error = thrown;
    }

    expect(error).toBeInstanceOf(UnreadableHistory);
    expect(error).toMatchObject({ line, column });
    expect((error as UnreadableHistory).trouble.expected).toContain(expected);
    expect((error as UnreadableHistory).trouble.advice).toMatch(/\.$|\?$/);
  });
});
