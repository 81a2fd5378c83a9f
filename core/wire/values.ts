/** The small parts that messages, log entries and snapshots have in common: timestamps, request ids, keys, values. */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import type { NodeId, WallMs } from '../machine/units.js';
import type { RequestId } from '../partition/command.js';
import { MAX_VERSIONS_BYTES } from '../partition/key-entry.js';
import { MAX_REQUEST_ID_LENGTH, MAX_VALUE_BYTES } from '../partition/validate.js';
import {
  malformed,
  readNested,
  readNumbers,
  writeNested,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';

/** Counters fit an unsigned 32-bit number (`hybrid-clock.ts`). */
const MAX_COUNTER = 0xffff_ffff;

/** Writes a timestamp; the zero timestamp, which means "none", is left out. */
export function writeTimestamp(writer: Writer, tag: number, timestamp: Timestamp): void {
  const { node, wall, counter } = timestamp;
  if (node !== 0 || wall !== 0 || counter !== 0) writeNested(writer, tag, timestamp, writeTimestampFields);
}

function writeTimestampFields(writer: Writer, { node, wall, counter }: Timestamp): void {
  writeUnsigned(writer, 8, node);
  writeUnsigned(writer, 16, wall);
  writeUnsigned(writer, 24, counter);
}

export function readTimestamp(reader: Reader): Timestamp {
  return readNested(reader, readTimestampFields);
}

const TIMESTAMP_FIELDS = ['Timestamp.node', 'Timestamp.wall', 'Timestamp.counter'];

function readTimestampFields(reader: Reader): Timestamp {
  const [node = 0, wall = 0, counter = 0] = readNumbers(reader, TIMESTAMP_FIELDS);
  if (node === 0) {
    if (wall !== 0 || counter !== 0) malformed(reader, 'Timestamp.node is missing, but its time is not zero');
    return ZERO_TIMESTAMP;
  }
  if (counter > MAX_COUNTER) malformed(reader, `Timestamp.counter is ${counter}, above ${MAX_COUNTER}`);
  return { node: node as NodeId, wall: wall as WallMs, counter };
}

/** The text as a request id; an empty one also stands for a missing field. */
export function checkedRequestId(reader: Reader, text: string, what: string): RequestId {
  if (text.length === 0 || text.length > MAX_REQUEST_ID_LENGTH) {
    malformed(reader, `${what} must have 1 to ${MAX_REQUEST_ID_LENGTH} characters, but has ${text.length}`);
  }
  return text as RequestId;
}

/** Reads the bytes of a value, as a view of the input: who keeps it for long calls `keepable`. */
export function readValue(reader: Reader, what: string): Uint8Array {
  return readBytesUpTo(reader, what, MAX_VALUE_BYTES);
}

/** The same for what a state keeps apart: a value, or a page of the past, which may be larger. */
export function readKeptApart(reader: Reader, what: string): Uint8Array {
  return readBytesUpTo(reader, what, MAX_VERSIONS_BYTES);
}

function readBytesUpTo(reader: Reader, what: string, most: number): Uint8Array {
  const bytes = reader.bytes();
  if (bytes.length > most)
    malformed(reader, `${what} has ${bytes.length} bytes; at most ${most} are allowed`);
  return bytes;
}

/** The text as a name of something, unless it is empty, which also stands for a missing field. */
export function checkedKey(reader: Reader, key: string, what: string): string {
  if (key === '') malformed(reader, `${what} is missing or empty`);
  return key;
}
