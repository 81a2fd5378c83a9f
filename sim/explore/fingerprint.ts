/**
 * Fingerprints: 64 bits that stand for a whole state.
 *
 * An explorer keeps fingerprints instead of states, so two states of one fingerprint would be taken for one, and the
 * second would not be looked at. With n distinct states that happens with a probability of about n² / 2^65: for a
 * million states one in 37 million, for a hundred million one in 3,700 (TLC prints the same estimate, and so do we).
 *
 * The bits come in two lanes of 32, each a MurmurHash3-like mix with constants of its own; sealing lets every bit of
 * both depend on every bit of both. Parts that have no order (a bag of messages) are sealed one by one and added.
 */

import { finish } from '../../core/index.js';

/** Two signed 32-bit lanes, written to by the functions below; reused, never kept. */
export interface Fingerprint {
  low: number;
  high: number;
}

const LOW_SEED = 0x243f6a88;
const HIGH_SEED = 0x85a308d3 | 0;

export function createFingerprint(): Fingerprint {
  return { low: LOW_SEED, high: HIGH_SEED };
}

/** Back to the fingerprint of nothing. */
export function restart(into: Fingerprint): void {
  into.low = LOW_SEED;
  into.high = HIGH_SEED;
}

/** Folds in one 32-bit word; what is beyond 32 bits is not seen (see `putNumber`). */
export function put(into: Fingerprint, word: number): void {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let h = into.low ^ Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  into.low = (Math.imul(h, 5) + 0xe6546b64) | 0;

  k = Math.imul(word, 0x9e3779b1);
  k = (k << 17) | (k >>> 15);
  h = into.high ^ Math.imul(k, 0x38b34ae5);
  h = (h << 11) | (h >>> 21);
  into.high = (Math.imul(h, 9) + 0x561ccd1b) | 0;
}

/** Folds in a safe integer, with all its bits. */
export function putNumber(into: Fingerprint, value: number): void {
  put(into, value | 0);
  put(into, Math.floor(value / 0x1_0000_0000) | 0);
}

export function putText(into: Fingerprint, text: string): void {
  put(into, text.length);
  for (let i = 0; i < text.length; i += 1) put(into, text.charCodeAt(i));
}

export function putBytes(into: Fingerprint, bytes: Uint8Array): void {
  put(into, bytes.length);
  for (let i = 0; i < bytes.length; i += 1) put(into, bytes[i] as number);
}

const KINDS = { undefined: 1, null: 2, false: 3, true: 4, number: 5, text: 6, bytes: 7, list: 8, record: 9 };

/** Folds in any plain value, field by field in the order in which the program wrote them. @throws on what is no data. */
export function putValue(into: Fingerprint, value: unknown): void {
  switch (typeof value) {
    case 'undefined':
      return put(into, KINDS.undefined);
    case 'boolean':
      return put(into, value ? KINDS.true : KINDS.false);
    case 'number':
      if (!Number.isSafeInteger(value)) {
        throw new Error(`${value} has no fingerprint; states and messages hold safe integers only`);
      }
      put(into, KINDS.number);
      return putNumber(into, value);
    case 'string':
      put(into, KINDS.text);
      return putText(into, value);
    case 'object':
      return putObject(into, value);
    default:
      throw new Error(`a ${typeof value} has no fingerprint; states and messages are plain data`);
  }
}

function putObject(into: Fingerprint, value: object | null): void {
  if (value === null) return put(into, KINDS.null);
  if (value instanceof Uint8Array) {
    put(into, KINDS.bytes);
    return putBytes(into, value);
  }
  if (Array.isArray(value)) {
    put(into, KINDS.list);
    put(into, value.length);
    for (const item of value as readonly unknown[]) putValue(into, item);
    return;
  }
  const kind = Object.prototype.toString.call(value);
  if (kind !== '[object Object]') {
    throw new Error(`${kind} has no fingerprint; states and messages are plain records and lists`);
  }
  const fields = Object.entries(value);
  put(into, KINDS.record);
  put(into, fields.length);
  for (const [field, item] of fields) {
    putText(into, field);
    putValue(into, item);
  }
}

/** Lets every bit depend on every other. A one-to-one change: it makes no two fingerprints equal. */
export function seal(into: Fingerprint): void {
  into.low ^= finish(into.high);
  into.high ^= finish(Math.imul(into.low, 0x2c1b3c6d) + 0x297a2d39);
  into.low ^= finish(into.high + 0x6b43a9b5);
}

const item = createFingerprint();

/** Folds in parts whose order means nothing. A bag may not hold bags. */
export function putBag<T>(
  into: Fingerprint,
  parts: readonly T[],
  putPart: (into: Fingerprint, part: T) => void,
): void {
  let low = 0;
  let high = 0;
  for (const part of parts) {
    restart(item);
    putPart(item, part);
    seal(item);
    low = (low + item.low) | 0;
    high = (high + item.high) | 0;
  }
  put(into, parts.length);
  put(into, low);
  put(into, high);
}
