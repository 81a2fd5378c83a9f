/** Sections 1, 11 and 12 of the script specification: modes, options, how transactions begin and end, what is returned. */

import { describe, expect, it, test } from 'vitest';
import {
  monotonicMs,
  prepareScript,
  ScriptCode,
  startScript,
  stepScript,
  wallMs,
  type ScriptAnswer,
  type ScriptEffect,
  type ScriptStep,
  type ScriptTransactionOptions,
} from '../../../core/index.js';
import { emptyShelf } from './support/shelf.js';
import { inShort, resultOf, runScript, said } from './support/run.js';

const at = (ms: number): { monotonic: ReturnType<typeof monotonicMs>; wall: ReturnType<typeof wallMs> } => ({
  monotonic: monotonicMs(ms),
  wall: wallMs(ms),
});

function begin(source: string, parameters: Readonly<Record<string, string>> = {}): ScriptStep {
  const prepared = prepareScript(source);
  if (prepared.type === 'Refused') throw new Error(prepared.problem.found);
  const named = Object.entries(parameters).map(([name, value]) => ({ name, value }));
  return startScript({ plan: prepared.plan, parameters: named, now: at(0) });
}

function answer(step: ScriptStep, answers: readonly ScriptAnswer[], now = 0): ScriptStep {
  if (step.type === 'Ended') throw new Error('it is over');
  return stepScript(step.evaluation, { type: 'Answered', now: at(now), answers });
}

function elapse(step: ScriptStep, now: number): ScriptStep {
  if (step.type === 'Ended') throw new Error('it is over');
  return stepScript(step.evaluation, { type: 'Elapsed', now: at(now) });
}

function effectsOf(step: ScriptStep): readonly ScriptEffect[] {
  return step.type === 'Needs' ? step.effects : [];
}

function endOf(step: ScriptStep): string {
  if (step.type !== 'Ended') return step.type;
  const { code, reason = '' } = step.outcome;
  return code >= 99 ? `${inShort(step.outcome)}: ${reason}` : inShort(step.outcome);
}

const BEGUN: ScriptAnswer = { type: 'Begun' };
const DONE: ScriptAnswer = { type: 'Done' };

describe('the mode follows from the shape', () => {
  it.each([
    ...['set k 1', 'eset k 1 nx', 'get k', 'let v = get k', 'exists k', 'let v = exists k', 'delete k'],
    ...['edelete k', 'extend k 5', 'get by bucket b', 'let v = get by bucket b', 'scan by prefix p'],
    ...['let v = scan by prefix p', 'get k at 1', 'get k as of 5'],
  ])('%s runs directly', (script) => {
    const { effects } = runScript(script);

    expect(effects.map((each) => each.map(({ type }) => type))).toEqual([['Operate']]);
  });

  it.each([
    'let a = 1',
    'if true then get k end',
    'for i in 1..1 do get k end',
    'return 1',
    'sleep 5',
    'get a get b',
  ])('%s is a transaction that commits by itself', (script) => {
    const types = runScript(script)
      .effects.flat()
      .map(({ type }) => type);

    expect(types[0]).toBe('Begin');
    expect(types.at(-1)).toBe('Commit');
  });

  it('THROW alone is a transaction too', () => {
    expect(
      runScript('throw 1')
        .effects.flat()
        .map(({ type }) => type),
    ).toEqual(['Begin', 'Rollback']);
  });

  it.each([
    ['commit', 'COMMIT'],
    ['rollback', 'ROLLBACK'],
  ])('%s alone is invalid', (script, word) => {
    expect(resultOf(script)).toBe(
      `errored: Invalid transaction: ${word} stands alone, there is nothing to end at line 1`,
    );
    expect(runScript(script).effects).toEqual([]);
  });

  it('an error of a script that runs directly needs no rollback', () => {
    expect(resultOf('set k 1 / 0')).toBe('errored: Division by zero at line 1');
    expect(runScript('set k 1 / 0').effects).toEqual([]);
  });
});

