/**
 * Damage to plain data: one number, text, truth or byte in a value becomes another. For systems whose links or disks
 * have no checksums: what a flipped bit would do to them.
 */

import { draw, drawBelow, type Stream } from './chance.js';

/** A copy of `value` with one leaf changed; the value itself when it has no leaf. */
export function mangle<T>(value: T, stream: Stream, counter: number): T {
  const leaves = countLeaves(value);
  if (leaves === 0) return value;
  const chosen = drawBelow(stream, leaves, counter, 90);
  return change(value, { left: chosen }, draw(stream, counter, 91)) as T;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function countLeaves(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (!isRecord(value)) return value === undefined || value === null ? 0 : 1;
  return Object.values(value).reduce<number>((sum, item) => sum + countLeaves(item), 0);
}

function change(value: unknown, place: { left: number }, bits: number): unknown {
  if (value instanceof Uint8Array) {
    const copy = Uint8Array.from(value);
    if (place.left >= 0 && place.left < copy.length) {
      copy[place.left] = (copy[place.left] as number) ^ (1 << (bits & 7));
    }
    place.left -= copy.length;
    return copy;
  }
  if (Array.isArray(value)) return value.map((item) => change(item, place, bits));
  if (isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, change(item, place, bits)]));
  }
  if (value === undefined || value === null) return value;
  place.left -= 1;
  return place.left === -1 ? flip(value, bits) : value;
}

function flip(leaf: unknown, bits: number): unknown {
  switch (typeof leaf) {
    case 'number':
      return leaf ^ (1 << (bits & 7));
    case 'boolean':
      return !leaf;
    case 'string': {
      const at = leaf.length === 0 ? 0 : (bits >>> 3) % leaf.length;
      const code = leaf.length === 0 ? 97 : leaf.charCodeAt(at) ^ (1 << (bits & 3));
      return leaf.slice(0, at) + String.fromCharCode(code) + leaf.slice(at + 1);
    }
    default:
      return leaf;
  }
}
