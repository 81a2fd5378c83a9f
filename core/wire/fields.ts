/**
 * Reading and writing the fields of messages: what all codecs of this folder are made of.
 *
 * Fields are named by their protobuf tags: eight times the field number, plus the wire type. So 8, 16, 24 … are the
 * varints number 1, 2, 3 …, and 10, 18, 26 … are the length-prefixed ones. `wavetank.proto` has the same fields, and
 * the tests hold the two together.
 *
 * What must always hold: equal values give equal bytes, everywhere. So fields are written in ascending order, a field
 * that has its default (0, false, empty text) is left out, and the plain `Writer` does it, never Node's own.
 * And reading must survive any bytes: `reader.len` is the end of the message being read, so that no read passes it,
 * and whatever is wrong ends in one `catch`.
 */

import { Reader, Writer } from 'protobufjs/minimal.js';
import { assert } from '../machine/assert.js';
import type { Decoded } from './decoded.js';

export type { Reader, Writer };

/** Thrown where bytes break a rule; caught by `decoded`, and never seen outside this folder. */
class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** Gives up on the bytes: `reason` says what is wrong with which field. */
export function malformed(reader: Reader, reason: string): never {
  throw new Malformed(`${reason}, at byte ${reader.pos}`);
}

const MAX_KEPT_SCRATCH_BYTES = 1 << 20;

/**
 * Used again for every encoding, which halves its cost. Nothing of it is seen outside: it holds no value between two
 * calls, and what they return is a copy.
 */
let scratch = new Writer();

/** The bytes of a value, in a buffer of their own. */
export function encoded<T>(value: T, write: (writer: Writer, value: T) => void): Uint8Array {
  const writer = scratch;
  writer.pos = 0;
  writer.states = null;
  write(writer, value);
  if (writer.buf.length > MAX_KEPT_SCRATCH_BYTES) scratch = new Writer();
  // Not `finish`, which cuts small results from a shared slab: a payload that stays in the log for long would keep
  // alive the frames that happened to be written beside it.
  return writer.buf.slice(0, writer.pos);
}

/** The value that the bytes hold, read by `read`, which may throw for any reason that lies in the bytes. */
export function decoded<T>(bytes: Uint8Array, what: string, read: (reader: Reader) => T): Decoded<T> {
  const reader = new Reader(plain(bytes));
  try {
    return { ok: true, value: read(reader) };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: `${what}: ${error.message}` };
    const detail = error instanceof Error ? error.message : String(error);
    return { ok: false, reason: `${what}: cut short or garbled near byte ${reader.pos} (${detail})` };
  }
}

/** Views of a Node `Buffer` would be Buffers, whose `slice` does not copy; those must not get into a state. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes a whole number of 0 or more. */
export function writeUnsigned(writer: Writer, tag: number, value: number): void {
  if (value === 0) return;
  writer.uint32(tag);
  if (value >>> 0 === value) {
    writer.uint32(value);
    return;
  }
  assert(
    Number.isSafeInteger(value) && value > 0,
    () => `field ${tag >>> 3} must be 0 or more, but is ${value}`,
  );
  writer.uint64(value);
}

/** Writes a whole number that may be below 0, zigzag: small ones take few bytes whatever their sign. */
export function writeSigned(writer: Writer, tag: number, value: number): void {
  if (value === 0) return;
  assert(Number.isSafeInteger(value), () => `field ${tag >>> 3} must be a safe integer, but is ${value}`);
  writer.uint32(tag).sint64(value);
}

/** Writes a whole number of 0 or more of an `optional` field: 0 differs from none. */
export function writePresentUnsigned(writer: Writer, tag: number, value: number): void {
  if (value === 0) writer.uint32(tag).uint32(0);
  else writeUnsigned(writer, tag, value);
}

/** Writes a whole number that may be below 0 of an `optional` field: 0 differs from none. */
export function writePresentSigned(writer: Writer, tag: number, value: number): void {
  if (value === 0) writer.uint32(tag).uint32(0);
  else writeSigned(writer, tag, value);
}

export function writeBool(writer: Writer, tag: number, value: boolean): void {
  if (value) writer.uint32(tag).bool(true);
}

/** Writes a text, which is left out when it is empty. */
export function writeText(writer: Writer, tag: number, text: string): void {
  if (text !== '') writePresentText(writer, tag, text);
}

/** Writes a text of an `optional` field: an empty one differs from none. */
export function writePresentText(writer: Writer, tag: number, text: string): void {
  // Half a surrogate pair is refused where a request enters. Were one to get here, the bytes must still be UTF-8.
  writer.uint32(tag).string(text.isWellFormed() ? text : text.toWellFormed());
}

/** Writes bytes of an `optional` field: null is left out, empty bytes are not. */
export function writeOptionalBytes(writer: Writer, tag: number, bytes: Uint8Array | null): void {
  if (bytes !== null) writer.uint32(tag).bytes(bytes);
}

