/**
 * Why a line came about: the lines that led to it, walked back through messages, writes and timers.
 *
 * Every line follows from the line before it on its node too; that is left out, or every chain would be the whole
 * trace. A chain ends at what came from outside: a client's request, a start, a timer (which is named with the line
 * that set it, and not followed).
 */

import { findCauses, linesBehind, requestOf, type Causes, type EventCause } from './causes.js';
import { tellCause, tellMoment } from './tell.js';
import { momentAt, stateBefore, type Timeline } from './timeline.js';

/** A line of a chain, and what stands behind each of its events. */
export interface ChainLink {
  readonly n: number;
  readonly causes: readonly EventCause[];
}

export interface Chain {
  /** From the line asked for back to the earliest; each is a cause of one before it in this list. */
  readonly links: readonly ChainLink[];
  /** How many more lines there would have been beyond the limit, at least. */
  readonly cutOff: number;
}

/** The lines that led to line `n`, at most `limit` of them: those nearest to it in the order of the trace. */
export function chainTo(causes: Causes, n: number, limit = 40): Chain {
  const links: ChainLink[] = [];
  const known = new Set<number>([n]);
  const open: number[] = [n];
  while (open.length > 0 && links.length < limit) {
    const latest = open.reduce((best, line) => Math.max(best, line), 0);
    open.splice(open.indexOf(latest), 1);
    const behind = causes.ofEvents[latest - 1] ?? [];
    links.push({ n: latest, causes: behind });
    for (const cause of behind) {
      if (cause.type === 'TimerSet') continue;
      for (const line of linesBehind(cause)) {
        if (known.has(line)) continue;
        known.add(line);
        open.push(line);
      }
    }
  }
  return { links, cutOff: open.length };
}

/** A chain as text, the line asked for first. */
export function tellChain(causes: Causes, chain: Chain): readonly string[] {
  const { timeline } = causes;
  const rows = chain.links.flatMap(({ n, causes: behind }) => {
    const moment = momentAt(timeline, n);
    return [
      ...tellMoment(timeline, moment),
      ...behind.map((cause, i) => `         because ${tellCause(timeline, moment, i, cause)}`),
    ];
  });
  if (chain.cutOff > 0) rows.push(`… and what led to ${chain.cutOff} more lines, further back`);
  return rows;
}

/** The chain to a line, and the requests that it answers. */
export function tellWhy(timeline: Timeline, n: number): readonly string[] {
  const causes = findCauses(timeline);
  const answers = momentAt(timeline, n).effects.flatMap((effect) => {
    const asked = effect.type === 'Reply' ? requestOf(causes, n, effect.token) : undefined;
    return asked === undefined || effect.type !== 'Reply'
      ? []
      : [`it answers request ${effect.token} of line ${asked}`];
  });
  return [...tellChain(causes, chainTo(causes, n)), ...answers];
}

/** A change of something about a node's state. */
export interface FieldChange {
  readonly n: number;
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

/** Something about a node's state that can be asked for, as text; undefined where there is nothing. */
export interface Reading {
  readonly what: string;
  read(state: unknown): string | undefined;
}

/** The last change of any of these readings in a node, at or before line `n`; undefined when there was none. */
export function lastChange(
  timeline: Timeline,
  node: number,
  n: number,
  readings: readonly Reading[],
): FieldChange | undefined {
  const lines = (timeline.linesOf.get(node) ?? []).filter((line) => line <= n);
  for (const line of lines.reverse()) {
    const { after } = momentAt(timeline, line);
    const before = stateBefore(timeline, node, line);
    if (after === undefined || before === undefined) continue;
    for (const { what, read } of readings) {
      const was = read(before) ?? 'nothing';
      const is = read(after) ?? 'nothing';
      if (was !== is) return { n: line, what, before: was, after: is };
    }
  }
  return undefined;
}
