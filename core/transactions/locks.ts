/** The locks of a session, as it knows of them: the leaders of the partitions hold them, and may have lost them. */

import { emptyOrderedMap, mapDelete, mapForEach, mapGet, mapSet } from '../collections/ordered-map.js';
import { monotonicMs } from '../machine/units.js';
import { LINE_MS, type LockNeed, type TransactionId } from '../partition/transaction-command.js';
import type { LockInTransaction, SessionOperation, UnlockInTransaction } from './calls.js';
import { RENEW_EVERY_MS, SESSION_LEASE_MS, type HeldLock } from './session-state.js';
import {
  ask,
  nameOfParticipant,
  participantOfLock,
  viewOf,
  type InSpace,
  type SessionTurn,
} from './session-turn.js';

type Wanted = Pick<LockInTransaction, 'need' | 'leaseMs' | 'once' | 'ephemeral'>;

function nameOfLock(need: LockNeed, { ephemeral }: InSpace): string {
  const space = ephemeral === true ? '~' : ':';
  if (need.type === 'KeyLock') return `${space}k${need.key}`;
  if (need.type === 'PrefixLock') return `${space}p${need.prefix}`;
  const { prefix, from, to } = need;
  return `${space}r${JSON.stringify([prefix, from?.key, from?.inclusive, to?.key, to?.inclusive])}`;
}

/** Whether the session holds the lock, as far as it knows. */
export function holds({ session, context }: SessionTurn, need: LockNeed, space: InSpace): boolean {
  const held = mapGet(session.locks, nameOfLock(need, space));
  return held !== undefined && (held.until === undefined || held.until > context.now.monotonic);
}

/** Asks for a lock on behalf of an operation. */
export function acquire(
  turn: SessionTurn,
  operationId: string,
  operation: SessionOperation,
  { need, leaseMs, once, ephemeral }: Wanted,
): void {
  const { session } = turn;
  const participant = participantOfLock(turn, need, ephemeral === true ? { ephemeral } : {});
  session.lockedAt = mapSet(session.lockedAt, nameOfParticipant(participant), participant);
  ask(
    turn,
    { type: 'ForOperation', operationId, operation, step: 'Lock' },
    {
      type: 'AcquireTransactionLocks',
      ...participant,
      transaction: session.id,
      needs: [need],
      leaseMs: leaseMs === 0 ? SESSION_LEASE_MS : leaseMs,
      ...(once && { once }),
    },
  );
}

/** The lock that the operation asked for is held now. */
export function lockTaken(turn: SessionTurn, operation: SessionOperation): void {
  const { session, context } = turn;
  const { need, leaseMs } = wantedBy(operation);
  const participant = participantOfLock(turn, need, operation);
  const name = nameOfLock(need, operation);
  // A lock that lasts as long as the session is not cut short by a later wish for less.
  const lasts =
    leaseMs === 0 || (holds(turn, need, operation) && mapGet(session.locks, name)?.until === undefined);
  const held: HeldLock = lasts
    ? { need, participant }
    : { need, participant, until: monotonicMs(context.now.monotonic + leaseMs) };
  session.locks = mapSet(session.locks, name, held);
  delete session.waits;
  if (lasts) session.renewAt ??= monotonicMs(context.now.monotonic + RENEW_EVERY_MS);
}

/** Somebody else's lock is in the way: the session waits for him, unless it asks but once. */
export function lockMissed(
  turn: SessionTurn,
  operationId: string,
  operation: SessionOperation,
  on: TransactionId,
): void {
  const { session, context, effects } = turn;
  if (session.phase.type !== 'Open' || wantedBy(operation).once === true) return;
  session.waits = { on, operationId, until: monotonicMs(context.now.monotonic + LINE_MS) };
  effects.push({ type: 'Waits', on });
}

function wantedBy(operation: SessionOperation): Wanted {
  if (operation.type === 'LockInTransaction') return operation;
  const key = 'key' in operation ? operation.key : '';
  return { need: { type: 'KeyLock', key }, leaseMs: 0 };
}

/** Gives up a lock. False if there is nothing to ask: it is not held, or guards a write and stays until the end. */
export function release(turn: SessionTurn, operationId: string, operation: UnlockInTransaction): boolean {
  const { session } = turn;
  const { need } = operation;
  const name = nameOfLock(need, operation);
  const held = mapGet(session.locks, name);
  if (held === undefined) return false;
  if (need.type === 'KeyLock' && viewOf(turn, need.key, operation)?.staged !== undefined) return false;
  session.locks = mapDelete(session.locks, name);
  ask(
    turn,
    { type: 'ForOperation', operationId, operation, step: 'Unlock' },
    { type: 'ReleaseTransactionLocks', ...held.participant, transaction: session.id, needs: [need] },
  );
  return true;
}

/** Renews all locks that last as long as the session. */
export function renewLocks(turn: SessionTurn): void {
  const { session, context } = turn;
  const byParticipant = new Map<string, HeldLock[]>();
  mapForEach(session.locks, (_, held) => {
    if (held.until !== undefined) return;
    const name = nameOfParticipant(held.participant);
    const others = byParticipant.get(name) ?? [];
    others.push(held);
    byParticipant.set(name, others);
  });
  if (byParticipant.size === 0) {
    delete session.renewAt;
    return;
  }
  for (const held of byParticipant.values()) {
    const { participant } = held[0] as HeldLock;
    ask(
      turn,
      { type: 'Renewal' },
      {
        type: 'AcquireTransactionLocks',
        ...participant,
        transaction: session.id,
        needs: held.map(({ need }) => need),
        leaseMs: SESSION_LEASE_MS,
      },
    );
  }
  session.renewAt = monotonicMs(context.now.monotonic + RENEW_EVERY_MS);
}

/**
 * Gives up all that the session holds, wherever it asked: in the turn in which it is told how it ended. Nobody waits for that: what does
 * not arrive lapses.
 */
export function releaseAll(turn: SessionTurn): void {
  const { session } = turn;
  mapForEach(session.lockedAt, (_, participant) => {
    ask(
      turn,
      { type: 'Renewal' },
      { type: 'ReleaseTransactionLocks', ...participant, transaction: session.id },
    );
  });
  session.lockedAt = emptyOrderedMap();
}
