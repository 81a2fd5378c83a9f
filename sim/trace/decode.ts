/**
 * From the lines of a trace back to what the machines of our nodes were handed.
 */

import {
  decodeNodeMessage,
  decodeTransactionCall,
  decodeStored,
  monotonicMs,
  nodeId,
  wallMs,
  writeNumber,
  type NodeEvent,
  type NodeMachine,
  type Operation,
  type RequestId,
} from '../../core/index.js';
import { fromBase64 } from './base64.js';
import {
  BYTE_FIELDS,
  type StartLine,
  type TraceEvent,
  type TraceOperation,
  type TurnLine,
} from './record.js';

/** What the machine of a node was started with. @throws Error when a record cannot be read. */
export function decodeBoot({ start, n }: StartLine): Parameters<NodeMachine['start']>[0] {
  return {
    now: { monotonic: monotonicMs(start.monotonic), wall: wallMs(start.wall) },
    entropy: start.entropy,
    incarnation: start.incarnation,
    stored: start.stored.map(([key, value]) => {
      const decoded = decodeStored(bytesOf(value, n));
      if (!decoded.ok)
        throw new Error(`event ${n}: the stored record ${key} cannot be read: ${decoded.reason}`);
      return { key, value: decoded.value };
    }),
  };
}

/** What a node was handed in a turn. @throws Error when a message cannot be read. */
export function decodeTurn({ turn, n }: TurnLine): Parameters<NodeMachine['step']>[1] {
  return {
    now: { monotonic: monotonicMs(turn.monotonic), wall: wallMs(turn.wall) },
    entropy: turn.entropy,
    events: turn.events.map((event) => decodeEvent(event, n)),
    ...(turn.bent === undefined ? {} : { bend: (point: string) => turn.bent?.includes(point) === true }),
  };
}

function decodeEvent(event: TraceEvent, n: number): NodeEvent {
  if ('message' in event) {
    const decoded = decodeNodeMessage(bytesOf(event.message, n));
    if (!decoded.ok)
      throw new Error(`event ${n}: the message from ${event.from} cannot be read: ${decoded.reason}`);
    return { type: 'MessageReceived', from: nodeId(event.from), message: decoded.value };
  }
  if ('admin' in event) {
    return { type: 'RequestReceived', token: event.token, request: { admin: event.admin } };
  }
  if ('transaction' in event) {
    const decoded = decodeTransactionCall(bytesOf(event.transaction, n));
    if (!decoded.ok) throw new Error(`event ${n}: the call cannot be read: ${decoded.reason}`);
    return { type: 'RequestReceived', token: event.token, request: { transaction: decoded.value } };
  }
  if ('token' in event) {
    const operation = decodeOperation(event.operation, n);
    const request =
      event.requestId === null ? { operation } : { requestId: event.requestId as RequestId, operation };
    return { type: 'RequestReceived', token: event.token, request };
  }
  if ('timer' in event) return { type: 'TimerFired' };
  if ('written' in event) return { type: 'WriteCompleted', write: writeNumber(event.written) };
  if ('read' in event) return decodeRead(event, n);
  if ('unread' in event) return { type: 'ReadFailed', read: event.unread, reason: event.reason };
  return { type: 'WriteFailed', write: writeNumber(event.failed), reason: event.reason };
}

function decodeRead({ read, value }: Extract<TraceEvent, { readonly read: number }>, n: number): NodeEvent {
  if (value === null) return { type: 'ReadCompleted', read, value: undefined };
  const decoded = decodeStored(bytesOf(value, n));
  // What was recorded may be what a rotten disk gave: to the node it is as if nothing were there.
  return { type: 'ReadCompleted', read, value: decoded.ok ? decoded.value : undefined };
}

function decodeOperation(operation: TraceOperation, n: number): Operation {
  const fields = Object.entries(operation).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' && BYTE_FIELDS.includes(name) ? bytesOf(value, n) : value,
  ]);
  return Object.fromEntries(fields) as Operation;
}

function bytesOf(text: string, n: number): Uint8Array {
  const bytes = fromBase64(text);
  if (bytes === undefined) throw new Error(`event ${n} of the trace holds bytes that are not base64`);
  return bytes;
}
