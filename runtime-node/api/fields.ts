/**
 * Reading the properties of a JSON body, by the rules of the public API (REST specification, section 1): case
 * of names does not matter, unknown properties are ignored, a missing one takes its default, and numbers may be
 * written as strings. What has the wrong type is refused with the property's name and what was expected.
 */

import type { Timestamp } from '../../core/index.js';
import { BadRequest } from './problem.js';
import { timestampOf, type IntegerRange, type RequestReader } from './request-reader.js';

/** Properties by their lower-case names. */
type Fields = ReadonlyMap<string, unknown>;

/** The body's text, and what it holds. The text is kept for integers that a JavaScript number cannot hold. */
interface Body {
  readonly text: string;
  readonly fields: Fields;
  /** Where in the body this object stands, such as `items[3].`; empty for the body itself. */
  readonly at: string;
}

/** @throws BadRequest */
export function readBody(text: string): RequestReader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BadRequest(`the body is not valid JSON: ${text === '' ? 'it is empty' : reason}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new BadRequest(`the body: expected a JSON object, but got ${describe(parsed)}`);
  }
  return readerOf(text, parsed, '');
}

function readerOf(text: string, object: object, at: string): RequestReader {
  const fields = new Map<string, unknown>();
  for (const [name, value] of Object.entries(object)) fields.set(name.toLowerCase(), value);
  const body: Body = { text, fields, at };
  return {
    text: (name) => readText(body, name) ?? '',
    optionalText: (name) => readText(body, name),
    integer: (name, range, missing) => readInteger(body, name, range, missing),
    optionalInteger(name, range) {
      const value = fields.get(name.toLowerCase());
      return value === undefined || value === null ? null : readInteger(body, name, range, 0);
    },
    uint64: (name) => readUint64(body, name),
    flag: (name) => readFlag(body, name),
    bytes: (name) => readBytes(body, name),
    timestamp: (name) => readTimestamp(body, name),
    list: (name) => readList(body, name),
  };
}

/** Null counts as missing. */
function readText(body: Body, name: string): string | null {
  const value = body.fields.get(name.toLowerCase()) ?? null;
  if (value !== null && typeof value !== 'string') throw expected(body, name, 'a string', value);
  return value;
}

function readInteger(body: Body, name: string, range: IntegerRange, missing: number): number {
  const value = body.fields.get(name.toLowerCase());
  if (value === undefined) return missing;
  const number = typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? Number(value) : value;
  if (
    typeof number !== 'number' ||
    !Number.isInteger(number) ||
    number < range.least ||
    number > range.most
  ) {
    throw expected(body, name, range.name, value);
  }
  return number;
}

function readFlag(body: Body, name: string): boolean {
  const value = body.fields.get(name.toLowerCase()) ?? false;
  if (typeof value !== 'boolean') throw expected(body, name, 'true or false', value);
  return value;
}

const UINT64_MAX = (1n << 64n) - 1n;

/**
 * To the last digit, whatever its size: two ids that a JavaScript number cannot tell apart would make the second
 * operation look like a retry of the first.
 */
function readUint64(body: Body, name: string): string {
  const value = body.fields.get(name.toLowerCase());
  if (value === undefined || value === 0) return '0';
  let digits: string | undefined;
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) digits = value;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) {
    digits = Number.isSafeInteger(value) ? String(value) : digitsInText(body.text, name);
  }
  if (digits === undefined || BigInt(digits) > UINT64_MAX)
    throw expected(body, name, 'an unsigned 64-bit integer', value);
  return BigInt(digits).toString();
}

/**
 * The digits as the sender wrote them, found in the body's text. Inside a JSON string every quotation mark has a
 * backslash before it, so the pattern cannot match there; a nested object could hold the same name, and then nobody
 * knows which is meant.
 */
function digitsInText(text: string, name: string): string {
  const matches = [...text.matchAll(new RegExp(`"${name}"\\s*:\\s*(\\d+)(?=\\s*[,}])`, 'gi'))];
  const [only] = matches;
  if (only?.[1] === undefined || matches.length > 1) {
    throw new BadRequest(
      `${name}: numbers of 2^53 or more must be written as plain digits, once, or as a string`,
    );
  }
  return only[1];
}

/** Bytes in standard base64 with padding. */
function readBytes(body: Body, name: string): Uint8Array | null {
  const value = body.fields.get(name.toLowerCase());
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw expected(body, name, 'a base64 string or null', value);
  const decoded = Buffer.from(value, 'base64');
  // Node skips what is not base64 and takes the URL alphabet too; both show in the lengths or the text.
  const padding = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0;
  const isExact = value.length % 4 === 0 && decoded.length === (value.length / 4) * 3 - padding;
  if (!isExact || value.includes('-') || value.includes('_')) {
    throw new BadRequest(
      `${body.at}${name}: expected standard base64 with padding, but got ${describe(value)}`,
    );
  }
  // A plain view: a Buffer's `slice` shares memory where a Uint8Array's copies, and machines may rely on the copy.
  return new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.length);
}

function readTimestamp(body: Body, name: string): Timestamp | undefined {
  const value = body.fields.get(name.toLowerCase());
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value))
    throw expected(body, name, 'an object {"n","l","c"}', value);
  const parts = { n: 0, l: 0, c: 0 };
  for (const [part, number] of Object.entries(value)) {
    const known = part.toLowerCase();
    if (known !== 'n' && known !== 'l' && known !== 'c') continue;
    const isNumber =
      (typeof number === 'number' && Number.isInteger(number)) ||
      (typeof number === 'string' && /^-?\d{1,20}$/.test(number));
    if (!isNumber) throw expected(body, `${name}.${known}`, 'an integer', number);
    parts[known] = Number(number);
  }
  return timestampOf(parts);
}

function readList(body: Body, name: string): readonly RequestReader[] | null {
  const value = body.fields.get(name.toLowerCase()) ?? null;
  if (value === null) return null;
  if (!Array.isArray(value)) throw expected(body, name, 'an array', value);
  return value.map((one: unknown, index) => {
    if (typeof one !== 'object' || one === null || Array.isArray(one))
      throw expected(body, `${name}[${index}]`, 'an object', one);
    return readerOf(body.text, one, `${body.at}${name}[${index}].`);
  });
}

function expected(body: Body, name: string, what: string, value: unknown): BadRequest {
  return new BadRequest(`${body.at}${name}: expected ${what}, but got ${describe(value)}`);
}

const SHOWN_CHARACTERS = 40;

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'string':
      return value.length > SHOWN_CHARACTERS
        ? `a string of ${value.length} characters, ${JSON.stringify(value.slice(0, SHOWN_CHARACTERS))}…`
        : `the string ${JSON.stringify(value)}`;
    case 'number':
    case 'boolean':
      return `the ${typeof value} ${String(value)}`;
    default:
      return `an ${typeof value}`;
  }
}
