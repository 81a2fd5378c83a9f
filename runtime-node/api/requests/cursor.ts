/**
 * Where the next page of a range begins, as text that clients hand back unread: base64url without padding over
 *
 *     version (1) | length, last key | length, prefix | durability | node, wall, counter of the snapshot
 *
 * with lengths in bytes of UTF-8 and all numbers little-endian.
 */

import type { NodeId, Timestamp, WallMs } from '../../../core/index.js';

export interface Cursor {
  /** The next page begins strictly after it. */
  readonly lastKey: string;
  readonly prefix: string;
  readonly durability: number;
  /** The time that all pages show. */
  readonly at: Timestamp;
}

const VERSION = 1;
const STAMP_BYTES = 4 + 8 + 4;

export function encodeCursor({ lastKey, prefix, durability, at }: Cursor): string {
  const key = Buffer.from(lastKey, 'utf8');
  const start = Buffer.from(prefix, 'utf8');
  const bytes = Buffer.alloc(1 + 4 + key.length + 4 + start.length + 1 + STAMP_BYTES);
  let place = bytes.writeUInt8(VERSION, 0);
  place = bytes.writeUInt32LE(key.length, place);
  place += key.copy(bytes, place);
  place = bytes.writeUInt32LE(start.length, place);
  place += start.copy(bytes, place);
  place = bytes.writeUInt8(durability, place);
  place = bytes.writeUInt32LE(at.node, place);
  place = bytes.writeBigUInt64LE(BigInt(at.wall), place);
  bytes.writeUInt32LE(at.counter, place);
  return bytes.toString('base64url');
}

/** Undefined for anything that `encodeCursor` never gave. */
export function decodeCursor(text: string): Cursor | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text || bytes[0] !== VERSION) return undefined;
  const key = textAt(bytes, 1);
  const prefix = key === undefined ? undefined : textAt(bytes, key.end);
  if (key === undefined || prefix === undefined) return undefined;
  let place = prefix.end;
  if (bytes.length !== place + 1 + STAMP_BYTES) return undefined;
  const durability = bytes.readUInt8(place);
  const node = bytes.readUInt32LE((place += 1)) as NodeId;
  const wall = Number(bytes.readBigUInt64LE((place += 4))) as WallMs;
  const counter = bytes.readUInt32LE(place + 8);
  if (!Number.isSafeInteger(wall)) return undefined;
  return { lastKey: key.text, prefix: prefix.text, durability, at: { node, wall, counter } };
}

/** Where a text from a client says that this range goes on; or, in words, why it says nothing of the kind. */
export function resume(text: string, prefix: string, durability: number): Cursor | string {
  const cursor = decodeCursor(text);
  if (cursor === undefined) return 'the cursor is not one of this API';
  const fits = cursor.prefix === prefix && cursor.durability === durability;
  return fits ? cursor : 'the cursor belongs to another prefix or durability';
}

function textAt(bytes: Buffer, place: number): { readonly text: string; readonly end: number } | undefined {
  if (place + 4 > bytes.length) return undefined;
  const end = place + 4 + bytes.readUInt32LE(place);
  return end > bytes.length ? undefined : { text: bytes.toString('utf8', place + 4, end), end };
}
