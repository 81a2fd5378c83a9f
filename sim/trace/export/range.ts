/** The lines that an export shows, and the messages and leaderships among them. */

import { findCauses } from '../causes.js';
import type { Moment } from '../replay.js';
import { lastLine, lastOfNode, type Timeline } from '../timeline.js';

/** Lines from … to, both included, both within the timeline. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The range asked for, cut to what there is; by default the last `most` lines up to the end. */
export function rangeOf(timeline: Timeline, asked: Partial<Range>, most = Number.MAX_SAFE_INTEGER): Range {
  const last = lastLine(timeline);
  const to = Math.min(asked.to ?? (asked.from === undefined ? last : asked.from + most - 1), last);
  return { from: Math.max(1, asked.from ?? to - most + 1), to };
}

export function momentsIn(timeline: Timeline, { from, to }: Range): readonly Moment[] {
  return timeline.moments.slice(from - 1, to);
}

/** A message that left and arrived, or was lost, within the range. */
export interface Arrow {
  readonly from: number;
  readonly to: number;
  readonly message: unknown;
  readonly sentIn: number;
  /** Undefined when it never arrived. */
  readonly receivedIn: number | undefined;
  /** One more copy of a message that had arrived before. */
  readonly copy: boolean;
}

/** The messages of a range, in the order of sending; what came from before it or arrives after it is left out. */
export function arrowsIn(timeline: Timeline, range: Range): readonly Arrow[] {
  return findCauses(timeline)
    .sent.filter(({ n }) => n >= range.from && n <= range.to)
    .flatMap(({ n, from, to, message, receipts }): readonly Arrow[] => {
      const base = { from, to, message, sentIn: n };
      if (receipts.length === 0) return [{ ...base, receivedIn: undefined, copy: false }];
      return receipts
        .map((receipt, i) => ({ ...base, receivedIn: receipt, copy: i > 0 }))
        .filter(({ receivedIn }) => receivedIn <= range.to);
    });
}

/** A stretch of lines through which something holds of a node. */
export interface Period {
  readonly node: number;
  readonly group: number;
  /** The line with which it began; the first of the range when it began before. */
  readonly from: number;
  /** The line with which it ended; undefined when it went on beyond the range. */
  readonly until: number | undefined;
  readonly what: string;
}

/** Through which lines each node led which group, with a word on it. */
export function leaderships(
  timeline: Timeline,
  range: Range,
  word: (state: unknown, group: number) => string,
): readonly Period[] {
  const { subject } = timeline;
  return periods(timeline, range, (state) =>
    state === undefined
      ? new Map()
      : new Map(
          subject
            .groupsOf(state)
            .filter((group) => subject.leads(state, group))
            .map((group) => [group, word(state, group)]),
        ),
  );
}

/** Through which lines each node was down: before its first start, and after crashes. */
export function downtimes(timeline: Timeline, range: Range): readonly Period[] {
  return periods(timeline, range, (state) => (state === undefined ? new Map([[0, 'down']]) : new Map()));
}

function periods(
  timeline: Timeline,
  range: Range,
  holds: (state: unknown) => ReadonlyMap<number, string>,
): readonly Period[] {
  const found: Period[] = [];
  for (const node of timeline.nodes) {
    const open = new Map<number, Omit<Period, 'until'>>();
    const look = (state: unknown, n: number): void => {
      const now = holds(state);
      for (const [group, period] of open) {
        if (now.get(group) === period.what) continue;
        open.delete(group);
        found.push({ ...period, until: n });
      }
      for (const [group, what] of now) if (!open.has(group)) open.set(group, { node, group, from: n, what });
    };
    look(lastOfNode(timeline, node, range.from - 1)?.after, range.from);
    for (const { line, after } of momentsIn(timeline, range)) if (line.node === node) look(after, line.n);
    for (const period of open.values()) found.push({ ...period, until: undefined });
  }
  return found;
}
