/**
 * Leases: when the keys, locks and holds of a leader come to their end, by the leader's own monotonic clock.
 *
 * The replicated state has no clock: it says how long a lease lasts and which entry armed it. A leader adds since when
 * that lease has run, as far as it can know, and orders what is armed by its end, so that finding what is over costs
 * no more than what is over. Holds nothing but what is armed now.
 */

import {
  emptyOrderedMap,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  type OrderedMap,
} from '../collections/ordered-map.js';
import { monotonicMs, type LogIndex, type MonotonicMs } from '../machine/units.js';
import type { Lapse } from '../partition/command.js';
import type { Contents } from '../partition/contents.js';
import { liveHolds } from '../partition/holds.js';

export interface Leases {
  /** By space and name. */
  readonly armed: OrderedMap<ArmedLease>;
  /** The same in the order of their ends. */
  readonly byEnd: OrderedMap<ArmedLease>;
  /** The first to end ends after this time; undefined for nothing at all. */
  readonly nextEnd: MonotonicMs | undefined;
}

export interface ArmedLease extends Lapse {
  /** The last millisecond of it. */
  readonly endsAt: MonotonicMs;
}

export const NO_LEASES: Leases = {
  armed: emptyOrderedMap(),
  byEnd: emptyOrderedMap(),
  nextEnd: undefined,
};

export type Space = Lapse['space'];

/**
 * The last millisecond, by a leader's clock, of a lease that began at `start`. The clocks of the leader and of the holder
 * run between 1 - d and 1 + d times as fast as time does: when the slower of two such clocks has counted to `expiresMs`,
 * the quicker one has counted to no more than `expiresMs` (1 + d) / (1 - d).
 */
export function lastMomentOf(start: MonotonicMs, expiresMs: number, driftPercent: number): MonotonicMs {
  return monotonicMs(start + Math.ceil((expiresMs * (100 + driftPercent)) / (100 - driftPercent)));
}

/** The lease that runs under a name, if one does. */
export function leaseIn(
  contents: Contents,
  space: Space,
  name: string,
): { readonly armedAt: LogIndex; readonly expiresMs: number } | undefined {
  if (space === 'lock') {
    const lock = mapGet(contents.locks, name);
    return lock === undefined || lock.owner === null || lock.lapsed ? undefined : lock;
  }
  if (space === 'hold') return mapGet(liveHolds(contents), name);
  const key = mapGet(contents.keys, name);
  if (key === undefined || key.expiresMs === 0 || key.deleted) return undefined;
  return key.lapsedAt.node === 0 ? key : undefined;
}

export function armedLease(leases: Leases, space: Space, name: string): ArmedLease | undefined {
  return leases.armed.size === 0 ? undefined : mapGet(leases.armed, space + name);
}

export function withLease(leases: Leases, lease: ArmedLease): Leases {
  const { armed, byEnd } = withoutLease(leases, lease.space, lease.name);
  const ordered = mapSet(byEnd, endKey(lease), lease);
  return {
    armed: mapSet(armed, lease.space + lease.name, lease),
    byEnd: ordered,
    nextEnd: earliestIn(ordered),
  };
}

export function withoutLease(leases: Leases, space: Space, name: string): Leases {
  const known = armedLease(leases, space, name);
  if (known === undefined) return leases;
  const byEnd = mapDelete(leases.byEnd, endKey(known));
  return { armed: mapDelete(leases.armed, space + name), byEnd, nextEnd: earliestIn(byEnd) };
}

/** What is over by now, the first to end first; at most so many. */
export function endedLeases(leases: Leases, now: MonotonicMs, limit: number): readonly Lapse[] {
  const ended: Lapse[] = [];
  if (!isAnyOver(leases, now)) return ended;
  mapForEach(leases.byEnd, (_key, { space, name, armedAt, endsAt }) => {
    if (endsAt >= now || ended.length >= limit) return false;
    ended.push({ space, name, armedAt });
    return true;
  });
  return ended;
}

/** Whether anything of it is over. */
export function isAnyOver({ nextEnd }: Leases, now: MonotonicMs): boolean {
  return nextEnd !== undefined && now > nextEnd;
}

function earliestIn(byEnd: OrderedMap<ArmedLease>): MonotonicMs | undefined {
  let earliest: MonotonicMs | undefined;
  if (byEnd.size === 0) return earliest;
  mapForEach(byEnd, (_key, { endsAt }) => {
    earliest = endsAt;
    return false;
  });
  return earliest;
}

/** Text sorts as the number does when it has as many digits as the largest one. */
const DIGITS = 16;

function endKey({ endsAt, space, name }: ArmedLease): string {
  return `${String(endsAt).padStart(DIGITS, '0')}${space}${name}`;
}
