/**
 * An outbox: messages that may leave only when a write is durable. For machines that say what they have promised.
 *
 * An immutable value, to be kept in a machine's state.
 */

import type { Persist, Send, StorageChange } from './machine.js';
import { writeNumber, type NodeId, type WriteNumber } from './units.js';

export interface Outbox<Message> {
  /** Writes issued so far. */
  readonly writes: number;
  /** What waits, oldest first. */
  readonly held: readonly { readonly write: number; readonly to: NodeId; readonly message: Message }[];
}

export const EMPTY_OUTBOX: Outbox<never> = { writes: 0, held: [] };

/** A durable write, and a message that waits for it and for all earlier ones; without a message only the write. */
export function writeThenSend<Message, Stored>(
  outbox: Outbox<Message>,
  changes: readonly StorageChange<Stored>[],
  to?: NodeId,
  message?: Message,
): { readonly outbox: Outbox<Message>; readonly effect: Persist<Stored> } {
  const write = outbox.writes + 1;
  const held = to === undefined || message === undefined ? [] : [{ write, to, message }];
  return {
    outbox: { writes: write, held: [...outbox.held, ...held] },
    effect: { type: 'Persist', write: writeNumber(write), changes },
  };
}

/** What may leave now that this write and all earlier ones are durable. */
export function release<Message>(
  outbox: Outbox<Message>,
  through: WriteNumber,
): { readonly outbox: Outbox<Message>; readonly effects: readonly Send<Message>[] } {
  const free = outbox.held.filter(({ write }) => write <= through);
  return {
    outbox: { ...outbox, held: outbox.held.filter(({ write }) => write > through) },
    effects: free.map(({ to, message }) => ({ type: 'Send', to, messages: [message] })),
  };
}