describe('how a script ends (section 11.3)', () => {
  const endings = {
    implicit: (body: string) => `set k 1 ${body}`,
    begin: (body: string) => `begin set k 1 ${body} end`,
    autoCommit: (body: string) => `begin (autoCommit=true) set k 1 ${body} end`,
  };

  it.each([
    ['implicit', 'let z = 1', 'got 1', true],
    ['begin', 'let z = 1', 'aborted', false],
    ['autoCommit', 'let z = 1', 'got 1', true],
    ['implicit', 'return 5', 'got 5', true],
    ['begin', 'return 5', 'aborted', false],
    ['autoCommit', 'return 5', 'got 5', true],
    ['implicit', 'commit set k 2', 'set', true],
    ['begin', 'commit set k 2', 'set', true],
    ['autoCommit', 'commit set k 2', 'set', true],
    ['implicit', 'rollback set k 2', 'aborted', false],
    ['begin', 'rollback set k 2', 'aborted', false],
    ['autoCommit', 'rollback set k 2', 'aborted', false],
    ['implicit', 'throw "x"', 'errored', false],
    ['begin', 'throw "x"', 'errored', false],
    ['autoCommit', 'throw "x"', 'errored', false],
    ['implicit', 'let z = 1 / 0', 'errored', false],
    ['begin', 'let z = 1 / 0 commit', 'errored', false],
    ['autoCommit', 'let z = 1 / 0', 'errored', false],
    ['implicit', 'for i in 1..3 do if i == 2 then commit end set k i end', 'set', true],
    ['begin', 'for i in 1..3 do if i == 2 then rollback end set k i end', 'aborted', false],
  ] as const)('%s, %s: %s', (kind, body, result, kept) => {
    const shelf = emptyShelf();

    const { outcome } = runScript(endings[kind](body), { shelf });

    expect(inShort(outcome)).toBe(result);
    expect(resultOf('get k', { shelf })).toBe(kept ? 'got 1' : 'doesNotExist');
    if (!kept) expect(shelf.committed.size).toBe(0);
  });

  it('an abort says why, and shows no values', () => {
    expect(runScript('begin set k 1 rollback end').outcome).toEqual({
      code: ScriptCode.aborted,
      entries: [],
      reason: 'The script rolled back',
    });
    expect(runScript('begin set k 1 end').outcome.reason).toBe('The script ended without COMMIT');
  });

  it('a discarded script leaves values, revisions, expiries and histories as they were', () => {
    const shelf = emptyShelf();
    resultOf('set k 1 ex 5000', { shelf });
    const before = shelf.committed;

    resultOf('set k 2 extend k 9 delete k set k 3 eset k 4 throw "x"', { shelf });

    expect(shelf.committed).toBe(before);
  });

  it('two writes of one key count twice, and only the last is published', () => {
    const shelf = emptyShelf();

    expect(said(runScript('set k 1 set k 2', { shelf }).outcome).revisions).toEqual([1]);
    expect(resultOf('get k at 0', { shelf })).toBe('doesNotExist');
    expect(resultOf('get k at 1', { shelf })).toBe('got 2');
  });

  it('both key spaces share the fate of the transaction', () => {
    const shelf = emptyShelf();

    resultOf('set k 1 eset k 2', { shelf });
    resultOf('set k 3 eset k 4 rollback', { shelf });

    expect(resultOf('get k', { shelf })).toBe('got 1');
    expect(resultOf('eget k', { shelf })).toBe('got 2');
  });
});

