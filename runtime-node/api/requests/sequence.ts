/**
 * From a request about a sequence to the operation that it asks for (REST specification, section 9). Names and
 * idempotency keys are trimmed here, since a sequence is placed by its name; a blank key is none.
 */

import type { Operation } from '../../../core/index.js';
import { INT32, INT64, type RequestReader } from '../request-reader.js';
import { askedUnless, PERSISTENT, readDurability, readRequestId, type Asked } from './asked.js';

/** @throws BadRequest, as all of these do. */
export function readCreate(reader: RequestReader): Asked {
  const maxValue = reader.optionalInteger('maxValue', INT64);
  const blockSize = reader.optionalInteger('blockSize', INT32);
  return finish(reader, {
    type: 'CreateSequence',
    name: readName(reader),
    initialValue: reader.integer('initialValue', INT64, 0),
    increment: reader.integer('increment', INT64, 1),
    ...(maxValue === null ? {} : { maxValue }),
    ...(blockSize === null ? {} : { blockSize }),
  });
}

export function readUpdate(reader: RequestReader): Asked {
  const currentValue = reader.optionalInteger('currentValue', INT64);
  const increment = reader.optionalInteger('increment', INT64);
  const initialValue = reader.optionalInteger('initialValue', INT64);
  const maxValue = reader.optionalInteger('maxValue', INT64);
  const blockSize = reader.optionalInteger('blockSize', INT32);
  const removesMax = reader.flag('removeMaxValue');
  const removesBlock = reader.flag('removeBlockSize');
  const operation: Operation = {
    type: 'UpdateSequence',
    name: readName(reader),
    ...(currentValue === null ? {} : { currentValue }),
    ...(increment === null ? {} : { increment }),
    ...(initialValue === null ? {} : { initialValue }),
    ...(maxValue === null && !removesMax ? {} : { maxValue }),
    ...(blockSize === null && !removesBlock ? {} : { blockSize }),
  };
  let problem: string | undefined;
  if (maxValue !== null && removesMax) problem = 'either maxValue or removeMaxValue, not both';
  if (blockSize !== null && removesBlock) problem = 'either blockSize or removeBlockSize, not both';
  return finish(reader, operation, problem);
}

export function readGetSequence(reader: RequestReader): Asked {
  return finish(reader, { type: 'GetSequence', name: readName(reader) });
}

export function readNext(reader: RequestReader): Asked {
  return finish(reader, { type: 'ReserveSequence', name: readName(reader), count: 1, ...readKey(reader) });
}

export function readReserve(reader: RequestReader): Asked {
  const count = reader.integer('count', INT32, 0);
  return finish(reader, { type: 'ReserveSequence', name: readName(reader), count, ...readKey(reader) });
}

export function readDeleteSequence(reader: RequestReader): Asked {
  return finish(reader, { type: 'DeleteSequence', name: readName(reader) });
}

function readName(reader: RequestReader): string {
  return reader.text('name').trim();
}

function readKey(reader: RequestReader): { readonly idempotencyKey?: string } {
  const idempotencyKey = reader.text('idempotencyKey').trim();
  return idempotencyKey === '' ? {} : { idempotencyKey };
}

/** The rules for names, steps and limits are the core's own. */
function finish(reader: RequestReader, operation: Operation, problem?: string): Asked {
  const durability = readDurability(reader);
  const reason =
    durability === PERSISTENT
      ? problem
      : `sequences are persistent: durability must be ${PERSISTENT}, but is ${durability}`;
  return askedUnless(reason, operation, readRequestId(reader));
}
