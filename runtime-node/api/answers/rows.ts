/** Answers of many rows as JSON: batches, and reads by prefix (REST specification, section 6). */

import { KeyValueCode, type PageItem } from '../../../core/index.js';
import { knowsNothing, type BatchDone, type RowDone } from '../calls/batch.js';
import type { RowsDone } from '../calls/range.js';
import { bytesJson, NO_TIME, reasonJson, retryJson, routeJson, timeJson } from './json.js';

export type BatchKind = 'Set' | 'Delete' | 'Get' | 'Exists';

/** What the envelope says when the batch was done, whatever became of its rows. */
const ENVELOPE_CODES: Readonly<Record<BatchKind, KeyValueCode>> = {
  Set: KeyValueCode.set,
  Delete: KeyValueCode.deleted,
  Get: KeyValueCode.got,
  Exists: KeyValueCode.got,
};

/** @param elapsedMs since the batch was taken. */
export function batchJson(kind: BatchKind, done: BatchDone, elapsedMs: number): string {
  if (knowsNothing(done)) return retryJson(KeyValueCode.mustRetry, done.rows[0]?.answer.reason);
  const code = done.isRefused ? KeyValueCode.invalidInput : ENVELOPE_CODES[kind];
  const servedFrom = kind === 'Get' || kind === 'Exists' ? ',"servedFrom":null' : '';
  const rows = done.rows.map((row) => rowJson(kind, row)).join(',');
  return (
    `{"type":${code}${servedFrom},"items":[${rows}],"timeElapsedMs":${elapsedMs},` +
    `"routes":[${done.routes.map(routeJson).join(',')}]}`
  );
}

function rowJson(kind: BatchKind, { key, durability, answer, routeIndex }: RowDone): string {
  const { code, value, revision, lastModified, reason } = answer;
  const isRead = kind === 'Get' || kind === 'Exists';
  return (
    (isRead ? '{' : '{"servedFrom":null,') +
    `"key":${JSON.stringify(key)},"type":${code}` +
    (isRead ? `,"value":${bytesJson(value)}` : '') +
    `,"revision":${revision},"lastModified":${timeJson(lastModified)},"durability":${durability},` +
    `"routeIndex":${routeIndex}` +
    (kind === 'Set' ? `,"holderTransactionId":${NO_TIME}` : '') +
    `${reasonJson(reason)}}`
  );
}

/** All rows of a prefix. */
export function rowsJson({ code, reason, items }: RowsDone): string {
  if (code === KeyValueCode.mustRetry) return retryJson(code, reason);
  return `{"servedFrom":null,"type":${code},"items":${itemsJson(items)}${reasonJson(reason)}}`;
}

/** One page of a range. */
export function pageJson({ code, reason, items, nextCursor, hasMore }: RowsDone): string {
  if (code === KeyValueCode.mustRetry) return retryJson(code, reason);
  return (
    `{"servedFrom":null,"type":${code},"items":${itemsJson(items)},` +
    `"nextCursor":${JSON.stringify(nextCursor)},"hasMore":${hasMore}${reasonJson(reason)}}`
  );
}

function itemsJson(items: readonly PageItem[]): string {
  const rows = items.map(
    ({ key, value, revision, lastModified }) =>
      `{"key":${JSON.stringify(key)},"value":${bytesJson(value)},"revision":${revision},` +
      `"lastModified":${timeJson(lastModified)}}`,
  );
  return `[${rows.join(',')}]`;
}
