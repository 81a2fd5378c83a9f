import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareTimestamps,
  nextName,
  nextTimestamp,
  RUN_TAGS,
  ZERO_TIMESTAMP,
  type Timestamp,
} from '../../../core/clock/hybrid-clock.js';
import { nodeId, wallMs } from '../../../core/machine/units.js';

function timestamp(wall: number, counter: number, node: number): Timestamp {
  return { wall: wallMs(wall), counter, node: nodeId(node) };
}

const timestamps = fc
  .tuple(fc.nat(3), fc.nat(3), fc.nat(3))
  .map(([wall, counter, node]) => timestamp(wall, counter, node));

describe('timestamps are ordered', () => {
  it('by wall clock, then by counter, then by node', () => {
    const ascending = [
      ZERO_TIMESTAMP,
      timestamp(1, 0, 9),
      timestamp(1, 5, 1),
      timestamp(1, 5, 2),
      timestamp(2, 0, 1),
    ];

    const shuffled = [4, 1, 3, 0, 2].map((i) => ascending[i] as Timestamp);

    expect(shuffled.sort(compareTimestamps)).toEqual(ascending);
  });

  it('totally: two are equal only when they are the same, and the order has no circles', () => {
    fc.assert(
      fc.property(timestamps, timestamps, timestamps, (a, b, c) => {
        expect(Math.sign(compareTimestamps(a, b)) + Math.sign(compareTimestamps(b, a))).toBe(0);
        expect(compareTimestamps(a, b) === 0).toBe(
          a.wall === b.wall && a.counter === b.counter && a.node === b.node,
        );
        if (compareTimestamps(a, b) <= 0 && compareTimestamps(b, c) <= 0) {
          expect(compareTimestamps(a, c)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });
});

describe('the next timestamp', () => {
  it('is the wall clock when that has moved on', () => {
    expect(nextTimestamp(timestamp(5, 7, 1), nodeId(2), wallMs(6))).toEqual(timestamp(6, 0, 2));
  });

  it('counts on when the wall clock stands still or goes back', () => {
    expect(nextTimestamp(timestamp(5, 7, 1), nodeId(2), wallMs(5))).toEqual(timestamp(5, 8, 2));
    expect(nextTimestamp(timestamp(5, 7, 1), nodeId(2), wallMs(1))).toEqual(timestamp(5, 8, 2));
  });

  it('borrows a millisecond when the counter is full', () => {
    expect(nextTimestamp(timestamp(5, 0xffff_ffff, 1), nodeId(2), wallMs(4))).toEqual(timestamp(6, 0, 2));
  });

  it('is after the last and never before the wall clock, whatever clocks do', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 3 }))), (readings) => {
        let last = ZERO_TIMESTAMP;

        for (const [wall, node] of readings) {
          const next = nextTimestamp(last, nodeId(node), wallMs(wall));

          expect(compareTimestamps(next, last)).toBeGreaterThan(0);
          expect(next.wall).toBeGreaterThanOrEqual(wall);
          last = next;
        }
      }),
    );
  });
});

describe('the next name', () => {
  it('is a timestamp whose counter says which run gave it', () => {
    expect(nextName(timestamp(5, 7, 1), nodeId(1), wallMs(6), 3)).toEqual(timestamp(6, 3, 1));
    expect(nextName(timestamp(5, 2, 1), nodeId(1), wallMs(5), 3)).toEqual(timestamp(5, 3, 1));
    expect(nextName(timestamp(5, 3, 1), nodeId(1), wallMs(5), 3)).toEqual(timestamp(5, RUN_TAGS + 3, 1));
  });

  it('borrows a millisecond when the counter is full', () => {
    expect(nextName(timestamp(5, 0xffff_fff0, 1), nodeId(1), wallMs(5), 3)).toEqual(timestamp(6, 3, 1));
    expect(nextName(timestamp(5, 0xffff_ffff, 1), nodeId(1), wallMs(5), RUN_TAGS - 1)).toEqual(
      timestamp(6, RUN_TAGS - 1, 1),
    );
  });

  it('is after the last, and never that of another run, whatever the clock of either did', () => {
    const tag = fc.integer({ min: 0, max: RUN_TAGS - 1 });
    const readings = fc.array(fc.nat(5), { maxLength: 30 });
    fc.assert(
      fc.property(fc.uniqueArray(tag, { minLength: 2, maxLength: 3 }), readings, (tags, walls) => {
        const names = new Set<string>();
        for (const one of tags) {
          let last = ZERO_TIMESTAMP;
          for (const wall of walls) {
            const next = nextName(last, nodeId(1), wallMs(wall), one);
            expect(compareTimestamps(next, last)).toBeGreaterThan(0);
            names.add(`${next.wall}.${next.counter}`);
            last = next;
          }
        }
        expect(names.size).toBe(tags.length * walls.length);
      }),
    );
  });
});
