/** Sections 7 to 10 of the script specification: what each statement does, gives and refuses. */

import { describe, expect, it } from 'vitest';
import { prepareScript, startScript, stepScript } from '../../../core/index.js';
import { clocksOf, emptyShelf, type Shelf } from './support/shelf.js';
import { inShort, resultOf, runScript, said } from './support/run.js';

/** A shelf on which these scripts have run, one after another, 1,000 ms apart. */
function after(...scripts: readonly string[]): Shelf {
  const shelf = emptyShelf(10_000);
  for (const script of scripts) {
    resultOf(script, { shelf });
    shelf.now += 1_000;
  }
  return shelf;
}

const tell = (script: string, shelf: Shelf): unknown => said(runScript(script, { shelf }).outcome);

describe.each([
  ['persistent', ''],
  ['ephemeral', 'e'],
])('%s keys', (_space, e) => {
  it('count every SET and DELETE, also across them', () => {
    const shelf = emptyShelf();

    expect(tell(`${e}set k 1`, shelf)).toEqual({ type: 'set', values: [null], revisions: [0] });
    expect(tell(`${e}set k 1`, shelf)).toEqual({ type: 'set', values: [null], revisions: [1] });
    expect(tell(`${e}extend k 500`, shelf)).toEqual({ type: 'extended', values: [null], revisions: [1] });
    expect(tell(`${e}delete k`, shelf)).toEqual({ type: 'deleted', values: [null], revisions: [2] });
    expect(tell(`${e}set k 2`, shelf)).toEqual({ type: 'set', values: [null], revisions: [3] });
    expect(tell(`${e}get k`, shelf)).toEqual({ type: 'got', values: ['2'], revisions: [3] });
    expect(tell(`${e}exists k`, shelf)).toEqual({ type: 'exists', values: [null], revisions: [3] });
  });

  it('that are not there say so', () => {
    const shelf = emptyShelf();
    const nothing = { type: 'doesNotExist', values: [null], revisions: [-1] };

    for (const verb of ['get', 'exists', 'delete', 'edelete', 'extend']) {
      const script = `${e}${verb.replace(/^e(?=del)/, '')} k${verb === 'extend' ? ' 5' : ''}`;
      expect(tell(script, shelf)).toEqual(nothing);
    }
    expect(tell(`${e}get by bucket b`, shelf)).toEqual({ type: 'doesNotExist', values: [], revisions: [] });
    expect(tell(`${e}scan by prefix b`, shelf)).toEqual({ type: 'doesNotExist', values: [], revisions: [] });
  });

  it('live in a space of their own', () => {
    const other = e === '' ? 'e' : '';
    const shelf = after(`${other}set k 1`);

    expect(resultOf(`${e}get k`, { shelf })).toBe('doesNotExist');
  });
});

