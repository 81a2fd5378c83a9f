/**
 * What a leader does with the locks of transactions (`transaction-locks.ts`): gives and takes them where it is confirmed that it
 * leads, and keeps others away from what is locked.
 *
 * It turns them away at once, with the name of who is in the way; to wait in line is for transactions. A lock says nothing about
 * reads that show another time than the present one, nor about those that a follower answers.
 */

import type { Interval } from '../collections/interval-tree.js';
import type { MonotonicMs } from '../machine/units.js';
import type { Operation, Outcome } from '../partition/command.js';
import type { Answer } from '../partition/contents.js';
import { nameIn, refusalOf } from '../partition/operation.js';
import { keysUnder } from '../partition/locked-keys.js';
import {
  TransactionCode,
  type AcquireTransactionLocks,
  type CommittedKey,
  type StagedWrite,
  type TransactionId,
  type TransactionLockOperation,
  type TransactionWrite,
} from '../partition/transaction-command.js';
import type { Execution } from './execution.js';
import { ephemeralLapsesFor, lapsesFor } from './expiry.js';
import type { Leadership, TransactionLocks } from './leadership.js';
import { presentLeadership } from './tenure.js';
import { intervalOfKey, intervalWithin, NO_LOCKS, type HeldLock, type LockTable } from './lock-table.js';
import {
  acquireLocks,
  lockAgainstRead,
  lockAgainstWrite,
  MAX_LOCKS,
  releaseLocks,
} from './transaction-locks.js';
import type { NodeTurn, OpenGroup } from './turn.js';

export function isLockOperation(operation: Operation): operation is TransactionLockOperation {
  return operation.type === 'AcquireTransactionLocks' || operation.type === 'ReleaseTransactionLocks';
}

/** Executes an operation on locks now. To be called only where it is confirmed that this node leads. */
export function executeLocking(
  turn: NodeTurn,
  opened: OpenGroup,
  operation: TransactionLockOperation,
): Answer {
  const table = tableFor(presentLeadership(opened), operation) ?? NO_LOCKS;
  const { transaction, needs } = operation;
  const now = turn.now.monotonic;
  if (operation.type === 'ReleaseTransactionLocks') {
    keep(opened, operation, releaseLocks(table, transaction, needs, now));
    return { outcome: { family: 'transaction', code: TransactionCode.unlocked } };
  }
  const acquired = acquireLocks(table, operation, now);
  keep(opened, operation, acquired.table);
  switch (acquired.type) {
    case 'Locked':
      return {
        outcome: {
          family: 'transaction',
          code: TransactionCode.locked,
          ...shownUnder(turn, opened, operation),
        },
      };
    case 'Taken': {
      const { by, need } = acquired;
      return {
        outcome: { family: 'transaction', code: TransactionCode.alreadyLocked, blocker: by },
        reason: `another transaction holds the lock: ${need.type === 'KeyLock' ? need.key : need.prefix}`,
      };
    }
    case 'Full':
      return {
        outcome: refusalOf(operation, 'mustRetry'),
        reason: `this partition's leader keeps ${MAX_LOCKS} locks and places in line, and no more: retry it later`,
      };
  }
}

/** It is confirmed that this node leads, so what it shows is the newest. */
function shownUnder(
  turn: NodeTurn,
  opened: OpenGroup,
  { needs, show, ephemeral }: AcquireTransactionLocks,
): { readonly keys?: readonly CommittedKey[] } {
  if (show !== true) return {};
  const lead = presentLeadership(opened);
  const { partition } = opened.group;
  const keys =
    ephemeral === true
      ? keysUnder(lead.ephemeral.state, needs, (read) => ephemeralLapsesFor(turn, lead, read) !== undefined)
      : keysUnder(partition, needs, (read) => lapsesFor(turn, lead, partition, read) !== undefined);
  return { keys };
}

