/**
 * What differs between two states, for people: one line a change, with its path.
 *
 * Parts that the states share are passed over by identity, so the cost is that of what changed. Persistent
 * collections are compared by what they hold: the same content in a tree of another shape is no change.
 */

import { pathTo, show, type PathStep, type Unfold } from './show.js';
import type { Contents } from './subject.js';

export interface Change {
  /** Empty for the whole value. */
  readonly path: string;
  /** What became of it, such as `3 -> 4`, or `+2 entries (12..13)`. */
  readonly text: string;
}

export interface StateDiff {
  readonly changes: readonly Change[];
  /** How many more changes there were beyond the limit. */
  readonly more: number;
}

export interface DiffLimits {
  /** Changes that are listed; the rest is counted. */
  readonly maxChanges?: number;
  /** Below this depth a value is shown as a whole. */
  readonly maxDepth?: number;
}

interface Walk {
  readonly unfold: Unfold;
  readonly changes: Change[];
  readonly maxChanges: number;
  more: number;
}

/** Keys or values that are named in one change before the rest is counted. */
const NAMED = 3;

export function diffStates(
  before: unknown,
  after: unknown,
  unfold: Unfold,
  limits: DiffLimits = {},
): StateDiff {
  const { maxChanges = 60, maxDepth = 12 } = limits;
  const walk: Walk = { unfold, changes: [], maxChanges, more: 0 };
  diffIn(walk, '', before, after, maxDepth);
  return { changes: walk.changes, more: walk.more };
}

/** A diff as text, a line a change. */
export function tellDiff({ changes, more }: StateDiff): readonly string[] {
  const rows = changes.map(({ path, text }) => (path === '' ? text : `${path}: ${text}`));
  return more === 0 ? rows : [...rows, `… and ${more} more`];
}

function note(walk: Walk, path: string, text: string): void {
  if (walk.changes.length < walk.maxChanges) walk.changes.push({ path, text });
  else walk.more += 1;
}

function diffIn(walk: Walk, path: string, before: unknown, after: unknown, depth: number): void {
  if (before === after) return;
  const { unfold } = walk;
  const was = unfold(before);
  const is = unfold(after);
  if (was !== undefined || is !== undefined) {
    // An empty collection may stand as nothing at all.
    const type = (was ?? is)?.type;
    const left = was ?? (before === undefined ? emptyOf(is) : undefined);
    const right = is ?? (after === undefined ? emptyOf(was) : undefined);
    if (left?.type === 'Table' && right?.type === 'Table') return diffTables(walk, path, left, right, depth);
    if (left?.type === type && right?.type === type) {
      if (left?.type === 'Queue' && right?.type === 'Queue')
        return diffQueues(walk, path, left.items, right.items);
      if (left?.type === 'Bag' && right?.type === 'Bag') return diffBags(walk, path, left.items, right.items);
    }
  } else if (isList(before) && isList(after)) {
    return diffLists(walk, path, before, after, depth);
  } else if (isRecord(before) && isRecord(after) && depth > 0) {
    return diffRecords(walk, path, before, after, depth);
  }
  const text = `${show(before, unfold)} -> ${show(after, unfold)}`;
  if (show(before, unfold, 1_000) !== show(after, unfold, 1_000)) note(walk, path, text);
  else if (!isSame(before, after)) note(walk, path, `${text} (they differ in what is not shown)`);
}

