/**
 * Is there, for every key, one order of its operations that respects time and the model?
 *
 * Three verdicts, never two: `unknown` means that the budget ran out, and is not a pass. Budgets are fair: every key gets a
 * small one first, then those still undecided get four times as much, and so on up to the limit, so that one hard key does not
 * hide an easy illegal one. A round starts a key's search afresh: with a factor of four that costs a third more at most, and
 * only one search's memory is alive at any time.
 */
import { counterexample, type Counterexample } from './counterexample.js';
import { findHistoryNotes, findHistoryProblems, partitionByKey, type Operation } from './history.js';
import type { Contradiction, Model } from './model.js';
import { search } from './search.js';
import { prepareSubhistory, type Subhistory } from './subhistory.js';

export interface CheckOptions {
  /** For each key: how many questions the search may put to the model in one round; at least 1. Default 4,000,000. */
  readonly maxSteps?: number;
}

export type Verdict = 'valid' | 'invalid' | 'unknown';

export interface KeyResult<I, O> {
  readonly key: string;
  readonly verdict: Verdict;
  readonly answered: number;
  readonly unanswered: number;
  /** Questions put to the model, over all rounds. */
  readonly steps: number;
  /** When valid: a legal order of all answered operations and of those unanswered ones that had to take effect. */
  readonly order: readonly Operation<I, O>[] | undefined;
  /** When invalid. */
  readonly counterexample: Counterexample<I, O> | undefined;
}

export interface CheckResult<I, O> {
  /** `invalid` when any key is; else `unknown` when any key is; else `valid`. */
  readonly verdict: Verdict;
  /** In the order of the keys' first appearance. */
  readonly keys: readonly KeyResult<I, O>[];
  /** Of the first invalid key. */
  readonly counterexample: Counterexample<I, O> | undefined;
  /** What a reader should know before trusting the verdict. */
  readonly notes: readonly string[];
}

const defaultMaxSteps = 4_000_000;
const firstRoundSteps = 10_000;
const problemsShown = 5;

/**
 * Checks a history. When a round of budgets finds an illegal key, no further round is begun, and keys still undecided then
 * are `unknown`. Throws an Error for a malformed history (`findHistoryProblems` tells beforehand): it is the recorder that is
 * wrong then, and no verdict about the system would be worth having.
 *
 * @example
 * const set = { type: 'set', value: 'a', condition: unconditional } as const;
 * checkLinearizable(keyValueModel, [
 *   { id: 0, client: 'c1', key: 'x', input: set, invokedAt: 0, answeredAt: 5, output: { type: 'set', revision: 0 } },
 *   { id: 1, client: 'c2', key: 'x', input: { type: 'get' }, invokedAt: 6, answeredAt: 8, output: { type: 'missing' } },
 * ]).verdict; // 'invalid'
 */
export function checkLinearizable<S extends NonNullable<unknown>, I, O>(
  model: Model<S, I, O>,
  operations: readonly Operation<I, O>[],
  options: CheckOptions = {},
): CheckResult<I, O> {
  const maxSteps = options.maxSteps ?? defaultMaxSteps;
  if (!(maxSteps >= 1)) throw new Error(`maxSteps is ${maxSteps}; a search needs a budget of at least 1.`);
  refuseMalformed(operations);
  const tasks: readonly Task<I, O>[] = [...partitionByKey(operations)].map(([key, own]) => ({
    history: prepareSubhistory(model, own),
    contradiction: model.contradiction?.(own),
    result: undecided(key, own),
  }));
  for (let budget = Math.min(firstRoundSteps, maxSteps); ; budget = Math.min(budget * 4, maxSteps)) {
    for (const task of tasks) {
      if (task.result.verdict === 'unknown') task.result = attempt(model, task, budget);
    }
    const verdict = worst(tasks.map(({ result }) => result.verdict));
    if (verdict !== 'unknown' || budget >= maxSteps) {
      const keys = tasks.map(({ result }) => result);
      return {
        verdict,
        keys,
        counterexample: keys.find((result) => result.verdict === 'invalid')?.counterexample,
        notes: findHistoryNotes(operations),
      };
    }
  }
}

interface Task<I, O> {
  readonly history: Subhistory<I, O>;
  readonly contradiction: Contradiction<I, O> | undefined;
  result: KeyResult<I, O>;
}

/** A contradiction settles the key; the one small search is then made only to show how far a legal order gets. */
function attempt<S extends NonNullable<unknown>, I, O>(
  model: Model<S, I, O>,
  { history, contradiction, result }: Task<I, O>,
  budget: number,
): KeyResult<I, O> {
  const { verdict: found, order, steps } = search(model, history, budget);
  if (found === 'valid' && contradiction !== undefined) {
    throw new Error(
      `Key ${result.key} has a legal order, and yet the model claims: ${contradiction.reason}. ` +
        "The model's contradiction function is wrong, or its step allows what it should not.",
    );
  }
  const verdict = contradiction === undefined ? found : 'invalid';
  return {
    ...result,
    verdict,
    steps: result.steps + steps,
    order: verdict === 'valid' ? order : undefined,
    counterexample:
      verdict === 'invalid' ? counterexample(model, result.key, history, order, contradiction) : undefined,
  };
}

function undecided<I, O>(key: string, operations: readonly Operation<I, O>[]): KeyResult<I, O> {
  const answered = operations.filter((operation) => operation.answeredAt !== undefined).length;
  return {
    key,
    verdict: 'unknown',
    answered,
    unanswered: operations.length - answered,
    steps: 0,
    order: undefined,
    counterexample: undefined,
  };
}

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('invalid')) return 'invalid';
  return verdicts.includes('unknown') ? 'unknown' : 'valid';
}

function refuseMalformed<I, O>(operations: readonly Operation<I, O>[]): void {
  const problems = findHistoryProblems(operations);
  if (problems.length === 0) return;
  const more = problems.length > problemsShown ? [`… and ${problems.length - problemsShown} more.`] : [];
  throw new Error(
    ['The history is malformed, so it cannot be judged; look at what recorded it.']
      .concat(
        problems.slice(0, problemsShown).map((problem) => `- ${problem}`),
        more,
      )
      .join('\n'),
  );
}
