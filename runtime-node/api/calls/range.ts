/** Reading many keys by their prefix: one partition page by page, or all partitions at once. */

import {
  FIRST_PARTITION,
  groupId,
  KeyValueCode,
  ZERO_TIMESTAMP,
  type ClientAnswer,
  type GroupId,
  type PageItem,
  type ScanOperation,
  type Timestamp,
} from '../../../core/index.js';
import { requestOf, type ApiBackend } from '../backend.js';
import { pagesOf, type KeyCode, type SessionedPage } from './session.js';
import { EPHEMERAL, PERSISTENT } from '../requests/asked.js';
import { encodeCursor } from '../requests/cursor.js';
import type { Range, RangeAsked } from '../requests/range.js';

export interface RowsDone {
  readonly code: KeyCode;
  readonly reason?: string;
  readonly items: readonly PageItem[];
  readonly hasMore: boolean;
  /** Where the rest begins; null where there is none. */
  readonly nextCursor: string | null;
  /** Where the next page of the same snapshot begins. */
  readonly next: Range | undefined;
}

/** Keys looked for at a time: a node forwards a page in one message. */
const PAGE_ROWS = 512;

/** Asks a node for one page of a scan. */
export type AskPage = (operation: ScanOperation) => Promise<ClientAnswer | SessionedPage>;

/**
 * One page, in as many steps as the core makes of it: all of the same moment, but for those of a transaction, which are of the present
 * and still so when it commits.
 */
export async function readRows(ask: AskPage, range: Range, group?: GroupId): Promise<RowsDone> {
  const items: PageItem[] = [];
  const { prefix, to, ephemeral, mode, session } = range;
  const kind = {
    ...(group === undefined ? {} : { group }),
    ...(to === undefined ? {} : { to }),
    ...(ephemeral === undefined ? {} : { ephemeral }),
    ...(mode === undefined ? {} : { mode }),
  };
  let { from, at } = range;
  for (;;) {
    const limit = Math.min(range.limit - items.length, PAGE_ROWS);
    const answer = await ask({
      type: 'Scan',
      prefix,
      limit,
      ...kind,
      ...(from === undefined ? {} : { from }),
      ...timeOf(at),
    });
    if (answer.family !== 'page') throw new Error('a scan was not answered with a page');
    if (answer.code !== KeyValueCode.got) return noRows(answer.code, answer.reason);
    items.push(...answer.items);
    if (session === undefined) at ??= answer.at;
    if (!answer.hasMore)
      return { code: KeyValueCode.got, items, hasMore: false, nextCursor: null, next: undefined };
    from = { key: answer.lastKey, inclusive: false };
    if (items.length < range.limit) continue;
    const nextCursor = cursorOf(range, answer.lastKey, at);
    return {
      code: KeyValueCode.got,
      items,
      hasMore: true,
      nextCursor,
      next: { ...range, from, ...timeOf(at) },
    };
  }
}

/**
 * The same prefix in every partition, each read at its own moment, merged in the order of the keys. Either all
 * partitions answer or none counts: half of the keys would look like all of them.
 */
export async function readAllRows(ask: AskPage, range: Range, partitions: number): Promise<RowsDone> {
  const groups = Array.from({ length: partitions }, (_, index) => groupId(FIRST_PARTITION + index));
  const parts = await Promise.all(groups.map((group) => readRows(ask, range, group)));
  const failed = parts.find(({ code }) => code !== KeyValueCode.got);
  if (failed !== undefined) return failed;
  const items = parts.flatMap((part) => part.items).sort((a, b) => (a.key < b.key ? -1 : 1));
  return { code: KeyValueCode.got, items, hasMore: false, nextCursor: null, next: undefined };
}

export async function doRange(backend: ApiBackend, asked: RangeAsked): Promise<RowsDone> {
  if (asked.type === 'RangeRefused') return noRows(KeyValueCode.invalidInput, asked.reason);
  const { range } = asked;
  if (range.session !== undefined) return readRows(pagesOf(backend, range.session), range);
  return readRows((operation) => requestOf(backend, { operation }), range);
}

/** At most 4,096 rows; a bucket without any does not exist. */
export async function doBucket(backend: ApiBackend, asked: RangeAsked): Promise<RowsDone> {
  return orNoBucket(await doRange(backend, asked));
}

export function orNoBucket(done: RowsDone): RowsDone {
  const isEmpty = done.code === KeyValueCode.got && done.items.length === 0;
  return isEmpty ? noRows(KeyValueCode.doesNotExist) : done;
}

export async function doScanAll(backend: ApiBackend, asked: RangeAsked): Promise<RowsDone> {
  if (asked.type === 'RangeRefused') return noRows(KeyValueCode.invalidInput, asked.reason);
  const ask: AskPage = (operation) => requestOf(backend, { operation });
  return readAllRows(ask, asked.range, backend.partitions);
}

function timeOf(at: Timestamp | undefined): { readonly at?: Timestamp } {
  return at === undefined ? {} : { at };
}

function cursorOf({ prefix, ephemeral }: Range, lastKey: string, at: Timestamp = ZERO_TIMESTAMP): string {
  return encodeCursor({ lastKey, prefix, durability: ephemeral ? EPHEMERAL : PERSISTENT, at });
}

export function noRows(code: KeyCode, reason?: string): RowsDone {
  const why = reason === undefined ? {} : { reason };
  return { code, ...why, items: [], hasMore: false, nextCursor: null, next: undefined };
}
