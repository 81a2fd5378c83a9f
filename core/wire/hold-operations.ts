/** Operations on snapshot holds, their outcomes, and what a partition keeps of them. */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import type { GroupId, LogIndex, NodeId, WallMs } from '../machine/units.js';
import {
  HoldCode,
  type AcquireHoldOperation,
  type HoldOutcome,
  type ReleaseHoldOperation,
  type RenewHoldOperation,
  type SetFloorOperation,
} from '../partition/hold-command.js';
import type { Floor, HoldEntry } from '../partition/retention.js';
import {
  malformed,
  positive,
  readNested,
  readNumbers,
  readText,
  readUnsigned,
  skipField,
  writeNested,
  writeText,
  writeUnsigned,
  type Reader,
  type Writer,
} from './fields.js';
import { checkedExpiry } from './key-operations.js';
import { checkedKey, readTimestamp, writeTimestamp } from './values.js';

/** Acquiring, prolonging and giving back are one kind of message. */
export function writeHoldOperation(
  writer: Writer,
  operation: AcquireHoldOperation | RenewHoldOperation | ReleaseHoldOperation,
): void {
  writeText(writer, 10, operation.type === 'AcquireHold' ? operation.holder : operation.hold);
  if (operation.type === 'AcquireHold') writeNested(writer, 18, operation.timestamp, writeHeldTime);
  if (operation.type !== 'ReleaseHold') writeUnsigned(writer, 24, operation.leaseMs);
}

interface HoldFields {
  readonly name: string;
  readonly timestamp: Timestamp;
  readonly leaseMs: number;
}

function readHoldFields(reader: Reader): HoldFields {
  let name = '';
  let timestamp = ZERO_TIMESTAMP;
  let leaseMs = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 10) name = readText(reader, 'the name of a hold');
    else if (tag === 18) timestamp = readNested(reader, readHeldTime);
    else if (tag === 24) leaseMs = readUnsigned(reader, 'the lease of a hold');
    else skipField(reader, tag);
  }
  return { name: checkedKey(reader, name, 'the name of a hold'), timestamp, leaseMs };
}

export function readAcquireHold(reader: Reader): AcquireHoldOperation {
  const { name, timestamp, leaseMs } = readHoldFields(reader);
  if (isZero(timestamp)) malformed(reader, 'the time of a hold is missing');
  checkedExpiry(reader, leaseMs, 'the lease of a hold');
  return { type: 'AcquireHold', holder: name, timestamp, leaseMs };
}

export function readRenewHold(reader: Reader): RenewHoldOperation {
  const { name, leaseMs } = readHoldFields(reader);
  return { type: 'RenewHold', hold: name, leaseMs: checkedExpiry(reader, leaseMs, 'the lease of a hold') };
}

export function readReleaseHold(reader: Reader): ReleaseHoldOperation {
  return { type: 'ReleaseHold', hold: readHoldFields(reader).name };
}

/** It says nothing beyond what it is. */
export function writeGetFloor(): void {}

export function readGetFloor(reader: Reader): { readonly type: 'GetFloor' } {
  while (reader.pos < reader.len) skipField(reader, reader.tag());
  return { type: 'GetFloor' };
}

export function writeSetFloor(writer: Writer, { group, timestamp, position }: SetFloorOperation): void {
  writeUnsigned(writer, 8, group);
  writeFloor(writer, { timestamp, position });
}

export function readSetFloor(reader: Reader): SetFloorOperation {
  let group = 0;
  let timestamp = ZERO_TIMESTAMP;
  let position = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 8) group = readUnsigned(reader, 'SetFloor.group');
    else if (tag === 18) timestamp = readNested(reader, readHeldTime);
    else if (tag === 24) position = readUnsigned(reader, 'SetFloor.position');
    else skipField(reader, tag);
  }
  return {
    type: 'SetFloor',
    group: positive(reader, group, 'SetFloor.group') as GroupId,
    timestamp,
    position: positive(reader, position, 'SetFloor.position') as LogIndex,
  };
}

/** The fields that a floor has as an operation and as a part of the state. */
export function writeFloor(writer: Writer, { timestamp, position }: Omit<Floor, 'type'>): void {
  if (!isZero(timestamp)) writeNested(writer, 18, timestamp, writeHeldTime);
  writeUnsigned(writer, 24, position);
}

