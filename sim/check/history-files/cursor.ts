/** A place in a text, and the few movements that the readers of EDN and of JSON share. A mutable record of one reader. */
import { excerpt, refuseAt, type Trouble } from './unreadable.js';

export interface Cursor {
  readonly text: string;
  at: number;
  /** Nothing at or beyond it is read: the end of the text, or of one line of it. */
  readonly end: number;
  depth: number;
}

/** No history nests this deep; without a limit a file of brackets would overflow the stack. */
export const maxDepth = 200;

export function cursorAt(text: string, at = 0, end = text.length): Cursor {
  return { text, at, end, depth: 0 };
}

/** The code of the next character, or -1 at the end. */
export function peek(cursor: Cursor): number {
  return cursor.at < cursor.end ? cursor.text.charCodeAt(cursor.at) : -1;
}

export function refuse(cursor: Cursor, at: number, expected: string, advice: string): never {
  const saw = at >= cursor.end && cursor.end < cursor.text.length ? 'the end of the line' : undefined;
  const trouble: Trouble = { saw: saw ?? excerpt(cursor.text, at, cursor.end), expected, advice };
  return refuseAt(cursor.text, at, trouble);
}

/** Reads one value a level deeper. */
export function deeper<T>(cursor: Cursor, read: (cursor: Cursor) => T): T {
  if (++cursor.depth > maxDepth) {
    refuse(
      cursor,
      cursor.at,
      `no more than ${maxDepth} levels of nesting`,
      'Is this a history? Values of operations are rarely more than five levels deep.',
    );
  }
  const value = read(cursor);
  cursor.depth--;
  return value;
}

/** The four hexadecimal digits at the cursor as a character; moves past them. */
export function readUnicodeEscape(cursor: Cursor): string {
  const digits = cursor.text.slice(cursor.at, Math.min(cursor.at + 4, cursor.end));
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) {
    refuse(cursor, cursor.at, 'four hexadecimal digits', 'Write the character as \\u0041, or as itself.');
  }
  cursor.at += 4;
  return String.fromCharCode(Number.parseInt(digits, 16));
}

const quoteCode = 0x22;
const backslashCode = 0x5c;

/** The string whose opening quote is at the cursor. `escapes` maps the letter after a backslash to what it stands for. */
export function readQuoted(cursor: Cursor, escapes: Readonly<Record<string, string>>): string {
  const start = cursor.at++;
  let value = '';
  let plainFrom = cursor.at;
  for (;;) {
    const code = peek(cursor);
    if (code === -1) {
      refuse(
        cursor,
        start,
        'a string with a closing quote',
        'The quote that opens here is never closed; was the file cut off?',
      );
    }
    if (code === quoteCode) {
      value += cursor.text.slice(plainFrom, cursor.at++);
      return value;
    }
    if (code !== backslashCode) {
      cursor.at++;
      continue;
    }
    value += cursor.text.slice(plainFrom, cursor.at++);
    const letter = cursor.at < cursor.end ? (cursor.text[cursor.at] as string) : '';
    const stands = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (stands === undefined && letter !== 'u') {
      refuse(
        cursor,
        cursor.at - 1,
        `one of the escapes ${Object.keys(escapes)
          .map((known) => `\\${known}`)
          .join(' ')} \\u0041`,
        'A backslash itself is written \\\\.',
      );
    }
    cursor.at++;
    value += stands ?? readUnicodeEscape(cursor);
    plainFrom = cursor.at;
  }
}
