/**
 * What a person needs to see of a history that has no legal order: how far the search got, what the state was there, and why
 * nothing could come next. Plain data, so that it can be stored with a trace and read without the model.
 */
import type { Operation } from './history.js';
import type { Contradiction, Model } from './model.js';
import type { Subhistory } from './subhistory.js';

/** How many of the last placed operations are described: as many as fit into a picture. */
const placedShown = 6;

export interface Counterexample<I, O> {
  readonly key: string;
  /** The legal beginning with the most answered operations that was found, in order. */
  readonly longestPrefix: readonly Operation<I, O>[];
  /** Answered operations in all, and in the prefix. */
  readonly answered: number;
  readonly answeredPlaced: number;
  /** The model's state after the prefix. */
  readonly state: string;
  /** The end of the prefix, described. */
  readonly lastPlaced: readonly DescribedOperation<I, O>[];
  /** The operations that might come next as far as time goes. No order begins with the prefix and then one of these. */
  readonly blocked: readonly BlockedOperation<I, O>[];
  /** The first of the unplaced operations to be answered: all operations invoked after its answer come after it. */
  readonly firstToAnswer: Operation<I, O>;
  /**
   * Operations whose answers exclude each other, where the model saw some: by itself enough to condemn the history. The
   * search may then have been cut short, and the prefix is only the longest that it had found.
   */
  readonly contradiction: DescribedContradiction<I, O> | undefined;
}

export interface DescribedContradiction<I, O> {
  readonly operations: readonly DescribedOperation<I, O>[];
  readonly reason: string;
}

export interface DescribedOperation<I, O> {
  readonly operation: Operation<I, O>;
  readonly description: string;
}

export interface BlockedOperation<I, O> extends DescribedOperation<I, O> {
  /**
   * `illegal`: its answer is wrong in this state. `impossible`: and in every later one. `deadEnd`: it fits, and leads to no
   * complete order. `noEffect`: without an answer, and would change nothing here.
   */
  readonly obstacle: 'illegal' | 'impossible' | 'deadEnd' | 'noEffect';
  readonly reason: string;
}

export function counterexample<S extends NonNullable<unknown>, I, O>(
  model: Model<S, I, O>,
  key: string,
  history: Subhistory<I, O>,
  longestPrefix: readonly Operation<I, O>[],
  contradiction: Contradiction<I, O> | undefined,
): Counterexample<I, O> {
  const placed = new Set(longestPrefix);
  const unplaced = history.answered.filter((operation) => !placed.has(operation));
  const firstToAnswer = unplaced.reduce((first, operation) =>
    (operation.answeredAt as number) < (first.answeredAt as number) ? operation : first,
  );
  const state = longestPrefix.reduce<S>(
    (before, { input, output }) => model.step(before, input, output) ?? before,
    model.initial,
  );
  const candidates = [...unplaced, ...history.unanswered].filter(
    (operation) => !placed.has(operation) && operation.invokedAt <= (firstToAnswer.answeredAt as number),
  );
  const describe = (operation: Operation<I, O>): DescribedOperation<I, O> => ({
    operation,
    description: model.describe(operation.input, operation.output),
  });
  return {
    key,
    longestPrefix,
    answered: history.answered.length,
    answeredPlaced: history.answered.length - unplaced.length,
    state: model.describeState(state),
    lastPlaced: longestPrefix.slice(-placedShown).map(describe),
    blocked: candidates.map((operation) => ({
      ...describe(operation),
      ...obstacleTo(model, state, operation),
    })),
    firstToAnswer,
    contradiction: contradiction && {
      operations: contradiction.operations.map(describe),
      reason: contradiction.reason,
    },
  };
}

function obstacleTo<S extends NonNullable<unknown>, I, O>(
  model: Model<S, I, O>,
  state: S,
  { input, output }: Operation<I, O>,
): Pick<BlockedOperation<I, O>, 'obstacle' | 'reason'> {
  const next = model.step(state, input, output);
  if (output === undefined) {
    return next === undefined || model.stateKey(next) === model.stateKey(state)
      ? { obstacle: 'noEffect', reason: 'it has no answer, and would change nothing here' }
      : { obstacle: 'deadEnd', reason: 'it has no answer and may have run here, but that leads no further' };
  }
  if (next !== undefined) {
    return { obstacle: 'deadEnd', reason: 'it fits here, but then another operation no longer does' };
  }
  const why =
    model.explain?.(state, input, output) ??
    `its answer is not legal in the state ${model.describeState(state)}`;
  return model.impossibleFrom?.(state, input, output) === true
    ? { obstacle: 'impossible', reason: `${why}, and no later state allows its answer either` }
    : { obstacle: 'illegal', reason: why };
}
