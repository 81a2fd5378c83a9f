/**
 * The core's persistent collections as what they hold, told by their shapes.
 *
 * A reader of a state asks what a table holds, not how its tree is balanced; two trees of one content are one value.
 */

import {
  fifoToArray,
  mapForEach,
  radixForEach,
  type DeadlineHeap,
  type Fifo,
  type OrderedMap,
  type RadixArray,
} from '../../core/index.js';
import type { Contents } from './subject.js';

/** What a collection of the core holds; undefined for any other value. */
export function unfoldCollection(value: unknown): Contents | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  switch (Object.keys(value).join()) {
    case 'height,root': {
      const entries: (readonly [number, unknown])[] = [];
      radixForEach(value as RadixArray<unknown>, (item, position) => entries.push([position, item]));
      return { type: 'Table', entries };
    }
    case 'size,root': {
      const entries: (readonly [string, unknown])[] = [];
      mapForEach(value as OrderedMap<unknown>, (key, item) => void entries.push([key, item]));
      return { type: 'Table', entries };
    }
    case 'front,back':
      return { type: 'Queue', items: fifoToArray(value as Fifo<unknown>) };
    case 'at,id,rank,left,right':
      return { type: 'Bag', items: deadlines(value as DeadlineHeap) };
    default:
      return undefined;
  }
}

/** The earliest first, equal ones by id. */
function deadlines(heap: DeadlineHeap): readonly { readonly at: number; readonly id: number }[] {
  const found: { readonly at: number; readonly id: number }[] = [];
  const open: (DeadlineHeap | undefined)[] = [heap];
  while (open.length > 0) {
    const next = open.pop();
    if (next === undefined) continue;
    found.push({ at: next.at, id: next.id });
    open.push(next.left, next.right);
  }
  return found.sort((a, b) => a.at - b.at || a.id - b.id);
}