describe('the options of BEGIN', () => {
  function optionsOf(options: string): ScriptTransactionOptions | string {
    const step = begin(`begin (${options}) set k 1 commit end`);
    const [effect] = effectsOf(step);
    return effect?.type === 'Begin' ? effect.options : endOf(step);
  }

  const defaults = { locking: 'pessimistic', asyncRelease: false, timeoutMs: 5_000 };

  it.each([
    ['locking=optimistic', { locking: 'optimistic' }],
    ['locking="pessimistic"', {}],
    ['asyncRelease=yes', { asyncRelease: true }],
    ['asyncRelease="no"', {}],
    ['timeout=250', { timeoutMs: 250 }],
    ['timeout="250"', { timeoutMs: 250 }],
    ['timeout=0', {}],
    ['timeout=-1', {}],
    ['timeout=9999999', { timeoutMs: 300_000 }],
    ['admissionWait=100', { admissionWaitMs: 100 }],
    ['admissionWait=99999', { admissionWaitMs: 30_000 }],
    ['admissionWait=0', {}],
    ['admissionWait=100, admissionWait=0', {}],
    ['snapshot=1234', { snapshotMs: 1_234 }],
    ['snapshot="1234"', { snapshotMs: 1_234 }],
    ['priority=high', { priority: 'high' }],
    ['priority="background"', { priority: 'background' }],
    ['LOCKING=nonsense', {}],
    ['unknown=null, other=@x', {}],
    ['timeout=1, timeout=2', { timeoutMs: 2 }],
    [
      'locking="optimistic", priority=low, admissionWait=7, timeout=9, asyncRelease=true',
      { locking: 'optimistic', priority: 'low', admissionWaitMs: 7, timeoutMs: 9, asyncRelease: true },
    ],
  ])('%s', (options, expected) => {
    expect(optionsOf(options)).toEqual({ ...defaults, ...expected });
  });

  it.each([
    ['locking=both', 'it is pessimistic or optimistic'],
    ['locking=null', 'null is no value'],
    ['autoCommit=1', 'it is true, false, yes or no'],
    ['asyncRelease=maybe', 'it is true, false, yes or no'],
    ['timeout=soon', 'it is a whole number of milliseconds'],
    ['timeout=1.5', 'it is a whole number of milliseconds'],
    ['admissionWait="x"', 'it is a whole number of milliseconds'],
    ['snapshot=0', 'it is an instant in milliseconds since 1970'],
    ['snapshot=yesterday', 'it is an instant in milliseconds since 1970'],
    ['priority=urgent', 'it is one of background, low, normal, high, critical'],
    ['timeout=@t', 'a placeholder cannot be the value of an option'],
  ])('%s is refused, and nothing runs', (option, why) => {
    const [name = '', value = ''] = option.split('=');
    expect(optionsOf(`locking=optimistic, ${option}`)).toBe(
      `errored: Invalid option ${name}="${value.replaceAll('"', '')}": ${why} at line 1`,
    );
  });

  it('autoCommit commits at the end', () => {
    expect(resultOf('begin (autoCommit=yes, timeout=5) set k 1 end')).toBe('set');
    expect(resultOf('begin (autoCommit=no) set k 1 end')).toBe('aborted');
  });

  it('a script of several statements has the defaults', () => {
    const [effect] = effectsOf(begin('set k 1 set l 2'));

    expect(effect).toMatchObject({ type: 'Begin', options: defaults });
  });
});

