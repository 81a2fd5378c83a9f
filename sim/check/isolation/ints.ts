/** A list of 32-bit integers that grows: what the checker keeps by the million. A mutable record, private to one check. */

export interface Ints {
  items: Int32Array;
  length: number;
}

export function ints(capacity = 1024): Ints {
  return { items: new Int32Array(capacity), length: 0 };
}

export function push(list: Ints, value: number): void {
  if (list.length === list.items.length) {
    const larger = new Int32Array(list.length * 2);
    larger.set(list.items);
    list.items = larger;
  }
  list.items[list.length++] = value;
}

/** An element known to be there. One function for each kind of array: an engine reads faster where it sees only one. */
export function at(items: Int32Array, index: number): number {
  return items[index] as number;
}

export function byteAt(items: Uint8Array, index: number): number {
  return items[index] as number;
}

export function timeAt(items: Float64Array, index: number): number {
  return items[index] as number;
}

/**
 * Places the indexes of `groups` by group: those of group `g` are `items[starts[g]]` to `items[starts[g + 1] - 1]`, in
 * ascending order. O(indexes + count).
 */
export function groupBy(groups: Ints, count: number): Grouping {
  const starts = new Int32Array(count + 1);
  for (let index = 0; index < groups.length; index++) {
    const after = at(groups.items, index) + 1;
    starts[after] = at(starts, after) + 1;
  }
  for (let group = 0; group < count; group++) starts[group + 1] = at(starts, group + 1) + at(starts, group);
  const next = starts.slice(0, count);
  const items = new Int32Array(groups.length);
  for (let index = 0; index < groups.length; index++) {
    const group = at(groups.items, index);
    const place = at(next, group);
    items[place] = index;
    next[group] = place + 1;
  }
  return { starts, items };
}

export interface Grouping {
  readonly starts: Int32Array;
  readonly items: Int32Array;
}
