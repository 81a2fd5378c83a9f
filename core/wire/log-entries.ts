/**
 * Runs of log entries, as appends and log segments carry them. Payloads are bytes already, and stay as they are.
 *
 * Decoded entries go into the log and stay there until it is compacted. Those of one message come and go together, so
 * their payloads are views of one buffer that they share: the input where it is mostly this message, else one copy of
 * the message. A frame of many appends, or one with a snapshot in it, is so not kept alive by the last small entry.
 */

import type { Term } from '../machine/units.js';
import type { Configuration } from '../raft/configuration.js';
import type { Entry } from '../raft/messages.js';
import { readConfiguration, writeConfiguration } from './configuration.js';
import {
  malformed,
  positive,
  readNested,
  readUnsigned,
  sizeOfUnsigned,
  skipField,
  writeNested,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';

const NO_BYTES = new Uint8Array(0);

export function writeEntries(writer: Writer, tag: number, entries: readonly Entry[]): void {
  for (const { term, payload, config } of entries) {
    if (config !== undefined) {
      writer.uint32(tag).fork();
      writeUnsigned(writer, 8, term);
      writeNested(writer, 26, config, writeConfiguration);
      writer.ldelim();
      continue;
    }
    const { length } = payload;
    // Known sizes first: to write an entry and then move it behind its length costs half as much again.
    writer
      .uint32(tag)
      .uint32(
        (term === 0 ? 0 : 1 + sizeOfUnsigned(term)) +
          (length === 0 ? 0 : 1 + sizeOfUnsigned(length) + length),
      );
    writeUnsigned(writer, 8, term);
    if (length > 0) writer.uint32(18).bytes(payload);
  }
}

/** Where the payloads of one message live: byte `i` of the input is byte `i + shift` of `buffer`. */
export interface PayloadHome {
  readonly buffer: ArrayBufferLike;
  readonly shift: number;
}

/** The home for the payloads in the message being read, which began at `start`. */
export function payloadHome(reader: Reader, start: number): PayloadHome {
  const { buf, len } = reader;
  const mostlyThis = (len - start) * 2 >= buf.buffer.byteLength;
  return mostlyThis
    ? { buffer: buf.buffer, shift: buf.byteOffset }
    : { buffer: buf.slice(start, len).buffer, shift: -start };
}

/** Reads one entry, its length included. Written out, not by `readNested`: there are many of them. */
export function readEntry(reader: Reader, home: PayloadHome): Entry {
  const outerEnd = reader.len;
  const end = reader.size() + reader.pos;
  if (end > outerEnd) malformed(reader, 'an Entry does not fit into what is left');
  reader.len = end;
  let term = 0;
  let payload: Uint8Array = NO_BYTES;
  let config: Configuration | undefined;
  while (reader.pos < end) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        term = readUnsigned(reader, 'Entry.term');
        break;
      case 18: {
        const size = reader.size();
        const from = reader.pos + home.shift;
        reader.skip(size);
        // Not `subarray`, which takes twice as long.
        payload = size === 0 ? NO_BYTES : new Uint8Array(home.buffer, from, size);
        break;
      }
      case 26:
        config = readNested(reader, readConfiguration);
        break;
      default:
        skipField(reader, tag);
    }
  }
  positive(reader, term, 'Entry.term');
  reader.len = outerEnd;
  if (config === undefined) return { term: term as Term, payload };
  if (payload.length > 0) malformed(reader, 'an Entry has both a payload and a configuration');
  return { term: term as Term, payload, config };
}
