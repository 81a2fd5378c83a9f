/**
 * How a group's durable state lies in the node's ordered key/value storage, and how it is read back.
 *
 *     group/00000001/hard                      term and vote
 *     group/00000001/segment/000000000000002a  entries that one turn appended; segments are numbered in order
 *     group/00000001/snapshot                  which snapshot counts, and the first segment that still counts
 *     group/00000001/snapshot/0000000000000007/00000003   a chunk of the snapshot number 7
 *
 * The values that a state keeps apart lie elsewhere (`value-store.ts`); a snapshot says in which generation.
 *
 * A snapshot is written chunk by chunk, over many turns, and nothing looks at it before the one small record names it;
 * that record, and the dropping of what it replaces, are one atomic change (data first, then the switch). Every snapshot
 * that is begun gets a number of its own, so chunks of two never mix; those of one that was given up are garbage until
 * the next switch drops them.
 *
 * A later segment overrides earlier ones from its first index on, so truncation needs no record of its own, and all
 * that a group appends in one turn is one record. Segments below the snapshot's first are garbage: they may linger
 * after a crash, and are ignored.
 */

import { mixBytes } from '../collections/digest.js';
import { assert, present } from '../machine/assert.js';
import {
  emptyRadixArray,
  radixGet,
  radixSet,
  radixSlice,
  type RadixArray,
} from '../collections/radix-array.js';
import type { StorageChange, StoredRecord } from '../machine/machine.js';
import { groupId, logIndex, NO_NODE, term, type GroupId, type LogIndex } from '../machine/units.js';
import type { PartitionState } from '../partition/partition.js';
import type { RaftWrite } from '../raft/durability.js';
import type { Entry } from '../raft/messages.js';
import type { Snapshot } from '../raft/messages.js';
import type { DurableImage } from '../raft/state.js';
import { decodeChunk, NO_CHUNKS, wholeState } from '../wire/snapshot-chunk.js';
import type { SnapshotRecords, Stored, StoredHardState, StoredSegment, StoredSnapshot } from './protocol.js';
import { hexadecimal } from '../collections/hexadecimal.js';
import { dropGenerations, generationOf } from './value-store.js';

export interface Journal {
  readonly group: GroupId;
  readonly firstSegment: number;
  readonly nextSegment: number;
  /** The number of the next snapshot that is begun. */
  readonly nextSnapshot: number;
  /** The last index in each segment, from the first to the one before the next. */
  readonly segmentEnds: RadixArray<LogIndex>;
}

export function emptyJournal(group: GroupId): Journal {
  return { group, firstSegment: 0, nextSegment: 0, nextSnapshot: 0, segmentEnds: emptyRadixArray() };
}

function prefix(group: GroupId): string {
  return `group/${hexadecimal(group, 8)}/`;
}

function segmentKey(group: GroupId, segment: number): string {
  return `${prefix(group)}segment/${hexadecimal(segment, 16)}`;
}

function snapshotKey(group: GroupId, number: number): string {
  return `${prefix(group)}snapshot/${hexadecimal(number, 16)}/`;
}

/** Takes the next number for a snapshot. */
export function withSnapshotBegun(journal: Journal): Journal {
  const { group, firstSegment, nextSegment, nextSnapshot, segmentEnds } = journal;
  return { group, firstSegment, nextSegment, nextSnapshot: nextSnapshot + 1, segmentEnds };
}

export function putChunk(
  group: GroupId,
  number: number,
  chunk: number,
  bytes: Uint8Array,
): StorageChange<Stored> {
  const key = snapshotKey(group, number) + hexadecimal(chunk, 8);
  return { type: 'Put', key, value: { type: 'SnapshotChunk', bytes } };
}

/** Removes the chunks of a snapshot that was given up. */
export function dropChunks(group: GroupId, number: number): StorageChange<Stored> {
  return dropSnapshots(group, number, number + 1);
}

function dropSnapshots(group: GroupId, from: number, before: number): StorageChange<Stored> {
  return { type: 'DropRange', from: snapshotKey(group, from), before: snapshotKey(group, before) };
}

export interface JournalStep {
  readonly journal: Journal;
  readonly changes: readonly StorageChange<Stored>[];
}

/**
 * The storage changes that make a turn's write durable.
 *
 * @param records where the write's snapshot lies, when it has one: all of its chunks are in this or in earlier writes.
 * @param underWay the number of another snapshot, which is still being received.
 */
