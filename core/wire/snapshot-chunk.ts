/**
 * The state of a partition in chunks, as it lies on the disk and as a follower that is far behind gets it.
 *
 * A chunk holds the records that come next after a place, keys first and then the retry table, until it has as many
 * bytes as it may; the last one says what there is beside the records. Where a chunk ends depends on the state and the
 * size alone: equal states give equal chunks, on every node. Cutting one off costs what is in it, not what was before.
 *
 * Reading adds one chunk to what came before it. The collections are rebuilt by their own functions; what could not have
 * come from an applied log (keys out of order, a request remembered twice) is refused. Values are kept for as long as
 * their keys are, so none keeps a chunk's buffer alive.
 */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import { emptyOrderedMap, mapForEach, mapSet, type OrderedMap } from '../collections/ordered-map.js';
import { radixVisitFrom } from '../collections/radix-array.js';
import type { LogIndex, Revision } from '../machine/units.js';
import type { KeyValueOutcome, Value } from '../partition/command.js';
import type { KeyEntry } from '../partition/key-entry.js';
import { EMPTY_PARTITION, type PartitionState } from '../partition/partition.js';
import {
  EMPTY_RETRY_TABLE,
  findRetry,
  rememberRequest,
  type RetryRecord,
  type RetryTable,
} from '../partition/retry-table.js';
import type { Decoded } from './decoded.js';
import {
  decoded,
  encoded,
  keepable,
  malformed,
  positive,
  readNested,
  readDigest,
  readText,
  readUnsigned,
  skipField,
  writeBool,
  writeNested,
  writeOptionalBytes,
  writeSigned,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import {
  checkedKey,
  checkedRequestId,
  readOutcome,
  readTimestamp,
  readValue,
  writeOutcome,
  writeTimestamp,
} from './values.js';

/** Between two records of a state: after this key, or after all keys and the retry record of this index. */
export type ChunkPlace =
  | { readonly in: 'keys'; readonly after: string }
  | { readonly in: 'retries'; readonly after: number }
  | { readonly in: 'end' };

export const FIRST_CHUNK: ChunkPlace = { in: 'keys', after: '' };

export interface Chunk {
  readonly bytes: Uint8Array;
  /** Where the next one begins; `end` when this was the last. */
  readonly next: ChunkPlace;
}

/** The chunk that begins at `from`: at least one record where there is one, and no further one beyond `maxBytes`. */
export function encodeChunk(state: PartitionState, from: ChunkPlace, maxBytes: number): Chunk {
  const place = { next: from };
  const bytes = encoded(state, (writer) => {
    const end = writer.pos + maxBytes;
    if (place.next.in === 'keys') place.next = writeKeys(writer, state, place.next.after, end);
    if (place.next.in === 'retries') place.next = writeRetries(writer, state, place.next.after, end);
  });
  return { bytes, next: place.next };
}

function writeKeys(writer: Writer, state: PartitionState, after: string, end: number): ChunkPlace {
  let last = after;
  let full = false;
  const write = (key: string, entry: KeyEntry): boolean => {
    if (key === after) return true;
    full = writer.pos >= end && last !== after;
    if (full) return false;
    writer.uint32(10).fork();
    writeKeyEntry(writer, key, entry);
    writer.ldelim();
    last = key;
    return true;
  };
  mapForEach(state.keys, write, after);
  return full ? { in: 'keys', after: last } : { in: 'retries', after: 0 };
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
  retries: EMPTY_RETRY_TABLE,
  firstRetry: 0,
  lastRetry: 0,
  head: undefined,
};

/** What was read so far with the next chunk added to it, or why that cannot be; never throws. */
export function decodeChunk(partial: PartialState, bytes: Uint8Array): Decoded<PartialState> {
  return decoded(bytes, 'a chunk of a snapshot', (reader) => readChunk(reader, partial));
}

function readChunk(reader: Reader, partial: PartialState): PartialState {
  if (partial.head !== undefined) malformed(reader, 'it comes after the last one');
  let { keys, lastKey, retries, firstRetry, lastRetry } = partial;
  let head: StateHead | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10: {
        const { key, entry } = readNested(reader, readKeyEntry);
        if (key <= lastKey) malformed(reader, 'the keys of a state are not in ascending order');
        keys = mapSet(keys, key, entry);
        lastKey = key;
        break;
      }
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
  if (head !== undefined) checkHead(reader, head, firstRetry, lastRetry);
  return { keys, lastKey, retries, firstRetry, lastRetry, head };
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
export function wholeState({ keys, retries, head }: PartialState): PartitionState | undefined {
  if (head === undefined) return undefined;
  const { applied, lastModified, digest, forgotten } = head;
  const { indexOf, records } = retries;
  return {
    ...EMPTY_PARTITION,
    keys,
    retries: { indexOf, records, forgotten },
    applied,
    lastModified,
    digest,
  };
}

function writeKeyEntry(writer: Writer, key: string, entry: KeyEntry): void {
  writeText(writer, 10, key);
  writeOptionalBytes(writer, 18, entry.value);
  writeUnsigned(writer, 24, entry.revision);
  writeBool(writer, 32, entry.deleted);
  writeTimestamp(writer, 42, entry.lastModified);
}

function readKeyEntry(reader: Reader): { readonly key: string; readonly entry: KeyEntry } {
  let key = '';
  let value: Value = null;
  let revision = 0;
  let deleted = false;
  let lastModified = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        key = readText(reader, 'KeyEntry.key');
        break;
      case 18:
        value = keepable(readValue(reader, 'KeyEntry.value'));
        break;
      case 24:
        revision = readUnsigned(reader, 'KeyEntry.revision');
        break;
      case 32:
        deleted = readUnsigned(reader, 'KeyEntry.deleted') !== 0;
        break;
      case 42:
        lastModified = readTimestamp(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, key, 'KeyEntry.key');
  if (deleted && value !== null) malformed(reader, 'a KeyEntry is deleted, but has a value');
  if (lastModified.node === 0) malformed(reader, 'KeyEntry.last_modified is missing');
  const none = {
    expires: ZERO_TIMESTAMP,
    lapsedAt: ZERO_TIMESTAMP,
    expiresMs: 0,
    armedAt: 0 as LogIndex,
    history: [],
  };
  return { key, entry: { value, revision: revision as Revision, deleted, lastModified, ...none } };
}

function writeRetryRecord(writer: Writer, record: RetryRecord): void {
  writeText(writer, 10, record.requestId);
  writeUnsigned(writer, 16, record.index);
  writeText(writer, 26, record.operation);
  writeNested(writer, 34, record.outcome as KeyValueOutcome, writeOutcome);
}

function readRetryRecord(reader: Reader): RetryRecord {
  let requestId = '';
  let index = 0;
  let operation = '';
  let outcome: KeyValueOutcome | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        requestId = readText(reader, 'RetryRecord.request_id');
        break;
      case 16:
        index = readUnsigned(reader, 'RetryRecord.index');
        break;
      case 26:
        operation = readText(reader, 'RetryRecord.operation');
        break;
      case 34:
        outcome = readNested(reader, readOutcome);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (outcome === undefined) malformed(reader, 'RetryRecord.outcome is missing');
  if (outcome.value !== null) outcome = { ...outcome, value: keepable(outcome.value) };
  return {
    requestId: checkedRequestId(reader, requestId, 'RetryRecord.request_id'),
    index: positive(reader, index, 'RetryRecord.index') as LogIndex,
    operation,
    outcome,
  };
}
