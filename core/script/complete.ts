/**
 * What a shell offers: how the word at a place could go on.
 *
 * The parser reads what is before the word and says what it could go on with; that is what is offered. Where the text before is not
 * a script so far, every word is.
 */

import { openCursor } from './cursor.js';
import { PRIORITIES } from './effects.js';
import { FUNCTION_NAMES } from './functions.js';
import { nextToken } from './lexer.js';
import { DEFAULT_SCRIPT_LIMITS } from './limits.js';
import { OPTION_NAMES } from './options.js';
import { parseAll } from './parser.js';
import { STATEMENT_KEYWORDS, SYMBOL_OF_KEYWORD, type Token } from './token.js';

export interface Candidate {
  /** What would stand there: the whole word. */
  readonly text: string;
  readonly kind: 'keyword' | 'function' | 'variable' | 'placeholder' | 'option';
}

export interface Completions {
  /** Where the word stands that a candidate would replace, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Sorted by kind and code unit. */
  readonly candidates: readonly Candidate[];
}

/** How the word that ends at `offset` could go on. */
export function complete(source: string, offset: number): Completions {
  const end = Math.max(0, Math.min(offset, source.length));
  const tokens = tokensOf(source.slice(0, end));
  const last = tokens[tokens.length - 1];
  if (last !== undefined && last.end === end && isInside(last, source))
    return { start: end, end, candidates: [] };
  const start = last !== undefined && last.end === end && isWord(last, source) ? last.start : end;
  const word = source.slice(start, end);
  const names = namesOf(tokensOf(source), start);
  const wanted = expectedAt(source.slice(0, start));
  const before = tokens.filter((token) => token.end <= start && token.kind !== 'Comment');
  const found = wanted.flatMap((symbol) => candidatesFor(symbol, names, before));
  const candidates = found.filter(({ text }) => beginsWith(text, word));
  return { start, end, candidates: inOrder(candidates.map((each) => cased(each, word))) };
}

function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let token = nextToken(source, 0, 1); token.kind !== 'End';) {
    tokens.push(token);
    token = nextToken(source, token.end, token.line);
  }
  return tokens;
}

/** Within a comment, or text that is not closed yet, there is nothing to offer. */
function isInside({ kind, start }: Token, source: string): boolean {
  return kind === 'Comment' || (kind === 'Invalid' && source.charAt(start) !== '@');
}

/** A name, a keyword or a placeholder that is being written; also the `@` of one. */
function isWord({ kind, start }: Token, source: string): boolean {
  if (kind === 'Identifier') return source.charAt(start) !== '`';
  return kind === 'Keyword' || kind === 'Placeholder' || kind === 'Invalid';
}

/** What the parser could go on with after this text: symbols and the names of rules. */
function expectedAt(before: string): readonly string[] {
  const cursor = openCursor(before, DEFAULT_SCRIPT_LIMITS.maxDepth);
  parseAll(cursor);
  if (cursor.token.kind === 'End') return cursor.expected;
  return ['an expression', 'a key', ...new Set(SYMBOL_OF_KEYWORD.values())];
}

interface Names {
  readonly variables: readonly string[];
  readonly placeholders: readonly string[];
}

/** Names that the script gives to variables, and its placeholders, but for the word that is being written. */
function namesOf(tokens: readonly Token[], start: number): Names {
  const others = tokens.filter((token) => token.start !== start);
  const isNamed = (_: Token, i: number): boolean => ['let', 'for'].includes(others[i - 1]?.symbol ?? '');
  const variables = others.filter(({ kind }) => kind !== 'Comment').filter(isNamed);
  return {
    variables: variables.filter(({ kind }) => kind === 'Identifier').map(written),
    placeholders: others.filter(({ kind }) => kind === 'Placeholder').map(({ text }) => text),
  };
}

/** A name as it must be written. */
function written({ text, start, end }: Token): string {
  return end - start === text.length ? text : `\`${text}\``;
}

function candidatesFor(symbol: string, names: Names, before: readonly Token[]): readonly Candidate[] {
  const placeholders = names.placeholders.map((text): Candidate => ({ text, kind: 'placeholder' }));
  switch (symbol) {
    case 'a statement':
      return keywords(STATEMENT_KEYWORDS);
    case 'a key':
      return placeholders;
    case 'an expression':
      return [
        ...placeholders,
        ...keywords(['not', 'true', 'false', 'null']),
        ...FUNCTION_NAMES.map((text): Candidate => ({ text, kind: 'function' })),
        ...names.variables.map((text): Candidate => ({ text, kind: 'variable' })),
      ];
    case 'the name of an option':
      return OPTION_NAMES.map((text): Candidate => ({ text, kind: 'option' }));
    case 'a word or a literal':
      return (VALUES_OF_OPTIONS.get(before[before.length - 2]?.text ?? '') ?? []).map((text): Candidate => ({
        text,
        kind: 'option',
      }));
    default:
      return SYMBOL_OF_KEYWORD.has(symbol) ? keywords([symbol]) : [];
  }
}

const YES_OR_NO = ['true', 'false', 'yes', 'no'];

const VALUES_OF_OPTIONS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['locking', ['pessimistic', 'optimistic']],
  ['autoCommit', YES_OR_NO],
  ['asyncRelease', YES_OR_NO],
  ['priority', PRIORITIES],
]);

function keywords(words: readonly string[]): readonly Candidate[] {
  return words.map((text): Candidate => ({ text, kind: 'keyword' }));
}

function beginsWith(text: string, word: string): boolean {
  return text.toLowerCase().startsWith(word.toLowerCase());
}

/** Keywords are written as the word begins. */
function cased(candidate: Candidate, word: string): Candidate {
  const upper = candidate.kind === 'keyword' && /^[A-Z]/.test(word);
  return upper ? { ...candidate, text: candidate.text.toUpperCase() } : candidate;
}

const KINDS = ['variable', 'placeholder', 'option', 'keyword', 'function'] as const;

/** Sorted, each once. */
function inOrder(candidates: readonly Candidate[]): readonly Candidate[] {
  const byName = new Map(candidates.map((each) => [`${KINDS.indexOf(each.kind)} ${each.text}`, each]));
  return [...byName.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, candidate]) => candidate);
}
