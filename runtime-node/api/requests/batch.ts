/**
 * From a batch of key/value requests to the operations that it asks for. Rows are independent of each other; a bad one
 * fails alone, except for what makes the whole batch senseless: then every row is refused, for the same reason.
 */

import { RESERVED_KEY_PREFIX, SetFlag, type Operation } from '../../../core/index.js';
import type { RequestReader } from '../request-reader.js';
import {
  operationIn,
  PERSISTENT,
  problemWithTimestamp,
  readDurability,
  readReadTimestamp,
  refused,
  type Asked,
} from './asked.js';
import { readDelete, readPoint, readSet } from './key-value.js';
import { readBatchSession, stepOf } from './session.js';

export interface BatchAsked {
  readonly rows: readonly RowAsked[];
  /** Why nothing of it is done; then every row is refused. */
  readonly reason?: string;
}

export interface RowAsked {
  readonly key: string;
  readonly durability: number;
  readonly asked: Asked;
}

const NO_ITEMS = 'items: there are none';

/** @throws BadRequest, as all of these do. */
export function readSetMany(reader: RequestReader): BatchAsked {
  const items = reader.list('items') ?? [];
  // A caller that reads nothing but rows is told too.
  if (items.length === 0) return refuseAll([refusedRow(plainSet(''), NO_ITEMS)], NO_ITEMS);
  const rows = items.map((item) => rowOf(item, readSet(item)));
  if (items.some((item) => item.timestamp('transactionId') !== undefined))
    return refuseAll(rows, 'a batch of sets has no transaction: set the keys one by one');
  return checkWrites(rows);
}

/** In a transaction each row is an operation of its own, named after the batch. */
export function readDeleteMany(reader: RequestReader): BatchAsked {
  const items = reader.list('items');
  if (items === null) return refuseAll([], NO_ITEMS);
  const session = readBatchSession(reader, items);
  const inSession = (i: number) => (typeof session === 'object' ? stepOf(session, i) : session);
  const rows = items.map((item, i) => rowOf(item, readDelete(item, inSession(i))));
  return typeof session === 'string' ? refuseAll(rows, session) : checkWrites(rows);
}

export function readGetMany(reader: RequestReader): BatchAsked {
  return readMany(reader, 'Get');
}

export function readExistsMany(reader: RequestReader): BatchAsked {
  return readMany(reader, 'Exists');
}

function readMany(reader: RequestReader, type: 'Get' | 'Exists'): BatchAsked {
  const items = reader.list('items');
  if (items === null) return refuseAll([], NO_ITEMS);
  const at = readReadTimestamp(reader);
  const rows = items.map((item) => rowOf(item, readPoint(item, type, at)));
  if (reader.timestamp('transactionId') !== undefined)
    return refuseAll(rows, 'batches of reads have no transactions; send a zero transactionId');
  const problem = at === undefined ? undefined : problemWithTimestamp(at);
  return problem === undefined ? { rows } : refuseAll(rows, problem);
}

function checkWrites(rows: readonly RowAsked[]): BatchAsked {
  const reason = problemWithWrites(rows);
  return reason === undefined ? { rows } : refuseAll(rows, reason);
}

/** Why nothing of a batch of writes is done, where one of its keys is such. */
export function problemWithWrites(rows: readonly { readonly key: string }[]): string | undefined {
  const reserved = rows.find(({ key }) => key.startsWith(RESERVED_KEY_PREFIX));
  if (reserved === undefined) return undefined;
  return `keys that begin with "${RESERVED_KEY_PREFIX}" are reserved, but ${JSON.stringify(reserved.key)} is among them`;
}

function rowOf(item: RequestReader, asked: Asked): RowAsked {
  return { key: item.text('key'), durability: readDurability(item), asked };
}

function refuseAll(rows: readonly RowAsked[], reason: string): BatchAsked {
  return {
    reason,
    rows: rows.map(({ key, durability, asked }) => ({
      key,
      durability,
      asked: refused(operationIn(asked), reason),
    })),
  };
}

function refusedRow(operation: Operation, reason: string): RowAsked {
  return { key: '', durability: PERSISTENT, asked: refused(operation, reason) };
}

function plainSet(key: string): Operation {
  const compareRevision = 0 as never;
  return { type: 'Set', key, value: null, flags: SetFlag.none, compareValue: null, compareRevision };
}
