/**
 * A hash of any immutable value: equal values give equal hashes, on any machine.
 *
 * Objects are hashed field by field in the order in which the program wrote them, and remembered: states share most
 * of their structure, so hashing the next state costs what changed. Only frozen-in-fact values may be given: the
 * memory goes by identity, and a value that is mutated afterwards keeps its old hash.
 */

import { finish, mixBytes, mixNumber, mixText, mixWord } from '../../core/index.js';

const KINDS = {
  undefined: 1,
  null: 2,
  boolean: 3,
  number: 4,
  text: 5,
  bytes: 6,
  list: 7,
  record: 8,
} as const;

const remembered = new WeakMap<object, number>();

/** A 32-bit hash of the value. Functions and symbols have no place in a state. */
export function hashValue(value: unknown): number {
  switch (typeof value) {
    case 'undefined':
      return finish(KINDS.undefined);
    case 'boolean':
      return finish(mixWord(KINDS.boolean, value ? 1 : 0));
    case 'number':
      if (!Number.isSafeInteger(value))
        throw new Error(`${value} has no hash; states hold safe integers only`);
      return finish(mixNumber(KINDS.number, value));
    case 'string':
      return finish(mixText(KINDS.text, value));
    case 'object':
      return value === null ? finish(KINDS.null) : hashObject(value);
    default:
      throw new Error(`a ${typeof value} has no hash; states are plain data`);
  }
}

function hashObject(value: object): number {
  const known = remembered.get(value);
  if (known !== undefined) return known;
  const hash = finish(hashContents(value));
  remembered.set(value, hash);
  return hash;
}

function hashContents(value: object): number {
  if (value instanceof Uint8Array) return mixBytes(KINDS.bytes, value);
  if (Array.isArray(value)) {
    let hash = mixWord(KINDS.list, value.length);
    for (const item of value as readonly unknown[]) hash = mixWord(hash, hashValue(item));
    return hash;
  }
  const kind = Object.prototype.toString.call(value);
  if (kind !== '[object Object]') throw new Error(`${kind} has no hash; states are plain records and lists`);
  let hash: number = KINDS.record;
  for (const [field, item] of Object.entries(value)) hash = mixWord(mixText(hash, field), hashValue(item));
  return hash;
}

/** A longer hash for people to compare: 16 hexadecimal digits. */
export function hashText(value: unknown): string {
  const hash = hashValue(value);
  const high = finish(mixWord(hash, 0x5bd1e995));
  const low = finish(mixWord(high, hash));
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
