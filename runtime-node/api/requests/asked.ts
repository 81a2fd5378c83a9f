/** What a request was found to ask, and what requests of all families have in common. */

import type {
  ClientCall,
  KeyValueOperation,
  NodeId,
  Operation,
  ReadMode,
  RequestId,
  Timestamp,
} from '../../../core/index.js';
import { READ_MODES } from '../../../core/index.js';
import { INT32, type RequestReader } from '../request-reader.js';
import type { InSession } from './session.js';

export type Asked =
  | { readonly type: 'Request'; readonly request: ClientCall }
  /** As part of a transaction. */
  | { readonly type: 'InSession'; readonly session: InSession; readonly operation: KeyValueOperation }
  /** Understood, but not to be done: the outcome code for bad input, with this reason. */
  | { readonly type: 'Refused'; readonly operation: Operation; readonly reason: string };

export const EPHEMERAL = 0;
export const PERSISTENT = 1;

/**
 * The storage class that is asked for. One that is left out is persistent where the wire can tell (JSON); in gRPC,
 * where it cannot, 0 is ephemeral.
 */
export function readDurability(reader: RequestReader): number {
  return reader.integer('durability', INT32, PERSISTENT);
}

export function problemWithDurability(durability: number): string | undefined {
  return durability === EPHEMERAL || durability === PERSISTENT
    ? undefined
    : `durability must be ${EPHEMERAL} (ephemeral) or ${PERSISTENT} (persistent), but is ${durability}`;
}

/** What marks an operation on an object that lives in memory alone. */
export function storageOf(durability: number): { readonly ephemeral?: true } {
  return durability === EPHEMERAL ? { ephemeral: true } : {};
}

/** The client's name for the operation, where it gives one; of locks and sequences only our own client does. */
export function readRequestId(reader: RequestReader): RequestId | undefined {
  const high = reader.uint64('operationIdHigh');
  const low = reader.uint64('operationIdLow');
  return high === '0' && low === '0' ? undefined : (`c:${high}:${low}` as RequestId);
}

/** Above every node's. */
const ANY_NODE = (2 ** 31 - 1) as NodeId;

/**
 * The time to read at; undefined for now. Clients that mean a whole millisecond name no node, since they know of none: then
 * whatever any node did at that time belongs to it.
 */
export function readReadTimestamp(reader: RequestReader): Timestamp | undefined {
  const at = reader.timestamp('readTimestamp');
  return at === undefined ? undefined : ofAnyNode(at);
}

export function ofAnyNode(at: Timestamp): Timestamp {
  return at.node === 0 ? { ...at, node: ANY_NODE } : at;
}

export function problemWithTimestamp({ node, wall, counter }: Timestamp): string | undefined {
  const isSound = [node, wall, counter].every((part) => Number.isSafeInteger(part) && part >= 0);
  return isSound ? undefined : 'readTimestamp: its parts must be whole numbers from 0 to 2^53';
}

/** @returns a reason when the mode is not known. `readMode` is our own; one that is left out means linearizable. */
export function readReadMode(reader: RequestReader): ReadMode | { readonly reason: string } {
  const name = reader.text('readMode');
  if (name === '') return 'linearizable';
  const mode = READ_MODES.find((known) => known === name);
  return (
    mode ?? { reason: `readMode must be one of ${READ_MODES.join(', ')}, but is ${JSON.stringify(name)}` }
  );
}

export function operationIn(asked: Asked): Operation {
  return asked.type === 'Request' ? asked.request.operation : asked.operation;
}

export function refused(operation: Operation, reason: string): Asked {
  return { type: 'Refused', operation, reason };
}

/** The request, unless there is a reason against it. */
export function askedUnless(reason: string | undefined, operation: Operation, requestId?: RequestId): Asked {
  if (reason !== undefined) return refused(operation, reason);
  return {
    type: 'Request',
    request: requestId === undefined ? { operation } : { requestId, operation },
  };
}
