/** What stands in a state for a value that is kept apart. */

import type { LogIndex } from '../machine/units.js';
import { MAX_VALUE_BYTES } from '../partition/validate.js';
import type { ValueReference } from '../partition/value-reference.js';
import {
  malformed,
  positive,
  readUnsigned,
  skipField,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';

const DIGEST_BYTES = 32;

export function writeReference(writer: Writer, { index, bytes, digest }: ValueReference): void {
  writeUnsigned(writer, 8, index);
  writeUnsigned(writer, 16, bytes);
  writer.uint32(26).bytes(fromHexadecimal(digest));
}

export function readReference(reader: Reader): ValueReference {
  return readReferenceUpTo(reader, MAX_VALUE_BYTES);
}

export function readReferenceUpTo(reader: Reader, maxBytes: number): ValueReference {
  let index = 0;
  let bytes = 0;
  let digest = '';
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        index = readUnsigned(reader, 'ValueReference.index');
        break;
      case 16:
        bytes = readUnsigned(reader, 'ValueReference.bytes');
        break;
      case 26:
        digest = readSha256(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (digest === '') malformed(reader, 'ValueReference.digest is missing');
  if (bytes > maxBytes) malformed(reader, `ValueReference.bytes is ${bytes}, above ${maxBytes}`);
  return { index: positive(reader, index, 'ValueReference.index') as LogIndex, bytes, digest };
}

function readSha256(reader: Reader): string {
  const digest = reader.bytes();
  if (digest.length !== DIGEST_BYTES) {
    malformed(reader, `ValueReference.digest has ${digest.length} bytes, but must have ${DIGEST_BYTES}`);
  }
  let text = '';
  for (const byte of digest) text += BYTES[byte] as string;
  return text;
}

/** Each byte as two hexadecimal digits. */
const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function fromHexadecimal(text: string): Uint8Array {
  const bytes = new Uint8Array(DIGEST_BYTES);
  for (let i = 0; i < DIGEST_BYTES; i += 1) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
