import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildTimeline, findCauses, happenedBefore, vectorClocks, type Causes } from '../../../sim/index.js';
import { recorded, shortStorm } from '../support/recorded.js';

let causes: Causes;
let last: number;

beforeAll(() => {
  causes = findCauses(buildTimeline(recorded(shortStorm(5))));
  last = causes.timeline.moments.length;
});

/** Everything from which a way leads to line `b`, over lines of one node and messages, by search. */
function ancestors(b: number, from: number): ReadonlySet<number> {
  const { moments } = causes.timeline;
  const known = new Set<number>();
  const open = [b];
  for (let n = open.pop(); n !== undefined; n = open.pop()) {
    const { line } = moments[n - 1] as (typeof moments)[number];
    const previous = moments.slice(0, n - 1).filter((moment) => moment.line.node === line.node);
    const behind = (causes.ofEvents[n - 1] ?? []).flatMap((cause) =>
      cause.type === 'Sent' ? [cause.n] : [],
    );
    for (const earlier of [previous[previous.length - 1]?.line.n ?? 0, ...behind]) {
      if (earlier < from || known.has(earlier)) continue;
      known.add(earlier);
      open.push(earlier);
    }
  }
  return known;
}

describe('happened before', () => {
  it('holds exactly where a way of lines and messages leads', () => {
    const clocks = vectorClocks(causes, 1, last);
    const line = fc.integer({ min: 1, max: last });

    fc.assert(
      fc.property(line, (b) => {
        const before = ancestors(b, 1);

        for (let a = 1; a <= last; a += 1) expect(happenedBefore(clocks, a, b)).toBe(before.has(a));
      }),
      { numRuns: 10 },
    );
  });

  it('counts from the first line of a range, as if nothing had been before', () => {
    const from = 100;
    const to = 180;
    const { clocks, nodes } = vectorClocks(causes, from, to);
    const counts = nodes.map(() => 0);

    clocks.forEach((clock, i) => {
      const own = nodes.indexOf(causes.timeline.moments[from - 1 + i]?.line.node ?? 0);
      counts[own] = (counts[own] ?? 0) + 1;

      expect(clock[own]).toBe(counts[own]);
      clock.forEach((count, node) => expect(count).toBeLessThanOrEqual(counts[node] ?? 0));
    });
    expect(clocks.length).toBe(to - from + 1);
  });

  it('is refused to lines outside of the clocks', () => {
    const clocks = vectorClocks(causes, 10, 20);

    expect(() => happenedBefore(clocks, 9, 12)).toThrow('lines 9 and 12 are not both in the clocks');
  });
});
