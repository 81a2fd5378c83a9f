/** What clients may ask of the sequencer (sequence specification, section 3). Names and keys come trimmed. */

import { utf8Bytes } from '../collections/utf8.js';
import type {
  CreateSequenceOperation,
  ReserveSequenceOperation,
  SequenceOperation,
  UpdateSequenceOperation,
} from './sequence-command.js';
import { brokenText, problemWithName, problemWithPlace } from './validate-name.js';

/** The longest name, in UTF-16 units. */
export const MAX_SEQUENCE_NAME_LENGTH = 1_024;

/** The longest idempotency key, in bytes of UTF-8. */
export const MAX_IDEMPOTENCY_KEY_BYTES = 1_024;

/** The most values in one run, and in one block. */
export const MAX_SEQUENCE_COUNT = 0x7fff_ffff;

export function problemWithSequence(operation: SequenceOperation): string | undefined {
  const { name } = operation;
  const problem = problemWithName('name', name) ?? problemWithPlace('names of sequences', name);
  if (problem !== undefined) return problem;
  if (name.length > MAX_SEQUENCE_NAME_LENGTH) {
    return `the name has ${name.length} characters; at most ${MAX_SEQUENCE_NAME_LENGTH} are allowed`;
  }
  switch (operation.type) {
    case 'CreateSequence':
      return problemWithCreation(operation);
    case 'UpdateSequence':
      return problemWithUpdate(operation);
    case 'ReserveSequence':
      return problemWithReservation(operation);
    case 'DeleteSequence':
    case 'GetSequence':
      return undefined;
  }
}

function problemWithCreation(operation: CreateSequenceOperation): string | undefined {
  const { initialValue, increment, maxValue, blockSize } = operation;
  return (
    problemWithNumber('initialValue', initialValue, -Infinity) ??
    problemWithNumber('increment', increment, 1) ??
    problemWithNumber('maxValue', maxValue, -Infinity) ??
    problemWithNumber('blockSize', blockSize, 1, MAX_SEQUENCE_COUNT) ??
    problemWithOrder(initialValue, maxValue)
  );
}

function problemWithUpdate(operation: UpdateSequenceOperation): string | undefined {
  const { currentValue, increment, initialValue, maxValue, blockSize } = operation;
  if ([currentValue, increment, initialValue, maxValue, blockSize].every((each) => each === undefined)) {
    return 'the update changes nothing';
  }
  return (
    problemWithNumber('currentValue', currentValue, -Infinity) ??
    problemWithNumber('increment', increment, 1) ??
    problemWithNumber('initialValue', initialValue, -Infinity) ??
    problemWithNumber('maxValue', maxValue, -Infinity) ??
    problemWithNumber('blockSize', blockSize, 1, MAX_SEQUENCE_COUNT) ??
    problemWithOrder(initialValue, maxValue)
  );
}

function problemWithReservation({ count, idempotencyKey }: ReserveSequenceOperation): string | undefined {
  const problem = problemWithNumber('count', count, 1, MAX_SEQUENCE_COUNT);
  if (problem !== undefined || idempotencyKey === undefined) return problem;
  if (idempotencyKey === '') return 'the idempotency key is empty';
  if (!idempotencyKey.isWellFormed()) return brokenText('the idempotency key');
  const { length } = utf8Bytes(idempotencyKey);
  if (length <= MAX_IDEMPOTENCY_KEY_BYTES) return undefined;
  return `the idempotency key has ${length} bytes; at most ${MAX_IDEMPOTENCY_KEY_BYTES} are allowed`;
}

function problemWithOrder(initialValue?: number, maxValue?: number | null): string | undefined {
  if (initialValue === undefined || maxValue === undefined || maxValue === null) return undefined;
  return maxValue < initialValue ? `maxValue is ${maxValue}, below initialValue, ${initialValue}` : undefined;
}

function problemWithNumber(
  what: string,
  value: number | null | undefined,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Number.isSafeInteger(value) && value >= least && value <= most) return undefined;
  const range = least === -Infinity ? 'within ±(2^53 - 1)' : `from ${least} to ${most}`;
  return `${what} must be a whole number ${range}, but is ${value}`;
}