export function recordWrite(
  journal: Journal,
  write: RaftWrite<PartitionState>,
  records?: SnapshotRecords,
  underWay?: number,
): JournalStep {
  const changes: StorageChange<Stored>[] = [];
  const { group, nextSnapshot } = journal;
  let { firstSegment, nextSegment, segmentEnds } = journal;

  if (write.hardState !== undefined) {
    const { term: storedTerm, vote } = write.hardState;
    changes.push({
      type: 'Put',
      key: `${prefix(group)}hard`,
      value: { type: 'HardState', term: storedTerm, vote },
    });
  }
  if (write.snapshot !== undefined) {
    const before = firstSegment;
    if (write.replacesLog) firstSegment = nextSegment;
    else {
      while (firstSegment < nextSegment && endOf(segmentEnds, firstSegment) <= write.snapshot.index) {
        firstSegment += 1;
      }
    }
    const { index, term: ofTerm, config } = write.snapshot;
    const {
      number,
      chunks,
      digest,
      generation,
      superseded = [],
    } = present(records, () => `group ${group}: a snapshot that is not on the disk`);
    changes.push({
      type: 'Put',
      key: `${prefix(group)}snapshot`,
      value: {
        type: 'Snapshot',
        index,
        term: ofTerm,
        config,
        number,
        chunks,
        digest,
        firstSegment,
        ...(generation === undefined || generation === 0 ? {} : { generation }),
        ...(superseded.length === 0 ? {} : { superseded }),
      },
    });
    // From the very first: a crash may have left chunks of one that was never finished.
    if (underWay === undefined || underWay > number) changes.push(dropSnapshots(group, 0, number));
    else changes.push(dropSnapshots(group, 0, underWay), dropSnapshots(group, underWay + 1, number));
    if (generation !== undefined) changes.push(...dropOtherGenerations(group, generation, number, underWay));
    if (firstSegment > before) {
      // From the very first: a crash may have kept what an earlier drop should have removed.
      const from = segmentKey(group, 0);
      changes.push({ type: 'DropRange', from, before: segmentKey(group, firstSegment) });
      segmentEnds = radixSlice(segmentEnds, firstSegment, nextSegment);
    }
  }
  if (write.append !== undefined) {
    const { firstIndex, entries } = write.append;
    const value: Stored = { type: 'Segment', firstIndex, entries };
    changes.push({ type: 'Put', key: segmentKey(group, nextSegment), value });
    segmentEnds = radixSet(segmentEnds, nextSegment, logIndex(firstIndex + entries.length - 1));
    nextSegment += 1;
  }
  return { journal: { group, firstSegment, nextSegment, nextSnapshot, segmentEnds }, changes };
}

/** Removes the values of all snapshots that count no more, or never will: not those of one that is being received. */
function dropOtherGenerations(
  group: GroupId,
  generation: number,
  number: number,
  underWay: number | undefined,
): readonly StorageChange<Stored>[] {
  const kept = underWay === undefined ? [generation] : [generation, generationOf(underWay)];
  const changes: StorageChange<Stored>[] = [];
  let from = 0;
  for (const each of [...kept, generationOf(number)].sort((a, b) => a - b)) {
    if (from < each) changes.push(dropGenerations(group, from, each));
    from = each + 1;
    if (from > generationOf(number)) break;
  }
  return changes;
}

function endOf(segmentEnds: RadixArray<LogIndex>, segment: number): LogIndex {
  return present(radixGet(segmentEnds, segment), () => `segment ${segment} was never written`);
}

export interface RecoveredGroup {
  readonly image: DurableImage<PartitionState>;
  readonly journal: Journal;
  /** Where the values lie that the group keeps apart; undefined when it never did. */
  readonly generation: number | undefined;
  /** Values to which its snapshot refers no more, though their records may be there. */
  readonly superseded: readonly LogIndex[];
}

/** What the storage holds of each group, by group id. Storage that contradicts itself fails an assertion. */
export function recoverGroups(stored: readonly StoredRecord<Stored>[]): ReadonlyMap<GroupId, RecoveredGroup> {
  const parts = new Map<GroupId, GroupParts>();
  for (const { key, value } of stored) {
    const group = groupId(Number.parseInt(key.slice('group/'.length, 'group/'.length + 8), 16));
    let part = parts.get(group);
    if (part === undefined) {
      part = { hard: undefined, snapshot: undefined, chunks: [], segments: [] };
      parts.set(group, part);
    }
    switch (value.type) {
      case 'HardState':
        part.hard = value;
        break;
      case 'Snapshot':
        part.snapshot = value;
        break;
      case 'Segment':
        part.segments.push({
          number: Number.parseInt(key.slice(key.lastIndexOf('/') + 1), 16),
          segment: value,
        });
        break;
      case 'SnapshotChunk': {
        const [number, chunk] = key.slice(key.indexOf('snapshot/') + 'snapshot/'.length).split('/');
        part.chunks.push({
          number: Number.parseInt(number ?? '', 16),
          chunk: Number.parseInt(chunk ?? '', 16),
          bytes: value.bytes,
        });
        break;
      }
      case 'Value':
        assert(false, () => `the value ${key} is cold, and was not to be handed over`);
    }
  }
  return new Map([...parts].map(([group, part]) => [group, recoverGroup(group, part)]));
}

