/**
 * What sequences must be like after each committed command (sequence specification, sections 4 to 6), which values each
 * block leaves to the leader that took it, and that no value is given twice.
 */

import {
  compareTimestamps,
  SequenceCode,
  type ReserveSequenceOperation,
  type SequenceAllocation,
  type SequenceEntry,
  type SequenceOutcome,
  type SequenceRecord,
  type SequenceTake,
  type SequenceWrite,
  type Timestamp,
  type UpdateSequenceOperation,
} from '../../../core/index.js';
import type { Moment } from './keys.js';
import { latest, put, stateAt, type Timeline } from './timeline.js';

/** So many allocations are replayed, and for so long; see the specification. */
const MAX_KEYED = 256;
const KEYED_MS = 600_000;

export interface SequenceFact {
  /** Undefined once deleted. */
  readonly record: SequenceRecord | undefined;
  readonly keyed: readonly Keyed[];
  /** The index of the creation or update since which these values are given. */
  readonly life: number;
}

interface Keyed {
  readonly key: string;
  readonly allocation: SequenceAllocation;
  readonly at: Timestamp;
}

/** Values that a committed command raised the sequence by, beyond those of its own caller. */
interface Block {
  readonly index: number;
  readonly life: number;
  readonly allocation: SequenceAllocation;
  readonly end: number;
}

/** Values that somebody was given. */
interface Given {
  readonly life: number;
  readonly start: number;
  readonly end: number;
  readonly requestId: string | undefined;
}

export interface Sequences {
  readonly facts: Timeline<SequenceFact>;
  readonly blocks: Map<string, Block[]>;
  readonly given: Map<string, Given[]>;
}

export function createSequences(): Sequences {
  return { facts: new Map(), blocks: new Map(), given: new Map() };
}

export interface Written {
  readonly outcome: SequenceOutcome;
  /** What is wrong with the command itself. */
  readonly problem: string | undefined;
}

export function writeSequence(
  sequences: Sequences,
  moment: Moment,
  requestId: string,
  operation: SequenceWrite,
  take: SequenceTake | undefined,
): Written {
  const { facts } = sequences;
  const { name } = operation;
  const known = latest(facts, name);
  const record = known?.record;
  const { index } = moment;
  if (operation.type === 'CreateSequence') {
    if (record !== undefined) return told(SequenceCode.alreadyExists, record);
    const { initialValue, increment, maxValue, blockSize } = operation;
    const at = moment.stamp();
    const made: SequenceRecord = {
      name,
      currentValue: initialValue,
      initialValue,
      increment,
      maxValue: maxValue ?? null,
      revision: 0,
      blockSize: blockSize ?? null,
      incarnation: 0,
      createdAt: at,
      updatedAt: at,
    };
    put(facts, name, index, { record: made, keyed: [], life: index });
    return told(SequenceCode.success, made);
  }
  if (known === undefined || record === undefined) return told(SequenceCode.notFound);
  switch (operation.type) {
    case 'DeleteSequence':
      moment.stamp();
      put(facts, name, index, { record: undefined, keyed: [], life: index });
      return told(SequenceCode.success);
    case 'UpdateSequence': {
      const updated = update(record, operation, moment);
      if (updated === undefined) return told(SequenceCode.invalidInput);
      put(facts, name, index, { ...known, record: updated, life: index });
      return told(SequenceCode.success, updated);
    }
    case 'ReserveSequence':
      return reserve(sequences, moment, requestId, operation, { ...known, record }, take);
  }
}

function update(
  record: SequenceRecord,
  { currentValue, increment, initialValue, maxValue, blockSize }: UpdateSequenceOperation,
  moment: Moment,
): SequenceRecord | undefined {
  const updated = {
    ...record,
    ...(currentValue === undefined ? {} : { currentValue }),
    ...(increment === undefined ? {} : { increment }),
    ...(initialValue === undefined ? {} : { initialValue }),
    ...(maxValue === undefined ? {} : { maxValue }),
    ...(blockSize === undefined ? {} : { blockSize }),
  };
  if (updated.maxValue !== null && updated.maxValue < updated.initialValue) return undefined;
  return {
    ...updated,
    revision: record.revision + 1,
    incarnation: record.incarnation + 1,
    updatedAt: moment.stamp(),
  };
}

