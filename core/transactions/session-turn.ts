/** A session opened for change: private to the step that opened it. */

import type { Timestamp } from '../clock/hybrid-clock.js';
import { mapGet, mapSet } from '../collections/ordered-map.js';
import { radixSet } from '../collections/radix-array.js';
import { partitionOfKey, partitionOfKeySpace } from '../placement/partition-of-key.js';
import type { LockNeed, Participant } from '../partition/transaction-command.js';
import type { SessionAnswer } from './calls.js';
import type {
  Asked,
  Caller,
  KeyView,
  SessionAsk,
  SessionContext,
  SessionEffect,
  SessionState,
} from './session-state.js';

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

export interface SessionTurn {
  readonly session: Mutable<SessionState>;
  readonly context: SessionContext;
  readonly effects: SessionEffect[];
}

export function openSessionTurn(session: SessionState, context: SessionContext): SessionTurn {
  return { session: { ...session }, context, effects: [] };
}

export function ask(turn: SessionTurn, asked: Asked, operation: SessionAsk): void {
  const { session } = turn;
  const number = session.nextAsk;
  session.nextAsk = number + 1;
  session.asks = radixSet(session.asks, number, asked);
  turn.effects.push({ type: 'Ask', ask: number, operation });
}

export function reply(turn: SessionTurn, caller: Caller, answer: SessionAnswer): void {
  turn.effects.push({ type: 'Reply', caller, answer });
}

/** The time that versions are shown with which are not committed yet. */
export function stampNow({ session, context }: SessionTurn): Timestamp {
  return { node: session.stamp.node, wall: context.now.wall, counter: 0 };
}

export type InSpace = { readonly ephemeral?: true };

export function participantOf({ context }: SessionTurn, key: string, { ephemeral }: InSpace): Participant {
  const group = partitionOfKey(key, context.partitions);
  return ephemeral === true ? { group, ephemeral } : { group };
}

/** The partition that keeps a lock. */
export function participantOfLock(turn: SessionTurn, need: LockNeed, { ephemeral }: InSpace): Participant {
  if (need.type === 'KeyLock') return participantOf(turn, need.key, { ...(ephemeral && { ephemeral }) });
  // Keys that lie directly in a bucket are placed by its name, without the slash.
  const { prefix } = need;
  const keySpace = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  const group = partitionOfKeySpace(keySpace, turn.context.partitions);
  return ephemeral === true ? { group, ephemeral } : { group };
}

/** Both spaces in one order: a key of each may have the same name. */
export function placeOf(key: string, { ephemeral }: InSpace): string {
  return (ephemeral === true ? '~' : ':') + key;
}

export function viewOf({ session }: SessionTurn, key: string, space: InSpace): KeyView | undefined {
  return mapGet(session.keys, placeOf(key, space));
}

export function saveView({ session }: SessionTurn, view: KeyView): void {
  session.keys = mapSet(session.keys, placeOf(view.key, view.participant), view);
}

export function nameOfParticipant({ group, ephemeral }: Participant): string {
  return `${group}${ephemeral === true ? '~' : ''}`;
}
