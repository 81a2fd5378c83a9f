/** The superseded versions of a key: what is kept of them, and which one an earlier time or a revision means. */

import { compareTimestamps, type Timestamp } from '../clock/hybrid-clock.js';
import type { Revision } from '../machine/units.js';
import {
  MAX_HISTORY,
  MAX_HISTORY_BYTES,
  NEVER_WRITTEN,
  type KeyEntry,
  type KeyVersion,
} from './key-entry.js';
import { isReference, sizeOf, type ValueReference } from './value-reference.js';

/** Whether the version can be seen at all: neither a tombstone nor come to its end. */
export function isLive({ deleted, lapsedAt }: KeyVersion): boolean {
  return !deleted && lapsedAt.node === 0;
}

/** Whether the version could be seen at a time that is not before its own. */
export function wasLive({ deleted, lapsedAt }: KeyVersion, at: Timestamp): boolean {
  return !deleted && (lapsedAt.node === 0 || compareTimestamps(lapsedAt, at) > 0);
}

/** What a new version of a key keeps of those before it. */
export interface Kept {
  readonly history: readonly KeyVersion[];
  readonly forgotten: Revision | undefined;
}

/**
 * The history of the version that supersedes `current`.
 *
 * Every put of an existing key comes through here, and what it makes lives long: records of one shape and an array of
 * just the right length cost half of what spreading and slicing do.
 */
export function historyAfter(current: KeyEntry): Kept {
  const { value, revision, deleted, lastModified, expires, lapsedAt, revisions, history } = current;
  let bytes = sizeOf(value);
  if (bytes > MAX_HISTORY_BYTES) return { history: [], forgotten: revision };
  let older = 0;
  while (older < history.length && older + 1 < MAX_HISTORY) {
    bytes += sizeOf(history[older]?.value ?? null);
    if (bytes > MAX_HISTORY_BYTES) break;
    older += 1;
  }
  const kept = new Array<KeyVersion>(older + 1);
  kept[0] =
    revisions === undefined
      ? { value, revision, deleted, lastModified, expires, lapsedAt }
      : { value, revision, deleted, lastModified, expires, lapsedAt, revisions };
  for (let i = 0; i < older; i += 1) kept[i + 1] = history[i] as KeyVersion;
  return { history: kept, forgotten: history[older]?.revision ?? current.forgotten };
}

/** The history where a `noRevision` set supersedes `current`: nothing is added, and its revision cannot be found. */
export function historyWithout({ history, forgotten }: KeyEntry): Kept {
  return { history, forgotten };
}

/** A version of a key; or that there was none; or that it is no longer known which it was. */
export type Found = KeyVersion | 'none' | 'forgotten';

/** The newest version that is not later than `at`. */
export function versionAt(entry: KeyEntry, at: Timestamp): Found {
  let newer: KeyVersion | undefined;
  for (const version of [entry, ...entry.history]) {
    if (compareTimestamps(version.lastModified, at) <= 0) {
      // Between two revisions that do not follow one another stood others, which may have been the ones asked for.
      return newer === undefined || revisionBefore(newer) === version.revision ? version : 'forgotten';
    }
    newer = version;
  }
  return newer !== undefined && revisionBefore(newer) === NEVER_WRITTEN ? 'none' : 'forgotten';
}

/** The revision that the version superseded. */
function revisionBefore({ revision, revisions = 1 }: KeyVersion): number {
  return revision - revisions;
}

/** The version of that number. One that was superseded without being kept, by a set's wish, is as if it had never been. */
export function versionOf(entry: KeyEntry, revision: Revision): Found {
  const version = [entry, ...entry.history].find((each) => each.revision === revision);
  if (version !== undefined) return version;
  return revision <= (entry.forgotten ?? -1) ? 'forgotten' : 'none';
}

/** Calls `visit` for every value of the key, of now and of its history, that is kept apart. */
export function forEachReference(entry: KeyEntry, visit: (reference: ValueReference) => void): void {
  if (isReference(entry.value)) visit(entry.value);
  for (const { value } of entry.history) if (isReference(value)) visit(value);
}

/** Calls `visit` for every reference that `before` held, and that `after`, which came of it by a command, holds no more. */
export function forEachDropped(
  before: KeyEntry,
  after: KeyEntry,
  visit: (reference: ValueReference) => void,
): void {
  forEachReference(before, (reference) => {
    let isKept = false;
    forEachReference(after, ({ index }) => {
      if (index === reference.index) isKept = true;
    });
    if (!isKept) visit(reference);
  });
}
