/**
 * From a key/value request to the operation that it asks for (REST specification, section 6).
 *
 * Where Kahuna's defaults surprise, ours differ, and say so: an omitted `durability` means persistent, an omitted
 * `revision` means the newest, a null `value` is a value, and no flag at all is a plain set. gRPC cannot tell an omitted
 * number from 0, so there they mean what 0 means. `readMode` is our own.
 */

import {
  SetFlag,
  type KeyValueOperation,
  type KeyValueRead,
  type Revision,
  type Timestamp,
} from '../../../core/index.js';
import { INT32, INT64, type RequestReader } from '../request-reader.js';
import {
  askedUnless,
  problemWithDurability,
  problemWithTimestamp,
  readDurability,
  readReadTimestamp,
  readReadMode,
  readRequestId,
  storageOf,
  refused,
  type Asked,
} from './asked.js';
import { readSession, type InSession } from './session.js';

const NEWEST = -1;

/** @throws BadRequest, as all of these do. */
export function readSet(reader: RequestReader): Asked {
  const expiresMs = reader.integer('expiresMs', INT32, 0);
  return finish(
    reader,
    {
      type: 'Set',
      key: reader.text('key'),
      value: reader.bytes('value'),
      flags: reader.integer('flags', INT32, SetFlag.none),
      compareValue: reader.bytes('compareValue'),
      // The core says what it does not accept; its own constructor would take that for a broken invariant.
      compareRevision: reader.integer('compareRevision', INT64, 0) as Revision,
      ...(expiresMs === 0 ? {} : { expiresMs }),
    },
    expiresMs < 0 ? `expiresMs must not be negative, but is ${expiresMs}` : undefined,
  );
}

/** @param session that of the batch, where it is one of its rows. */
export function readDelete(reader: RequestReader, session = readSession(reader)): Asked {
  return finish(reader, { type: 'Delete', key: reader.text('key') }, undefined, session);
}

export function readExtend(reader: RequestReader): Asked {
  const expiresMs = reader.integer('expiresMs', INT32, 0);
  const problem = expiresMs > 0 ? undefined : `expiresMs must be 1 or more, but is ${expiresMs}`;
  return finish(reader, { type: 'Extend', key: reader.text('key'), expiresMs }, problem);
}

export function readGet(reader: RequestReader): Asked {
  return readPoint(reader, 'Get', readReadTimestamp(reader));
}

export function readExists(reader: RequestReader): Asked {
  return readPoint(reader, 'Exists', readReadTimestamp(reader));
}

/** One read of a key, alone or as a row of a batch, which has one timestamp for all. */
export function readPoint(reader: RequestReader, type: 'Get' | 'Exists', at: Timestamp | undefined): Asked {
  const key = reader.text('key');
  const mode = readReadMode(reader);
  const revision = reader.integer('revision', INT64, NEWEST);
  const operation: KeyValueRead = {
    type,
    key,
    ...(typeof mode === 'string' && mode !== 'linearizable' ? { mode } : {}),
    ...(revision === NEWEST ? {} : { revision: revision as Revision }),
    ...(at === undefined ? {} : { at }),
  };
  return finish(reader, operation, typeof mode === 'string' ? problemWithTime(revision, at) : mode.reason);
}

function problemWithTime(revision: number, at: Timestamp | undefined): string | undefined {
  if (revision < NEWEST || !Number.isSafeInteger(revision))
    return `revision must be ${NEWEST} (the newest) or more, but is ${revision}`;
  if (at === undefined) return undefined;
  if (revision !== NEWEST)
    return `either a revision or a readTimestamp, not both; with a readTimestamp send revision ${NEWEST}`;
  return problemWithTimestamp(at);
}

/** What all operations have in common. The rules for keys, values and flags are the core's own. */
function finish(
  reader: RequestReader,
  bare: KeyValueOperation,
  problem?: string,
  session: InSession | string | undefined = readSession(reader),
): Asked {
  const durability = readDurability(reader);
  const operation: KeyValueOperation = { ...bare, ...storageOf(durability) };
  const requestId = readRequestId(reader);
  const refusal = problem ?? problemWithDurability(durability);
  if (typeof session === 'string') return refused(operation, session);
  if (session === undefined || refusal !== undefined) return askedUnless(refusal, operation, requestId);
  return { type: 'InSession', session, operation };
}
