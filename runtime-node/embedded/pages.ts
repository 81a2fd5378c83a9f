/** Reads of many keys, from the pages that the machine gives: of one partition, or of all of them. */

import {
  groupId,
  KeyValueCode,
  refusalOf,
  type ClientAnswer,
  type PageItem,
  type PageOutcome,
  type ScanOperation,
  type Timestamp,
  type Told,
} from '../../core/index.js';
import type { AnswerTo, RangeAsk, RowsAsk } from '../client/port.js';
import { decodeCursor, encodeCursor } from './cursor.js';

/** Asks the machine. */
export type Ask = (operation: ScanOperation) => Promise<ClientAnswer>;

/** Keys on one page of the machine's, at most: one turn reads no more. */
const PAGE_KEYS = 512;
/** Keys of a bucket, at most, as Kahuna has it. */
const MAX_BUCKET = 4_096;

type Page = PageOutcome & Told;

/** All keys with the prefix in the partition of that bucket. */
export async function bucketRows(ask: Ask, asked: RowsAsk): Promise<AnswerTo<RowsAsk>> {
  const page = await readPages(ask, scanOf(asked, MAX_BUCKET));
  return rowsOf(page);
}

/** All keys with the prefix; each partition as it is when it is asked. */
export async function scanRows(ask: Ask, asked: RowsAsk, partitions: number): Promise<AnswerTo<RowsAsk>> {
  const groups = Array.from({ length: partitions }, (_, i) => groupId(i + 1));
  const pages = await Promise.all(
    groups.map((group) => readPages(ask, { ...scanOf(asked, Number.MAX_SAFE_INTEGER), group })),
  );
  const failed = pages.find(({ code }) => code !== KeyValueCode.got);
  if (failed !== undefined) return rowsOf(failed);
  const items = pages.flatMap((page) => page.items).sort((a, b) => (a.key < b.key ? -1 : 1));
  return { code: KeyValueCode.got, items };
}

/** One page, and what to ask the next one with. */
export async function rangePage(ask: Ask, asked: RangeAsk): Promise<AnswerTo<RangeAsk>> {
  const { cursor, limit } = asked;
  const place = cursor === undefined ? undefined : decodeCursor(cursor, asked);
  if (place === null) {
    const reason = 'the cursor is damaged, or of another range';
    return { code: KeyValueCode.invalidInput, items: [], hasMore: false, cursor: null, reason };
  }
  const scan: ScanOperation = { ...scanOf(asked, limit > 0 ? limit : Number.MAX_SAFE_INTEGER) };
  const page = await readPages(ask, {
    ...scan,
    ...boundsOf(asked),
    ...(place === undefined ? {} : { from: { key: place.lastKey, inclusive: false }, at: place.at }),
  });
  const { hasMore, lastKey, at } = page;
  return { ...rowsOf(page), hasMore, cursor: hasMore ? encodeCursor({ lastKey, at }, asked) : null };
}

function boundsOf({ from, to }: RangeAsk): Pick<ScanOperation, 'from' | 'to'> {
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

function scanOf({ prefix, at, ephemeral, mode }: RowsAsk | RangeAsk, limit: number): ScanOperation {
  return {
    type: 'Scan',
    prefix,
    limit,
    ...(at === undefined ? {} : { at }),
    ...(ephemeral === undefined ? {} : { ephemeral }),
    ...(mode === undefined ? {} : { mode }),
  };
}

/** As many keys as are wanted, in as many pages as it takes; all of them show the moment of the first. */
async function readPages(ask: Ask, wanted: ScanOperation): Promise<Page> {
  const items: PageItem[] = [];
  let from = wanted.from;
  let at: Timestamp | undefined = wanted.at;
  for (;;) {
    const limit = Math.min(wanted.limit - items.length, PAGE_KEYS);
    const page = await ask({ ...wanted, limit, ...(from && { from }), ...(at && { at }) });
    if (page.family !== 'page') return { ...(refusalOf(wanted, 'errored') as PageOutcome) };
    if (page.code !== KeyValueCode.got) return page;
    items.push(...page.items);
    at = page.at;
    if (!page.hasMore || items.length >= wanted.limit) return { ...page, items };
    from = { key: page.lastKey, inclusive: false };
  }
}

function rowsOf({ code, items, reason }: Page): AnswerTo<RowsAsk> {
  return { code, items, ...(reason === undefined ? {} : { reason }) };
}
