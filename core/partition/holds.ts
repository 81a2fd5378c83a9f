/**
 * Snapshot holds: the times whose past shall not be forgotten, each for as long as its lease (key/value specification, section 7).
 *
 * Group 0 has them all. A hold is over when it is released, or by a lapse, which stands in the log as all ends of leases do; then
 * nothing is left of it. What follows for the partitions, the floor, is told them by the leader of group 0 (`node/floors.ts`).
 */

import { compareTimestamps, ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import {
  emptyOrderedMap,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  type OrderedMap,
} from '../collections/ordered-map.js';
import { sha256 } from '../collections/sha256.js';
import { utf8Bytes } from '../collections/utf8.js';
import type { LogIndex } from '../machine/units.js';
import type { Command, Lapse } from './command.js';
import { endOfLease, type Answer, type Change, type Contents } from './contents.js';
import {
  HoldCode,
  MAX_HOLDS,
  type AcquireHoldOperation,
  type HoldOutcome,
  type HoldWrite,
  type RenewHoldOperation,
  type SetFloorOperation,
} from './hold-command.js';
import type { HoldEntry } from './retention.js';

const NO_HOLDS: OrderedMap<HoldEntry> = emptyOrderedMap();

/** 32 hexadecimal digits. */
const ID_DIGITS = 32;

/** The id of a hold follows from who holds what: so whoever asks twice has one. */
export function holdIdOf(holder: string, { node, wall, counter }: Timestamp): string {
  return sha256(utf8Bytes(`${wall}.${counter}.${node}.${holder}`)).slice(0, ID_DIGITS);
}

export function liveHolds({ retention }: Contents): OrderedMap<HoldEntry> {
  return retention?.type === 'Holds' ? retention.live : NO_HOLDS;
}

/** The earliest time that is held; zero for none. */
export function lowestHeld(live: OrderedMap<HoldEntry>): Timestamp {
  let lowest: Timestamp | undefined;
  mapForEach(live, (_id, { timestamp }) => {
    if (lowest === undefined || compareTimestamps(timestamp, lowest) < 0) lowest = timestamp;
    return true;
  });
  return lowest ?? ZERO_TIMESTAMP;
}

export function writeHold(
  contents: Contents,
  index: LogIndex,
  command: Command,
  operation: HoldWrite,
): Change {
  switch (operation.type) {
    case 'AcquireHold':
      return acquire(contents, index, command, operation);
    case 'RenewHold':
      return renew(contents, index, command, operation);
    case 'ReleaseHold': {
      const live = liveHolds(contents);
      if (mapGet(live, operation.hold) === undefined)
        return { contents, outcome: nothing(HoldCode.doesNotExist) };
      return {
        contents: withHolds(contents, mapDelete(live, operation.hold), index),
        outcome: nothing(HoldCode.released),
      };
    }
  }
}

function acquire(
  contents: Contents,
  index: LogIndex,
  command: Command,
  { holder, timestamp, leaseMs }: AcquireHoldOperation,
): Change {
  const live = liveHolds(contents);
  const id = holdIdOf(holder, timestamp);
  if (live.size >= MAX_HOLDS && mapGet(live, id) === undefined) {
    const reason = `there are ${live.size} holds already, and no more may be: release some, or let their leases end`;
    return { contents, outcome: nothing(HoldCode.errored), reason };
  }
  return granted(contents, index, id, { holder, timestamp, ...lease(index, command, leaseMs) });
}

function renew(
  contents: Contents,
  index: LogIndex,
  command: Command,
  { hold, leaseMs }: RenewHoldOperation,
): Change {
  const known = mapGet(liveHolds(contents), hold);
  if (known === undefined) return { contents, outcome: nothing(HoldCode.doesNotExist) };
  return granted(contents, index, hold, { ...known, ...lease(index, command, leaseMs) });
}

function granted(contents: Contents, index: LogIndex, hold: string, entry: HoldEntry): Change {
  return {
    contents: withHolds(contents, mapSet(liveHolds(contents), hold, entry), index),
    outcome: { ...nothing(HoldCode.set), hold, expires: entry.expires },
  };
}

export function readFloor(contents: Contents): Answer {
  const live = liveHolds(contents);
  return { outcome: { ...nothing(HoldCode.got), floor: lowestHeld(live), live: live.size } };
}

/** A hold whose lease is over is gone from here on, if it is still the same lease. */
export function endHold(contents: Contents, { name, armedAt }: Lapse, index: LogIndex): Contents {
  const live = liveHolds(contents);
  return mapGet(live, name)?.armedAt === armedAt
    ? withHolds(contents, mapDelete(live, name), index)
    : contents;
}

/** A floor that follows from older holds than the present one came late: it is as if it had come before. */
export function setFloor(contents: Contents, { timestamp, position }: SetFloorOperation): Change {
  const outcome = nothing(HoldCode.set);
  if (knowsFloor(contents, position)) return { contents, outcome };
  return { contents: { ...contents, retention: { type: 'Floor', timestamp, position } }, outcome };
}

/** Whether the partition has a floor from that position, or a later one. */
export function knowsFloor({ retention }: Contents, position: LogIndex): boolean {
  return retention?.type === 'Floor' && retention.position >= position;
}

function withHolds(contents: Contents, live: OrderedMap<HoldEntry>, changedAt: LogIndex): Contents {
  return { ...contents, retention: { type: 'Holds', live, changedAt } };
}

function lease(
  index: LogIndex,
  { stampedAt }: Command,
  expiresMs: number,
): Pick<HoldEntry, 'expiresMs' | 'armedAt' | 'expires'> {
  return { expiresMs, armedAt: index, expires: endOfLease(stampedAt, expiresMs) };
}

/** An outcome that says nothing but how it went. */
export function nothing(code: HoldCode): HoldOutcome {
  return { family: 'hold', code, hold: '', expires: ZERO_TIMESTAMP, floor: ZERO_TIMESTAMP, live: 0 };
}