function emptyOf(contents: Contents | undefined): Contents | undefined {
  if (contents === undefined) return undefined;
  return contents.type === 'Table' ? { type: 'Table', entries: [] } : { type: contents.type, items: [] };
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/** Whether leaves are equal: identity, or the same bytes. */
function isSame(before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (!(before instanceof Uint8Array) || !(after instanceof Uint8Array)) return false;
  return before.length === after.length && before.every((byte, i) => byte === after[i]);
}

function diffRecords(
  walk: Walk,
  path: string,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  depth: number,
): void {
  const names = [...Object.keys(before), ...Object.keys(after).filter((name) => !(name in before))];
  for (const name of names) diffIn(walk, pathTo(path, name), before[name], after[name], depth - 1);
}

/** Lists are compared place by place; one that got longer or shorter, or holds bare values, is shown as a whole. */
function diffLists(
  walk: Walk,
  path: string,
  before: readonly unknown[],
  after: readonly unknown[],
  depth: number,
): void {
  const { unfold } = walk;
  if (before.length === after.length && after.every((item) => isRecord(item)) && depth > 0) {
    after.forEach((item, i) => diffIn(walk, pathTo(path, i), before[i], item, depth - 1));
    return;
  }
  const was = show(before, unfold);
  const is = show(after, unfold);
  if (was !== is) note(walk, path, `${was} -> ${is}`);
  else if (before.length === after.length) {
    after.forEach((item, i) => diffIn(walk, pathTo(path, i), before[i], item, depth - 1));
  } else note(walk, path, `${before.length} items -> ${after.length} items`);
}

type Table = Extract<Contents, { readonly type: 'Table' }>;

function diffTables(walk: Walk, path: string, before: Table, after: Table, depth: number): void {
  const was = new Map(before.entries);
  const is = new Map(after.entries);
  const gone = before.entries.filter(([key]) => !is.has(key));
  const added = after.entries.filter(([key]) => !was.has(key));
  if (gone.length > 0) note(walk, path, `-${counted(gone)} (${keysOf(gone)})`);
  if (added.length > 0) {
    const values = added
      .slice(0, NAMED)
      .map(([, value]) => show(value, walk.unfold, 160 / Math.min(added.length, NAMED)));
    const rest = added.length > NAMED ? ', …' : '';
    note(walk, path, `+${counted(added)} (${keysOf(added)}): ${values.join(', ')}${rest}`);
  }
  for (const [key, value] of after.entries) {
    if (was.has(key)) diffIn(walk, entryPath(path, key), was.get(key), value, depth - 1);
  }
}

function counted(entries: readonly unknown[]): string {
  return `${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}`;
}

function entryPath(path: string, key: PathStep): string {
  return `${path}[${typeof key === 'number' ? key : JSON.stringify(key)}]`;
}

/** Keys in few words: numbers that follow each other as a range. */
function keysOf(entries: readonly (readonly [PathStep, unknown])[]): string {
  const keys = entries.map(([key]) => key);
  const first = keys[0];
  const last = keys[keys.length - 1];
  if (
    typeof first === 'number' &&
    typeof last === 'number' &&
    keys.length > 1 &&
    last - first === keys.length - 1
  ) {
    return `${first}..${last}`;
  }
  const named = keys
    .slice(0, NAMED)
    .map((key) => (typeof key === 'number' ? String(key) : JSON.stringify(key)));
  return keys.length > NAMED ? `${named.join(', ')}, … ${keys.length - NAMED} more` : named.join(', ');
}

/** A queue loses items at its front and gains them at its back. */
function diffQueues(walk: Walk, path: string, before: readonly unknown[], after: readonly unknown[]): void {
  const { unfold } = walk;
  const text = (item: unknown): string => show(item, unfold, 1_000);
  const was = before.map(text);
  const is = after.map(text);
  let taken = 0;
  while (taken < was.length && !was.slice(taken).every((item, i) => item === is[i])) taken += 1;
  const added = after.slice(was.length - taken);
  if (taken > 0) note(walk, path, `-${taken} from the front`);
  if (added.length > 0) note(walk, path, `+${added.length} at the back: ${show(added, unfold)}`);
}

function diffBags(walk: Walk, path: string, before: readonly unknown[], after: readonly unknown[]): void {
  const gone = without(walk, before, after);
  const added = without(walk, after, before);
  if (gone.length > 0) note(walk, path, `-${gone.length}: ${show(gone, walk.unfold)}`);
  if (added.length > 0) note(walk, path, `+${added.length}: ${show(added, walk.unfold)}`);
}

/** The items of a bag, without those that another bag holds too. */
function without(walk: Walk, bag: readonly unknown[], other: readonly unknown[]): readonly unknown[] {
  const text = (item: unknown): string => show(item, walk.unfold, 1_000);
  const left = new Map<string, number>();
  for (const item of other) left.set(text(item), (left.get(text(item)) ?? 0) + 1);
  return bag.filter((item) => {
    const count = left.get(text(item)) ?? 0;
    if (count > 0) left.set(text(item), count - 1);
    return count === 0;
  });
}
