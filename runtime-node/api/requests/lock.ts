/**
 * From a request about a lock to the operation that it asks for (REST specification, section 5). An owner that is left
 * out counts as an empty one, which no operation accepts.
 */

import type { LockOperation } from '../../../core/index.js';
import { INT32, type RequestReader } from '../request-reader.js';
import {
  askedUnless,
  problemWithDurability,
  readDurability,
  readRequestId,
  storageOf,
  type Asked,
} from './asked.js';

/** @throws BadRequest, as all of these do. */
export function readAcquire(reader: RequestReader): Asked {
  return finish(reader, {
    type: 'AcquireLock',
    resource: reader.text('resource'),
    owner: readOwner(reader),
    expiresMs: reader.integer('expiresMs', INT32, 0),
  });
}

export function readExtendLock(reader: RequestReader): Asked {
  return finish(reader, {
    type: 'ExtendLock',
    resource: reader.text('resource'),
    owner: readOwner(reader),
    expiresMs: reader.integer('expiresMs', INT32, 0),
  });
}

export function readRelease(reader: RequestReader): Asked {
  return finish(reader, {
    type: 'ReleaseLock',
    resource: reader.text('resource'),
    owner: readOwner(reader),
  });
}

export function readGetLock(reader: RequestReader): Asked {
  return finish(reader, { type: 'GetLock', resource: reader.text('resource') });
}

function readOwner(reader: RequestReader): Uint8Array {
  return reader.bytes('owner') ?? new Uint8Array(0);
}

function finish(reader: RequestReader, bare: LockOperation): Asked {
  const durability = readDurability(reader);
  const operation: LockOperation = { ...bare, ...storageOf(durability) };
  const problem = problemWithDurability(durability) ?? problemWithLock(operation);
  return askedUnless(problem, operation, readRequestId(reader));
}

/** Also a rule of the core's; here so that what makes no sense goes nowhere. */
function problemWithLock(operation: LockOperation): string | undefined {
  if (operation.resource === '') return 'the resource is empty';
  if ('owner' in operation && operation.owner.length === 0) return 'the owner is missing or empty';
  if ('expiresMs' in operation && operation.expiresMs <= 0)
    return `expiresMs must be 1 or more, but is ${operation.expiresMs}`;
  return undefined;
}
