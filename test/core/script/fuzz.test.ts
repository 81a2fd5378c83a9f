/**
 * Scripts that nobody would write: made by the grammar, and texts with bytes changed at random.
 *
 * Whatever comes: it ends, within its limits, with an outcome; it throws nothing; and one that fails leaves nothing behind.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DEFAULT_SCRIPT_LIMITS,
  describeProblem,
  highlight,
  prepareScript,
  SCRIPT_FUNCTIONS,
  ScriptCode,
} from '../../../core/index.js';
import { emptyShelf, type Shelf } from './support/shelf.js';
import { resultOf, runScript } from './support/run.js';

const name = fc.constantFrom('a', 'b', 'c', '`x y`', 'total');
const key = fc.oneof(name, fc.constantFrom('`b/1`', '`b/2`', '"b/c/3"', '@k', '@none', '""', '`__kahuna:x`'));
const whole = fc
  .oneof(fc.integer({ min: -3, max: 12 }), fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }))
  .map(String);
const leaf = fc.oneof(
  whole,
  fc.constantFrom('1.5', '-0.0', '1000000.25', '0x1F', '"text"', "'7'", '""', 'true', 'false', 'null'),
  fc.constantFrom('@k', '@n', '@none', 'not set', '!found'),
  name,
);
const operator = fc.constantFrom(
  ...['+', '-', '*', '/', '=', '==', '<>', '!=', '<', '>', '<=', '>=', '&&', '||', '..'],
);

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.tuple(tie('expression'), operator, tie('expression')).map((parts) => parts.join(' ')),
    fc.tuple(fc.constantFrom('not ', '!', ''), tie('expression')).map(([sign, inner]) => `${sign}(${inner})`),
    fc.tuple(tie('expression'), tie('expression')).map(([base, place]) => `(${base})[${place}]`),
    fc
      .tuple(fc.constantFrom(...SCRIPT_FUNCTIONS, 'nope'), fc.array(tie('expression'), { maxLength: 3 }))
      .map(([called, inputs]) => `${called}(${inputs.join(', ')})`),
    fc.array(tie('expression'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
  ),
}));

const option = fc.oneof(
  fc.constantFrom('nx', 'xx', 'norev'),
  fc
    .tuple(fc.constantFrom('ex', 'cmp', 'cmprev'), fc.oneof(leaf, expression))
    .map((parts) => parts.join(' ')),
);
const selector = fc.oneof(
  fc.constant(''),
  whole.map((n) => `at ${n}`),
  leaf.map((e) => `as of ${e}`),
);
const read = fc.oneof(
  fc
    .tuple(fc.constantFrom('get', 'eget', 'exists', 'eexists'), key, selector)
    .map((parts) => parts.join(' ')),
  fc
    .tuple(fc.constantFrom('get by bucket', 'eget by bucket', 'scan by prefix', 'escan by prefix'), key)
    .map((parts) => parts.join(' ')),
);

const { statements } = fc.letrec<{ statement: string; statements: string }>((tie) => ({
  statement: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc
      .tuple(fc.constantFrom('set', 'eset'), key, expression, fc.array(option, { maxLength: 3 }))
      .map(([verb, k, value, options]) => [verb, k, `(${value})`, ...options].join(' ')),
    read,
    fc.tuple(name, read).map(([variable, asked]) => `let ${variable} = ${asked}`),
    fc.tuple(name, expression).map(([variable, value]) => `let ${variable} = ${value}`),
    fc.tuple(fc.constantFrom('delete', 'del', 'edelete'), key).map((parts) => parts.join(' ')),
    fc.tuple(fc.constantFrom('extend', 'eextend'), key, whole).map((parts) => parts.join(' ')),
    fc.tuple(fc.constantFrom('return', 'throw'), expression).map((parts) => parts.join(' ')),
    fc.constantFrom('commit', 'rollback', 'return', 'sleep 3', 'sleep -1', 'begin set a 1 commit end'),
    fc
      .tuple(expression, tie('statements'), tie('statements'))
      .map(([e, yes, no]) => `if ${e} then ${yes} else ${no} end`),
    fc
      .tuple(name, expression, tie('statements'))
      .map(([variable, e, body]) => `for ${variable} in ${e} do ${body} end`),
  ),
  statements: fc.array(tie('statement'), { minLength: 1, maxLength: 5 }).map((each) => each.join('\n')),
}));

const script = fc.oneof(
  { weight: 4, arbitrary: statements },
  { weight: 2, arbitrary: statements.map((body) => `begin (autoCommit=true, timeout=50) ${body} end`) },
  { weight: 1, arbitrary: statements.map((body) => `begin (locking=optimistic) ${body} commit end`) },
  { weight: 1, arbitrary: statements.map((body) => `begin (snapshot=1000500) ${body} commit end`) },
);

const limits = { maxSteps: 20_000, maxStepsPerTurn: 500, maxMemoryBytes: 1 << 18, maxArrayItems: 2_000 };
const parameters = { '@k': 'b/2', '@n': '3' };

function stocked(): Shelf {
  const shelf = emptyShelf();
  resultOf('set a 1 set `b/1` "x" set `b/2` 2 ex 60000 eset a 3', { shelf });
  shelf.now += 1_000;
  return shelf;
}

const GOOD: ReadonlySet<number> = new Set([
  ...[
    ScriptCode.set,
    ScriptCode.notSet,
    ScriptCode.extended,
    ScriptCode.got,
    ScriptCode.deleted,
    ScriptCode.exists,
  ],
  ...[ScriptCode.doesNotExist, ScriptCode.invalidInput],
]);

/** Runs a text, if it is a script, and checks what must hold of every run. */
function survive(source: string): void {
  highlight(source);
  const prepared = prepareScript(source, { ...DEFAULT_SCRIPT_LIMITS, ...limits });
  if (prepared.type === 'Refused') {
    expect(describeProblem(prepared.problem)).toContain('Syntax error');
    return;
  }
  const shelf = stocked();
  const before = shelf.committed;

  const { outcome, steps, evaluations } = runScript(source, { shelf, parameters, limits });

  // The statement that went over a limit is the last one.
  expect(steps).toBeLessThan(limits.maxSteps + 20_000);
  for (const { heldBytes } of evaluations) expect(heldBytes).toBeLessThanOrEqual(limits.maxMemoryBytes);
  expect(shelf.staged).toBeUndefined();
  if (!GOOD.has(outcome.code)) {
    expect([ScriptCode.errored, ScriptCode.aborted]).toContain(outcome.code);
    expect(outcome.reason).toBeDefined();
    expect(outcome.entries).toEqual([]);
    expect(shelf.committed).toBe(before);
  }
  if (outcome.code === ScriptCode.errored) expect(outcome.reason).toMatch(/ at line \d+$/);
}

