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

/** A new list: the items of `list`, which stays as it is, and one more at place `at`, the end unless told. */
export function listWith<T>(list: readonly T[], item: T, at = list.length): readonly T[] {
  const copy = new Array<T>(list.length + 1);
  for (let i = 0; i < at; i += 1) copy[i] = list[i] as T;
  copy[at] = item;
  for (let i = at; i < list.length; i += 1) copy[i + 1] = list[i] as T;
  return copy;
}

/** A new list: the items of `list`, which stays as it is, less the one at place `at`. */
export function listWithout<T>(list: readonly T[], at: number): readonly T[] {
  const copy = new Array<T>(list.length - 1);
  for (let i = 0; i < at; i += 1) copy[i] = list[i] as T;
  for (let i = at + 1; i < list.length; i += 1) copy[i - 1] = list[i] as T;
  return copy;
}
