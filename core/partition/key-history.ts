/** The superseded versions of a key: what is kept of them, and which one an earlier time or a revision means. */

import { compareTimestamps, type Timestamp } from '../clock/hybrid-clock.js';
import type { Revision } from '../machine/units.js';
import type { Contents } from './contents.js';
import {
  MAX_HISTORY,
  MAX_HISTORY_BYTES,
  MAX_UNPAGED_HISTORY,
  NEVER_WRITTEN,
  type KeyEntry,
  type KeyVersion,
} from './key-entry.js';
import { forEachOfPage, pageAfter, pageAt, pageWith, type VersionsOf, type WrittenPage } from './past.js';
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
  /** The versions that go into a page of the past, newest first; absent for none. */
  readonly paged?: readonly KeyVersion[];
}

/**
 * The history of the version that supersedes `current`.
 *
 * Every put of an existing key comes through here, and what it makes lives long: records of one shape and an array of
 * just the right length cost half of what spreading and slicing do.
 */
export function historyAfter(current: KeyEntry): Kept {
  const { value, revision, history } = current;
  let bytes = sizeOf(value);
  if (bytes > MAX_HISTORY_BYTES) return { history: [], forgotten: revision };
  let older = 0;
  while (older < history.length && older + 1 < MAX_HISTORY) {
    bytes += sizeOf(history[older]?.value ?? null);
    if (bytes > MAX_HISTORY_BYTES) break;
    older += 1;
  }
  return { history: firstOf(current, older + 1), forgotten: history[older]?.revision ?? current.forgotten };
}

/**
 * The same where there are pages for what the entry has no room for: nothing is forgotten. The entry gets room for many
 * versions at once, so that a page has many, too.
 */
export function pagedAfter(current: KeyEntry): Kept {
  const { value, history, forgotten } = current;
  let bytes = sizeOf(value);
  let fits = bytes <= MAX_HISTORY_BYTES / 2 ? 1 : 0;
  for (let i = 0; i < history.length; i += 1) {
    bytes += sizeOf(history[i]?.value ?? null);
    if (fits === i + 1 && bytes <= MAX_HISTORY_BYTES / 2) fits += 1;
  }
  const count = history.length + 1;
  if (count <= MAX_UNPAGED_HISTORY && bytes <= MAX_HISTORY_BYTES)
    return { history: firstOf(current, count), forgotten };
  const all = firstOf(current, count);
  const stays = Math.min(fits, MAX_HISTORY);
  return { history: all.slice(0, stays), forgotten, paged: all.slice(stays) };
}

/** The newest versions of an entry, its own first. */
function firstOf(
  { value, revision, deleted, lastModified, expires, lapsedAt, revisions, history }: KeyEntry,
  count: number,
): readonly KeyVersion[] {
  const versions = new Array<KeyVersion>(count);
  versions[0] =
    revisions === undefined
      ? { value, revision, deleted, lastModified, expires, lapsedAt }
      : { value, revision, deleted, lastModified, expires, lapsedAt, revisions };
  for (let i = 1; i < count; i += 1) versions[i] = history[i - 1] as KeyVersion;
  return versions;
}

/** The history where a `noRevision` set supersedes `current`: nothing is added, and its revision cannot be found. */
export function historyWithout({ history, forgotten }: KeyEntry): Kept {
  return { history, forgotten };
}

/**
 * A version of a key; or that there was none; or that it is no longer known which it was; or the page that has it, if any has,
 * and is not at hand.
 */
export type Found = KeyVersion | 'none' | 'forgotten' | 'elsewhere';

/** What is known of a key: its entry, and its pages where there are some. */
export interface KnownKey {
  readonly key: string;
  readonly entry: KeyEntry;
  readonly contents: Contents;
  readonly versionsOf: VersionsOf;
}

/** The newest version that is not later than `at`. */
export function versionAt(known: KnownKey, at: Timestamp): Found {
  const { key, entry, contents } = known;
  const own = newestUpTo([entry, ...entry.history], at);
  if ('version' in own) return own.version;
  const page = pageAt(contents, key, at);
  if (page === undefined) {
    const first = pageAfter(contents, key, undefined)?.before ?? own.before;
    return first === NEVER_WRITTEN ? 'none' : 'forgotten';
  }
  const versions = known.versionsOf(page);
  if (versions === undefined) return 'elsewhere';
  const inPage = newestUpTo(versions, at, pageAfter(contents, key, page)?.before ?? own.before);
  return 'version' in inPage ? inPage.version : 'forgotten';
}

/**
 * The newest of the versions that is not later than `at`. If there is none, the revision before the oldest of them.
 *
 * @param before the revision that was superseded by the one after them; absent where there is no such one.
 */
function newestUpTo(
  versions: readonly KeyVersion[],
  at: Timestamp,
  before?: number,
): { readonly version: Found } | { readonly before: number } {
  let expected = before;
  for (const version of versions) {
    if (compareTimestamps(version.lastModified, at) <= 0) {
      // Between two revisions that do not follow one another stood others, which may have been the ones asked for.
      return { version: expected === undefined || expected === version.revision ? version : 'forgotten' };
    }
    expected = revisionBefore(version);
  }
  return { before: expected ?? NEVER_WRITTEN };
}

/** The revision that the version superseded. */
export function revisionBefore({ revision, revisions = 1 }: KeyVersion): number {
  return revision - revisions;
}

/** The version of that number. One that was superseded without being kept, by a set's wish, is as if it had never been. */
export function versionOf({ key, entry, contents, versionsOf }: KnownKey, revision: Revision): Found {
  const isWanted = (version: KeyVersion): boolean => version.revision === revision;
  const own = isWanted(entry) ? entry : entry.history.find(isWanted);
  if (own !== undefined) return own;
  const page = pageWith(contents, key, revision);
  if (page === undefined) return revision <= (entry.forgotten ?? -1) ? 'forgotten' : 'none';
  const versions = versionsOf(page);
  return versions === undefined ? 'elsewhere' : (versions.find(isWanted) ?? 'none');
}

/** Calls `visit` for every value of the key, of now and of its history, that is kept apart. */
export function forEachReference(entry: KeyEntry, visit: (reference: ValueReference) => void): void {
  if (isReference(entry.value)) visit(entry.value);
  for (const { value } of entry.history) if (isReference(value)) visit(value);
}

/**
 * Calls `visit` for every reference that `before` held, and that `after`, which came of it by a command, holds no more, nor
 * one of these pages that the command wrote.
 */
export function forEachDropped(
  before: KeyEntry,
  after: KeyEntry,
  written: readonly WrittenPage[],
  visit: (reference: ValueReference) => void,
): void {
  let kept: Set<number> | undefined;
  forEachReference(before, (reference) => {
    kept ??= referencesOf(after, written);
    if (!kept.has(reference.index)) visit(reference);
  });
}

function referencesOf(entry: KeyEntry, written: readonly WrittenPage[]): Set<number> {
  const indexes = new Set<number>();
  const add = ({ index }: ValueReference): void => void indexes.add(index);
  forEachReference(entry, add);
  for (const { page } of written) forEachOfPage(page, add);
  return indexes;
}
