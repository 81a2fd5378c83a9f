/** From a node's JSON to the outcome that it stands for. What is missing is the type's zero, as the specification has it. */

import type { KeyValueCode, KeyValueOutcome, PageItem } from '../../core/partition/command.js';
import { KeyValueCode as Codes } from '../../core/partition/command.js';
import type { HoldCode, HoldOutcome } from '../../core/partition/hold-command.js';
import type { LockCode, LockOutcome } from '../../core/partition/lock-command.js';
import type {
  SequenceAllocation,
  SequenceCode,
  SequenceOutcome,
  SequenceRecord,
} from '../../core/partition/sequence-command.js';
import type { BatchAsk, BatchOutcome, RangeOutcome } from './port.js';
import {
  asObject,
  asObjects,
  bytesIn,
  endIn,
  numberIn,
  reasonIn,
  revisionIn,
  textIn,
  timestampIn,
  type Fields,
} from './rest-fields.js';

type Explained<Outcome> = Outcome & { readonly reason?: string };

export function readKeyValue(fields: Fields): Explained<KeyValueOutcome> {
  return {
    code: numberIn(fields, 'type') as KeyValueCode,
    revision: revisionIn(fields),
    value: bytesIn(fields, 'value'),
    lastModified: timestampIn(fields, 'lastModified'),
    ...endIn(fields),
    ...reasonIn(fields),
  };
}

export function readPage(fields: Fields): Explained<RangeOutcome> {
  const { nextCursor } = fields;
  return {
    code: numberIn(fields, 'type'),
    items: asObjects(fields['items']).map(readItem),
    hasMore: fields['hasMore'] === true,
    cursor: typeof nextCursor === 'string' ? nextCursor : null,
    ...reasonIn(fields),
  };
}

function readItem(fields: Fields): PageItem {
  return {
    key: textIn(fields, 'key'),
    value: bytesIn(fields, 'value'),
    revision: revisionIn(fields),
    lastModified: timestampIn(fields, 'lastModified'),
    ...endIn(fields),
  };
}

/** Rows come in any order, and a key may be asked for more than once: its rows are taken as they come. */
export function batchReader(items: BatchAsk['items']): (fields: Fields) => Explained<BatchOutcome> {
  return (fields) => {
    const found = new Map<string, KeyValueOutcome[]>();
    for (const row of asObjects(fields['items'])) {
      const place = placeOf(textIn(row, 'key'), row['durability'] === 0);
      found.set(place, [...(found.get(place) ?? []), readKeyValue(row)]);
    }
    const code = numberIn(fields, 'type');
    const rows = items.map(
      ({ key, ephemeral }) => found.get(placeOf(key, ephemeral === true))?.shift() ?? MISSING,
    );
    return { code, rows, ...reasonIn(fields) };
  };
}

function placeOf(key: string, isEphemeral: boolean): string {
  return `${isEphemeral ? 'e' : 'p'}:${key}`;
}

const MISSING: KeyValueOutcome = { ...readKeyValue({}), code: Codes.errored };

export function readLock(fields: Fields): Explained<LockOutcome> {
  return {
    family: 'lock',
    code: numberIn(fields, 'type') as LockCode,
    fencingToken: numberIn(fields, 'fencingToken'),
    owner: bytesIn(fields, 'owner'),
    expires: timestampIn(fields, 'expires'),
    ...reasonIn(fields),
  };
}

export function readHold(fields: Fields): Explained<HoldOutcome> {
  return {
    family: 'hold',
    code: numberIn(fields, 'type') as HoldCode,
    hold: textIn(fields, 'holdId'),
    expires: timestampIn(fields, 'leaseExpiry'),
    floor: timestampIn(fields, 'effectiveFloor'),
    live: numberIn(fields, 'liveHolds'),
    ...reasonIn(fields),
  };
}

export function readSequence(fields: Fields): Explained<SequenceOutcome> {
  return {
    family: 'sequence',
    code: numberIn(fields, 'type') as SequenceCode,
    record: readRecord(asObject(fields['sequence'])),
    allocation: readAllocation(asObject(fields['allocation'])),
    ...reasonIn(fields),
  };
}

function readRecord(fields: Fields | undefined): SequenceRecord | null {
  if (fields === undefined) return null;
  return {
    name: textIn(fields, 'name'),
    currentValue: numberIn(fields, 'currentValue'),
    initialValue: numberIn(fields, 'initialValue'),
    increment: numberIn(fields, 'increment'),
    maxValue: numberOrNull(fields['maxValue']),
    revision: numberIn(fields, 'revision'),
    blockSize: numberOrNull(fields['blockSize']),
    incarnation: numberIn(fields, 'incarnation'),
    createdAt: timestampIn(fields, 'createdAt'),
    updatedAt: timestampIn(fields, 'updatedAt'),
  };
}

/** Where nothing was allocated the object is there, with a count of 0. */
function readAllocation(fields: Fields | undefined): SequenceAllocation | null {
  if (fields === undefined || numberIn(fields, 'count') === 0) return null;
  return {
    start: numberIn(fields, 'start'),
    end: numberIn(fields, 'end'),
    count: numberIn(fields, 'count'),
    revision: numberIn(fields, 'revision'),
  };
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