/** What an operation is told that a lock of somebody else keeps away; undefined where none does. */
export function refusedByLock(
  turn: NodeTurn,
  opened: OpenGroup,
  { operation, within }: Execution,
): Answer | undefined {
  const table = tableFor(presentLeadership(opened), operation);
  if (table === undefined) return undefined;
  const now = turn.now.monotonic;
  switch (operation.type) {
    case 'Set':
    case 'Delete':
    case 'Extend':
      return toldOf(operation, lockAgainstWrite(table, operation.key, within, now));
    case 'Get':
    case 'Exists':
    case 'Scan': {
      const { at, mode } = operation;
      if (at !== undefined || mode === 'follower' || mode === 'stale') return undefined;
      const lock = lockAgainstRead(table, shownBy(operation), within, now);
      const told = toldOf(operation, lock);
      // A transaction waits for the one that is in its way, and must know who that is.
      return told === undefined || within === undefined
        ? told
        : { ...told, outcome: { ...PUT_OFF, blocker: (lock as HeldLock).transaction } };
    }
    case 'Prepare':
    case 'CommitAtOnce':
      return conflictWithLock(table, operation.writes, operation.transaction, turn);
    default:
      return undefined;
  }
}

const PUT_OFF = { family: 'transaction', code: TransactionCode.mustRetry } as const;

function shownBy(operation: Extract<Operation, { readonly type: 'Get' | 'Exists' | 'Scan' }>): Interval {
  return operation.type === 'Scan' ? intervalWithin(operation) : intervalOfKey(operation.key);
}

function toldOf(operation: Operation, lock: HeldLock | undefined): Answer | undefined {
  if (lock === undefined) return undefined;
  const reason =
    `the transaction ${lock.transaction} holds a lock on ${nameIn(operation)}; nothing was executed: retry it when ` +
    'that transaction has ended';
  return { outcome: refusalOf(operation, 'mustRetry'), reason };
}

/**
 * What a transaction has prepared is kept by its intents, and what it has settled needs to be kept no more: its locks go as soon
 * as either is applied, so that whoever is told of a commit finds none of them.
 */
export function lockedNoMore(
  opened: OpenGroup,
  operation: TransactionWrite,
  { code }: Outcome,
  now: MonotonicMs,
): void {
  const table = tableFor(presentLeadership(opened), operation);
  if (table === undefined || !isKeptOtherwise(operation, code)) return;
  keep(opened, operation, releaseLocks(table, operation.transaction, undefined, now));
}

function isKeptOtherwise({ type }: TransactionWrite, code: Outcome['code']): boolean {
  switch (type) {
    case 'Prepare':
      return code === TransactionCode.prepared;
    case 'CommitAtOnce':
      return code === TransactionCode.committed;
    case 'Settle':
      return true;
    default:
      return false;
  }
}

function conflictWithLock(
  table: LockTable,
  writes: readonly StagedWrite[],
  transaction: TransactionId,
  { now }: NodeTurn,
): Answer | undefined {
  for (const { key } of writes) {
    const lock = lockAgainstWrite(table, key, transaction, now.monotonic);
    if (lock === undefined) continue;
    return {
      outcome: { family: 'transaction', code: TransactionCode.aborted, blocker: lock.transaction },
      reason: `the transaction ${lock.transaction} holds a lock on ${key}`,
    };
  }
  return undefined;
}

function tableFor({ locks }: Leadership, operation: Operation): LockTable | undefined {
  return locks?.[spaceOf(operation)];
}

function keep(opened: OpenGroup, operation: Operation, table: LockTable): void {
  const lead = presentLeadership(opened);
  const locks: TransactionLocks = { ...lead.locks, [spaceOf(operation)]: table };
  opened.group.lead = { ...lead, locks };
}

function spaceOf(operation: Operation): keyof TransactionLocks {
  return 'ephemeral' in operation && operation.ephemeral === true ? 'ephemeral' : 'persistent';
}
