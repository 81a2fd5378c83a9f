/**
 * The past of keys: the superseded versions for which their entries have no more room (key/value specification, section 8).
 *
 * They go into pages, a dozen or so versions of one key at a time, and a page is kept apart from the state as a large value is
 * (`value-reference.ts`): the state knows what a page spans, its length and its digest. Its bytes are the node's to keep, on the
 * disk in the end, so the past of a key may be as long as its users please. No command ever looks into a page: what commands do is
 * the same wherever the bytes are.
 *
 * Pages are named by their place in a count of their own, which goes on from the indexes of entries, far away from any that will
 * ever be: a page and a value have never one name.
 */

import { compareTimestamps, type Timestamp } from '../clock/hybrid-clock.js';
import { hexadecimal } from '../collections/hexadecimal.js';
import {
  emptyOrderedMap,
  mapDelete,
  mapFloor,
  mapForEach,
  mapSet,
  type OrderedMap,
} from '../collections/ordered-map.js';
import { sha256 } from '../collections/sha256.js';
import { ImpossibleState } from '../machine/assert.js';
import { logIndex, type LogIndex, type Revision } from '../machine/units.js';
import type { Contents } from './contents.js';
import type { KeyVersion } from './key-entry.js';
import { isReference, NOTHING_APART, type ValueOf, type ValueReference } from './value-reference.js';

export interface Past {
  /** By `pageName`: those of a key lie together, in the order of its revisions. */
  readonly pages: OrderedMap<PastPage>;
  /** So many pages were ever written. */
  readonly written: number;
}

export interface PastPage {
  readonly key: string;
  /** The first and the last of the revisions that it has; some between may be missing, as in a history. */
  readonly oldest: Revision;
  readonly newest: Revision;
  /** The revision that its oldest version superseded; -1 for none. */
  readonly before: number;
  /** Since when its oldest version was to be seen, and when its newest one was superseded by one that is kept. */
  readonly since: Timestamp;
  readonly until: Timestamp;
  /** Its versions, newest first, encoded. */
  readonly versions: ValueReference;
  /** The values of those versions that are kept apart in turn. */
  readonly values: readonly ValueReference[];
}

/** What a command does to the past, for whoever keeps the bytes. */
export interface PastChange {
  readonly written: readonly WrittenPage[];
  readonly removed: readonly PastPage[];
}

export interface WrittenPage {
  readonly page: PastPage;
  readonly bytes: Uint8Array;
}

/** The name of the first page: 2 to the power of 48. */
export const FIRST_PAGE = 0x1_0000_0000_0000;

/** The bytes of the versions of a page, newest first. Equal versions give equal bytes. */
export type EncodeVersions = (versions: readonly KeyVersion[]) => Uint8Array;

/** Gives the versions of a page, newest first; undefined where they are not at hand now. */
export type VersionsOf = (page: PastPage) => readonly KeyVersion[] | undefined;

/** What is at hand, for whoever answers a read, of what is kept apart. */
export interface AtHand {
  readonly valueOf: ValueOf;
  readonly versionsOf: VersionsOf;
}

/** For reads of states that keep nothing apart. */
export const NOTHING_AT_HAND: AtHand = {
  valueOf: NOTHING_APART,
  versionsOf: ({ key }) => {
    throw new ImpossibleState(`there is a page of the key "${key}", where there should be none`);
  },
};

const NO_PAST: Past = { pages: emptyOrderedMap(), written: 0 };

/** The place of a page in the map; `revision` is its oldest one. */
export function pageName(key: string, revision: number): string {
  // With its length before it no key is the beginning of another one.
  return hexadecimal(key.length, 8) + key + hexadecimal(revision, 16);
}

/**
 * A new page.
 *
 * @param versions of one key, newest first, at least one.
 * @param before the revision that the oldest of them superseded.
 * @param until when the newest of them was superseded by one that is kept.
 */
