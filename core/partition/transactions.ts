/**
 * A partition's part in transactions: prepare, validate, decide, settle, finish; or all of it at once.
 *
 * Two-phase commit over replicated participants (see `transaction-command.ts`). Everything here may be asked for twice, under
 * one request or under two: the second time finds that it is so. A decision is made once, by the first who asks for one.
 */

import { compareTimestamps, type Timestamp } from '../clock/hybrid-clock.js';
import { mapGet } from '../collections/ordered-map.js';
import { assert } from '../machine/assert.js';
import type { LogIndex } from '../machine/units.js';
import type { Command } from './command.js';
import { nextStamp, type Answer, type Change, type Contents, type KeptApart } from './contents.js';
import { isLive } from './key-history.js';
import { checkObservations, foreignIntent, type Conflict } from './observations.js';
import { preparedIn, withoutPrepared, withPrepared, type TransactionRecord } from './prepared.js';
import { publish } from './publish.js';
import {
  abortRecord,
  decisionOf,
  decisionOutcome,
  newestDecision,
  recordOf,
  withClosed,
  withOpen,
  withReceipt,
} from './transaction-records.js';
import {
  TransactionCode,
  type CommitAtOnceOperation,
  type DecideOperation,
  type FinishOperation,
  type PrepareOperation,
  type SettleOperation,
  type StagedWrite,
  type TransactionId,
  type TransactionOutcome,
  type TransactionRead,
  type TransactionWrite,
} from './transaction-command.js';

/** Where and when a command is applied. */
export interface Moment {
  readonly index: LogIndex;
  readonly command: Command;
  /** How many entries back a request may have been made (`retry-table.ts`). */
  readonly window: number;
  readonly apart: KeptApart;
}

export function writeTransaction(contents: Contents, moment: Moment, operation: TransactionWrite): Change {
  switch (operation.type) {
    case 'Prepare':
      return prepare(contents, moment, operation);
    case 'CommitAtOnce':
      return commitAtOnce(contents, moment, operation);
    case 'Decide':
      return decide(contents, moment, operation);
    case 'Settle':
      return settle(contents, moment, operation);
    case 'Finish':
      return finish(contents, moment, operation);
  }
}

export function readTransaction(contents: Contents, operation: TransactionRead): Answer {
  switch (operation.type) {
    case 'Validate': {
      const checked = checkObservations(contents, operation.transaction, operation.reads);
      if (!checked.holds) return refused(contents, checked.conflict);
      const { latest } = checked;
      return {
        outcome: { ...outcomeOf(TransactionCode.done), ...(latest.node === 0 ? {} : { at: latest }) },
      };
    }
    case 'GetDecision': {
      const { transaction } = operation;
      const record = transaction.endsWith('.')
        ? newestDecision(contents, transaction)
        : decisionOf(contents, transaction as TransactionId);
      return { outcome: decisionOutcome(record) };
    }
  }
}

function prepare(contents: Contents, moment: Moment, operation: PrepareOperation): Change {
  const { transaction, anchor, writes, reads, participants, since } = operation;
  const before = preparedIn(contents, transaction);
  if (before !== undefined) return { contents, outcome: preparedAt(before.preparedAt) };
  const record = recordOf(contents, transaction);
  if (record !== undefined && record.state !== 'Undecided') {
    const reason = `the transaction ${transaction} is ${record.state.toLowerCase()} already`;
    return { contents, ...refused(contents, { reason }) };
  }
  if (record === undefined && isTooOld(moment, since)) return { contents, ...tooOld(moment) };
  if (record !== undefined && writes.length === 0) return { contents, outcome: preparedAt(record.at) };
  const conflict = conflictOf(contents, transaction, writes) ?? conflictWith(contents, transaction, reads);
  if (conflict !== undefined) return { contents, ...refused(contents, conflict) };

  const { index, command } = moment;
  const at = nextStamp(contents, command.stampedAt);
  let { transactions } = contents;
  if (record === undefined && participants !== undefined) {
    const opened: TransactionRecord = { state: 'Undecided', at, participants, revisions: [], index };
    transactions = withOpen(transactions, transaction, opened);
  }
  if (writes.length > 0) {
    transactions = withPrepared(transactions, transaction, { anchor, preparedAt: at, index, writes });
  }
  return { contents: { ...contents, transactions, lastModified: at }, outcome: preparedAt(at) };
}

