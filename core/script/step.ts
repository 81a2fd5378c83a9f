/**
 * The evaluator: a pure state machine that runs a plan until it needs something, has had its steps, or is over.
 *
 * It does no I/O and reads no clock: what it needs are effects, which whoever keeps it carries out; what became of them, and the time, are
 * its input. Statements that stand in a row and do not depend on each other are asked at once, up to a bound, and their answers are taken
 * in the order of the script, so that the script cannot tell.
 *
 * A transaction ends in one of two effects: Commit, after which the outcome is what Commit is told, or Rollback, after which it is the
 * error or abort that led to it. Its time counts from when it has begun until it is told to commit.
 */

import { emptyOrderedMap, mapGet, mapSet, type OrderedMap } from '../collections/ordered-map.js';
import { assert } from '../machine/assert.js';
import type { Clocks } from '../machine/machine.js';
import { monotonicMs } from '../machine/units.js';
import { ScriptCode, type Answer, type LockNeed } from './effects.js';
import type { Asked, Evaluation, ScriptInput, ScriptOutcome, ScriptStep } from './evaluation.js';
import { describeFailure, type Failure } from './failure.js';
import { execute } from './execute.js';
import { DEFAULT_SCRIPT_LIMITS, type ScriptLimits } from './limits.js';
import { overdrawn } from './meter.js';
import type { Plan } from './plan.js';
import { abort, ended, fail, needs, openRun, outcomeOf, takeAnswer, type Run } from './run.js';
import { keyOf } from './statement.js';
import { sizeOf, stringOf, VALUE_BYTES, type ScriptValue } from './value.js';

/** A value by name. Names begin with `@`; a value of null counts as none. */
export interface Parameter {
  readonly name: string;
  readonly value: string | null;
}

export interface ScriptRequest {
  readonly plan: Plan;
  /** Of two with one name the first counts; what the script does not use is ignored. */
  readonly parameters?: readonly Parameter[];
  readonly now: Clocks;
  /** What `hlc()` shows, in milliseconds since 1970; absent for the wall clock. */
  readonly hlcMs?: number;
  readonly limits?: ScriptLimits;
}

/** The first step of a run. */
export function startScript(request: ScriptRequest): ScriptStep {
  const { plan, now, limits = DEFAULT_SCRIPT_LIMITS, hlcMs = now.wall } = request;
  const { parameters, bytes } = parametersOf(request.parameters ?? []);
  const evaluation: Evaluation = {
    plan,
    limits,
    parameters,
    hlcMs,
    phase: { type: 'Beginning' },
    at: 0,
    variables: emptyOrderedMap(),
    loops: undefined,
    lastWrite: undefined,
    result: undefined,
    steps: 0,
    heldBytes: bytes,
    deadline: undefined,
  };
  const run = openRun(evaluation, now);
  const { mode } = plan;
  const problem = mode.type === 'Invalid' ? mode.failure : overdrawn(run.meter, 1);
  if (problem !== undefined) return ended(run, erroneous(problem));
  if (mode.type !== 'Transaction') return execute(run);
  const { options } = mode;
  const locks = options.locking === 'pessimistic' ? locksOf(plan, parameters) : [];
  if ('code' in locks) return ended(run, locks);
  return needs(run, { type: 'Beginning' }, [{ type: 'Begin', options, locks }]);
}

function parametersOf(given: readonly Parameter[]): {
  readonly parameters: OrderedMap<ScriptValue>;
  readonly bytes: number;
} {
  let parameters: OrderedMap<ScriptValue> = emptyOrderedMap();
  let bytes = 0;
  for (const { name, value } of given) {
    if (value === null || mapGet(parameters, name) !== undefined) continue;
    const text = stringOf(value);
    parameters = mapSet(parameters, name, text);
    bytes += sizeOf(text) + VALUE_BYTES + 2 * name.length;
  }
  return { parameters, bytes };
}

function erroneous(failure: Failure): ScriptOutcome {
  return { code: ScriptCode.errored, entries: [], reason: describeFailure(failure) };
}

/**
 * What a pessimistic transaction locks before its first statement. All keys of the script are resolved, also those of branches that
 * will not run and those that are not locked, so that a parameter that is missing is found before anything is done.
 */
