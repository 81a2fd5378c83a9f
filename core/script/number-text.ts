/**
 * Numbers as text and back, the same in every locale and engine.
 *
 * Whole numbers are signed, of 64 bits. Readings answer undefined for what is no number, or too large a one.
 */

import { MAX_INT, MIN_INT } from './value.js';

const WHOLE = /^[+-]?\d+$/;
const HEXADECIMAL = /^-?0x[0-9a-fA-F]+$/;
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const WITH_COMMAS = /^[+-]?\d[\d,]*(?:\.\d*)?(?:[eE][+-]?\d+)?$/;
const INFINITE = /^[+-]?infinity$/i;
const NOT_A_NUMBER = /^[+-]?nan$/i;

/** More digits than these, leading zeros aside, are more than 64 bits; longer texts are not even converted. */
const MAX_DIGITS = 19;

/** A literal: decimal digits or `0x` and hexadecimal ones, with or without a minus. */
export function integerOf(text: string): bigint | undefined {
  if (!HEXADECIMAL.test(text)) return WHOLE.test(text) ? decimalOf(text) : undefined;
  const negative = text.startsWith('-');
  const digits = text.slice(negative ? 3 : 2).replace(/^0+/, '');
  if (digits.length > 16) return undefined;
  const value = BigInt(`0x${digits === '' ? '0' : digits}`);
  return within(negative ? -value : value);
}

/** A whole number with blanks around it. */
export function readInteger(text: string): bigint | undefined {
  const bare = trimmed(text);
  return WHOLE.test(bare) ? decimalOf(bare) : undefined;
}

function decimalOf(text: string): bigint | undefined {
  const signed = text.startsWith('-') || text.startsWith('+');
  let from = signed ? 1 : 0;
  while (text.charCodeAt(from) === 0x30 && from < text.length - 1) from += 1;
  if (text.length - from > MAX_DIGITS) return undefined;
  const value = BigInt(text.slice(from));
  return within(text.startsWith('-') ? -value : value);
}

function within(value: bigint): bigint | undefined {
  return value >= MIN_INT && value <= MAX_INT ? value : undefined;
}

/** A number with blanks around it, a point and an exponent if it likes, or the words Infinity and NaN in any case. */
export function readFloat(text: string, commas: 'commas' | 'plain' = 'plain'): number | undefined {
  const bare = trimmed(text);
  if (DECIMAL.test(bare)) return Number(bare);
  if (commas === 'commas' && WITH_COMMAS.test(bare)) return Number(bare.replaceAll(',', ''));
  if (INFINITE.test(bare)) return bare.startsWith('-') ? -Infinity : Infinity;
  return NOT_A_NUMBER.test(bare) ? NaN : undefined;
}

/** Without space, tab, line feed, vertical tab, form feed and carriage return around it. */
function trimmed(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
}

/** Decimal exponents above this one, and below the second, are written without an exponent. */
const LEAST_EXPONENT = -5;
const USUAL_DIGITS = 15;

/** The shortest text that reads back as the same double: `7.5`, `12`, `1E+15`, `1E-05`, `-0`, `Infinity`, `NaN`. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return 'Infinity';
  if (value === -Infinity) return '-Infinity';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  // The engine's shortest digits, which the language standard prescribes.
  const [mantissa = '', power = ''] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(power);
  return sign + (isPlain(exponent, digits.length) ? plain(digits, exponent) : scientific(digits, exponent));
}

function isPlain(exponent: number, digits: number): boolean {
  return exponent > LEAST_EXPONENT && exponent < Math.max(USUAL_DIGITS, digits);
}

function plain(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

function scientific(digits: string, exponent: number): string {
  const fraction = digits.length === 1 ? '' : `.${digits.slice(1)}`;
  const power = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits.charAt(0)}${fraction}E${exponent < 0 ? '-' : '+'}${power}`;
}
