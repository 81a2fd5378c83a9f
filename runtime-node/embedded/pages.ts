/** Reads of many keys, as the API makes them, in the words of the client's port. */

import { KeyValueCode } from '../../core/index.js';
import { orNoBucket, readAllRows, readRows, type AskPage, type RowsDone } from '../api/calls/range.js';
import { EPHEMERAL, PERSISTENT } from '../api/requests/asked.js';
import { resume } from '../api/requests/cursor.js';
import { MAX_BUCKET_ROWS } from '../api/requests/range.js';
import type { InSession } from '../api/requests/session.js';
import type { AnswerTo, RangeAsk, RowsAsk } from '../client/port.js';

/** In a transaction, where it says so. */
interface PerhapsInSession {
  readonly session?: InSession;
}

/** All keys with the prefix in the partition of that bucket. */
export async function bucketRows(
  ask: AskPage,
  asked: RowsAsk & PerhapsInSession,
): Promise<AnswerTo<RowsAsk>> {
  return rowsOf(orNoBucket(await readRows(ask, { ...asked, limit: MAX_BUCKET_ROWS })));
}

/** All keys with the prefix; each partition as it is when it is asked. */
export async function scanRows(ask: AskPage, asked: RowsAsk, partitions: number): Promise<AnswerTo<RowsAsk>> {
  return rowsOf(await readAllRows(ask, { ...asked, limit: Infinity }, partitions));
}

/** One page, and what to ask the next one with. */
export async function rangePage(
  ask: AskPage,
  asked: RangeAsk & PerhapsInSession,
): Promise<AnswerTo<RangeAsk>> {
  const { cursor, prefix, ephemeral } = asked;
  const place = cursor === undefined ? undefined : resume(cursor, prefix, ephemeral ? EPHEMERAL : PERSISTENT);
  if (typeof place === 'string') {
    return { code: KeyValueCode.invalidInput, items: [], hasMore: false, cursor: null, reason: place };
  }
  const limit = asked.limit > 0 ? asked.limit : Infinity;
  const resumed =
    place === undefined
      ? {}
      : {
          from: { key: place.lastKey, inclusive: false },
          // That of a page of a transaction has no time.
          ...(place.at.wall === 0 ? {} : { at: place.at }),
        };
  const done = await readRows(ask, { ...asked, limit, ...resumed });
  return { ...rowsOf(done), hasMore: done.hasMore, cursor: done.nextCursor };
}

function rowsOf({ code, items, reason }: RowsDone): AnswerTo<RowsAsk> {
  return { code, items, ...(reason === undefined ? {} : { reason }) };
}
