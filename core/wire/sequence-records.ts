/** Sequences as they are stored and told: records, allocations and outcomes. */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import {
  SequenceCode,
  type SequenceAllocation,
  type SequenceOutcome,
  type SequenceRecord,
} from '../partition/sequence-command.js';
import type { KeyedAllocation, SequenceEntry } from '../partition/sequence-entry.js';
import {
  malformed,
  positive,
  readNested,
  readSigned,
  readText,
  readUnsigned,
  skipField,
  writeNested,
  writePresentSigned,
  writeSigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { checkedKey, readTimestamp, writeTimestamp } from './values.js';

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(SequenceCode));

export function writeSequenceOutcome(writer: Writer, outcome: SequenceOutcome): void {
  writeUnsigned(writer, 8, outcome.code);
  if (outcome.record !== null) writeNested(writer, 18, outcome.record, writeRecord);
  if (outcome.allocation !== null) writeNested(writer, 26, outcome.allocation, writeAllocation);
}

export function readSequenceOutcome(reader: Reader): SequenceOutcome {
  let code = 0;
  let record: SequenceRecord | null = null;
  let allocation: SequenceAllocation | null = null;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        code = readUnsigned(reader, 'SequenceOutcome.code');
        break;
      case 18:
        record = readNested(reader, readRecord);
        break;
      case 26:
        allocation = readNested(reader, readAllocation);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (!KNOWN_CODES.has(code)) malformed(reader, `SequenceOutcome.code ${code} is unknown`);
  return { family: 'sequence', code: code as SequenceCode, record, allocation };
}

function writeRecord(writer: Writer, record: SequenceRecord): void {
  writeText(writer, 10, record.name);
  writeSigned(writer, 16, record.currentValue);
  writeSigned(writer, 24, record.initialValue);
  writeUnsigned(writer, 32, record.increment);
  if (record.maxValue !== null) writePresentSigned(writer, 40, record.maxValue);
  writeUnsigned(writer, 48, record.revision);
  writeUnsigned(writer, 56, record.blockSize ?? 0);
  writeUnsigned(writer, 64, record.incarnation);
  writeTimestamp(writer, 74, record.createdAt);
  writeTimestamp(writer, 82, record.updatedAt);
}

function readRecord(reader: Reader): SequenceRecord {
  let name = '';
  let currentValue = 0;
  let initialValue = 0;
  let increment = 0;
  let maxValue: number | null = null;
  let revision = 0;
  let blockSize = 0;
  let incarnation = 0;
  let createdAt = ZERO_TIMESTAMP;
  let updatedAt = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        name = readText(reader, 'SequenceRecord.name');
        break;
      case 16:
        currentValue = readSigned(reader, 'SequenceRecord.current_value');
        break;
      case 24:
        initialValue = readSigned(reader, 'SequenceRecord.initial_value');
        break;
      case 32:
        increment = readUnsigned(reader, 'SequenceRecord.increment');
        break;
      case 40:
        maxValue = readSigned(reader, 'SequenceRecord.max_value');
        break;
      case 48:
        revision = readUnsigned(reader, 'SequenceRecord.revision');
        break;
      case 56:
        blockSize = readUnsigned(reader, 'SequenceRecord.block_size');
        break;
      case 64:
        incarnation = readUnsigned(reader, 'SequenceRecord.incarnation');
        break;
      case 74:
        createdAt = readTimestamp(reader);
        break;
      case 82:
        updatedAt = readTimestamp(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  return {
    name: checkedKey(reader, name, 'SequenceRecord.name'),
    currentValue,
    initialValue,
    increment: positive(reader, increment, 'SequenceRecord.increment'),
    maxValue,
    revision,
    blockSize: blockSize === 0 ? null : blockSize,
    incarnation,
    createdAt,
    updatedAt,
  };
}

function writeAllocation(writer: Writer, allocation: SequenceAllocation): void {
  writeSigned(writer, 8, allocation.start);
  writeSigned(writer, 16, allocation.end);
  writeUnsigned(writer, 24, allocation.count);
  writeUnsigned(writer, 32, allocation.revision);
}

function readAllocation(reader: Reader): SequenceAllocation {
  let start = 0;
  let end = 0;
  let count = 0;
  let revision = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 8) start = readSigned(reader, 'SequenceAllocation.start');
    else if (tag === 16) end = readSigned(reader, 'SequenceAllocation.end');
    else if (tag === 24) count = readUnsigned(reader, 'SequenceAllocation.count');
    else if (tag === 32) revision = readUnsigned(reader, 'SequenceAllocation.revision');
    else skipField(reader, tag);
  }
  return { start, end, count: positive(reader, count, 'SequenceAllocation.count'), revision };
}

/** Its name stands in its record. */
export function writeSequenceEntry(writer: Writer, _name: string, { record, keyed }: SequenceEntry): void {
  writeNested(writer, 10, record, writeRecord);
  for (const each of keyed) writeNested(writer, 18, each, writeKeyed);
}

export function readSequenceEntry(reader: Reader): SequenceEntry {
  let record: SequenceRecord | undefined;
  const keyed: KeyedAllocation[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) record = readNested(reader, readRecord);
    else if (tag === 18) keyed.push(readNested(reader, readKeyed));
    else skipField(reader, tag);
  }
  if (record === undefined) malformed(reader, 'SequenceEntry.record is missing');
  return { record, keyed };
}

function writeKeyed(writer: Writer, { key, allocation, at }: KeyedAllocation): void {
  writeText(writer, 10, key);
  writeNested(writer, 18, allocation, writeAllocation);
  writeTimestamp(writer, 26, at);
}

function readKeyed(reader: Reader): KeyedAllocation {
  let key = '';
  let allocation: SequenceAllocation | undefined;
  let at = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) key = readText(reader, 'KeyedAllocation.key');
    else if (tag === 18) allocation = readNested(reader, readAllocation);
    else if (tag === 26) at = readTimestamp(reader);
    else skipField(reader, tag);
  }
  if (allocation === undefined) malformed(reader, 'KeyedAllocation.allocation is missing');
  return { key: checkedKey(reader, key, 'KeyedAllocation.key'), allocation, at };
}
