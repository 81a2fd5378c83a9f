/** What locks must be like after each committed command (lock specification, sections 3 to 5), and which answers are true. */

import {
  compareTimestamps,
  LockCode,
  ZERO_TIMESTAMP,
  type GetLockOperation,
  type LockEntry,
  type LockOutcome,
  type LockWrite,
  type Outcome,
  type Timestamp,
} from '../../../core/index.js';
import { later, type Moment } from './keys.js';
import { latest, put, sameBytes, stateAt, type Timeline } from './timeline.js';

export interface LockFact {
  readonly owner: Uint8Array | null;
  readonly token: number;
  readonly expiresMs: number;
  readonly armedAt: number;
  readonly expires: Timestamp;
  readonly lapsed: boolean;
}

export type Locks = Timeline<LockFact>;

export function writeLock(locks: Locks, moment: Moment, operation: LockWrite): LockOutcome {
  const now = latest(locks, operation.resource);
  const isHeld = now !== undefined && now.owner !== null && !now.lapsed;
  const isOwn = now !== undefined && sameBytes(now.owner, operation.owner);
  const { index, stampedAt } = moment;
  switch (operation.type) {
    case 'AcquireLock': {
      if (isHeld) return isOwn ? told(LockCode.locked, now.token, now.expires) : told(LockCode.busy);
      const { owner, expiresMs } = operation;
      const expires = later(stampedAt, expiresMs);
      const token = (now?.token ?? -1) + 1;
      moment.stamp();
      put(locks, operation.resource, index, {
        owner,
        token,
        expiresMs,
        armedAt: index,
        expires,
        lapsed: false,
      });
      return told(LockCode.locked, token, expires);
    }
    case 'ExtendLock': {
      if (!isHeld) return told(LockCode.lockDoesNotExist);
      if (!isOwn) return told(LockCode.invalidOwner);
      const { expiresMs } = operation;
      const expires = later(stampedAt, expiresMs);
      moment.stamp();
      put(locks, operation.resource, index, { ...now, expiresMs, armedAt: index, expires });
      return told(LockCode.extended, now.token, expires);
    }
    case 'ReleaseLock': {
      // Whether the lease is over is not asked: until somebody takes it, its last owner may give it back.
      if (now === undefined || now.owner === null) return told(LockCode.lockDoesNotExist);
      if (!isOwn) return told(LockCode.invalidOwner);
      moment.stamp();
      put(locks, operation.resource, index, { ...now, ...NO_LEASE, owner: null, lapsed: false });
      return told(LockCode.unlocked);
    }
  }
}

const NO_LEASE = { expiresMs: 0, armedAt: 0, expires: ZERO_TIMESTAMP };

/** A lease has come to its end, if it is still the one that was armed there. */
export function endLock(locks: Locks, moment: Moment, resource: string, armedAt: number): void {
  const now = latest(locks, resource);
  if (now === undefined || now.owner === null || now.lapsed || now.armedAt !== armedAt) return;
  moment.stamp();
  put(locks, resource, moment.index, { ...now, ...NO_LEASE, lapsed: true });
}

function told(code: LockCode, fencingToken = 0, expires: Timestamp = ZERO_TIMESTAMP): LockOutcome {
  return { family: 'lock', code, fencingToken, owner: null, expires };
}

/** What a replica holds of a lock departs so from what it must; undefined when it does not. */
export function wrongLock(fact: LockFact | undefined, found: LockEntry | undefined): string | undefined {
  if (fact === undefined && found === undefined) return undefined;
  const same =
    fact !== undefined &&
    found !== undefined &&
    found.fencingToken === fact.token &&
    sameBytes(found.owner, fact.owner) &&
    found.lapsed === fact.lapsed &&
    found.expiresMs === fact.expiresMs &&
    found.armedAt === fact.armedAt &&
    compareTimestamps(found.expires, fact.expires) === 0;
  if (same) return undefined;
  const seen = found && { ...found, token: found.fencingToken };
  return `${tellLock(seen)}, but it must be ${tellLock(fact)}`;
}

export function tellLock(fact: LockFact | undefined): string {
  if (fact === undefined) return 'never held';
  const { owner, token, expiresMs, armedAt, lapsed } = fact;
  if (owner === null) return `free after token ${token}`;
  const lease = lapsed ? 'over' : `${expiresMs} ms from index ${armedAt} on`;
  return `held by [${owner.join(' ')}] with token ${token} (${lease})`;
}

/** What is wrong with an answer to a question for the holder at an index; undefined for nothing. */
export function wrongLockRead(
  locks: Locks,
  index: number,
  { resource }: GetLockOperation,
  outcome: Outcome,
): string | undefined {
  if (outcome.family !== 'lock') return 'no outcome of a lock';
  const fact = stateAt(locks, resource, index);
  const isHeld = fact !== undefined && fact.owner !== null && !fact.lapsed;
  const { code, fencingToken, owner, expires } = outcome;
  const same = isHeld
    ? code === LockCode.got &&
      fencingToken === fact.token &&
      sameBytes(owner, fact.owner) &&
      compareTimestamps(expires, fact.expires) === 0
    : code === LockCode.lockDoesNotExist && fencingToken === 0 && owner === null;
  return same ? undefined : `it was ${tellLock(fact)}`;
}
