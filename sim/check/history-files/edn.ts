/**
 * A reader of EDN, the notation of Clojure's data (github.com/edn-format/edn), as Jepsen prints it.
 *
 * All of EDN: comments to the end of the line, `#_` before what is to be passed over, commas as blanks, strings and characters with
 * escapes, integers of any size, decimals and ratios, keywords, symbols, lists, vectors, sets, maps, tags. Beyond EDN it takes
 * what Clojure's printer writes into histories all the same: `##Inf`, `#"regular expressions"` (as texts) and hexadecimal
 * addresses. Nothing is evaluated and no tag is given a meaning.
 */
import { cursorAt, deeper, peek, readQuoted, readUnicodeEscape, refuse, type Cursor } from './cursor.js';
import type { Form } from './form.js';

const escapes = { t: '\t', r: '\r', n: '\n', b: '\b', f: '\f', '\\': '\\', '"': '"' } as const;

const namedCharacters: ReadonlyMap<string, string> = new Map([
  ['newline', '\n'],
  ['return', '\r'],
  ['space', ' '],
  ['tab', '\t'],
  ['backspace', '\b'],
  ['formfeed', '\f'],
]);

/** All forms of the text. @throws UnreadableHistory */
export function readEdn(text: string): readonly Form[] {
  const cursor = cursorAt(text);
  const forms: Form[] = [];
  while (skipBlanks(cursor)) forms.push(readForm(cursor));
  return forms;
}

/** Up to `limit` forms that begin in a part of the text; what follows them is not looked at. @throws UnreadableHistory */
export function readEdnPart(text: string, at: number, end: number, limit: number): readonly Form[] {
  const cursor = cursorAt(text, at, end);
  const forms: Form[] = [];
  while (forms.length < limit && skipBlanks(cursor)) forms.push(readForm(cursor));
  return forms;
}

/** Moves to the next form; false when there is none. */
function skipBlanks(cursor: Cursor): boolean {
  for (;;) {
    const character = cursor.at < cursor.end ? (cursor.text[cursor.at] as string) : '';
    if (character === '') return false;
    if (isBlank(character)) {
      cursor.at++;
    } else if (character === ';') {
      const lineEnd = cursor.text.indexOf('\n', cursor.at);
      cursor.at = lineEnd === -1 || lineEnd > cursor.end ? cursor.end : lineEnd;
    } else if (character === '#' && cursor.text[cursor.at + 1] === '_' && cursor.at + 1 < cursor.end) {
      cursor.at += 2;
      readNext(cursor, 'the form that #_ passes over');
    } else {
      return true;
    }
  }
}

function isBlank(character: string): boolean {
  return character === ',' || /\s/.test(character) || character === '\ufeff';
}

function readNext(cursor: Cursor, expected: string): Form {
  if (!skipBlanks(cursor)) refuse(cursor, cursor.at, expected, 'Was the file cut off?');
  return readForm(cursor);
}

function readForm(cursor: Cursor): Form {
  return deeper(cursor, readFormHere);
}

function readFormHere(cursor: Cursor): Form {
  const at = cursor.at;
  switch (cursor.text[at]) {
    case '(':
      return { type: 'list', items: readItems(cursor, ')'), at };
    case '[':
      return { type: 'vector', items: readItems(cursor, ']'), at };
    case '{':
      return readMap(cursor, at);
    case '"':
      return { type: 'text', value: readQuoted(cursor, escapes), at };
    case '\\':
      return readCharacter(cursor);
    case '#':
      return readDispatch(cursor);
    case ')':
    case ']':
    case '}':
      return refuse(
        cursor,
        at,
        'a value',
        'This closing bracket closes nothing; is one too many, or was its opening lost?',
      );
    default:
      return readWord(cursor);
  }
}

/** The items between the bracket at the cursor and `close`. */
function readItems(cursor: Cursor, close: string): readonly Form[] {
  const start = cursor.at++;
  const items: Form[] = [];
  for (;;) {
    if (!skipBlanks(cursor)) {
      refuse(
        cursor,
        start,
        `a closing ${close}`,
        'The bracket that opens here is never closed; was the file cut off?',
      );
    }
    if (cursor.text[cursor.at] === close) {
      cursor.at++;
      return items;
    }
    items.push(readForm(cursor));
  }
}

function readMap(cursor: Cursor, at: number): Form {
  const items = readItems(cursor, '}');
  const entries: (readonly [Form, Form])[] = [];
  for (let index = 0; index < items.length; index += 2) {
    const key = items[index] as Form;
    const value = items[index + 1];
    if (value === undefined) {
      return refuse(
        cursor,
        key.at,
        'a key and its value',
        'This key of a map has no value; a map wants an even number of forms.',
      );
    }
    entries.push([key, value]);
  }
  return { type: 'map', entries, at };
}

