import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { monotonicMs } from '../../../core/index.js';
import { readClocks, whenMonotonic, type NodeClock } from '../../../sim/world/clock.js';

const HOUR_US = 3_600_000_000;

const clocks: fc.Arbitrary<NodeClock> = fc.record({
  driftPpm: fc.integer({ min: -200_000, max: 200_000 }),
  monotonicOffsetMs: fc.nat(1_000_000),
  wallOffsetMs: fc.integer({ min: -3_600_000, max: 3_600_000 }),
});

describe('a simulated clock', () => {
  it('shows a time first at the moment that is foretold for it', () => {
    fc.assert(
      fc.property(clocks, fc.nat(3_600_000), (clock, afterMs) => {
        const at = monotonicMs(clock.monotonicOffsetMs + afterMs);

        const whenUs = whenMonotonic(clock, at);

        expect(readClocks(clock, whenUs).monotonic).toBeGreaterThanOrEqual(at);
        if (whenUs > 0) expect(readClocks(clock, whenUs - 1).monotonic).toBeLessThan(at);
      }),
    );
  });

  it('has shown a time before its start since virtual time 0', () => {
    const clock = { driftPpm: 0, monotonicOffsetMs: 500, wallOffsetMs: 0 };

    expect(whenMonotonic(clock, monotonicMs(20))).toBe(0);
  });

  it('never goes back', () => {
    fc.assert(
      fc.property(clocks, fc.nat(HOUR_US), fc.nat(1_000_000), (clock, atUs, moreUs) => {
        const earlier = readClocks(clock, atUs);
        const later = readClocks(clock, atUs + moreUs);

        expect(later.monotonic).toBeGreaterThanOrEqual(earlier.monotonic);
        expect(later.wall).toBeGreaterThanOrEqual(earlier.wall);
      }),
    );
  });

  it.each([
    [0, 1_000_000],
    [100_000, 1_100_000],
    [-100_000, 900_000],
  ])('with a drift of %i ppm shows %i ms after a thousand seconds', (driftPpm, shown) => {
    const clock = { driftPpm, monotonicOffsetMs: 0, wallOffsetMs: 0 };

    expect(readClocks(clock, 1_000_000_000).monotonic).toBe(shown);
  });

  it('shows wall time off by its offset, and the monotonic one from its own zero', () => {
    const right = { driftPpm: 0, monotonicOffsetMs: 0, wallOffsetMs: 0 };
    const wrong = { driftPpm: 0, monotonicOffsetMs: 77, wallOffsetMs: -5_000 };

    const difference = readClocks(wrong, 9_000_000).wall - readClocks(right, 9_000_000).wall;

    expect(difference).toBe(-5_000);
    expect(readClocks(wrong, 0).monotonic).toBe(77);
  });
});
