/**
 * The state of a partition in chunks, as it lies on the disk and as a follower that is far behind gets it.
 *
 * A chunk holds the records that come next after a place (keys, then pages of their past, locks, sequences, transactions, holds and
 * the retry table) until
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
  mapGet,
  mapSet,
  type OrderedMap,
} from '../collections/ordered-map.js';
import { radixVisitFrom } from '../collections/radix-array.js';
import type { LogIndex } from '../machine/units.js';
import { liveHolds } from '../partition/holds.js';
import { NEVER_WRITTEN, type KeyEntry } from '../partition/key-entry.js';
import { forEachReference } from '../partition/key-history.js';
import type { LockEntry } from '../partition/lock-entry.js';
import type { PartitionState } from '../partition/partition.js';
import { forEachOfPage, isPageName, pageName, type PastPage } from '../partition/past.js';
import { EMPTY_RETRY_TABLE, findRetry, rememberRequest, type RetryTable } from '../partition/retry-table.js';
import type { Floor, HoldEntry, Retention } from '../partition/retention.js';
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
import { readFloor, readHoldEntry, writeFloor, writeHoldEntry } from './hold-operations.js';
import { readPage, writePage } from './past.js';
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

type NamedKind = 'keys' | 'past' | 'locks' | 'sequences' | 'prepared' | 'open' | 'closed' | 'holds';

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
 * @param weigh called for each value, and each page of the past, that a record of the chunk keeps apart, in their order; says how
 * many bytes come with the chunk on its account.
 */
export function encodeChunk(
  state: PartitionState,
  from: ChunkPlace,
  maxBytes: number,
  weigh: Weigh = weightless,
): Chunk {
  const place = { next: from };
  const bytes = encoded(state, (writer) => {
    const end = writer.pos + Math.max(maxBytes, 1);
    if (place.next.in === 'keys') place.next = writeKeys(writer, state, place.next.after, end, weigh);
    if (place.next.in === 'past') place.next = writePast(writer, state, place.next.after, end, weigh);
    if (place.next.in === 'locks') place.next = writeLocks(writer, state, place.next.after, end);
    if (place.next.in === 'sequences') place.next = writeSequences(writer, state, place.next.after, end);
    if (place.next.in === 'prepared') place.next = writePreparedOnes(writer, state, place.next.after, end);
    if (place.next.in === 'open') place.next = writeOpen(writer, state, place.next.after, end);
    if (place.next.in === 'closed') place.next = writeClosed(writer, state, place.next.after, end);
    if (place.next.in === 'holds') place.next = writeHolds(writer, state, place.next.after, end);
    if (place.next.in === 'retries') place.next = writeRetries(writer, state, place.next.after, end);
  });
  return { bytes, next: place.next };
}

/** Says how many bytes come with a chunk on account of what one of its records keeps apart. */
type Weigh = (reference: ValueReference) => number;

function weightless(): number {
  return 0;
}

function writeKeys(
  writer: Writer,
  { keys }: PartitionState,
  after: string,
  end: number,
  weigh: Weigh,
): ChunkPlace {
  const kind = { tag: 10, records: keys, write: writeKeyEntry, apart: forEachReference };
  const last = writeRecords(writer, kind, after, end, weigh);
  return last === undefined ? { in: 'past', after: '' } : { in: 'keys', after: last };
}

function writePast(
  writer: Writer,
  { past }: PartitionState,
  after: string,
  end: number,
  weigh: Weigh,
): ChunkPlace {
  const records = past?.pages ?? emptyOrderedMap();
  const write = (to: Writer, _name: string, page: PastPage): void => writePage(to, page);
  const last = writeRecords(writer, { tag: 410, records, write, apart: forEachOfPage }, after, end, weigh);
  return last === undefined ? { in: 'locks', after: '' } : { in: 'past', after: last };
}

function writeLocks(writer: Writer, { locks }: PartitionState, after: string, end: number): ChunkPlace {
  const last = writeRecords(writer, { tag: 34, records: locks, write: writeLockEntry }, after, end);
  return last === undefined ? { in: 'sequences', after: '' } : { in: 'locks', after: last };
}

