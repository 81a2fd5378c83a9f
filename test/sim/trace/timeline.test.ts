import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  buildTimeline,
  hashValue,
  lastLine,
  lastOfNode,
  momentAt,
  nextOfNode,
  replayTrace,
  stateAt,
  stateBefore,
  type Timeline,
  type Trace,
} from '../../../sim/index.js';
import { recorded, shortStorm } from '../support/recorded.js';

let trace: Trace;
let timeline: Timeline;

beforeAll(() => {
  trace = recorded(shortStorm(5));
  timeline = buildTimeline(trace);
});

describe('a timeline', () => {
  it('has every line, and every node', () => {
    expect(timeline.parted).toBeUndefined();
    expect(lastLine(timeline)).toBe(trace.lines.length);
    expect(timeline.moments.map(({ line }) => line)).toEqual(trace.lines);
    expect(timeline.nodes).toEqual([1, 2, 3]);
  });

  it('has at each line the states that a replay up to it ends with', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: lastLine(timeline) }), (n) => {
        const { states } = replayTrace(trace, n);

        for (const node of timeline.nodes) {
          expect(hashValue(stateAt(timeline, node, n))).toBe(hashValue(states.get(node)));
        }
      }),
      { numRuns: 12 },
    );
  });

  it('has the same states whichever way one comes to a line', () => {
    const there = timeline.moments.map(({ line }) => stateAt(timeline, line.node, line.n));

    const back = timeline.moments
      .slice()
      .reverse()
      .map(({ line }) => stateAt(timeline, line.node, line.n))
      .reverse();

    back.forEach((state, i) => expect(state).toBe(there[i]));
  });

  it('begins each line of a node where the one before ended', () => {
    for (const node of timeline.nodes) {
      const own = timeline.moments.filter(({ line }) => line.node === node);
      own.slice(1).forEach((moment, i) => expect(moment.before).toBe(own[i]?.after));
    }
  });

  it('finds the lines of a node before and after any other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: lastLine(timeline) }), fc.constantFrom(1, 2, 3), (n, node) => {
        const own = trace.lines.filter((line) => line.node === node).map((line) => line.n);

        expect(lastOfNode(timeline, node, n)?.line.n).toBe(own.filter((line) => line <= n).pop());
        expect(nextOfNode(timeline, node, n)?.line.n).toBe(own.find((line) => line > n));
      }),
    );
  });

  it('has no state of a node that is down, but knows the last one before', () => {
    const crash = timeline.moments.find(({ line }) => 'crash' in line) as Timeline['moments'][number];
    const { n, node } = crash.line;
    const restart = nextOfNode(timeline, node, n) as Timeline['moments'][number];

    expect(stateAt(timeline, node, n)).toBeUndefined();
    expect(restart.before).toBeUndefined();
    expect(stateBefore(timeline, node, restart.line.n)).toBe(crash.before);
    expect(stateBefore(timeline, node, 1)).toBeUndefined();
  });

  it('ends where the replay parts from the record', () => {
    const n = 60;
    const lines = trace.lines.map((line) =>
      line.n === n && 'hash' in line ? { ...line, hash: line.hash ^ 1 } : line,
    );

    const cut = buildTimeline({ header: trace.header, lines });

    expect(cut.parted?.n).toBe(n);
    expect(lastLine(cut)).toBe(n);
  });

  it('refuses a line that it does not have', () => {
    expect(() => momentAt(timeline, 0)).toThrow('line 0 was asked for');
    expect(() => momentAt(timeline, lastLine(timeline) + 1)).toThrow(
      `but the timeline has ${lastLine(timeline)}`,
    );
  });
});
