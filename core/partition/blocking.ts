/**
 * Who has to wait for prepared transactions: plain reads and writes of what they are about to write.
 *
 * A transaction that is prepared here may be committed elsewhere already, and its other parts be seen. So until it is
 * settled here, nobody is shown what it changes, but for those who read at a time before it was prepared, and those who
 * asked for whatever is here (`stale`).
 */

import { compareTimestamps } from '../clock/hybrid-clock.js';
import { mapGet } from '../collections/ordered-map.js';
import type { ExistsOperation, GetOperation, KeyValueRead, Operation, ScanOperation } from './command.js';
import type { Contents } from './contents.js';
import { NEVER_WRITTEN } from './key-entry.js';
import { forEachWithin } from './key-range.js';
import type { VersionsOf } from './past.js';
import { intentOn, mayShowAt } from './prepared.js';
import { visibleVersion, walkPage } from './scan.js';
import type { TransactionId } from './transaction-command.js';

/** The transactions that must be settled before a plain operation can be executed: each once, in the order of their keys. */
export function intentsIn(contents: Contents, operation: Operation): readonly TransactionId[] {
  if (contents.transactions.intents.size === 0) return NOBODY;
  switch (operation.type) {
    case 'Set':
    case 'Delete':
    case 'Extend':
      return oneOrNobody(intentOn(contents, operation.key));
    case 'Get':
    case 'Exists':
      return operation.mode === 'stale' ? NOBODY : beforePointRead(contents, operation);
    case 'Scan':
      return operation.mode === 'stale' ? NOBODY : beforePage(contents, operation);
    default:
      return NOBODY;
  }
}

const NOBODY: readonly TransactionId[] = [];

function oneOrNobody(transaction: TransactionId | undefined): readonly TransactionId[] {
  return transaction === undefined ? NOBODY : [transaction];
}

function beforePointRead(
  contents: Contents,
  { key, revision, at }: GetOperation | ExistsOperation,
): readonly TransactionId[] {
  const transaction = intentOn(contents, key);
  if (transaction === undefined || !mayShowAt(contents, transaction, at)) return NOBODY;
  // What has come and gone stays as it was.
  const current = mapGet(contents.keys, key)?.revision ?? NEVER_WRITTEN;
  return revision !== undefined && revision <= current ? NOBODY : [transaction];
}

const NOT_LOOKED_AT: VersionsOf = () => undefined;

/** Beyond the last key that a page comes to nothing changes it. */
function beforePage(contents: Contents, operation: ScanOperation): readonly TransactionId[] {
  const { at } = operation;
  const { hasMore, lastKey } = walkPage(contents, operation, (key, entry) => {
    // What is in a page of the past is not looked at: taken for a key that is not shown, it makes no page end too early.
    const version = visibleVersion({ key, entry, contents, versionsOf: NOT_LOOKED_AT }, at);
    return version === undefined || typeof version === 'string' ? 'passed over' : 'shown';
  });
  const found = new Set<TransactionId>();
  forEachWithin(contents.transactions.intents, operation, (key, transaction) => {
    if (hasMore && key > lastKey) return false;
    if (mayShowAt(contents, transaction, at)) found.add(transaction);
    return true;
  });
  return [...found];
}

/**
 * Whether the operation shows a time to which the partition has not come. It has to go through the log first: when it is applied
 * the partition comes to that time, and nothing is written at it, or before it, afterwards.
 */
export function isAhead({ lastModified }: Contents, operation: Operation): boolean {
  const at = timeOf(operation);
  return at !== undefined && compareTimestamps(at, lastModified) > 0;
}

/** The partition when a read that stands in the log is applied. */
export function comeTo<C extends Contents>(contents: C, operation: Operation): C {
  const at = timeOf(operation);
  if (at === undefined || compareTimestamps(at, contents.lastModified) <= 0) return contents;
  return { ...contents, lastModified: at };
}

type Timed = Extract<Operation, { readonly type: KeyValueRead['type'] | 'Validate' }>;

function timeOf(operation: Operation): Timed['at'] {
  switch (operation.type) {
    case 'Get':
    case 'Exists':
    case 'Scan':
    case 'Validate':
      return operation.at;
    default:
      return undefined;
  }
}
