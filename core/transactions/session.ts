/**
 * A session: a pure state machine between a client's calls and the partitions that hold the keys.
 *
 * It asks, replies, and says when it wants to be woken; who carries that out, and over what network, is not its concern. It may be lost
 * at any time: then the transaction is aborted, or whatever its record says.
 */

import { emptyOrderedMap } from '../collections/ordered-map.js';
import { emptyRadixArray, radixDelete, radixGet } from '../collections/radix-array.js';
import { unreachable } from '../machine/assert.js';
import { monotonicMs, type MonotonicMs } from '../machine/units.js';
import type { TransactionId } from '../partition/transaction-command.js';
import type { Timestamp } from '../clock/hybrid-clock.js';
import type { SessionOptions } from './calls.js';
import { jobAnswered, retryJobs } from './commit.js';
import { abandon, answerOf, finalize, sendAway } from './finalize.js';
import { renewLocks } from './locks.js';
import { operate, operationAnswered } from './operate.js';
import type { SessionContext, SessionInput, SessionState, SessionStep, Verdict } from './session-state.js';
import { openSessionTurn, reply, type SessionTurn } from './session-turn.js';

export interface NewSession {
  readonly id: TransactionId;
  readonly stamp: Timestamp;
  /** With their bounds kept (`effectiveOptions`). */
  readonly options: SessionOptions;
  readonly now: MonotonicMs;
}

/**
 * A session is taken away so long after its time, in milliseconds: its client may be late, and one that is gone is gone for good
 * (transaction specification, section 8).
 */
export const REAP_GRACE_MS = 15_000;

/** A session that has done nothing yet. Its time runs. */
export function newSession({ id, stamp, options, now }: NewSession): SessionState {
  const endsAt = monotonicMs(now + options.timeoutMs + REAP_GRACE_MS);
  return {
    id,
    stamp,
    options,
    endsAt,
    phase: { type: 'Open' },
    operations: emptyOrderedMap(),
    pending: 0,
    keys: emptyOrderedMap(),
    ranges: emptyOrderedMap(),
    stagedBytes: 0,
    locks: emptyOrderedMap(),
    lockedAt: emptyOrderedMap(),
    asks: emptyRadixArray(),
    nextAsk: 0,
    wakeAt: endsAt,
  };
}

export function stepSession(state: SessionState, input: SessionInput, context: SessionContext): SessionStep {
  const turn = openSessionTurn(state, context);
  happen(turn, input);
  // Nobody who is on the way to the end waits for locks.
  if (turn.session.phase.type !== 'Open') delete turn.session.waits;
  turn.session.wakeAt = wakeAtOf(turn);
  return { state: turn.session, effects: turn.effects };
}

function happen(turn: SessionTurn, input: SessionInput): void {
  const { session } = turn;
  if (session.phase.type === 'Over') return;
  switch (input.type) {
    case 'Called': {
      const verdict = expire(turn);
      return verdict === undefined ? called(turn, input) : calledTooLate(turn, input, verdict);
    }
    case 'Answered': {
      const asked = radixGet(session.asks, input.ask);
      if (asked === undefined) return;
      session.asks = radixDelete(session.asks, input.ask);
      if (asked.type === 'ForFinalizing') return jobAnswered(turn, asked.step, asked.job, input.told);
      if (asked.type === 'ForOperation') operationAnswered(turn, asked, input.told);
      return;
    }
    case 'TimeCame':
      return timeCame(turn);
    case 'Condemned':
      return abandon(turn, { type: 'Aborted', reason: input.reason });
    default:
      return unreachable(input);
  }
}

function called(turn: SessionTurn, { caller, call, until }: Extract<SessionInput, { type: 'Called' }>): void {
  switch (call.type) {
    case 'OperateInTransaction':
      return operate(turn, caller, call);
    case 'CommitTransaction':
      return finalize(turn, { caller, wish: 'commit', until });
    case 'RollbackTransaction':
      return finalize(turn, { caller, wish: 'rollback', until });
    default:
      return unreachable(call);
  }
}

function calledTooLate(
  turn: SessionTurn,
  { caller, call }: Extract<SessionInput, { type: 'Called' }>,
  verdict: Verdict,
): void {
  const wish = call.type === 'RollbackTransaction' ? 'rollback' : 'commit';
  reply(turn, caller, answerOf(verdict, wish, undefined));
}

/** A session whose time is over ends, unless it is being committed: that goes on. Its verdict, if it has just ended. */
function expire(turn: SessionTurn): Verdict | undefined {
  const { session, context } = turn;
  const { phase, endsAt, options } = session;
  if (context.now.monotonic < endsAt || (phase.type !== 'Open' && phase.type !== 'Draining'))
    return undefined;
  const reason = `the transaction ran into its timeout of ${options.timeoutMs} ms`;
  const verdict: Verdict = { type: 'Aborted', reason };
  abandon(turn, verdict);
  return verdict;
}

function timeCame(turn: SessionTurn): void {
  const { session, context } = turn;
  if (expire(turn) !== undefined) return;
  sendAway(turn);
  if (session.renewAt !== undefined && session.renewAt <= context.now.monotonic) renewLocks(turn);
  retryJobs(turn);
}

function wakeAtOf({ session }: SessionTurn): MonotonicMs | undefined {
  const { phase, endsAt, renewAt } = session;
  if (phase.type === 'Over') return undefined;
  let wakeAt: number = phase.type === 'Finalizing' ? Number.POSITIVE_INFINITY : endsAt;
  if (renewAt !== undefined) wakeAt = Math.min(wakeAt, renewAt);
  if (phase.type !== 'Open') for (const { until } of phase.waiters) wakeAt = Math.min(wakeAt, until);
  if (phase.type === 'Finalizing') {
    for (const { retryAt } of phase.jobs) wakeAt = Math.min(wakeAt, retryAt ?? wakeAt);
  }
  return wakeAt === Number.POSITIVE_INFINITY ? undefined : monotonicMs(wakeAt);
}