export function newPage(
  past: Past | undefined,
  { key, versions, before, until }: Pick<PastPage, 'key' | 'before' | 'until'> & PageVersions,
  encode: EncodeVersions,
): WrittenPage {
  const newest = versions[0] as KeyVersion;
  const oldest = versions[versions.length - 1] as KeyVersion;
  const bytes = encode(versions);
  const index = logIndex(FIRST_PAGE + (past?.written ?? 0));
  const page = {
    key,
    oldest: oldest.revision,
    newest: newest.revision,
    before,
    since: oldest.lastModified,
    until,
    versions: { index, bytes: bytes.length, digest: sha256(bytes) },
    values: versions.flatMap(({ value }) => (isReference(value) ? [value] : [])),
  };
  return { page, bytes };
}

interface PageVersions {
  readonly versions: readonly KeyVersion[];
}

export function withPage({ pages, written }: Past = NO_PAST, { page }: WrittenPage): Past {
  return { pages: mapSet(pages, pageName(page.key, page.oldest), page), written: written + 1 };
}

export function withoutPage({ pages, written }: Past, { key, oldest }: PastPage): Past {
  return { pages: mapDelete(pages, pageName(key, oldest)), written };
}

/** Whether the state may refer to what has this name, a value or a page: it was there when the state came about. */
export function mayReferTo(
  { applied, past = NO_PAST }: Pick<Contents, 'past'> & { readonly applied: LogIndex },
  name: LogIndex,
): boolean {
  return name < FIRST_PAGE ? applied >= name : past.written > name - FIRST_PAGE;
}

/** Calls `visit` for what a page keeps apart: its own bytes first. */
export function forEachOfPage(
  { versions, values }: PastPage,
  visit: (reference: ValueReference) => void,
): void {
  visit(versions);
  for (const value of values) visit(value);
}

/** Whether this may be the name of a page of a past of which so many pages were written. */
export function isPageName(name: number, written: number): boolean {
  return name >= FIRST_PAGE && name < FIRST_PAGE + written;
}

/** Calls `visit` for the pages of a key, oldest first, until it returns false. */
export function forEachPageOf(
  past: Past | undefined,
  key: string,
  visit: (page: PastPage) => boolean | void,
): void {
  mapForEach((past ?? NO_PAST).pages, (_, page) => page.key === key && visit(page), pageName(key, 0));
}

// Looking for a version.

/** The page in which that revision of the key is, if it is in any. */
export function pageWith({ past }: Contents, key: string, revision: Revision): PastPage | undefined {
  const page = past === undefined ? undefined : pageUpTo(past, key, revision);
  return page !== undefined && page.newest >= revision ? page : undefined;
}

/** The newest page of the key whose oldest revision is not above `revision`. */
function pageUpTo({ pages }: Past, key: string, revision: number): PastPage | undefined {
  const page = mapFloor(pages, pageName(key, revision))?.value;
  return page?.key === key ? page : undefined;
}

/** The newest page of the key that begins at that time or before it. Costs the logarithm of the key's revisions. */
export function pageAt({ past }: Contents, key: string, at: Timestamp): PastPage | undefined {
  if (past === undefined) return undefined;
  let found: PastPage | undefined;
  let low = 0;
  let high = pageUpTo(past, key, Number.MAX_SAFE_INTEGER)?.newest ?? -1;
  while (low <= high) {
    const middle = low + Math.floor((high - low) / 2);
    const page = pageUpTo(past, key, middle);
    if (page === undefined) low = middle + 1;
    else if (compareTimestamps(page.since, at) <= 0) {
      found = page;
      low = Math.max(page.newest, middle) + 1;
    } else high = page.oldest - 1;
  }
  return found;
}

/** The page of the key that comes after another one, or the first of all. */
export function pageAfter(
  { past }: Contents,
  key: string,
  before: PastPage | undefined,
): PastPage | undefined {
  let found: PastPage | undefined;
  const from = pageName(key, before === undefined ? 0 : before.newest + 1);
  mapForEach(
    (past ?? NO_PAST).pages,
    (_, page) => {
      if (page.key === key) found = page;
      return false;
    },
    from,
  );
  return found;
}
