/**
 * Values of a state as short text, and paths into it.
 *
 * Persistent collections read as what they hold. A path is written as in code: `groups[1].raft.log.lastIndex`, with
 * a text key in quotes: `partition.keys["a"].revision`.
 */

import type { Contents } from './subject.js';

export type Unfold = (value: unknown) => Contents | undefined;

/** Entries of a list or table that are shown before the rest is counted. */
const SHOWN_ITEMS = 4;

/** A value as text of about `room` characters at most. */
export function show(value: unknown, unfold: Unfold, room = 120): string {
  const text = showWhole(value, unfold, 4);
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

function showWhole(value: unknown, unfold: Unfold, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return value === undefined ? 'none' : String(value);
  if (value instanceof Uint8Array) return showBytes(value);
  const contents = unfold(value);
  if (contents?.type === 'Table') {
    const { entries } = contents;
    return showItems(
      entries.length,
      '{}',
      depth,
      (i) => `${entries[i]?.[0]}: ${showWhole(entries[i]?.[1], unfold, depth - 1)}`,
    );
  }
  if (contents !== undefined || Array.isArray(value)) {
    const items: readonly unknown[] = contents?.items ?? (value as readonly unknown[]);
    return showItems(items.length, '[]', depth, (i) => showWhole(items[i], unfold, depth - 1));
  }
  const fields = Object.entries(value);
  if (depth === 0) return '{…}';
  return `{${fields.map(([name, field]) => `${name}: ${showWhole(field, unfold, depth - 1)}`).join(', ')}}`;
}

function showItems(count: number, brackets: string, depth: number, item: (i: number) => string): string {
  const open = brackets.charAt(0);
  const close = brackets.charAt(1);
  if (count === 0) return brackets;
  if (depth === 0) return `${open}${count} items${close}`;
  const shown = Array.from({ length: Math.min(count, SHOWN_ITEMS) }, (_, i) => item(i));
  if (count > SHOWN_ITEMS) shown.push(`… ${count - SHOWN_ITEMS} more`);
  return `${open}${shown.join(', ')}${close}`;
}

function showBytes(bytes: Uint8Array): string {
  const shown = Array.from(bytes.subarray(0, 16));
  const rest = bytes.length > shown.length ? '…' : '';
  const text = shown.every((byte) => byte >= 0x20 && byte < 0x7f)
    ? `"${String.fromCharCode(...shown)}${rest}"`
    : `${shown.map((byte) => byte.toString(16).padStart(2, '0')).join('')}${rest}`;
  return bytes.length === 0 ? '0 bytes' : `${bytes.length} bytes ${text}`;
}

export type PathStep = string | number;

/** The steps of a path; undefined where the text is none. */
export function parsePath(text: string): readonly PathStep[] | undefined {
  const steps: PathStep[] = [];
  const step = /(?:^|(?<!^)\.)([A-Za-z_]\w*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;
  while (step.lastIndex < text.length) {
    const found = step.exec(text);
    if (found === null) return undefined;
    const [, name, position, key] = found;
    if (name !== undefined) steps.push(name);
    else if (position !== undefined) steps.push(Number(position));
    else {
      try {
        steps.push(String(JSON.parse(key ?? '')));
      } catch {
        return undefined;
      }
    }
  }
  return steps.length === 0 || typeof steps[0] === 'number' ? undefined : steps;
}

/** The path with one more step. */
export function pathTo(path: string, step: PathStep): string {
  if (typeof step === 'number') return `${path}[${step}]`;
  if (!/^[A-Za-z_]\w*$/.test(step)) return `${path}[${JSON.stringify(step)}]`;
  return path === '' ? step : `${path}.${step}`;
}

/** What stands at a path; undefined where there is nothing. */
export function valueAt(value: unknown, path: readonly PathStep[], unfold: Unfold): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || at instanceof Uint8Array) return undefined;
    const contents = unfold(at);
    if (contents?.type === 'Table') at = contents.entries.find(([key]) => key === step)?.[1];
    else if (contents !== undefined || Array.isArray(at)) {
      const items: readonly unknown[] = contents?.items ?? (at as readonly unknown[]);
      at = typeof step === 'number' ? items[step] : undefined;
    } else
      at = Object.prototype.hasOwnProperty.call(at, step) ? (at as Record<string, unknown>)[step] : undefined;
  }
  return at;
}
