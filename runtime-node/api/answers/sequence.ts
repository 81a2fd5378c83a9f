/** From the outcome of a sequence operation to the JSON of its answer (REST specification, section 9). */

import {
  SequenceCode,
  type SequenceAllocation,
  type SequenceOutcome,
  type SequenceRecord,
} from '../../../core/index.js';
import type { Answered } from '../backend.js';
import { PERSISTENT } from '../requests/asked.js';
import { reasonJson, retryJson, routeJson, timeJson } from './json.js';

const NO_ALLOCATION = '{"name":null,"start":0,"end":0,"count":0,"revision":0}';

/** The revision of a sequence that was looked for and not found. */
const NO_REVISION = -1;

/** The record is told only to who asks for it: the other answers are about what they did. */
export const sequenceJson = (answered: Answered): string => sequenceAnswer(answered, null);
export const sequenceRecordJson = (answered: Answered): string => sequenceAnswer(answered, 'record');

/** @param name of the sequence, which the outcome does not repeat. */
export const allocationJson =
  (name: string) =>
  (answered: Answered): string =>
    sequenceAnswer(answered, null, name);

function sequenceAnswer({ answer, route }: Answered, tells: 'record' | null, name = ''): string {
  if (answer.family !== 'sequence') throw new Error('a sequence operation was not answered as one');
  if (answer.code === SequenceCode.mustRetry) return retryJson(answer.code, answer.reason);
  const record = tells === 'record' ? answer.record : null;
  return (
    `{"servedFrom":null,"type":${answer.code},"sequence":${recordJson(record)},` +
    `"allocation":${runJson(name, answer.allocation)},"revision":${revisionIn(answer, tells === 'record')},` +
    `"route":${routeJson(route)}${reasonJson(answer.reason)}}`
  );
}

/** @param looked whether this is the answer to a get. */
export function revisionIn({ code, record, allocation }: SequenceOutcome, looked: boolean): number {
  const none = looked && code === SequenceCode.notFound ? NO_REVISION : 0;
  return allocation?.revision ?? record?.revision ?? none;
}

function recordJson(record: SequenceRecord | null): string {
  if (record === null) return 'null';
  const { name, currentValue, initialValue, increment, maxValue, revision, blockSize, incarnation } = record;
  return (
    `{"name":${JSON.stringify(name)},"currentValue":${currentValue},"initialValue":${initialValue},` +
    `"increment":${increment},"maxValue":${maxValue},"revision":${revision},"durability":${PERSISTENT},` +
    `"createdAt":${timeJson(record.createdAt)},"updatedAt":${timeJson(record.updatedAt)},` +
    `"blockSize":${blockSize},"incarnation":${incarnation}}`
  );
}

function runJson(name: string, allocation: SequenceAllocation | null): string {
  if (allocation === null) return NO_ALLOCATION;
  const { start, end, count, revision } = allocation;
  return `{"name":${JSON.stringify(name)},"start":${start},"end":${end},"count":${count},"revision":${revision}}`;
}
