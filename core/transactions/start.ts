/** The options of a session, as they count: checked, with what was left out filled in (transaction specification, section 2). */

import { TRANSACTION_PRIORITIES, type SessionOptions, type StartTransaction } from './calls.js';

export const DEFAULT_TIMEOUT_MS = 5_000;
export const MAX_TIMEOUT_MS = 300_000;
export const DEFAULT_ADMISSION_WAIT_MS = 5_000;
export const MAX_ADMISSION_WAIT_MS = 30_000;

/** What is wrong with a wish to start a session, in words; undefined when nothing is. */
export function problemWithStart({ coordinatorKey, options }: StartTransaction): string | undefined {
  if (coordinatorKey === '') return 'the coordinator key is empty';
  const { locking, readValidation, decisionDurability, readTimestamp } = options;
  if (locking !== 'pessimistic' && locking !== 'optimistic') return unknown('locking', locking);
  if (readValidation !== 'none' && readValidation !== 'trackAndValidate') {
    return unknown('readValidation', readValidation);
  }
  if (decisionDurability !== 'bestEffort' && decisionDurability !== 'durable') {
    return unknown('decisionDurability', decisionDurability);
  }
  if (readTimestamp === undefined) return undefined;
  if (readValidation === 'trackAndValidate') {
    return 'a snapshot shows one time for ever: there is nothing to validate, so it cannot be asked for';
  }
  const { node, wall, counter } = readTimestamp;
  const whole = [node, wall, counter].every((each) => Number.isSafeInteger(each) && each >= 0);
  return whole && node >= 1 && counter <= 0xffff_ffff
    ? undefined
    : `the time to read at must be a timestamp of a node, but is ${wall}.${counter} of node ${node}`;
}

function unknown(option: string, value: never): string {
  return `${option} cannot be ${String(value)}`;
}

/** The options with their bounds kept. */
export function effectiveOptions(options: SessionOptions): SessionOptions {
  const { timeoutMs, admissionWaitMs, priority } = options;
  return {
    ...options,
    timeoutMs: bounded(timeoutMs, DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS),
    admissionWaitMs: bounded(admissionWaitMs, DEFAULT_ADMISSION_WAIT_MS, MAX_ADMISSION_WAIT_MS),
    priority: TRANSACTION_PRIORITIES.includes(priority) ? priority : 'normal',
  };
}

function bounded(wanted: number, whenNone: number, most: number): number {
  return wanted > 0 ? Math.min(Math.floor(wanted) || 1, most) : whenNone;
}
