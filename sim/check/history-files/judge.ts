/**
 * From the text of a history file to a verdict: reads it, gives its operations the meaning that the model wants, has them checked,
 * and puts what came out into one form, whichever checker it came from.
 */
import {
  checkIsolation,
  explainAnomalies,
  type Anomaly,
  type HistoryModel,
  type IsolationLevel,
} from '../isolation/index.js';
import {
  casRegisterModel,
  checkLinearizable,
  drawCounterexample,
  explainCounterexample,
  registerModel,
  textModelFor,
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
import { toTransactions } from './to-transactions.js';

/** The first three are checked for linearizability, transactions for isolation. */
export type JudgedModel = 'register' | 'cas-register' | 'kv' | HistoryModel;

export interface JudgeOptions {
  readonly model: JudgedModel;
  readonly format: HistoryFormat | 'auto';
  /** What a register holds at first, as it stands in the history; default nil. For kv: the text that every key holds. */
  readonly initial?: string;
  /** For transactions; default strict serializability. */
  readonly level?: IsolationLevel;
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
  /** In the order of their first appearance; none for transactions. */
  readonly keys: readonly JudgedKey[];
  /** Of transactions: what was found, whether the level forbids it or not. */
  readonly anomalies: readonly Anomaly[];
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
      const converted = toTextOperations(recording);
      const specification = textModelFor(converted.operations);
      const begun =
        initial === undefined
          ? specification
          : { ...specification, initial: { text: initial, begunBy: null } };
      return judged(recording, format, options, begun, converted);
    }
    case 'list-append':
    case 'rw-register':
      return judgedTransactions(recording, format, options, model);
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
    anomalies: [],
    explanation: explainCounterexample(result),
    notes: result.notes,
    picture: drawCounterexample(result),
  };
}

function judgedTransactions(
  recording: Recording,
  format: HistoryFormat,
  { level = 'strict-serializable', maxSteps }: JudgeOptions,
  model: HistoryModel,
): Judgement {
  const transactions = toTransactions(recording, model);
  const checked = checkIsolation(transactions, {
    model,
    level,
    ...(maxSteps === undefined ? {} : { maxSteps }),
  });
  const result = { ...checked, notes: [...recording.notes, ...checked.notes] };
  const unanswered = transactions.filter(({ outcome }) => outcome === 'unknown').length;
  return {
    model,
    format,
    verdict: result.verdict,
    operations: transactions.length,
    answered: transactions.length - unanswered,
    unanswered,
    ignored: recording.ignored,
    keys: [],
    anomalies: result.anomalies,
    explanation: explainAnomalies(result),
    notes: result.notes,
    picture: undefined,
  };
}