describe('SET', () => {
  it.each([
    ['set k 2 nx', 'notSet', [4]],
    ['set k 2 xx', 'set', [5]],
    ['set fresh 2 nx', 'set', [0]],
    ['set fresh 2 xx', 'notSet', [-1]],
    ['set fresh 2 nx xx', 'notSet', [-1]],
    ['set k 2 nx xx', 'notSet', [4]],
    ['set gone 2 nx', 'set', [2]],
    ['set gone 2 xx', 'notSet', [1]],
    ['set k 2 cmp 5', 'set', [5]],
    ['set k 2 cmp "5"', 'set', [5]],
    ['set k 2 cmp 5.0', 'set', [5]],
    ['set k 2 cmp "5.0"', 'notSet', [4]],
    ['set k 2 cmp 6', 'notSet', [4]],
    ['set fresh 2 cmp ""', 'set', [0]],
    ['set fresh 2 cmp null', 'set', [0]],
    ['set k 2 cmprev 4', 'set', [5]],
    ['set k 2 cmprev 3', 'notSet', [4]],
    ['set fresh 2 cmprev -1', 'set', [0]],
    ['set gone 2 cmprev 1', 'set', [2]],
    ['set k 2 cmprev 4 cmp 5 xx', 'set', [5]],
    ['set k 2 cmprev 4 cmp 6 xx', 'notSet', [4]],
    ['set k 2 cmp 6 cmp 5', 'set', [5]],
  ])('%s: %s', (script, type, revisions) => {
    const shelf = after('set k 1', 'set k 2', 'set k 3', 'set k 4', 'set k 5', 'set gone 1', 'delete gone');

    expect(tell(script, shelf)).toEqual({ type, values: [null], revisions });
  });

  it('without EX ends what expiry there was', () => {
    const shelf = after('set k 1 ex 60000', 'set k 2');

    expect(resultOf('let v = get k return expires(v)', { shelf })).toBe('got 0');
  });

  it.each([
    ['ex 500', 'doesNotExist'],
    ['ex 1000', 'got 1'],
    ['ex 2 * 500', 'got 1'],
    ['ex 0', 'got 1'],
    ['ex 500 ex 2000', 'got 1'],
  ])('%s, after a second: %s', (option, result) => {
    expect(resultOf('get k', { shelf: after(`set k 1 ${option}`) })).toBe(result);
  });

  it.each([
    ['ex 1.5', 'EX takes a whole number of milliseconds, not float'],
    ['ex null', 'EX takes a whole number of milliseconds, not null'],
    ['ex "soon"', 'EX takes a whole number of milliseconds, not a string that is none'],
    ['ex 2147483648', 'EX takes at most 2147483647 milliseconds, not 2147483648'],
    ['cmp 1..2', 'An array cannot be compared with a value'],
  ])('%s fails', (option, why) => {
    expect(resultOf(`set k 1 ${option}`)).toBe(`errored: ${why} at line 1`);
  });

  it('with a negative EX is invalid input, and writes nothing', () => {
    const shelf = emptyShelf();

    expect(tell('set k 1 ex -1', shelf)).toEqual({ type: 'invalidInput', values: [], revisions: [] });
    expect(resultOf('set k 1 ex -1 set other 2', { shelf })).toBe('set');
    expect(resultOf('get k', { shelf })).toBe('doesNotExist');
    expect(resultOf('get other', { shelf })).toBe('got 2');
  });

  it('evaluates its options before its value', () => {
    expect(resultOf('set k missing ex null')).toContain('EX takes');
    expect(resultOf('set k missing ex 5')).toContain('Undefined variable missing');
  });

  it('with NOREV keeps no history, and counts all the same', () => {
    const shelf = after('set k 1', 'set k 2 norev', 'set k 3');

    expect(resultOf('get k at 0', { shelf })).toBe('doesNotExist');
    expect(resultOf('get k at 1', { shelf })).toBe('doesNotExist');
    expect(tell('get k at 2', shelf)).toEqual({ type: 'got', values: ['3'], revisions: [2] });
  });
});

describe('reads of the past', () => {
  const shelf = (): Shelf => after('set k 1 ex 90000', 'set k 2', 'delete k', 'set k 3');

  it.each([
    ['get k at 0', 'got 1'],
    ['get k at 1', 'got 2'],
    ['get k at 2', 'doesNotExist'],
    ['get k at 3', 'got 3'],
    ['get k at 4', 'doesNotExist'],
    ['get k at -1', 'got 3'],
    ['get k @ 1', 'got 2'],
    ['exists k at 1', 'exists'],
    ['exists k at 2', 'doesNotExist'],
    ['get k as of 9999', 'doesNotExist'],
    ['get k as of 10000', 'got 1'],
    ['get k as of 11500', 'got 2'],
    ['get k as of 12500', 'doesNotExist'],
    ['get k as of 10000 + 3000', 'got 3'],
    ['exists k as of 10500', 'exists'],
    ['let v = get k at 0 return expires(v)', 'got 0'],
    ['let v = exists k at 2 return v', 'got false'],
    ['let v = exists k at 1 return v', 'got true'],
    ['get k as of 0', 'errored: AS OF takes an instant in milliseconds since 1970, not 0 at line 1'],
    ['get k as of -5', 'errored: AS OF takes an instant in milliseconds since 1970, not -5 at line 1'],
    ['get k at 2147483648', 'errored: AT takes a number of 32 bits, not 2147483648 at line 1'],
  ])('%s: %s', (script, result) => {
    expect(resultOf(script, { shelf: shelf() })).toBe(result);
  });

  it('do not see what the script wrote', () => {
    const own = 'set k "own" ';

    expect(resultOf(`${own} get k`, { shelf: shelf() })).toBe('got own');
    expect(resultOf(`${own} get k at 4`, { shelf: shelf() })).toBe('doesNotExist');
    expect(resultOf(`${own} get k at -1`, { shelf: shelf() })).toBe('got 3');
    expect(resultOf(`${own} get k as of 99999`, { shelf: shelf() })).toBe('got 3');
  });
});

describe('DELETE and EXTEND', () => {
  it.each([
    ['delete k', 'deleted'],
    ['del k', 'deleted'],
    ['delete lapsed', 'doesNotExist'],
    ['delete gone', 'doesNotExist'],
    ['extend k 1', 'extended'],
    ['extend k 0', 'extended'],
    ['extend lapsed 5', 'doesNotExist'],
    ['extend gone 5', 'doesNotExist'],
    ['extend k -5', 'invalidInput'],
    ['extend k 2147483648', 'errored: EXTEND takes a number of 32 bits, not 2147483648 at line 1'],
  ])('%s: %s', (script, result) => {
    const shelf = after('set lapsed 1 ex 5', 'set gone 1', 'delete gone', 'set k 1 ex 60000');

    expect(resultOf(script, { shelf })).toBe(result);
  });

  it('EXTEND counts from now, be that longer or shorter', () => {
    const shelf = after('set k 1 ex 60000', 'extend k 1500');

    expect(resultOf('let v = get k return expires(v)', { shelf })).toBe('got 12500');
  });
});

