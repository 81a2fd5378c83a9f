/**
 * From the text of a history file to a verdict: reads it, gives its operations the meaning that the model wants, has them checked,
 * and puts what came out into one form, whichever checker it came from.
 */
import {
  casRegisterModel,
  checkLinearizable,
  drawCounterexample,
  explainCounterexample,
  registerModel,
  textModel,
  type CheckOptions,
  type CheckResult,
  type Model,
  type Verdict,
} from '../linearizability/index.js';
import { guessFormat, readHistory, type HistoryFormat } from './read.js';
import {
  beginningWith,
  toCasRegisterOperations,
  toRegisterOperations,
  toTextOperations,
  type Converted,
} from './to-operations.js';
import type { Recording } from './recording.js';

export type JudgedModel = 'register' | 'cas-register' | 'kv';

export interface JudgeOptions {
  readonly model: JudgedModel;
  readonly format: HistoryFormat | 'auto';
  /** What a register holds at first, as it stands in the history; default nil. For kv: the text that every key holds. */
  readonly initial?: string;
  /** As of the checker. */
  readonly maxSteps?: number;
}

export interface Judgement {
  readonly model: JudgedModel;
  readonly format: HistoryFormat;
  readonly verdict: Verdict;
  /** Operations that were judged. */
  readonly operations: number;
  readonly answered: number;
  readonly unanswered: number;
  /** Lines or events of the file that are about no operation of a client. */
  readonly ignored: number;
  /** Of the checkers for single keys; in the order of their first appearance. */
  readonly keys: readonly JudgedKey[];
  /** In words, of several lines, notes included. */
  readonly explanation: string;
  readonly notes: readonly string[];
  /** A picture of what is wrong, as SVG; undefined when nothing is, or when it cannot be drawn. */
  readonly picture: string | undefined;
}

export interface JudgedKey {
  readonly key: string;
  readonly verdict: Verdict;
  readonly answered: number;
  readonly unanswered: number;
  readonly steps: number;
}

/** @throws UnreadableHistory, and nothing else for any text. */
export function judgeHistory(text: string, options: JudgeOptions): Judgement {
  const format = options.format === 'auto' ? guessFormat(text) : options.format;
  const recording = readHistory(text, format);
  const { model, initial } = options;
  switch (model) {
    case 'register': {
      const specification = initial === undefined ? registerModel : beginningWith(registerModel, initial);
      return judged(recording, format, options, specification, toRegisterOperations(recording));
    }
    case 'cas-register': {
      const specification =
        initial === undefined ? casRegisterModel : beginningWith(casRegisterModel, initial);
      return judged(recording, format, options, specification, toCasRegisterOperations(recording));
    }
    case 'kv': {
      const specification = initial === undefined ? textModel : { ...textModel, initial: { text: initial } };
      return judged(recording, format, options, specification, toTextOperations(recording));
    }
  }
}

function judged<S extends NonNullable<unknown>, I, O>(
  recording: Recording,
  format: HistoryFormat,
  { model, maxSteps }: JudgeOptions,
  specification: Model<S, I, O>,
  { operations, notes: ownNotes }: Converted<I, O>,
): Judgement {
  const limits: CheckOptions = maxSteps === undefined ? {} : { maxSteps };
  const checked = checkLinearizable(specification, operations, limits);
  const result: CheckResult<I, O> = { ...checked, notes: [...ownNotes, ...checked.notes] };
  const answered = operations.filter((operation) => operation.answeredAt !== undefined).length;
  return {
    model,
    format,
    verdict: result.verdict,
    operations: operations.length,
    answered,
    unanswered: operations.length - answered,
    ignored: recording.ignored,
    keys: result.keys.map(({ key, verdict, answered, unanswered, steps }) => ({
      key,
      verdict,
      answered,
      unanswered,
      steps,
    })),
    explanation: explainCounterexample(result),
    notes: result.notes,
    picture: drawCounterexample(result),
  };
}