/** Writes a message within a message. */
export function writeNested<T>(
  writer: Writer,
  tag: number,
  value: T,
  write: (writer: Writer, value: T) => void,
): void {
  writer.uint32(tag).fork();
  write(writer, value);
  writer.ldelim();
}

/** How many bytes a varint of this value takes. */
export function sizeOfUnsigned(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  let size = 5;
  for (let rest = Math.floor(value / 0x8_0000_0000); rest > 0; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

/** Reads a whole number from 0 to 2^53 - 1; `what` names it in the refusal. */
export function readUnsigned(reader: Reader, what: string): number {
  const { buf, len } = reader;
  const first = reader.pos < len ? (buf[reader.pos] as number) : 0xff;
  if (first < 0x80) {
    reader.pos += 1;
    return first;
  }
  const value = readVarint(reader, what, 0);
  if (value > Number.MAX_SAFE_INTEGER) malformed(reader, `${what} is not within 0 … 2^53 - 1`);
  return value;
}

/** Reads a zigzag number from -(2^53 - 1) to 2^53 - 1. */
export function readSigned(reader: Reader, what: string): number {
  const low = reader.pos < reader.len ? (reader.buf[reader.pos] as number) : 0;
  // The lowest bit is the sign; the sum of the others is exact up to 2^53, and above that it only ever gets larger.
  const magnitude = readVarint(reader, what, 1);
  const value = (low & 1) === 0 ? magnitude : -magnitude - 1;
  if (!Number.isSafeInteger(value)) malformed(reader, `${what} is not within ±(2^53 - 1)`);
  return value;
}

/** A varint without its `dropped` (0 or 1) lowest bits. Exact up to 2^53; above, rounded but still above. */
function readVarint(reader: Reader, what: string, dropped: number): number {
  const { buf, len } = reader;
  let { pos } = reader;
  let value = 0;
  let scale = 1;
  for (let count = 0; count < 10; count += 1) {
    if (pos >= len) malformed(reader, `${what} is cut short`);
    const byte = buf[pos] as number;
    pos += 1;
    if (count === 0) {
      value = (byte & 0x7f) >>> dropped;
      scale = 0x80 >>> dropped;
    } else {
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    }
    if (byte < 0x80) {
      reader.pos = pos;
      return value;
    }
  }
  return malformed(reader, `${what} is a number of more than ten bytes`);
}

/** The number, unless it is 0: for fields that have no meaningful default. */
export function positive(reader: Reader, value: number, what: string): number {
  if (value === 0) malformed(reader, `${what} is missing or 0, but must be 1 or more`);
  return value;
}

export function readText(reader: Reader, what: string): string {
  const start = reader.pos;
  try {
    return reader.stringVerify();
  } catch {
    reader.pos = start;
    return malformed(reader, `${what} is cut short or not UTF-8`);
  }
}

/** Reads a message within a message. */
export function readNested<T>(reader: Reader, read: (reader: Reader) => T): T {
  const outerEnd = reader.len;
  const size = reader.size();
  const end = reader.pos + size;
  if (end > outerEnd) malformed(reader, `a part of ${size} bytes does not fit into what is left`);
  reader.len = end;
  const value = read(reader);
  reader.len = outerEnd;
  return value;
}

/**
 * Reads a message all of whose fields are varints with the numbers 1, 2, 3 …; `names[i]` names field i + 1.
 * Most messages between nodes are of this kind.
 */
export function readNumbers(reader: Reader, names: readonly string[]): readonly number[] {
  const values = [0, 0, 0, 0, 0, 0];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    const name = names[(tag >>> 3) - 1];
    if (name !== undefined && (tag & 7) === 0) values[(tag >>> 3) - 1] = readUnsigned(reader, name);
    else skipField(reader, tag);
  }
  return values;
}

/** Writes whole numbers of 0 or more as one packed field, which is left out when there are none. */
export function writeList(writer: Writer, tag: number, numbers: readonly number[]): void {
  if (numbers.length === 0) return;
  writer.uint32(tag).fork();
  for (const number of numbers) writer.uint64(number);
  writer.ldelim();
}

export function readList(reader: Reader, what: string): readonly number[] {
  return readNested(reader, (nested) => {
    const numbers: number[] = [];
    while (nested.pos < nested.len) numbers.push(readUnsigned(nested, what));
    return numbers;
  });
}

/** Reads a digest (`collections/digest.ts`): a signed number of 32 bits. */
export function readDigest(reader: Reader, what: string): number {
  const digest = readSigned(reader, what);
  if ((digest | 0) !== digest) malformed(reader, `${what} is ${digest}, not a signed 32-bit number`);
  return digest;
}

/** Passes over a field that this version does not know, so that a newer one may add fields. */
export function skipField(reader: Reader, tag: number): void {
  reader.skipType(tag & 7, 0, tag >>> 3);
}

/**
 * The bytes for a place where they may stay for long: themselves, or a copy when most of the buffer that they lie in
 * is something else. So what is kept alive is never more than twice what is wanted.
 */
export function keepable(view: Uint8Array): Uint8Array {
  return view.length * 2 >= view.buffer.byteLength ? view : view.slice();
}
