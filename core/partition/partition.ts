/**
 * The replicated state of one partition: keys, locks and sequences, prepared transactions and decisions, the retry table, and
 * what is kept of the past.
 *
 * `applyCommand` is a deterministic function of the state and the committed command, so replicas that applied the
 * same log are equal byte for byte; `digest` folds in every applied change, which makes that cheap to compare.
 * Knows nothing of Raft: an index is only a position in some agreed order.
 */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import { mixNumber } from '../collections/digest.js';
import { emptyOrderedMap } from '../collections/ordered-map.js';
import { unreachable } from '../machine/assert.js';
import { logIndex, type LogIndex } from '../machine/units.js';
import { comeTo, intentsIn } from './blocking.js';
import { KeyValueCode, type Command, type Operation, type Outcome, type ReadOperation } from './command.js';
import { mixCommand } from './command-digest.js';
import { NOTHING_KEPT_APART, type Answer, type Change, type Contents, type KeptApart } from './contents.js';
import { endHold, readFloor, setFloor, writeHold } from './holds.js';
import { endKey, readKeys, writeKey } from './keys.js';
import { endLock, readLock, writeLock } from './locks.js';
import { describeOperation, isRead, nameIn, refusalOf } from './operation.js';
import { NOTHING_AT_HAND, type AtHand, type PastChange } from './past.js';
import { NO_TRANSACTIONS } from './prepared.js';
import { withRetention } from './retention.js';
import {
  EMPTY_RETRY_TABLE,
  findRetry,
  forgetOldRequests,
  rememberRequest,
  type RetryTable,
} from './retry-table.js';
import { readSequence, writeSequence } from './sequences.js';
import { forgetRecords } from './transaction-records.js';
import { trimPast } from './trim.js';
import { readTransaction, writeTransaction, type Moment } from './transactions.js';

export interface PartitionState extends Contents {
  readonly retries: RetryTable;
  /** The index of the last entry that was applied. */
  readonly applied: LogIndex;
  /** 32 bits folded over every applied change, in order. */
  readonly digest: number;
}

export const EMPTY_PARTITION: PartitionState = {
  keys: emptyOrderedMap(),
  locks: emptyOrderedMap(),
  sequences: emptyOrderedMap(),
  transactions: NO_TRANSACTIONS,
  retries: EMPTY_RETRY_TABLE,
  applied: logIndex(0),
  lastModified: ZERO_TIMESTAMP,
  digest: 0,
};

export interface Applied extends Answer {
  readonly state: PartitionState;
  /** What becomes of the pages of the past; absent for nothing. */
  readonly pages?: PastChange;
}

/** Moves past an entry that carries no command (a new leader's first). */
export function applyNothing(state: PartitionState, index: LogIndex, window: number): PartitionState {
  const retries = forgetOldRequests(state.retries, index, window);
  const next = {
    keys: state.keys,
    locks: state.locks,
    sequences: state.sequences,
    transactions: forgetRecords(state.transactions, state.retries.forgotten, retries.forgotten),
    retries,
    applied: index,
    lastModified: state.lastModified,
    digest: mixNumber(state.digest, index),
  };
  return withRetention(next, state);
}

/**
 * The state after the command at `index`, and what its client is to be told.
 *
 * A read is a command where it found something that had come to its end. It may be executed again without harm, so the
 * retry table, which would have to keep the values that it showed, does not know it. Of its outcome everything counts but
 * the values: whoever is to be told them reads them from the state (`answerRead`).
 *
 * @param apart what is kept apart from the state; nothing when absent.
 */
export function applyCommand(
  state: PartitionState,
  index: LogIndex,
  command: Command,
  window: number,
  apart: KeptApart = NOTHING_KEPT_APART,
): Applied {
  const { operation, requestId } = command;
  const retries = forgetOldRequests(state.retries, index, window);

  if (index - command.basis > window) {
    const reason = `the request is older than the ${window} writes for which this partition remembers retries`;
    return { state: applyNothing(state, index, window), outcome: refusalOf(operation, 'mustRetry'), reason };
  }

  const earlier = isRead(operation) ? undefined : findRetry(retries, requestId);
  if (earlier !== undefined) {
    const next = applyNothing(state, index, window);
    if (earlier.operation === describeOperation(operation)) return { state: next, outcome: earlier.outcome };
    const reason = `request id ${requestId} was already used for another operation (${earlier.operation})`;
    return { state: next, outcome: refusalOf(operation, 'invalidInput'), reason };
  }

  const { contents: before, removed } = trimPast(endLapsed(state, index, command), command.trim);
  const change = execute(before, { index, command, window, apart });
  const { contents, outcome, reason, lacks } = change;
  const pages = removed.length === 0 ? change.pages : { written: change.pages?.written ?? [], removed };
  const { keys, locks, sequences, lastModified } = contents;
  const record = { requestId, index, operation: describeOperation(operation), outcome };
  const next = {
    keys,
    locks,
    sequences,
    transactions: forgetRecords(contents.transactions, state.retries.forgotten, retries.forgotten),
    retries: isRemembered(operation, outcome) ? rememberRequest(retries, record) : retries,
    applied: index,
    lastModified,
    digest: mixCommand(state.digest, index, command, outcome),
  };
  return {
    state: withRetention(next, contents),
    outcome,
    ...(reason === undefined ? {} : { reason }),
    ...(lacks === undefined ? {} : { lacks }),
    ...(pages === undefined ? {} : { pages }),
  };
}

