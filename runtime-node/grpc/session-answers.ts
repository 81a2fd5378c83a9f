/** From the answers about sessions, their locks and scripts to the messages of gRPC. */

import type { RunAnswer, ScriptEntry, SessionAnswer } from '../../core/index.js';
import { timeFields } from './answers.js';
import type { Message } from './message-reader.js';

export function startMessage({ code, id }: SessionAnswer): Message {
  return { Type: code, ...timeFields('TransactionId', id) };
}

/** Of a commit. */
export function endMessage({ code, anchorKey }: SessionAnswer): Message {
  return { Type: code, ...(anchorKey === undefined ? {} : { RecordAnchorKey: anchorKey }) };
}

/** Of taking a lock of a session. */
export function sessionLockMessage({ code, holder }: SessionAnswer): Message {
  return { Type: code, ...timeFields('HolderTransactionId', holder) };
}

/** Of a rollback, and of giving back a lock. */
export function codeMessage({ code }: SessionAnswer): Message {
  return { Type: code };
}

export function runMessage({ code, entries, reason }: RunAnswer, elapsedMs: number): Message {
  return {
    Type: code,
    ...(reason === undefined ? {} : { Reason: reason }),
    Values: entries.map(entryFields),
    TimeElapsedMs: elapsedMs,
  };
}

function entryFields({ key, value, revision, expires, lastModified }: ScriptEntry): Message {
  return {
    ...(key === undefined ? {} : { Key: key }),
    ...(value === undefined ? {} : { Value: value }),
    Revision: revision,
    ...timeFields('Expires', expires),
    ...timeFields('LastModified', lastModified),
  };
}