function writeSequences(writer: Writer, state: PartitionState, after: string, end: number): ChunkPlace {
  const { sequences: records } = state;
  const last = writeRecords(writer, { tag: 42, records, write: writeSequenceEntry }, after, end);
  return last === undefined ? { in: 'prepared', after: '' } : { in: 'sequences', after: last };
}

function writePreparedOnes(
  writer: Writer,
  { transactions }: PartitionState,
  after: string,
  end: number,
): ChunkPlace {
  const { prepared: records } = transactions;
  const last = writeRecords(writer, { tag: 50, records, write: writePrepared }, after, end);
  return last === undefined ? { in: 'open', after: '' } : { in: 'prepared', after: last };
}

function writeOpen(writer: Writer, state: PartitionState, after: string, end: number): ChunkPlace {
  const { open: records } = state.transactions;
  const last = writeRecords(writer, { tag: 58, records, write: writeRecord }, after, end);
  return last === undefined ? { in: 'closed', after: '' } : { in: 'open', after: last };
}

function writeClosed(writer: Writer, state: PartitionState, after: string, end: number): ChunkPlace {
  const { closed: records } = state.transactions;
  const last = writeRecords(writer, { tag: 66, records, write: writeRecord }, after, end);
  return last === undefined ? { in: 'holds', after: '' } : { in: 'closed', after: last };
}

function writeHolds(writer: Writer, state: PartitionState, after: string, end: number): ChunkPlace {
  const records = liveHolds(state);
  const last = writeRecords(writer, { tag: 402, records, write: writeHoldEntry }, after, end);
  return last === undefined ? { in: 'retries', after: 0 } : { in: 'holds', after: last };
}

interface Kind<T> {
  readonly tag: number;
  readonly records: OrderedMap<T>;
  readonly write: (writer: Writer, name: string, record: T) => void;
  /** Calls `visit` for what a record keeps apart; absent where records of the kind keep nothing so. */
  readonly apart?: (record: T, visit: (reference: ValueReference) => void) => void;
}

