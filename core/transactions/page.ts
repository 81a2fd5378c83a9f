/** A page of keys as the transaction sees it: what is committed, with its own writes put in. */

import type { Timestamp } from '../clock/hybrid-clock.js';
import type { OrderedMap } from '../collections/ordered-map.js';
import {
  RESERVED_KEY_PREFIX,
  type KeyBound,
  type PageItem,
  type PageOutcome,
  type ScanOperation,
} from '../partition/command.js';
import { forEachWithin } from '../partition/key-range.js';
import { MAX_PAGE_BYTES, MAX_PAGE_ITEMS } from '../partition/scan.js';
import type { Participant, RangeObservation } from '../partition/transaction-command.js';
import { itemOf } from './key-view.js';
import type { KeyView } from './session-state.js';
import { placeOf } from './session-turn.js';

export type MergedPage =
  | { readonly type: 'Page'; readonly outcome: PageOutcome; readonly observation: RangeObservation }
  /** The page shows another revision of a key than the transaction has seen before. */
  | { readonly type: 'Moved'; readonly key: string };

/**
 * The page with the transaction's writes in it. It ends where the committed page ends, or before that where its own writes make it
 * too long: what comes after is for the next page.
 */
export function mergePage(
  keys: OrderedMap<KeyView>,
  participant: Participant,
  operation: ScanOperation,
  page: PageOutcome,
  stamp: Timestamp,
): MergedPage {
  const { prefix, from, to } = operation;
  const end = page.hasMore ? { key: page.lastKey, inclusive: true } : to;
  const own = viewsWithin(keys, participant, { ...operation, ...(end !== undefined && { to: end }) });
  const committed = new Map(page.items.map((item) => [item.key, item]));
  for (const view of own) {
    const item = committed.get(view.key);
    const moved =
      view.base.exists !== (item !== undefined) ||
      (item !== undefined && item.revision !== view.base.revision);
    // What was written without looking may overwrite anything.
    if (moved && view.observed) return { type: 'Moved', key: view.key };
  }
  const cut = cutToSize(merged(page.items, own, stamp), Math.min(operation.limit, MAX_PAGE_ITEMS));
  const lastItem = cut.items.at(-1);
  const outcome: PageOutcome = cut.wasCut
    ? { ...page, items: cut.items, hasMore: true, lastKey: lastItem?.key ?? '' }
    : { ...page, items: cut.items, lastKey: laterOf(page.lastKey, own.at(-1)?.key ?? '') };
  const seenTo = cut.wasCut && lastItem !== undefined ? { key: lastItem.key, inclusive: true } : end;
  const observation: RangeObservation = {
    type: 'Range',
    prefix,
    ...(from !== undefined && { from }),
    ...(seenTo !== undefined && { to: seenTo }),
    at: page.at,
  };
  return { type: 'Page', outcome, observation };
}

function laterOf(a: string, b: string): string {
  return a < b ? b : a;
}

/** The keys of the transaction that belong on the page, in order. */
function viewsWithin(
  keys: OrderedMap<KeyView>,
  { group, ephemeral }: Participant,
  { prefix, from, to }: ScanOperation,
): readonly KeyView[] {
  const space = ephemeral === true ? { ephemeral } : {};
  const placed = (bound: KeyBound): KeyBound => ({ ...bound, key: placeOf(bound.key, space) });
  const range = {
    prefix: placeOf(prefix, space),
    ...(from !== undefined && { from: placed(from) }),
    ...(to !== undefined && { to: placed(to) }),
  };
  const views: KeyView[] = [];
  forEachWithin(keys, range, (_, view) => {
    if (view.participant.group === group && !view.key.startsWith(RESERVED_KEY_PREFIX)) views.push(view);
    return true;
  });
  return views;
}

/** Both are in order; where both have a key, the transaction's own counts. */
function merged(items: readonly PageItem[], own: readonly KeyView[], stamp: Timestamp): readonly PageItem[] {
  const all: PageItem[] = [];
  let next = 0;
  for (const view of own) {
    for (; next < items.length && (items[next] as PageItem).key < view.key; next += 1) {
      all.push(items[next] as PageItem);
    }
    const committed = items[next]?.key === view.key ? items[next] : undefined;
    if (committed !== undefined) next += 1;
    const shown = itemOf(view, committed, stamp);
    if (shown !== undefined) all.push(shown);
  }
  return all.concat(items.slice(next));
}

function cutToSize(
  items: readonly PageItem[],
  limit: number,
): { readonly items: readonly PageItem[]; readonly wasCut: boolean } {
  let bytes = 0;
  for (const [i, { key, value }] of items.entries()) {
    bytes += key.length + (value?.length ?? 0);
    if (i >= limit || (i > 0 && bytes > MAX_PAGE_BYTES)) return { items: items.slice(0, i), wasCut: true };
  }
  return { items, wasCut: false };
}
