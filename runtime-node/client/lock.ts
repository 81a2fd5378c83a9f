/**
 * A lock in the hands of its holder: what it is, how long it is good for by the holder's own clock, and how it is given
 * back.
 *
 * The lease counts from the moment the first attempt to acquire or extend it was sent, so it ends here before it can end
 * anywhere else: the nodes allow for clocks that drift within the bound that they are set to.
 */

import { WavetankError, isWavetankError } from './error.js';
import type { AcquireOptions, LockInfo, LockOptions, Locks, Owner } from './locks.js';

export interface Lock extends AsyncDisposable {
  readonly resource: string;
  readonly isAcquired: boolean;
  /** @throws Error unless it is acquired, as `fencingToken` does too. */
  readonly owner: Owner;
  /** Higher than that of every earlier holder: who writes to what the lock protects can be told apart by it. */
  readonly fencingToken: number;
  /** Aborted when the lock is released, lost, or its lease over by this process's clock; at once where it is not acquired. */
  readonly signal: AbortSignal;
  /** How much of the lease is left, by this process's clock; 0 when it is over. */
  leftMs(): number;
  /** A new lease from now on; as long as the first where none is given. @throws WavetankError */
  extend(expiresMs?: number, options?: LockOptions): Promise<void>;
  /** False when it was held no more. @throws WavetankError */
  release(options?: LockOptions): Promise<boolean>;
  info(options?: LockOptions): Promise<LockInfo | undefined>;
}

export interface AcquiredLock {
  readonly locks: Locks;
  readonly resource: string;
  readonly owner: Owner;
  readonly fencingToken: number;
  /** When the lease was first asked for, by the monotonic clock. */
  readonly startedAt: number;
  readonly options: AcquireOptions;
  readonly onBackgroundError: (error: unknown) => void;
}

/** An extension is due when so much of the lease has passed; two more may then still fail. */
const EXTEND_AFTER = 1 / 3;
/** And when it failed, again after this part of the lease. */
const EXTEND_AGAIN_AFTER = 1 / 10;

export function acquiredLock(acquired: AcquiredLock): Lock {
  const { locks, resource, owner, fencingToken, options, onBackgroundError } = acquired;
  const space: LockOptions = options.ephemeral === true ? { ephemeral: true } : {};
  const lost = new AbortController();
  let expiresMs = options.expiresMs;
  let endsAt = acquired.startedAt + expiresMs;
  let isReleased = false;
  let timer: NodeJS.Timeout | undefined;

  function over(reason: unknown): void {
    clearTimeout(timer);
    lost.abort(reason);
  }

  function leftMs(): number {
    return lost.signal.aborted ? 0 : Math.max(0, endsAt - performance.now());
  }

  function setAlarm(afterMs: number, alarm: () => void): void {
    clearTimeout(timer);
    timer = setTimeout(alarm, Math.max(0, Math.min(afterMs, endsAt - performance.now()))).unref();
  }

  function watch(): void {
    if (lost.signal.aborted) return;
    if (options.autoExtend === true) setAlarm(expiresMs * EXTEND_AFTER - (expiresMs - leftMs()), keep);
    else setAlarm(leftMs(), lapse);
  }

  function lapse(): void {
    if (leftMs() > 0) return watch();
    over(leaseOver(resource));
  }

  function keep(): void {
    if (leftMs() === 0) return lapse();
    void extend(expiresMs, { timeoutMs: leftMs() }).catch((error: unknown) => {
      if (isReleased) return;
      onBackgroundError(error);
      if (!lost.signal.aborted) setAlarm(expiresMs * EXTEND_AGAIN_AFTER, keep);
    });
  }

  async function extend(askedMs: number, extra: LockOptions): Promise<void> {
    const startedAt = performance.now();
    try {
      await locks.extend(resource, owner, askedMs, { ...space, ...extra });
    } catch (error) {
      const isLost =
        isWavetankError(error) && (error.code === 'lockDoesNotExist' || error.code === 'invalidOwner');
      if (isLost) over(error);
      throw error;
    }
    expiresMs = askedMs;
    endsAt = startedAt + askedMs;
    watch();
  }

  async function release(extra: LockOptions = {}): Promise<boolean> {
    isReleased = true;
    over(
      new WavetankError({
        operation: `ReleaseLock ${resource}`,
        code: 'lockDoesNotExist',
        reason: 'released',
      }),
    );
    return locks.release(resource, owner, { ...space, ...extra });
  }

  watch();
  return {
    resource,
    isAcquired: true,
    owner,
    fencingToken,
    signal: lost.signal,
    leftMs,
    extend: (askedMs = options.expiresMs, extra = {}) => extend(askedMs, extra),
    release,
    info: (extra = {}) => locks.info(resource, { ...space, ...extra }),
    async [Symbol.asyncDispose]() {
      if (!isReleased) await release().catch(onBackgroundError);
    },
  };
}

/** What somebody else holds. */
export function refusedLock(resource: string): Lock {
  const refuse = (what: string): never => {
    throw new Error(`${what} of ${resource}: the lock was not acquired; look at isAcquired first`);
  };
  return {
    resource,
    isAcquired: false,
    get owner() {
      return refuse('the owner');
    },
    get fencingToken() {
      return refuse('the fencing token');
    },
    signal: AbortSignal.abort(new Error(`the lock ${resource} was not acquired`)),
    leftMs: () => 0,
    extend: async () => refuse('the lease'),
    release: () => Promise.resolve(false),
    info: async () => refuse('the holder'),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function leaseOver(resource: string): WavetankError {
  return new WavetankError({
    operation: `AcquireLock ${resource}`,
    code: 'lockDoesNotExist',
    reason: "its lease is over by this process's clock",
  });
}
