/** Sessions, and transactions that are done again until they come through. */

import { randomUUID } from 'node:crypto';

import { SessionCode, type TransactionPriority } from '../../core/transactions/calls.js';
import { unexpectedAnswer } from './ask.js';
import { isWavetankError, WavetankError } from './error.js';
import { persist, sleepUnlessAborted, type CallOptions } from './patience.js';
import type { BeginAsk, ClientPort } from './port.js';
import { createSession, type Session } from './session.js';
import { timestampOf, type Moment } from './values.js';

/** `timeoutMs` and `signal` count for each operation of the session. */
export interface BeginOptions extends CallOptions {
  /** Default `pessimistic`: what is read or written is locked first. */
  readonly locking?: 'pessimistic' | 'optimistic';
  /** How long the session may take, in milliseconds, from when it is admitted. Default 5,000; at most 300,000. */
  readonly lifetimeMs?: number;
  /** How long to wait for what another transaction has locked. Default 3,000, and never longer than the session. */
  readonly lockWaitMs?: number;
  /** How long to wait to be admitted. Default 5,000; at most 30,000. */
  readonly admissionWaitMs?: number;
  /** Read everything as it was then; nothing can be written. */
  readonly at?: Moment;
  /** Refuse writes to ephemeral keys, which a leader may lose. Default false. */
  readonly durable?: boolean;
  /** Answer a commit before everything is settled; it is decided and visible all the same. Default false. */
  readonly asyncRelease?: boolean;
  /** Default `normal`. */
  readonly priority?: TransactionPriority;
}

export interface TransactionOptions extends BeginOptions {
  /** How often it is tried. Default 10. */
  readonly attempts?: number;
}

/**
 * Transactions over any keys, in any partitions.
 *
 * @example
 * ```ts
 * await client.keys.set('accounts/ada', '100');
 * await client.keys.set('accounts/bob', '0');
 *
 * const left = await client.transaction(async (tx) => {
 *   const ada = Number(await tx.getText('accounts/ada'));
 *   const bob = Number(await tx.getText('accounts/bob'));
 *   await tx.set('accounts/ada', `${ada - 30}`);
 *   await tx.set('accounts/bob', `${bob + 30}`);
 *   return ada - 30;
 * });
 * console.log(left, await client.keys.getText('accounts/bob')); //=> 70 30
 *
 * {
 *   await using session = await client.begin({ locking: 'optimistic' });
 *   await session.set('accounts/ada', '0');
 * } // rolled back here, since it was not committed
 * console.log(await client.keys.getText('accounts/ada')); //=> 70
 * ```
 */
export interface Transactions {
  /** Begins a session, which is rolled back when it is disposed of without a commit. @throws WavetankError */
  begin(options?: BeginOptions): Promise<Session>;
  /**
   * Does the work in a session and commits it, unless the work did so itself or rolled it back. Where it is aborted, or somebody else's
   * lock is in its way, all of it is done again in a new session, after a pause; so the work should do nothing else that counts.
   *
   * @returns what the work gave, of the attempt that came through.
   * @throws WavetankError with `aborted` when no attempt came through; and whatever else the work throws.
   */
  transaction<T>(work: (session: Session) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

const LIFETIME_MS = 5_000;
const LOCK_WAIT_MS = 3_000;
const ATTEMPTS = 10;
/** The pause after the first attempt, in the middle; it doubles, to the longest. */
const MEDIAN_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

export interface TransactionsContext {
  readonly port: ClientPort;
  readonly timeoutMs: number;
  /** Told of what goes wrong where nobody waits for it: at disposal. */
  readonly onBackgroundError: (error: unknown) => void;
}

export function createTransactions({
  port,
  timeoutMs,
  onBackgroundError,
}: TransactionsContext): Transactions {
  async function begin(options: BeginOptions = {}): Promise<Session> {
    const { signal, lifetimeMs = LIFETIME_MS, at } = options;
    const ask = beginAsk(options);
    const common = {
      timeoutMs: options.timeoutMs ?? timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    };
    const settled = await persist(port, ask, common);
    const { code, id, reason } = settled.answer;
    if (code === SessionCode.admissionRefused)
      throw new WavetankError({
        operation: 'Begin of a transaction',
        code: 'admissionRefused',
        reason: reason ?? 'too many are under way',
        attempts: settled.attempts,
        endpoint: settled.endpoint,
      });
    if (code !== SessionCode.set || id === undefined) throw unexpectedAnswer(ask, settled);
    return createSession({
      port,
      handle: { id, coordinatorKey: ask.coordinatorKey },
      near: settled.endpoint,
      ...common,
      lockWaitMs: Math.min(options.lockWaitMs ?? LOCK_WAIT_MS, lifetimeMs > 0 ? lifetimeMs : LIFETIME_MS),
      locksReads: options.locking !== 'optimistic' && at === undefined,
      onBackgroundError,
    });
  }

  async function transaction<T>(
    work: (session: Session) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const { attempts = ATTEMPTS, signal } = options;
    for (let attempt = 1; ; attempt += 1) {
      await using session = await begin(options);
      try {
        const result = await work(session);
        if (session.state === 'open') await session.commit();
        return result;
      } catch (error) {
        if (!isWorthAnother(error)) throw error;
        if (attempt >= attempts) throw gaveUp(attempt, error);
      }
      if (session.state === 'open') await session.rollback().catch(onBackgroundError);
      await sleepUnlessAborted(pauseAfter(attempt), signal);
    }
  }

  return { begin, transaction };
}

function beginAsk(options: BeginOptions): BeginAsk {
  const { locking = 'pessimistic', lifetimeMs = LIFETIME_MS, admissionWaitMs = 0, at } = options;
  const { durable = false, asyncRelease = false, priority = 'normal' } = options;
  return {
    type: 'Begin',
    coordinatorKey: randomUUID(),
    options: {
      locking,
      timeoutMs: lifetimeMs,
      admissionWaitMs,
      readValidation: 'none',
      decisionDurability: durable ? 'durable' : 'bestEffort',
      ...(at === undefined ? {} : { readTimestamp: timestampOf(at) }),
      asyncRelease,
      priority,
    },
  };
}

const AGAIN: readonly string[] = ['aborted', 'mustRetry', 'alreadyLocked'];

/** Nothing of it was done, and it may go better next time. */
function isWorthAnother(error: unknown): error is WavetankError {
  return isWavetankError(error) && AGAIN.includes(error.code) && !error.isOutcomeUnknown;
}

function gaveUp(attempts: number, cause: WavetankError): WavetankError {
  const reason = `gave up after ${attempts} attempts: ${cause.operation}: ${cause.reason}`;
  return new WavetankError({ operation: 'Transaction', code: 'aborted', reason, attempts, cause });
}

/** Half more or less, so that those who met do not meet again. */
function pauseAfter(attempt: number): number {
  return Math.min(LONGEST_PAUSE_MS, MEDIAN_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random()));
}