function commitAtOnce(contents: Contents, moment: Moment, operation: CommitAtOnceOperation): Change {
  const { transaction, group, ephemeral, writes, reads, since } = operation;
  const record = recordOf(contents, transaction);
  if (record !== undefined) return { contents, ...committedBefore(contents, transaction, record) };
  if (isTooOld(moment, since)) return { contents, ...tooOld(moment) };
  if (preparedIn(contents, transaction) !== undefined) return { contents, ...underWay(transaction) };
  const conflict = conflictOf(contents, transaction, writes) ?? conflictWith(contents, transaction, reads);
  if (conflict !== undefined) return { contents, ...refused(contents, conflict) };

  const { index, command, apart } = moment;
  const at = nextStamp(contents, command.stampedAt);
  const publication = { index, command, at, unchangedSince: at, apart };
  const { contents: published, revisions, pages } = publish(contents, writes, publication);
  const participants = [{ group, ...(ephemeral === true ? { ephemeral } : {}) }];
  const done: TransactionRecord = { state: 'Committed', at, participants, revisions, index };
  const transactions = withClosed(contents.transactions, transaction, done);
  return {
    contents: { ...published, transactions, lastModified: at },
    outcome: { ...decisionOutcome(done), revisions },
    ...(pages === undefined ? {} : { pages }),
  };
}

/** What a commit at once is told of which there is a record. */
function committedBefore(contents: Contents, transaction: TransactionId, record: TransactionRecord): Answer {
  switch (record.state) {
    case 'Committed':
      return { outcome: { ...decisionOutcome(record), revisions: record.revisions } };
    case 'Undecided':
      return underWay(transaction);
    case 'Aborted':
    case 'Settled':
      return refused(contents, { reason: `the transaction ${transaction} was aborted` });
  }
}

function underWay(transaction: TransactionId): Answer {
  const reason = `the transaction ${transaction} is prepared: it is too late to commit it at once`;
  return { outcome: outcomeOf(TransactionCode.errored), reason };
}

function decide(contents: Contents, moment: Moment, operation: DecideOperation): Change {
  const { transaction, decision, participants = [], since } = operation;
  const { index } = moment;
  const record = decisionOf(contents, transaction);
  if (record !== undefined && record.state !== 'Undecided') {
    return { contents, outcome: decisionOutcome(record) };
  }
  if (record === undefined && isTooOld(moment, since)) return { contents, ...tooOld(moment) };
  if (record !== undefined && decision.type === 'Commit') {
    const { at } = decision;
    if (compareTimestamps(at, record.at) < 0) {
      const reason = `a transaction that was prepared at ${record.at.wall} ms cannot be committed at ${at.wall} ms`;
      return { contents, outcome: outcomeOf(TransactionCode.invalidInput), reason };
    }
    const committed: TransactionRecord = { ...record, state: 'Committed', at, index };
    const transactions = withOpen(contents.transactions, transaction, committed);
    return { contents: { ...contents, transactions }, outcome: decisionOutcome(committed) };
  }
  const aborted = abortRecord(record?.participants ?? participants, index);
  const transactions = withClosed(contents.transactions, transaction, aborted);
  return { contents: { ...contents, transactions }, outcome: decisionOutcome(aborted) };
}

