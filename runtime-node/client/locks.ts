/** Locks with leases and fencing tokens. Waiting is done here: the nodes know no queue and no fairness. */

import { randomBytes } from 'node:crypto';

import { LockCode } from '../../core/partition/lock-command.js';
import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import { unexpectedAnswer } from './ask.js';
import { WavetankError, type WavetankErrorCode } from './error.js';
import { spaceOf } from './key-options.js';
import { acquiredLock, refusedLock, type Lock } from './lock.js';
import { persist, signalOf, sleepUnlessAborted, type CallOptions } from './patience.js';
import type { AnswerTo, ClientPort, PointAsk, Settled } from './port.js';

/** Who holds a lock: bytes, or text as UTF-8. */
export type Owner = string | Uint8Array;

export interface LockOptions extends CallOptions {
  /** In the leader's memory alone, and lost with it: its fencing tokens may begin again. */
  readonly ephemeral?: boolean;
}

export interface AcquireOptions extends LockOptions {
  /** The lease, in milliseconds: 1 … 2^31 - 1. */
  readonly expiresMs: number;
  /** How long to wait for a lock that somebody else holds. Default 0: one attempt. */
  readonly waitMs?: number;
  /** Between two attempts, 50 more or less, and never less than 100. Default 250. */
  readonly retryMs?: number;
  /** Default: 32 random hex characters. Whoever gives the owner of a lock that is held has it too. */
  readonly owner?: Owner;
  /** Extends the lease again and again, as long as the lock is not released and the process lives. */
  readonly autoExtend?: boolean;
}

export interface LockInfo {
  readonly owner: Uint8Array;
  readonly fencingToken: number;
  /** When the lease ends, by the clock of the node that granted it; it may last longer. */
  readonly expires: Timestamp;
}

/**
 * Locks.
 *
 * @example
 * ```ts
 * {
 *   await using lock = await client.locks.acquire('jobs/nightly', { expiresMs: 8_000 });
 *   console.log(lock.isAcquired, lock.fencingToken); //=> true 0
 *
 *   const second = await client.locks.acquire('jobs/nightly', { expiresMs: 8_000, waitMs: 200 });
 *   console.log(second.isAcquired); //=> false
 * } // released here
 *
 * console.log(await client.locks.info('jobs/nightly')); //=> undefined
 * ```
 */
export interface Locks {
  /**
   * Resolves with a lock that is not acquired when somebody else holds it until the wait is over. "Try again" is obeyed
   * without end, until the signal: `timeoutMs` only bounds how long nobody may answer at all.
   *
   * @throws WavetankError
   */
  acquire(resource: string, options: AcquireOptions): Promise<Lock>;
  /**
   * Gives a lock that is held a new lease, from now, which may be shorter than what is left of the old one.
   *
   * @returns its fencing token, which stays as it was.
   * @throws WavetankError with `lockDoesNotExist` or `invalidOwner` where there is nothing to extend.
   */
  extend(resource: string, owner: Owner, expiresMs: number, options?: LockOptions): Promise<number>;
  /** False when nobody holds it, or somebody else does. @throws WavetankError */
  release(resource: string, owner: Owner, options?: LockOptions): Promise<boolean>;
  /** Undefined when nobody holds it. @throws WavetankError */
  info(resource: string, options?: LockOptions): Promise<LockInfo | undefined>;
}

/** What release, extend and info are given to come through, where their caller says nothing else. */
const LOCK_TIMEOUT_MS = 30_000;
const PAUSES = { firstPauseMs: 1, longestPauseMs: 10 } as const;
const DEFAULT_RETRY_MS = 250;
const LEAST_RETRY_MS = 100;
const JITTER_MS = 50;
/** For giving back what may have been acquired when nobody wants it any more. */
const GIVE_BACK_MS = 2_000;

export interface LocksContext {
  readonly port: ClientPort;
  /** How long nobody may answer an acquisition. */
  readonly timeoutMs: number;
  /** Told of what goes wrong where nobody waits for it: at disposal, and while a lease is extended. */
  readonly onBackgroundError: (error: unknown) => void;
}