describe('buckets and scans', () => {
  const shelf = (): Shelf =>
    after(
      'set `b/2` 2',
      'set `b/1` 1',
      'set `b/c/3` 3',
      'set `bc` 4',
      'set `b/x` 5',
      'delete `b/x`',
      'eset `b/e` 6',
    );

  it.each([
    ['get by bucket b', 'got 1 2'],
    ['get by bucket `b/c`', 'got 3'],
    ['eget by bucket b', 'got 6'],
    ['get by bucket bc', 'doesNotExist'],
    ['get by bucket b as of 10500', 'got 2'],
    ['get by bucket b as of 14500', 'got 1 2 5'],
    ['scan by prefix b', 'got 1 2 3 4'],
    ['scan by prefix `b/`', 'got 1 2 3'],
    ['escan by prefix b', 'got 6'],
    ['scan by prefix b as of 10000', 'got 2'],
    ['let all = get by bucket b return count(all)', 'got 2'],
    ['let all = get by bucket none return count(all)', 'got 0'],
    ['let all = scan by prefix `b/` return count(all)', 'got 3'],
    ['let all = get by bucket b return all', 'got 1 2'],
    ['set `b/9` 9 delete `b/1` get by bucket b', 'got 2 9'],
  ])('%s: %s', (script, result) => {
    expect(resultOf(script, { shelf: shelf() })).toBe(result);
  });

  it('tell key, revision and expiry of every entry', () => {
    const { outcome } = runScript('get by bucket b', {
      shelf: after('set `b/1` 1 ex 5000', 'set `b/1` 2 ex 5000'),
    });

    expect(outcome.entries).toEqual([
      {
        key: 'b/1',
        value: new TextEncoder().encode('2'),
        revision: 1,
        expires: { node: 1, wall: 16_000, counter: 0 },
        lastModified: { node: 1, wall: 11_000, counter: 0 },
      },
    ]);
  });
});

describe('what the store says is not touched', () => {
  it('bytes that are no text come back as they are, unless a variable takes them', () => {
    const shelf = emptyShelf();
    resultOf('set k "x"', { shelf });
    const bytes = Uint8Array.of(0xff, 0x00, 0x80);
    const place = [...shelf.committed.keys()][0] as string;
    const versions = shelf.committed.get(place);
    if (versions === undefined) throw new Error('the key is not there');
    shelf.committed = new Map([[place, { ...versions, newest: { ...versions.newest, value: bytes } }]]);

    expect(runScript('get k', { shelf }).outcome.entries[0]?.value).toEqual(bytes);
    expect(resultOf('let v = get k return v', { shelf })).toBe('got �\0�');
  });

  it('a reserved key is invalid input, and does not abort', () => {
    expect(resultOf('set `__kahuna:x` 1')).toBe('invalidInput');
    expect(resultOf('set `__kahuna:x` 1 set y 2 get y')).toBe('got 2');
  });
});

describe('LET, IF and FOR', () => {
  it.each([
    ['let a = 5', 'got 5'],
    ['let a = 1..3', 'got 1 2 3'],
    ['let a = null', 'got '],
    ['let a = 1 let a = "x" return a', 'got x'],
    ['if true then return 1 else return 2 end', 'got 1'],
    ['if false then return 1 else return 2 end', 'got 2'],
    ['if null then return 1 else return 2 end', 'got 2'],
    ['if 1 then return 1 else return 2 end', 'got 2'],
    ['if "true" then return 1 else return 2 end', 'got 2'],
    ['if 1..2 then return 1 else return 2 end', 'got 2'],
    ['if 1 / 0 then return 1 else return 2 end', 'errored: Division by zero at line 1'],
    ['if true then let b = 7 end return b', 'got 7'],
    ['if true then let b = 7 else let b = 8 end', 'got 7'],
    ['for i in 1..3 do let last = i end return last + i', 'got 6'],
    ['for i in 1..0 do let x = 1 end return 5', 'got 5'],
    ['for i in 1..0 do let x = 1 end return i', 'errored: Undefined variable i at line 1'],
    ['for i in null do get k end', 'errored: FOR takes an array, not null at line 1'],
    ['for i in "abc" do get k end', 'errored: FOR takes an array, not string at line 1'],
    ['let n = 0 for i in 1..2 do for j in 1..3 do let n = n + i * j end end return n', 'got 18'],
    ['let n = 0 let a = 1..3 for i in a do let a = 1..9 let n = n + 1 end return n', 'got 3'],
    ['for i in 5..3 do if i == 6 then return i end end', 'got 6'],
    ['for i in 1..3 do set k i end get k', 'got 3'],
    ['return missing', 'errored: Undefined variable missing at line 1'],
    ['if false then return missing end return 1', 'got 1'],
  ])('%s: %s', (script, result) => {
    expect(resultOf(script)).toBe(result);
  });
});

