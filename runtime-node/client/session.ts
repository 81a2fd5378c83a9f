/**
 * A transaction in the hands of a program: reads and writes that take effect together when it is committed, or not at all.
 *
 * A session that is not committed ends by itself, so no write in it is ever in doubt; its commit alone may be.
 */

import { SessionCode, type TransactionHandle } from '../../core/transactions/calls.js';
import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import type { LockNeed } from '../../core/partition/transaction-command.js';
import { describeAsk, unexpectedAnswer } from './ask.js';
import { WavetankError } from './error.js';
import { spaceOf, type SpaceOptions } from './key-options.js';
import { createKeys, type Keys } from './keys.js';
import { persist, sleepUnlessAborted, type CallOptions } from './patience.js';
import type { AskInSession, AttemptLimits, ClientPort, EndAsk, LockAsk } from './port.js';
import { keysOf, needOf, rangeNeed } from './session-needs.js';
import { createSessionPort } from './session-port.js';

/** What can be done with keys in a session, as outside of one. */
export type SessionKeys = Pick<
  Keys,
  | 'set'
  | 'setJson'
  | 'get'
  | 'getText'
  | 'getBytes'
  | 'getJson'
  | 'exists'
  | 'stat'
  | 'delete'
  | 'extend'
  | 'deleteMany'
  | 'getByBucket'
  | 'range'
  | 'iterate'
>;

export type SessionState = 'open' | 'committed' | 'rolledBack' | 'aborted' | 'unknown';

export interface SessionLockOptions extends SpaceOptions {
  /** In milliseconds; as long as the session when absent. */
  readonly leaseMs?: number;
}

export interface RangeLockOptions extends SessionLockOptions {
  /** The first key; from the prefix on when absent. */
  readonly start?: string;
  /** Default true. */
  readonly startInclusive?: boolean;
  /** The last key; to the end of the prefix when absent. */
  readonly end?: string;
  /** Default false. */
  readonly endInclusive?: boolean;
  /** Others may lock it in the same way. Default false. */
  readonly shared?: boolean;
}

/**
 * A transaction. Its reads see its own writes; nobody else sees them before it is committed.
 *
 * In a pessimistic session what is read or written is locked first: a key, a bucket, a range. Somebody else's lock is waited for, and then
 * refused with the code `alreadyLocked`. An optimistic session locks nothing. In both, all that was read is checked when it commits, also
 * that what was not there is still not there: where it is otherwise, `commit` fails with `aborted` and nothing was done.
 */
export interface Session extends SessionKeys, AsyncDisposable {
  readonly id: Timestamp;
  readonly state: SessionState;
  /** Exclusive, until the session ends. @throws WavetankError */
  lock(key: string, options?: SessionLockOptions): Promise<void>;
  /** All keys of a bucket, also those that are not there. @throws WavetankError */
  lockBucket(prefix: string, options?: SessionLockOptions): Promise<void>;
  unlockBucket(prefix: string, options?: SpaceOptions): Promise<void>;
  /** All keys between two bounds, also those that are not there. @throws WavetankError */
  lockRange(prefix: string, options?: RangeLockOptions): Promise<void>;
  /** What was locked with the same bounds. */
  unlockRange(prefix: string, options?: RangeLockOptions): Promise<void>;
  /**
   * All of it takes effect, or nothing: then it fails with `aborted`, and may be done again from the beginning. Any other failure may
   * leave it unknown (`isOutcomeUnknown`).
   *
   * @throws WavetankError
   */
  commit(options?: CallOptions): Promise<void>;
  /**
   * Nothing of it takes effect. Harmless when repeated.
   *
   * @returns false when a commit had already won.
   * @throws WavetankError
   */
  rollback(options?: CallOptions): Promise<boolean>;
}

export interface SessionContext {
  readonly port: ClientPort;
  readonly handle: TransactionHandle;
  readonly near: string;
  readonly timeoutMs: number;
  /** Of everything that is done in it. */
  readonly signal?: AbortSignal;
  readonly lockWaitMs: number;
  /** What is read is locked first. */
  readonly locksReads: boolean;
  readonly onBackgroundError: (error: unknown) => void;
}

