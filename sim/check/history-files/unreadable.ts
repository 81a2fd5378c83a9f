/**
 * What a reader of history files says when it cannot go on: where, what was seen, what was expected, and what to do about it.
 *
 * Every reader in this folder either returns or throws an `UnreadableHistory`; for no text whatever does anything else come out.
 */

export interface Trouble {
  /** What stands there, as a noun: `the word "foo"`. */
  readonly saw: string;
  /** What should stand there, as a noun. */
  readonly expected: string;
  /** A whole sentence: the way out. */
  readonly advice: string;
}

/** A text that is no history that we can read. Lines and columns count from 1; a column is a UTF-16 code unit. */
export class UnreadableHistory extends Error {
  readonly line: number;
  readonly column: number;
  readonly trouble: Trouble;

  constructor(line: number, column: number, trouble: Trouble) {
    super(
      `line ${line}, column ${column}: saw ${trouble.saw}, expected ${trouble.expected}. ${trouble.advice}`,
    );
    this.name = 'UnreadableHistory';
    this.line = line;
    this.column = column;
    this.trouble = trouble;
  }
}

/** @throws UnreadableHistory, always, for the place `at` of the text. */
export function refuseAt(text: string, at: number, trouble: Trouble): never {
  const { line, column } = placeOf(text, at);
  throw new UnreadableHistory(line, column, trouble);
}

export function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let lineStart = 0;
  for (;;) {
    const lineEnd = text.indexOf('\n', lineStart);
    if (lineEnd === -1 || lineEnd >= at) return { line, column: at - lineStart + 1 };
    line++;
    lineStart = lineEnd + 1;
  }
}

const shownCharacters = 40;

/** A piece of the text as an error shows it: one line, cut short. */
export function excerpt(text: string, start: number, end: number): string {
  if (start >= text.length) return 'the end of the file';
  const lineEnd = text.indexOf('\n', start);
  const stop = Math.min(end, lineEnd === -1 ? text.length : lineEnd);
  if (stop === start) return 'the end of the line';
  const piece = text.slice(start, Math.min(stop, start + shownCharacters));
  return JSON.stringify(piece) + (stop - start > shownCharacters ? ' …' : '');
}
