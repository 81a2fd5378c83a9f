/**
 * Where the questions of a session go: to the port of its client, as part of the transaction, and first to the node that began it.
 *
 * What somebody else has locked is asked for again, for a while: under the same operation id, so that it keeps its place in line. What
 * says that the transaction cannot go on is thrown, as the error that its caller gets.
 */

import { SessionCode, type TransactionHandle } from '../../core/transactions/calls.js';
import { describeAsk } from './ask.js';
import { WavetankError, type WavetankErrorCode } from './error.js';
import { sleepUnlessAborted } from './patience.js';
import type {
  AnswerTo,
  Ask,
  AskInSession,
  Attempt,
  AttemptLimits,
  ClientPort,
  InSessionOutcome,
  Prepared,
} from './port.js';

export interface SessionPortOptions {
  readonly handle: TransactionHandle;
  /** The endpoint that began it. */
  readonly near: string;
  /** How long to wait for what somebody else has locked. */
  readonly lockWaitMs: number;
  /** What must be locked before that is asked; undefined for nothing. */
  readonly lockFor: (ask: AskInSession, limits: AttemptLimits) => Promise<void> | undefined;
  /** Why nothing more is done in it; undefined while it is open. */
  readonly over: () => string | undefined;
  /** The node says that it is aborted. */
  readonly onAborted: () => void;
}

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

const FAILURES: Readonly<Record<number, readonly [WavetankErrorCode, string]>> = {
  [SessionCode.aborted]: ['aborted', 'the transaction was aborted'],
  [SessionCode.alreadyLocked]: ['alreadyLocked', 'another transaction holds it'],
  [SessionCode.errored]: ['errored', 'the node could not do it'],
};

/** Of a batch, that of the row which says most of the whole. */
function codeIn({ code, answer }: InSessionOutcome): number {
  if (!('rows' in answer)) return code;
  const codes = answer.rows.map((row): number => row.code);
  return TELLING.find((telling) => codes.includes(telling)) ?? code;
}

const TELLING = [SessionCode.aborted, SessionCode.alreadyLocked, SessionCode.mustRetry];

export function createSessionPort(port: ClientPort, options: SessionPortOptions): ClientPort {
  const { handle, near, lockWaitMs, lockFor, over, onAborted } = options;

  function prepare<A extends Ask>(ask: A): Prepared<A> {
    const inner = ask as AskInSession;
    const prepared = port.prepare({ type: 'InSession', handle, ask: inner }, near);
    let waitUntil: number | undefined;

    function failure(code: WavetankErrorCode, reason: string, endpoint?: string): WavetankError {
      const from = endpoint === undefined ? {} : { endpoint };
      return new WavetankError({ operation: describeAsk(ask), code, reason, ...from });
    }

    async function attempt(limits: AttemptLimits): Promise<Attempt<A>> {
      const reason = over();
      if (reason !== undefined) throw failure('aborted', reason);
      const deadline = performance.now() + limits.timeoutMs;
      await lockFor(inner, limits);
      waitUntil ??= performance.now() + lockWaitMs;
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
        if (limits.signal?.aborted === true)
          return { type: 'Failed', reason: 'cancelled by the caller', endpoint: near, sent: false };
        const timeoutMs = Math.max(0, deadline - performance.now());
        const got = await prepared.attempt({ ...limits, timeoutMs });
        if (got.type !== 'Answered') return got;
        const { answer, reason: why } = got.answer;
        const code = codeIn(got.answer);
        if (code === SessionCode.alreadyLocked && performance.now() < Math.min(waitUntil, deadline)) {
          await sleepUnlessAborted(pauseMs * (0.5 + Math.random()), limits.signal);
          continue;
        }
        if (code === SessionCode.aborted) onAborted();
        const failed = FAILURES[code];
        if (failed !== undefined) throw failure(failed[0], why ?? failed[1], got.endpoint);
        const told = { ...answer, code, ...(why === undefined ? {} : { reason: why }) };
        // Each kind of question has its own kind of answer.
        return { type: 'Answered', answer: told as unknown as AnswerTo<A>, endpoint: got.endpoint };
      }
    }
    return { attempt };
  }

  return {
    breadth: port.breadth,
    isTentative: true,
    prepare,
    isClosed: () => port.isClosed(),
    close: () => Promise.resolve(),
  };
}