export function readFloor(reader: Reader): Floor {
  let timestamp = ZERO_TIMESTAMP;
  let position = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 18) timestamp = readNested(reader, readHeldTime);
    else if (tag === 24) position = readUnsigned(reader, 'Floor.position');
    else skipField(reader, tag);
  }
  return { type: 'Floor', timestamp, position: positive(reader, position, 'Floor.position') as LogIndex };
}

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(HoldCode));

export function writeHoldOutcome(writer: Writer, { code, hold, expires, floor, live }: HoldOutcome): void {
  writeUnsigned(writer, 8, code);
  writeText(writer, 18, hold);
  writeTimestamp(writer, 26, expires);
  if (!isZero(floor)) writeNested(writer, 34, floor, writeHeldTime);
  writeUnsigned(writer, 40, live);
}

export function readHoldOutcome(reader: Reader): HoldOutcome {
  let code = 0;
  let hold = '';
  let expires = ZERO_TIMESTAMP;
  let floor = ZERO_TIMESTAMP;
  let live = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        code = readUnsigned(reader, 'HoldOutcome.code');
        break;
      case 18:
        hold = readText(reader, 'HoldOutcome.hold');
        break;
      case 26:
        expires = readTimestamp(reader);
        break;
      case 34:
        floor = readNested(reader, readHeldTime);
        break;
      case 40:
        live = readUnsigned(reader, 'HoldOutcome.live');
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (!KNOWN_CODES.has(code)) malformed(reader, `HoldOutcome.code ${code} is unknown`);
  return { family: 'hold', code: code as HoldCode, hold, expires, floor, live };
}

export function writeHoldEntry(writer: Writer, id: string, entry: HoldEntry): void {
  writeText(writer, 10, id);
  writeText(writer, 18, entry.holder);
  writeNested(writer, 26, entry.timestamp, writeHeldTime);
  writeUnsigned(writer, 32, entry.expiresMs);
  writeUnsigned(writer, 40, entry.armedAt);
  writeTimestamp(writer, 50, entry.expires);
}

export function readHoldEntry(reader: Reader): { readonly id: string; readonly entry: HoldEntry } {
  let id = '';
  let holder = '';
  let timestamp = ZERO_TIMESTAMP;
  let expiresMs = 0;
  let armedAt = 0;
  let expires = ZERO_TIMESTAMP;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        id = readText(reader, 'HoldEntry.id');
        break;
      case 18:
        holder = readText(reader, 'HoldEntry.holder');
        break;
      case 26:
        timestamp = readNested(reader, readHeldTime);
        break;
      case 32:
        expiresMs = readUnsigned(reader, 'HoldEntry.expires_ms');
        break;
      case 40:
        armedAt = readUnsigned(reader, 'HoldEntry.armed_at');
        break;
      case 50:
        expires = readTimestamp(reader);
        break;
      default:
        skipField(reader, tag);
    }
  }
  checkedKey(reader, id, 'HoldEntry.id');
  checkedKey(reader, holder, 'HoldEntry.holder');
  if (isZero(timestamp)) malformed(reader, 'HoldEntry.timestamp is missing');
  checkedExpiry(reader, expiresMs, 'HoldEntry.expires_ms');
  positive(reader, armedAt, 'HoldEntry.armed_at');
  return { id, entry: { holder, timestamp, expiresMs, armedAt: armedAt as LogIndex, expires } };
}

/** A client may hold a time of no node: what it knows is perhaps a whole millisecond. */
function writeHeldTime(writer: Writer, { node, wall, counter }: Timestamp): void {
  writeUnsigned(writer, 8, node);
  writeUnsigned(writer, 16, wall);
  writeUnsigned(writer, 24, counter);
}

const TIMESTAMP_FIELDS = ['Timestamp.node', 'Timestamp.wall', 'Timestamp.counter'];

function readHeldTime(reader: Reader): Timestamp {
  const [node = 0, wall = 0, counter = 0] = readNumbers(reader, TIMESTAMP_FIELDS);
  return { node: node as NodeId, wall: wall as WallMs, counter };
}

function isZero({ node, wall, counter }: Timestamp): boolean {
  return node === 0 && wall === 0 && counter === 0;
}
