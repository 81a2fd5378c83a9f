/** What lies under a node's storage keys: a group's term and vote, its log segments, its snapshot. */

import { unreachable } from '../machine/assert.js';
import type { LogIndex, NodeId, Term } from '../machine/units.js';
import type { Stored, StoredHardState, StoredSegment, StoredSnapshot } from '../node/protocol.js';
import type { PartitionState } from '../partition/partition.js';
import type { Entry, Snapshot } from '../raft/messages.js';
import type { Decoded } from './decoded.js';
import {
  decoded,
  encoded,
  malformed,
  positive,
  readNested,
  readNumbers,
  readUnsigned,
  skipField,
  writeNested,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { payloadHome, readEntry, writeEntries, type PayloadHome } from './log-entries.js';
import { readSnapshot, writeSnapshot } from './partition-state.js';

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
  writeNested(writer, 10, stored.snapshot, writeSnapshot);
  writeUnsigned(writer, 16, stored.firstSegment);
}

function readStoredSnapshot(reader: Reader): StoredSnapshot {
  let snapshot: Snapshot<PartitionState> | undefined;
  let firstSegment = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        snapshot = readNested(reader, readSnapshot);
        break;
      case 16:
        firstSegment = readUnsigned(reader, 'StoredSnapshot.first_segment');
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (snapshot === undefined) malformed(reader, 'StoredSnapshot.snapshot is missing');
  return { type: 'Snapshot', snapshot, firstSegment };
}
