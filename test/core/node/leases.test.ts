/** The table of what is armed, and when it ends. */

import { describe, expect, it } from 'vitest';
import { logIndex, monotonicMs } from '../../../core/machine/units.js';
import {
  armedLease,
  endedLeases,
  isAnyOver,
  lastMomentOf,
  NO_LEASES,
  withLease,
  withoutLease,
  type Leases,
  type Space,
} from '../../../core/node/leases.js';

function armed(leases: Leases, name: string, endsAt: number, armedAt = 1, space: Space = 'key'): Leases {
  return withLease(leases, { space, name, armedAt: logIndex(armedAt), endsAt: monotonicMs(endsAt) });
}

const namesOver = (leases: Leases, now: number, limit = 100): readonly string[] =>
  endedLeases(leases, monotonicMs(now), limit).map(({ name }) => name);

describe('the last moment of a lease', () => {
  it.each([
    [1_000, 0, 1_000],
    [950, 5, 1_050],
    [1_000, 5, 1_106],
    [1, 5, 2],
    [1_000, 90, 19_000],
    [2 ** 31 - 1, 5, 2_373_534_558],
  ])('of %i ms, with a drift of %i percent, is %i ms away', (expiresMs, drift, expected) => {
    expect(lastMomentOf(monotonicMs(10_000), expiresMs, drift)).toBe(10_000 + expected);
  });

  it.each([0, 1, 5, 20, 90])('leaves the holder its whole time, with a drift of %i percent', (drift) => {
    for (const expiresMs of [1, 17, 1_000, 86_400_000]) {
      const byLeader = lastMomentOf(monotonicMs(0), expiresMs, drift) + 1;
      const trueMs = byLeader / (1 + drift / 100);
      expect(trueMs * (1 - drift / 100)).toBeGreaterThan(expiresMs);
    }
  });
});

describe('leases', () => {
  it('come out in the order of their ends, however many digits those have', () => {
    const leases = armed(armed(armed(NO_LEASES, 'late', 10_000), 'soon', 9), 'next', 100);

    expect(namesOver(leases, 20_000)).toEqual(['soon', 'next', 'late']);
    expect(namesOver(leases, 20_000, 2)).toEqual(['soon', 'next']);
  });

  it('are not over in the millisecond in which they end', () => {
    const leases = armed(NO_LEASES, 'k', 100);

    expect([namesOver(leases, 100), namesOver(leases, 101)]).toEqual([[], ['k']]);
    expect([isAnyOver(leases, monotonicMs(100)), isAnyOver(leases, monotonicMs(101))]).toEqual([false, true]);
    expect(isAnyOver(NO_LEASES, monotonicMs(1_000_000))).toBe(false);
  });

  it('of a key and of a lock of one name are two', () => {
    const leases = armed(armed(NO_LEASES, 'n', 10, 1, 'key'), 'n', 20, 2, 'lock');

    const without = withoutLease(leases, 'key', 'n');

    expect(armedLease(without, 'key', 'n')).toBeUndefined();
    expect(armedLease(without, 'lock', 'n')).toMatchObject({ armedAt: 2 });
  });

  it('that are armed anew end at the new time alone', () => {
    const leases = armed(armed(NO_LEASES, 'k', 10), 'k', 1_000, 2);

    expect(leases).toMatchObject({ nextEnd: 1_000, armed: { size: 1 }, byEnd: { size: 1 } });
  });

  it('leave nothing behind', () => {
    expect(withoutLease(armed(NO_LEASES, 'k', 10), 'key', 'k')).toEqual(NO_LEASES);
    expect(withoutLease(NO_LEASES, 'key', 'k')).toBe(NO_LEASES);
  });
});
