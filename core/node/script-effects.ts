/**
 * What a script asks of the world is carried out: on a session of this node where there is a transaction, on the store directly where
 * the script is a single command.
 */

import { unreachable } from '../machine/assert.js';
import type { ExistsOperation, GetOperation, KeyValueOutcome, PageOutcome } from '../partition/command.js';
import { problemWith } from '../partition/validate.js';
import { ScriptCode, type Answer, type BeginEffect, type Effect } from '../script/effects.js';
import {
  SessionCode,
  type LockInTransaction,
  type SessionAnswer,
  type SessionOperation,
  type SessionOptions,
  type TransactionHandle,
} from '../transactions/calls.js';
import {
  endOf,
  errandAnswered,
  errandOf,
  locksInOrder,
  type Errand,
} from '../transactions/script-operations.js';
import { DEFAULT_ADMISSION_WAIT_MS, MAX_ADMISSION_WAIT_MS } from '../transactions/start.js';
import { enterGate, type Admission, type Entrant } from './admitting.js';
import { newNumber, outcomeIn, type CallerPlace } from './coordination.js';
import type { TaskAnswer } from './requests.js';
import {
  answered,
  runAt,
  runWaiting,
  saveRun,
  saveWait,
  type ScriptRun,
  type Sessions,
  type Spot,
} from './script-runs.js';
import { ask } from './tasks.js';
import type { NodeTurn } from './turn.js';

type PointRead = GetOperation | ExistsOperation;

/** All effects but Sleep, which is for whoever knows the time. */
export function carryOutEffect(spot: Spot, effect: Exclude<Effect, { readonly type: 'Sleep' }>): void {
  switch (effect.type) {
    case 'Begin':
      return begin(spot, effect);
    case 'Operate':
      return runErrand(spot, errandOf(effect.operation, spot.turn.options.partitions));
    case 'Commit':
    case 'Rollback':
      return end(spot, effect.type);
    default:
      return unreachable(effect);
  }
}

function begin(spot: Spot, effect: BeginEffect): void {
  const { turn, sessions, run: number, round, place } = spot;
  const run = runAt(turn, number) as ScriptRun;
  const { priority = run.priority, admissionWaitMs = 0 } = effect.options;
  const waitMs =
    admissionWaitMs > 0 ? Math.min(admissionWaitMs, MAX_ADMISSION_WAIT_MS) : DEFAULT_ADMISSION_WAIT_MS;
  const entrant = { type: 'Script', run: number, round, place, effect } as const;
  const entry = enterGate(turn, 'scripts', priority, waitMs, entrant);
  if (entry.type === 'Refused') return scriptNotAdmitted(turn, sessions, entrant, entry.reason);
  if (entry.type === 'Admitted') scriptAdmitted(turn, sessions, entrant, entry.admission);
}

type ScriptEntrant = Extract<Entrant, { readonly type: 'Script' }>;

/** No place became free in time: nothing was started. */
export function scriptNotAdmitted(
  turn: NodeTurn,
  sessions: Sessions,
  { run, round, place }: ScriptEntrant,
  reason: string,
): void {
  const stopped: Answer = { type: 'Stopped', code: ScriptCode.admissionRefused, reason };
  answered({ turn, sessions, run, round, place }, stopped);
}

/** There is a place: its transaction begins. */
export function scriptAdmitted(
  turn: NodeTurn,
  sessions: Sessions,
  { run: number, round, place, effect }: ScriptEntrant,
  admission: Admission | undefined,
): void {
  const spot: Spot = { turn, sessions, run: number, round, place };
  const run = runAt(turn, number) as ScriptRun;
  const { snapshotMs, locking, timeoutMs, asyncRelease, priority = run.priority } = effect.options;
  const options = {
    locking,
    // The script watches its own time; the session outlives it, so that it is the script that says so.
    timeoutMs: timeoutMs + 1_000,
    admissionWaitMs: effect.options.admissionWaitMs ?? 0,
    ...(snapshotMs !== undefined && { readTimestamp: endOf(snapshotMs) }),
    asyncRelease,
    priority,
  };
  const handle = openSession(spot, options, admission);
  if (handle === undefined) return;
  const wanted = locksInOrder(effect.locks, turn.options.partitions);
  saveWait({ ...run, handle }, spot, { locks: wanted });
  lockNext(spot, wanted);
}

/** What every session of a script has in common. */
const SCRIPT_SESSION: SessionOptions = {
  locking: 'optimistic',
  timeoutMs: 0,
  admissionWaitMs: 0,
  readValidation: 'none',
  decisionDurability: 'bestEffort',
  asyncRelease: false,
  priority: 'normal',
};

/** Undefined if there can be none now: then that is the answer. */
function openSession(
  spot: Spot,
  options: Partial<SessionOptions>,
  admission?: Admission,
): TransactionHandle | undefined {
  const handle = spot.sessions.begin(spot.turn, { ...SCRIPT_SESSION, ...options }, admission);
  if (handle === undefined) {
    const reason = 'too many transactions are open on this node';
    answered(spot, { type: 'Stopped', code: ScriptCode.mustRetry, reason });
  }
  return handle;
}

function lockNext(spot: Spot, [next]: readonly LockInTransaction[]): void {
  if (next === undefined) answered(spot, { type: 'Begun' });
  else inSession(spot, next);
}

