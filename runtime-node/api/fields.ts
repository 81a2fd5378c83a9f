/**
 * Reading the properties of a request's body, by the rules of the public API (REST specification, section 1): case
 * of names does not matter, unknown properties are ignored, a missing one takes its default, and numbers may be
 * written as strings. What has the wrong type is refused with the property's name and what was expected.
 */

import { BadRequest } from './problem.js';

/** Properties by their lower-case names. */
export type Fields = ReadonlyMap<string, unknown>;

/** The body's text, and what it holds. The text is kept for integers that a JavaScript number cannot hold. */
export interface Body {
  readonly text: string;
  readonly fields: Fields;
}

/** @throws BadRequest */
export function readBody(text: string): Body {
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
  const fields = new Map<string, unknown>();
  for (const [name, value] of Object.entries(parsed)) fields.set(name.toLowerCase(), value);
  return { text, fields };
}

/** A string that must be there; null counts as missing, and missing as empty, which every key refuses later. */
export function readString({ fields }: Body, name: string): string {
  const value = fields.get(name.toLowerCase()) ?? '';
  if (typeof value !== 'string') throw expected(name, 'a string', value);
  return value;
}

interface Range {
  readonly least: number;
  readonly most: number;
  readonly name: string;
}

export const INT32: Range = { least: -(2 ** 31), most: 2 ** 31 - 1, name: 'a 32-bit integer' };
/** Beyond 2^53 a number has lost digits; whether such a value means anything is for its reader to say. */
export const INT64: Range = { least: -(2 ** 63), most: 2 ** 63, name: 'a 64-bit integer' };

export function readInteger({ fields }: Body, name: string, range: Range, missing: number): number {
  const value = fields.get(name.toLowerCase());
  if (value === undefined) return missing;
  const number = typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? Number(value) : value;
  if (
    typeof number !== 'number' ||
    !Number.isInteger(number) ||
    number < range.least ||
    number > range.most
  ) {
    throw expected(name, range.name, value);
  }
  return number;
}

const UINT64_MAX = (1n << 64n) - 1n;

/**
 * An unsigned 64-bit integer in decimal digits; "0" when missing. To the last digit, whatever its size: two ids that
 * a JavaScript number cannot tell apart would make the second operation look like a retry of the first.
 */
export function readUint64({ text, fields }: Body, name: string): string {
  const value = fields.get(name.toLowerCase());
  if (value === undefined || value === 0) return '0';
  let digits: string | undefined;
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) digits = value;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) {
    digits = Number.isSafeInteger(value) ? String(value) : digitsInText(text, name);
  }
  if (digits === undefined || BigInt(digits) > UINT64_MAX)
    throw expected(name, 'an unsigned 64-bit integer', value);
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

/** Bytes in standard base64 with padding; null, and a missing property, mean "no value". */
export function readBytes({ fields }: Body, name: string): Uint8Array | null {
  const value = fields.get(name.toLowerCase());
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw expected(name, 'a base64 string or null', value);
  const decoded = Buffer.from(value, 'base64');
  // Node skips what is not base64 and takes the URL alphabet too; both show in the lengths or the text.
  const padding = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0;
  const isExact = value.length % 4 === 0 && decoded.length === (value.length / 4) * 3 - padding;
  if (!isExact || value.includes('-') || value.includes('_')) {
    throw new BadRequest(`${name}: expected standard base64 with padding, but got ${describe(value)}`);
  }
  // A plain view: a Buffer's `slice` shares memory where a Uint8Array's copies, and machines may rely on the copy.
  return new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.length);
}

/** Whether a timestamp `{n, l, c}` is given that is not zero. */
export function hasTimestamp({ fields }: Body, name: string): boolean {
  const value = fields.get(name.toLowerCase());
  if (value === undefined || value === null) return false;
  if (typeof value !== 'object' || Array.isArray(value))
    throw expected(name, 'an object {"n","l","c"}', value);
  let isZero = true;
  for (const [part, number] of Object.entries(value)) {
    if (!/^[nlc]$/i.test(part)) continue;
    const isNumber =
      typeof number === 'number' || (typeof number === 'string' && /^-?\d{1,20}$/.test(number));
    if (!isNumber) throw expected(`${name}.${part.toLowerCase()}`, 'an integer', number);
    if (Number(number) !== 0) isZero = false;
  }
  return !isZero;
}

function expected(name: string, what: string, value: unknown): BadRequest {
  return new BadRequest(`${name}: expected ${what}, but got ${describe(value)}`);
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
