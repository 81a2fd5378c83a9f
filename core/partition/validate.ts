/** What clients may ask: checked where a request enters, so that nothing invalid is ever proposed. */

import type { Timestamp } from '../clock/hybrid-clock.js';
import {
  ALL_SET_FLAGS,
  OWN_REQUEST_ID_PREFIX,
  type ExistsOperation,
  type GetOperation,
  type KeyValueOperation,
  type Operation,
  type RequestId,
  type ScanOperation,
  type SetOperation,
} from './command.js';
import type { LockOperation } from './lock-command.js';
import { brokenText, problemWithName, problemWithPlace } from './validate-name.js';
import { problemWithSequence } from './validate-sequence.js';
import { problemWithTransaction } from './validate-transaction.js';

/** The largest value, in bytes: one write must fit into one message. */
export const MAX_VALUE_BYTES = 64 << 20;

/** The longest request id, in UTF-16 units. */
export const MAX_REQUEST_ID_LENGTH = 128;

/** The longest lease and time to live, in milliseconds. */
export const MAX_EXPIRES_MS = 0x7fff_ffff;

/** What is wrong with a client's request id, in words for its sender; undefined when nothing is. */
export function problemWithId(requestId: RequestId): string | undefined {
  if (requestId.length === 0 || requestId.length > MAX_REQUEST_ID_LENGTH) {
    return `a request id has 1 to ${MAX_REQUEST_ID_LENGTH} characters, but this one has ${requestId.length}`;
  }
  if (requestId.startsWith(OWN_REQUEST_ID_PREFIX)) {
    return `request ids that begin with "${OWN_REQUEST_ID_PREFIX}" are made by the nodes themselves`;
  }
  return undefined;
}

/** What is wrong with the operation, in words for its sender; undefined when nothing is. */
export function problemWith(operation: Operation): string | undefined {
  if ('resource' in operation) return problemWithLock(operation);
  if ('name' in operation) return problemWithSequence(operation);
  if ('transaction' in operation) return problemWithTransaction(operation);
  return 'prefix' in operation ? problemWithScan(operation) : problemWithPoint(operation);
}

function problemWithPoint(operation: Exclude<KeyValueOperation, ScanOperation>): string | undefined {
  const problem = problemWithName('key', operation.key) ?? problemWithPlace('keys', operation.key);
  if (problem !== undefined) return problem;
  switch (operation.type) {
    case 'Set':
      return problemWithSet(operation);
    case 'Extend':
      return problemWithExpiry(operation.expiresMs);
    case 'Get':
    case 'Exists':
      return problemWithRead(operation);
    case 'Delete':
      return undefined;
  }
}

function problemWithSet(operation: SetOperation): string | undefined {
  const { flags, value, compareValue, compareRevision, expiresMs } = operation;
  if (!Number.isSafeInteger(flags) || flags < 0 || flags > ALL_SET_FLAGS) {
    return `flags must be a sum of the bits 1, 2, 4, 8, 16 and 32, but are ${flags}`;
  }
  if (!Number.isSafeInteger(compareRevision))
    return `compareRevision must be a whole number, but is ${compareRevision}`;
  if (value !== null && value.length > MAX_VALUE_BYTES) return tooLarge('value', value.length);
  if (compareValue !== null && compareValue.length > MAX_VALUE_BYTES) {
    return tooLarge('compareValue', compareValue.length);
  }
  return expiresMs === undefined ? undefined : problemWithExpiry(expiresMs);
}

function problemWithRead({ revision, at }: GetOperation | ExistsOperation): string | undefined {
  if (revision !== undefined && at !== undefined) return 'a read is of a revision or of a time, not of both';
  if (revision !== undefined && (!Number.isSafeInteger(revision) || revision < 0)) {
    return `revision must be a whole number of 0 or more, but is ${revision}`;
  }
  return problemWithTime(at);
}

function problemWithScan({ prefix, from, to, limit, group, at }: ScanOperation): string | undefined {
  const problem = problemWithName('prefix', prefix) ?? problemWithPlace('prefixes', prefix);
  if (problem !== undefined) return problem;
  for (const bound of [from, to]) {
    if (bound !== undefined && !bound.key.isWellFormed()) return brokenText('a bound');
  }
  if (!Number.isSafeInteger(limit) || limit < 1)
    return `limit must be a whole number of 1 or more, but is ${limit}`;
  if (group !== undefined && (!Number.isSafeInteger(group) || group < 1)) {
    return `the partition must be a whole number of 1 or more, but is ${group}`;
  }
  return problemWithTime(at);
}

function problemWithLock(operation: LockOperation): string | undefined {
  const problem = problemWithName('resource', operation.resource);
  if (problem !== undefined || operation.type === 'GetLock') return problem;
  const { length } = operation.owner;
  if (length === 0) return 'the owner is empty';
  if (length > MAX_VALUE_BYTES) return tooLarge('owner', length);
  return operation.type === 'ReleaseLock' ? undefined : problemWithExpiry(operation.expiresMs);
}

function problemWithExpiry(expiresMs: number): string | undefined {
  if (Number.isSafeInteger(expiresMs) && expiresMs >= 1 && expiresMs <= MAX_EXPIRES_MS) return undefined;
  return `expiresMs must be a whole number from 1 to ${MAX_EXPIRES_MS}, but is ${expiresMs}`;
}

/** Absent is now; the zero timestamp, which some wires have for that, is no time. */
function problemWithTime(at: Timestamp | undefined): string | undefined {
  if (at === undefined) return undefined;
  const { node, wall, counter } = at;
  const whole = [node, wall, counter].every((each) => Number.isSafeInteger(each) && each >= 0);
  if (whole && node >= 1 && counter <= 0xffff_ffff) return undefined;
  return `the time to read at must be a timestamp of a node, but is ${wall}.${counter} of node ${node}`;
}

function tooLarge(field: string, bytes: number): string {
  return `${field} has ${bytes} bytes; at most ${MAX_VALUE_BYTES} are allowed`;
}