function inSession(spot: Spot, operation: SessionOperation): void {
  const { turn, sessions } = spot;
  const handle = runWaiting(spot)?.handle;
  if (handle === undefined) return;
  const operationId = `s${newNumber(turn)}`;
  sessions.call(turn, callerAt(spot), {
    type: 'OperateInTransaction',
    handle,
    operationId,
    operation,
    unrepeated: true,
  });
}

function callerAt({ run, round, place }: Spot): CallerPlace {
  return { type: 'Script', run, round, place };
}

function end(spot: Spot, type: 'Commit' | 'Rollback'): void {
  const { turn, sessions } = spot;
  const run = runWaiting(spot);
  if (run?.handle === undefined) return answered(spot, { type: 'Done' });
  const { handle } = run;
  sessions.call(turn, callerAt(spot), {
    type: type === 'Commit' ? 'CommitTransaction' : 'RollbackTransaction',
    handle,
  });
}

function runErrand(spot: Spot, errand: Errand): void {
  const { turn, run: number, round, place } = spot;
  const run = runAt(turn, number) as ScriptRun;
  const { next } = errand;
  const isForEver = next.type === 'Extend' && next.expiresMs === 0;
  const isCommittedRevision = (next.type === 'Get' || next.type === 'Exists') && next.revision === -1;
  const problem = isForEver || isCommittedRevision ? undefined : problemWith(next);
  if (problem !== undefined) {
    return answered(spot, { type: 'Answered', code: ScriptCode.invalidInput, entries: [], reason: problem });
  }
  saveWait(run, spot, { errand });
  if (run.handle !== undefined) return inSession(spot, next);
  if (isForEver) return extendForEver(spot, errand);
  const session = `${SCRIPT_PREFIX}${number}.${round}`;
  ask(turn, isCommittedRevision ? newestOf(next) : next, { type: 'Session', session, step: place });
}

/** Outside a transaction the newest that is committed is what anybody reads. */
function newestOf({ revision: _revision, ...read }: PointRead): PointRead {
  return read;
}

/** Only a session can say that a key is to live for ever: a single command takes one for that. */
function extendForEver(spot: Spot, errand: Errand): void {
  const { turn, run } = spot;
  const handle = openSession(spot, {});
  if (handle === undefined) return;
  saveRun(turn, run, { ...(runAt(turn, run) as ScriptRun), handle });
  inSession(spot, errand.next);
}

/** How the tasks of scripts without a transaction are named; no session is named so. */
export const SCRIPT_PREFIX = 'script.';

/** The store answers a single command. */
export function scriptTaskAnswered(turn: NodeTurn, sessions: Sessions, { task, answer }: TaskAnswer): void {
  if (task.type !== 'Session') return;
  const [, run = '', round = ''] = task.session.split('.');
  const outcome = outcomeIn(answer);
  if (outcome.family !== undefined && outcome.family !== 'page') return;
  const spot: Spot = { turn, sessions, run: Number(run), round: Number(round), place: task.step };
  told(spot, outcome, answer.reason);
}

function told(spot: Spot, outcome: KeyValueOutcome | PageOutcome, reason: string | undefined): void {
  const run = runWaiting(spot);
  const errand = run?.waits[spot.place]?.errand;
  if (run === undefined || errand === undefined) return;
  const step = errandAnswered(errand, outcome, reason);
  if (step.type === 'Ask') return runErrand(spot, step.errand);
  const { handle, evaluation } = run;
  if (evaluation.plan.mode.type === 'Transaction' || handle === undefined) return answered(spot, step.answer);
  // The one command that took a session for itself.
  saveWait(run, spot, { single: step.answer });
  spot.sessions.call(spot.turn, callerAt(spot), { type: 'CommitTransaction', handle });
}

/** A session answers what a script asked. */
export function scriptTold(
  turn: NodeTurn,
  sessions: Sessions,
  { run: number, round, place }: Extract<CallerPlace, { readonly type: 'Script' }>,
  answer: SessionAnswer,
): void {
  const spot: Spot = { turn, sessions, run: number, round, place };
  const run = runWaiting(spot);
  const wait = run?.waits[place];
  if (run === undefined || wait === undefined) return;
  const { code, outcome, reason = 'the transaction is over' } = answer;
  switch (code) {
    case SessionCode.operated:
      if (outcome !== undefined) told(spot, outcome, answer.reason);
      return;
    case SessionCode.locked: {
      const locks = (wait.locks ?? []).slice(1);
      saveWait(run, spot, { locks });
      return lockNext(spot, locks);
    }
    case SessionCode.committed:
    case SessionCode.rolledBack:
      return answered(spot, wait.single ?? { type: 'Done' });
    case SessionCode.alreadyLocked:
      return answered(spot, { type: 'Stopped', code: ScriptCode.aborted, reason });
    case SessionCode.mustRetry: {
      // Not decided yet: it will be.
      const { effect } = wait;
      if (effect.type === 'Commit' || effect.type === 'Rollback') return end(spot, effect.type);
      return answered(spot, { type: 'Stopped', code: ScriptCode.mustRetry, reason });
    }
    case SessionCode.invalidInput:
      return answered(spot, { type: 'Answered', code: ScriptCode.invalidInput, entries: [], reason });
    default: {
      const stop = code === SessionCode.errored ? ScriptCode.errored : ScriptCode.aborted;
      return answered(spot, { type: 'Stopped', code: stop, reason });
    }
  }
}
