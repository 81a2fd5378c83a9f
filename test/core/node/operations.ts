/** Operations for the tests of what has an end, is ephemeral, or is reserved. */

import type {
  ClientAnswer,
  ClientCall,
  Lapse,
  Operation,
  RequestId,
} from '../../../core/partition/command.js';
import { decodeCommand } from '../../../core/wire/index.js';
import { radixGet } from '../../../core/collections/radix-array.js';
import type { Command } from '../../../core/partition/command.js';
import { set, type TestNode } from './support.js';

/** With the default drift of 5 %, a lease of 950 ms is over after 1050 ms by the leader's clock, and not before. */
export const LEASE_MS = 950;
export const LEASE_BY_LEADER_MS = 1_050;

export function call(operation: Operation, requestId?: string): ClientCall {
  return requestId === undefined ? { operation } : { operation, requestId: requestId as RequestId };
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function acquire(owner: string, expiresMs = LEASE_MS, resource = 'r'): ClientCall {
  return call({ type: 'AcquireLock', resource, owner: bytes(owner), expiresMs });
}

export function extendLock(owner: string, expiresMs = LEASE_MS, resource = 'r'): ClientCall {
  return call({ type: 'ExtendLock', resource, owner: bytes(owner), expiresMs });
}

export function release(owner: string, resource = 'r'): ClientCall {
  return call({ type: 'ReleaseLock', resource, owner: bytes(owner) });
}

export function getLock(resource = 'r'): ClientCall {
  return call({ type: 'GetLock', resource });
}

/** A set with a time to live. */
export function setFor(expiresMs: number, key: string, text = 'v'): ClientCall {
  const { operation } = set(key, text);
  return operation.type === 'Set' ? { operation: { ...operation, expiresMs } } : { operation };
}

export function ephemeral(
  { operation, requestId }: ClientCall,
  id: string | undefined = requestId,
): ClientCall {
  return call({ ...operation, ephemeral: true } as Operation, id);
}

export function createSequence(name = 's', more: { blockSize?: number; maxValue?: number } = {}): ClientCall {
  return call({ type: 'CreateSequence', name, initialValue: 0, increment: 1, ...more });
}

export function reserve(count = 1, idempotencyKey?: string, name = 's', requestId?: string): ClientCall {
  const operation: Operation = { type: 'ReserveSequence', name, count };
  return call(idempotencyKey === undefined ? operation : { ...operation, idempotencyKey }, requestId);
}

/** The values that a reservation was given, as `start..end`; its code where it was given none. */
export function valuesOf(answer: ClientAnswer | undefined): string | number | undefined {
  if (answer?.family !== 'sequence') return undefined;
  return answer.allocation === null ? answer.code : `${answer.allocation.start}..${answer.allocation.end}`;
}

/** The commands in a node's log from an index on. */
export function commandsAfter(node: TestNode, index: number, group = 1): readonly Command[] {
  const state = radixGet(node.state.groups, group);
  if (state === undefined) throw new Error(`node ${node.id} has no group ${group}`);
  const { log } = state.raft;
  const entries = Array.from({ length: log.lastIndex - index }, (_, i) =>
    radixGet(log.entries, index + 1 + i),
  );
  return entries.flatMap((entry) => {
    if (entry === undefined || entry.payload.length === 0) return [];
    const command = decodeCommand(entry.payload);
    if (!command.ok) throw new Error(command.reason);
    return [command.value];
  });
}

export function lapsesOf(commands: readonly Command[]): readonly string[] {
  return commands.flatMap(({ lapsed = [] }) => lapsed.map(({ space, name }: Lapse) => `${space} ${name}`));
}
