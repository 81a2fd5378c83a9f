/**
 * The parser: recursive descent over statements, one token ahead.
 *
 * It never fails otherwise than by a problem that says where and why, and it is bounded: in the length of the source and in how deep
 * blocks and expressions nest, together.
 */

import {
  accept,
  advance,
  enter,
  leave,
  looksAt,
  openCursor,
  refuse,
  refuseBecause,
  demand,
  wants,
  type Cursor,
} from './cursor.js';
import { DEFAULT_SCRIPT_LIMITS, type ScriptLimits } from './limits.js';
import { beginsExpression, parseExpression } from './parse-expression.js';
import { parseRead, parseSet, parseDelete, parseExtend } from './parse-store.js';
import type { SyntaxProblem } from './problem.js';
import type { BeginOption, BeginStatement, Script, Statement } from './syntax.js';
import { parseInteger } from './parse-expression.js';

export type Parsed =
  | { readonly type: 'Parsed'; readonly script: Script }
  | { readonly type: 'Refused'; readonly problem: SyntaxProblem };

export type ParseLimits = Pick<ScriptLimits, 'maxSourceLength' | 'maxDepth'>;

/** The script that a text is, or what is wrong with the text. */
export function parseScript(source: string, limits: ParseLimits = DEFAULT_SCRIPT_LIMITS): Parsed {
  const cursor = openCursor(source.slice(0, limits.maxSourceLength), limits.maxDepth);
  if (source.length > limits.maxSourceLength) {
    refuseBecause(
      cursor,
      `the script has ${source.length} characters; at most ${limits.maxSourceLength} are allowed`,
    );
  }
  const script = cursor.problem === undefined ? parseAll(cursor) : undefined;
  return script === undefined
    ? { type: 'Refused', problem: cursor.problem as SyntaxProblem }
    : { type: 'Parsed', script };
}

/** All statements up to the end of the source. The cursor keeps what could have stood there instead. */
export function parseAll(cursor: Cursor): Script | undefined {
  const script = parseStatements(cursor);
  if (script === undefined) return undefined;
  return looksAt(cursor, 'end of script') ? script : refuse(cursor);
}

/** One statement or more. */
function parseStatements(cursor: Cursor): Script | undefined {
  const statements: Statement[] = [];
  do {
    const statement = parseStatement(cursor);
    if (statement === undefined) return undefined;
    statements.push(statement);
  } while (beginsStatement(cursor));
  return statements;
}

function beginsStatement(cursor: Cursor): boolean {
  if (STATEMENTS.has(cursor.token.symbol)) return true;
  wants(cursor, 'a statement');
  return false;
}

type Rule = (cursor: Cursor) => Statement | undefined;

const STATEMENTS: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['set', parseSet],
  ['eset', parseSet],
  ['get', parseRead],
  ['eget', parseRead],
  ['exists', parseRead],
  ['eexists', parseRead],
  ['scan', parseRead],
  ['escan', parseRead],
  ['delete', parseDelete],
  ['edelete', parseDelete],
  ['extend', parseExtend],
  ['eextend', parseExtend],
  ['let', parseLet],
  ['if', parseIf],
  ['for', parseFor],
  ['begin', parseBegin],
  ['commit', (cursor) => ({ type: 'Commit', line: advance(cursor).line })],
  ['rollback', (cursor) => ({ type: 'Rollback', line: advance(cursor).line })],
  ['return', parseReturn],
  ['throw', parseThrow],
  ['sleep', parseSleep],
]);

function parseStatement(cursor: Cursor): Statement | undefined {
  const rule = STATEMENTS.get(cursor.token.symbol);
  if (rule !== undefined) return rule(cursor);
  wants(cursor, 'a statement');
  return refuse(cursor);
}

const READS = ['get', 'eget', 'exists', 'eexists', 'scan', 'escan'];
const WRITES = ['set', 'eset', 'delete', 'edelete', 'extend', 'eextend'];

