/**
 * A persistent ordered map from text to values: a B+ tree whose changes copy one path.
 *
 * Keys are ordered by UTF-16 code unit (what `<` does), never by a locale. Reading, writing and removing cost
 * O(log n); a walk over k entries costs O(log n + k). Removal drops a leaf when it is empty and otherwise leaves it
 * short: simpler than merging, and the height still never exceeds that of the largest map it ever was.
 */

import { listWith, listWithout } from './list.js';

const MAX_KEYS = 32;

interface Leaf<V> {
  readonly keys: readonly string[];
  readonly values: readonly V[];
}

interface Branch<V> {
  /** In ascending order; `keys[i]` is not above the smallest key below `children[i]`. */
  readonly keys: readonly string[];
  readonly children: readonly TreeNode<V>[];
}

type TreeNode<V> = Leaf<V> | Branch<V>;

export interface OrderedMap<V> {
  readonly size: number;
  readonly root: TreeNode<V>;
}

const EMPTY_LEAF: Leaf<never> = { keys: [], values: [] };
const EMPTY: OrderedMap<never> = { size: 0, root: EMPTY_LEAF };

export function emptyOrderedMap<V>(): OrderedMap<V> {
  return EMPTY;
}

function isBranch<V>(node: TreeNode<V>): node is Branch<V> {
  return 'children' in node;
}

