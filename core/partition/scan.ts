/**
 * Pages of keys (key/value specification, section 6).
 *
 * A page has a bound for everything that it costs: keys that are shown, keys that are looked at and passed over because
 * they are dead, and bytes. So a page may be short, or empty, and yet have others after it.
 */

import type { Timestamp } from '../clock/hybrid-clock.js';
import { KeyValueCode, RESERVED_KEY_PREFIX, type PageItem, type ScanOperation } from './command.js';
import type { Answer, Contents } from './contents.js';
import type { KeyEntry, KeyVersion } from './key-entry.js';
import { isLive, versionAt, wasLive, type Found, type KnownKey } from './key-history.js';
import { forEachWithin } from './key-range.js';
import { refusalOf } from './operation.js';
import type { AtHand, VersionsOf } from './past.js';
import { shownValue, sizeOf } from './value-reference.js';

/** A page shows so many keys at most, however many were asked for. */
export const MAX_PAGE_ITEMS = 4_096;

/** Its keys (in UTF-16 units) and values (in bytes) take so much at most, unless it is a single item. */
export const MAX_PAGE_BYTES = 8 << 20;

/** How many keys a page looks at in order to show `items`. */
export function keysLookedAt(items: number): number {
  return 4 * items + 64;
}

/** What a walk does with a key that belongs to the page. */
type Step = 'shown' | 'passed over' | 'stop';

export interface Walked {
  readonly hasMore: boolean;
  readonly lastKey: string;
}

/**
 * Calls `visit` for the keys that the page looks at, in order, until one says 'stop' (that key was not looked at) or a
 * bound is reached.
 */
export function walkPage(
  { keys }: Contents,
  operation: ScanOperation,
  visit: (key: string, entry: KeyEntry) => Step,
): Walked {
  const items = Math.min(operation.limit, MAX_PAGE_ITEMS);
  const most = keysLookedAt(items);
  let lookedAt = 0;
  let shown = 0;
  let lastKey = '';
  let hasMore = false;
  forEachWithin(keys, operation, (key, entry) => {
    hasMore = shown === items || lookedAt === most;
    if (hasMore) return false;
    const step = visit(key, entry);
    hasMore = step === 'stop';
    if (hasMore) return false;
    lookedAt += 1;
    if (step === 'shown') shown += 1;
    lastKey = key;
    return true;
  });
  return { hasMore, lastKey };
}

export function readPage(contents: Contents, operation: ScanOperation, atHand: AtHand): Answer {
  const items: PageItem[] = [];
  let bytes = 0;
  let unknown: string | undefined;
  let lacking = 0;
  // The pages of the past that it has to look into count like what it shows: so it is bounded also in what is read for it.
  const versionsOf: VersionsOf = (page) => {
    bytes += page.versions.bytes;
    return atHand.versionsOf(page);
  };
  const walked = walkPage(contents, operation, (key, entry) => {
    const version = visibleVersion({ key, entry, contents, versionsOf }, operation.at);
    if (version === undefined) return 'passed over';
    if (version === 'elsewhere') {
      lacking += 1;
      return items.length + lacking > 1 && bytes > MAX_PAGE_BYTES ? 'stop' : 'shown';
    }
    if (version === 'forgotten') {
      unknown = key;
      return 'stop';
    }
    bytes += key.length + sizeOf(version.value);
    if (items.length > 0 && bytes > MAX_PAGE_BYTES) return 'stop';
    items.push(itemOf(key, version, atHand));
    return 'shown';
  });
  if (lacking > 0) return { outcome: refusalOf(operation, 'mustRetry'), lacks: true };
  // A page that comes to such a key ends before it where it can, so that all others can be read.
  if (unknown !== undefined && walked.lastKey === '') {
    const reason = `what the key "${unknown}" was at that time is not known: too much of its history is gone`;
    return { outcome: refusalOf(operation, 'errored'), reason };
  }
  const at = operation.at ?? contents.lastModified;
  return { outcome: { family: 'page', code: KeyValueCode.got, items, ...walked, at } };
}

/** What a page shows of a key, if it shows it. */
export function visibleVersion(
  known: KnownKey,
  at: Timestamp | undefined,
): Exclude<Found, 'none'> | undefined {
  const { key, entry } = known;
  if (key.startsWith(RESERVED_KEY_PREFIX)) return undefined;
  if (at === undefined) return isLive(entry) ? entry : undefined;
  const found = versionAt(known, at);
  if (found === 'none') return undefined;
  if (found === 'forgotten' || found === 'elsewhere') return found;
  return wasLive(found, at) ? found : undefined;
}

function itemOf(
  key: string,
  { value, revision, lastModified, expires }: KeyVersion,
  { valueOf }: AtHand,
): PageItem {
  const item = { key, value: shownValue(value, valueOf), revision, lastModified };
  return expires.node === 0 ? item : { ...item, expires };
}
