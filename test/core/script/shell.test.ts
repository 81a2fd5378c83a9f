/** What the shell asks of the language: colours and completions. */

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { complete, highlight } from '../../../core/index.js';

function coloured(source: string): readonly string[] {
  return highlight(source).map(({ kind, start, end }) => `${kind} ${source.slice(start, end)}`);
}

/** Completes at the bar. */
function offered(marked: string): readonly string[] {
  const offset = marked.indexOf('|');
  const { candidates } = complete(marked.replace('|', ''), offset);
  return candidates.map(({ text }) => text);
}

describe('colours', () => {
  it('tell what each word is', () => {
    expect(
      coloured('let n = to_int(@a) # why\nset `k/1` "v" + 1.5 nx\nif !set then return null end'),
    ).toEqual([
      ...[
        'keyword let',
        'variable n',
        'operator =',
        'function to_int',
        'operator (',
        'placeholder @a',
        'operator )',
      ],
      ...[
        'comment # why',
        'keyword set',
        'key `k/1`',
        'string "v"',
        'operator +',
        'number 1.5',
        'keyword nx',
      ],
      ...[
        'keyword if',
        'operator !',
        'keyword set',
        'keyword then',
        'keyword return',
        'literal null',
        'keyword end',
      ],
    ]);
  });

  it('tell keys by where they stand', () => {
    expect(coloured('get by bucket b scan by prefix "p" delete d')).toEqual([
      ...[
        'keyword get',
        'keyword by',
        'keyword bucket',
        'key b',
        'keyword scan',
        'keyword by',
        'keyword prefix',
      ],
      ...['key "p"', 'keyword delete', 'key d'],
    ]);
  });

  it('tell a key also where a comment stands before it', () => {
    expect(coloured('get # the first\n a')).toEqual(['keyword get', 'comment # the first', 'key a']);
  });

  it('show what is wrong, and go on after it', () => {
    expect(coloured('set k "open\nget % l')).toEqual([
      ...['keyword set', 'key k', 'error "open', 'keyword get', 'error %', 'variable l'],
    ]);
  });

  test('cover all of any text that is not blank, in order, without overlap', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab1 "\'`@#;.+-=<!&|(\n\té😀') }), (source) => {
        let at = 0;
        for (const { start, end } of highlight(source)) {
          expect(source.slice(at, start)).toMatch(/^[ \t\r\n;]*$/);
          expect(end).toBeGreaterThan(start);
          at = end;
        }
        expect(source.slice(at)).toMatch(/^[ \t\r\n;]*$/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('completions', () => {
  it.each([
    ['se|', ['set']],
    ['SE|', ['SET']],
    ['set k 1 |', ['begin', 'cmp', 'cmprev', 'commit']],
    ['set k 1 n|', ['norev', 'nx']],
    ['set k 1 ex 5 n|', ['norev', 'nx']],
    ['get by |', ['bucket']],
    ['get k a|', ['as', 'at']],
    ['get k as |', ['of']],
    ['if a t|', ['then']],
    [
      'if a then get k e|',
      ['edelete', 'eexists', 'eextend', 'eget', 'else', 'end', 'eset', 'exists', 'extend'],
    ],
    ['for i i|', ['in']],
    ['let total = 1 let other = t|', ['total', 'true', 'to_bool', 'to_boolean']],
    ['let x = esc|', ['escan']],
    ['return to_i|', ['to_int', 'to_integer']],
    ['return not |', ['false', 'found', 'not', 'null']],
    ['set @key @value get @|', ['@key', '@value']],
    ['set @key @value get @k|', ['@key']],
    ['let `my var` = 1 return m|', ['max', 'min']],
    ['let `my var` = 1 return |', ['`my var`', 'abs']],
    ['begin (l|', ['locking']],
    ['begin (locking=|', ['optimistic', 'pessimistic']],
    ['begin (timeout=5, priority=h|', ['high']],
    ['begin (timeout=|', []],
    ['let x |', []],
    ['return "tex|', []],
    ['# se|', []],
    ['get `se|', []],
    ['get get se|', ['set']],
    ['|', ['begin', 'commit']],
    ['let a = 1 return a|+ 2', ['abs']],
  ])('%s', (marked, expected) => {
    const candidates = offered(marked);

    for (const each of expected) expect(candidates).toContain(each);
    if (expected.length === 0) expect(candidates).toEqual([]);
    const word = /[@\w]*$/.exec(marked.slice(0, marked.indexOf('|')))?.[0] ?? '';
    for (const each of candidates) expect(each.toLowerCase().startsWith(word.toLowerCase())).toBe(true);
  });

  it.each([
    ['let x = 1 get |', 'x'],
    ['set k |', 'nx'],
    ['if a |', 'set'],
    ['let x = n|', 'nx'],
    ['return 1 + |', 'set'],
  ])('%s does not offer %s', (marked, word) => {
    expect(offered(marked)).not.toContain(word);
  });

  it('say which word they replace', () => {
    expect(complete('set k 1 nor + 2', 11)).toMatchObject({ start: 8, end: 11 });
    expect(complete('get @ab', 7)).toMatchObject({ start: 4, end: 7 });
    expect(complete('get ', 4)).toMatchObject({ start: 4, end: 4 });
  });

  it('never fail, wherever they are asked', () => {
    const source =
      'let a = [1, "x"] if !found then set `k` a[0] ex 5 end # end\nbegin (locking=optimistic) commit end';

    for (let offset = -1; offset <= source.length + 1; offset += 1) {
      const { start, end } = complete(source, offset);
      expect(start).toBeLessThanOrEqual(end);
    }
  });
});
