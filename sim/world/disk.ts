/**
 * The simulated disk: ordered writes, of which a crash keeps every synced one and any prefix of the rest.
 *
 * A write is atomic unless the crash tears it. What faults do to a disk is kept here as its condition; the world acts
 * on it.
 */

import { COLD_PREFIX, type Persist, type StorageChange, type StoredRecord } from '../../core/index.js';

export interface Disk<Stored> {
  /** What a crash is certain to leave. */
  readonly durable: Map<string, Stored>;
  /** Issued and not yet durable, oldest first; the first `syncing` of them are in the sync under way. */
  pending: readonly Persist<Stored>[];
  syncing: number;
  /** Every sync takes so much longer. */
  slowUs: number;
  /** How many faults keep syncs from finishing, and writes from being taken. */
  stuck: number;
  full: number;
  /** The next sync fails. */
  failNext: boolean;
}

const NOTHING: readonly never[] = [];

export function createDisk<Stored>(): Disk<Stored> {
  return { durable: new Map(), pending: NOTHING, syncing: 0, slowUs: 0, stuck: 0, full: 0, failNext: false };
}

export function enqueueWrite<Stored>(disk: Disk<Stored>, write: Persist<Stored>): void {
  disk.pending = disk.pending.length === 0 ? [write] : [...disk.pending, write];
}

/** Begins a sync of everything that waits, unless one is under way or nothing waits. */
export function beginSync<Stored>(disk: Disk<Stored>): boolean {
  if (disk.syncing > 0 || disk.pending.length === 0) return false;
  disk.syncing = disk.pending.length;
  return true;
}

/** The sync under way is done: its writes are durable. Gives them, oldest first. */
export function finishSync<Stored>(disk: Disk<Stored>): readonly Persist<Stored>[] {
  const { pending, syncing } = disk;
  const done = syncing === pending.length ? pending : pending.slice(0, syncing);
  disk.pending = syncing === pending.length ? NOTHING : pending.slice(syncing);
  disk.syncing = 0;
  for (const { changes } of done) applyChanges(disk.durable, changes);
  return done;
}

/**
 * What was not durable is lost, but for the first `kept` writes, which happen to survive. Gives those.
 *
 * @param torn of the next write the first half survives too, as on a disk whose writes are not atomic.
 */
export function dropUnsynced<Stored>(
  disk: Disk<Stored>,
  kept: number,
  torn = false,
): readonly Persist<Stored>[] {
  const survivors = disk.pending.slice(0, kept);
  const next = disk.pending[kept];
  if (torn && next !== undefined) {
    survivors.push({ ...next, changes: next.changes.slice(0, (next.changes.length + 1) >>> 1) });
  }
  disk.pending = NOTHING;
  disk.syncing = 0;
  for (const { changes } of survivors) applyChanges(disk.durable, changes);
  return survivors;
}

/** Everything is gone. */
export function wipeDisk<Stored>(disk: Disk<Stored>): void {
  disk.durable.clear();
  disk.pending = NOTHING;
  disk.syncing = 0;
}

function applyChanges<Stored>(records: Map<string, Stored>, changes: readonly StorageChange<Stored>[]): void {
  for (const change of changes) {
    if (change.type === 'Put') records.set(change.key, change.value);
    else if (change.type === 'Drop') records.delete(change.key);
    else {
      for (const key of records.keys()) {
        if (key >= change.from && key < change.before) records.delete(key);
      }
    }
  }
}

/** All that is durable, in ascending order of keys. */
export function readDisk<Stored>(disk: Disk<Stored>): readonly StoredRecord<Stored>[] {
  return [...disk.durable]
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** What will be durable once all that was asked for is done. */
export function writtenRecords<Stored>({ durable, pending }: Disk<Stored>): ReadonlyMap<string, Stored> {
  const after = new Map(durable);
  for (const { changes } of pending) applyChanges(after, changes);
  return after;
}

/** What a node is handed of its disk when it starts: the rest it reads. */
export function bootRecords<Stored>(disk: Disk<Stored>): readonly StoredRecord<Stored>[] {
  return readDisk(disk).filter(({ key }) => !key.startsWith(COLD_PREFIX));
}
