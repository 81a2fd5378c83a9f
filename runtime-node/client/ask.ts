/** What is to be known of a question before it is asked, and of a code that is no answer to it. */

import { KeyValueCode } from '../../core/partition/command.js';
import { LockCode } from '../../core/partition/lock-command.js';
import { SequenceCode } from '../../core/partition/sequence-command.js';
import type { LockNeed } from '../../core/partition/transaction-command.js';
import { WavetankError } from './error.js';
import type { Ask, SessionAsk, Settled } from './port.js';

/** What is asked, for people: `Set users/17`. */
export function describeAsk(ask: Ask): string {
  switch (ask.type) {
    case 'InSession':
      return describeAsk(ask.ask);
    case 'LockInTransaction':
      return `Lock ${describeNeed(ask.need)}`;
    case 'UnlockInTransaction':
      return `Unlock ${describeNeed(ask.need)}`;
    case 'Begin':
      return 'Begin of a transaction';
    case 'Commit':
    case 'Rollback':
      return `${ask.type} of transaction ${ask.handle.id.wall}.${ask.handle.id.counter}`;
    case 'RunScript':
      return `Script ${beginningOf(ask.script)}`;
    default:
      return describeOther(ask);
  }
}

function describeNeed(need: LockNeed): string {
  return need.type === 'KeyLock' ? need.key : need.prefix;
}

const SHOWN_CHARACTERS = 30;

/** Its first words, on one line. */
function beginningOf(script: Uint8Array): string {
  const text = new TextDecoder()
    .decode(script.subarray(0, 4 * SHOWN_CHARACTERS))
    .replace(/\s+/g, ' ')
    .trim();
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

function describeOther(ask: Exclude<Ask, SessionAsk>): string {
  if ('key' in ask) return `${ask.type} ${ask.key}`;
  if ('resource' in ask) return `${ask.type} ${ask.resource}`;
  if ('name' in ask) return `${ask.type} ${ask.name}`;
  if ('hold' in ask) return `${ask.type} ${ask.hold}`;
  if ('holder' in ask) return `${ask.type} ${ask.holder}`;
  if (ask.type === 'GetFloor') return ask.type;
  return 'prefix' in ask ? `${ask.type} ${ask.prefix}` : `${ask.type} of ${ask.items.length} keys`;
}

/** An answer with a code that says that the operation itself went wrong. */
export function unexpectedAnswer(
  ask: Ask,
  { answer, endpoint, attempts, wasUncertain }: Settled<Ask>,
): WavetankError {
  const code = failureOf(ask, answer.code);
  const reason = answer.reason ?? (code === 'unexpected' ? `unexpected outcome ${answer.code}` : WORDS[code]);
  const isOutcomeUnknown = changesSomething(ask) && (wasUncertain || code !== 'invalidInput');
  return new WavetankError({
    operation: describeAsk(ask),
    code,
    reason,
    attempts,
    endpoint,
    isOutcomeUnknown,
  });
}

const WORDS = {
  invalidInput: 'the input is not valid',
  errored: 'the node could not do it',
  aborted: 'it was given up inside the cluster',
} as const;

function failureOf(ask: Ask, code: number): keyof typeof WORDS | 'unexpected' {
  if (isOfSequence(ask)) {
    if (code === SequenceCode.invalidInput) return 'invalidInput';
    if (code === SequenceCode.error) return 'errored';
    return code === SequenceCode.aborted ? 'aborted' : 'unexpected';
  }
  switch (code) {
    case KeyValueCode.invalidInput:
      return 'invalidInput';
    case KeyValueCode.errored:
      return 'errored';
    case LockCode.aborted:
      return 'aborted';
    default:
      return 'unexpected';
  }
}

export function isMustRetry(ask: Ask, { code }: { readonly code: number }): boolean {
  // It must be asked in other words, with the anchor that came with the answer.
  if (ask.type === 'Commit') return false;
  return code === (isOfSequence(ask) ? SequenceCode.mustRetry : KeyValueCode.mustRetry);
}

function isOfSequence({ type }: Ask): boolean {
  return type.endsWith('Sequence');
}

export function changesSomething({ type }: Ask): boolean {
  switch (type) {
    case 'Get':
    case 'Exists':
    case 'GetMany':
    case 'ExistsMany':
    case 'Bucket':
    case 'ScanAll':
    case 'Range':
    case 'GetLock':
    case 'GetSequence':
    case 'GetFloor':
    // What is done in a session takes effect when it is committed, and one that is not ends by itself.
    case 'InSession':
    case 'LockInTransaction':
    case 'UnlockInTransaction':
    case 'Begin':
    case 'Rollback':
      return false;
    default:
      return true;
  }
}

/**
 * Whether a repetition is to find what the first attempt did, and not to be done anew. Batches cannot: their items have no
 * ids. An owner who asks for a lease again wants to know how things are now: what an earlier attempt was given may be over. A session has
 * one commit, and a script has no id. In a session everything has one, reads too.
 */
export function isDoneOnce(ask: Ask): boolean {
  if (ask.type === 'InSession') return true;
  if (ask.type === 'Commit' || ask.type === 'RunScript') return false;
  return changesSomething(ask) && !LEASES.includes(ask.type) && !('items' in ask);
}

const LEASES: readonly Ask['type'][] = ['AcquireLock', 'ExtendLock', 'AcquireHold', 'RenewHold'];
