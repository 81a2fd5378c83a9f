/**
 * The state of a partition in chunks, as it lies on the disk and as a follower that is far behind gets it.
 *
 * A chunk holds the records that come next after a place (keys, then locks, sequences, transactions and the retry table) until
 * it has as many bytes as it may; the last one says what there is beside the records. Where a chunk ends depends on the state and the
 * size alone: equal states give equal chunks, on every node. Cutting one off costs what is in it, not what was before.
 *
 * Reading adds one chunk to what came before it. The collections are rebuilt by their own functions; what could not have
 * come from an applied log (keys out of order, a request remembered twice) is refused. Values are kept for as long as
 * their keys are, so none keeps a chunk's buffer alive.
 */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import {
  emptyOrderedMap,
  mapAppend,
  mapForEach,
  mapSet,
  type OrderedMap,
} from '../collections/ordered-map.js';
import { radixVisitFrom } from '../collections/radix-array.js';
import type { LogIndex } from '../machine/units.js';
import type { KeyEntry } from '../partition/key-entry.js';
import { forEachReference } from '../partition/key-history.js';
import type { LockEntry } from '../partition/lock-entry.js';
import type { PartitionState } from '../partition/partition.js';
import { EMPTY_RETRY_TABLE, findRetry, rememberRequest, type RetryTable } from '../partition/retry-table.js';
import type { SequenceEntry } from '../partition/sequence-entry.js';
import type { ValueReference } from '../partition/value-reference.js';
import type { Decoded } from './decoded.js';
import {
  decoded,
  encoded,
  malformed,
  readDigest,
  readNested,
  readUnsigned,
  skipField,
  writeNested,
  writeSigned,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { readSequenceEntry, writeSequenceEntry } from './sequence-records.js';
import {
  readKeyEntry,
  readLockEntry,
  readRetryRecord,
  writeKeyEntry,
  writeLockEntry,
  writeRetryRecord,
} from './state-records.js';
import {
  addClosed,
  addOpen,
  addPrepared,
  checkIndexes,
  NOTHING_READ,
  writePrepared,
  writeRecord,
  type ReadTransactions,
} from './transaction-records.js';
import { readTimestamp, writeTimestamp } from './values.js';

type NamedKind = 'keys' | 'locks' | 'sequences' | 'prepared' | 'open' | 'closed';

/** Between two records of a state: after this one of its kind, and after all records of the kinds before it. */
export type ChunkPlace =
  | { readonly in: NamedKind; readonly after: string }
  | { readonly in: 'retries'; readonly after: number }
  | { readonly in: 'end' };

export const FIRST_CHUNK: ChunkPlace = { in: 'keys', after: '' };

export interface Chunk {
  readonly bytes: Uint8Array;
  /** Where the next one begins; `end` when this was the last. */
  readonly next: ChunkPlace;
}

/**
 * The chunk that begins at `from`: at least one record where there is one, and no further one beyond `maxBytes`.
 *
 * @param weigh called for each value that a key of the chunk keeps apart, in their order; says how many bytes come with the
 * chunk on its account.
 */
export function encodeChunk(
  state: PartitionState,
  from: ChunkPlace,
  maxBytes: number,
  weigh: (reference: ValueReference) => number = weightless,
): Chunk {
  const place = { next: from };
  const bytes = encoded(state, (writer) => {
    const end = writer.pos + Math.max(maxBytes, 1);
    if (place.next.in === 'keys') place.next = writeKeys(writer, state, place.next.after, end, weigh);
    if (place.next.in === 'locks') place.next = writeLocks(writer, state, place.next.after, end);
    if (place.next.in === 'sequences') place.next = writeSequences(writer, state, place.next.after, end);
    if (place.next.in === 'prepared') place.next = writePreparedOnes(writer, state, place.next.after, end);
    if (place.next.in === 'open') place.next = writeOpen(writer, state, place.next.after, end);
    if (place.next.in === 'closed') place.next = writeClosed(writer, state, place.next.after, end);
    if (place.next.in === 'retries') place.next = writeRetries(writer, state, place.next.after, end);
  });
  return { bytes, next: place.next };
}

function weightless(): number {
  return 0;
}

function writeKeys(
  writer: Writer,
  { keys }: PartitionState,
  after: string,
  end: number,
  weigh: (reference: ValueReference) => number,
): ChunkPlace {
  let room = end;
  const write = (_: Writer, key: string, entry: KeyEntry): void => {
    writeKeyEntry(writer, key, entry);
    forEachReference(entry, (reference) => void (room -= weigh(reference)));
  };
  const last = writeRecords(writer, { tag: 10, records: keys, write }, after, () => room);
  return last === undefined ? { in: 'locks', after: '' } : { in: 'keys', after: last };
}

function writeLocks(writer: Writer, { locks }: PartitionState, after: string, end: number): ChunkPlace {
  const last = writeRecords(writer, { tag: 34, records: locks, write: writeLockEntry }, after, () => end);
  return last === undefined ? { in: 'sequences', after: '' } : { in: 'locks', after: last };
}

function writeSequences(writer: Writer, state: PartitionState, after: string, end: number): ChunkPlace {
  const { sequences: records } = state;
  const last = writeRecords(writer, { tag: 42, records, write: writeSequenceEntry }, after, () => end);
  return last === undefined ? { in: 'prepared', after: '' } : { in: 'sequences', after: last };
}

function writePreparedOnes(
  writer: Writer,
  { transactions }: PartitionState,
  after: string,
  end: number,
): ChunkPlace {
  const { prepared: records } = transactions;
  const last = writeRecords(writer, { tag: 50, records, write: writePrepared }, after, () => end);
  return last === undefined ? { in: 'open', after: '' } : { in: 'prepared', after: last };
}

function writeOpen(writer: Writer, state: PartitionState, after: string, end: number): ChunkPlace {
  const { open: records } = state.transactions;
  const last = writeRecords(writer, { tag: 58, records, write: writeRecord }, after, () => end);
  return last === undefined ? { in: 'closed', after: '' } : { in: 'open', after: last };
}

function writeClosed(writer: Writer, state: PartitionState, after: string, end: number): ChunkPlace {
  const { closed: records } = state.transactions;
  const last = writeRecords(writer, { tag: 66, records, write: writeRecord }, after, () => end);
  return last === undefined ? { in: 'retries', after: 0 } : { in: 'closed', after: last };
}

interface Kind<T> {
  readonly tag: number;
  readonly records: OrderedMap<T>;
  readonly write: (writer: Writer, name: string, record: T) => void;
}

/** Writes what comes after `after`, until the chunk is full: then it says after which record. */
function writeRecords<T>(
  writer: Writer,
  { tag, records, write }: Kind<T>,
  after: string,
  end: () => number,
): string | undefined {
  let last = after;
  let full = false;
  const visit = (name: string, record: T): boolean => {
    if (name === after) return true;
    full = writer.pos >= end();
    if (full) return false;
    writer.uint32(tag).fork();
    write(writer, name, record);
    writer.ldelim();
    last = name;
    return true;
  };
  mapForEach(records, visit, after);
  return full ? last : undefined;
}

function writeRetries(writer: Writer, state: PartitionState, after: number, end: number): ChunkPlace {
  let last = after;
  let full = writer.pos >= end;
  radixVisitFrom(state.retries.records, after + 1, (record, index) => {
    full = writer.pos >= end;
    if (full) return false;
    writeNested(writer, 18, record, writeRetryRecord);
    last = index;
    return true;
  });
  if (full) return { in: 'retries', after: last };
  writeNested(writer, 26, state, writeStateHead);
  return { in: 'end' };
}

function writeStateHead(writer: Writer, state: PartitionState): void {
  writeUnsigned(writer, 8, state.applied);
  writeTimestamp(writer, 18, state.lastModified);
  writeSigned(writer, 24, state.digest);
  writeUnsigned(writer, 32, state.retries.forgotten);
}

/** A state of which some chunks were read. */
export interface PartialState {
  readonly keys: OrderedMap<KeyEntry>;
  readonly lastKey: string;
  readonly locks: OrderedMap<LockEntry>;
  readonly lastLock: string;
  readonly sequences: OrderedMap<SequenceEntry>;
  readonly lastSequence: string;
  readonly about: ReadTransactions;
  readonly retries: RetryTable;
  readonly firstRetry: number;
  readonly lastRetry: number;
  readonly head: StateHead | undefined;
}

interface StateHead {
  readonly applied: LogIndex;
  readonly lastModified: Timestamp;
  readonly digest: number;
  readonly forgotten: LogIndex;
}

export const NO_CHUNKS: PartialState = {
  keys: emptyOrderedMap(),
  lastKey: '',
  locks: emptyOrderedMap(),
  lastLock: '',
  sequences: emptyOrderedMap(),
  lastSequence: '',
  about: NOTHING_READ,
  retries: EMPTY_RETRY_TABLE,
  firstRetry: 0,
  lastRetry: 0,
  head: undefined,
};

/**
 * What was read so far with the next chunk added to it, or why that cannot be; never throws.
 *
 * @param apart called for each value that a key of the chunk keeps apart, in their order.
 */
export function decodeChunk(
  partial: PartialState,
  bytes: Uint8Array,
  apart?: (reference: ValueReference) => void,
): Decoded<PartialState> {
  return decoded(bytes, 'a chunk of a snapshot', (reader) => readChunk(reader, partial, apart));
}

function readChunk(
  reader: Reader,
  partial: PartialState,
  apart: ((reference: ValueReference) => void) | undefined,
): PartialState {
  if (partial.head !== undefined) malformed(reader, 'it comes after the last one');
  let { keys, lastKey, locks, lastLock, sequences, lastSequence, about } = partial;
  let { retries, firstRetry, lastRetry } = partial;
  let head: StateHead | undefined;
  const names: string[] = [];
  const entries: KeyEntry[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10: {
        const { key, entry } = readNested(reader, readKeyEntry);
        if (key <= lastKey) malformed(reader, 'the keys of a state are not in ascending order');
        names.push(key);
        entries.push(entry);
        if (apart !== undefined) forEachReference(entry, apart);
        lastKey = key;
        break;
      }
      case 34: {
        const { resource, entry } = readNested(reader, readLockEntry);
        if (resource <= lastLock) malformed(reader, 'the locks of a state are not in ascending order');
        locks = mapSet(locks, resource, entry);
        lastLock = resource;
        break;
      }
      case 42: {
        const entry = readNested(reader, readSequenceEntry);
        const { name } = entry.record;
        if (name <= lastSequence) malformed(reader, 'the sequences of a state are not in ascending order');
        sequences = mapSet(sequences, name, entry);
        lastSequence = name;
        break;
      }
      case 50:
        about = addPrepared(reader, about);
        break;
      case 58:
        about = addOpen(reader, about);
        break;
      case 66:
        about = addClosed(reader, about);
        break;
      case 18: {
        const record = readNested(reader, readRetryRecord);
        const { index, requestId } = record;
        if (index <= lastRetry)
          malformed(reader, `a RetryRecord is at ${index}, but comes after ${lastRetry}`);
        if (findRetry(retries, requestId) !== undefined) {
          malformed(reader, `the request id of the RetryRecord at ${index} is there twice`);
        }
        retries = rememberRequest(retries, record);
        if (firstRetry === 0) firstRetry = index;
        lastRetry = index;
        break;
      }
      case 26:
        head = readNested(reader, readStateHead);
        break;
      default:
        skipField(reader, tag);
    }
  }
  keys = mapAppend(keys, names, entries);
  if (head !== undefined) {
    checkHead(reader, head, firstRetry, lastRetry);
    checkIndexes(reader, about, head.applied, head.forgotten);
  }
  const named = { keys, lastKey, locks, lastLock, sequences, lastSequence, about };
  return { ...named, retries, firstRetry, lastRetry, head };
}

