/**
 * Taking a snapshot of a group's own state, without stopping the group.
 *
 * The state is an immutable value, so keeping it is enough to have the image; the group goes on meanwhile. A chunk is
 * made and written at a time, and the next when that one is durable. The write of the last one also holds the record that
 * makes the snapshot count, and drops the log behind it: until then a crash leaves the old snapshot and the whole log. A
 * small snapshot has a single chunk, and is taken in the turn in which it is due. Of values that are kept apart it holds
 * references; what they refer to is written with the chunk, unless it was before.
 */

import { mixBytes } from '../collections/digest.js';
import { added, listWith } from '../collections/list.js';
import { isBent } from '../machine/bend.js';
import { writeNumber, type LogIndex } from '../machine/units.js';
import type { ValueReference } from '../partition/value-reference.js';
import { compact } from '../raft/snapshot.js';
import { encodeChunk, FIRST_CHUNK } from '../wire/snapshot-chunk.js';
import { dropChunks, putChunk, withSnapshotBegun } from './journal.js';
import type { SnapshotWriting } from './state.js';
import type { NodeTurn, OpenGroup } from './turn.js';
import { knownValues } from './value-store.js';
import { countFromHere, isUnwritten, writeValue } from './value-writer.js';

/** Takes a snapshot once enough was applied since the last one, or goes on with the one that is being taken. */
export function compactIfDue(turn: NodeTurn, opened: OpenGroup): void {
  const id = opened.raft.raft.group;
  const known = turn.node.writing.find(({ group }) => group === id);
  if (known !== undefined) goOn(turn, opened, known);
  else if (isDue(turn, opened) && turn.node.writing.length < turn.options.maxSnapshotsWriting) {
    begin(turn, opened);
  }
}

function isDue(turn: NodeTurn, opened: OpenGroup): boolean {
  const { partition } = opened.group;
  if (partition === opened.before.partition) return false;
  const since = partition.applied - (opened.raft.raft.snapshot?.index ?? 0);
  if (since > 0 && isBent(turn.raftContext.bend, SNAPSHOT_NOW)) return true;
  const { snapshotEveryEntries, snapshotEveryValueBytes, snapshotPercentOfRecords } = turn.options;
  const { keys, locks, sequences, retries } = partition;
  const records = keys.size + locks.size + sequences.size + retries.indexOf.size;
  const share = (records * snapshotPercentOfRecords) / 100;
  if (since >= snapshotEveryEntries && since >= share) return true;
  // The log holds values that the state keeps apart: it goes sooner, so that memory has room for others.
  const { appliedBytes = 0 } = knownValues(turn, opened.raft.raft.group) ?? {};
  return since > 0 && appliedBytes >= Math.max(snapshotEveryValueBytes, share * RECORD_BYTES);
}

/** About what a record of a snapshot takes. */
const RECORD_BYTES = 128;

const SNAPSHOT_NOW = 'a snapshot now';

function begin(turn: NodeTurn, opened: OpenGroup): void {
  const { group } = opened;
  const number = group.journal.nextSnapshot;
  group.journal = withSnapshotBegun(group.journal);
  countFromHere(turn, opened.raft.raft.group);
  writeChunk(turn, opened, {
    group: opened.raft.raft.group,
    state: group.partition,
    number,
    chunks: 0,
    digest: 0,
    next: FIRST_CHUNK,
    write: writeNumber(0),
  });
}

function goOn(turn: NodeTurn, opened: OpenGroup, writing: SnapshotWriting): void {
  const { node } = turn;
  const overtaken = (opened.raft.raft.snapshot?.index ?? 0) >= writing.state.applied;
  if (!overtaken && writing.write > node.durableWrite) return;
  node.writing = node.writing.filter((known) => known !== writing);
  if (overtaken) turn.changes = added(turn.changes, dropChunks(writing.group, writing.number));
  else writeChunk(turn, opened, writing);
}

/** Writes the next chunk; after the last one the snapshot is taken. */
function writeChunk(turn: NodeTurn, opened: OpenGroup, writing: SnapshotWriting): void {
  const { node, options } = turn;
  const { group, state, number, chunks } = writing;
  const unwritten: LogIndex[] = [];
  const weigh = (reference: ValueReference): number => {
    if (!isUnwritten(turn, group, reference)) return 0;
    unwritten.push(reference.index);
    return reference.bytes;
  };
  const { bytes, next } = encodeChunk(state, writing.next, options.snapshotChunkBytes, weigh);
  for (const index of unwritten) writeValue(turn, group, index);
  const digest = mixBytes(writing.digest, bytes);
  turn.changes = added(turn.changes, putChunk(group, number, chunks, bytes));
  opened.writes = true;
  if (next.in === 'end') {
    const generation = knownValues(turn, group)?.generation;
    const records = { number, chunks: chunks + 1, digest };
    opened.snapshotRecords = generation === undefined ? records : { ...records, generation };
    const keepEntries = isBent(turn.raftContext.bend, 'nothing kept behind a snapshot')
      ? 0
      : options.keepEntries;
    compact(opened.raft, state.applied, state, keepEntries);
    return;
  }
  const { write } = turn;
  node.writing = listWith(node.writing, {
    group,
    state,
    number,
    chunks: chunks + 1,
    digest,
    next,
    write,
  });
}
