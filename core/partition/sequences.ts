/**
 * Sequences, their blocks and their replayable allocations (sequence specification, sections 4 to 6).
 *
 * The record's `currentValue` is the highest value that any block covers. A command raises it by a whole block and gives
 * its caller the first values; who proposed the command may hand out the others (`sequence-block.ts`). Every change of the
 * record adds 1 to its revision; to write down under an idempotency key what was handed out of a block changes it not.
 */

import { compareTimestamps, type Timestamp } from '../clock/hybrid-clock.js';
import { mapDelete, mapGet, mapSet } from '../collections/ordered-map.js';
import type { LogIndex } from '../machine/units.js';
import type { Command, SequenceTake } from './command.js';
import { nextStamp, type Answer, type Change, type Contents } from './contents.js';
import {
  KEYED_ALLOCATION_MS,
  MAX_KEYED_ALLOCATIONS,
  planReservation,
  runFrom,
  valueAfter,
} from './sequence-block.js';
import {
  SequenceCode,
  type CreateSequenceOperation,
  type GetSequenceOperation,
  type ReserveSequenceOperation,
  type SequenceAllocation,
  type SequenceOutcome,
  type SequenceRecord,
  type SequenceWrite,
  type UpdateSequenceOperation,
} from './sequence-command.js';
import type { KeyedAllocation, SequenceEntry } from './sequence-entry.js';

export function writeSequence(
  contents: Contents,
  _index: LogIndex,
  command: Command,
  operation: SequenceWrite,
): Change {
  const current = mapGet(contents.sequences, operation.name);
  if (operation.type === 'CreateSequence') {
    if (current !== undefined) {
      return { contents, outcome: told(SequenceCode.alreadyExists, current.record) };
    }
    return create(contents, command, operation);
  }
  if (current === undefined) return { contents, outcome: told(SequenceCode.notFound) };
  switch (operation.type) {
    case 'UpdateSequence':
      return update(contents, command, operation, current);
    case 'ReserveSequence':
      return reserve(contents, command, operation, current);
    case 'DeleteSequence':
      return {
        contents: {
          ...contents,
          sequences: mapDelete(contents.sequences, operation.name),
          lastModified: nextStamp(contents, command.stampedAt),
        },
        outcome: told(SequenceCode.success),
      };
  }
}

export function readSequence({ sequences }: Contents, { name }: GetSequenceOperation): Answer {
  const current = mapGet(sequences, name);
  if (current === undefined) return { outcome: told(SequenceCode.notFound) };
  return { outcome: told(SequenceCode.success, current.record) };
}

function create(contents: Contents, command: Command, operation: CreateSequenceOperation): Change {
  const { name, initialValue, increment, maxValue = null, blockSize = null } = operation;
  const createdAt = nextStamp(contents, command.stampedAt);
  const record: SequenceRecord = {
    name,
    currentValue: initialValue,
    initialValue,
    increment,
    maxValue,
    revision: 0,
    blockSize,
    incarnation: 0,
    createdAt,
    updatedAt: createdAt,
  };
  return withEntry(contents, { record, keyed: [] }, createdAt, told(SequenceCode.success, record));
}

/** Allocations that can be replayed stay so. */
function update(
  contents: Contents,
  command: Command,
  operation: UpdateSequenceOperation,
  { record, keyed }: SequenceEntry,
): Change {
  const { currentValue, increment, initialValue, maxValue, blockSize } = operation;
  const updatedAt = nextStamp(contents, command.stampedAt);
  const next: SequenceRecord = {
    ...record,
    currentValue: currentValue ?? record.currentValue,
    increment: increment ?? record.increment,
    initialValue: initialValue ?? record.initialValue,
    maxValue: maxValue === undefined ? record.maxValue : maxValue,
    blockSize: blockSize === undefined ? record.blockSize : blockSize,
    revision: record.revision + 1,
    incarnation: record.incarnation + 1,
    updatedAt,
  };
  if (next.maxValue !== null && next.maxValue < next.initialValue) {
    const reason = `maxValue would be ${next.maxValue}, below initialValue, ${next.initialValue}`;
    return { contents, outcome: told(SequenceCode.invalidInput), reason };
  }
  return withEntry(contents, { record: next, keyed }, updatedAt, told(SequenceCode.success, next));
}