function checkHead(reader: Reader, head: StateHead, firstRetry: number, lastRetry: number): void {
  const { applied, forgotten } = head;
  if (forgotten > applied)
    malformed(reader, `StateHead.forgotten is ${forgotten}, after applied, ${applied}`);
  if (lastRetry > 0 && (firstRetry <= forgotten || lastRetry > applied)) {
    malformed(
      reader,
      `RetryRecords are at ${firstRetry} to ${lastRetry}, but must lie after ${forgotten} and not after ${applied}`,
    );
  }
}

function readStateHead(reader: Reader): StateHead {
  let applied = 0;
  let lastModified = ZERO_TIMESTAMP;
  let digest = 0;
  let forgotten = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        applied = readUnsigned(reader, 'StateHead.applied');
        break;
      case 18:
        lastModified = readTimestamp(reader);
        break;
      case 24:
        digest = readDigest(reader, 'StateHead.digest');
        break;
      case 32:
        forgotten = readUnsigned(reader, 'StateHead.forgotten');
        break;
      default:
        skipField(reader, tag);
    }
  }
  return { applied: applied as LogIndex, lastModified, digest, forgotten: forgotten as LogIndex };
}

/** The state that all chunks together hold; undefined when the last one is missing. */
export function wholeState({
  keys,
  locks,
  sequences,
  about,
  retries,
  head,
}: PartialState): PartitionState | undefined {
  if (head === undefined) return undefined;
  const { applied, lastModified, digest, forgotten } = head;
  const { indexOf, records } = retries;
  return {
    keys,
    locks,
    sequences,
    transactions: about.transactions,
    retries: { indexOf, records, forgotten },
    applied,
    lastModified,
    digest,
  };
}
