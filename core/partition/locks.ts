/**
 * Locks with leases and fencing tokens (lock specification, sections 3 to 5).
 *
 * A lease that has come to its end leaves the lock free from the entry on that says so (`endLock`); its last owner may
 * still give it back as long as nobody took it over. Tokens count on through release and lapse, for ever.
 */

import { ZERO_TIMESTAMP, type Timestamp } from '../clock/hybrid-clock.js';
import { mapGet, mapSet } from '../collections/ordered-map.js';
import { logIndex, type LogIndex } from '../machine/units.js';
import type { Command, Lapse } from './command.js';
import { endOfLease, nextStamp, type Answer, type Change, type Contents } from './contents.js';
import { valuesEqual } from './value-reference.js';
import {
  LockCode,
  type AcquireLockOperation,
  type ExtendLockOperation,
  type GetLockOperation,
  type LockOutcome,
  type LockWrite,
  type ReleaseLockOperation,
} from './lock-command.js';
import type { LockEntry } from './lock-entry.js';

export function writeLock(
  contents: Contents,
  index: LogIndex,
  command: Command,
  operation: LockWrite,
): Change {
  switch (operation.type) {
    case 'AcquireLock':
      return acquire(contents, index, command, operation);
    case 'ExtendLock':
      return extend(contents, index, command, operation);
    case 'ReleaseLock':
      return release(contents, command, operation);
  }
}

/** The first grant has token 0. Who holds the lock already is told so, and the lease goes on as it was. */
function acquire(
  contents: Contents,
  index: LogIndex,
  command: Command,
  { resource, owner, expiresMs }: AcquireLockOperation,
): Change {
  const current = mapGet(contents.locks, resource);
  if (isHeld(current)) {
    const again = valuesEqual(current.owner, owner);
    return { contents, outcome: again ? grant(LockCode.locked, current) : nothing(LockCode.busy) };
  }
  const entry = {
    owner,
    fencingToken: (current?.fencingToken ?? -1) + 1,
    ...lease(index, command, expiresMs),
    lapsed: false,
    lastModified: nextStamp(contents, command.stampedAt),
  };
  return { contents: withLock(contents, resource, entry), outcome: grant(LockCode.locked, entry) };
}

/** The new lease counts from now. One that is over cannot be revived, not even by its owner. */
function extend(
  contents: Contents,
  index: LogIndex,
  command: Command,
  { resource, owner, expiresMs }: ExtendLockOperation,
): Change {
  const current = mapGet(contents.locks, resource);
  if (!isHeld(current)) return { contents, outcome: nothing(LockCode.lockDoesNotExist) };
  if (!valuesEqual(current.owner, owner)) return { contents, outcome: nothing(LockCode.invalidOwner) };
  const entry = {
    ...current,
    ...lease(index, command, expiresMs),
    lastModified: nextStamp(contents, command.stampedAt),
  };
  return { contents: withLock(contents, resource, entry), outcome: grant(LockCode.extended, entry) };
}

/** Whether the lease is over does not matter. */
function release(contents: Contents, command: Command, operation: ReleaseLockOperation): Change {
  const { resource, owner } = operation;
  const current = mapGet(contents.locks, resource);
  if (current === undefined || current.owner === null) {
    return { contents, outcome: nothing(LockCode.lockDoesNotExist) };
  }
  if (!valuesEqual(current.owner, owner)) return { contents, outcome: nothing(LockCode.invalidOwner) };
  const entry = {
    owner: null,
    fencingToken: current.fencingToken,
    ...NO_LEASE,
    lapsed: false,
    lastModified: nextStamp(contents, command.stampedAt),
  };
  return { contents: withLock(contents, resource, entry), outcome: nothing(LockCode.unlocked) };
}

export function readLock(contents: Contents, { resource }: GetLockOperation): Answer {
  const current = mapGet(contents.locks, resource);
  if (!isHeld(current)) return { outcome: nothing(LockCode.lockDoesNotExist) };
  return { outcome: { ...grant(LockCode.got, current), owner: current.owner } };
}

/** A lock whose lease is over is free from here on, if it is still the same lease. */
export function endLock(contents: Contents, { name, armedAt }: Lapse, at: Timestamp): Contents {
  const current = mapGet(contents.locks, name);
  if (!isHeld(current) || current.armedAt !== armedAt) return contents;
  const { owner, fencingToken } = current;
  const lastModified = nextStamp(contents, at);
  return withLock(contents, name, { owner, fencingToken, ...NO_LEASE, lapsed: true, lastModified });
}

function isHeld(entry: LockEntry | undefined): entry is LockEntry & { readonly owner: Uint8Array } {
  return entry !== undefined && entry.owner !== null && !entry.lapsed;
}

const NO_LEASE = { expiresMs: 0, armedAt: logIndex(0), expires: ZERO_TIMESTAMP };

function lease(
  index: LogIndex,
  { stampedAt }: Command,
  expiresMs: number,
): Pick<LockEntry, 'expiresMs' | 'armedAt' | 'expires'> {
  return { expiresMs, armedAt: index, expires: endOfLease(stampedAt, expiresMs) };
}

function withLock(contents: Contents, resource: string, entry: LockEntry): Contents {
  const { keys, locks, sequences, transactions } = contents;
  const changed = mapSet(locks, resource, entry);
  return { keys, locks: changed, sequences, transactions, lastModified: entry.lastModified };
}

function grant(code: LockCode, { fencingToken, expires }: LockEntry): LockOutcome {
  return { family: 'lock', code, fencingToken, owner: null, expires };
}

function nothing(code: LockCode): LockOutcome {
  return { family: 'lock', code, fencingToken: 0, owner: null, expires: ZERO_TIMESTAMP };
}
