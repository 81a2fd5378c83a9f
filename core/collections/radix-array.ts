/**
 * A persistent sparse array: integer positions to values, for logs, tables by id and queues.
 *
 * A radix tree with 32 children a node. Reading, writing and removing one position costs the height of the tree
 * (log32 of the highest position), whatever else is stored; older versions stay as they were. Positions may start
 * anywhere and ends may be cut off, so a log that is compacted at the front and truncated at the back never moves
 * its entries.
 */

import { assert } from '../machine/assert.js';

const BITS = 5;
const WIDTH = 1 << BITS;

type Node<T> = readonly (Node<T> | T | undefined)[];

export interface RadixArray<T> {
  /** Number of levels; positions below 32^height fit. */
  readonly height: number;
  /** Undefined when nothing is stored. */
  readonly root: Node<T> | undefined;
}

const EMPTY: RadixArray<never> = { height: 1, root: undefined };

/** SPAN[level] positions lie under one child of a node at that level; 32^11 passes every safe integer. */
const SPAN: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].reduce<number[]>(
  (spans, level) => [...spans, (spans[level - 1] as number) * WIDTH],
  [1],
);

function spanOf(level: number): number {
  return SPAN[level] as number;
}

export function emptyRadixArray<T>(): RadixArray<T> {
  return EMPTY;
}

/** Bit operators end at 32 bits: digits of higher positions, and of higher levels, are taken by division. */
function digitAt(position: number, level: number): number {
  if (position < 0x4000_0000 && level < 6) return (position >>> (BITS * level)) & (WIDTH - 1);
  return Math.floor(position / spanOf(level)) % WIDTH;
}

function capacity(height: number): number {
  return spanOf(height);
}

/** The value at `position`, or undefined where there is none. */
export function radixGet<T>(array: RadixArray<T>, position: number): T | undefined {
  if (position < 0 || position >= capacity(array.height)) return undefined;
  let node = array.root;
  for (let level = array.height - 1; level > 0 && node !== undefined; level -= 1) {
    node = node[digitAt(position, level)] as Node<T> | undefined;
  }
  return node?.[digitAt(position, 0)] as T | undefined;
}

/** The array with `value` at `position`, which must be a safe integer of 0 or more. */
export function radixSet<T>(array: RadixArray<T>, position: number, value: T): RadixArray<T> {
  assert(
    Number.isSafeInteger(position) && position >= 0,
    () => `radix array position ${position} is not 0 or more`,
  );
  let { height, root } = array;
  while (position >= capacity(height)) {
    root = root === undefined ? undefined : [root];
    height += 1;
  }
  return { height, root: setIn(root, height - 1, position, value) };
}

function setIn<T>(node: Node<T> | undefined, level: number, position: number, value: T): Node<T> {
  const digit = digitAt(position, level);
  const copy = copyWithRoom(node, digit);
  copy[digit] = level === 0 ? value : setIn(copy[digit] as Node<T> | undefined, level - 1, position, value);
  return copy;
}

/** A copy that reaches to `digit`; made at its full length, because an array that grows is allocated twice. */
function copyWithRoom<T>(node: Node<T> | undefined, digit: number): (Node<T> | T | undefined)[] {
  const length = node === undefined ? 0 : node.length;
  if (node !== undefined && digit < length) return node.slice();
  const copy = new Array<Node<T> | T | undefined>(digit + 1);
  for (let i = 0; i <= digit; i += 1) copy[i] = i < length ? node?.[i] : undefined;
  return copy;
}

/** The array without `position`. */
export function radixDelete<T>(array: RadixArray<T>, position: number): RadixArray<T> {
  if (radixGet(array, position) === undefined) return array;
  const root = deleteIn(array.root as Node<T>, array.height - 1, position);
  return root === undefined ? emptyRadixArray() : { height: array.height, root };
}

function deleteIn<T>(node: Node<T>, level: number, position: number): Node<T> | undefined {
  const digit = digitAt(position, level);
  const copy = node.slice();
  copy[digit] = level === 0 ? undefined : deleteIn(copy[digit] as Node<T>, level - 1, position);
  return withoutTrailingGaps(copy);
}