/** What was not executed, for now, is not done under its request id: it may be asked for again. */
function isRemembered(operation: Operation, { code }: Outcome): boolean {
  return !isRead(operation) && code !== KeyValueCode.mustRetry;
}

function execute(contents: Contents, moment: Moment): Change {
  const { index, command, apart } = moment;
  const { operation } = command;
  const blockers = intentsIn(contents, operation);
  if (blockers.length > 0) {
    const reason = `${nameIn(operation)} is about to be written by the transaction ${blockers.join(', ')}`;
    // A read that waits for them has its time all the same: it need not go through the log again.
    return { contents: comeTo(contents, operation), outcome: refusalOf(operation, 'mustRetry'), reason };
  }
  switch (operation.type) {
    case 'Set':
    case 'Delete':
    case 'Extend':
      return writeKey(contents, index, command, operation, apart);
    case 'AcquireLock':
    case 'ExtendLock':
    case 'ReleaseLock':
      return writeLock(contents, index, command, operation);
    case 'CreateSequence':
    case 'UpdateSequence':
    case 'ReserveSequence':
    case 'DeleteSequence':
      return writeSequence(contents, index, command, operation);
    case 'AcquireHold':
    case 'RenewHold':
    case 'ReleaseHold':
      return writeHold(contents, index, command, operation);
    case 'SetFloor':
      return setFloor(contents, operation);
    case 'Get':
    case 'Exists':
    case 'Scan':
    case 'GetLock':
    case 'GetSequence':
    case 'GetFloor':
    case 'Validate':
    case 'GetDecision':
      return {
        contents: comeTo(contents, operation),
        ...answerRead(contents, operation, NOT_TOLD),
      };
    case 'Prepare':
    case 'CommitAtOnce':
    case 'Decide':
    case 'Settle':
    case 'Finish':
      return writeTransaction(contents, moment, operation);
    case 'AcquireTransactionLocks':
    case 'ReleaseTransactionLocks':
      return {
        contents,
        outcome: refusalOf(operation, 'errored'),
        reason: "locks of transactions are in their leader's memory, not in the log",
      };
    default:
      return unreachable(operation);
  }
}

/** A read that stands in the log changes nothing but what has lapsed, and its values are not for the log to tell. */
const NO_BYTES = new Uint8Array(0);
const NOT_TOLD: AtHand = { valueOf: () => NO_BYTES, versionsOf: () => undefined };

/** The answer to a read of the state as it is: what nobody has said to be over is not over. */
export function executeRead(contents: Contents, operation: ReadOperation): Outcome {
  return answerRead(contents, operation).outcome;
}

/** The same, with the reason where there is no answer. `atHand` gives what is kept apart. */
export function answerRead(
  contents: Contents,
  operation: ReadOperation,
  atHand: AtHand = NOTHING_AT_HAND,
): Answer {
  switch (operation.type) {
    case 'Get':
    case 'Exists':
    case 'Scan':
      return readKeys(contents, operation, atHand);
    case 'GetLock':
      return readLock(contents, operation);
    case 'GetSequence':
      return readSequence(contents, operation);
    case 'Validate':
    case 'GetDecision':
      return readTransaction(contents, operation);
    case 'GetFloor':
      return readFloor(contents);
    default:
      return unreachable(operation);
  }
}

/** What has come to its end by the word of the leader that proposed the command. */
function endLapsed(contents: Contents, index: LogIndex, { lapsed = [], stampedAt }: Command): Contents {
  let ended = contents;
  for (const lapse of lapsed) {
    switch (lapse.space) {
      case 'key':
        ended = endKey(ended, lapse, stampedAt);
        break;
      case 'lock':
        ended = endLock(ended, lapse, stampedAt);
        break;
      case 'hold':
        ended = endHold(ended, lapse, index);
        break;
    }
  }
  return ended;
}
