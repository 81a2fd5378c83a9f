/** What clients may ask: checked where a request enters, so that nothing invalid is ever proposed. */

import {
  ALL_SET_FLAGS,
  OWN_REQUEST_ID_PREFIX,
  RESERVED_KEY_PREFIX,
  type Operation,
  type RequestId,
} from './command.js';

/** The largest value, in bytes: one write must fit into one message. */
export const MAX_VALUE_BYTES = 64 << 20;

/** The longest request id, in UTF-16 units. */
export const MAX_REQUEST_ID_LENGTH = 128;

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
  if (!('key' in operation)) return undefined;
  const { key } = operation;
  if (key.length === 0) return 'the key is empty';
  if (!key.isWellFormed()) return 'the key is not valid Unicode: it holds half of a surrogate pair';
  if (key.startsWith(RESERVED_KEY_PREFIX))
    return `keys that begin with "${RESERVED_KEY_PREFIX}" are reserved`;
  if (operation.type !== 'Set') return undefined;
  const { flags, value, compareValue, compareRevision } = operation;
  if (!Number.isSafeInteger(flags) || flags < 0 || flags > ALL_SET_FLAGS) {
    return `flags must be a sum of the bits 1, 2, 4, 8, 16 and 32, but are ${flags}`;
  }
  if (!Number.isSafeInteger(compareRevision))
    return `compareRevision must be a whole number, but is ${compareRevision}`;
  if (value !== null && value.length > MAX_VALUE_BYTES) return tooLarge('value', value.length);
  if (compareValue !== null && compareValue.length > MAX_VALUE_BYTES) {
    return tooLarge('compareValue', compareValue.length);
  }
  return undefined;
}

function tooLarge(field: string, bytes: number): string {
  return `${field} has ${bytes} bytes; at most ${MAX_VALUE_BYTES} are allowed`;
}
