/**
 * Plain arrays, added to at their end without waste.
 *
 * The first `push` on an empty array makes room for seventeen items. Most lists of a turn stay empty or get one item,
 * and there are a dozen of them in every turn, so that room would be most of what a turn allocates.
 */

/** The list that every list begins as. Shared, and never changed. */
export const EMPTY_LIST: readonly never[] = [];

/** Adds to a list that the caller alone holds: in place, once it is more than the empty one. */
export function added<T>(list: readonly T[], item: T): readonly T[] {
  if (list.length === 0) return [item];
  (list as T[]).push(item);
  return list;
}

/** A new list: the items of `list`, which stays as it is, and one more. */
export function listWith<T>(list: readonly T[], item: T): readonly T[] {
  const { length } = list;
  const copy = new Array<T>(length + 1);
  for (let i = 0; i < length; i += 1) copy[i] = list[i] as T;
  copy[length] = item;
  return copy;
}