function readDispatch(cursor: Cursor): Form {
  const at = cursor.at;
  const next = at + 1 < cursor.end ? cursor.text[at + 1] : undefined;
  if (next === '{') {
    cursor.at++;
    return { type: 'set', items: readItems(cursor, '}'), at };
  }
  if (next === '"') {
    cursor.at++;
    return readPattern(cursor, at);
  }
  if (next === '#') {
    cursor.at += 2;
    return { type: 'symbol', name: `##${takeWord(cursor)}`, at };
  }
  cursor.at++;
  const tag = takeWord(cursor);
  if (tag === '')
    return refuse(cursor, at, 'a tag, a set or #_', 'A lone # means nothing; was a character lost?');
  return { type: 'tagged', tag, value: readNext(cursor, `the value of the tag #${tag}`), at };
}

/** A regular expression keeps its backslashes. */
function readPattern(cursor: Cursor, at: number): Form {
  const from = ++cursor.at;
  for (; peek(cursor) !== -1; cursor.at++) {
    const character = cursor.text[cursor.at];
    if (character === '\\') cursor.at++;
    else if (character === '"') {
      const value = cursor.text.slice(from, cursor.at++);
      return { type: 'text', value, at };
    }
  }
  return refuse(
    cursor,
    at,
    'a pattern with a closing quote',
    'The pattern is never closed; was the file cut off?',
  );
}

function readCharacter(cursor: Cursor): Form {
  const at = cursor.at++;
  const first = cursor.at < cursor.end ? (cursor.text[cursor.at] as string) : '';
  if (first === '') return refuse(cursor, at, 'a character', 'A backslash ends the file; was it cut off?');
  cursor.at++;
  const rest = isBlank(first) ? '' : takeWord(cursor);
  if (rest === '') return { type: 'character', value: first, at };
  const named = namedCharacters.get(first + rest);
  if (named !== undefined) return { type: 'character', value: named, at };
  if (first === 'u' && rest.length === 4) {
    cursor.at -= 4;
    return { type: 'character', value: readUnicodeEscape(cursor), at };
  }
  return refuse(
    cursor,
    at,
    'a character',
    'Characters are \\a, \\newline, \\return, \\space, \\tab or \\u0041.',
  );
}

/** Everything up to the next blank, bracket, quote or comment; may be empty. */
function takeWord(cursor: Cursor): string {
  const from = cursor.at;
  while (cursor.at < cursor.end && !endsWord(cursor.text.charCodeAt(cursor.at))) cursor.at++;
  return cursor.text.slice(from, cursor.at);
}

function endsWord(code: number): boolean {
  if (code <= 0x20 || code === 0x2c) return true;
  if (code === 0x22 || code === 0x28 || code === 0x29 || code === 0x3b || code === 0x5b || code === 0x5d)
    return true;
  return code === 0x7b || code === 0x7d || (code > 0x7f && /\s/.test(String.fromCharCode(code)));
}

function readWord(cursor: Cursor): Form {
  const at = cursor.at;
  const word = takeWord(cursor);
  if (word === 'nil') return { type: 'nil', at };
  if (word === 'true' || word === 'false') return { type: 'boolean', value: word === 'true', at };
  if (word.startsWith(':')) {
    if (word.length === 1) {
      return refuse(cursor, at, 'a keyword', 'A colon stands alone; is this JSON? Then say --format json.');
    }
    return { type: 'keyword', name: word.slice(1), at };
  }
  if (!/^[+-]?\d/.test(word)) {
    if (word !== '') return { type: 'symbol', name: word, at };
    return refuse(
      cursor,
      at,
      'a value',
      'EDN has no control characters outside of strings; is this a text file?',
    );
  }
  const text = canonicalNumber(word);
  if (text !== undefined) return { type: 'number', text, at };
  return refuse(cursor, at, 'a number', 'Numbers are 12, -3, 12N, 0.5, 1.5e3, 2M or 1/3.');
}

function canonicalNumber(word: string): string | undefined {
  if (/^[+-]?\d+N?$/.test(word)) return BigInt(word.replace(/^\+/, '').replace('N', '')).toString();
  if (/^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?M?$/.test(word)) return String(Number(word.replace('M', '')));
  if (/^[+-]?\d+\/\d+$/.test(word)) return word.replace(/^\+/, '');
  if (/^0[xX][0-9a-fA-F]+$/.test(word)) return BigInt(word).toString();
  return undefined;
}
