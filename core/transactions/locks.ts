/** The locks of a session, as it knows of them: the leaders of the partitions hold them, and may have lost them. */

import { emptyOrderedMap, mapDelete, mapForEach, mapGet, mapSet } from '../collections/ordered-map.js';
import { monotonicMs } from '../machine/units.js';
import { KeyValueCode } from '../partition/command.js';
import {
  LINE_MS,
  type CommittedKey,
  type LockNeed,
  type Participant,
  type TransactionId,
} from '../partition/transaction-command.js';
import type { LockInTransaction, SessionOperation, UnlockInTransaction } from './calls.js';
import { baseOf, sameBase } from './key-view.js';
import { RENEW_EVERY_MS, SESSION_LEASE_MS, type HeldLock, type KeyView } from './session-state.js';
import {
  ask,
  nameOfParticipant,
  participantOfLock,
  saveView,
  viewOf,
  type InSpace,
  type SessionTurn,
} from './session-turn.js';

type Wanted = Pick<LockInTransaction, 'need' | 'also' | 'leaseMs' | 'once' | 'ephemeral'>;

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
  wanted: Wanted,
): void {
  const { session } = turn;
  const { need, leaseMs, once } = wanted;
  const space = spaceOf(wanted);
  const participant = participantOfLock(turn, need, space);
  const needs = needsOf(wanted);
  const isShownMore = needs.some((each) => {
    if (each.type !== 'KeyLock') return false;
    const view = viewOf(turn, each.key, space);
    return view === undefined || (session.options.locking === 'optimistic' && restsOnBase(view));
  });
  session.lockedAt = mapSet(session.lockedAt, nameOfParticipant(participant), participant);
  ask(
    turn,
    { type: 'ForOperation', operationId, operation, step: 'Lock' },
    {
      type: 'AcquireTransactionLocks',
      ...participant,
      transaction: session.id,
      needs,
      leaseMs: leaseMs === 0 ? SESSION_LEASE_MS : leaseMs,
      ...(once && { once }),
      ...(isShownMore && { show: true }),
    },
  );
}

/** What the operation wanted to lock is locked now, and this is committed under it. */
export function lockTaken(
  turn: SessionTurn,
  operation: SessionOperation,
  keys: readonly CommittedKey[] = NO_KEYS,
): void {
  const wanted = wantedBy(operation);
  const { need, leaseMs } = wanted;
  const space = spaceOf(wanted);
  const participant = participantOfLock(turn, need, space);
  for (const each of needsOf(wanted)) oneTaken(turn, each, leaseMs, participant);
  if (keys.length === 0) return;
  const { session } = turn;
  const shown = session.nextAsk;
  session.nextAsk = shown + 1;
  for (const { key, outcome } of keys) {
    const known = viewOf(turn, key, space);
    if (known !== undefined) {
      if (restsOnBase(known) && !sameBase(known.base, baseOf(outcome))) {
        saveView(turn, { ...known, moved: true });
      }
      continue;
    }
    const view = { key, participant, base: baseOf(outcome), observed: false, shown };
    const isTold = outcome.code === KeyValueCode.got && session.keys.size < MAX_SHOWN_VALUES;
    saveView(turn, isTold ? { ...view, committed: outcome.value } : view);
  }
}

/** Whether the transaction was told what is committed of the key, and has not written it since: then it must still be so. */
function restsOnBase({ observed, staged }: KeyView): boolean {
  return observed && staged === undefined;
}

/** Of so many keys a session keeps the values that it was shown. */
const MAX_SHOWN_VALUES = 1_024;

const NO_KEYS: readonly CommittedKey[] = [];

function oneTaken(turn: SessionTurn, need: LockNeed, leaseMs: number, participant: Participant): void {
  const { session, context } = turn;
  const name = nameOfLock(need, participant);
  const wasHeld = holds(turn, need, participant);
  // A lock that lasts as long as the session is not cut short by a later wish for less.
  const lasts = leaseMs === 0 || (wasHeld && mapGet(session.locks, name)?.until === undefined);
  const held: HeldLock = lasts
    ? { need, participant }
    : { need, participant, until: monotonicMs(context.now.monotonic + leaseMs) };
  session.locks = mapSet(session.locks, name, held);
  delete session.waits;
  if (lasts) session.renewAt ??= monotonicMs(context.now.monotonic + RENEW_EVERY_MS);
  // What an earlier lock has shown may have changed since that was given up.
  if (need.type !== 'KeyLock' || wasHeld) return;
  const view = viewOf(turn, need.key, participant);
  if (view?.shown !== undefined) saveView(turn, withoutShown(view));
}

function withoutShown({ shown: _shown, committed: _committed, ...view }: KeyView): KeyView {
  return view;
}

/** Whether what the lock has shown of the key is still so, for all that the session knows. */
export function isShown(turn: SessionTurn, { key, shown, participant }: KeyView): boolean {
  return shown !== undefined && holds(turn, { type: 'KeyLock', key }, participant);
}

function needsOf({ need, also }: Wanted): readonly LockNeed[] {
  return also === undefined ? [need] : [need, ...also];
}

function spaceOf({ ephemeral }: InSpace): InSpace {
  return ephemeral === true ? { ephemeral } : {};
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
  return { need: { type: 'KeyLock', key }, leaseMs: 0, ...spaceOf(operation) };
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
  session.renewed = true;
}

/**
 * Gives up all that the session holds, wherever it asked: in the turn in which it is told how it ended. Nobody waits for that: what does
 * not arrive lapses.
 *
 * @param without names of participants that have let go of the locks by themselves, as they do of those of whoever commits there. But what
 * was renewed may have been given anew since.
 */
export function releaseAll(turn: SessionTurn, without: ReadonlySet<string> = NOWHERE): void {
  const { session } = turn;
  mapForEach(session.lockedAt, (name, participant) => {
    if (without.has(name) && session.renewed !== true) return;
    ask(
      turn,
      { type: 'Renewal' },
      { type: 'ReleaseTransactionLocks', ...participant, transaction: session.id },
    );
  });
  session.lockedAt = emptyOrderedMap();
}

const NOWHERE: ReadonlySet<string> = new Set();
