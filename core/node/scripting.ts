/**
 * Scripts on a node: runs them in slices, and carries out what they ask: on a session of this node where there is a transaction, on the
 * store directly where the script is a single command.
 *
 * A script runs on the node that was asked, and is lost with it; what it has not committed was never there. It never holds up the
 * node: after so many steps it waits until all else has had its turn.
 */

import { radixDelete, radixGet, radixSet } from '../collections/radix-array.js';
import { unreachable } from '../machine/assert.js';
import { monotonicMs, type MonotonicMs } from '../machine/units.js';
import { nextTimestamp } from '../clock/hybrid-clock.js';
import type { ExistsOperation, GetOperation, KeyValueOutcome, PageOutcome } from '../partition/command.js';
import { problemWith } from '../partition/validate.js';
import { ScriptCode, type Answer, type BeginEffect, type Effect } from '../script/effects.js';
import type { Evaluation, ScriptInput, ScriptOutcome, ScriptStep } from '../script/evaluation.js';
import { DEFAULT_SCRIPT_LIMITS } from '../script/limits.js';
import { findPlan } from '../script/plan-cache.js';
import { describeProblem } from '../script/problem.js';
import { startScript, stepScript } from '../script/step.js';
import { textOfBytes } from '../script/text.js';
import {
  SessionCode,
  type LockInTransaction,
  type RunAnswer,
  type RunScript,
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
import type { SessionCall } from '../transactions/session-state.js';
import { DEFAULT_ADMISSION_WAIT_MS, MAX_ADMISSION_WAIT_MS } from '../transactions/start.js';
import { enterGate, type Admission, type Entrant } from './admitting.js';
import {
  coordinate,
  coordinationOf,
  newNumber,
  outcomeIn,
  setAlarm,
  type CallerPlace,
} from './coordination.js';
import type { TaskAnswer } from './requests.js';
import { ask } from './tasks.js';
import type { NodeTurn } from './turn.js';

type PointRead = GetOperation | ExistsOperation;

/** Scripts that may be under way on a node at a time. */
export const MAX_SCRIPTS = 10_000;

/** How often a script goes on in one turn, at most. */
const SLICES_PER_TURN = 32;

/** A script that is under way. */
export interface ScriptRun {
  readonly place: CallerPlace;
  readonly priority: RunScript['priority'];
  readonly evaluation: Evaluation;
  /** The session of its transaction, while there is one. */
  readonly handle?: TransactionHandle;
  /** What it waits for, in its order; those that are answered have their answers. */
  readonly waits: readonly Wait[];
  /** Which step asked for them: answers to an earlier one are void. */
  readonly round: number;
  /** The deadline of the evaluation. */
  readonly deadline?: MonotonicMs | undefined;
  /** When it goes on by itself: after a sleep, or a slice. */
  readonly goOnAt?: MonotonicMs;
}

export interface Wait {
  readonly effect: Effect;
  readonly answer?: Answer;
  readonly errand?: Errand;
  /** Locks that are still to be taken before the transaction has begun. */
  readonly locks?: readonly LockInTransaction[];
  /** The answer of a single command that is being committed. */
  readonly single?: Answer;
}

/** How sessions are used; the coordinator implements it. */
export interface Sessions {
  readonly begin: (
    turn: NodeTurn,
    options: SessionOptions,
    admission?: Admission,
  ) => TransactionHandle | undefined;
  readonly call: (turn: NodeTurn, place: CallerPlace, call: SessionCall) => void;
  readonly tell: (turn: NodeTurn, place: CallerPlace, answer: RunAnswer) => void;
}

/** Somebody wants a script to be run. */
export function scriptRequested(
  turn: NodeTurn,
  sessions: Sessions,
  place: CallerPlace,
  call: RunScript,
): void {
  const { node, now } = turn;
  const { scriptCount, plans } = coordinationOf(turn);
  const refuse = (code: ScriptCode, reason: string): void =>
    sessions.tell(turn, place, { family: 'script', code, entries: [], reason });
  if (call.script.length > 4 * DEFAULT_SCRIPT_LIMITS.maxSourceLength) {
    return refuse(ScriptCode.invalidInput, `a script of ${call.script.length} bytes is too long`);
  }
  if (scriptCount >= MAX_SCRIPTS) {
    return refuse(ScriptCode.mustRetry, `${scriptCount} scripts run on this node, and no more may`);
  }
  const { hash } = call;
  const wanted = {
    source: textOfBytes(call.script),
    now: now.monotonic,
    ...(hash !== undefined && { hash }),
  };
  const { cache, prepared } = findPlan(plans, wanted);
  coordinate(turn, { plans: cache });
  if (prepared.type === 'Refused') return refuse(ScriptCode.errored, describeProblem(prepared.problem));
  node.clock = nextTimestamp(node.clock, turn.options.node, now.wall);
  const step = startScript({
    plan: prepared.plan,
    parameters: call.parameters,
    now,
    hlcMs: node.clock.wall,
  });
  if (step.type === 'Ended') return sessions.tell(turn, place, answerOf(step.outcome));
  const number = newNumber(turn);
  coordinate(turn, { scriptCount: scriptCount + 1 });
  const { evaluation } = step;
  save(turn, number, { place, priority: call.priority, evaluation, waits: [], round: 0 });
  stepped(turn, sessions, number, step);
}

function answerOf({ code, entries, reason }: ScriptOutcome): RunAnswer {
  const answer = { family: 'script', code, entries } as const;
  return reason === undefined ? answer : { ...answer, reason };
}

function save(turn: NodeTurn, number: number, run: ScriptRun): void {
  coordinate(turn, { scripts: radixSet(coordinationOf(turn).scripts, number, run) });
}

function runAt(turn: NodeTurn, number: number): ScriptRun | undefined {
  return radixGet(coordinationOf(turn).scripts, number);
}

/** What a step of the evaluator came to. */
function stepped(turn: NodeTurn, sessions: Sessions, number: number, step: ScriptStep): void {
  const run = runAt(turn, number);
  if (run === undefined) return;
  switch (step.type) {
    case 'Ended': {
      const { scripts, scriptCount } = coordinationOf(turn);
      coordinate(turn, { scripts: radixDelete(scripts, number), scriptCount: scriptCount - 1 });
      return sessions.tell(turn, run.place, answerOf(step.outcome));
    }
    case 'Paused': {
      const { evaluation } = step;
      return goOnAt(turn, number, { ...without(run), evaluation, waits: [] }, turn.now.monotonic);
    }
    case 'Needs': {
      const { evaluation, effects, deadline } = step;
      if (deadline !== undefined && deadline !== run.deadline) setAlarm(turn, number, deadline);
      if (effects.length === 0) return save(turn, number, { ...run, evaluation, deadline });
      const round = run.round + 1;
      const waits = effects.map((effect): Wait => ({ effect }));
      save(turn, number, { ...without(run), evaluation, deadline, waits, round });
      effects.forEach((effect, place) => carryOut(turn, sessions, number, round, place, effect));
      return;
    }
    default:
      return unreachable(step);
  }
}

function without({ goOnAt: _, ...run }: ScriptRun): ScriptRun {
  return run;
}

function goOnAt(turn: NodeTurn, number: number, run: ScriptRun, at: MonotonicMs): void {
  save(turn, number, { ...run, goOnAt: at });
  setAlarm(turn, number, at);
}

function carryOut(
  turn: NodeTurn,
  sessions: Sessions,
  number: number,
  round: number,
  place: number,
  effect: Effect,
): void {
  const run = runAt(turn, number);
  if (run?.round !== round) return;
  switch (effect.type) {
    case 'Begin':
      return begin(turn, sessions, number, round, place, effect);
    case 'Operate': {
      const errand = errandOf(effect.operation, turn.options.partitions);
      return runErrand(turn, sessions, number, round, place, errand);
    }
    case 'Sleep':
      return goOnAt(turn, number, run, monotonicMs(turn.now.monotonic + effect.ms));
    case 'Commit':
    case 'Rollback':
      return end(turn, sessions, number, round, place, effect.type);
    default:
      return unreachable(effect);
  }
}

function begin(
  turn: NodeTurn,
  sessions: Sessions,
  number: number,
  round: number,
  place: number,
  effect: BeginEffect,
): void {
  const run = runAt(turn, number) as ScriptRun;
  const { priority = run.priority, admissionWaitMs = 0 } = effect.options;
  const waitMs =
    admissionWaitMs > 0 ? Math.min(admissionWaitMs, MAX_ADMISSION_WAIT_MS) : DEFAULT_ADMISSION_WAIT_MS;
  const entrant = { type: 'Script', run: number, round, place, effect } as const;
  const entry = enterGate(turn, 'scripts', priority, waitMs, entrant);
  if (entry.type === 'Refused') return scriptNotAdmitted(turn, entrant, entry.reason);
  if (entry.type === 'Admitted') scriptAdmitted(turn, sessions, entrant, entry.admission);
}

type ScriptEntrant = Extract<Entrant, { readonly type: 'Script' }>;

/** No place became free in time: nothing was started. */
export function scriptNotAdmitted(
  turn: NodeTurn,
  { run, round, place }: ScriptEntrant,
  reason: string,
): void {
  answered(turn, run, round, place, { type: 'Stopped', code: ScriptCode.admissionRefused, reason });
}

/** There is a place: its transaction begins. */
export function scriptAdmitted(
  turn: NodeTurn,
  sessions: Sessions,
  { run: number, round, place, effect }: ScriptEntrant,
  admission: Admission | undefined,
): void {
  const { options, locks } = effect;
  const run = runAt(turn, number) as ScriptRun;
  const { snapshotMs, locking, timeoutMs, asyncRelease, priority = run.priority } = options;
  const handle = sessions.begin(
    turn,
    {
      locking,
      // The script watches its own time; the session outlives it, so that it is the script that says so.
      timeoutMs: timeoutMs + 1_000,
      admissionWaitMs: options.admissionWaitMs ?? 0,
      readValidation: 'none',
      decisionDurability: 'bestEffort',
      ...(snapshotMs !== undefined && { readTimestamp: endOf(snapshotMs) }),
      asyncRelease,
      priority,
    },
    admission,
  );
  if (handle === undefined) {
    const reason = 'too many transactions are open on this node';
    return answered(turn, number, round, place, { type: 'Stopped', code: ScriptCode.mustRetry, reason });
  }
  const wanted = locksInOrder(locks);
  saveWait({ ...run, handle }, turn, number, place, { locks: wanted });
  lockNext(turn, sessions, number, round, place, wanted);
}

function saveWait(
  run: ScriptRun,
  turn: NodeTurn,
  number: number,
  place: number,
  change: Partial<Wait>,
): void {
  const waits = run.waits.map((wait, i) => (i === place ? { ...wait, ...change } : wait));
  save(turn, number, { ...run, waits });
}

function lockNext(
  turn: NodeTurn,
  sessions: Sessions,
  number: number,
  round: number,
  place: number,
  locks: readonly LockInTransaction[],
): void {
  const [next] = locks;
  if (next === undefined) return answered(turn, number, round, place, { type: 'Begun' });
  inSession(turn, sessions, number, round, place, next);
}

function inSession(
  turn: NodeTurn,
  sessions: Sessions,
  number: number,
  round: number,
  place: number,
  operation: SessionOperation,
): void {
  const run = runAt(turn, number);
  if (run?.handle === undefined) return;
  sessions.call(
    turn,
    { type: 'Script', run: number, round, place },
    { type: 'OperateInTransaction', handle: run.handle, operationId: `s${newNumber(turn)}`, operation },
  );
}

function end(
  turn: NodeTurn,
  sessions: Sessions,
  number: number,
  round: number,
  place: number,
  type: 'Commit' | 'Rollback',
): void {
  const run = runAt(turn, number);
  if (run?.handle === undefined) return answered(turn, number, round, place, { type: 'Done' });
  const caller: CallerPlace = { type: 'Script', run: number, round, place };
  const { handle } = run;
  sessions.call(turn, caller, {
    type: type === 'Commit' ? 'CommitTransaction' : 'RollbackTransaction',
    handle,
  });
}

function runErrand(
  turn: NodeTurn,
  sessions: Sessions,
  number: number,
  round: number,
  place: number,
  errand: Errand,
): void {
  const run = runAt(turn, number) as ScriptRun;
  const { next } = errand;
  const isForEver = next.type === 'Extend' && next.expiresMs === 0;
  const isCommittedRevision = (next.type === 'Get' || next.type === 'Exists') && next.revision === -1;
  const problem = isForEver || isCommittedRevision ? undefined : problemWith(next);
  if (problem !== undefined) {
    const told: Answer = { type: 'Answered', code: ScriptCode.invalidInput, entries: [], reason: problem };
    return answered(turn, number, round, place, told);
  }
  saveWait(run, turn, number, place, { errand });
  if (run.handle !== undefined) return inSession(turn, sessions, number, round, place, next);
  if (isForEver) return extendForEver(turn, sessions, number, round, place, errand);
  const session = `${SCRIPT_PREFIX}${number}.${round}`;
  ask(turn, isCommittedRevision ? newestOf(next) : next, { type: 'Session', session, step: place });
}

/** Outside a transaction the newest that is committed is what anybody reads. */
function newestOf({ revision: _revision, ...read }: PointRead): PointRead {
  return read;
}

/** Only a session can say that a key is to live for ever: a single command takes one for that. */
function extendForEver(
  turn: NodeTurn,
  sessions: Sessions,
  number: number,
  round: number,
  place: number,
  errand: Errand,
): void {
  const handle = sessions.begin(turn, {
    locking: 'optimistic',
    timeoutMs: 0,
    admissionWaitMs: 0,
    readValidation: 'none',
    decisionDurability: 'bestEffort',
    asyncRelease: false,
    priority: 'normal',
  });
  if (handle === undefined) {
    const reason = 'too many transactions are open on this node';
    return answered(turn, number, round, place, { type: 'Stopped', code: ScriptCode.mustRetry, reason });
  }
  save(turn, number, { ...(runAt(turn, number) as ScriptRun), handle });
  inSession(turn, sessions, number, round, place, errand.next);
}

/** How the tasks of scripts without a transaction are named; no session is named so. */
export const SCRIPT_PREFIX = 'script.';

/** The store answers a single command. */
export function scriptTaskAnswered(turn: NodeTurn, sessions: Sessions, { task, answer }: TaskAnswer): void {
  if (task.type !== 'Session') return;
  const [, run = '', round = ''] = task.session.split('.');
  const outcome = outcomeIn(answer);
  if (outcome.family !== undefined && outcome.family !== 'page') return;
  told(turn, sessions, Number(run), Number(round), task.step, outcome, answer.reason);
}

function told(
  turn: NodeTurn,
  sessions: Sessions,
  number: number,
  round: number,
  place: number,
  outcome: KeyValueOutcome | PageOutcome,
  reason: string | undefined,
): void {
  const run = runAt(turn, number);
  const errand = run?.waits[place]?.errand;
  if (run?.round !== round || errand === undefined) return;
  const step = errandAnswered(errand, outcome, reason);
  if (step.type === 'Ask') return runErrand(turn, sessions, number, round, place, step.errand);
  if (run.evaluation.plan.mode.type !== 'Transaction' && run.handle !== undefined) {
    // The one command that took a session for itself.
    return commitSingle(turn, sessions, number, round, place, step.answer);
  }
  answered(turn, number, round, place, step.answer);
}

function commitSingle(
  turn: NodeTurn,
  sessions: Sessions,
  number: number,
  round: number,
  place: number,
  answer: Answer,
): void {
  const run = runAt(turn, number) as ScriptRun;
  const { handle } = run;
  if (handle === undefined) return;
  saveWait(run, turn, number, place, { single: answer });
  sessions.call(turn, { type: 'Script', run: number, round, place }, { type: 'CommitTransaction', handle });
}

/** A session answers what a script asked. */
export function scriptTold(
  turn: NodeTurn,
  sessions: Sessions,
  caller: Extract<CallerPlace, { readonly type: 'Script' }>,
  answer: SessionAnswer,
): void {
  const { run: number, round, place } = caller;
  const run = runAt(turn, number);
  const wait = run?.waits[place];
  if (run?.round !== round || wait === undefined) return;
  const { code, outcome, reason = 'the transaction is over' } = answer;
  switch (code) {
    case SessionCode.operated:
      if (outcome === undefined) return;
      return told(turn, sessions, number, round, place, outcome, answer.reason);
    case SessionCode.locked: {
      const locks = (wait.locks ?? []).slice(1);
      saveWait(run, turn, number, place, { locks });
      return lockNext(turn, sessions, number, round, place, locks);
    }
    case SessionCode.committed:
    case SessionCode.rolledBack:
      return answered(turn, number, round, place, wait.single ?? { type: 'Done' });
    case SessionCode.alreadyLocked:
      return answered(turn, number, round, place, {
        type: 'Stopped',
        code: ScriptCode.aborted,
        reason: `${reason}${whatIsLocked(wait)}`,
      });
    case SessionCode.mustRetry: {
      // Not decided yet: it will be.
      const { effect } = wait;
      if (effect.type === 'Commit' || effect.type === 'Rollback') {
        return end(turn, sessions, number, round, place, effect.type);
      }
      return answered(turn, number, round, place, { type: 'Stopped', code: ScriptCode.mustRetry, reason });
    }
    case SessionCode.invalidInput:
      return answered(turn, number, round, place, {
        type: 'Answered',
        code: ScriptCode.invalidInput,
        entries: [],
        reason,
      });
    default: {
      const stop = code === SessionCode.errored ? ScriptCode.errored : ScriptCode.aborted;
      return answered(turn, number, round, place, { type: 'Stopped', code: stop, reason });
    }
  }
}

function whatIsLocked({ locks, errand }: Wait): string {
  const need = locks?.[0]?.need;
  if (need !== undefined) return `: ${need.type === 'KeyLock' ? need.key : need.prefix}`;
  return errand !== undefined && 'key' in errand.next ? `: ${errand.next.key}` : '';
}

/** One effect has its answer; when all have, the script can go on, in its turn. */
function answered(turn: NodeTurn, number: number, round: number, place: number, answer: Answer): void {
  const run = runAt(turn, number);
  if (run?.round !== round) return;
  const waits = run.waits.map((wait, i): Wait => (i === place ? { effect: wait.effect, answer } : wait));
  save(turn, number, { ...run, waits });
  if (waits.every((wait) => wait.answer !== undefined)) {
    coordinate(turn, { ready: [...coordinationOf(turn).ready, number] });
  }
}

/** Lets the scripts go on that can. False when there were none. */
export function pumpScripts(turn: NodeTurn, sessions: Sessions): boolean {
  if (turn.node.coordination === undefined) return false;
  const { ready } = coordinationOf(turn);
  if (ready.length === 0) return false;
  coordinate(turn, { ready: [] });
  for (const number of ready) {
    const run = runAt(turn, number);
    if (run === undefined) continue;
    turn.slices ??= new Map();
    const slices = turn.slices.get(number) ?? 0;
    turn.slices.set(number, slices + 1);
    if (slices >= SLICES_PER_TURN) {
      goOnAt(turn, number, run, turn.now.monotonic);
      continue;
    }
    goOn(turn, sessions, number, run);
  }
  return true;
}

function goOn(turn: NodeTurn, sessions: Sessions, number: number, run: ScriptRun): void {
  const { now } = turn;
  const answers = run.waits.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  const all = run.waits.length > 0 && answers.length === run.waits.length;
  const input: ScriptInput = all ? { type: 'Answered', now, answers } : { type: 'Elapsed', now };
  stepped(turn, sessions, number, stepScript(run.evaluation, input));
}

/** The alarm of a script went off: it has slept, has had its pause, or is at its deadline. */
export function scriptDue(turn: NodeTurn, sessions: Sessions, number: number, at: number): boolean {
  const run = runAt(turn, number);
  if (run === undefined) return false;
  const isOver = run.deadline !== undefined && run.deadline <= turn.now.monotonic;
  if (run.goOnAt === at) {
    const [wait] = run.waits;
    if (wait?.effect.type === 'Sleep' && wait.answer === undefined) {
      answered(turn, number, run.round, 0, { type: 'Done' });
    } else goOn(turn, sessions, number, without(run));
  } else if (isOver && run.deadline === at) {
    stepped(turn, sessions, number, stepScript(run.evaluation, { type: 'Elapsed', now: turn.now }));
  }
  return true;
}
