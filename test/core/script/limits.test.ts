/** No script can stall or fill a node: length, depth, steps, memory, and what a turn may take. */

import { describe, expect, it, test } from 'vitest';
import { parseScript } from '../../../core/index.js';
import { problemIn, resultOf, runScript, valueOf } from './support/run.js';

describe('depth', () => {
  const deep = 60_000;
  it.each([
    ['parentheses', `return ${'('.repeat(deep)}1${')'.repeat(deep)}`],
    ['parentheses that stay open', `return ${'('.repeat(deep)}`],
    ['NOT', `return ${'not '.repeat(deep / 8)}true`],
    ['exclamation marks', `return ${'!'.repeat(deep)}true`],
    ['calls', `return ${'abs('.repeat(deep / 8)}1`],
    ['lists', `return ${'['.repeat(deep)}`],
    ['indexes', `return ${'x['.repeat(deep / 2)}`],
    ['IF', 'if true then '.repeat(deep / 16)],
    ['ELSE', 'if true then get k else '.repeat(deep / 32)],
    ['FOR', 'for i in x do '.repeat(deep / 16)],
    ['BEGIN', 'begin '.repeat(deep / 8)],
  ])('of %s is bounded, and the error says so', (_what, source) => {
    expect(problemIn(source)).toContain('nested too deeply: at most 64 levels are allowed');
  });

  it('that is allowed can be run', () => {
    expect(valueOf(`${'('.repeat(64)}1${')'.repeat(64)}`)).toBe('got 1');
    expect(valueOf(`${'!'.repeat(64)}true`)).toBe('got true');
    expect(resultOf(`${'if true then '.repeat(64)} return 1 ${'end '.repeat(64)}`)).toBe('got 1');
  });

  it('of a long chain is none', () => {
    expect(valueOf(`1${' + 1'.repeat(20_000)}`)).toBe('got 20001');
    expect(valueOf(`[1]${'[0]'.repeat(1)}`)).toBe('got 1');
    expect(problemIn(`return x${'[0]'.repeat(20_000)}`)).toBe('no problem');
  });

  it('counts blocks and parentheses together', () => {
    const source = `${'if true then '.repeat(40)} return ${'('.repeat(25)}1`;

    expect(problemIn(source)).toContain('nested too deeply');
  });
});

describe('length', () => {
  it('is bounded', () => {
    expect(problemIn(`return "${'x'.repeat(131_072)}"`)).toContain(
      'the script has 131081 characters; at most 131072 are allowed',
    );
    expect(parseScript('return 1', { maxSourceLength: 7, maxDepth: 64 }).type).toBe('Refused');
    expect(parseScript('return 1', { maxSourceLength: 8, maxDepth: 64 }).type).toBe('Parsed');
  });
});

describe('steps', () => {
  it('of a loop are bounded', () => {
    const nested = 'for a in 1..1000 do for b in 1..1000 do let x = a end end';

    expect(resultOf(nested, { limits: { maxStepsPerTurn: 1_000_000_000 } })).toBe(
      'errored: The script took more than 1000000 steps at line 1',
    );
  });

  it('count what long texts cost', () => {
    const script = `
      let s = @s
      for i in 1..100000 do
        let same = s == "y"
      end`;
    const { outcome } = runScript(script, {
      parameters: { '@s': 'x'.repeat(1_000_000) },
      limits: { maxStepsPerTurn: 1_000_000_000 },
    });

    expect(outcome.reason).toBe('The script took more than 1000000 steps at line 4');
  });

  it('count what long names cost', () => {
    const name = 'n'.repeat(6_400);
    const { steps } = runScript(`let ${name} = 1 let x = ${name} + ${name}`);

    expect(steps).toBeGreaterThan(300);
    expect(steps).toBeLessThan(400);
  });

  it('count what long keys cost that are compared with each other', () => {
    const parameters = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`@k${i}`, `${'k'.repeat(10_000)}${i}`]),
    );
    const script = Object.keys(parameters)
      .map((key) => `set ${key} 1`)
      .join(' ');

    const { steps, effects } = runScript(script, { parameters });

    expect(steps).toBeGreaterThan(20_000);
    // The row ends when the turn's steps are used up, so that no turn is long.
    expect(effects.filter(([first]) => first?.type === 'Operate').length).toBeGreaterThan(3);
  });

  it('of one statement are bounded too', () => {
    expect(valueOf(`1${' + 1'.repeat(2_000)}`, { limits: { maxSteps: 1_000 } })).toContain(
      'more than 1000 steps',
    );
  });

  it('pause a run, which goes on as if nothing had been', () => {
    const script = 'let n = 0 for i in 1..1000 do let n = n + i end return n';

    const fast = runScript(script, { limits: { maxStepsPerTurn: 1_000_000 } });
    const slow = runScript(script, { limits: { maxStepsPerTurn: 100 } });

    expect(fast.pauses).toBe(0);
    expect(slow.pauses).toBeGreaterThan(50);
    expect(slow.outcome).toEqual(fast.outcome);
    expect(slow.steps).toBe(fast.steps);
  });
});

