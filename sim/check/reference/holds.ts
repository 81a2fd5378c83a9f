/**
 * What holds of the past, and the floors that follow from them, must be after each committed command (key/value specification,
 * section 7), and which answers are true. Group 0 has the holds, each of the others a floor.
 */

import {
  compareTimestamps,
  HoldCode,
  holdIdOf,
  liveHolds,
  mapGet,
  ZERO_TIMESTAMP,
  type HoldEntry,
  type HoldOutcome,
  type HoldWrite,
  type Outcome,
  type PartitionState,
  type SetFloorOperation,
  type Timestamp,
} from '../../../core/index.js';
import { later, type Moment } from './keys.js';
import { latest, put, stateAt, type Timeline } from './timeline.js';

export interface HoldFact {
  readonly timestamp: Timestamp;
  readonly expiresMs: number;
  readonly armedAt: number;
  readonly expires: Timestamp;
}

export interface FloorFact {
  readonly timestamp: Timestamp;
  readonly position: number;
}

export interface Pasts {
  /** By id; null once it is over. */
  readonly holds: Timeline<HoldFact | null>;
  /** Under one name. */
  readonly floor: Timeline<FloorFact>;
}

const FLOOR = 'floor';

export function createPasts(): Pasts {
  return { holds: new Map(), floor: new Map() };
}

/** The earliest time whose past is to be kept; undefined for none. */
export function floorNow({ floor }: Pasts): Timestamp | undefined {
  const timestamp = latest(floor, FLOOR)?.timestamp;
  return timestamp === undefined || isNone(timestamp) ? undefined : timestamp;
}

/** A hold that stands by now. */
export function holdNow({ holds }: Pasts, id: string): HoldFact | undefined {
  return latest(holds, id) ?? undefined;
}

function isNone(timestamp: Timestamp): boolean {
  return compareTimestamps(timestamp, ZERO_TIMESTAMP) === 0;
}

/** Which hold a write is about. */
export function idOfHold(operation: HoldWrite): string {
  return operation.type === 'AcquireHold' ? holdIdOf(operation.holder, operation.timestamp) : operation.hold;
}

export function writeHold({ holds }: Pasts, moment: Moment, operation: HoldWrite): HoldOutcome {
  const id = idOfHold(operation);
  const now = latest(holds, id) ?? undefined;
  const { index, stampedAt } = moment;
  if (operation.type === 'ReleaseHold') {
    if (now === undefined) return told(HoldCode.doesNotExist);
    put(holds, id, index, null);
    return told(HoldCode.released);
  }
  const timestamp = operation.type === 'AcquireHold' ? operation.timestamp : now?.timestamp;
  if (timestamp === undefined) return told(HoldCode.doesNotExist);
  const { leaseMs: expiresMs } = operation;
  const expires = later(stampedAt, expiresMs);
  put(holds, id, index, { timestamp, expiresMs, armedAt: index, expires });
  return { ...told(HoldCode.set), hold: id, expires };
}

/** A lease has come to its end, if it is still the one that was armed there. */
export function endHold({ holds }: Pasts, { index }: Moment, id: string, armedAt: number): void {
  if (latest(holds, id)?.armedAt === armedAt) put(holds, id, index, null);
}

/** A floor counts from when it comes, unless one that follows from later holds has come before. */
export function writeFloor({ floor }: Pasts, { index }: Moment, operation: SetFloorOperation): HoldOutcome {
  const { timestamp, position } = operation;
  if ((latest(floor, FLOOR)?.position ?? -1) < position) put(floor, FLOOR, index, { timestamp, position });
  return told(HoldCode.set);
}

function told(code: HoldCode): HoldOutcome {
  return { family: 'hold', code, hold: '', expires: ZERO_TIMESTAMP, floor: ZERO_TIMESTAMP, live: 0 };
}

/** What is wrong with what is said of the floor at an index; undefined for nothing. */
export function wrongFloorRead({ holds }: Pasts, index: number, outcome: Outcome): string | undefined {
  if (outcome.family !== 'hold') return 'no outcome of a hold';
  let lowest = ZERO_TIMESTAMP;
  let live = 0;
  for (const id of holds.keys()) {
    const fact = stateAt(holds, id, index) ?? undefined;
    if (fact === undefined) continue;
    live += 1;
    if (isNone(lowest) || compareTimestamps(fact.timestamp, lowest) < 0) lowest = fact.timestamp;
  }
  const { code, floor } = outcome;
  if (code === HoldCode.got && outcome.live === live && compareTimestamps(floor, lowest) === 0)
    return undefined;
  return `there were ${live}, the earliest of ${stamp(lowest)}`;
}

/** What a replica holds of a hold departs so from what it must; undefined when it does not. */
export function wrongHold({ holds }: Pasts, id: string, state: PartitionState): string | undefined {
  const fact = stateAt(holds, id, state.applied) ?? undefined;
  const found = mapGet(liveHolds(state), id);
  return tellHold(found) === tellHold(fact)
    ? undefined
    : `${tellHold(found)}, but it must be ${tellHold(fact)}`;
}

/** The same of the floor. */
export function wrongFloor({ floor }: Pasts, state: PartitionState): string | undefined {
  const fact = stateAt(floor, FLOOR, state.applied);
  const found = state.retention?.type === 'Floor' ? state.retention : undefined;
  return tellFloor(found) === tellFloor(fact)
    ? undefined
    : `${tellFloor(found)}, but it must be ${tellFloor(fact)}`;
}

/** Whether there is a floor at an index that follows from the holds at that position, or a later one. */
export function hasFloorFrom({ floor }: Pasts, position: number, index: number): boolean {
  return (stateAt(floor, FLOOR, index)?.position ?? -1) >= position;
}

/** How many holds there are at an index. */
export function holdsAt({ holds }: Pasts, index: number): number {
  return [...holds.keys()].filter((id) => (stateAt(holds, id, index) ?? undefined) !== undefined).length;
}

function tellHold(hold: HoldFact | HoldEntry | undefined): string {
  if (hold === undefined) return 'over';
  const { timestamp, expiresMs, armedAt, expires } = hold;
  return `of ${stamp(timestamp)} for ${expiresMs} ms from index ${armedAt} on, until ${stamp(expires)}`;
}

function tellFloor(floor: FloorFact | undefined): string {
  return floor === undefined ? 'none' : `${stamp(floor.timestamp)} from position ${floor.position}`;
}

function stamp({ wall, counter, node }: Timestamp): string {
  return `${wall}.${counter}.${node}`;
}