describe('RETURN and THROW', () => {
  it.each([
    ['return', 'got'],
    ['set k 1 return', 'set'],
    ['return 5 set k 1', 'got 5'],
    ['throw "no more"', 'errored: no more at line 1'],
    ['throw null', 'errored: (null) at line 1'],
    ['throw true', 'errored: true at line 1'],
    ['throw 2.50', 'errored: 2.5 at line 1'],
    ['throw 1..2', 'errored: An array cannot be thrown at line 1'],
  ])('%s: %s', (script, result) => {
    expect(resultOf(script)).toBe(result);
  });

  it('what was written before a RETURN stays, before a THROW not', () => {
    const shelf = emptyShelf();

    resultOf('set a 1 return 5', { shelf });
    resultOf('set b 1 throw "x"', { shelf });

    expect(resultOf('get a', { shelf })).toBe('got 1');
    expect(resultOf('get b', { shelf })).toBe('doesNotExist');
  });
});

describe('SLEEP', () => {
  it('takes its time', () => {
    const shelf = emptyShelf(0);

    expect(resultOf('sleep 100 let t = current_time()', { shelf })).toBe('got 100');
  });

  it.each(['-1', '300001', '99999999999999999999'])('refuses %s', (ms) => {
    expect(resultOf(`sleep ${ms}`)).toMatch(
      /^errored: SLEEP takes 0 to 300000 milliseconds, not -?\d+ at line 1$/,
    );
  });
});

describe('parameters', () => {
  const parameters = { '@k': 'key', '@n': '6', '@empty': '', '@1': 'one' };

  it.each([
    ['set @k 1 get key', 'got 1'],
    ['return @n * 3', 'got 18'],
    ['return @n + @n', 'errored: Invalid operands: string + string at line 1'],
    ['return to_int(@n) + to_int(@n)', 'got 12'],
    ['return is_str(@n)', 'got true'],
    ['return (1..9)[@n]', 'errored: Invalid operands: array [ string ] at line 1'],
    ['return (1..9)[to_int(@n)]', 'got 7'],
    ['return @N', 'errored: Undefined parameter @N at line 1'],
    ['return @1', 'got one'],
    ['return "@n"', 'got @n'],
    ['set `@n` 1 get `@n`', 'got 1'],
    ['get @empty', 'invalidInput'],
    ['let v = get @empty', 'invalidInput'],
    ['set @empty 1 set b 1', 'aborted'],
    ['if false then set @missing 1 end return 1', 'errored: Undefined parameter @missing at line 1'],
    ['if false then return @missing end return 1', 'got 1'],
    ['if false then exists @missing end return 1', 'errored: Undefined parameter @missing at line 1'],
    ['begin (locking=optimistic) if false then set @missing 1 end return 1 end', 'aborted'],
  ])('%s: %s', (script, result) => {
    expect(resultOf(script, { parameters })).toBe(result);
  });

  it('count once: of two with one name the first, and a value of null is none', () => {
    const prepared = prepareScript('return @a');
    if (prepared.type === 'Refused') throw new Error(prepared.problem.found);
    const returned = (...values: readonly (string | null)[]): string => {
      const parameters = values.map((value) => ({ name: '@a', value }));
      const now = clocksOf(emptyShelf());
      let step = startScript({ plan: prepared.plan, parameters, now });
      for (const type of ['Begun', 'Done'] as const) {
        if (step.type === 'Ended') break;
        step = stepScript(step.evaluation, { type: 'Answered', now, answers: [{ type }] });
      }
      return step.type === 'Ended' ? inShort(step.outcome) : step.type;
    };

    expect(returned('1', '2')).toBe('got 1');
    expect(returned(null, '2')).toBe('got 2');
    expect(returned(null)).toBe('errored');
  });

  it('are never read again as a script', () => {
    const injected = { '@k': '1 nx delete all', '@v': '" set x 1 "' };

    expect(resultOf('set @k @v get @k', { parameters: injected })).toBe('got " set x 1 "');
  });
});

describe('an empty name', () => {
  it.each(['set `` 1', 'get ""', 'begin (locking=optimistic) delete `` commit end', 'set `` 1 get a'])(
    '%s fails: it is written out',
    (script) => {
      expect(resultOf(script)).toBe('errored: The key is empty at line 1');
    },
  );
});
