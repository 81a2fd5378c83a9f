/**
 * The retry table: which requests this partition has applied, and what they were told.
 *
 * A client whose answer was lost sends the same request again; the table makes it take effect once (Raft thesis,
 * section 6.3). It is part of the replicated state, so every replica and every snapshot knows it.
 *
 * It must forget, or it grows without bound; and it must never forget a request that can still arrive. Both are
 * had by counting in log indexes. A record is kept for `window` entries. A command carries its *basis*: an index
 * at or below which it cannot have been applied, because the node that took the request had already applied that
 * much. A command whose basis is older than the window is refused without effect; any other finds its record, if
 * it was applied before. So a message that was delayed for an hour is harmless, with no clock in the argument:
 *
 *   1. a request is applied at index i, which is above its basis b;
 *   2. its duplicate is applied at index j. If j - b > window it is refused;
 *   3. otherwise i > b >= j - window, so the record of i is still here, and answers it.
 *
 * A client that retries through another node gets a new basis, so its own patience is bounded instead: within
 * `window` further writes to the partition its retry is recognised.
 */

import { emptyOrderedMap, mapDelete, mapGet, mapSet, type OrderedMap } from '../collections/ordered-map.js';
import {
  emptyRadixArray,
  radixDelete,
  radixGet,
  radixSet,
  type RadixArray,
} from '../collections/radix-array.js';
import { logIndex, type LogIndex } from '../machine/units.js';
import type { Outcome, RequestId } from './command.js';

/** How many further log entries of its partition a request is remembered for. The same on every node. */
export const RETRY_WINDOW = 32_768;

export interface RetryRecord {
  readonly requestId: RequestId;
  readonly index: LogIndex;
  /** Tells a retry from another operation that was given the same id by mistake. */
  readonly operation: string;
  readonly outcome: Outcome;
}

export interface RetryTable {
  readonly indexOf: OrderedMap<LogIndex>;
  readonly records: RadixArray<RetryRecord>;
  /** Every record at or below this index is forgotten. */
  readonly forgotten: LogIndex;
}

export const EMPTY_RETRY_TABLE: RetryTable = {
  indexOf: emptyOrderedMap(),
  records: emptyRadixArray(),
  forgotten: logIndex(0),
};

export function findRetry(table: RetryTable, requestId: RequestId): RetryRecord | undefined {
  const index = mapGet(table.indexOf, requestId);
  return index === undefined ? undefined : radixGet(table.records, index);
}

export function rememberRequest(table: RetryTable, record: RetryRecord): RetryTable {
  return {
    indexOf: mapSet(table.indexOf, record.requestId, record.index),
    records: radixSet(table.records, record.index, record),
    forgotten: table.forgotten,
  };
}

/** The table at log index `applied`, without the records that have left the window. */
export function forgetOldRequests(table: RetryTable, applied: LogIndex, window: number): RetryTable {
  const forgotten = applied - window;
  if (forgotten <= table.forgotten) return table;
  let { indexOf, records } = table;
  // One after another, as entries are applied: cutting them off by ranges would look at whole nodes of the array for each.
  for (let index = table.forgotten + 1; index <= forgotten; index += 1) {
    const record = radixGet(records, index);
    if (record === undefined) continue;
    indexOf = mapDelete(indexOf, record.requestId);
    records = radixDelete(records, index);
  }
  return { indexOf, records, forgotten: logIndex(forgotten) };
}