export function createLocks({ port, timeoutMs, onBackgroundError }: LocksContext): Locks {
  const locks: Locks = {
    async acquire(resource, options) {
      const { expiresMs, waitMs = 0, retryMs = DEFAULT_RETRY_MS, signal, owner = newOwner() } = options;
      if (waitMs > 0 && !(retryMs > 0)) {
        const reason = `retryMs must be above 0 where waitMs is given, but is ${retryMs}`;
        throw new WavetankError({ operation: `AcquireLock ${resource}`, code: 'invalidInput', reason });
      }
      const ask = {
        type: 'AcquireLock',
        resource,
        owner: ownerBytes(owner),
        expiresMs,
        ...spaceOf(options),
      } as const;
      const patience = { isPatient: true, timeoutMs: options.timeoutMs ?? timeoutMs, ...PAUSES };
      const waitUntil = performance.now() + waitMs;
      // Timers may be early by a part of a millisecond, so the clock does not tell which attempt is the last.
      let isLast = waitMs <= 0;
      for (;;) {
        const settled = await persist(port, ask, { ...patience, ...signalOf(signal) }).catch(
          (error: unknown) => {
            giveBack(error, resource, options, owner);
            throw error;
          },
        );
        const { code, fencingToken } = settled.answer;
        if (code === LockCode.locked) {
          const { startedAt } = settled;
          return acquiredLock({
            locks,
            resource,
            owner,
            fencingToken,
            startedAt,
            options,
            onBackgroundError,
          });
        }
        if (code !== LockCode.busy) throw unexpectedAnswer(ask, settled);
        const leftMs = waitUntil - performance.now();
        if (isLast || leftMs <= 0) return refusedLock(resource);
        const pauseMs = retryPause(retryMs);
        isLast = pauseMs >= leftMs;
        await sleepUnlessAborted(Math.min(leftMs, pauseMs), signal);
      }
    },
    async extend(resource, owner, expiresMs, options = {}) {
      const fields = { resource, owner: ownerBytes(owner), expiresMs, ...spaceOf(options) };
      const ask = { type: 'ExtendLock', ...fields } as const;
      const settled = await point(ask, options);
      if (settled.answer.code !== LockCode.extended) throw refusal(ask, settled);
      return settled.answer.fencingToken;
    },
    async release(resource, owner, options = {}) {
      const ask = { type: 'ReleaseLock', resource, owner: ownerBytes(owner), ...spaceOf(options) } as const;
      const settled = await point(ask, options);
      const { code } = settled.answer;
      if (code === LockCode.unlocked) return true;
      // An earlier attempt, whose answer was lost, may have been the one that released it.
      if (code === LockCode.lockDoesNotExist) return settled.wasUncertain;
      if (code === LockCode.invalidOwner) return false;
      throw unexpectedAnswer(ask, settled);
    },
    async info(resource, options = {}) {
      const ask = { type: 'GetLock', resource, ...spaceOf(options) } as const;
      const settled = await point(ask, options);
      const { code, owner, fencingToken, expires } = settled.answer;
      if (code === LockCode.lockDoesNotExist) return undefined;
      if (code !== LockCode.got || owner === null) throw unexpectedAnswer(ask, settled);
      return { owner, fencingToken, expires };
    },
  };

  function point<A extends PointAsk>(ask: A, options: LockOptions): Promise<Settled<A>> {
    return persist(port, ask, { timeoutMs: LOCK_TIMEOUT_MS, ...PAUSES, ...options });
  }

  /** An owner of our own making is known to nobody: what it may hold would stay locked until the lease ends. */
  function giveBack(error: unknown, resource: string, options: AcquireOptions, owner: Owner): void {
    const isUnknown = error instanceof WavetankError && error.isOutcomeUnknown;
    if (!isUnknown || options.owner !== undefined || port.isClosed()) return;
    locks.release(resource, owner, { ...spaceOf(options), timeoutMs: GIVE_BACK_MS }).catch(onBackgroundError);
  }

  return locks;
}

function newOwner(): string {
  return randomBytes(16).toString('hex');
}

export function ownerBytes(owner: Owner): Uint8Array {
  return typeof owner === 'string' ? new TextEncoder().encode(owner) : owner;
}

function retryPause(retryMs: number): number {
  return Math.max(LEAST_RETRY_MS, retryMs - JITTER_MS + 2 * JITTER_MS * Math.random());
}

const REFUSALS: Readonly<Record<number, readonly [WavetankErrorCode, string]>> = {
  [LockCode.lockDoesNotExist]: ['lockDoesNotExist', 'nobody holds it'],
  [LockCode.invalidOwner]: ['invalidOwner', 'somebody else holds it'],
};

function refusal(ask: PointAsk, settled: Settled<PointAsk>): WavetankError {
  const { answer, attempts, endpoint } = settled;
  const known = REFUSALS[(answer as AnswerTo<PointAsk>).code];
  if (known === undefined) return unexpectedAnswer(ask, settled);
  const [code, reason] = known;
  const operation = 'resource' in ask ? `${ask.type} ${ask.resource}` : ask.type;
  return new WavetankError({ operation, code, reason, attempts, endpoint });
}
