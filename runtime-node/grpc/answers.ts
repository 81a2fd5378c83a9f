/** From outcomes to the messages of gRPC. Default values are left out, as proto3 does. */

import type { PageItem, SequenceAllocation, SequenceRecord, Timestamp } from '../../core/index.js';
import { KeyValueCode } from '../../core/index.js';
import { holdIn } from '../api/answers/hold.js';
import { revisionIn } from '../api/answers/sequence.js';
import type { Answered, RouteHint } from '../api/backend.js';
import type { BatchDone, RowDone } from '../api/calls/batch.js';
import type { SessionedAnswer } from '../api/calls/session.js';
import type { RowsDone } from '../api/calls/range.js';
import { PERSISTENT } from '../api/requests/asked.js';
import type { Message } from './message-reader.js';

const STATE_SET = 1;

/** @param elapsedMs how long the node took. */
export type WriteAnswer = (answered: Answered, elapsedMs: number) => Message;

/** The answer to a set, an extend or a delete. */
export const writeMessage: WriteAnswer = ({ answer, route }, elapsedMs) => {
  const { code, revision, lastModified } = keyValueIn(answer);
  return {
    Type: code,
    Revision: revision,
    ...timeFields('LastModified', lastModified),
    TimeElapsedMs: elapsedMs,
    ...routeField(route),
  };
};

/** The answer to a get. */
export const getMessage: WriteAnswer = ({ answer, route }, elapsedMs) => {
  const outcome = keyValueIn(answer);
  return {
    ...entryFields(outcome),
    ...(outcome.code === KeyValueCode.got ? { State: STATE_SET } : {}),
    TimeElapsedMs: elapsedMs,
    ...routeField(route),
  };
};

/** The answer to an exists. */
export const existsMessage: WriteAnswer = ({ answer, route }, elapsedMs) => {
  const outcome = keyValueIn(answer);
  return {
    ...entryFields({ ...outcome, value: null }),
    ...(outcome.code === KeyValueCode.exists ? { State: STATE_SET } : {}),
    TimeElapsedMs: elapsedMs,
    ...routeField(route),
  };
};

function keyValueIn(answer: Answered['answer']): SessionedAnswer {
  if (answer.family !== undefined)
    throw new Error(`a key/value operation was answered as a ${answer.family}`);
  return answer;
}

function entryFields({ code, revision, value, expires, lastModified }: SessionedAnswer): Message {
  return {
    Type: code,
    ...(value === null ? {} : { Value: value }),
    Revision: revision,
    ...timeFields('Expires', expires),
    ...timeFields('LastModified', lastModified),
  };
}

/** The answer to taking, prolonging and giving back. */
export const lockMessage: WriteAnswer = ({ answer, route }) => {
  if (answer.family !== 'lock') throw new Error('a lock operation was not answered as one');
  return { Type: answer.code, FencingToken: answer.fencingToken, ...routeField(route) };
};

export const unlockMessage: WriteAnswer = ({ answer, route }) => {
  if (answer.family !== 'lock') throw new Error('a lock operation was not answered as one');
  return { Type: answer.code, ...routeField(route) };
};

export const lockInfoMessage: WriteAnswer = ({ answer, route }) => {
  if (answer.family !== 'lock') throw new Error('a lock operation was not answered as one');
  const { code, owner, expires, fencingToken } = answer;
  return {
    Type: code,
    ...(owner === null ? {} : { Owner: owner }),
    ...timeFields('Expires', expires),
    FencingToken: fencingToken,
    ...routeField(route),
  };
};

export const acquiredHoldMessage: WriteAnswer = ({ answer }) => {
  const { code, hold, expires } = holdIn(answer);
  return { Type: code, HoldId: hold, ...timeFields('LeaseExpiry', expires) };
};

export const renewedHoldMessage: WriteAnswer = ({ answer }) => {
  const { code, expires } = holdIn(answer);
  return { Type: code, ...timeFields('LeaseExpiry', expires) };
};

export const releasedHoldMessage: WriteAnswer = ({ answer }) => ({ Type: holdIn(answer).code });

export const floorMessage: WriteAnswer = ({ answer }) => {
  const { code, floor, live } = holdIn(answer);
  return { Type: code, ...timeFields('EffectiveFloor', floor), LiveHolds: live };
};

