/** Runs scripts against a shelf, and says what came of them in words that tests can compare. */

import {
  DEFAULT_SCRIPT_LIMITS,
  describeProblem,
  prepareScript,
  ScriptCode,
  startScript,
  stepScript,
  type ScriptEffect as Effect,
  type ScriptEvaluation as Evaluation,
  type ScriptParameter as Parameter,
  type ScriptLimits,
  type ScriptOutcome,
  type ScriptStep,
} from '../../../../core/index.js';
import { deepFreeze, pureStep } from '../../support/pure.js';
import { carryOut, clocksOf, emptyShelf, type Shelf } from './shelf.js';

export interface RunOptions {
  readonly shelf?: Shelf;
  /** By name with its `@`. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly limits?: Partial<ScriptLimits>;
}

export interface RunReport {
  readonly outcome: ScriptOutcome;
  /** The effects of each step that had some. */
  readonly effects: readonly (readonly Effect[])[];
  readonly pauses: number;
  readonly steps: number;
  readonly evaluations: readonly Evaluation[];
}

/** Runs a script to its end. Effects of one step are carried out from the last to the first: their order must not matter. */
export function runScript(source: string, options: RunOptions = {}): RunReport {
  const { shelf = emptyShelf(), parameters = {} } = options;
  const limits = { ...DEFAULT_SCRIPT_LIMITS, ...options.limits };
  const prepared = prepareScript(source, limits);
  if (prepared.type === 'Refused') throw new Error(describeProblem(prepared.problem));
  const named = Object.entries(parameters).map(([name, value]): Parameter => ({ name, value }));
  const effects: (readonly Effect[])[] = [];
  const evaluations: Evaluation[] = [];
  let pauses = 0;
  let step: ScriptStep = startScript({
    plan: prepared.plan,
    parameters: named,
    now: clocksOf(shelf),
    limits,
  });
  while (step.type !== 'Ended') {
    const evaluation = deepFreeze(step.evaluation);
    evaluations.push(evaluation);
    if (step.type === 'Paused') {
      pauses += 1;
      step = pureStep(stepScript, evaluation, { type: 'Elapsed', now: clocksOf(shelf) });
    } else {
      if (step.effects.length === 0) throw new Error('a run that waits for nothing stands still');
      effects.push(step.effects);
      const answers = step.effects.toReversed().map((effect) => carryOut(shelf, effect));
      step = pureStep(stepScript, evaluation, {
        type: 'Answered',
        now: clocksOf(shelf),
        answers: answers.toReversed(),
      });
    }
  }
  return { outcome: step.outcome, effects, pauses, steps: step.steps, evaluations };
}

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ScriptCode).map(([name, code]) => [code, name]),
);

export interface Said {
  readonly type: string;
  /** As text; null where an entry tells none. */
  readonly values: readonly (string | null)[];
  readonly revisions: readonly number[];
}

/** An outcome in short: its type by name, and its entries. */
export function said({ code, entries }: ScriptOutcome): Said {
  return {
    type: NAMES.get(code) ?? String(code),
    values: entries.map(({ value }) => (value === undefined ? null : new TextDecoder().decode(value))),
    revisions: entries.map(({ revision }) => revision),
  };
}

/** Type and values: `got 18`, `notSet`, `aborted`. */
export function inShort(outcome: ScriptOutcome): string {
  const { type, values } = said(outcome);
  const shown = values.filter((value) => value !== null);
  return [type, ...shown].join(' ');
}

/** What a script returns, in short; for errors the reason. */
export function resultOf(source: string, options: RunOptions = {}): string {
  const { outcome } = runScript(source, options);
  return outcome.code === ScriptCode.errored ? `errored: ${outcome.reason ?? ''}` : inShort(outcome);
}

/** The text of an expression's value. */
export function valueOf(expression: string, options: RunOptions = {}): string {
  return resultOf(`return ${expression}`, options);
}

/** What the parser says of a script that it refuses. */
export function problemIn(source: string): string {
  const prepared = prepareScript(source);
  return prepared.type === 'Refused' ? describeProblem(prepared.problem) : 'no problem';
}
