/** What all operations have in common: a kind, a name, a place, and ways to be refused. */

import { ZERO_TIMESTAMP } from '../clock/hybrid-clock.js';
import { revision, type GroupId } from '../machine/units.js';
import { partitionOfKey, partitionOfKeySpace } from '../placement/partition-of-key.js';
import {
  KeyValueCode,
  type KeyValueOutcome,
  type Operation,
  type Outcome,
  type ReadOperation,
} from './command.js';
import { LockCode } from './lock-command.js';
import { SEQUENCE_KEY_PREFIX, SequenceCode } from './sequence-command.js';
import { TransactionCode } from './transaction-command.js';

/** Whether an operation changes nothing. */
export function isRead(operation: Operation): operation is ReadOperation {
  switch (operation.type) {
    case 'Get':
    case 'Exists':
    case 'Scan':
    case 'GetLock':
    case 'GetSequence':
    case 'Validate':
    case 'GetDecision':
      return true;
    default:
      return false;
  }
}

/** What an operation is about: a key, a prefix, a resource, a sequence or a transaction. */
export function nameIn(operation: Operation): string {
  if ('key' in operation) return operation.key;
  if ('prefix' in operation) return operation.prefix;
  if ('resource' in operation) return operation.resource;
  return 'name' in operation ? operation.name : operation.transaction;
}

/** The partition that an operation belongs to. */
export function groupOfOperation(operation: Operation, partitions: number): GroupId {
  if ('key' in operation) return partitionOfKey(operation.key, partitions);
  if ('prefix' in operation) {
    return operation.group ?? partitionOfKeySpace(operation.prefix, partitions);
  }
  if ('resource' in operation) return partitionOfKey(operation.resource, partitions);
  if ('name' in operation) return partitionOfKey(SEQUENCE_KEY_PREFIX + operation.name, partitions);
  return operation.group;
}

/** What a request id is bound to: a retry says the same, a mistaken reuse of the id most likely does not. */
export function describeOperation(operation: Operation): string {
  const { type } = operation;
  const space = 'ephemeral' in operation && operation.ephemeral === true ? 'ephemeral ' : '';
  return `${space}${type.charAt(0).toLowerCase()}${type.slice(1)} ${nameIn(operation)}`;
}

export type Refusal = 'invalidInput' | 'mustRetry' | 'errored';

/** The outcome of an operation that was not executed, in the codes of its family. */
export function refusalOf(operation: Operation, why: Refusal): Outcome {
  switch (operation.type) {
    case 'Set':
    case 'Delete':
    case 'Extend':
    case 'Get':
    case 'Exists':
      return refusal(KeyValueCode[why]);
    case 'Scan':
      return {
        family: 'page',
        code: KeyValueCode[why],
        items: [],
        hasMore: false,
        lastKey: '',
        at: ZERO_TIMESTAMP,
      };
    case 'AcquireLock':
    case 'ExtendLock':
    case 'ReleaseLock':
    case 'GetLock':
      return { family: 'lock', code: LockCode[why], fencingToken: 0, owner: null, expires: ZERO_TIMESTAMP };
    case 'CreateSequence':
    case 'UpdateSequence':
    case 'ReserveSequence':
    case 'DeleteSequence':
    case 'GetSequence':
      return {
        family: 'sequence',
        code: why === 'errored' ? SequenceCode.error : SequenceCode[why],
        record: null,
        allocation: null,
      };
    default:
      return { family: 'transaction', code: TransactionCode[why] };
  }
}

/** A key/value outcome that says nothing of any entry. */
export function refusal(code: KeyValueCode): KeyValueOutcome {
  return { code, revision: revision(0), value: null, lastModified: ZERO_TIMESTAMP };
}
