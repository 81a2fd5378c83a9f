/** What a shell colours: the pieces of a script, each with its kind, whether or not the script is complete or correct. */

import { nextToken } from './lexer.js';
import type { Token } from './token.js';

export type HighlightKind =
  | 'keyword'
  | 'function'
  | 'variable'
  | 'key'
  | 'string'
  | 'number'
  | 'literal'
  | 'placeholder'
  | 'operator'
  | 'comment'
  | 'error';

/** From the unit `start` to before the unit `end`, in UTF-16 units. */
export interface Highlight {
  readonly kind: HighlightKind;
  readonly start: number;
  readonly end: number;
}

/** In the order of the text, without overlap; what is between them is blank. */
export function highlight(source: string): readonly Highlight[] {
  const found: Highlight[] = [];
  let before = '';
  let token = nextToken(source, 0, 1);
  while (token.kind !== 'End') {
    const after = nextToken(source, token.end, token.line);
    found.push({ kind: kindOf(token, before, after), start: token.start, end: token.end });
    if (token.kind !== 'Comment') before = token.symbol;
    token = after;
  }
  return found;
}

/** Words after which a key stands. */
const BEFORE_KEYS: ReadonlySet<string> = new Set([
  ...['set', 'eset', 'get', 'eget', 'exists', 'eexists', 'delete', 'edelete', 'extend', 'eextend'],
  ...['bucket', 'prefix'],
]);

function kindOf(token: Token, before: string, after: Token): HighlightKind {
  switch (token.kind) {
    case 'Keyword':
      return LITERALS.has(token.symbol) ? 'literal' : 'keyword';
    case 'Identifier':
      if (BEFORE_KEYS.has(before)) return 'key';
      return after.symbol === '(' ? 'function' : 'variable';
    case 'String':
      return BEFORE_KEYS.has(before) ? 'key' : 'string';
    case 'Integer':
    case 'Float':
      return 'number';
    case 'Placeholder':
      return 'placeholder';
    case 'Operator':
      return 'operator';
    case 'Comment':
      return 'comment';
    case 'Invalid':
    case 'End':
      return 'error';
  }
}

const LITERALS: ReadonlySet<string> = new Set(['true', 'false', 'null']);
