/**
 * What `wavetank replay` says besides whether a trace still matches: why a line came about, where a condition first
 * holds, where two traces part, and a trace in other programs' formats. Each is text and an exit code.
 */

import {
  chainTo,
  compareTraces,
  ConditionError,
  findCauses,
  lastLine,
  momentAt,
  parseCondition,
  stateAt,
  strikes,
  tellComparison,
  tellConditionError,
  tellMoment,
  tellWhy,
  toPerfetto,
  toShiViz,
  toSpaceTime,
  type Condition,
  type Range,
  type Timeline,
} from '../../sim/index.js';

export interface View {
  readonly text: string;
  readonly exitCode: number;
}

/** 0: as asked. 1: the traces part. 2: bad arguments or no trace. 3: the condition never holds. */
export const VIEW_CODES = { ok: 0, parts: 1, bad: 2, never: 3 } as const;

/** Lines of the story that are shown before the one at which a condition holds. */
const SHOWN_LINES = 5;

export const EXPORTS = {
  svg: toSpaceTime,
  perfetto: toPerfetto,
  shiviz: toShiViz,
} as const;

export type ExportFormat = keyof typeof EXPORTS;

function view(lines: readonly string[], exitCode: number): View {
  return { text: `${lines.join('\n')}\n`, exitCode };
}

function jsonView(value: unknown, exitCode: number): View {
  return view([JSON.stringify(value)], exitCode);
}

/** What led to line `n`, which the timeline must have. */
export function whyView(timeline: Timeline, n: number, json: boolean): View {
  if (!json) return view(tellWhy(timeline, n), VIEW_CODES.ok);
  const { links, cutOff } = chainTo(findCauses(timeline), n);
  const told = links.map(({ n: line, causes }) => {
    const { node, at } = momentAt(timeline, line).line;
    return { n: line, node, at, causes };
  });
  return jsonView({ n, links: told, cutOff }, VIEW_CODES.ok);
}

/** The first line from `from` to `to` at which a condition is news, and the states of the nodes there. */
export function breakView(
  timeline: Timeline,
  condition: Condition,
  { from, to }: Range,
  options: { readonly json: boolean; readonly states: boolean },
): View {
  let struck: number | undefined;
  for (let n = from; n <= to && struck === undefined; n += 1) {
    if (strikes(condition, timeline, n)) struck = n;
  }
  const { subject, nodes } = timeline;
  const exitCode = struck === undefined ? VIEW_CODES.never : VIEW_CODES.ok;
  if (options.json) return jsonView({ condition: condition.text, struck: struck ?? null }, exitCode);
  if (struck === undefined) return view([`never      ${condition.text} (lines ${from} to ${to})`], exitCode);
  const rows: string[] = [];
  for (let n = Math.max(1, struck - SHOWN_LINES); n <= struck; n += 1) {
    rows.push(...tellMoment(timeline, momentAt(timeline, n)));
  }
  rows.push(`holds      ${condition.text}, at line ${struck}`);
  if (options.states) {
    for (const node of nodes) {
      const state = stateAt(timeline, node, struck);
      rows.push(...(state === undefined ? [`node ${node} is down`] : subject.describeState(node, state)));
    }
  }
  return view(rows, exitCode);
}

/** Where two traces part. */
export function diffView(first: Timeline, second: Timeline, json: boolean): View {
  const comparison = compareTraces(first, second);
  const exitCode = comparison.firstLine === undefined ? VIEW_CODES.ok : VIEW_CODES.parts;
  if (json) return jsonView({ equal: comparison.firstLine === undefined, ...comparison }, exitCode);
  return view(tellComparison(first, second, comparison), exitCode);
}

/** A condition, or what is wrong with it. */
export function readCondition(
  timeline: Timeline,
  text: string,
): { readonly condition: Condition } | { readonly problem: string } {
  try {
    return { condition: parseCondition(text, timeline.subject) };
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    return { problem: tellConditionError(text, error).join('\n') };
  }
}

/** The lines asked for, or what is wrong with them. */
export function readRange(
  timeline: Timeline,
  { from = 1, to = lastLine(timeline) }: Partial<Range>,
): { readonly range: Range } | { readonly problem: string } {
  const last = lastLine(timeline);
  if (from > to || from > last) return { problem: `lines ${from} to ${to} are none of the trace's ${last}` };
  return { range: { from: Math.max(1, from), to: Math.min(to, last) } };
}
