/** Operations on keys. What all of them have in common has the same numbers: the read mode 20, ephemeral 21. */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import type { GroupId, Revision } from '../machine/units.js';
import {
  ALL_SET_FLAGS,
  type DeleteOperation,
  type ExtendOperation,
  type GetOperation,
  type ExistsOperation,
  type KeyBound,
  type ScanOperation,
  type SetOperation,
  type SpecialReadMode,
  type Value,
} from '../partition/command.js';
import { MAX_EXPIRES_MS } from '../partition/validate.js';
import {
  malformed,
  positive,
  readNested,
  readSigned,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeOptionalBytes,
  writePresentUnsigned,
  writeSigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { checkedKey, readTimestamp, readValue, writeTimestamp } from './values.js';

/** The tag of the field that says that an operation is on what is kept in memory alone. */
export const EPHEMERAL = 168;
const MODE = 160;
const TOMBSTONE = 176;

export function ephemeralIf(flag: number): { readonly ephemeral?: true } {
  return flag === 0 ? {} : { ephemeral: true };
}

export function writeEphemeral(writer: Writer, { ephemeral }: { readonly ephemeral?: true }): void {
  writeBool(writer, EPHEMERAL, ephemeral === true);
}

/** A lease or a time to live. */
export function checkedExpiry(reader: Reader, expiresMs: number, what: string): number {
  positive(reader, expiresMs, what);
  if (expiresMs > MAX_EXPIRES_MS) malformed(reader, `${what} is ${expiresMs}, above ${MAX_EXPIRES_MS}`);
  return expiresMs;
}

export function writeSet(writer: Writer, operation: SetOperation): void {
  writeText(writer, 10, operation.key);
  writeOptionalBytes(writer, 18, operation.value);
  writeUnsigned(writer, 24, operation.flags);
  writeOptionalBytes(writer, 34, operation.compareValue);
  writeSigned(writer, 40, operation.compareRevision);
  writeUnsigned(writer, 48, operation.expiresMs ?? 0);
  writeEphemeral(writer, operation);
}

export function readSet(reader: Reader): SetOperation {
  let key = '';
  let value: Value = null;
  let flags = 0;
  let compareValue: Value = null;
  let compareRevision = 0;
  let expiresMs = 0;
  let ephemeral = 0;
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
      case 48:
        expiresMs = readUnsigned(reader, 'Set.expires_ms');
        break;
      case EPHEMERAL:
        ephemeral = readUnsigned(reader, 'Set.ephemeral');
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, key, 'Set.key');
  if (flags > ALL_SET_FLAGS) malformed(reader, `Set.flags is ${flags}, above ${ALL_SET_FLAGS}`);
  return {
    type: 'Set',
    key,
    value,
    flags,
    compareValue,
    compareRevision: compareRevision as Revision,
    ...(expiresMs === 0 ? {} : { expiresMs: checkedExpiry(reader, expiresMs, 'Set.expires_ms') }),
    ...ephemeralIf(ephemeral),
  };
}

export function writeDelete(writer: Writer, operation: DeleteOperation): void {
  writeText(writer, 10, operation.key);
  writeEphemeral(writer, operation);
}

export function readDelete(reader: Reader): DeleteOperation {
  let key = '';
  let ephemeral = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) key = readText(reader, 'Delete.key');
    else if (tag === EPHEMERAL) ephemeral = readUnsigned(reader, 'Delete.ephemeral');
    else skipField(reader, tag);
  }
  return { type: 'Delete', key: checkedKey(reader, key, 'Delete.key'), ...ephemeralIf(ephemeral) };
}

export function writeExtend(writer: Writer, operation: ExtendOperation): void {
  writeText(writer, 10, operation.key);
  writeUnsigned(writer, 16, operation.expiresMs);
  writeEphemeral(writer, operation);
}

export function readExtend(reader: Reader): ExtendOperation {
  let key = '';
  let expiresMs = 0;
  let ephemeral = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) key = readText(reader, 'Extend.key');
    else if (tag === 16) expiresMs = readUnsigned(reader, 'Extend.expires_ms');
    else if (tag === EPHEMERAL) ephemeral = readUnsigned(reader, 'Extend.ephemeral');
    else skipField(reader, tag);
  }
  return {
    type: 'Extend',
    key: checkedKey(reader, key, 'Extend.key'),
    expiresMs: checkedExpiry(reader, expiresMs, 'Extend.expires_ms'),
    ...ephemeralIf(ephemeral),
  };
}

/** The numbers of read modes: `linearizable`, the default, is 0. */
const MODES: readonly (SpecialReadMode | undefined)[] = [undefined, 'lease', 'follower', 'stale'];

