/**
 * A persistent set of intervals of texts, by which all that overlap one are found without looking at the others.
 *
 * A treap by where the intervals begin, in which every node knows how far those below it reach (Cormen et al., "Introduction
 * to Algorithms", section 14.3; Seidel and Aragon, "Randomized Search Trees", 1996). The priorities are drawn from the numbers
 * of the intervals, so equal histories give equal trees. Adding and removing cost O(log n), a search O(log n) and what it finds.
 */

import { mixNumber } from './digest.js';

/** Of all texts from `from` on and before `to`, in the order of their UTF-16 code units; without end where `to` is absent. */
export interface Interval {
  readonly from: string;
  readonly to: string | undefined;
}

export interface IntervalNode<T> {
  readonly interval: Interval;
  /** Tells intervals with the same beginning apart; no two in a tree have the same. */
  readonly number: number;
  readonly item: T;
  /** Where the last of this one and all below it ends. */
  readonly reach: string | undefined;
  readonly left: IntervalTree<T>;
  readonly right: IntervalTree<T>;
}

/** Undefined for the empty one. */
export type IntervalTree<T> = IntervalNode<T> | undefined;

/** The interval of all texts that begin with the prefix. */
export function intervalOfPrefix(prefix: string): Interval {
  for (let length = prefix.length; length > 0; length -= 1) {
    const last = prefix.charCodeAt(length - 1);
    if (last === 0xff_ff) continue;
    return { from: prefix, to: prefix.slice(0, length - 1) + String.fromCharCode(last + 1) };
  }
  return { from: prefix, to: undefined };
}

/** The text that comes next after one, in the order of code units. */
export function successor(text: string): string {
  return `${text}\0`;
}

export function isEmptyInterval({ from, to }: Interval): boolean {
  return to !== undefined && from >= to;
}

/** What is common to two intervals. */
export function intersection(a: Interval, b: Interval): Interval {
  return { from: a.from > b.from ? a.from : b.from, to: earlierEnd(a.to, b.to) };
}

export function overlaps(a: Interval, b: Interval): boolean {
  return !isEmptyInterval(intersection(a, b)) && !isEmptyInterval(a) && !isEmptyInterval(b);
}

function earlierEnd(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined) return b;
  return b === undefined || a < b ? a : b;
}

function laterEnd(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined || b === undefined ? undefined : a > b ? a : b;
}

/** The tree with one more interval, whose number is in it nowhere. */
export function intervalAdded<T>(
  tree: IntervalTree<T>,
  interval: Interval,
  number: number,
  item: T,
): IntervalNode<T> {
  if (tree === undefined) return node(interval, number, item, undefined, undefined);
  if (comesFirst(number, tree.number)) {
    const [left, right] = split(tree, interval.from, number);
    return node(interval, number, item, left, right);
  }
  return isBefore(interval.from, number, tree)
    ? withChildren(tree, intervalAdded(tree.left, interval, number, item), tree.right)
    : withChildren(tree, tree.left, intervalAdded(tree.right, interval, number, item));
}

/** The tree without the interval of that number, which begins there; the same tree where it is not in it. */
export function intervalRemoved<T>(tree: IntervalTree<T>, from: string, number: number): IntervalTree<T> {
  if (tree === undefined) return undefined;
  if (tree.number === number) return merge(tree.left, tree.right);
  if (isBefore(from, number, tree)) {
    const left = intervalRemoved(tree.left, from, number);
    return left === tree.left ? tree : withChildren(tree, left, tree.right);
  }
  const right = intervalRemoved(tree.right, from, number);
  return right === tree.right ? tree : withChildren(tree, tree.left, right);
}

/**
 * The items of all intervals that overlap this one, in the order in which they begin, until `visit` says false. Whether it
 * came to the end.
 */
export function forEachOverlapping<T>(
  tree: IntervalTree<T>,
  wanted: Interval,
  visit: (item: T) => boolean,
): boolean {
  if (tree === undefined || isEmptyInterval(wanted)) return true;
  if (tree.reach !== undefined && tree.reach <= wanted.from) return true;
  if (!forEachOverlapping(tree.left, wanted, visit)) return false;
  if (wanted.to !== undefined && tree.interval.from >= wanted.to) return true;
  if (overlaps(tree.interval, wanted) && !visit(tree.item)) return false;
  return forEachOverlapping(tree.right, wanted, visit);
}

/** Whether the one number stands above the other in every tree. */
function comesFirst(a: number, b: number): boolean {
  const first = mixNumber(0, a);
  const second = mixNumber(0, b);
  return first === second ? a < b : first > second;
}

function isBefore<T>(from: string, number: number, other: IntervalNode<T>): boolean {
  const begins = other.interval.from;
  return from < begins || (from === begins && number < other.number);
}

function node<T>(
  interval: Interval,
  number: number,
  item: T,
  left: IntervalTree<T>,
  right: IntervalTree<T>,
): IntervalNode<T> {
  let reach = interval.to;
  if (left !== undefined) reach = laterEnd(reach, left.reach);
  if (right !== undefined) reach = laterEnd(reach, right.reach);
  return { interval, number, item, reach, left, right };
}

function withChildren<T>(
  { interval, number, item }: IntervalNode<T>,
  left: IntervalTree<T>,
  right: IntervalTree<T>,
): IntervalNode<T> {
  return node(interval, number, item, left, right);
}

/** What comes before that place, and what after it. */
function split<T>(
  tree: IntervalTree<T>,
  from: string,
  number: number,
): readonly [IntervalTree<T>, IntervalTree<T>] {
  if (tree === undefined) return [undefined, undefined];
  if (isBefore(from, number, tree)) {
    const [left, right] = split(tree.left, from, number);
    return [left, withChildren(tree, right, tree.right)];
  }
  const [left, right] = split(tree.right, from, number);
  return [withChildren(tree, tree.left, left), right];
}

/** One tree of two, of which all of the first come before all of the second. */
function merge<T>(a: IntervalTree<T>, b: IntervalTree<T>): IntervalTree<T> {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return comesFirst(a.number, b.number)
    ? withChildren(a, a.left, merge(a.right, b))
    : withChildren(b, merge(a, b.left), b.right);
}