function reserve(
  contents: Contents,
  { stampedAt, take }: Command,
  operation: ReserveSequenceOperation,
  current: SequenceEntry,
): Change {
  const { count, idempotencyKey } = operation;
  const at = nextStamp(contents, stampedAt);
  const keyed = current.keyed.filter((each) => at.wall - each.at.wall <= KEYED_ALLOCATION_MS);
  const earlier = keyed.find(({ key }) => key === idempotencyKey);
  if (earlier !== undefined) return replay(contents, count, earlier, current.record);

  const part = partOf(current.record, take, count);
  const taken = part ?? takeBlock(current.record, take, count, at);
  if (taken === undefined) return { contents, outcome: told(SequenceCode.maxValueExceeded) };
  const { record, allocation } = taken;
  const entry = { record, keyed: withKeyed(keyed, idempotencyKey, allocation, at) };
  return withEntry(contents, entry, at, { ...told(SequenceCode.success, record), allocation });
}

function replay(
  contents: Contents,
  count: number,
  { key, allocation }: KeyedAllocation,
  record: SequenceRecord,
): Change {
  if (allocation.count === count) {
    return { contents, outcome: { ...told(SequenceCode.success, record), allocation } };
  }
  const reason = `the idempotency key "${key}" was used for ${allocation.count} values, not for ${count}`;
  return { contents, outcome: told(SequenceCode.invalidInput), reason };
}

interface Taken {
  readonly record: SequenceRecord;
  readonly allocation: SequenceAllocation;
}

/** Values of the block that the record was last changed for; undefined where that is not what is to be taken. */
function partOf(record: SequenceRecord, take: SequenceTake | undefined, count: number): Taken | undefined {
  if (take?.type !== 'Part') return undefined;
  const { start, revision, incarnation, createdAt } = take;
  const { increment, currentValue } = record;
  if (revision !== record.revision || incarnation !== record.incarnation) return undefined;
  if (compareTimestamps(createdAt, record.createdAt) !== 0) return undefined;
  if (valueAfter(start, increment, count - 1) > currentValue) return undefined;
  return { record, allocation: runFrom(start, increment, count, revision) };
}

function takeBlock(
  record: SequenceRecord,
  take: SequenceTake | undefined,
  count: number,
  updatedAt: Timestamp,
): Taken | undefined {
  const wanted = take?.type === 'Block' ? take.window : count;
  // What the leader wants goes, whatever the record's block size is by now.
  const window = planReservation({ ...record, blockSize: null }, count, wanted);
  if (window === undefined) return undefined;
  const { currentValue, increment } = record;
  const revision = record.revision + 1;
  return {
    record: { ...record, currentValue: valueAfter(currentValue, increment, window), revision, updatedAt },
    allocation: runFrom(currentValue + increment, increment, count, revision),
  };
}

function withKeyed(
  keyed: readonly KeyedAllocation[],
  key: string | undefined,
  allocation: SequenceAllocation,
  at: Timestamp,
): readonly KeyedAllocation[] {
  return key === undefined ? keyed : [...keyed, { key, allocation, at }].slice(-MAX_KEYED_ALLOCATIONS);
}

function withEntry(
  { keys, locks, sequences, transactions }: Contents,
  entry: SequenceEntry,
  lastModified: Timestamp,
  outcome: SequenceOutcome,
): Change {
  return {
    contents: {
      keys,
      locks,
      sequences: mapSet(sequences, entry.record.name, entry),
      transactions,
      lastModified,
    },
    outcome,
  };
}

function told(code: SequenceCode, record: SequenceRecord | null = null): SequenceOutcome {
  return { family: 'sequence', code, record, allocation: null };
}