describe('locks', () => {
  it('are taken on every key that is written or read plainly anywhere, once, in order', () => {
    const script = `
      let x = get a
      if x == 1 then set @k 1 nx else eset a 2 end
      get a  exists b  get c at 1  get d as of 5  delete e  extend f 5
      get by bucket g  get by bucket h as of 5  eget by bucket g  scan by prefix i`;

    expect(effectsOf(begin(script, { '@k': 'p' }))).toMatchObject([
      {
        type: 'Begin',
        locks: [
          { type: 'Key', key: 'a' },
          { type: 'Key', key: 'p' },
          { type: 'Key', key: 'a', ephemeral: true },
          { type: 'Key', key: 'e' },
          { type: 'Key', key: 'f' },
          { type: 'Bucket', bucket: 'g' },
          { type: 'Bucket', bucket: 'g', ephemeral: true },
        ],
      },
    ]);
  });

  it('are not taken by an optimistic transaction', () => {
    expect(effectsOf(begin('begin (locking=optimistic) set k 1 commit end'))).toMatchObject([{ locks: [] }]);
  });

  it('that others hold abort the script, which says which', () => {
    const shelf = emptyShelf();
    shelf.locked.add('b');

    expect(runScript('set a 1 set b 2', { shelf }).outcome).toEqual({
      code: ScriptCode.aborted,
      entries: [],
      reason: 'the key b is locked',
    });
  });

  it('a node that is full says so, and nothing was started', () => {
    const refused: ScriptAnswer = { type: 'Stopped', code: ScriptCode.admissionRefused, reason: 'full' };

    expect(endOf(answer(begin('set a 1 set b 2'), [refused]))).toBe('admissionRefused: full');
  });
});

describe('conflicts', () => {
  const told = (code: ScriptCode, reason?: string): ScriptAnswer => ({
    type: 'Answered',
    code,
    entries: [],
    ...(reason !== undefined && { reason }),
  });

  it.each([
    [told(ScriptCode.aborted, 'a newer write'), 'aborted: a newer write'],
    [told(ScriptCode.mustRetry, 'no leader'), 'aborted: no leader'],
    [told(ScriptCode.errored), 'aborted: The store could not answer'],
    [{ type: 'Stopped', code: ScriptCode.mustRetry, reason: 'gone' } as const, 'aborted: gone'],
  ])('while it runs roll it back', (given, end) => {
    const running = answer(begin('set a 1 let x = 1'), [BEGUN]);

    const discarding = answer(running, [given]);

    expect(effectsOf(discarding)).toEqual([{ type: 'Rollback' }]);
    expect(endOf(answer(discarding, [DONE]))).toBe(end);
  });

  it('at its commit are its end', () => {
    const committing = answer(answer(begin('set a 1 let x = 1'), [BEGUN]), [told(ScriptCode.set)]);
    expect(effectsOf(committing)).toEqual([{ type: 'Commit' }]);

    const conflict: ScriptAnswer = {
      type: 'Stopped',
      code: ScriptCode.aborted,
      reason: 'a key was read and changed',
    };

    expect(endOf(answer(committing, [conflict]))).toBe('aborted: a key was read and changed');
    expect(endOf(answer(committing, [DONE]))).toBe('got 1');
  });

  it('are the result of a script that runs directly', () => {
    expect(endOf(answer(begin('set a 1'), [told(ScriptCode.mustRetry, 'no leader')]))).toBe(
      'mustRetry: no leader',
    );
  });
});

describe('time', () => {
  it('counts from when the transaction has begun', () => {
    const waiting = elapse(begin('begin (timeout=100) set a 1 commit end'), 5_000);
    expect(waiting).toMatchObject({ type: 'Needs', effects: [], deadline: undefined });

    const running = answer(waiting, [BEGUN], 6_000);

    expect(running).toMatchObject({ type: 'Needs', deadline: 6_100 });
  });

  it('that is over aborts, whatever the script waits for', () => {
    const asking = answer(begin('begin (timeout=100) set a 1 commit end'), [BEGUN], 0);
    expect(elapse(asking, 99)).toMatchObject({ type: 'Needs', effects: [], deadline: 100 });

    const late = elapse(asking, 100);

    expect(effectsOf(late)).toEqual([{ type: 'Rollback' }]);
    expect(endOf(answer(late, [DONE], 9_999))).toBe('aborted: The script ran into its timeout of 100 ms');
  });

  it('interrupts a sleep', () => {
    const sleeping = answer(begin('begin (timeout=100) sleep 5000 commit end'), [BEGUN]);
    expect(effectsOf(sleeping)).toEqual([{ type: 'Sleep', ms: 5_000 }]);

    expect(effectsOf(elapse(sleeping, 100))).toEqual([{ type: 'Rollback' }]);
  });

  it('does not touch a commit that is under way', () => {
    const told: ScriptAnswer = { type: 'Answered', code: ScriptCode.set, entries: [] };
    const committing = answer(answer(begin('begin (timeout=100) set a 1 commit end'), [BEGUN]), [told]);

    expect(elapse(committing, 500)).toMatchObject({ type: 'Needs', effects: [], deadline: undefined });
    expect(endOf(answer(committing, [DONE], 500))).toBe('set');
  });

  it('ends a loop', () => {
    const shelf = emptyShelf();

    expect(
      runScript('begin (timeout=50) for i in 1..9 do sleep 20 end commit end', { shelf }).outcome,
    ).toEqual({
      code: ScriptCode.aborted,
      entries: [],
      reason: 'The script ran into its timeout of 50 ms',
    });
  });
});

