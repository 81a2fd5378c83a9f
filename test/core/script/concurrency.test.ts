/** Which statements are asked at once, and that nobody can tell. */

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { conflict } from '../../../core/script/independence.js';
import { emptyShelf } from './support/shelf.js';
import { resultOf, runScript, said } from './support/run.js';

/** How many operations each step asks for. */
function rows(script: string, maxConcurrent = 64): readonly number[] {
  const { effects } = runScript(script, { limits: { maxConcurrent }, parameters: { '@a': 'a', '@b': 'b' } });
  return effects.filter(([first]) => first?.type === 'Operate').map((each) => each.length);
}

describe('at once are asked', () => {
  it.each([
    ['writes of different keys', 'set a 1 set b 2 delete c extend d 5', [4]],
    ['reads of one key', 'get a get a exists a', [3]],
    ['one name in two spaces', 'set a 1 eset a 2', [2]],
    ['a read and a write of another key', 'let x = get a set b 1', [2]],
    ['keys given by parameters', 'set @a 1 set @b 2', [2]],
    ['a bucket and a write elsewhere', 'get by bucket b set `c/1` 1', [2]],
  ])('%s', (_what, script, expected) => {
    expect(rows(script)).toEqual(expected);
  });
});

describe('one after another are asked', () => {
  it.each([
    ['two writes of one key', 'set a 1 set a 2', [1, 1]],
    ['a write and a read of it', 'set a 1 get a', [1, 1]],
    ['a read and a write of it', 'get a set a 1', [1, 1]],
    ['one key under two names', 'set a 1 set @a 2', [1, 1]],
    ['what needs a variable that is read', 'let x = get a set b x', [1, 1]],
    ['what needs it in an option', 'let x = get a set b 1 cmp x', [1, 1]],
    ['what needs it for its instant', 'let x = get a get b as of x', [1]],
    ['what asks how a write ended', 'set a 1 set b not set', [1, 1]],
    ['what asks whether something was found', 'get a set b not found', [1, 1]],
    ['a bucket and a write into it', 'set `b/1` 1 get by bucket b', [1, 1]],
    ['a scan and a write into it', 'scan by prefix b set `b/1` 1', [1, 1]],
    ['what a LET separates', 'set a 1 let x = 1 set b 2', [1, 1]],
    ['more than may be at once', 'set a 1 set b 2 set c 3 set d 4 set e 5', [2, 2, 1]],
  ])('%s', (_what, script, expected) => {
    expect(rows(script, script.includes('set e') ? 2 : 64)).toEqual(expected);
  });
});

describe('what is wrong with a later statement', () => {
  it('is told after those before it are done', () => {
    const { effects, outcome } = runScript('set a 1 set b 1 / 0');

    expect(effects.map((each) => each.map(({ type }) => type))).toEqual([
      ['Begin'],
      ['Operate'],
      ['Rollback'],
    ]);
    expect(outcome.reason).toBe('Division by zero at line 1');
  });

  it('is a result of its own where it is one', () => {
    expect(resultOf('set a 1 set b 2 ex -1')).toBe('invalidInput');
    expect(resultOf('set a 1 set b 2 ex -1 set c 3 get b')).toBe('doesNotExist');
  });
});

test('whether operations conflict does not depend on which is first', () => {
  const key = fc.constantFrom('a', 'b', 'b/1', 'b/c/1', 'b/');
  const space = fc.constantFrom({}, { ephemeral: true } as const);
  const operation = fc
    .tuple(fc.constantFrom('Set', 'Delete', 'Extend', 'Get', 'Exists', 'Bucket', 'Scan'), key, space)
    .map(([type, name, where]) => {
      switch (type) {
        case 'Set':
          return { type, key: name, value: new Uint8Array(), flags: 1, ...where } as const;
        case 'Bucket':
        case 'Scan':
          return { type, prefix: name, limit: 1, ...where } as const;
        default:
          return { type: type as 'Get', key: name, ...where } as const;
      }
    });

  fc.assert(
    fc.property(operation, operation, (a, b) => {
      expect(conflict(a, b)).toBe(conflict(b, a));
    }),
    { numRuns: 1_000 },
  );
});

test('a script that is asked one by one ends as one that is asked at once', () => {
  const key = fc.constantFrom('a', 'b', '`b/1`', '`b/2`');
  const statement = fc.oneof(
    fc
      .tuple(
        fc.constantFrom('set', 'eset'),
        key,
        fc.constantFrom('1', 'x', 'y', 'not set', 'not found', '1 / 0'),
        fc.constantFrom('', 'nx', 'xx', 'cmp 1', 'cmprev 0', 'ex 500', 'ex -1'),
      )
      .map((words) => words.join(' ')),
    fc
      .tuple(fc.constantFrom('delete', 'get', 'exists', 'let x = get', 'let y = exists', 'edelete'), key)
      .map((words) => words.join(' ')),
    key.map((name) => `extend ${name} 700`),
    fc.constantFrom(
      'get by bucket b',
      'let x = get by bucket b',
      'scan by prefix b',
      'let x = 1',
      'sleep 400',
    ),
  );
  const script = fc
    .array(statement, { minLength: 2, maxLength: 12 })
    .map((each) => `let x = 0 let y = 0 set z 0 ${each.join('\n')}`);

  fc.assert(
    fc.property(script, (source) => {
      const one = emptyShelf();
      const many = emptyShelf();

      const single = runScript(source, { shelf: one, limits: { maxConcurrent: 1 } });
      const together = runScript(source, { shelf: many });

      expect({ ...said(together.outcome), reason: together.outcome.reason }).toEqual({
        ...said(single.outcome),
        reason: single.outcome.reason,
      });
      expect(many.committed).toEqual(one.committed);
    }),
    { numRuns: 400 },
  );
});