function parseLet(cursor: Cursor): Statement | undefined {
  const { line } = advance(cursor);
  const name = demand(cursor, 'identifier');
  if (name === undefined || demand(cursor, '=') === undefined) return undefined;
  if (READS.some((read) => looksAt(cursor, read))) return parseRead(cursor, { name: name.text, line });
  if (WRITES.includes(cursor.token.symbol)) {
    return refuseBecause(
      cursor,
      `${cursor.token.text.toUpperCase()} has no value to assign: let it stand by itself and ask "not set"`,
    );
  }
  const value = parseExpression(cursor);
  return value && { type: 'Let', name: name.text, value, line };
}

function parseIf(cursor: Cursor): Statement | undefined {
  const { line } = advance(cursor);
  const condition = parseExpression(cursor);
  if (condition === undefined || demand(cursor, 'then') === undefined) return undefined;
  const then = parseBlock(cursor);
  if (then === undefined) return undefined;
  const otherwise = accept(cursor, 'else') === undefined ? [] : parseBlock(cursor);
  return otherwise && demand(cursor, 'end') && { type: 'If', condition, then, otherwise, line };
}

function parseFor(cursor: Cursor): Statement | undefined {
  const { line } = advance(cursor);
  const name = demand(cursor, 'identifier');
  if (name === undefined || demand(cursor, 'in') === undefined) return undefined;
  const items = parseExpression(cursor);
  if (items === undefined || demand(cursor, 'do') === undefined) return undefined;
  const body = parseBlock(cursor);
  return body && demand(cursor, 'end') && { type: 'For', name: name.text, items, body, line };
}

/** The statements between two words, one level deeper. */
function parseBlock(cursor: Cursor): Script | undefined {
  const block = enter(cursor) ? parseStatements(cursor) : undefined;
  leave(cursor);
  return block;
}

function parseBegin(cursor: Cursor): BeginStatement | undefined {
  const { line } = advance(cursor);
  const options: BeginOption[] = [];
  if (accept(cursor, '(') !== undefined) {
    do {
      const option = parseOption(cursor);
      if (option === undefined) return undefined;
      options.push(option);
    } while (accept(cursor, ',') !== undefined);
    if (demand(cursor, ')') === undefined) return undefined;
  }
  const body = parseBlock(cursor);
  return body && demand(cursor, 'end') && { type: 'Begin', options, body, line };
}

const SIMPLE = {
  identifier: 'word',
  true: 'word',
  false: 'word',
  null: 'null',
  string: 'string',
  integer: 'integer',
  float: 'float',
  placeholder: 'placeholder',
} as const;

function parseOption(cursor: Cursor): BeginOption | undefined {
  wants(cursor, 'the name of an option');
  const { token } = cursor;
  if (token.symbol !== 'identifier') return refuse(cursor);
  advance(cursor);
  if (demand(cursor, '=') === undefined) return undefined;
  const sign = cursor.token.symbol === '-' ? advance(cursor).text : '';
  const kind = Object.hasOwn(SIMPLE, cursor.token.symbol)
    ? SIMPLE[cursor.token.symbol as keyof typeof SIMPLE]
    : undefined;
  if (kind === undefined || (sign !== '' && kind !== 'integer' && kind !== 'float')) {
    wants(cursor, sign === '' ? 'a word or a literal' : 'a number');
    return refuse(cursor);
  }
  return { name: token.text, kind, text: sign + advance(cursor).text, line: token.line };
}

function parseReturn(cursor: Cursor): Statement | undefined {
  const { line } = advance(cursor);
  if (!beginsExpression(cursor)) {
    wants(cursor, 'an expression');
    return { type: 'Return', line };
  }
  const value = parseExpression(cursor);
  return value && { type: 'Return', value, line };
}

function parseThrow(cursor: Cursor): Statement | undefined {
  const { line } = advance(cursor);
  const value = parseExpression(cursor);
  return value && { type: 'Throw', value, line };
}

function parseSleep(cursor: Cursor): Statement | undefined {
  const { line } = advance(cursor);
  const ms = parseInteger(cursor);
  return ms === undefined ? undefined : { type: 'Sleep', ms, line };
}
