/**
 * A run while it is stepped: the evaluation, written to, and how its parts change.
 *
 * It belongs to one step; what is published of it is the evaluation that `evaluationOf` makes.
 */

import { mapGet, mapSet } from '../collections/ordered-map.js';
import type { Clocks } from '../machine/machine.js';
import { ScriptCode, type Answer, type Effect, type Entry } from './effects.js';
import type { Asked, Evaluation, Phase, Result, ScriptOutcome, ScriptStep } from './evaluation.js';
import type { Scope } from './expression.js';
import { describeFailure, type Failure } from './failure.js';
import { make, spend, type Meter } from './meter.js';
import { shown } from './statement.js';
import { bytesOf, textOfBytes } from './text.js';
import { arrayOf, FALSE, NULL, sizeOf, VALUE_BYTES, type ScriptValue, type StringValue } from './value.js';

export interface Run {
  /** As it was when the step began: what does not change in between is read from it. */
  readonly before: Evaluation;
  readonly now: Clocks;
  readonly meter: Meter;
  at: number;
  variables: Evaluation['variables'];
  loops: Evaluation['loops'];
  lastWrite: Evaluation['lastWrite'];
  result: Evaluation['result'];
  deadline: Evaluation['deadline'];
}

export function openRun(before: Evaluation, now: Clocks): Run {
  const { at, variables, loops, lastWrite, result, deadline } = before;
  const meter = { limits: before.limits, steps: before.steps, held: before.heldBytes, made: 0 };
  return { before, now, meter, at, variables, loops, lastWrite, result, deadline };
}

/** Written out, field by field: it runs once a step, and a spread with changes costs twenty times as much. */
export function evaluationOf(run: Run, phase: Phase): Evaluation {
  const { before, meter } = run;
  return {
    plan: before.plan,
    limits: before.limits,
    parameters: before.parameters,
    hlcMs: before.hlcMs,
    phase,
    at: run.at,
    variables: run.variables,
    loops: run.loops,
    lastWrite: run.lastWrite,
    result: run.result,
    steps: meter.steps,
    heldBytes: meter.held,
    deadline: run.deadline,
  };
}

export function scopeOf(run: Run): Scope {
  const { before, variables, lastWrite, result, now, meter } = run;
  const lastResult = result?.type === 'Value' ? ScriptCode.got : result?.code;
  const { parameters, hlcMs } = before;
  return { variables, parameters, lastWrite, lastResult, wallMs: now.wall, hlcMs, meter };
}

export function needs(run: Run, phase: Phase, effects: readonly Effect[]): ScriptStep {
  return { type: 'Needs', evaluation: evaluationOf(run, phase), effects, deadline: run.deadline };
}

/** The script failed by its own fault. */
export function fail(run: Run, failure: Failure): ScriptStep {
  return discard(run, { code: ScriptCode.errored, entries: [], reason: describeFailure(failure) });
}

export function abort(run: Run, reason: string): ScriptStep {
  return discard(run, { code: ScriptCode.aborted, entries: [], reason });
}

/** Ends with this outcome, when nothing is left of what was written. */
function discard(run: Run, outcome: ScriptOutcome): ScriptStep {
  if (run.before.plan.mode.type !== 'Transaction') return ended(run, outcome);
  run.deadline = undefined;
  return needs(run, { type: 'Discarding', outcome }, [{ type: 'Rollback' }]);
}

export function ended(run: Run, outcome: ScriptOutcome): ScriptStep {
  return { type: 'Ended', outcome, steps: run.meter.steps };
}

/** What the script returns where nothing went wrong. Without any result that is a success without entries. */
export function outcomeOf(result: Result | undefined): ScriptOutcome {
  if (result === undefined) return { code: ScriptCode.got, entries: [] };
  if (result.type === 'Value') return { code: ScriptCode.got, entries: entriesOf(result.value) };
  const { code, entries, reason } = result;
  return { code, entries, ...(reason !== undefined && { reason }) };
}

function entriesOf(value: ScriptValue): readonly Entry[] {
  if (value.type === 'array') return value.items.flatMap(entriesOf);
  const { revision = -1, expires } = value;
  return [{ value: bytesOf(value), revision, ...(expires && { expires }) }];
}

export function assign(run: Run, name: string, value: ScriptValue): void {
  const old = mapGet(run.variables, name);
  spend(run.meter, name.length);
  run.meter.held += sizeOf(value) - (old === undefined ? -VALUE_BYTES - 2 * name.length : sizeOf(old));
  run.variables = mapSet(run.variables, name, value);
}

export function setResult(run: Run, result: Result): void {
  run.meter.held += sizeOfResult(result) - (run.result === undefined ? 0 : sizeOfResult(run.result));
  run.result = result;
}

function sizeOfResult(result: Result): number {
  if (result.type === 'Value') return sizeOf(result.value);
  let size = VALUE_BYTES;
  for (const { key = '', value } of result.entries)
    size += VALUE_BYTES + 2 * key.length + (value?.length ?? 0);
  return size;
}

/** Takes the answer to one statement: its result, and the variable that it may be for. */
export function takeAnswer(
  run: Run,
  { statement, operation }: Asked,
  answer: Answer & { readonly type: 'Answered' },
): Failure | undefined {
  const { code, entries } = shown(statement, operation, answer);
  const { reason } = answer;
  setResult(run, { type: 'Told', code, entries, ...(reason !== undefined && { reason }) });
  switch (statement.type) {
    case 'Set':
    case 'Delete':
    case 'Extend':
      run.lastWrite = code;
      return undefined;
    default:
      return statement.into === undefined ? undefined : bind(run, statement, statement.into, code, entries);
  }
}

function bind(
  run: Run,
  { type, line }: Asked['statement'],
  name: string,
  code: ScriptCode,
  entries: readonly Entry[],
): Failure | undefined {
  let bytes = 0;
  for (const { value } of entries) bytes += VALUE_BYTES + 2 * (value?.length ?? 0);
  const problem = make(run.meter, bytes, line);
  if (problem !== undefined) return problem;
  const [entry] = entries;
  if (type === 'Bucket' || type === 'Scan') assign(run, name, arrayOf(entries.map(fetched)));
  else if (type === 'Exists') {
    const { revision = -1, expires } = entry ?? {};
    const found = { type: 'bool', value: true, revision, ...(expires && { expires }) } as const;
    assign(run, name, code === ScriptCode.exists ? found : FALSE);
  } else assign(run, name, code === ScriptCode.got && entry !== undefined ? fetched(entry) : NULL);
  run.meter.made = 0;
  return undefined;
}

/** Whatever is fetched is text, with the attributes of its entry. */
function fetched({ value, revision, expires }: Entry): StringValue {
  const text = value === undefined ? '' : textOfBytes(value);
  return { type: 'string', value: text, revision, ...(expires && { expires }) };
}
