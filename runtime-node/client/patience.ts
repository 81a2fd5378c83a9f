/**
 * How long a client stays with one question: through nodes that are down, elections and overload, until there is a final
 * answer, its time is over, or the caller wants no more. It keeps count of whether a write may have happened, so that no
 * failure is told as more, or less, than is known.
 */

import { setTimeout as sleep } from 'node:timers/promises';

import { changesSomething, describeAsk, isMustRetry } from './ask.js';
import { WavetankError, type WavetankErrorCode } from './error.js';
import type { Ask, Attempt, ClientPort, Settled } from './port.js';
import { tellTroubles } from './troubles.js';

/** What every method of a client takes. */
export interface CallOptions {
  /** How long to try, repetitions included. */
  readonly timeoutMs?: number;
  /** Ends the operation early, with the code `cancelled`. */
  readonly signal?: AbortSignal;
}

export interface Patience extends CallOptions {
  readonly timeoutMs: number;
  /** Each "try again" of a node starts the time anew: such an operation ends only when nobody answers, or by its signal. */
  readonly isPatient?: boolean;
  /** Whether a write whose answer was lost may be asked again. Default true. */
  readonly mayRepeat?: boolean;
  /** The endpoint to ask first. */
  readonly near?: string;
  /** Pauses between rounds: doubled from the first to the longest. */
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/** The answer, whatever its code, but never "try again". @throws WavetankError */
export async function persist<A extends Ask>(
  port: ClientPort,
  ask: A,
  patience: Patience,
): Promise<Settled<A>> {
  const { timeoutMs, signal, isPatient = false, mayRepeat = true } = patience;
  const operation = describeAsk(ask);
  const startedAt = performance.now();
  const isWrite = changesSomething(ask) && port.isTentative !== true;
  const prepared = port.prepare(ask, patience.near);
  const troubles = new Map<string, string>();
  let deadline = startedAt + timeoutMs;
  let attempts = 0;
  let mayHaveHappened = false;
  let code: WavetankErrorCode = 'unavailable';
  let pauseMs = patience.firstPauseMs ?? FIRST_PAUSE_MS;

  const isEnded = (): boolean => port.isClosed() || isAborted(signal);
  const failed = (why: WavetankErrorCode, reason: string, cause?: unknown): WavetankError =>
    new WavetankError({
      operation,
      code: why,
      reason,
      attempts,
      isOutcomeUnknown: isWrite && mayHaveHappened,
      cause,
    });
  const withTroubles = (why: string): string => {
    const details = tellTroubles(troubles);
    return details === '' ? why : `${why} (${details})`;
  };
  const gaveUp = (why: string): WavetankError => failed(code, withTroubles(why));

  for (;;) {
    for (let tried = 0; tried < port.breadth; tried += 1) {
      if (port.isClosed()) throw failed('closed', 'the client is closed');
      if (isAborted(signal))
        throw failed('cancelled', withTroubles('cancelled by the caller'), signal?.reason);
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw gaveUp(`gave up after ${Math.round(timeoutMs)} ms`);
      attempts += 1;
      const got: Attempt<A> = await prepared.attempt({ timeoutMs: leftMs, mayRepeat, ...signalOf(signal) });
      const { endpoint } = got;
      if (got.type === 'Refused') {
        throw new WavetankError({ operation, code: 'invalidInput', reason: got.reason, attempts, endpoint });
      }
      if (got.type === 'Failed') {
        // An attempt that the deadline cut short says less of a node than what it answered before.
        if (deadline > performance.now() || !troubles.has(endpoint)) troubles.set(endpoint, got.reason);
        mayHaveHappened ||= got.sent;
        if (got.sent && !mayRepeat && isWrite && !isEnded()) throw gaveUp('its answer was lost');
        continue;
      }
      if (!isMustRetry(ask, got.answer)) {
        return {
          answer: got.answer,
          endpoint,
          attempts,
          wasUncertain: isWrite && mayHaveHappened,
          startedAt,
        };
      }
      code = 'mustRetry';
      troubles.set(endpoint, got.answer.reason ?? 'it asks to try again');
      // Of a batch, this answer says that nothing of it was done.
      mayHaveHappened ||= mayRepeat;
      if (isPatient) deadline = performance.now() + timeoutMs;
    }
    if (code === 'unavailable' && !mayHaveHappened && !isEnded()) {
      throw gaveUp('no node can be reached');
    }
    await pause(Math.min(pauseMs, deadline - performance.now()), signal);
    pauseMs = Math.min(pauseMs * 2, patience.longestPauseMs ?? LONGEST_PAUSE_MS);
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Waits, a quarter more or less, so that clients which were turned away together do not come back together. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleepUnlessAborted(ms * (0.75 + Math.random() / 2), signal);
}

/** Ends early, and without an error, when the signal says so. */
export async function sleepUnlessAborted(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms <= 0 || signal?.aborted === true) return;
  await sleep(ms, undefined, signalOf(signal)).catch(() => undefined);
}

export function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
