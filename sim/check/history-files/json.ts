/**
 * A reader of JSON (RFC 8259) and of JSON Lines that keeps the place of every value, so that an error in the middle of a history
 * can name its line; the engine's own parser cannot.
 */
import { cursorAt, deeper, readQuoted, refuse, type Cursor } from './cursor.js';
import type { Form } from './form.js';

const escapes = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
} as const;

/** All values of the text, with nothing but blanks between them. @throws UnreadableHistory */
export function readJson(text: string): readonly Form[] {
  const cursor = cursorAt(text);
  const forms: Form[] = [];
  while (skipBlanks(cursor) !== '') forms.push(deeper(cursor, readValue));
  return forms;
}

/** Moves to the next character that is no blank, and returns it; empty at the end. */
function skipBlanks(cursor: Cursor): string {
  for (; cursor.at < cursor.end; cursor.at++) {
    const character = cursor.text[cursor.at] as string;
    const isBlank = character === ' ' || character === '\n' || character === '\r' || character === '\t';
    if (!isBlank && character !== '\ufeff') return character;
  }
  return '';
}

function readValue(cursor: Cursor): Form {
  const at = cursor.at;
  switch (cursor.text[at]) {
    case '{':
      return { type: 'map', entries: readMembers(cursor), at };
    case '[':
      return { type: 'vector', items: readElements(cursor), at };
    case '"':
      return { type: 'text', value: readQuoted(cursor, escapes), at };
    default:
      return readWord(cursor);
  }
}

function readWord(cursor: Cursor): Form {
  const at = cursor.at;
  while (cursor.at < cursor.end && /[-+.\w]/.test(cursor.text[cursor.at] as string)) cursor.at++;
  const word = cursor.text.slice(at, cursor.at);
  if (word === 'null') return { type: 'nil', at };
  if (word === 'true' || word === 'false') return { type: 'boolean', value: word === 'true', at };
  if (/^-?(0|[1-9]\d*)$/.test(word)) return { type: 'number', text: BigInt(word).toString(), at };
  if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(word))
    return { type: 'number', text: String(Number(word)), at };
  return refuse(
    cursor,
    at,
    'a JSON value',
    'JSON has objects, arrays, quoted strings, numbers, true, false and null; is this EDN? Then say --format edn.',
  );
}

function readElements(cursor: Cursor): readonly Form[] {
  const start = cursor.at++;
  const items: Form[] = [];
  if (skipBlanks(cursor) === ']') {
    cursor.at++;
    return items;
  }
  for (;;) {
    items.push(readNext(cursor, start));
    if (closes(cursor, start, ']')) return items;
  }
}

function readMembers(cursor: Cursor): readonly (readonly [Form, Form])[] {
  const start = cursor.at++;
  const entries: (readonly [Form, Form])[] = [];
  if (skipBlanks(cursor) === '}') {
    cursor.at++;
    return entries;
  }
  for (;;) {
    if (skipBlanks(cursor) !== '"')
      refuse(cursor, cursor.at, 'the quoted name of a member', 'Names of members are quoted in JSON.');
    const at = cursor.at;
    const key: Form = { type: 'text', value: readQuoted(cursor, escapes), at };
    if (skipBlanks(cursor) !== ':') {
      refuse(
        cursor,
        cursor.at,
        'a colon',
        `The member "${key.value.slice(0, 40)}" wants a colon and a value.`,
      );
    }
    cursor.at++;
    entries.push([key, readNext(cursor, start)]);
    if (closes(cursor, start, '}')) return entries;
  }
}

function readNext(cursor: Cursor, start: number): Form {
  if (skipBlanks(cursor) === '') refuseOpen(cursor, start);
  return deeper(cursor, readValue);
}

/** After a member: true at the closing bracket, false after a comma. */
function closes(cursor: Cursor, start: number, close: string): boolean {
  const character = skipBlanks(cursor);
  if (character === '') refuseOpen(cursor, start);
  if (character !== close && character !== ',') {
    refuse(cursor, cursor.at, `a comma or ${close}`, 'Values are parted by commas.');
  }
  cursor.at++;
  return character === close;
}

function refuseOpen(cursor: Cursor, start: number): never {
  return refuse(
    cursor,
    start,
    'a closing bracket',
    'The bracket that opens here is never closed; was the file cut off?',
  );
}
