/**
 * Which line of a trace can have had a part in which other: Lamport's "happened before", by vector clocks.
 *
 * Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System" (1978); Mattern, "Virtual Time and
 * Global States of Distributed Systems" (1989). A node's lines are ordered, across its restarts too (its disk carries
 * on), and a message orders the line that sent it before the line that received it. Two lines that are not ordered
 * so are concurrent: whatever the clock on the wall said, neither can have caused the other.
 */

import { assert } from '../../core/index.js';
import type { Causes } from './causes.js';

export interface VectorClocks {
  readonly from: number;
  readonly to: number;
  /** The nodes, in the order of the components. */
  readonly nodes: readonly number[];
  /** `clocks[n - from]`: how many lines of each node lie at or before line n in this order. */
  readonly clocks: readonly (readonly number[])[];
}

/** The clocks of the lines `from` … `to`, counted from there: messages from before it order nothing. */
export function vectorClocks(causes: Causes, from: number, to: number): VectorClocks {
  const { timeline, ofEvents } = causes;
  const { nodes } = timeline;
  const zero = nodes.map(() => 0);
  const latest = new Map<number, readonly number[]>();
  const clocks: (readonly number[])[] = [];
  for (const { line } of timeline.moments.slice(from - 1, to)) {
    const clock = (latest.get(line.node) ?? zero).slice();
    for (const cause of ofEvents[line.n - 1] ?? []) {
      if (cause.type !== 'Sent' || cause.n < from) continue;
      (clocks[cause.n - from] ?? zero).forEach((count, i) => {
        clock[i] = Math.max(clock[i] as number, count);
      });
    }
    const own = nodes.indexOf(line.node);
    clock[own] = (clock[own] as number) + 1;
    clocks.push(clock);
    latest.set(line.node, clock);
  }
  return { from, to, nodes, clocks };
}

/** Whether line `a` happened before line `b`. Both must lie within the clocks' lines; no line is before itself. */
export function happenedBefore({ from, clocks }: VectorClocks, a: number, b: number): boolean {
  const earlier = clocks[a - from];
  const later = clocks[b - from];
  assert(
    earlier !== undefined && later !== undefined,
    () => `lines ${a} and ${b} are not both in the clocks`,
  );
  return a !== b && earlier.every((count, i) => count <= (later[i] as number));
}
