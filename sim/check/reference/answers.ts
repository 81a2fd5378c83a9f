/** Answers held against the reference: each is what the entry, or the state, that it names led to. */

import {
  describeOperation,
  isRead,
  KeyValueCode,
  nameIn,
  SequenceCode,
  ZERO_TIMESTAMP,
  type Operation,
  type Outcome,
  type ReadOperation,
  type ReserveSequenceOperation,
  type SequenceOutcome,
  type SetFloorOperation,
  type SequenceRecord,
  type Timestamp,
} from '../../../core/index.js';
import { hasFloorFrom, wrongFloorRead } from './holds.js';
import { wrongRead } from './keys.js';
import { wrongLockRead } from './locks.js';
import { broken, NO_EFFECT, type Reference } from './reference.js';
import { tellSequence, wrongGift } from './sequences.js';
import { stateAt } from './timeline.js';
import { blockedRead, wrongTransactionRead } from './transactions.js';

/** What is wrong with what the command at an index is said to have led to; undefined for nothing. */
export function wrongOutcome(reference: Reference, index: number, told: Outcome): string | undefined {
  const { outcome, read, first } = reference.effects[index] ?? NO_EFFECT;
  if (read !== undefined) return wrongAnswer(reference, first, read, told);
  const expected = outcome === undefined ? 'nothing' : tell(outcome);
  return tell(told) === expected ? undefined : `there it had ${expected}, not ${tell(told)}`;
}

function wrongAnswer(
  reference: Reference,
  index: number,
  operation: ReadOperation,
  told: Outcome,
): string | undefined {
  const { keys, locks, sequences } = reference;
  switch (operation.type) {
    case 'Get':
    case 'Exists':
    case 'Scan':
      return blockedRead(reference, index, operation, told) ?? wrongRead(keys, index, operation, told);
    case 'Validate':
    case 'GetDecision':
      return told.family === 'transaction'
        ? wrongTransactionRead(reference, index, operation, told)
        : 'no answer to that';
    case 'GetLock':
      return wrongLockRead(locks, index, operation, told);
    case 'GetSequence': {
      const fact = stateAt(sequences.facts, operation.name, index);
      const record = told.family === 'sequence' ? told.record : null;
      const seen = record === null ? undefined : tellSequence(record, []);
      const expected = fact?.record && tellSequence(fact.record, []);
      return seen === expected ? undefined : `it was ${expected ?? 'not there'}`;
    }
    case 'GetFloor':
      return wrongFloorRead(reference.pasts, index, told);
  }
}

/** All of an outcome that its family promises, as a text. */
function tell(outcome: Outcome): string {
  const stamp = ({ wall, counter, node }: Timestamp): string => `${wall}.${counter}.${node}`;
  switch (outcome.family) {
    case undefined: {
      const { code, revision, value, lastModified, expires = ZERO_TIMESTAMP } = outcome;
      const held = value === null ? 'no value' : `[${value.join(' ')}]`;
      return `code ${code}, revision ${revision}, ${held}, of ${stamp(lastModified)} until ${stamp(expires)}`;
    }
    case 'page':
      return `code ${outcome.code}, ${outcome.items.length} keys`;
    case 'lock': {
      const { code, fencingToken, owner, expires } = outcome;
      return `code ${code}, token ${fencingToken}, ${owner?.join(' ') ?? 'no owner'} until ${stamp(expires)}`;
    }
    case 'transaction': {
      const { code, at = ZERO_TIMESTAMP } = outcome;
      return `code ${code} of ${stamp(at)}`;
    }
    case 'sequence': {
      const { code, record, allocation } = outcome;
      const values = allocation && [allocation.start, allocation.end, allocation.count, allocation.revision];
      return `code ${code}, ${values?.join(' ') ?? 'no values'}, ${tellRecord(record)}`;
    }
    case 'hold':
      return `code ${outcome.code}, hold ${outcome.hold} until ${stamp(outcome.expires)}, ${outcome.live} from ${stamp(outcome.floor)}`;
  }
}

function tellRecord(record: SequenceRecord | null): string {
  return record === null ? 'no record' : tellSequence(record, []);
}

/** A write's answer, as told from an index, is what the entry there led to, and the entry is of that request. */
export function checkWritten(
  reference: Reference,
  node: number,
  requestId: string | undefined,
  index: number,
  told: Outcome,
): void {
  const effect = reference.effects[index];
  if (effect === undefined || isPutOff(told)) return;
  const isOther = requestId !== undefined && effect.requestId !== requestId;
  const wrong = isOther
    ? `there stands request ${effect.requestId ?? 'none'}`
    : wrongOutcome(reference, index, told);
  if (wrong === undefined) return;
  broken(
    'answers are true',
    reference,
    `node ${node} answers request ${requestId ?? 'without id'} with ${tell(told)} from index ${index}; ${wrong}`,
  );
}

/** Whether the outcome only says that the client must ask again. */
export function isPutOff(told: Outcome): boolean {
  return told.code === refusalCode(told, 'mustRetry');
}

/** Whether the outcome only says that nothing of the kind may be asked. */
export function isInvalid(told: Outcome): boolean {
  return told.code === refusalCode(told, 'invalidInput');
}

/** Whether the outcome says that the operation failed, for a reason of its own. */
export function isErrored(told: Outcome): boolean {
  return told.code === KeyValueCode.errored;
}

function refusalCode(told: Outcome, why: 'mustRetry' | 'invalidInput'): number {
  if (told.family !== 'sequence') return KeyValueCode[why];
  return SequenceCode[why];
}

/** A read's answer is what there was at the index that it was told from. */
export function checkRead(
  reference: Reference,
  node: number,
  operation: ReadOperation,
  index: number,
  told: Outcome,
): void {
  if (index >= reference.effects.length || isPutOff(told)) return;
  const wrong = wrongAnswer(reference, index, operation, told);
  if (wrong === undefined) return;
  broken(
    'answers are true',
    reference,
    `node ${node} answers a read of ${nameIn(operation)} with ${tell(told)}, from index ${index}; there ${wrong}`,
  );
}

/** Whether the entry at an index is this request's; a read has one only where its answer had to be agreed on. */
export function isOfRequest(
  { effects }: Reference,
  index: number,
  requestId: string | undefined,
  operation: Operation,
): boolean {
  const effect = effects[index];
  // A node reads under an id of its own, whatever its client calls the request.
  if (isRead(operation)) {
    return effect?.read !== undefined && describeOperation(effect.read) === describeOperation(operation);
  }
  return requestId !== undefined && effect?.requestId === requestId && effect.read === undefined;
}

/** A floor that is taken without a command is one that the partition has already, or a newer one. */
export function checkKnownFloor(
  reference: Reference,
  node: number,
  { position }: SetFloorOperation,
  index: number,
): void {
  if (index >= reference.effects.length || hasFloorFrom(reference.pasts, position, index)) return;
  broken(
    'answers are true',
    reference,
    `node ${node} answers from index ${index} that it has a floor from position ${position}; there it has none so new`,
  );
}

/** Values that were given from memory are of a block that the log holds, and nobody else's. */
export function checkGift(
  reference: Reference,
  node: number,
  requestId: string | undefined,
  operation: ReserveSequenceOperation,
  index: number,
  told: SequenceOutcome,
): void {
  if (index >= reference.effects.length || isPutOff(told)) return;
  const wrong = wrongGift(reference.sequences, index, requestId, operation, told);
  if (wrong === undefined) return;
  broken('values are given once', reference, `node ${node}: ${wrong}`);
}
