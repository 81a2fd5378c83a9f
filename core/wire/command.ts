/** Log entry payloads: a write as it is replicated. */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import type { LogIndex } from '../machine/units.js';
import type { Command, WriteOperation } from '../partition/command.js';
import type { Decoded } from './decoded.js';
import {
  decoded,
  encoded,
  keepable,
  malformed,
  readNested,
  readText,
  readUnsigned,
  skipField,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import {
  checkedRequestId,
  readKeyOnly,
  readSet,
  readTimestamp,
  writeOperation,
  writeTimestamp,
} from './values.js';

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
}

function readCommand(reader: Reader): Command {
  let requestId = '';
  let basis = 0;
  let stampedAt = ZERO_TIMESTAMP;
  let operation: WriteOperation | undefined;
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
      case 34:
        operation = readNested(reader, readSet);
        break;
      case 42:
        operation = { type: 'Delete', key: readNested(reader, readKeyOnly) };
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (operation === undefined) malformed(reader, 'Command holds no write that this version knows');
  if (stampedAt.node === 0) malformed(reader, 'Command.stamped_at is missing');
  if (operation.type === 'Set' && operation.value !== null) {
    operation = { ...operation, value: keepable(operation.value) };
  }
  return {
    requestId: checkedRequestId(reader, requestId, 'Command.request_id'),
    basis: basis as LogIndex,
    stampedAt,
    operation,
  };
}
