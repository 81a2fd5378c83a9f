import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Form } from '../../../../sim/check/history-files/form.js';
import { readJson } from '../../../../sim/check/history-files/json.js';
import { UnreadableHistory } from '../../../../sim/check/history-files/unreadable.js';

describe('the reader of JSON', () => {
  it('reads what the engine reads, with the same result', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(3), (value, indent) => {
        const forms = readJson(JSON.stringify(value, null, indent));

        expect(forms.map(plain)).toEqual([JSON.parse(JSON.stringify(value, numbersAsText))]);
      }),
      { numRuns: 300 },
    );
  });

  it('reads one value after another, on lines or not', () => {
    const forms = readJson('{"a":1}\n{"a":2} [3]\r\n\n');

    expect(forms.map(plain)).toEqual([{ a: '1' }, { a: '2' }, ['3']]);
  });

  it.each([
    ['{"a":1,\n"b" 2}', 2, 5, 'a colon'],
    ['[1 2]', 1, 4, 'a comma or ]'],
    ['{a:1}', 1, 2, 'the quoted name of a member'],
    ['[1,\n', 1, 1, 'a closing bracket'],
    ['[1,]', 1, 4, 'a JSON value'],
    ['01', 1, 1, 'a JSON value'],
    ['[nul]', 1, 2, 'a JSON value'],
    ['{:type :invoke}', 1, 2, 'the quoted name of a member'],
  ])('says where and why it cannot read %s', (text, line, column, expected) => {
    expect(() => readJson(text)).toThrow(UnreadableHistory);
    expect(() => readJson(text)).toThrow(`line ${line}, column ${column}: `);
    expect(() => readJson(text)).toThrow(`expected ${expected}`);
  });
});

/** Numbers become texts on both sides: a form keeps a number's text, in one spelling. */
function plain(form: Form): unknown {
  switch (form.type) {
    case 'nil':
      return null;
    case 'number':
      return form.text;
    case 'vector':
      return form.items.map(plain);
    case 'map':
      return Object.fromEntries(form.entries.map(([key, value]) => [plain(key), plain(value)]));
    case 'boolean':
    case 'text':
      return form.value;
    default:
      throw new Error(`JSON has no ${form.type}`);
  }
}

function numbersAsText(_key: string, value: unknown): unknown {
  if (typeof value !== 'number') return value;
  const text = JSON.stringify(value);
  return /^-?\d+$/.test(text) ? BigInt(text).toString() : String(Number(text));
}
