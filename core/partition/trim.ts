/**
 * The end of the past: pages that the rules of retention do not keep (key/value specification, section 8).
 *
 * A leader whose options bound the past says in the log which rules apply to which pages; what goes is decided when that is applied,
 * so it is the same on every replica, and a floor that was set before protects what is above it. Pages go as a whole, the older
 * ones of a key first: somewhat more stays than the rules ask for.
 */

import { compareTimestamps } from '../clock/hybrid-clock.js';
import { mapForEach, mapGet, mapSet } from '../collections/ordered-map.js';
import { NO_NODE } from '../machine/units.js';
import type { Trim } from './command.js';
import type { Contents } from './contents.js';
import { NEVER_WRITTEN } from './key-entry.js';
import { withoutPage, type PastPage } from './past.js';
import { floorOf } from './retention.js';

/** Which pages go: those of which so many newer revisions were written, and those that were superseded before that time. */
export type Retained = Pick<Trim, 'keep' | 'before'>;

/** Whether a page goes by these rules, as things are. */
export function isTrimmed(contents: Contents, page: PastPage, { keep, before }: Retained): boolean {
  const floor = floorOf(contents);
  // Something of it is to be seen at a time that is held.
  if (floor !== undefined && compareTimestamps(page.until, floor) > 0) return false;
  const newest = mapGet(contents.keys, page.key)?.revision ?? NEVER_WRITTEN;
  const isBeyond = keep > 0 && newest - page.newest >= keep;
  return isBeyond || (before.node !== NO_NODE && compareTimestamps(page.until, before) < 0);
}

export interface Trimmed {
  readonly contents: Contents;
  readonly removed: readonly PastPage[];
}

/** Removes the pages that go. Their keys know from then on that they had them. */
export function trimPast(contents: Contents, trim: Trim | undefined): Trimmed {
  const { past } = contents;
  if (trim === undefined || past === undefined) return { contents, removed: [] };
  const removed: PastPage[] = [];
  const visit = (name: string, page: PastPage): boolean => {
    if (trim.to !== '' && name >= trim.to) return false;
    if (isTrimmed(contents, page, trim)) removed.push(page);
    return true;
  };
  mapForEach(past.pages, visit, trim.from);
  let { keys } = contents;
  let left = past;
  for (const page of removed) {
    left = withoutPage(left, page);
    const entry = mapGet(keys, page.key);
    if (entry === undefined || page.newest <= (entry.forgotten ?? NEVER_WRITTEN)) continue;
    keys = mapSet(keys, page.key, { ...entry, forgotten: page.newest });
  }
  return { contents: { ...contents, keys, past: left }, removed };
}
