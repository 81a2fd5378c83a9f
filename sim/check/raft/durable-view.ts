/**
 * What is on one node's disk of one group, kept up to date write by write.
 *
 * Built only from the changes that the disk made durable, never from a node's memory: so it is the witness against a
 * node that says something before it is so.
 */

import {
  COLD_PREFIX,
  type LogIndex,
  type NodeId,
  type StorageChange,
  type Stored,
  type StoredSnapshot,
  type Term,
} from '../../../core/index.js';
import { PropertyBroken } from '../../world/world.js';

export interface DurableView {
  term: number;
  vote: number;
  baseIndex: number;
  baseTerm: number;
  /** Terms of the entries after the base. */
  readonly terms: number[];
  /** For each of them, the number of the log segment that it was written in. */
  readonly segments: number[];
  /** For each snapshot that was begun, how many of its chunks are there. */
  readonly chunks: Map<number, number>;
  /** Every entry that it ever held, by index and term. */
  readonly ever: Set<number>;
}

export function createDurableView(): DurableView {
  return {
    term: 0,
    vote: 0,
    baseIndex: 0,
    baseTerm: 0,
    terms: [],
    segments: [],
    chunks: new Map(),
    ever: new Set(),
  };
}

export function lastDurableIndex(view: DurableView): number {
  return view.baseIndex + view.terms.length;
}

/** The term of the durable entry at `index`; undefined where there is none, or it is behind the snapshot. */
export function durableTermAt(view: DurableView, index: number): number | undefined {
  if (index === view.baseIndex) return view.baseTerm;
  return view.terms[index - view.baseIndex - 1];
}

/** Whether the disk holds this entry, or a snapshot that covers it. */
export function holdsDurably(view: DurableView, index: number, term: number): boolean {
  return index < view.baseIndex || durableTermAt(view, index) === term;
}

/** Whether the disk ever held an entry of this index and of this term or an older one, or what covers it. */
export function everHeld(view: DurableView, index: number, upToTerm: number): boolean {
  if (index <= lastDurableIndex(view)) return true;
  for (let term = upToTerm; term > 0; term -= 1) if (view.ever.has(placeOf(index, term))) return true;
  return false;
}

function placeOf(index: number, term: number): number {
  return index * 0x10_0000 + term;
}

/** Takes note of one durable change; gives the group that it belongs to. */
export function noteChange(viewOf: (group: number) => DurableView, change: StorageChange<Stored>): void {
  const key = change.type === 'DropRange' ? change.from : change.key;
  // Values that are kept apart are no part of what a group says or promises: `value-rules.ts` looks after them.
  if (key.startsWith(COLD_PREFIX)) return;
  const view = viewOf(Number.parseInt(key.slice('group/'.length, 'group/'.length + 8), 16));
  if (change.type === 'Drop') return;
  if (change.type === 'DropRange') return noteDropped(view, change.from, change.before);
  const { value } = change;
  switch (value.type) {
    case 'HardState':
      view.term = value.term;
      view.vote = value.vote;
      return;
    case 'Segment': {
      const keep = Math.max(0, value.firstIndex - view.baseIndex - 1);
      view.terms.length = Math.min(view.terms.length, keep);
      view.segments.length = view.terms.length;
      const segment = Number.parseInt(change.key.slice(change.key.lastIndexOf('/') + 1), 16);
      const known = Math.max(0, view.baseIndex + 1 - value.firstIndex);
      for (const entry of value.entries.slice(known)) {
        view.terms.push(entry.term);
        view.segments.push(segment);
        view.ever.add(placeOf(lastDurableIndex(view), entry.term));
      }
      return;
    }
    case 'Snapshot':
      checkWhole(view, change.key, value);
      return noteSnapshot(view, value.index, value.term, value.firstSegment);
    case 'SnapshotChunk': {
      const number = snapshotNumber(change.key);
      view.chunks.set(number, (view.chunks.get(number) ?? 0) + 1);
      return;
    }
    case 'Value':
      // Under its own keys, which were left out above.
      return;
  }
}

function snapshotNumber(key: string): number {
  const from = key.indexOf(SNAPSHOT) + SNAPSHOT.length;
  return Number.parseInt(key.slice(from, from + 16), 16);
}

const SNAPSHOT = '/snapshot/';

function noteDropped(view: DurableView, from: string, before: string): void {
  if (!from.includes(SNAPSHOT)) return;
  for (const number of view.chunks.keys()) {
    if (number >= snapshotNumber(from) && number < snapshotNumber(before)) view.chunks.delete(number);
  }
}

/** A snapshot counts only when all of it is there: data first, then the switch. */
function checkWhole(view: DurableView, key: string, { number, chunks, index }: StoredSnapshot): void {
  const found = view.chunks.get(number) ?? 0;
  if (found !== chunks) {
    throw new PropertyBroken(
      'snapshots are whole',
      `${key}: the snapshot at index ${index} has ${chunks} chunks, but ${found} of them are on the disk`,
    );
  }
}

/**
 * What is behind the snapshot is gone, and so is what lies in segments that no longer count. All other segments count, also
 * where they contradict the snapshot: nothing on the disk says that they do.
 */
function noteSnapshot(view: DurableView, index: LogIndex, term: Term, firstSegment: number): void {
  const behind = index - view.baseIndex;
  view.terms.splice(0, behind);
  view.segments.splice(0, behind);
  const stale = view.segments.findIndex((segment) => segment < firstSegment);
  if (stale >= 0) {
    view.terms.length = stale;
    view.segments.length = stale;
  }
  view.baseIndex = index;
  view.baseTerm = term;
}

/** Whether term and vote say that this node may lead, on its own word, after a crash. */
export function ownVoteDurable(view: DurableView, self: NodeId, term: Term): boolean {
  return view.term > term || (view.term === term && view.vote === self);
}