function locksOf({ keys }: Plan, parameters: OrderedMap<ScriptValue>): readonly LockNeed[] | ScriptOutcome {
  const locks: LockNeed[] = [];
  const seen = new Set<string>();
  for (const { key, ephemeral, lock, line } of keys) {
    const name = keyOf(key, parameters, line);
    if (typeof name !== 'string') return erroneous(name);
    if (lock === 'none') continue;
    if (name === '') return { code: ScriptCode.aborted, entries: [], reason: 'The key is empty' };
    const identity = `${lock}${ephemeral ? '~' : ':'}${name}`;
    if (seen.has(identity)) continue;
    seen.add(identity);
    const space = ephemeral ? ({ ephemeral: true } as const) : {};
    locks.push(
      lock === 'key' ? { type: 'Key', key: name, ...space } : { type: 'Bucket', bucket: name, ...space },
    );
  }
  return locks;
}

/** The next step of a run, given what happened since the last one. */
export function stepScript(evaluation: Evaluation, input: ScriptInput): ScriptStep {
  const run = openRun(evaluation, input.now);
  const { phase, deadline } = evaluation;
  if (deadline !== undefined && input.now.monotonic >= deadline) return abort(run, timedOut(evaluation));
  if (phase.type === 'Paused') return execute(run);
  if (input.type === 'Elapsed') return needs(run, phase, []);
  const { answers } = input;
  assert(
    answers.length === (phase.type === 'Asking' ? phase.asked.length : 1),
    () => `a script in phase ${phase.type} cannot have ${answers.length} answers`,
  );
  const [answer] = answers as readonly [Answer];
  switch (phase.type) {
    case 'Asking':
      return answered(run, phase.asked, answers);
    case 'Beginning':
      return answer.type === 'Stopped' ? ended(run, stopped(answer)) : begun(run);
    case 'Sleeping':
      return answer.type === 'Stopped' ? abort(run, answer.reason) : execute(run);
    case 'Committing':
      return ended(run, answer.type === 'Stopped' ? stopped(answer) : outcomeOf(run.result));
    case 'Discarding':
      return ended(run, phase.outcome);
  }
}

function timedOut({ plan }: Evaluation): string {
  const { mode } = plan;
  return `The script ran into its timeout${mode.type === 'Transaction' ? ` of ${mode.options.timeoutMs} ms` : ''}`;
}

function stopped({ code, reason }: Answer & { readonly type: 'Stopped' }): ScriptOutcome {
  return { code, entries: [], reason };
}

/** Its time counts from now. */
function begun(run: Run): ScriptStep {
  const { mode } = run.before.plan;
  if (mode.type === 'Transaction') {
    run.deadline = monotonicMs(run.now.monotonic + mode.options.timeoutMs);
  }
  return execute(run);
}

function answered(run: Run, asked: readonly Asked[], answers: readonly Answer[]): ScriptStep {
  for (const [i, each] of asked.entries()) {
    const answer = answers[i] as Answer;
    assert(
      answer.type === 'Answered' || answer.type === 'Stopped',
      () => `${answer.type} answers no operation`,
    );
    if (isStop(answer)) return interrupted(run, answer);
    const problem = takeAnswer(run, each, answer) ?? overdrawn(run.meter, each.statement.line);
    if (problem !== undefined) return fail(run, problem);
  }
  run.at += asked.length;
  return execute(run);
}

type Told = Answer & { readonly type: 'Answered' };
type Stop = { readonly code: ScriptCode; readonly reason?: string };

/** Conflicts and failures of the store, which end a transaction; without one they are what the script ends with. */
function isStop(answer: Answer & Stop): answer is Exclude<typeof answer, Told> {
  if (answer.type === 'Stopped') return true;
  const { code } = answer;
  return code === ScriptCode.aborted || code === ScriptCode.errored || code === ScriptCode.mustRetry;
}

function interrupted(run: Run, { code, reason = 'The store could not answer' }: Stop): ScriptStep {
  if (run.before.plan.mode.type === 'Transaction') return abort(run, reason);
  return ended(run, { code, entries: [], reason });
}