function reserve(
  sequences: Sequences,
  moment: Moment,
  requestId: string,
  { name, count, idempotencyKey }: ReserveSequenceOperation,
  known: SequenceFact & { readonly record: SequenceRecord },
  take: SequenceTake | undefined,
): Written {
  const { record, life } = known;
  const { index } = moment;
  const next = moment.next();
  const keyed = known.keyed.filter(({ at }) => next.wall - at.wall <= KEYED_MS);
  const earlier = idempotencyKey === undefined ? undefined : keyed.find(({ key }) => key === idempotencyKey);
  if (earlier !== undefined) {
    if (earlier.allocation.count !== count) return told(SequenceCode.invalidInput);
    return told(SequenceCode.success, record, earlier.allocation);
  }
  const isPart =
    take?.type === 'Part' &&
    take.revision === record.revision &&
    take.incarnation === record.incarnation &&
    compareTimestamps(take.createdAt, record.createdAt) === 0 &&
    take.start + (count - 1) * record.increment <= record.currentValue;
  const window = Math.max(count, take?.type === 'Block' ? take.window : 0);
  const room = roomIn(record);
  if (!isPart && room < count) return told(SequenceCode.maxValueExceeded);
  const raised = isPart
    ? record.currentValue
    : record.currentValue + Math.min(window, room) * record.increment;
  const start = isPart ? take.start : record.currentValue + record.increment;
  const end = start + (count - 1) * record.increment;
  const at = moment.stamp();
  const revision = isPart ? record.revision : record.revision + 1;
  const allocation = { start, end, count, revision };
  const added = idempotencyKey === undefined ? [] : [{ key: idempotencyKey, allocation, at }];
  const now = isPart ? record : { ...record, currentValue: raised, revision, updatedAt: at };
  put(sequences.facts, name, index, { record: now, keyed: [...keyed, ...added].slice(-MAX_KEYED), life });
  const problem = isPart ? notOfABlock(sequences, name, index, { count, allocation }) : undefined;
  if (!isPart) addTo(sequences.blocks, name, { index, life, allocation, end: raised });
  return {
    outcome: outcomeOf(SequenceCode.success, now, allocation),
    problem: problem ?? give(sequences, name, { life, start, end, requestId }),
  };
}

/** So many values there are above all blocks. */
function roomIn({ currentValue, increment, maxValue }: SequenceRecord): number {
  const limit = maxValue ?? Number.MAX_SAFE_INTEGER;
  return Math.max(0, Math.floor((limit - currentValue) / increment));
}

function addTo<T>(lists: Map<string, T[]>, name: string, one: T): void {
  const known = lists.get(name);
  if (known === undefined) lists.set(name, [one]);
  else known.push(one);
}

/** Notes that somebody is given values; in words, who was given them before. */
function give(sequences: Sequences, name: string, one: Given): string | undefined {
  const before = (sequences.given.get(name) ?? []).find(
    ({ life, start, end }) => life === one.life && start <= one.end && one.start <= end,
  );
  if (before === undefined) {
    addTo(sequences.given, name, one);
    return undefined;
  }
  const isRepeated =
    before.requestId !== undefined &&
    before.requestId === one.requestId &&
    before.start === one.start &&
    before.end === one.end;
  if (isRepeated) return undefined;
  return (
    `request ${one.requestId ?? 'without id'} is given ${one.start} to ${one.end} of ${name}, but request ` +
    `${before.requestId ?? 'without id'} has ${before.start} to ${before.end}`
  );
}

interface Asked {
  readonly count: number;
  readonly allocation: SequenceAllocation;
}

