/**
 * Which parts of LevelDB a `DropRange` clears. It is performed after the batch that it came with is durable, and so
 * behind `Put`s that follow it in order: their keys are spared, as if it had run in its place.
 */

import type { StorageChange } from '../../core/machine/index.js';
import { storageKey } from './record.js';

/** A range of LevelDB keys. */
export interface ClearedRange {
  readonly from: string;
  /** Whether `from` itself is spared. */
  readonly behindFrom: boolean;
  readonly before: string;
}

/** @param changes in the order in which they were asked for. */
export function rangesToClear(changes: readonly StorageChange<unknown>[]): readonly ClearedRange[] {
  const ranges: ClearedRange[] = [];
  for (const [position, change] of changes.entries()) {
    if (change.type !== 'DropRange') continue;
    const before = storageKey(change.before);
    let from = storageKey(change.from);
    let behindFrom = false;
    for (const spared of putsWithin(changes.slice(position + 1), from, before)) {
      if (from < spared) ranges.push({ from, behindFrom, before: spared });
      from = spared;
      behindFrom = true;
    }
    if (from < before) ranges.push({ from, behindFrom, before });
  }
  return ranges;
}

function putsWithin(
  changes: readonly StorageChange<unknown>[],
  from: string,
  before: string,
): readonly string[] {
  const keys = new Set<string>();
  for (const change of changes) {
    if (change.type !== 'Put') continue;
    const key = storageKey(change.key);
    if (from <= key && key < before) keys.add(key);
  }
  return [...keys].sort((a, b) => (a < b ? -1 : 1));
}

export function isWithin(range: ClearedRange, key: string): boolean {
  return range.from <= key && key < range.before;
}
