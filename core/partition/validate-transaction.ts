/** What coordinators may ask of partitions: checked where a request enters, like everything else that is asked. */

import type { KeyBound } from './command.js';
import type {
  LockNeed,
  Observation,
  Participant,
  StagedWrite,
  TransactionOperation,
} from './transaction-command.js';
import { brokenText, problemWithName, problemWithPlace } from './validate-name.js';
import { MAX_EXPIRES_MS, MAX_VALUE_BYTES } from './validate.js';

/** So many keys are written by one part of a transaction, at most. */
export const MAX_STAGED_WRITES = 4_096;

/** So many observations are checked by one command, and so many locks taken, at most. */
export const MAX_OBSERVATIONS = 16_384;

/** So many parts a transaction has, at most. */
export const MAX_PARTICIPANTS = 4_096;

/** The longest name of a transaction, in UTF-16 units. */
export const MAX_TRANSACTION_ID_LENGTH = 256;

/** What is wrong with the operation, in words for its sender; undefined when nothing is. */
export function problemWithTransaction(operation: TransactionOperation): string | undefined {
  const { transaction, group } = operation;
  const problem = problemWithName('name of a transaction', transaction) ?? problemWithGroup(group);
  if (problem !== undefined) return problem;
  if (transaction.length > MAX_TRANSACTION_ID_LENGTH) {
    return `the name of a transaction has ${transaction.length} characters; at most ${MAX_TRANSACTION_ID_LENGTH} are allowed`;
  }
  switch (operation.type) {
    case 'Prepare': {
      const { anchor, participants, ephemeral, writes, reads } = operation;
      if (participants !== undefined && (anchor !== group || ephemeral === true)) {
        return 'only the group that holds the record is told who takes part';
      }
      if (participants === undefined && writes.length === 0) return 'nothing is written';
      return (
        problemWithGroup(anchor) ??
        problemWithParticipants(participants) ??
        problemWithWrites(writes) ??
        problemWithReads(reads)
      );
    }
    case 'CommitAtOnce':
      if (operation.writes.length === 0) return 'nothing is written';
      return problemWithWrites(operation.writes) ?? problemWithReads(operation.reads);
    case 'Validate':
      return problemWithReads(operation.reads);
    case 'Decide':
      return problemWithParticipants(operation.participants);
    case 'Settle':
    case 'Finish':
    case 'GetDecision':
      return undefined;
    case 'AcquireTransactionLocks':
      if (operation.needs.length === 0) return 'no locks are asked for';
      return problemWithNeeds(operation.needs) ?? problemWithDuration('leaseMs', operation.leaseMs);
    case 'ReleaseTransactionLocks':
      if (operation.needs?.length === 0) return 'no locks are named';
      return problemWithNeeds(operation.needs ?? []);
  }
}

function problemWithGroup(group: number): string | undefined {
  if (Number.isSafeInteger(group) && group >= 1) return undefined;
  return `the partition must be a whole number of 1 or more, but is ${group}`;
}

function problemWithParticipants(participants: readonly Participant[] | undefined): string | undefined {
  if (participants === undefined) return undefined;
  if (participants.length === 0) return 'nobody takes part';
  const problem = tooMany('participants', participants.length, MAX_PARTICIPANTS);
  if (problem !== undefined) return problem;
  const seen = new Set<string>();
  for (const { group, ephemeral } of participants) {
    const wrong = problemWithGroup(group);
    if (wrong !== undefined) return wrong;
    seen.add(`${group} ${ephemeral === true}`);
  }
  return seen.size === participants.length ? undefined : 'a participant is named twice';
}

function problemWithWrites(writes: readonly StagedWrite[]): string | undefined {
  const problem = tooMany('writes', writes.length, MAX_STAGED_WRITES);
  if (problem !== undefined) return problem;
  const keys = new Set<string>();
  let bytes = 0;
  for (const write of writes) {
    const wrong = problemWithWrite(write);
    if (wrong !== undefined) return wrong;
    if (keys.has(write.key)) return `the key "${write.key}" is written twice`;
    keys.add(write.key);
    bytes += write.key.length + (write.type === 'Set' ? (write.value?.length ?? 0) : 0);
  }
  // All of them stand in one message, and in one record of a snapshot.
  return bytes > MAX_VALUE_BYTES
    ? `the keys and values that are written have ${bytes} bytes; at most ${MAX_VALUE_BYTES} are allowed`
    : undefined;
}

function problemWithWrite(write: StagedWrite): string | undefined {
  const { key } = write;
  const problem = problemWithName('key', key) ?? problemWithPlace('keys', key);
  if (problem !== undefined) return problem;
  if ('revisions' in write && (!Number.isSafeInteger(write.revisions) || write.revisions < 1)) {
    return `revisions must be a whole number of 1 or more, but is ${write.revisions}`;
  }
  if (!('expiresMs' in write) || write.expiresMs === undefined) return undefined;
  return problemWithDuration('expiresMs', write.expiresMs);
}

function problemWithReads(reads: readonly Observation[]): string | undefined {
  const problem = tooMany('observations', reads.length, MAX_OBSERVATIONS);
  if (problem !== undefined) return problem;
  for (const read of reads) {
    const wrong = read.type === 'Key' ? problemWithKey(read) : problemWithRange(read);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function problemWithKey({ key, revision }: Extract<Observation, { type: 'Key' }>): string | undefined {
  if (!Number.isSafeInteger(revision) || revision < -1) {
    return `the revision of a key must be a whole number of -1 or more, but is ${revision}`;
  }
  return problemWithName('key', key);
}

interface Bounded {
  readonly prefix: string;
  readonly from?: KeyBound;
  readonly to?: KeyBound;
}

function problemWithRange({ prefix, from, to }: Bounded): string | undefined {
  for (const bound of [from, to]) {
    if (bound !== undefined && !bound.key.isWellFormed()) return brokenText('a bound');
  }
  return problemWithName('prefix', prefix);
}

function problemWithNeeds(needs: readonly LockNeed[]): string | undefined {
  const problem = tooMany('locks', needs.length, MAX_OBSERVATIONS);
  if (problem !== undefined) return problem;
  for (const need of needs) {
    const wrong = need.type === 'KeyLock' ? problemWithName('key', need.key) : problemWithRange(need);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function problemWithDuration(what: string, ms: number): string | undefined {
  if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MAX_EXPIRES_MS) return undefined;
  return `${what} must be a whole number from 1 to ${MAX_EXPIRES_MS}, but is ${ms}`;
}

function tooMany(what: string, count: number, most: number): string | undefined {
  return count > most ? `there are ${count} ${what}; at most ${most} are allowed` : undefined;
}
