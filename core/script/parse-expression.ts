/** Expressions, by precedence climbing: one call a level of nesting, none for levels of precedence that are not there. */

import {
  accept,
  advance,
  enter,
  leave,
  refuse,
  refuseBecause,
  demand,
  wants,
  type Cursor,
} from './cursor.js';
import { integerOf } from './number-text.js';
import { PRECEDENCE, type BinaryOperator, type Expression } from './syntax.js';
import type { Token } from './token.js';
import { FALSE, floatOf, NULL, stringOf, TRUE } from './value.js';

/** Undefined, and a problem in the cursor, where there is none. */
export function parseExpression(cursor: Cursor): Expression | undefined {
  return parseBinary(cursor, 1);
}

/** Whether an expression could begin here. */
export function beginsExpression({ token }: Cursor): boolean {
  switch (token.symbol) {
    case '(':
    case '[':
    case '!':
    case 'not':
    case 'identifier':
    case 'placeholder':
    case 'integer':
    case 'float':
    case 'string':
    case 'true':
    case 'false':
    case 'null':
    case '-':
      return true;
    default:
      return false;
  }
}

/** Operators that bind at least as tightly as `least`, and what they join. */
function parseBinary(cursor: Cursor, least: number): Expression | undefined {
  const { line } = cursor.token;
  let first = parseUnary(cursor);
  for (;;) {
    if (first === undefined) return undefined;
    const level = precedenceOf(cursor.token);
    if (level < least) {
      wants(cursor, 'an operator');
      return first;
    }
    const rest: { operator: BinaryOperator; operand: Expression }[] = [];
    while (precedenceOf(cursor.token) === level) {
      const operator = advance(cursor).symbol as BinaryOperator;
      const operand = parseBinary(cursor, level + 1);
      if (operand === undefined) return undefined;
      rest.push({ operator, operand });
    }
    first = { type: 'Chain', first, rest, line };
  }
}

/** 0 for what is no binary operator. */
function precedenceOf({ kind, symbol }: Token): number {
  return kind === 'Operator' ? (PRECEDENCES.get(symbol) ?? 0) : 0;
}

const PRECEDENCES: ReadonlyMap<string, number> = new Map(Object.entries(PRECEDENCE));

function parseUnary(cursor: Cursor): Expression | undefined {
  const { symbol, line } = cursor.token;
  if (symbol !== '!' && symbol !== 'not') return parsePostfix(cursor);
  advance(cursor);
  if (accept(cursor, 'set') !== undefined) return { type: 'NotSet', line };
  if (accept(cursor, 'found') !== undefined) return { type: 'NotFound', line };
  const operand = nested(cursor, parseUnary);
  return operand && { type: 'Not', operand, line };
}

function parsePostfix(cursor: Cursor): Expression | undefined {
  const { line } = cursor.token;
  const base = parsePrimary(cursor);
  if (base === undefined || cursor.token.symbol !== '[') return base;
  const places: Expression[] = [];
  while (cursor.token.symbol === '[') {
    advance(cursor);
    const place = nested(cursor, parseExpression);
    if (place === undefined || demand(cursor, ']') === undefined) return undefined;
    places.push(place);
  }
  return { type: 'Index', base, places, line };
}

function parsePrimary(cursor: Cursor): Expression | undefined {
  const { token } = cursor;
  const { symbol, text, line } = token;
  switch (symbol) {
    case 'identifier':
      advance(cursor);
      return cursor.token.symbol === '(' ? parseCall(cursor, token) : { type: 'Variable', name: text, line };
    case 'placeholder':
      advance(cursor);
      return { type: 'Placeholder', name: text, line };
    case 'string':
      advance(cursor);
      return { type: 'Literal', value: stringOf(text), line };
    case 'true':
    case 'false':
      advance(cursor);
      return { type: 'Literal', value: symbol === 'true' ? TRUE : FALSE, line };
    case 'null':
      advance(cursor);
      return { type: 'Literal', value: NULL, line };
    case 'integer':
    case 'float':
    case '-':
      return parseNumber(cursor);
    case '(': {
      advance(cursor);
      const inner = nested(cursor, parseExpression);
      return inner && demand(cursor, ')') && inner;
    }
    case '[': {
      advance(cursor);
      const items = parseItems(cursor, ']');
      return items && { type: 'List', items, line };
    }
    default:
      wants(cursor, 'an expression');
      return refuse(cursor);
  }
}

function parseCall(cursor: Cursor, { text, line }: Token): Expression | undefined {
  advance(cursor);
  const inputs = parseItems(cursor, ')');
  return inputs && { type: 'Call', name: text, inputs, line };
}

/** Expressions with commas between them, and the closing bracket. */
function parseItems(cursor: Cursor, close: string): readonly Expression[] | undefined {
  const items: Expression[] = [];
  if (accept(cursor, close) !== undefined) return items;
  do {
    const item = nested(cursor, parseExpression);
    if (item === undefined) return undefined;
    items.push(item);
  } while (accept(cursor, ',') !== undefined);
  return demand(cursor, close) && items;
}

function parseNumber(cursor: Cursor): Expression | undefined {
  const { line } = cursor.token;
  const sign = acceptSign(cursor);
  if (cursor.problem !== undefined) return undefined;
  const { symbol, text } = advance(cursor);
  if (symbol === 'float') return { type: 'Literal', value: floatOf(Number(sign + text)), line };
  const value = integerOf(sign + text);
  return value === undefined
    ? { type: 'TooLarge', text: sign + text, line }
    : { type: 'Literal', value: { type: 'int', value }, line };
}

/** The minus of a number, which stands right before it; there is none before other things. */
function acceptSign(cursor: Cursor): '-' | '' {
  const { token, source } = cursor;
  if (token.symbol !== '-') return '';
  if (isDigitAt(source, token.end)) {
    advance(cursor);
    return '-';
  }
  refuseBecause(cursor, 'a minus here belongs to a number that follows at once: write "0 - x" to negate x');
  return '';
}

/** A whole number as AT, EXTEND and SLEEP take it: written out, with its sign. */
export function parseInteger(cursor: Cursor): bigint | undefined {
  const sign = cursor.token.symbol === '-' ? acceptSign(cursor) : '';
  const token = cursor.problem === undefined ? demand(cursor, 'integer') : undefined;
  // What 64 bits do not hold, no statement accepts either: any other number that it refuses will do.
  return token && (integerOf(sign + token.text) ?? (sign === '' ? FAR : -FAR));
}

const FAR = 0x7fff_ffff_ffff_ffffn;

function isDigitAt(source: string, at: number): boolean {
  const unit = source.charCodeAt(at);
  return unit >= 0x30 && unit <= 0x39;
}

/** A rule one level deeper. */
function nested<T>(cursor: Cursor, rule: (cursor: Cursor) => T | undefined): T | undefined {
  const found = enter(cursor) ? rule(cursor) : undefined;
  leave(cursor);
  return found;
}