function settle(contents: Contents, { index, command, apart }: Moment, operation: SettleOperation): Change {
  const { transaction, decision } = operation;
  checkAgainstRecord(contents, operation);
  const outcome = outcomeOf(TransactionCode.done);
  const prepared = preparedIn(contents, transaction);
  const settled = { ...contents, transactions: withReceipt(contents, transaction, index) };
  if (prepared === undefined) return { contents: settled, outcome };
  const transactions = withoutPrepared(settled.transactions, transaction, prepared);
  if (decision.type === 'Abort') return { contents: { ...contents, transactions }, outcome };

  const { at } = decision;
  const { preparedAt: unchangedSince, writes } = prepared;
  assert(
    compareTimestamps(at, unchangedSince) >= 0,
    () =>
      `${transaction} was committed at ${at.wall} ms, before it was prepared, at ${unchangedSince.wall} ms`,
  );
  const publication = { index, command, at, unchangedSince, apart };
  const { contents: published, pages } = publish(contents, writes, publication);
  const { lastModified } = contents;
  const latest = compareTimestamps(at, lastModified) > 0 ? at : lastModified;
  return {
    contents: { ...published, transactions, lastModified: latest },
    outcome,
    ...(pages === undefined ? {} : { pages }),
  };
}

/** Where the record is here, it says the same. */
function checkAgainstRecord(contents: Contents, { transaction, decision }: SettleOperation): void {
  const record = decisionOf(contents, transaction);
  if (record === undefined) return;
  const agrees =
    decision.type === 'Commit'
      ? record.state === 'Committed' && compareTimestamps(record.at, decision.at) === 0
      : record.state === 'Aborted';
  assert(agrees, () => `${transaction} is ${record.state}, but is to be settled as ${decision.type}`);
}

function finish(contents: Contents, { index }: Moment, { transaction }: FinishOperation): Change {
  const record = mapGet(contents.transactions.open, transaction);
  if (record === undefined) return { contents, outcome: outcomeOf(TransactionCode.done) };
  if (record.state === 'Undecided') return { contents, outcome: decisionOutcome(record) };
  const transactions = withClosed(contents.transactions, transaction, { ...record, index });
  return { contents: { ...contents, transactions }, outcome: outcomeOf(TransactionCode.done) };
}

/** Why its writes cannot be placed, whatever it has seen. */
function conflictOf(
  contents: Contents,
  transaction: TransactionId,
  writes: readonly StagedWrite[],
): Conflict | undefined {
  const foreign = foreignIntent(contents, transaction, writes);
  if (foreign !== undefined) return foreign;
  for (const { type, key } of writes) {
    if (type !== 'Extend') continue;
    const entry = mapGet(contents.keys, key);
    if (entry === undefined || !isLive(entry)) return { reason: `the key "${key}" does not exist` };
  }
  return undefined;
}

function conflictWith(
  contents: Contents,
  transaction: TransactionId,
  reads: PrepareOperation['reads'],
): Conflict | undefined {
  const checked = checkObservations(contents, transaction, reads);
  return checked.holds ? undefined : checked.conflict;
}

function isTooOld({ index, window }: Moment, since: LogIndex | undefined): boolean {
  return since !== undefined && index - since > window;
}

/** What was known of the transaction may be forgotten. */
function tooOld({ window }: Moment): Answer {
  const reason = `the transaction is older than the ${window} writes for which this partition remembers its end`;
  return { outcome: outcomeOf(TransactionCode.mustRetry), reason };
}

function refused(contents: Contents, { reason, blocker }: Conflict): Answer {
  const outcome = outcomeOf(TransactionCode.aborted);
  if (blocker === undefined) return { outcome, reason };
  const blockerAnchor = preparedIn(contents, blocker)?.anchor;
  return {
    outcome: { ...outcome, blocker, ...(blockerAnchor === undefined ? {} : { blockerAnchor }) },
    reason,
  };
}

function preparedAt(at: Timestamp): TransactionOutcome {
  return { ...outcomeOf(TransactionCode.prepared), at };
}

function outcomeOf(code: TransactionCode): TransactionOutcome {
  return { family: 'transaction', code };
}