function withoutTrailingGaps<T>(copy: (Node<T> | T | undefined)[]): Node<T> | undefined {
  while (copy.length > 0 && copy[copy.length - 1] === undefined) copy.pop();
  return copy.length === 0 ? undefined : copy;
}

/** The array with only the positions in `from <= position < before`. Costs the height of the tree. */
export function radixSlice<T>(array: RadixArray<T>, from: number, before: number): RadixArray<T> {
  if (array.root === undefined) return array;
  const root = sliceIn(array.root, array.height - 1, 0, from, before);
  if (root === array.root) return array;
  if (root === undefined) return emptyRadixArray();
  return { height: array.height, root };
}

function sliceIn<T>(
  node: Node<T>,
  level: number,
  base: number,
  from: number,
  before: number,
): Node<T> | undefined {
  const span = spanOf(level);
  if (from <= base && base + span * WIDTH <= before) return node;
  const copy = node.slice();
  for (let digit = 0; digit < copy.length; digit += 1) {
    const child = copy[digit];
    if (child === undefined) continue;
    const start = base + digit * span;
    if (start + span <= from || start >= before) copy[digit] = undefined;
    else if (level > 0) copy[digit] = sliceIn(child as Node<T>, level - 1, start, from, before);
  }
  return withoutTrailingGaps(copy);
}

/** Calls `visit` for every value, in ascending order of positions. */
export function radixForEach<T>(array: RadixArray<T>, visit: (value: T, position: number) => void): void {
  if (array.root !== undefined) visitIn(array.root, array.height - 1, 0, visit);
}

function visitIn<T>(
  node: Node<T>,
  level: number,
  base: number,
  visit: (value: T, position: number) => void,
): void {
  const span = spanOf(level);
  for (let digit = 0; digit < node.length; digit += 1) {
    const child = node[digit];
    if (child === undefined) continue;
    if (level === 0) visit(child as T, base + digit);
    else visitIn(child as Node<T>, level - 1, base + digit * span, visit);
  }
}

/** Calls `visit` for the values at `from` and above, in ascending order, until it returns false. */
export function radixVisitFrom<T>(
  array: RadixArray<T>,
  from: number,
  visit: (value: T, position: number) => boolean,
): void {
  if (array.root !== undefined) visitFromIn(array.root, array.height - 1, 0, from, visit);
}

function visitFromIn<T>(
  node: Node<T>,
  level: number,
  base: number,
  from: number,
  visit: (value: T, position: number) => boolean,
): boolean {
  const span = spanOf(level);
  const first = Math.min(node.length, Math.max(0, Math.floor((from - base) / span)));
  for (let digit = first; digit < node.length; digit += 1) {
    const child = node[digit];
    if (child === undefined) continue;
    const start = base + digit * span;
    const goesOn =
      level === 0 ? visit(child as T, start) : visitFromIn(child as Node<T>, level - 1, start, from, visit);
    if (!goesOn) return false;
  }
  return true;
}

/**
 * The lowest position of `from` or more at which the arrays differ; undefined when there is none. Versions of one array
 * share what they have in common, and shared parts are passed over: the cost is that of what was changed.
 */
export function radixFirstDifference<T>(
  a: RadixArray<T>,
  b: RadixArray<T>,
  from: number,
): number | undefined {
  const height = Math.max(a.height, b.height);
  return differenceIn(raised(a, height), raised(b, height), height - 1, 0, from);
}

/** The root as it would be in a tree of this height. */
function raised<T>(array: RadixArray<T>, height: number): Node<T> | undefined {
  let { root } = array;
  for (let grown = array.height; grown < height && root !== undefined; grown += 1) root = [root];
  return root;
}

function differenceIn<T>(
  a: Node<T> | undefined,
  b: Node<T> | undefined,
  level: number,
  base: number,
  from: number,
): number | undefined {
  if (a === b) return undefined;
  const span = spanOf(level);
  const count = Math.max(a?.length ?? 0, b?.length ?? 0);
  for (let digit = 0; digit < count; digit += 1) {
    const start = base + digit * span;
    if (start + span <= from || a?.[digit] === b?.[digit]) continue;
    if (level === 0) return start;
    const found = differenceIn(
      a?.[digit] as Node<T> | undefined,
      b?.[digit] as Node<T> | undefined,
      level - 1,
      start,
      from,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}
