import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { monotonicMs } from '../../../core/index.js';
import {
  changeClock,
  EPOCH_MS,
  readClocks,
  whenMonotonic,
  type NodeClock,
} from '../../../sim/world/clock.js';

const HOUR_US = 3_600_000_000;

const clocks: fc.Arbitrary<NodeClock> = fc.record({
  driftPpm: fc.integer({ min: -200_000, max: 200_000 }),
  frozen: fc.constant(false),
  sinceUs: fc.nat(1_000_000_000),
  monotonicMs: fc.nat(1_000_000),
  wallMs: fc.integer({ min: EPOCH_MS - 3_600_000, max: EPOCH_MS + 3_600_000 }),
});

/** A clock that was set at virtual time 0. */
function clockOf(changes: Partial<NodeClock> = {}): NodeClock {
  return { driftPpm: 0, frozen: false, sinceUs: 0, monotonicMs: 0, wallMs: EPOCH_MS, ...changes };
}

describe('a simulated clock', () => {
  it('shows a time first at the moment that is foretold for it', () => {
    fc.assert(
      fc.property(clocks, fc.nat(3_600_000), (clock, afterMs) => {
        const at = monotonicMs(clock.monotonicMs + afterMs);

        const whenUs = whenMonotonic(clock, at) as number;

        expect(readClocks(clock, whenUs).monotonic).toBeGreaterThanOrEqual(at);
        if (whenUs > clock.sinceUs) expect(readClocks(clock, whenUs - 1).monotonic).toBeLessThan(at);
      }),
    );
  });

  it('has shown a time before its start since it was set', () => {
    expect(whenMonotonic(clockOf({ monotonicMs: 500 }), monotonicMs(20))).toBe(0);
    expect(whenMonotonic(clockOf({ monotonicMs: 500, sinceUs: 77 }), monotonicMs(20))).toBe(77);
  });

  it('never goes back', () => {
    fc.assert(
      fc.property(clocks, fc.nat(HOUR_US), fc.nat(1_000_000), (clock, atUs, moreUs) => {
        const earlier = readClocks(clock, clock.sinceUs + atUs);
        const later = readClocks(clock, clock.sinceUs + atUs + moreUs);

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
    const clock = clockOf({ driftPpm });

    expect(readClocks(clock, 1_000_000_000).monotonic).toBe(shown);
  });

  it('shows wall time off by its offset, and the monotonic one from its own zero', () => {
    const right = clockOf();
    const wrong = clockOf({ monotonicMs: 77, wallMs: EPOCH_MS - 5_000 });

    const difference = readClocks(wrong, 9_000_000).wall - readClocks(right, 9_000_000).wall;

    expect(difference).toBe(-5_000);
    expect(readClocks(wrong, 0).monotonic).toBe(77);
  });
});

describe('a clock that is changed', () => {
  it('shows at that moment what it showed before', () => {
    fc.assert(
      fc.property(
        clocks,
        fc.nat(HOUR_US),
        fc.integer({ min: -200_000, max: 200_000 }),
        (clock, us, driftPpm) => {
          const atUs = clock.sinceUs + us;

          const changed = changeClock(clock, atUs, { driftPpm });

          expect(readClocks(changed, atUs)).toEqual(readClocks(clock, atUs));
          expect(changed).toMatchObject({ driftPpm, sinceUs: atUs });
        },
      ),
    );
  });

  it('jumps by what is added, each reading by its own', () => {
    const jumped = changeClock(clockOf(), 4_000_000, { addWallMs: -900, addMonotonicMs: 30 });

    expect(readClocks(jumped, 4_000_000)).toEqual({ monotonic: 4_030, wall: EPOCH_MS + 3_100 });
  });

  it('shows the same for as long as it is frozen, and foretells nothing that is still to come', () => {
    const frozen = changeClock(clockOf(), 5_000_000, { frozen: true });
    const again = changeClock(frozen, 8_000_000, { frozen: false });

    expect(readClocks(frozen, 7_999_999)).toEqual({ monotonic: 5_000, wall: EPOCH_MS + 5_000 });
    expect(whenMonotonic(frozen, monotonicMs(5_001))).toBeUndefined();
    expect(whenMonotonic(frozen, monotonicMs(5_000))).toBe(5_000_000);
    expect(readClocks(again, 9_000_000)).toEqual({ monotonic: 6_000, wall: EPOCH_MS + 6_000 });
    expect(whenMonotonic(again, monotonicMs(5_001))).toBe(8_001_000);
  });
});