/** Values that are given from memory must be of a block that is committed, and not of those that its caller got. */
function notOfABlock(
  sequences: Sequences,
  name: string,
  index: number,
  { count, allocation }: Asked,
): string | undefined {
  const fact = stateAt(sequences.facts, name, index);
  const increment = fact?.record?.increment ?? 0;
  const { start, end } = allocation;
  const isOfOne = (sequences.blocks.get(name) ?? []).some(
    (block) =>
      block.index <= index &&
      block.life === fact?.life &&
      block.allocation.end < start &&
      end <= block.end &&
      (start - block.allocation.end) % increment === 0,
  );
  const isRun = allocation.count === count && end === start + (count - 1) * increment;
  if (isOfOne && isRun) return undefined;
  return `${start} to ${end} of ${name} are not ${count} values of a block that was taken by index ${index}`;
}

/** What is wrong with an answer to a reservation that was served from a block; undefined for nothing. */
export function wrongGift(
  sequences: Sequences,
  index: number,
  requestId: string | undefined,
  { name, count, idempotencyKey }: ReserveSequenceOperation,
  outcome: SequenceOutcome,
): string | undefined {
  const fact = stateAt(sequences.facts, name, index);
  const { allocation, code } = outcome;
  if (code !== SequenceCode.success || allocation === null) {
    const record = fact?.record;
    const isSo =
      record === undefined
        ? code === SequenceCode.notFound
        : code === SequenceCode.maxValueExceeded && roomIn(record) < count;
    return isSo ? undefined : `nothing at index ${index} leads to code ${code} for ${count} of ${name}`;
  }
  if (idempotencyKey !== undefined)
    return `what is given under ${idempotencyKey} is not written down at index ${index}`;
  const seen = outcome.record && tellSequence(outcome.record, []);
  const expected = fact?.record && tellSequence(fact.record, []);
  if (seen !== expected)
    return `${name} is told as ${seen ?? 'nothing'}, but it was ${expected ?? 'not there'}`;
  const life = fact?.life ?? 0;
  return (
    notOfABlock(sequences, name, index, { count, allocation }) ??
    give(sequences, name, { life, start: allocation.start, end: allocation.end, requestId })
  );
}

function told(
  code: SequenceCode,
  record: SequenceRecord | null = null,
  allocation: SequenceAllocation | null = null,
): Written {
  return { outcome: outcomeOf(code, record, allocation), problem: undefined };
}

function outcomeOf(
  code: SequenceCode,
  record: SequenceRecord | null,
  allocation: SequenceAllocation | null,
): SequenceOutcome {
  return { family: 'sequence', code, record, allocation };
}

/** What a replica holds of a sequence departs so from what it must; undefined when it does not. */
export function wrongSequence(
  fact: SequenceFact | undefined,
  found: SequenceEntry | undefined,
): string | undefined {
  const seen = found && tellSequence(found.record, found.keyed);
  const expected = fact?.record && tellSequence(fact.record, fact.keyed);
  return seen === expected ? undefined : `as ${seen ?? 'nothing'}, but it must be ${expected ?? 'nothing'}`;
}

export function tellSequence(record: SequenceRecord, keyed: readonly Keyed[]): string {
  const { currentValue, initialValue, increment, maxValue, revision, blockSize, incarnation } = record;
  const stamps = [record.createdAt, record.updatedAt].map(tellStamp).join(' ');
  const allocations = keyed.map(({ key, allocation: { start, count }, at }) =>
    [key, start, count, tellStamp(at)].join(':'),
  );
  return (
    `${initialValue} + ${increment} … ${currentValue} of ${maxValue ?? 'any'}, revision ${revision}, incarnation ` +
    `${incarnation}, blocks of ${blockSize ?? 'any'}, ${stamps}, keys [${allocations.join(' ')}]`
  );
}

function tellStamp({ wall, counter, node }: Timestamp): string {
  return `${wall}.${counter}.${node}`;
}
