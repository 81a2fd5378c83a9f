/**
 * A timeline: the state of every node at every line of a trace, forward and back.
 *
 * States are immutable and share their structure, so keeping all of them costs little more than the last. A timeline
 * is built once by replaying the trace and never changes; where the replay parts from the record it ends.
 */

import { machinesOf } from '../faults/scenario.js';
import { present } from '../../core/index.js';
import { nodeSubject } from './node-subject.js';
import { walkTrace, type Moment, type Parting, type Trace } from './replay.js';
import type { TraceSubject } from './subject.js';

export interface Timeline {
  readonly trace: Trace;
  readonly subject: TraceSubject;
  /** The nodes of the cluster, in ascending order. */
  readonly nodes: readonly number[];
  /** By line: `moments[n - 1]` is line n. Shorter than the trace where the replay parts. */
  readonly moments: readonly Moment[];
  readonly parted: Parting | undefined;
  /** The lines of each node, in ascending order. */
  readonly linesOf: ReadonlyMap<number, readonly number[]>;
}

/** Replays a trace and keeps everything. @throws Error when a line cannot be read. */
export function buildTimeline(trace: Trace, subject: TraceSubject = nodeSubject): Timeline {
  const nodes = Array.from({ length: machinesOf(trace.header.scenario) }, (_, i) => i + 1);
  const linesOf = new Map<number, number[]>(nodes.map((node) => [node, []]));
  const moments: Moment[] = [];
  const { parted } = walkTrace(subject, trace, Number.MAX_SAFE_INTEGER, (moment) => {
    moments.push(moment);
    linesOf.get(moment.line.node)?.push(moment.line.n);
  });
  return { trace, subject, nodes, moments, parted, linesOf };
}

/** The last line of the timeline; 0 when it has none. */
export function lastLine(timeline: Timeline): number {
  return timeline.moments.length;
}

/** Line `n`, which the timeline must have. */
export function momentAt(timeline: Timeline, n: number): Moment {
  return present(
    timeline.moments[n - 1],
    () => `line ${n} was asked for, but the timeline has ${timeline.moments.length}`,
  );
}

/** The last line of a node at or before line `n`; undefined when it had none yet. */
export function lastOfNode(timeline: Timeline, node: number, n: number): Moment | undefined {
  const lines = timeline.linesOf.get(node) ?? [];
  const at = countUpTo(lines, n);
  return at === 0 ? undefined : momentAt(timeline, lines[at - 1] as number);
}

/** The first line of a node after line `n`; undefined when it has none. */
export function nextOfNode(timeline: Timeline, node: number, n: number): Moment | undefined {
  const lines = timeline.linesOf.get(node) ?? [];
  const next = lines[countUpTo(lines, n)];
  return next === undefined ? undefined : momentAt(timeline, next);
}

/** The state of a node after line `n`; undefined while it is down. */
export function stateAt(timeline: Timeline, node: number, n: number): unknown {
  return lastOfNode(timeline, node, n)?.after;
}

/**
 * The last state that a node had before line `n`, in this run or an earlier one: what a restart is to be compared
 * with, since it shows what the crash cost. Undefined before its first start.
 */
export function stateBefore(timeline: Timeline, node: number, n: number): unknown {
  for (let last = lastOfNode(timeline, node, n - 1); last !== undefined;) {
    if (last.after !== undefined) return last.after;
    if (last.before !== undefined) return last.before;
    last = lastOfNode(timeline, node, last.line.n - 1);
  }
  return undefined;
}

/** How many of the ascending `lines` are at or below `n`. */
function countUpTo(lines: readonly number[], n: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lines[middle] as number) <= n) low = middle + 1;
    else high = middle;
  }
  return low;
}
