/**
 * The log of one group, from the entry after its base to its last.
 *
 * Everything up to the base is gone, replaced by a snapshot at or above it. Terms never fall along the log and
 * there are no gaps. A change makes a new log and costs the logarithm of its position, never the log's length.
 */

import { assert, present } from '../machine/assert.js';
import {
  emptyRadixArray,
  radixGet,
  radixSet,
  radixSlice,
  type RadixArray,
} from '../collections/radix-array.js';
import { logIndex, type LogIndex, type Term } from '../machine/units.js';
import type { Entry } from './messages.js';

export interface RaftLog {
  /** The entry before the first one kept; 0 when nothing was ever dropped. */
  readonly baseIndex: LogIndex;
  readonly baseTerm: Term;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** By index, from `baseIndex + 1` to `lastIndex`. */
  readonly entries: RadixArray<Entry>;
}

/** A log that holds nothing and continues after this place. */
export function emptyLogAfter(baseIndex: LogIndex, baseTerm: Term): RaftLog {
  return { baseIndex, baseTerm, lastIndex: baseIndex, lastTerm: baseTerm, entries: emptyRadixArray() };
}

/** The term of the entry at `index`; undefined where the log does not reach, on either side. */
export function termAt(log: RaftLog, index: number): Term | undefined {
  if (index === log.lastIndex) return log.lastTerm;
  if (index === log.baseIndex) return log.baseTerm;
  return radixGet(log.entries, index)?.term;
}

/** The entry at `index`, which the log must hold. */
export function entryAt(log: RaftLog, index: number): Entry {
  return present(
    radixGet(log.entries, index),
    () => `the log was asked for entry ${index}, but holds ${log.baseIndex + 1} to ${log.lastIndex}`,
  );
}

export function appendEntry(log: RaftLog, entry: Entry): RaftLog {
  assert(
    entry.term >= log.lastTerm,
    () => `an entry of term ${entry.term} cannot follow term ${log.lastTerm} at index ${log.lastIndex}`,
  );
  const lastIndex = logIndex(log.lastIndex + 1);
  return {
    baseIndex: log.baseIndex,
    baseTerm: log.baseTerm,
    lastIndex,
    lastTerm: entry.term,
    entries: radixSet(log.entries, lastIndex, entry),
  };
}

/** The log without `from` and everything after it. */
export function truncateFrom(log: RaftLog, from: number): RaftLog {
  assert(
    from > log.baseIndex && from <= log.lastIndex,
    () => `truncation from ${from} lies outside the log, ${log.baseIndex + 1} to ${log.lastIndex}`,
  );
  return {
    baseIndex: log.baseIndex,
    baseTerm: log.baseTerm,
    lastIndex: logIndex(from - 1),
    lastTerm: present(termAt(log, from - 1), () => `the log lacks the term before index ${from}`),
    entries: radixSlice(log.entries, log.baseIndex + 1, from),
  };
}

/** The log with `index` as its base: the entries up to it are dropped. */
export function dropThrough(log: RaftLog, index: LogIndex): RaftLog {
  if (index <= log.baseIndex) return log;
  return {
    baseIndex: index,
    baseTerm: present(
      termAt(log, index),
      () => `cannot drop through ${index}, the log ends at ${log.lastIndex}`,
    ),
    lastIndex: log.lastIndex,
    lastTerm: log.lastTerm,
    entries: radixSlice(log.entries, index + 1, log.lastIndex + 1),
  };
}

/** The entries from `from` on, until their payloads pass `maxBytes`; at least one where there is one. */
export function entriesFrom(log: RaftLog, from: number, maxBytes: number): readonly Entry[] {
  const entries: Entry[] = [];
  let bytes = 0;
  for (let index = from; index <= log.lastIndex; index += 1) {
    const entry = entryAt(log, index);
    bytes += entry.payload.length;
    if (entries.length > 0 && bytes > maxBytes) break;
    entries.push(entry);
  }
  return entries;
}

export function payloadBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const { payload } of entries) bytes += payload.length;
  return bytes;
}

/**
 * The last place at or below `index` whose term is at most `atMost`, and the term there: where two logs that parted
 * could still agree. Skipping by term makes backtracking cost one message per term (Raft section 5.3, end).
 * Where that place is no longer in the log, the base stands for it: it is committed, so the logs agree there.
 */
export function lastNotAbove(log: RaftLog, index: number, atMost: Term): { index: LogIndex; term: Term } {
  let place = Math.max(Math.min(index, log.lastIndex), log.baseIndex);
  while (place > log.baseIndex && (termAt(log, place) as Term) > atMost) place -= 1;
  return { index: logIndex(place), term: termAt(log, place) as Term };
}

/** Whether a log that ends so is at least as up to date as ours (Raft section 5.4.1). */
export function isUpToDate(log: RaftLog, lastIndex: LogIndex, lastTerm: Term): boolean {
  return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);
}