/** Writes what comes after `after`, until the chunk is full: then it says after which record. */
function writeRecords<T>(
  writer: Writer,
  { tag, records, write, apart }: Kind<T>,
  after: string,
  end: number,
  weigh: Weigh = weightless,
): string | undefined {
  let last = after;
  let full = false;
  let room = end;
  const takeRoom = (reference: ValueReference): void => void (room -= weigh(reference));
  const visit = (name: string, record: T): boolean => {
    if (name === after) return true;
    full = writer.pos >= room;
    if (full) return false;
    writer.uint32(tag).fork();
    write(writer, name, record);
    writer.ldelim();
    if (apart !== undefined) apart(record, takeRoom);
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
  const { retention } = state;
  if (retention?.type === 'Holds') writeUnsigned(writer, 400, retention.changedAt);
  if (retention?.type === 'Floor') writeNested(writer, 410, retention, writeFloor);
  writeUnsigned(writer, 416, state.past?.written ?? 0);
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
  /** Absent until one is read. */
  readonly holds?: ReadHolds;
  readonly past?: ReadPast;
  readonly retries: RetryTable;
  readonly firstRetry: number;
  readonly lastRetry: number;
  readonly head: StateHead | undefined;
}

interface ReadHolds {
  readonly live: OrderedMap<HoldEntry>;
  readonly last: string;
}

interface ReadPast {
  readonly pages: OrderedMap<PastPage>;
  readonly last: string;
}

interface StateHead {
  readonly applied: LogIndex;
  readonly lastModified: Timestamp;
  readonly digest: number;
  readonly forgotten: LogIndex;
  /** When the holds changed last; absent where there never were any. */
  readonly holdsChangedAt?: LogIndex;
  readonly floor?: Floor;
  /** So many pages of the past were ever written. */
  readonly pagesWritten: number;
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
 * @param apart called for each value, and each page of the past, that a record of the chunk keeps apart, in their order.
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
  let { keys, lastKey, locks, lastLock, sequences, lastSequence, about, holds, past } = partial;
  let { retries, firstRetry, lastRetry } = partial;
  let head: StateHead | undefined;
  const names: string[] = [];
  const entries: KeyEntry[] = [];
  const pageNames: string[] = [];
  const pages: PastPage[] = [];
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
      case 410: {
        const page = readNested(reader, readPage);
        const name = pageName(page.key, page.oldest);
        if (name <= (pageNames[pageNames.length - 1] ?? past?.last ?? '')) {
          malformed(reader, 'the pages of a state are not in ascending order');
        }
        pageNames.push(name);
        pages.push(page);
        if (apart !== undefined) forEachOfPage(page, apart);
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
      case 402: {
        const { id, entry } = readNested(reader, readHoldEntry);
        const { live, last } = holds ?? { live: emptyOrderedMap(), last: '' };
        if (id <= last) malformed(reader, 'the holds of a state are not in ascending order');
        holds = { live: mapSet(live, id, entry), last: id };
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
  keys = mapAppend(keys, names, entries);
  const last = pageNames[pageNames.length - 1];
  if (last !== undefined)
    past = { pages: mapAppend(past?.pages ?? emptyOrderedMap(), pageNames, pages), last };
  if (head !== undefined) {
    checkHead(reader, head, firstRetry, lastRetry);
    checkIndexes(reader, about, head.applied, head.forgotten);
    if (past !== undefined) checkPages(reader, keys, past.pages, head.pagesWritten);
    if (holds !== undefined && head.holdsChangedAt === undefined) {
      malformed(reader, 'a state has holds, but StateHead.holds_changed_at is missing');
    }
  }
  const named = { keys, lastKey, locks, lastLock, sequences, lastSequence, about };
  const whole = { ...named, retries, firstRetry, lastRetry, head };
  return {
    ...whole,
    ...(holds === undefined ? {} : { holds }),
    ...(past === undefined ? {} : { past }),
  };
}

/** Every page is one of an older past of a key that is there. */
function checkPages(
  reader: Reader,
  keys: OrderedMap<KeyEntry>,
  pages: OrderedMap<PastPage>,
  written: number,
): void {
  mapForEach(pages, (_, { key, newest, versions }) => {
    if (!isPageName(versions.index, written)) {
      malformed(reader, `a page of the key "${key}" is named ${versions.index}, but ${written} were written`);
    }
    const revision = mapGet(keys, key)?.revision ?? NEVER_WRITTEN;
    if (newest >= revision) {
      malformed(
        reader,
        `a page of the key "${key}" has revision ${newest}, but the key has come to ${revision}`,
      );
    }
  });
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
  let holdsChangedAt = 0;
  let floor: Floor | undefined;
  let pagesWritten = 0;
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
      case 400:
        holdsChangedAt = readUnsigned(reader, 'StateHead.holds_changed_at');
        break;
      case 410:
        floor = readNested(reader, readFloor);
        break;
      case 416:
        pagesWritten = readUnsigned(reader, 'StateHead.pages_written');
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (holdsChangedAt > applied)
    malformed(reader, `StateHead.holds_changed_at is ${holdsChangedAt}, after applied, ${applied}`);
  if (holdsChangedAt > 0 && floor !== undefined) malformed(reader, 'a state has holds, and a floor too');
  return {
    applied: applied as LogIndex,
    lastModified,
    digest,
    forgotten: forgotten as LogIndex,
    pagesWritten,
    ...(holdsChangedAt === 0 ? {} : { holdsChangedAt: holdsChangedAt as LogIndex }),
    ...(floor === undefined ? {} : { floor }),
  };
}

/** The state that all chunks together hold; undefined when the last one is missing. */
export function wholeState({
  keys,
  locks,
  sequences,
  about,
  retries,
  head,
  holds,
  past,
}: PartialState): PartitionState | undefined {
  if (head === undefined) return undefined;
  const { applied, lastModified, digest, forgotten } = head;
  const { indexOf, records } = retries;
  const state = {
    keys,
    locks,
    sequences,
    transactions: about.transactions,
    retries: { indexOf, records, forgotten },
    applied,
    lastModified,
    digest,
  };
  const retention = retentionOf(head, holds?.live);
  const { pagesWritten: written } = head;
  return {
    ...state,
    ...(retention === undefined ? {} : { retention }),
    ...(written === 0 ? {} : { past: { pages: past?.pages ?? emptyOrderedMap(), written } }),
  };
}

function retentionOf(
  { holdsChangedAt, floor }: StateHead,
  live: OrderedMap<HoldEntry> = emptyOrderedMap(),
): Retention | undefined {
  return holdsChangedAt === undefined ? floor : { type: 'Holds', live, changedAt: holdsChangedAt };
}