interface GroupParts {
  hard: StoredHardState | undefined;
  snapshot: StoredSnapshot | undefined;
  /** Of all snapshots, in ascending order of numbers and chunks. */
  readonly chunks: { readonly number: number; readonly chunk: number; readonly bytes: Uint8Array }[];
  /** In ascending order of numbers. */
  readonly segments: { readonly number: number; readonly segment: StoredSegment }[];
}

function recoverGroup(group: GroupId, parts: GroupParts): RecoveredGroup {
  const firstSegment = parts.snapshot?.firstSegment ?? 0;
  let generation = parts.snapshot?.generation;
  const superseded = parts.snapshot?.superseded ?? [];
  const apart = (): void => void (generation ??= 0);
  const snapshot =
    parts.snapshot === undefined ? undefined : recoverSnapshot(group, parts.snapshot, parts, apart);
  const base = snapshot?.index ?? 0;
  const entries: Entry[] = [];
  let nextSegment = firstSegment;
  let segmentEnds = emptyRadixArray<LogIndex>();
  for (const { number, segment } of parts.segments) {
    if (number < firstSegment) continue;
    assert(
      number === nextSegment,
      () => `group ${group}: log segment ${nextSegment} is missing, the next one stored is ${number}`,
    );
    const { firstIndex } = segment;
    assert(
      firstIndex <= base + entries.length + 1,
      () =>
        `group ${group}: log segment ${number} begins at ${firstIndex}, but ${base + entries.length} comes before it`,
    );
    const kept = Math.max(0, firstIndex - base - 1);
    if (kept < entries.length) entries.length = kept;
    const known = Math.max(0, base + 1 - firstIndex);
    for (const entry of segment.entries.slice(known)) entries.push(entry);
    segmentEnds = radixSet(segmentEnds, number, logIndex(firstIndex + segment.entries.length - 1));
    nextSegment = number + 1;
  }
  return {
    image: { term: parts.hard?.term ?? term(0), vote: parts.hard?.vote ?? NO_NODE, snapshot, entries },
    journal: { group, firstSegment, nextSegment, nextSnapshot: unusedNumber(parts), segmentEnds },
    generation: generation ?? (superseded.length > 0 ? 0 : undefined),
    superseded,
  };
}

/** Above that of every snapshot of which anything may be on the disk. */
function unusedNumber({ snapshot, chunks }: GroupParts): number {
  return Math.max(snapshot?.number ?? -1, chunks[chunks.length - 1]?.number ?? -1) + 1;
}

function recoverSnapshot(
  group: GroupId,
  stored: StoredSnapshot,
  { chunks }: GroupParts,
  apart: () => void,
): Snapshot<PartitionState> {
  let partial = NO_CHUNKS;
  let found = 0;
  let digest = 0;
  for (const { number, chunk, bytes } of chunks) {
    if (number !== stored.number) continue;
    assert(chunk === found, () => `group ${group}: chunk ${found} of snapshot ${number} is missing`);
    const read = decodeChunk(partial, bytes, apart);
    assert(
      read.ok,
      () => `group ${group}: chunk ${chunk} of snapshot ${number}: ${read.ok ? '' : read.reason}`,
    );
    partial = read.value;
    digest = mixBytes(digest, bytes);
    found += 1;
  }
  const { index, term: ofTerm, config } = stored;
  assert(
    found === stored.chunks && digest === stored.digest,
    () =>
      `group ${group}: the snapshot at ${index} has ${stored.chunks} chunks, but others were found (${found})`,
  );
  const state = present(wholeState(partial), () => `group ${group}: the snapshot at ${index} is not whole`);
  assert(
    state.applied === index,
    () => `group ${group}: a snapshot at ${index} holds a state at ${state.applied}`,
  );
  return { index, term: ofTerm, config, state };
}
