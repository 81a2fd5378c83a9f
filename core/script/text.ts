/** Values as text and bytes: what is stored, compared, thrown and returned, and what is read back. */

import { utf8Bytes } from '../collections/utf8.js';
import { formatFloat } from './number-text.js';
import type { ArrayValue, ScriptValue } from './value.js';

/** The text of any value but an array; that of null is empty. */
export function textOf(value: Exclude<ScriptValue, ArrayValue>): string {
  switch (value.type) {
    case 'null':
      return '';
    case 'bool':
      return value.value ? 'true' : 'false';
    case 'int':
      return value.value.toString();
    case 'float':
      return formatFloat(value.value);
    case 'string':
      return value.value;
  }
}

/** What is stored and answered. Halves of surrogate pairs become U+FFFD, as everywhere else. */
export function bytesOf(value: Exclude<ScriptValue, ArrayValue>): Uint8Array {
  return utf8Bytes(textOf(value));
}

const REPLACEMENT = 0xfffd;

/** Units that are joined at once: more would not fit on the stack of every engine. */
const CHUNK = 4_096;

/**
 * The text that UTF-8 bytes are; what is not UTF-8 becomes U+FFFD, one for each maximal part of a character (the practice that the
 * Unicode standard recommends, section 3.9, and that decoders of the web follow).
 */
export function textOfBytes(bytes: Uint8Array): string {
  let text = '';
  let units: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] as number;
    if (first < 0x80) {
      units.push(first);
      at += 1;
    } else {
      const { point, length } = pointAt(bytes, at, first);
      if (point < 0x10000) units.push(point);
      else units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
      at += length;
    }
    if (units.length >= CHUNK) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

/** A character of several bytes, and how many of them belong together, be they a character or the beginning of one. */
function pointAt(bytes: Uint8Array, at: number, first: number): { point: number; length: number } {
  const wanted = first >= 0xc2 && first <= 0xdf ? 1 : first >= 0xe0 && first <= 0xef ? 2 : 3;
  if (first < 0xc2 || first > 0xf4) return { point: REPLACEMENT, length: 1 };
  let point = first & (wanted === 1 ? 0x1f : wanted === 2 ? 0x0f : 0x07);
  for (let i = 1; i <= wanted; i += 1) {
    const next = bytes[at + i] ?? 0;
    const { least, most } = i === 1 ? secondOf(first) : ANY;
    if (next < least || next > most) return { point: REPLACEMENT, length: i };
    point = (point << 6) | (next & 0x3f);
  }
  return { point, length: wanted + 1 };
}

const ANY = { least: 0x80, most: 0xbf };

/** Second bytes that make no overlong form, no surrogate and nothing beyond U+10FFFF. */
function secondOf(first: number): { least: number; most: number } {
  switch (first) {
    case 0xe0:
      return { least: 0xa0, most: 0xbf };
    case 0xed:
      return { least: 0x80, most: 0x9f };
    case 0xf0:
      return { least: 0x90, most: 0xbf };
    case 0xf4:
      return { least: 0x80, most: 0x8f };
    default:
      return ANY;
  }
}