function modeOf(reader: Reader, number: number): { readonly mode?: SpecialReadMode } {
  if (number >= MODES.length) malformed(reader, `the mode of a read is ${number}, which is unknown`);
  const mode = MODES[number];
  return mode === undefined ? {} : { mode };
}

export function writePointRead(writer: Writer, operation: GetOperation | ExistsOperation): void {
  writeText(writer, 10, operation.key);
  if (operation.revision !== undefined) writePresentUnsigned(writer, 16, operation.revision);
  if (operation.at !== undefined) writeTimestamp(writer, 26, operation.at);
  writeUnsigned(writer, MODE, MODES.indexOf(operation.mode));
  writeEphemeral(writer, operation);
  writeBool(writer, TOMBSTONE, operation.tombstone === true);
}

/** Reads the message of an operation that reads one key, but for its type. */
export function readPointRead(reader: Reader): Omit<GetOperation, 'type'> {
  let key = '';
  let revision: number | undefined;
  let at = ZERO_TIMESTAMP;
  let mode = 0;
  let ephemeral = 0;
  let tombstone = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = readText(reader, 'the key of a read');
        break;
      case 16:
        revision = readUnsigned(reader, 'the revision of a read');
        break;
      case 26:
        at = readTimestamp(reader);
        break;
      case MODE:
        mode = readUnsigned(reader, 'the mode of a read');
        break;
      case EPHEMERAL:
        ephemeral = readUnsigned(reader, 'ephemeral of a read');
        break;
      case TOMBSTONE:
        tombstone = readUnsigned(reader, 'tombstone of a read');
        break;
      default:
        skipField(reader, tag);
    }
  }
  return {
    key: checkedKey(reader, key, 'the key of a read'),
    ...(revision === undefined ? {} : { revision: revision as Revision }),
    ...atIf(at),
    ...modeOf(reader, mode),
    ...(tombstone === 0 ? {} : { tombstone: true as const }),
    ...ephemeralIf(ephemeral),
  };
}

function atIf(at: Timestamp): { readonly at?: Timestamp } {
  return at.node === 0 ? {} : { at };
}

export function writeScan(writer: Writer, operation: ScanOperation): void {
  const { prefix, group, from, to, limit, at, mode } = operation;
  writeText(writer, 10, prefix);
  writeUnsigned(writer, 16, group ?? 0);
  if (from !== undefined) writeNested(writer, 26, from, writeBound);
  if (to !== undefined) writeNested(writer, 34, to, writeBound);
  writeUnsigned(writer, 40, limit);
  if (at !== undefined) writeTimestamp(writer, 50, at);
  writeUnsigned(writer, MODE, MODES.indexOf(mode));
  writeEphemeral(writer, operation);
}

export function readScan(reader: Reader): ScanOperation {
  let prefix = '';
  let group = 0;
  let from: KeyBound | undefined;
  let to: KeyBound | undefined;
  let limit = 0;
  let at = ZERO_TIMESTAMP;
  let mode = 0;
  let ephemeral = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        prefix = readText(reader, 'Scan.prefix');
        break;
      case 16:
        group = readUnsigned(reader, 'Scan.group');
        break;
      case 26:
        from = readNested(reader, readBound);
        break;
      case 34:
        to = readNested(reader, readBound);
        break;
      case 40:
        limit = readUnsigned(reader, 'Scan.limit');
        break;
      case 50:
        at = readTimestamp(reader);
        break;
      case MODE:
        mode = readUnsigned(reader, 'Scan.mode');
        break;
      case EPHEMERAL:
        ephemeral = readUnsigned(reader, 'Scan.ephemeral');
        break;
      default:
        skipField(reader, tag);
    }
  }
  return {
    type: 'Scan',
    prefix: checkedKey(reader, prefix, 'Scan.prefix'),
    ...(group === 0 ? {} : { group: group as GroupId }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    limit: positive(reader, limit, 'Scan.limit'),
    ...atIf(at),
    ...modeOf(reader, mode),
    ...ephemeralIf(ephemeral),
  };
}

export function writeBound(writer: Writer, { key, inclusive }: KeyBound): void {
  writeText(writer, 10, key);
  writeBool(writer, 16, inclusive);
}

export function readBound(reader: Reader): KeyBound {
  let key = '';
  let inclusive = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) key = readText(reader, 'KeyBound.key');
    else if (tag === 16) inclusive = readUnsigned(reader, 'KeyBound.inclusive');
    else skipField(reader, tag);
  }
  return { key, inclusive: inclusive !== 0 };
}