/** How many of `keys` are below `key`. */
function countBelow(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Which child of a branch holds `key`, if any does. */
function childFor(keys: readonly string[], key: string): number {
  const below = countBelow(keys, key);
  return below < keys.length && keys[below] === key ? below : Math.max(below - 1, 0);
}

export function mapGet<V>(map: OrderedMap<V>, key: string): V | undefined {
  let node = map.root;
  while (isBranch(node)) node = node.children[childFor(node.keys, key)] as TreeNode<V>;
  const at = countBelow(node.keys, key);
  return node.keys[at] === key ? node.values[at] : undefined;
}

/** The map with `value` under `key`, in place of what was there. */
export function mapSet<V>(map: OrderedMap<V>, key: string, value: V): OrderedMap<V> {
  const change = setIn(map.root, key, value);
  const root: TreeNode<V> =
    change.split === undefined
      ? change.node
      : {
          keys: [smallestKey(change.node), smallestKey(change.split)],
          children: [change.node, change.split],
        };
  return { size: change.added ? map.size + 1 : map.size, root };
}

interface SetChange<V> {
  readonly node: TreeNode<V>;
  /** The upper half, where the node grew too large. */
  readonly split: TreeNode<V> | undefined;
  readonly added: boolean;
}

function setIn<V>(node: TreeNode<V>, key: string, value: V): SetChange<V> {
  if (!isBranch(node)) return setInLeaf(node, key, value);
  const at = childFor(node.keys, key);
  const change = setIn(node.children[at] as TreeNode<V>, key, value);
  const children = node.children.slice();
  children[at] = change.node;
  const known = key < smallestKey(node) ? [key, ...node.keys.slice(1)] : node.keys;
  if (change.split === undefined) {
    return { node: { keys: known, children }, split: undefined, added: change.added };
  }
  const keys = known.slice();
  children.splice(at + 1, 0, change.split);
  keys.splice(at + 1, 0, smallestKey(change.split));
  if (keys.length <= MAX_KEYS) return { node: { keys, children }, split: undefined, added: change.added };
  const half = keys.length >>> 1;
  return {
    node: { keys: keys.slice(0, half), children: children.slice(0, half) },
    split: { keys: keys.slice(half), children: children.slice(half) },
    added: change.added,
  };
}

function setInLeaf<V>(leaf: Leaf<V>, key: string, value: V): SetChange<V> {
  const at = countBelow(leaf.keys, key);
  if (leaf.keys[at] === key) {
    const values = leaf.values.slice();
    values[at] = value;
    return { node: { keys: leaf.keys, values }, split: undefined, added: false };
  }
  const keys = listWith(leaf.keys, key, at);
  const values = listWith(leaf.values, value, at);
  if (keys.length <= MAX_KEYS) return { node: { keys, values }, split: undefined, added: true };
  // Keys that only ever grow (ids, indexes) would leave half-empty leaves behind an even split.
  const half = at === keys.length - 1 ? MAX_KEYS : keys.length >>> 1;
  return {
    node: { keys: keys.slice(0, half), values: values.slice(0, half) },
    split: { keys: keys.slice(half), values: values.slice(half) },
    added: true,
  };
}

/**
 * The map with these entries behind all that it has, as if they had been set one after the other; but a leaf is copied
 * once for all that go into it, which is what makes the reading of a large map quick.
 *
 * @param keys in ascending order, the first above the map's last.
 */
export function mapAppend<V>(
  map: OrderedMap<V>,
  keys: readonly string[],
  values: readonly V[],
): OrderedMap<V> {
  let appended = map;
  for (let at = 0; at < keys.length;) {
    // The first goes the ordinary way: there may be no room for it in the last leaf.
    appended = mapSet(appended, keys[at] as string, values[at] as V);
    at += 1;
    const count = Math.min(MAX_KEYS - lastLeaf(appended.root).keys.length, keys.length - at);
    if (count === 0) continue;
    const root = appendIn(appended.root, keys.slice(at, at + count), values.slice(at, at + count));
    appended = { size: appended.size + count, root };
    at += count;
  }
  return appended;
}

function lastLeaf<V>(root: TreeNode<V>): Leaf<V> {
  let node = root;
  while (isBranch(node)) node = node.children[node.children.length - 1] as TreeNode<V>;
  return node;
}

function appendIn<V>(node: TreeNode<V>, keys: readonly string[], values: readonly V[]): TreeNode<V> {
  if (!isBranch(node)) return { keys: node.keys.concat(keys), values: node.values.concat(values) };
  const children = node.children.slice();
  const last = children.length - 1;
  children[last] = appendIn(children[last] as TreeNode<V>, keys, values);
  return { keys: node.keys, children };
}

function smallestKey<V>(node: TreeNode<V>): string {
  return node.keys[0] as string;
}

/** The map without `key`. */
export function mapDelete<V>(map: OrderedMap<V>, key: string): OrderedMap<V> {
  if (mapGet(map, key) === undefined) return map;
  let root = deleteIn(map.root, key);
  while (root !== undefined && isBranch(root) && root.children.length === 1) root = root.children[0];
  return root === undefined ? emptyOrderedMap() : { size: map.size - 1, root };
}

function deleteIn<V>(node: TreeNode<V>, key: string): TreeNode<V> | undefined {
  if (!isBranch(node)) {
    const at = countBelow(node.keys, key);
    if (node.keys.length === 1) return undefined;
    return { keys: listWithout(node.keys, at), values: listWithout(node.values, at) };
  }
  const at = childFor(node.keys, key);
  const child = deleteIn(node.children[at] as TreeNode<V>, key);
  if (child === undefined) {
    if (node.children.length === 1) return undefined;
    return { keys: listWithout(node.keys, at), children: listWithout(node.children, at) };
  }
  const children = node.children.slice();
  children[at] = child;
  return { keys: node.keys, children };
}

/**
 * Calls `visit` for the entries with `from <= key`, in ascending order, until it returns false.
 * An absent `from` begins at the first key.
 */
export function mapForEach<V>(
  map: OrderedMap<V>,
  visit: (key: string, value: V) => boolean | void,
  from = '',
): void {
  visitIn(map.root, from, visit);
}

function visitIn<V>(
  node: TreeNode<V>,
  from: string,
  visit: (key: string, value: V) => boolean | void,
): boolean {
  if (isBranch(node)) {
    for (let i = childFor(node.keys, from); i < node.children.length; i += 1) {
      if (!visitIn(node.children[i] as TreeNode<V>, from, visit)) return false;
    }
    return true;
  }
  for (let i = countBelow(node.keys, from); i < node.keys.length; i += 1) {
    if (visit(node.keys[i] as string, node.values[i] as V) === false) return false;
  }
  return true;
}

export interface MapEntry<V> {
  readonly key: string;
  readonly value: V;
}

/** The last entry with a key of `key` or less; undefined for none. Costs the height of the tree. */
export function mapFloor<V>(map: OrderedMap<V>, key: string): MapEntry<V> | undefined {
  return floorIn(map.root, key);
}

function floorIn<V>(node: TreeNode<V>, key: string): MapEntry<V> | undefined {
  if (isBranch(node)) {
    // The bound of a child may be lower than all that is left in it: then the one before it has the entry.
    for (let i = childFor(node.keys, key); i >= 0; i -= 1) {
      const found = floorIn(node.children[i] as TreeNode<V>, key);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const below = countBelow(node.keys, key);
  const at = node.keys[below] === key ? below : below - 1;
  return at < 0 ? undefined : { key: node.keys[at] as string, value: node.values[at] as V };
}
