/** Log entry payloads: an operation as it is replicated. */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import type { LogIndex } from '../machine/units.js';
import type { Command, Lapse, Operation, SequenceTake, Trim } from '../partition/command.js';
import { isRead } from '../partition/operation.js';
import type { Decoded } from './decoded.js';
import {
  decoded,
  encoded,
  keepable,
  malformed,
  positive,
  readNested,
  readSigned,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeSigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { readOperation, writeOperation } from './operations.js';
import { keepableWrite } from './transaction-records.js';
import { checkedKey, checkedRequestId, readTimestamp, writeTimestamp } from './values.js';

/** The bytes of a command: the payload of its log entry. Equal commands give equal bytes. */
export function encodeCommand(command: Command): Uint8Array {
  return encoded(command, writeCommand);
}

/**
 * The command that a log entry carries, or why its payload holds none; never throws.
 *
 * The value to be set may outlive the entry by years, so it never keeps a large buffer alive. The one to be compared
 * with is a view of the payload.
 */
export function decodeCommand(bytes: Uint8Array): Decoded<Command> {
  return decoded(bytes, 'a command', readCommand);
}

function writeCommand(writer: Writer, command: Command): void {
  writeText(writer, 10, command.requestId);
  writeUnsigned(writer, 16, command.basis);
  writeTimestamp(writer, 26, command.stampedAt);
  writeOperation(writer, command.operation);
  for (const lapse of command.lapsed ?? []) writeNested(writer, 162, lapse, writeLapse);
  const { take } = command;
  if (take?.type === 'Block') writeNested(writer, 170, take, writeBlock);
  else if (take?.type === 'Part') writeNested(writer, 178, take, writePart);
  if (command.trim !== undefined) writeNested(writer, 442, command.trim, writeTrim);
}

function readCommand(reader: Reader): Command {
  let requestId = '';
  let basis = 0;
  let stampedAt = ZERO_TIMESTAMP;
  let operation: Operation | undefined;
  const lapsed: Lapse[] = [];
  let take: SequenceTake | undefined;
  let trim: Trim | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        requestId = readText(reader, 'Command.request_id');
        break;
      case 16:
        basis = readUnsigned(reader, 'Command.basis');
        break;
      case 26:
        stampedAt = readTimestamp(reader);
        break;
      case 162:
        lapsed.push(readNested(reader, readLapse));
        break;
      case 170:
        take = readNested(reader, readBlock);
        break;
      case 178:
        take = readNested(reader, readPart);
        break;
      case 442:
        trim = readNested(reader, readTrim);
        break;
      default: {
        const read = readOperation(reader, tag);
        if (read === undefined) skipField(reader, tag);
        else operation = read;
      }
    }
  }
  if (operation === undefined) malformed(reader, 'Command holds no operation that this version knows');
  if (stampedAt.node === 0) malformed(reader, 'Command.stamped_at is missing');
  if (take !== undefined && operation.type !== 'ReserveSequence') {
    malformed(reader, `Command.take is there, but the operation is ${operation.type}`);
  }
  if (trim !== undefined && !isRead(operation)) {
    malformed(reader, `Command.trim is there, but the operation is ${operation.type}`);
  }
  operation = keepableOperation(operation);
  return {
    requestId: checkedRequestId(reader, requestId, 'Command.request_id'),
    basis: basis as LogIndex,
    stampedAt,
    operation,
    ...(lapsed.length === 0 ? {} : { lapsed }),
    ...(take === undefined ? {} : { take }),
    ...(trim === undefined ? {} : { trim }),
  };
}

/** The operation with the values that it sets where they may stay. */
function keepableOperation(operation: Operation): Operation {
  switch (operation.type) {
    case 'Set':
      return operation.value === null ? operation : { ...operation, value: keepable(operation.value) };
    case 'Prepare':
    case 'CommitAtOnce':
      return { ...operation, writes: operation.writes.map(keepableWrite) };
    default:
      return operation;
  }
}

function writeLapse(writer: Writer, { space, name, armedAt }: Lapse): void {
  writeText(writer, 10, name);
  writeUnsigned(writer, 16, armedAt);
  writeBool(writer, 24, space === 'lock');
  writeBool(writer, 400, space === 'hold');
}

function readLapse(reader: Reader): Lapse {
  let name = '';
  let armedAt = 0;
  let lock = 0;
  let hold = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) name = readText(reader, 'Lapse.name');
    else if (tag === 16) armedAt = readUnsigned(reader, 'Lapse.armed_at');
    else if (tag === 24) lock = readUnsigned(reader, 'Lapse.lock');
    else if (tag === 400) hold = readUnsigned(reader, 'Lapse.hold');
    else skipField(reader, tag);
  }
  return {
    space: hold !== 0 ? 'hold' : lock === 0 ? 'key' : 'lock',
    name: checkedKey(reader, name, 'Lapse.name'),
    armedAt: positive(reader, armedAt, 'Lapse.armed_at') as LogIndex,
  };
}

function writeTrim(writer: Writer, { from, to, keep, before }: Trim): void {
  writeText(writer, 10, from);
  writeText(writer, 18, to);
  writeUnsigned(writer, 24, keep);
  writeTimestamp(writer, 34, before);
}

function readTrim(reader: Reader): Trim {
  let from = '';
  let to = '';
  let keep = 0;
  let before = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) from = readText(reader, 'Trim.from');
    else if (tag === 18) to = readText(reader, 'Trim.to');
    else if (tag === 24) keep = readUnsigned(reader, 'Trim.keep');
    else if (tag === 34) before = readTimestamp(reader);
    else skipField(reader, tag);
  }
  return { from, to, keep, before };
}

type Block = Extract<SequenceTake, { type: 'Block' }>;
type Part = Extract<SequenceTake, { type: 'Part' }>;

function writeBlock(writer: Writer, { window }: Block): void {
  writeUnsigned(writer, 8, window);
}

function readBlock(reader: Reader): Block {
  let window = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 8) window = readUnsigned(reader, 'Block.window');
    else skipField(reader, tag);
  }
  return { type: 'Block', window: positive(reader, window, 'Block.window') };
}

function writePart(writer: Writer, { start, revision, incarnation, createdAt }: Part): void {
  writeSigned(writer, 8, start);
  writeUnsigned(writer, 16, revision);
  writeUnsigned(writer, 24, incarnation);
  writeTimestamp(writer, 34, createdAt);
}

function readPart(reader: Reader): Part {
  let start = 0;
  let revision = 0;
  let incarnation = 0;
  let createdAt = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 8) start = readSigned(reader, 'Part.start');
    else if (tag === 16) revision = readUnsigned(reader, 'Part.revision');
    else if (tag === 24) incarnation = readUnsigned(reader, 'Part.incarnation');
    else if (tag === 34) createdAt = readTimestamp(reader);
    else skipField(reader, tag);
  }
  if (createdAt.node === 0) malformed(reader, 'Part.created_at is missing');
  return { type: 'Part', start, revision, incarnation, createdAt };
}
