/** Operations on sequences. Absent parameters differ from those that are 0. */

import type {
  CreateSequenceOperation,
  DeleteSequenceOperation,
  GetSequenceOperation,
  ReserveSequenceOperation,
  UpdateSequenceOperation,
} from '../partition/sequence-command.js';
import {
  positive,
  readSigned,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writePresentSigned,
  writeSigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { checkedKey } from './values.js';

export function writeCreateSequence(writer: Writer, operation: CreateSequenceOperation): void {
  writeText(writer, 10, operation.name);
  writeSigned(writer, 16, operation.initialValue);
  writeUnsigned(writer, 24, operation.increment);
  if (operation.maxValue !== undefined) writePresentSigned(writer, 32, operation.maxValue);
  writeUnsigned(writer, 40, operation.blockSize ?? 0);
}

export function readCreateSequence(reader: Reader): CreateSequenceOperation {
  let name = '';
  let initialValue = 0;
  let increment = 0;
  let maxValue: number | undefined;
  let blockSize = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        name = readText(reader, 'CreateSequence.name');
        break;
      case 16:
        initialValue = readSigned(reader, 'CreateSequence.initial_value');
        break;
      case 24:
        increment = readUnsigned(reader, 'CreateSequence.increment');
        break;
      case 32:
        maxValue = readSigned(reader, 'CreateSequence.max_value');
        break;
      case 40:
        blockSize = readUnsigned(reader, 'CreateSequence.block_size');
        break;
      default:
        skipField(reader, tag);
    }
  }
  return {
    type: 'CreateSequence',
    name: checkedKey(reader, name, 'CreateSequence.name'),
    initialValue,
    increment: positive(reader, increment, 'CreateSequence.increment'),
    ...(maxValue === undefined ? {} : { maxValue }),
    ...(blockSize === 0 ? {} : { blockSize }),
  };
}

export function writeUpdateSequence(writer: Writer, operation: UpdateSequenceOperation): void {
  const { name, currentValue, increment, initialValue, maxValue, blockSize } = operation;
  writeText(writer, 10, name);
  if (currentValue !== undefined) writePresentSigned(writer, 16, currentValue);
  writeUnsigned(writer, 24, increment ?? 0);
  if (initialValue !== undefined) writePresentSigned(writer, 32, initialValue);
  if (maxValue !== undefined && maxValue !== null) writePresentSigned(writer, 40, maxValue);
  writeBool(writer, 48, maxValue === null);
  writeUnsigned(writer, 56, blockSize ?? 0);
  writeBool(writer, 64, blockSize === null);
}

export function readUpdateSequence(reader: Reader): UpdateSequenceOperation {
  let name = '';
  let currentValue: number | undefined;
  let increment = 0;
  let initialValue: number | undefined;
  let maxValue: number | null | undefined;
  let blockSize: number | null = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        name = readText(reader, 'UpdateSequence.name');
        break;
      case 16:
        currentValue = readSigned(reader, 'UpdateSequence.current_value');
        break;
      case 24:
        increment = readUnsigned(reader, 'UpdateSequence.increment');
        break;
      case 32:
        initialValue = readSigned(reader, 'UpdateSequence.initial_value');
        break;
      case 40:
        maxValue = readSigned(reader, 'UpdateSequence.max_value');
        break;
      case 48:
        if (readUnsigned(reader, 'UpdateSequence.remove_max_value') !== 0) maxValue = null;
        break;
      case 56:
        blockSize = readUnsigned(reader, 'UpdateSequence.block_size');
        break;
      case 64:
        if (readUnsigned(reader, 'UpdateSequence.remove_block_size') !== 0) blockSize = null;
        break;
      default:
        skipField(reader, tag);
    }
  }
  return {
    type: 'UpdateSequence',
    name: checkedKey(reader, name, 'UpdateSequence.name'),
    ...(currentValue === undefined ? {} : { currentValue }),
    ...(increment === 0 ? {} : { increment }),
    ...(initialValue === undefined ? {} : { initialValue }),
    ...(maxValue === undefined ? {} : { maxValue }),
    ...(blockSize === 0 ? {} : { blockSize }),
  };
}

export function writeReserveSequence(writer: Writer, operation: ReserveSequenceOperation): void {
  writeText(writer, 10, operation.name);
  writeUnsigned(writer, 16, operation.count);
  writeText(writer, 26, operation.idempotencyKey ?? '');
}

export function readReserveSequence(reader: Reader): ReserveSequenceOperation {
  let name = '';
  let count = 0;
  let idempotencyKey = '';
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) name = readText(reader, 'ReserveSequence.name');
    else if (tag === 16) count = readUnsigned(reader, 'ReserveSequence.count');
    else if (tag === 26) idempotencyKey = readText(reader, 'ReserveSequence.idempotency_key');
    else skipField(reader, tag);
  }
  return {
    type: 'ReserveSequence',
    name: checkedKey(reader, name, 'ReserveSequence.name'),
    count: positive(reader, count, 'ReserveSequence.count'),
    ...(idempotencyKey === '' ? {} : { idempotencyKey }),
  };
}

export function writeNameOnly(
  writer: Writer,
  { name }: DeleteSequenceOperation | GetSequenceOperation,
): void {
  writeText(writer, 10, name);
}

/** Reads the message of an operation that has the name of a sequence and nothing else. */
export function readNameOnly(reader: Reader): string {
  let name = '';
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) name = readText(reader, 'the name of a sequence');
    else skipField(reader, tag);
  }
  return checkedKey(reader, name, 'the name of a sequence');
}
