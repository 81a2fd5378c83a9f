/** What lies under a node's storage keys: a group's term and vote, its log segments, its snapshot, values kept apart. */

import { unreachable } from '../machine/assert.js';
import type { LogIndex, NodeId, Term } from '../machine/units.js';
import type {
  Stored,
  StoredChunk,
  StoredHardState,
  StoredSegment,
  StoredSnapshot,
  StoredValue,
} from '../node/protocol.js';
import type { Configuration } from '../raft/configuration.js';
import type { Entry } from '../raft/messages.js';
import { readConfiguration, writeConfiguration } from './configuration.js';
import type { Decoded } from './decoded.js';
import {
  decoded,
  encoded,
  keepable,
  malformed,
  positive,
  readNested,
  readNumbers,
  readDigest,
  readList,
  readUnsigned,
  skipField,
  writeList,
  writeNested,
  writeOptionalBytes,
  writeSigned,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { readKeptApart } from './values.js';
import { payloadHome, readEntry, writeEntries, type PayloadHome } from './log-entries.js';

/** The bytes for the disk. Equal values give equal bytes. */
export function encodeStored(stored: Stored): Uint8Array {
  return encoded(stored, writeStored);
}

/** What the bytes from the disk hold, or why they hold nothing; never throws. */
export function decodeStored(bytes: Uint8Array): Decoded<Stored> {
  return decoded(bytes, 'a stored record', readStored);
}

function writeStored(writer: Writer, stored: Stored): void {
  switch (stored.type) {
    case 'HardState':
      writeNested(writer, 10, stored, writeHardState);
      return;
    case 'Segment':
      writeNested(writer, 18, stored, writeSegment);
      return;
    case 'Snapshot':
      writeNested(writer, 26, stored, writeStoredSnapshot);
      return;
    case 'SnapshotChunk':
      writeNested(writer, 34, stored, writeStoredChunk);
      return;
    case 'Value':
      writeNested(writer, 42, stored, writeStoredValue);
      return;
    default:
      unreachable(stored);
  }
}

function readStored(reader: Reader): Stored {
  let stored: Stored | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        stored = readNested(reader, readHardState);
        break;
      case 18:
        stored = readNested(reader, readSegment);
        break;
      case 26:
        stored = readNested(reader, readStoredSnapshot);
        break;
      case 34:
        stored = readNested(reader, readStoredChunk);
        break;
      case 42:
        stored = readNested(reader, readStoredValue);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (stored === undefined) malformed(reader, 'Stored holds nothing that this version knows');
  return stored;
}

function writeHardState(writer: Writer, { term, vote }: StoredHardState): void {
  writeUnsigned(writer, 8, term);
  writeUnsigned(writer, 16, vote);
}

const HARD_STATE = ['HardState.term', 'HardState.vote'];

function readHardState(reader: Reader): StoredHardState {
  const [term, vote] = readNumbers(reader, HARD_STATE);
  return { type: 'HardState', term: term as Term, vote: vote as NodeId };
}

function writeSegment(writer: Writer, { firstIndex, entries }: StoredSegment): void {
  writeUnsigned(writer, 8, firstIndex);
  writeEntries(writer, 18, entries);
}

function readSegment(reader: Reader): StoredSegment {
  const start = reader.pos;
  let home: PayloadHome | undefined;
  let firstIndex = 0;
  const entries: Entry[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        firstIndex = readUnsigned(reader, 'Segment.first_index');
        break;
      case 18:
        home ??= payloadHome(reader, start);
        entries.push(readEntry(reader, home));
        break;
      default:
        skipField(reader, tag);
    }
  }
  positive(reader, firstIndex, 'Segment.first_index');
  if (!Number.isSafeInteger(firstIndex + entries.length)) {
    malformed(
      reader,
      `Segment has ${entries.length} entries from index ${firstIndex} on, which passes 2^53 - 1`,
    );
  }
  return { type: 'Segment', firstIndex: firstIndex as LogIndex, entries };
}

function writeStoredSnapshot(writer: Writer, stored: StoredSnapshot): void {
  writeUnsigned(writer, 8, stored.index);
  writeUnsigned(writer, 16, stored.term);
  writeUnsigned(writer, 24, stored.number);
  writeUnsigned(writer, 32, stored.chunks);
  writeSigned(writer, 40, stored.digest);
  writeUnsigned(writer, 48, stored.firstSegment);
  writeNested(writer, 58, stored.config, writeConfiguration);
  writeUnsigned(writer, 64, stored.generation ?? 0);
  if (stored.superseded !== undefined) writeList(writer, 74, stored.superseded);
}

function readStoredSnapshot(reader: Reader): StoredSnapshot {
  let index = 0;
  let term = 0;
  let number = 0;
  let chunks = 0;
  let digest = 0;
  let firstSegment = 0;
  let generation = 0;
  let superseded: readonly number[] = [];
  let config: Configuration | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        index = readUnsigned(reader, 'StoredSnapshot.index');
        break;
      case 16:
        term = readUnsigned(reader, 'StoredSnapshot.term');
        break;
      case 24:
        number = readUnsigned(reader, 'StoredSnapshot.number');
        break;
      case 32:
        chunks = readUnsigned(reader, 'StoredSnapshot.chunks');
        break;
      case 40:
        digest = readDigest(reader, 'StoredSnapshot.digest');
        break;
      case 48:
        firstSegment = readUnsigned(reader, 'StoredSnapshot.first_segment');
        break;
      case 58:
        config = readNested(reader, readConfiguration);
        break;
      case 64:
        generation = readUnsigned(reader, 'StoredSnapshot.generation');
        break;
      case 74:
        superseded = readList(reader, 'StoredSnapshot.superseded');
        for (const each of superseded) positive(reader, each, 'StoredSnapshot.superseded');
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (config === undefined) malformed(reader, 'StoredSnapshot.config is missing');
  return {
    type: 'Snapshot',
    index: positive(reader, index, 'StoredSnapshot.index') as LogIndex,
    term: term as Term,
    config,
    number,
    chunks: positive(reader, chunks, 'StoredSnapshot.chunks'),
    digest,
    firstSegment,
    ...(generation === 0 ? {} : { generation }),
    ...(superseded.length === 0 ? {} : { superseded: superseded as readonly LogIndex[] }),
  };
}

function writeStoredChunk(writer: Writer, { bytes }: StoredChunk): void {
  writeOptionalBytes(writer, 10, bytes.length === 0 ? null : bytes);
}

function readStoredChunk(reader: Reader): StoredChunk {
  let bytes = new Uint8Array(0);
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) bytes = reader.bytes().slice();
    else skipField(reader, tag);
  }
  return { type: 'SnapshotChunk', bytes };
}

function writeStoredValue(writer: Writer, { bytes }: StoredValue): void {
  writeOptionalBytes(writer, 10, bytes.length === 0 ? null : bytes);
}

function readStoredValue(reader: Reader): StoredValue {
  let bytes: Uint8Array = NO_BYTES;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) bytes = keepable(readKeptApart(reader, 'StoredValue.bytes'));
    else skipField(reader, tag);
  }
  return { type: 'Value', bytes };
}

const NO_BYTES = new Uint8Array(0);
