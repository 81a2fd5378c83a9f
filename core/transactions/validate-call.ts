/** What clients may ask of a session: checked where a call enters. */

import { MAX_EXPIRES_MS, problemWith, problemWithId } from '../partition/validate.js';
import { brokenText, problemWithName, problemWithPlace } from '../partition/validate-name.js';
import type { RequestId } from '../partition/command.js';
import type { LockNeed } from '../partition/transaction-command.js';
import type { SessionOperation } from './calls.js';
import type { SessionCall } from './session-state.js';

/** What is wrong with a call, in words for its sender; undefined when nothing is. */
export function problemWithCall(call: SessionCall): string | undefined {
  const { id, coordinatorKey } = call.handle;
  if (coordinatorKey === '') return 'the coordinator key is empty';
  const whole = [id.node, id.wall, id.counter].every((each) => Number.isSafeInteger(each) && each >= 0);
  if (!whole || id.node < 1 || id.counter > 0xffff_ffff)
    return 'the name of the transaction is no timestamp of a node';
  if (call.type !== 'OperateInTransaction') {
    return call.anchorKey?.isWellFormed() === false ? brokenText('the anchor key') : undefined;
  }
  return problemWithId(call.operationId as RequestId) ?? problemWithOperation(call.operation);
}

function problemWithOperation(operation: SessionOperation): string | undefined {
  switch (operation.type) {
    case 'LockInTransaction': {
      const { leaseMs } = operation;
      if (!Number.isSafeInteger(leaseMs) || leaseMs > MAX_EXPIRES_MS) {
        return `the lease of a lock must be a whole number of milliseconds up to ${MAX_EXPIRES_MS}, but is ${leaseMs}`;
      }
      return problemWithNeed(operation.need);
    }
    case 'UnlockInTransaction':
      return problemWithNeed(operation.need);
    default:
      return problemWith(operation);
  }
}

function problemWithNeed(need: LockNeed): string | undefined {
  if (need.type === 'KeyLock') {
    return problemWithName('key', need.key) ?? problemWithPlace('keys', need.key);
  }
  const problem = problemWithName('prefix', need.prefix) ?? problemWithPlace('prefixes', need.prefix);
  if (problem !== undefined || need.type === 'PrefixLock') return problem;
  for (const bound of [need.from, need.to]) {
    if (bound !== undefined && !bound.key.isWellFormed()) return brokenText('a bound');
  }
  return undefined;
}
