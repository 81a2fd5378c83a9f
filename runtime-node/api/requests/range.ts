/** From a request for many keys by their prefix to the scan that it asks for (REST specification, section 6). */

import type { KeyBound, SpecialReadMode, Timestamp } from '../../../core/index.js';
import { INT64, type RequestReader } from '../request-reader.js';
import {
  EPHEMERAL,
  problemWithDurability,
  problemWithTimestamp,
  readDurability,
  readReadMode,
  readReadTimestamp,
} from './asked.js';
import { resume } from './cursor.js';
import { readSession, type InSession } from './session.js';

export type RangeAsked =
  | { readonly type: 'Range'; readonly range: Range }
  | { readonly type: 'RangeRefused'; readonly reason: string };

/** What is to be read; see `ScanOperation` of the core. */
export interface Range {
  readonly prefix: string;
  readonly from?: KeyBound;
  readonly to?: KeyBound;
  /** Rows, at most; infinite for all of them. */
  readonly limit: number;
  readonly at?: Timestamp;
  readonly ephemeral?: true;
  readonly mode?: SpecialReadMode;
  /** The transaction that reads it: each step shows the present, and all of them are checked when it commits. */
  readonly session?: InSession;
}

/** So many rows of a bucket, or of one partition in a scan of all, are given at most. */
export const MAX_BUCKET_ROWS = 4_096;

/** @throws BadRequest, as all of these do. */
export function readRange(reader: RequestReader): RangeAsked {
  const prefix = reader.text('prefix');
  // Any size: clients that want everything send the largest number that they have.
  const asked = reader.integer('limit', INT64, 0);
  const startKey = reader.optionalText('startKey');
  const endKey = reader.optionalText('endKey');
  const to = endKey === null ? {} : { to: { key: endKey, inclusive: reader.flag('endInclusive') } };
  const start =
    startKey === null ? {} : { from: { key: startKey, inclusive: reader.flag('startInclusive') } };
  const bare = { ...start, ...to, limit: asked <= 0 ? Infinity : asked };
  const text = reader.text('cursor');
  if (text === '') return finish(reader, prefix, bare, readReadTimestamp(reader));

  const cursor = resume(text, prefix, readDurability(reader));
  if (typeof cursor === 'string') return refusedRange(cursor);
  const resumed = { ...bare, from: { key: cursor.lastKey, inclusive: false } };
  // That of a page of a transaction has no time.
  return finish(reader, prefix, resumed, cursor.at.wall === 0 ? readReadTimestamp(reader) : cursor.at);
}

export function readBucket(reader: RequestReader): RangeAsked {
  const at = readReadTimestamp(reader);
  return finish(reader, reader.text('prefixKey'), { limit: MAX_BUCKET_ROWS }, at);
}

function finish(
  reader: RequestReader,
  prefix: string,
  bare: Omit<Range, 'prefix' | 'at' | 'ephemeral' | 'mode'>,
  at: Timestamp | undefined,
): RangeAsked {
  const durability = readDurability(reader);
  const mode = readReadMode(reader);
  const problem =
    problemWithDurability(durability) ?? (at === undefined ? undefined : problemWithTimestamp(at));
  if (prefix === '') return refusedRange('the prefix is empty');
  if (problem !== undefined) return refusedRange(problem);
  if (typeof mode !== 'string') return refusedRange(mode.reason);
  const session = readSession(reader);
  if (typeof session === 'string') return refusedRange(session);
  return {
    type: 'Range',
    range: {
      ...bare,
      prefix,
      ...(at === undefined ? {} : { at }),
      ...(durability === EPHEMERAL ? { ephemeral: true } : {}),
      ...(mode === 'linearizable' ? {} : { mode }),
      ...(session === undefined ? {} : { session }),
    },
  };
}

function refusedRange(reason: string): RangeAsked {
  return { type: 'RangeRefused', reason };
}