test('what the grammar makes is a script, and ends well or changes nothing', () => {
  fc.assert(
    fc.property(script, (source) => {
      expect(prepareScript(source).type).toBe('Prepared');
      survive(source);
    }),
    { numRuns: 2_000 },
  );
});

test('a script with changed bytes is refused, or ends well, or changes nothing', () => {
  const change = fc.record({
    at: fc.nat(1_000),
    remove: fc.nat(4),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc
        .constantFrom('"', "'", '`', '(', ')', '[', 'end', ' then ', '..', '-', '@', '#', '\n')
        .map((text) => new TextEncoder().encode(text)),
    ),
  });
  fc.assert(
    fc.property(script, fc.array(change, { minLength: 1, maxLength: 4 }), (source, changes) => {
      let bytes = new TextEncoder().encode(source);
      for (const { at, remove, insert } of changes) {
        const place = at % (bytes.length + 1);
        bytes = Uint8Array.from([...bytes.subarray(0, place), ...insert, ...bytes.subarray(place + remove)]);
      }
      survive(new TextDecoder().decode(bytes));
    }),
    { numRuns: 2_000 },
  );
});

test('words in any order are refused, or end well, or change nothing', () => {
  const word = fc.constantFrom(
    ...[
      'let',
      'set',
      'get',
      'if',
      'then',
      'else',
      'end',
      'for',
      'in',
      'do',
      'begin',
      'commit',
      'return',
      'a',
      'b',
    ],
    ...[
      '1',
      '"x"',
      '@k',
      '=',
      '+',
      '-',
      '(',
      ')',
      '[',
      ']',
      ',',
      '..',
      'not',
      'found',
      'nx',
      'ex',
      'by',
      'bucket',
      'at',
    ],
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 15 }), (words) => {
      survive(words.join(' '));
    }),
    { numRuns: 2_000 },
  );
});
