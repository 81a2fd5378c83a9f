/**
 * From a request about snapshot holds to the operation that it asks for (REST specification, section 8). What makes no sense is
 * refused by the core's own rules.
 */

import { ZERO_TIMESTAMP } from '../../../core/index.js';
import { INT32, type RequestReader } from '../request-reader.js';
import { askedUnless, readRequestId, type Asked } from './asked.js';

/** @throws BadRequest, as all of these do. */
export function readAcquireHold(reader: RequestReader): Asked {
  return askedUnless(undefined, {
    type: 'AcquireHold',
    holder: reader.text('holderId'),
    timestamp: reader.timestamp('timestamp') ?? ZERO_TIMESTAMP,
    leaseMs: reader.integer('leaseMs', INT32, 0),
  });
}

export function readRenewHold(reader: RequestReader): Asked {
  const hold = reader.text('holdId');
  return askedUnless(undefined, { type: 'RenewHold', hold, leaseMs: reader.integer('leaseMs', INT32, 0) });
}

/** Only our own client names the operation, so that a repetition finds what the first attempt did. */
export function readReleaseHold(reader: RequestReader): Asked {
  const hold = reader.text('holdId');
  return askedUnless(undefined, { type: 'ReleaseHold', hold }, readRequestId(reader));
}

/** There is nothing to read. */
export function readGetFloor(): Asked {
  return askedUnless(undefined, { type: 'GetFloor' });
}
