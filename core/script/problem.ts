/**
 * What is wrong with the text of a script: where, what stands there, what could have stood there instead.
 *
 * The description is bounded: of a long line only the surroundings are shown, of a long token only its beginning.
 */

import type { Token } from './token.js';

export interface SyntaxProblem {
  /** The token that cannot stand there, or what is wrong with it. */
  readonly found: string;
  /** What could stand there, in words: each a keyword, an operator in quotes, or a class of tokens. */
  readonly expected: readonly string[];
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** Where the token stands in the source, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** The line, or as much of it as is shown. */
  readonly excerpt: string;
  /** What to write under the excerpt, so that a caret stands under the token. */
  readonly caret: string;
}

const MAX_EXCERPT = 80;
const MAX_SHOWN_TOKEN = 40;

export function problemAt(source: string, token: Token, expected: readonly string[]): SyntaxProblem {
  const { start, end, line } = token;
  const lineStart = source.lastIndexOf('\n', start - 1) + 1;
  const { excerpt, caret } = excerptOf(source, lineStart, start);
  return {
    found: nameOf(token),
    // Where the token itself is wrong, what else could stand there is beside the point.
    expected: token.kind === 'Invalid' ? [] : [...new Set(expected)],
    line,
    column: start - lineStart + 1,
    start,
    end,
    excerpt,
    caret,
  };
}

/** For people: the place, what is wrong, the line with a caret under the place. */
export function describeProblem(problem: SyntaxProblem): string {
  const { found, expected, line, column, excerpt, caret } = problem;
  const wanted = expected.length === 0 ? '' : `; expected ${listed(expected)}`;
  return `Syntax error at line ${line}, column ${column}: ${found}${wanted}\n  ${excerpt}\n  ${caret}`;
}

function nameOf({ kind, text, start, end }: Token): string {
  switch (kind) {
    case 'End':
      return 'unexpected end of the script';
    case 'Invalid':
      return text;
    case 'Keyword':
      return `unexpected ${text === '@' ? '"@" (AT)' : text.toUpperCase()}`;
    case 'Operator':
      return `unexpected "${text}"`;
    default: {
      const shown = text.length > MAX_SHOWN_TOKEN ? `${wellCut(text, MAX_SHOWN_TOKEN)}…` : text;
      const what = kind === 'Identifier' && end - start > text.length ? 'name' : kind.toLowerCase();
      return `unexpected ${what} "${shown}"`;
    }
  }
}

function excerptOf(source: string, lineStart: number, start: number): { excerpt: string; caret: string } {
  const newline = source.indexOf('\n', start);
  let lineEnd = newline < 0 ? source.length : newline;
  if (source.charCodeAt(lineEnd - 1) === 0x0d && lineEnd > start) lineEnd -= 1;
  const cutBefore = start - lineStart > MAX_EXCERPT / 2;
  const from = cutBefore ? start - MAX_EXCERPT / 2 : lineStart;
  const cutAfter = lineEnd - from > MAX_EXCERPT;
  const to = cutAfter ? from + MAX_EXCERPT : lineEnd;
  const before = (cutBefore ? '…' : '') + source.slice(from, start);
  return {
    excerpt: shown(before + source.slice(start, to) + (cutAfter ? '…' : '')),
    // A tab stays one, so that the caret stands right however wide it is shown.
    caret: `${shown(before).replace(/[^\t]/g, ' ')}^`,
  };
}

/** Control characters would disturb whatever shows them; halves of surrogate pairs could not be sent. */
function shown(text: string): string {
  return text.toWellFormed().replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, '�');
}

function wellCut(text: string, length: number): string {
  return shown(text.slice(0, length));
}

function listed(words: readonly string[]): string {
  if (words.length < 3) return words.join(' or ');
  return `${words.slice(0, -1).join(', ')} or ${words[words.length - 1] as string}`;
}