/** The record is told only to who asks for it. */
export const sequenceMessage: WriteAnswer = (answered, elapsedMs) =>
  sequenceFields(answered, elapsedMs, false);
export const sequenceRecordMessage: WriteAnswer = (answered, elapsedMs) =>
  sequenceFields(answered, elapsedMs, true);

function sequenceFields({ answer, route }: Answered, elapsedMs: number, looked: boolean): Message {
  if (answer.family !== 'sequence') throw new Error('a sequence operation was not answered as one');
  const { code, record } = answer;
  return {
    Type: code,
    ...(looked && record !== null ? { Sequence: recordFields(record) } : {}),
    Revision: revisionIn(answer, looked),
    TimeElapsedMs: elapsedMs,
    ...routeField(route),
  };
}

function recordFields(record: SequenceRecord): Message {
  const { maxValue, blockSize } = record;
  return {
    Name: record.name,
    CurrentValue: record.currentValue,
    InitialValue: record.initialValue,
    Increment: record.increment,
    ...(maxValue === null ? {} : { MaxValue: maxValue }),
    Revision: record.revision,
    Durability: PERSISTENT,
    ...timeFields('CreatedAt', record.createdAt),
    ...timeFields('UpdatedAt', record.updatedAt),
    ...(blockSize === null ? {} : { BlockSize: blockSize }),
    Incarnation: record.incarnation,
  };
}

/** @param name of the sequence, which the outcome does not repeat. */
export function allocationMessage(name: string, { answer, route }: Answered, elapsedMs: number): Message {
  if (answer.family !== 'sequence') throw new Error('a sequence operation was not answered as one');
  const { code, allocation } = answer;
  return {
    Type: code,
    ...(allocation === null ? {} : { Allocation: runFields(name, allocation) }),
    TimeElapsedMs: elapsedMs,
    ...routeField(route),
  };
}

function runFields(name: string, { start, end, count, revision }: SequenceAllocation): Message {
  return { Name: name, Start: start, End: end, Count: count, Revision: revision };
}

/** The rows of a batch of writes. */
export function writesMessage({ rows, routes }: BatchDone, elapsedMs: number): Message {
  const Items = rows.map(({ key, durability, answer, routeIndex }) => ({
    Type: answer.code,
    Key: key,
    Revision: answer.revision,
    ...timeFields('LastModified', answer.lastModified),
    Durability: durability,
    RouteIndex: routeIndex,
  }));
  return { Items, TimeElapsedMs: elapsedMs, Routes: routes.map(routeFields) };
}

/** The rows of a batch of reads. */
export function readsMessage({ rows, routes }: BatchDone): Message {
  return { Items: rows.map(readRow), Routes: routes.map(routeFields) };
}

function readRow({ key, durability, answer, routeIndex }: RowDone): Message {
  const isThere = answer.code === KeyValueCode.got || answer.code === KeyValueCode.exists;
  return {
    ...entryFields(answer.code === KeyValueCode.exists ? { ...answer, value: null } : answer),
    Key: key,
    Durability: durability,
    ...(isThere ? { State: STATE_SET } : {}),
    RouteIndex: routeIndex,
  };
}

/** All rows of a prefix. */
export function rowsMessage({ code, items }: RowsDone): Message {
  return { Type: code, Items: items.map(itemFields) };
}

/** One page of a range. */
export function pageMessage(done: RowsDone): Message {
  const { nextCursor, hasMore } = done;
  return {
    ...rowsMessage(done),
    ...(nextCursor === null ? {} : { NextCursor: nextCursor }),
    HasMore: hasMore,
  };
}

function itemFields({ key, value, revision, lastModified, expires }: PageItem): Message {
  return {
    Key: key,
    ...(value === null ? {} : { Value: value }),
    Revision: revision,
    ...timeFields('Expires', expires),
    ...timeFields('LastModified', lastModified),
    State: STATE_SET,
  };
}

export function routeFields({ partitionId, endpoint, provenance, generation }: RouteHint): Message {
  return { PartitionId: partitionId, Endpoint: endpoint, Provenance: provenance, Generation: generation };
}

function routeField(route: RouteHint | undefined): Message {
  return route === undefined ? {} : { Route: routeFields(route) };
}

export function timeFields(name: string, time: Timestamp | undefined): Message {
  if (time === undefined) return {};
  return { [`${name}Node`]: time.node, [`${name}Physical`]: time.wall, [`${name}Counter`]: time.counter };
}
