/**
 * Where a parser stands, and what it could have gone on with.
 *
 * Every question that the grammar asks of the present token is noted; a token that is taken wipes the notes. So when none fits, the
 * notes are all that could have stood there: that is what an error says and what completion offers. A cursor is written to, and
 * belongs to one call of one parser.
 */

import { nextToken } from './lexer.js';
import { problemAt, type SyntaxProblem } from './problem.js';
import { SYMBOL_OF_KEYWORD, type Token } from './token.js';

export interface Cursor {
  readonly source: string;
  readonly maxDepth: number;
  token: Token;
  depth: number;
  expected: string[];
  /** The first problem; once there is one, every rule returns undefined. */
  problem: SyntaxProblem | undefined;
}

export function openCursor(source: string, maxDepth: number): Cursor {
  return { source, maxDepth, token: tokenAfter(source, 0, 1), depth: 0, expected: [], problem: undefined };
}

/** The next token that is not a comment. */
export function tokenAfter(source: string, offset: number, line: number): Token {
  let token = nextToken(source, offset, line);
  while (token.kind === 'Comment') token = nextToken(source, token.end, token.line);
  return token;
}

/** Takes the present token. */
export function advance(cursor: Cursor): Token {
  const { source, token } = cursor;
  cursor.token = tokenAfter(source, token.end, token.line);
  if (cursor.expected.length > 0) cursor.expected = [];
  return token;
}

/** Whether the present token is this; notes that it could be. */
export function looksAt(cursor: Cursor, symbol: string): boolean {
  if (cursor.token.symbol === symbol) return true;
  cursor.expected.push(symbol);
  return false;
}

/** Takes the present token if it is this. */
export function accept(cursor: Cursor, symbol: string): Token | undefined {
  return looksAt(cursor, symbol) ? advance(cursor) : undefined;
}

/** Takes the present token, which must be this. */
export function demand(cursor: Cursor, symbol: string): Token | undefined {
  return accept(cursor, symbol) ?? refuse(cursor);
}

/** Notes that something with a name of its own could stand here. */
export function wants(cursor: Cursor, what: string): void {
  cursor.expected.push(what);
}

/** The present token fits nothing. */
export function refuse(cursor: Cursor): undefined {
  cursor.problem ??= problemAt(cursor.source, cursor.token, cursor.expected.map(inWords));
  return undefined;
}

/** The present token would fit, but for this. */
export function refuseBecause(cursor: Cursor, why: string): undefined {
  cursor.problem ??= { ...problemAt(cursor.source, cursor.token, []), found: why };
  return undefined;
}

/** One level deeper; false, and a problem, where that is too deep. The caller must `leave`. */
export function enter(cursor: Cursor): boolean {
  cursor.depth += 1;
  if (cursor.depth <= cursor.maxDepth) return true;
  refuseBecause(cursor, `nested too deeply: at most ${cursor.maxDepth} levels are allowed`);
  return false;
}

export function leave(cursor: Cursor): void {
  cursor.depth -= 1;
}

const ARTICLES: ReadonlyMap<string, string> = new Map([
  ['identifier', 'an identifier'],
  ['integer', 'a whole number'],
  ['string', 'a string'],
  ['placeholder', 'a placeholder'],
  ['float', 'a number'],
  ['end of script', 'the end of the script'],
]);

/** A symbol as an error names it; the names that `wants` gives stay as they are. */
function inWords(symbol: string): string {
  if (SYMBOL_OF_KEYWORD.has(symbol)) return symbol.toUpperCase();
  const named = ARTICLES.get(symbol);
  if (named !== undefined) return named;
  return /^[a-z]/.test(symbol) ? symbol : `"${symbol}"`;
}