describe('memory', () => {
  it.each([
    ['a text that doubles', 'let s = "x" for i in 1..60 do let s = concat(s, s) end'],
    [
      'a long text in many cases',
      `let s = @s return [${Array.from({ length: 50 }, () => 'upper(s)').join(', ')}]`,
    ],
    ['a long text many times', `let s = @s return [${Array.from({ length: 50 }, () => 's').join(', ')}]`],
    ['many ranges', `return [${Array.from({ length: 50 }, () => 'count(1..100000)').join(', ')}]`],
    ['variables', Array.from({ length: 50 }, (_, i) => `let v${i} = 1..90000`).join(' ')],
    ['JSON', 'let s = @s return to_json([s, s])'],
    ['loops', `${'for i in 1..90000 do '.repeat(20)} let x = 1 ${'end '.repeat(20)}`],
    [
      'a split',
      'let s = @s let a = split(s, "y") let b = split(s, "y") let c = [a[0], b[0], s, s, s, s, s, s, s]',
    ],
    [
      'what is stored',
      'set k @s set l @s set m @s set n @s set o @s set p @s set q @s set r @s set s @s set t @s',
    ],
  ])('of %s is bounded', (_what, script) => {
    const { outcome } = runScript(script, {
      parameters: { '@s': 'x'.repeat(1_000_000) },
      limits: { maxStepsPerTurn: 1_000_000_000, maxMemoryBytes: 16_000_000, maxSteps: 100_000_000 },
    });

    if (script.startsWith('set')) expect(outcome.code).toBe(0);
    else expect(outcome.reason).toMatch(/^The script needs more than 16000000 bytes of memory at line 1$/);
  });

  it('of parameters counts', () => {
    expect(
      resultOf('return 1', { parameters: { '@x': 'x'.repeat(10_000) }, limits: { maxMemoryBytes: 10_000 } }),
    ).toBe('errored: The script needs more than 10000 bytes of memory at line 1');
  });

  it('that is free again counts no more', () => {
    const script = 'for i in 1..500 do let s = upper(@s) end return len(s)';

    expect(
      resultOf(script, {
        parameters: { '@s': 'x'.repeat(10_000) },
        limits: { maxMemoryBytes: 100_000 },
      }),
    ).toBe('got 10000');
  });

  it('is counted down to what is held', () => {
    const { evaluations } = runScript(
      'let a = 1..500 let a = 1 for i in 1..300 do let b = i end sleep 1 let b = 1',
    );
    const last = evaluations.at(-1);

    expect(last?.heldBytes).toBeLessThan(400);
    expect(last?.heldBytes).toBeGreaterThan(0);
  });
});

describe('arrays', () => {
  it.each([
    ['1..101', 'errored: An array of 101 elements is too long: at most 100 at line 1'],
    ['count(1..100)', 'got 100'],
    [`count([${'1,'.repeat(100)}1])`, 'errored: An array of 101 elements is too long: at most 100 at line 1'],
    [
      `count(split("${','.repeat(500)}", ","))`,
      'errored: An array of 101 elements is too long: at most 100 at line 1',
    ],
  ])('%s', (expression, result) => {
    expect(valueOf(expression, { limits: { maxArrayItems: 100 } })).toBe(result);
  });
});

test('what limits a script is the same on every run', () => {
  const script = 'let s = "x" for i in 1..60 do let s = concat(s, s) end';

  expect(runScript(script)).toEqual(runScript(script));
});