describe('a snapshot', () => {
  const shelf = emptyShelf(1_000);
  resultOf('set k "old"', { shelf });
  shelf.now = 2_000;
  resultOf('set k "new" set `b/1` 1', { shelf });

  it.each([
    ['get k', 'got old'],
    ['get k as of 2000', 'got new'],
    ['get k at 1', 'got new'],
    ['let all = get by bucket b return count(all)', 'aborted'],
    ['exists `b/1`', 'doesNotExist'],
  ])('shows %s as %s', (body, result) => {
    expect(resultOf(`begin (snapshot=1500) ${body} commit end`, { shelf })).toBe(result);
  });

  it.each(['set k 1', 'delete k', 'extend k 1', 'eset k 1'])('does not take %s', (write) => {
    const { outcome } = runScript(`begin (snapshot=1500) get k ${write} commit end`, { shelf });

    expect(outcome).toEqual({
      code: ScriptCode.aborted,
      entries: [],
      reason: 'A snapshot transaction cannot write',
    });
  });
});

describe('nesting', () => {
  it.each([
    'begin begin set k 1 commit end commit end',
    'set k 1 begin set l 1 commit end',
    'if true then begin set l 1 commit end end',
    'begin set k 1 commit end set l 1',
  ])('%s fails, and nothing is kept', (script) => {
    const shelf = emptyShelf();

    expect(resultOf(script, { shelf })).toContain('errored: Nested transactions are not supported');
    expect(shelf.committed.size).toBe(0);
  });

  it('that is not reached does no harm', () => {
    expect(resultOf('if false then begin set l 1 commit end end return 1')).toBe('got 1');
  });
});

describe('what a script returns (section 12)', () => {
  it.each([
    ['set k 1 get k', 'got 1'],
    ['get k set k 1', 'set'],
    ['set k 1 if true then sleep 1 end', 'set'],
    ['let x = get k', 'doesNotExist'],
    ['set k 5 return get k', 'set'],
    ['return 5', 'got 5'],
    ['return null', 'got '],
    ['return 1..0', 'got'],
    ['return 1..3', 'got 1 2 3'],
    ['begin set k 1 commit end', 'set'],
    ['set k 1 if false then get k end', 'set'],
  ])('%s: %s', (script, result) => {
    expect(resultOf(script)).toBe(result);
  });

  test('nobody can tell the number 5 from the text', () => {
    const bytes = (script: string): unknown => runScript(script).outcome.entries;

    expect(bytes('return 5')).toEqual(bytes('return "5"'));
  });

  test('codes are those of the wire', () => {
    expect(ScriptCode).toEqual({
      ...{ set: 0, notSet: 1, extended: 2, got: 3, deleted: 4, exists: 10, errored: 99, invalidInput: 100 },
      ...{ mustRetry: 101, aborted: 102, doesNotExist: 103, admissionRefused: 108 },
    });
  });
});