/** The node's own wait for locks is none: we ask again. Pauses between attempts to commit. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 250;

const OVER: Readonly<Record<Exclude<SessionState, 'open'>, string>> = {
  committed: 'the transaction is committed: begin another one',
  rolledBack: 'the transaction was rolled back: begin another one',
  aborted: 'the transaction was aborted: begin another one',
  unknown: 'whether the transaction is committed is not known: begin another one',
};

export function createSession(context: SessionContext): Session {
  const { port, handle, near, lockWaitMs, locksReads, onBackgroundError } = context;
  let state: SessionState = 'open';
  /** By what they are; those that failed are asked for anew. */
  const locks = new Map<string, Promise<void>>();

  const sessionPort = createSessionPort(port, {
    handle,
    near,
    lockWaitMs,
    lockFor: (ask, limits) => (locksReads ? lockBefore(ask, limits) : undefined),
    over: () => (state === 'open' ? undefined : OVER[state]),
    onAborted: () => {
      if (state === 'open') state = 'aborted';
    },
  });

  function callOptions<Options extends CallOptions>(
    options: Options | undefined,
  ): Options & { readonly timeoutMs: number } {
    const { timeoutMs, signal } = context;
    const common = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    return { ...common, ...(options as Options) };
  }

  /** A read is repeated where the lock is lost, not the lock. */
  function lockBefore(ask: AskInSession, { timeoutMs, signal }: AttemptLimits): Promise<void> | undefined {
    const need = needOf(ask);
    if (need === undefined) return undefined;
    const ephemeral = 'ephemeral' in ask && ask.ephemeral === true;
    return lockOnce(need, { timeoutMs, ephemeral, ...(signal === undefined ? {} : { signal }) });
  }

  function lockOnce(need: LockNeed, options: SessionLockOptions): Promise<void> {
    const name = JSON.stringify([need, options.ephemeral === true]);
    const known = locks.get(name);
    if (known !== undefined) return known;
    const taken = lock(need, options);
    locks.set(name, taken);
    taken.catch(() => locks.delete(name));
    return taken;
  }

  async function lock(need: LockNeed, options: SessionLockOptions): Promise<void> {
    const { leaseMs = 0 } = options;
    await changeLock(
      { type: 'LockInTransaction', need, leaseMs, ...spaceOf(options) },
      SessionCode.locked,
      options,
    );
  }

  async function unlock(ask: LockAsk, options: CallOptions | undefined): Promise<void> {
    locks.delete(JSON.stringify([ask.need, ask.ephemeral === true]));
    await changeLock(ask, SessionCode.unlocked, options);
  }

  async function changeLock(
    ask: LockAsk,
    done: SessionCode,
    options: CallOptions | undefined,
  ): Promise<void> {
    const settled = await persist(sessionPort, ask, callOptions(options));
    if (settled.answer.code !== done) throw unexpectedAnswer(ask, settled);
  }

  async function commit(options?: CallOptions): Promise<void> {
    let ask: EndAsk = { type: 'Commit', handle };
    if (state !== 'open') throw failure(ask, 'aborted', OVER[state]);
    const { timeoutMs, signal } = callOptions(options);
    const deadline = performance.now() + timeoutMs;
    /** Why a node could not tell; undefined as long as none was asked. */
    let undecided: string | undefined;
    // From here on nobody can say that it is not so, unless a node does.
    state = 'unknown';
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const leftMs = Math.max(1, deadline - performance.now());
      const patience = { timeoutMs: leftMs, near, ...(signal === undefined ? {} : { signal }) };
      const settled = await persist(port, ask, patience).catch((error: unknown) => {
        // The last attempt was cut short by the deadline: what was said before says more.
        if (undecided === undefined || performance.now() < deadline) throw error;
        throw failure(ask, 'mustRetry', undecided, true);
      });
      const { code, anchorKey, reason } = settled.answer;
      switch (code) {
        case SessionCode.committed:
          state = 'committed';
          return;
        case SessionCode.aborted:
        case SessionCode.rolledBack:
          state = 'aborted';
          throw failure(ask, 'aborted', reason ?? 'the transaction was aborted');
        case SessionCode.mustRetry:
          if (anchorKey !== undefined) ask = { ...ask, anchorKey };
          undecided = reason ?? 'it was not decided in time';
          break;
        default:
          throw unexpectedAnswer(ask, settled);
      }
      if (signal?.aborted === true || performance.now() >= deadline)
        throw failure(ask, 'mustRetry', undecided, true);
      await sleepUnlessAborted(pauseMs * (0.5 + Math.random()), signal);
    }
  }

  async function rollback(options?: CallOptions): Promise<boolean> {
    if (state === 'rolledBack' || state === 'aborted') return true;
    if (state === 'committed') return false;
    const wasOpen = state === 'open';
    const ask: EndAsk = { type: 'Rollback', handle };
    if (wasOpen) state = 'rolledBack';
    const settled = await persist(port, ask, { ...callOptions(options), near });
    switch (settled.answer.code) {
      case SessionCode.committed:
        state = 'committed';
        return false;
      case SessionCode.rolledBack:
      case SessionCode.aborted:
        state = 'rolledBack';
        return true;
      default:
        // A node that knows nothing of a session which nobody tried to commit has forgotten it.
        if (wasOpen && settled.answer.code === SessionCode.errored) return true;
        throw unexpectedAnswer(ask, settled);
    }
  }

  const keys = keysOf(createKeys(sessionPort, context.timeoutMs), context.signal);
  return {
    ...keys,
    id: handle.id,
    get state() {
      return state;
    },
    lock: (key, options = {}) => lock({ type: 'KeyLock', key }, options),
    lockBucket: (prefix, options = {}) => lock({ type: 'PrefixLock', prefix }, options),
    unlockBucket: (prefix, options = {}) =>
      unlock(
        { type: 'UnlockInTransaction', need: { type: 'PrefixLock', prefix }, ...spaceOf(options) },
        options,
      ),
    lockRange: (prefix, options = {}) => lock(rangeNeed(prefix, options), options),
    unlockRange: (prefix, options = {}) =>
      unlock({ type: 'UnlockInTransaction', need: rangeNeed(prefix, options), ...spaceOf(options) }, options),
    commit,
    rollback,
    async [Symbol.asyncDispose]() {
      if (state === 'open') await rollback().catch(onBackgroundError);
    },
  };
}

function failure(
  ask: EndAsk,
  code: 'aborted' | 'mustRetry',
  reason: string,
  isOutcomeUnknown = false,
): WavetankError {
  return new WavetankError({ operation: describeAsk(ask), code, reason, isOutcomeUnknown });
}
