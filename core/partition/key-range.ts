/** Ranges of keys: those that begin with a prefix, perhaps between bounds. */

import { mapForEach, type OrderedMap } from '../collections/ordered-map.js';
import type { KeyBound } from './command.js';

export interface KeyRange {
  readonly prefix: string;
  readonly from?: KeyBound;
  readonly to?: KeyBound;
}

/** Calls `visit` for the entries of a map whose keys lie in the range, in their order, until it returns false. */
export function forEachWithin<V>(
  entries: OrderedMap<V>,
  { prefix, from, to }: KeyRange,
  visit: (key: string, entry: V) => boolean,
): void {
  mapForEach(
    entries,
    (key, entry) => {
      if (!key.startsWith(prefix)) return false;
      if (to !== undefined && (key > to.key || (key === to.key && !to.inclusive))) return false;
      if (key === from?.key && !from.inclusive) return true;
      return visit(key, entry);
    },
    from !== undefined && from.key > prefix ? from.key : prefix,
  );
}
