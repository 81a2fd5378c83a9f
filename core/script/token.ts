/**
 * The words of the language, as the lexer cuts them.
 *
 * A token's `symbol` is what the grammar asks for: a keyword in lower case, an operator as it is written, or the class of a
 * literal or name. Its `text` is what it says, without quotes.
 */

export type TokenKind =
  | 'Keyword'
  | 'Identifier'
  | 'Integer'
  | 'Float'
  | 'String'
  | 'Placeholder'
  | 'Operator'
  | 'Comment'
  | 'Invalid'
  | 'End';

export interface Token {
  readonly kind: TokenKind;
  readonly symbol: string;
  readonly text: string;
  /** Where it stands, in UTF-16 units; `end` is the unit after its last one. */
  readonly start: number;
  readonly end: number;
  /** From 1. No token is on two lines. */
  readonly line: number;
}

/** All are reserved, in any letter case. */
export const KEYWORDS = [
  ...['let', 'set', 'get', 'eset', 'eget', 'delete', 'del', 'edelete', 'edel', 'exists', 'eexists'],
  ...['extend', 'eextend', 'if', 'then', 'else', 'end', 'for', 'in', 'do', 'begin', 'commit', 'rollback'],
  ...['return', 'throw', 'sleep', 'nx', 'xx', 'ex', 'cmp', 'cmprev', 'norev', 'true', 'false', 'null'],
  ...['found', 'not', 'at', 'as', 'of', 'scan', 'escan', 'by', 'bucket', 'prefix'],
] as const;

/** What the grammar calls each keyword: two have a short form. */
export const SYMBOL_OF_KEYWORD: ReadonlyMap<string, string> = new Map([
  ...KEYWORDS.map((word): [string, string] => [word, word]),
  ['del', 'delete'],
  ['edel', 'edelete'],
]);

/** Of one character or two. */
export const OPERATORS: ReadonlySet<string> = new Set([
  ...['==', '<>', '!=', '<=', '>=', '&&', '||', '..'],
  ...['(', ')', '[', ']', '{', '}', ',', '+', '-', '*', '/', '=', '<', '>', '!'],
]);

/** Keywords with which a statement begins. */
export const STATEMENT_KEYWORDS = [
  ...['set', 'eset', 'get', 'eget', 'exists', 'eexists', 'delete', 'edelete', 'extend', 'eextend'],
  ...['scan', 'escan', 'let', 'if', 'for', 'begin', 'commit', 'rollback', 'return', 'throw', 'sleep'],
] as const;
