/**
 * The small parts that messages, log entries and snapshots have in common: timestamps, request ids, keys, values,
 * operations and their outcomes.
 */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import { ImpossibleState } from '../machine/assert.js';
import type { NodeId, Revision, WallMs } from '../machine/units.js';
import {
  ALL_SET_FLAGS,
  KeyValueCode,
  type ExistsOperation,
  type GetOperation,
  type KeyValueOutcome,
  type Operation,
  type RequestId,
  type SetOperation,
  type SpecialReadMode,
  type Value,
} from '../partition/command.js';
import { MAX_REQUEST_ID_LENGTH, MAX_VALUE_BYTES } from '../partition/validate.js';
import {
  malformed,
  readNested,
  readNumbers,
  readSigned,
  readText,
  readUnsigned,
  skipField,
  writeNested,
  writeOptionalBytes,
  writeSigned,
  writeText,
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
  const bytes = reader.bytes();
  if (bytes.length > MAX_VALUE_BYTES) {
    malformed(reader, `${what} has ${bytes.length} bytes; at most ${MAX_VALUE_BYTES} are allowed`);
  }
  return bytes;
}

/** The text as a key, unless it is empty, which also stands for a missing field. */
export function checkedKey(reader: Reader, key: string, what: string): string {
  if (key === '') malformed(reader, `${what} is missing or empty`);
  return key;
}

/** Writes the operation as field 4, 5, 6 or 7 of the message around it: which field it is says what kind it is. */
export function writeOperation(writer: Writer, operation: Operation): void {
  switch (operation.type) {
    case 'Set':
      writeNested(writer, 34, operation, writeSet);
      return;
    case 'Delete':
      writeNested(writer, 42, operation, writeKeyOnly);
      return;
    case 'Get':
      writeNested(writer, 50, operation, writeRead);
      return;
    case 'Exists':
      writeNested(writer, 58, operation, writeRead);
      return;
    default:
      throw new ImpossibleState(`there is no codec for ${operation.type} yet`);
  }
}

function writeSet(writer: Writer, operation: SetOperation): void {
  writeText(writer, 10, operation.key);
  writeOptionalBytes(writer, 18, operation.value);
  writeUnsigned(writer, 24, operation.flags);
  writeOptionalBytes(writer, 34, operation.compareValue);
  writeSigned(writer, 40, operation.compareRevision);
}

export function readSet(reader: Reader): SetOperation {
  let key = '';
  let value: Value = null;
  let flags = 0;
  let compareValue: Value = null;
  let compareRevision = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = readText(reader, 'Set.key');
        break;
      case 18:
        value = readValue(reader, 'Set.value');
        break;
      case 24:
        flags = readUnsigned(reader, 'Set.flags');
        break;
      case 34:
        compareValue = readValue(reader, 'Set.compare_value');
        break;
      case 40:
        compareRevision = readSigned(reader, 'Set.compare_revision');
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, key, 'Set.key');
  if (flags > ALL_SET_FLAGS) malformed(reader, `Set.flags is ${flags}, above ${ALL_SET_FLAGS}`);
  return { type: 'Set', key, value, flags, compareValue, compareRevision: compareRevision as Revision };
}

function writeKeyOnly(writer: Writer, { key }: { readonly key: string }): void {
  writeText(writer, 10, key);
}

/** Reads the message of an operation that has a key and nothing else. */
export function readKeyOnly(reader: Reader): string {
  let key = '';
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) key = readText(reader, 'the key of an operation');
    else skipField(reader, tag);
  }
  return checkedKey(reader, key, 'the key of an operation');
}

/** The numbers of read modes: `linearizable`, the default, is 0. */
const MODES: readonly (SpecialReadMode | undefined)[] = [undefined, 'lease', 'follower', 'stale'];

function writeRead(writer: Writer, { key, mode }: GetOperation | ExistsOperation): void {
  writeText(writer, 10, key);
  writeUnsigned(writer, 160, MODES.indexOf(mode));
}

/** Reads the message of an operation that reads, but for its type. */
export function readRead(reader: Reader): Omit<GetOperation, 'type'> {
  let key = '';
  let number = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) key = readText(reader, 'the key of a read');
    else if (tag === 160) number = readUnsigned(reader, 'the mode of a read');
    else skipField(reader, tag);
  }
  checkedKey(reader, key, 'the key of a read');
  if (number >= MODES.length) malformed(reader, `the mode of a read is ${number}, which is unknown`);
  const mode = MODES[number];
  return mode === undefined ? { key } : { key, mode };
}

export function writeOutcome(writer: Writer, outcome: KeyValueOutcome): void {
  writeUnsigned(writer, 8, outcome.code);
  writeSigned(writer, 16, outcome.revision);
  writeOptionalBytes(writer, 26, outcome.value);
  writeTimestamp(writer, 34, outcome.lastModified);
}

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(KeyValueCode));

export function readOutcome(reader: Reader): KeyValueOutcome {
  let code = 0;
  let revision = 0;
  let value: Value = null;
  let lastModified = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        code = readUnsigned(reader, 'Outcome.code');
        break;
      case 16:
        revision = readSigned(reader, 'Outcome.revision');
        break;
      case 26:
        value = readValue(reader, 'Outcome.value');
        break;
      case 34:
        lastModified = readTimestamp(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (!KNOWN_CODES.has(code)) malformed(reader, `Outcome.code ${code} is unknown`);
  if (revision < -1) malformed(reader, `Outcome.revision is ${revision}, below -1`);
  return { code: code as KeyValueCode, revision: revision as Revision, value, lastModified };
}
