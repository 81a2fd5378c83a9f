/**
 * From the body of a key/value request to the operation that it asks for (REST specification, section 6).
 *
 * Where Kahuna's defaults surprise, ours differ, and say so: an omitted `durability` means persistent, an omitted
 * `revision` means the newest, a null `value` is a value, and no flag at all is a plain set. `readMode` is our own; an omitted
 * one means linearizable. What this version does
 * not do yet is refused with a reason, and never done halfway.
 */

import {
  READ_MODES,
  type KeyValueOperation,
  type ClientCall,
  type RequestId,
  type Revision,
  SetFlag,
} from '../../core/index.js';
import {
  hasTimestamp,
  INT32,
  INT64,
  readBody,
  readBytes,
  readInteger,
  readString,
  readUint64,
  type Body,
} from './fields.js';

export type ReadRequest =
  | { readonly type: 'Request'; readonly request: ClientCall }
  /** Understood, but not to be done: outcome code 100 with this reason. */
  | { readonly type: 'Refused'; readonly reason: string };

const PERSISTENT = 1;
const EPHEMERAL = 0;
const NEWEST = -1;

/** @throws BadRequest */
export function readSet(text: string): ReadRequest {
  const body = readBody(text);
  const expiresMs = readInteger(body, 'expiresMs', INT32, 0);
  const operation: KeyValueOperation = {
    type: 'Set',
    key: readString(body, 'key'),
    value: readBytes(body, 'value'),
    flags: readInteger(body, 'flags', INT32, SetFlag.none),
    compareValue: readBytes(body, 'compareValue'),
    // The core says what it does not accept; its own constructor would take that for a broken invariant.
    compareRevision: readInteger(body, 'compareRevision', INT64, 0) as Revision,
  };
  if (expiresMs < 0) return refused(`expiresMs must not be negative, but is ${expiresMs}`);
  if (expiresMs > 0) return refused('keys that expire (expiresMs above 0) are not supported yet');
  return finish(body, operation);
}

/** @throws BadRequest */
export function readDelete(text: string): ReadRequest {
  const body = readBody(text);
  return finish(body, { type: 'Delete', key: readString(body, 'key') });
}

/** @throws BadRequest */
export function readGet(text: string): ReadRequest {
  return readRead(readBody(text), 'Get');
}

/** @throws BadRequest */
export function readExists(text: string): ReadRequest {
  return readRead(readBody(text), 'Exists');
}

function readRead(body: Body, type: 'Get' | 'Exists'): ReadRequest {
  const key = readString(body, 'key');
  const name = readString(body, 'readMode');
  const mode = name === '' ? 'linearizable' : READ_MODES.find((known) => known === name);
  const revision = readInteger(body, 'revision', INT64, NEWEST);
  const isSnapshot = hasTimestamp(body, 'readTimestamp');
  if (revision < NEWEST)
    return refused(`revision must be ${NEWEST} (the newest) or more, but is ${revision}`);
  if (revision !== NEWEST)
    return refused('reads of an earlier revision are not supported yet; send revision -1');
  if (isSnapshot) return refused('reads at a timestamp are not supported yet; send a zero readTimestamp');
  if (mode === undefined) {
    return refused(`readMode must be one of ${READ_MODES.join(', ')}, but is ${JSON.stringify(name)}`);
  }
  return finish(body, mode === 'linearizable' ? { type, key } : { type, key, mode });
}

/** What all operations have in common. The rules for keys, values and flags are the core's own. */
function finish(body: Body, operation: KeyValueOperation): ReadRequest {
  const durability = readInteger(body, 'durability', INT32, PERSISTENT);
  const inTransaction = hasTimestamp(body, 'transactionId');
  const high = readUint64(body, 'operationIdHigh');
  const low = readUint64(body, 'operationIdLow');
  if (durability === EPHEMERAL)
    return refused('ephemeral keys (durability 0) are not supported yet; send durability 1');
  if (durability !== PERSISTENT) return refused(`durability must be 0 or 1, but is ${durability}`);
  if (inTransaction) return refused('transactions are not supported yet; send a zero transactionId');
  if (high === '0' && low === '0') return { type: 'Request', request: { operation } };
  return { type: 'Request', request: { requestId: `c:${high}:${low}` as RequestId, operation } };
}

function refused(reason: string): ReadRequest {
  return { type: 'Refused', reason };
}
