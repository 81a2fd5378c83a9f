/** A digest of everything that a command changes, so that replicas which applied different ones can be told apart. */

import type { Timestamp } from '../clock/hybrid-clock.js';
import { mixBytes, mixNumber, mixText } from '../collections/digest.js';
import type { LogIndex } from '../machine/units.js';
import type { HoldOutcome } from './hold-command.js';
import { SetFlag, type Command, type KeyValueOutcome, type Operation, type Outcome } from './command.js';
import type { LockOutcome } from './lock-command.js';
import { nameIn } from './operation.js';
import type { SequenceOutcome } from './sequence-command.js';
import type { StagedWrite, TransactionOutcome } from './transaction-command.js';

export function mixCommand(digest: number, index: LogIndex, command: Command, outcome: Outcome): number {
  let mixed = mixNumber(digest, index);
  mixed = mixText(mixed, command.requestId);
  mixed = mixText(mixed, nameIn(command.operation));
  mixed = mixOperation(mixed, command.operation);
  for (const { space, name, armedAt } of command.lapsed ?? []) {
    mixed = mixTimestamp(mixNumber(mixText(mixText(mixed, space), name), armedAt), command.stampedAt);
  }
  const { trim } = command;
  if (trim !== undefined) {
    mixed = mixTimestamp(mixNumber(mixText(mixText(mixed, trim.from), trim.to), trim.keep), trim.before);
  }
  mixed = mixNumber(mixed, outcome.code);
  switch (outcome.family) {
    case undefined:
      return mixKeyValueOutcome(mixed, outcome);
    case 'lock':
      return mixLockOutcome(mixed, outcome);
    case 'sequence':
      return mixSequenceOutcome(mixed, outcome);
    case 'transaction':
      return mixTransactionOutcome(mixed, outcome);
    case 'hold':
      return mixHoldOutcome(mixed, outcome);
    case 'page':
      // A read; all that it may change is what has lapsed.
      return mixed;
  }
}

/** What an outcome does not tell of the change. A deletion's tells all. */
function mixOperation(digest: number, operation: Operation): number {
  switch (operation.type) {
    case 'Delete':
      return digest;
    case 'Set': {
      let mixed = operation.value === null ? digest : mixBytes(digest, operation.value);
      if ((operation.flags & SetFlag.noRevision) !== 0) mixed = mixNumber(mixed, SetFlag.noRevision);
      return operation.expiresMs === undefined ? mixed : mixNumber(mixed, operation.expiresMs);
    }
    case 'Extend':
      return mixNumber(mixText(digest, operation.type), operation.expiresMs);
    case 'AcquireLock':
    case 'ExtendLock':
      return mixNumber(mixBytes(mixText(digest, operation.type), operation.owner), operation.expiresMs);
    case 'ReserveSequence':
      return mixText(mixText(digest, operation.type), operation.idempotencyKey ?? '');
    case 'Prepare':
    case 'CommitAtOnce':
      return operation.writes.reduce(mixWrite, mixText(digest, operation.type));
    case 'Decide':
    case 'Settle': {
      const mixed = mixText(mixText(digest, operation.type), operation.decision.type);
      return operation.decision.type === 'Commit' ? mixTimestamp(mixed, operation.decision.at) : mixed;
    }
    case 'AcquireHold':
    case 'SetFloor':
      return mixTimestamp(mixText(digest, operation.type), operation.timestamp);
    default:
      return mixText(digest, operation.type);
  }
}

function mixWrite(digest: number, write: StagedWrite): number {
  let mixed = mixText(mixText(digest, write.type), write.key);
  if (write.type !== 'Extend') mixed = mixNumber(mixed, write.revisions);
  if (write.type === 'Set') {
    if (write.value !== null) mixed = mixBytes(mixed, write.value);
    if (write.noRevision === true) mixed = mixNumber(mixed, SetFlag.noRevision);
  }
  return write.type === 'Delete' || write.expiresMs === undefined ? mixed : mixNumber(mixed, write.expiresMs);
}

function mixKeyValueOutcome(digest: number, outcome: KeyValueOutcome): number {
  const mixed = mixTimestamp(mixNumber(digest, outcome.revision), outcome.lastModified);
  return outcome.expires === undefined ? mixed : mixTimestamp(mixed, outcome.expires);
}

function mixLockOutcome(digest: number, { fencingToken, expires }: LockOutcome): number {
  return mixTimestamp(mixNumber(digest, fencingToken), expires);
}

function mixHoldOutcome(digest: number, { hold, expires, live }: HoldOutcome): number {
  return mixNumber(mixTimestamp(mixText(digest, hold), expires), live);
}

function mixSequenceOutcome(digest: number, { record, allocation }: SequenceOutcome): number {
  let mixed = digest;
  if (allocation !== null) mixed = mixNumber(mixNumber(mixed, allocation.start), allocation.count);
  if (record === null) return mixed;
  const { currentValue, initialValue, increment, revision, incarnation } = record;
  for (const number of [currentValue, initialValue, increment, revision, incarnation]) {
    mixed = mixNumber(mixed, number);
  }
  for (const limit of [record.maxValue, record.blockSize]) {
    mixed = limit === null ? mixText(mixed, 'none') : mixNumber(mixed, limit);
  }
  return mixTimestamp(mixed, record.updatedAt);
}

function mixTransactionOutcome(
  digest: number,
  { at, participants = [], revisions = [] }: TransactionOutcome,
): number {
  let mixed = at === undefined ? digest : mixTimestamp(digest, at);
  for (const { group, ephemeral } of participants) {
    mixed = mixNumber(mixNumber(mixed, group), ephemeral === true ? 1 : 0);
  }
  for (const revision of revisions) mixed = mixNumber(mixed, revision);
  return mixed;
}

function mixTimestamp(digest: number, { node, wall, counter }: Timestamp): number {
  return mixNumber(mixNumber(mixNumber(digest, wall), counter), node);
}
