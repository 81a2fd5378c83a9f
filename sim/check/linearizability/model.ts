/**
 * The sequential specification that a history is held against: one object, one operation at a time.
 *
 * A `Model` is deterministic: a state, an input and an output lead to one state or are illegal. That is the common case and
 * stays free of allocation. A specification that leaves choices open is a `NondeterministicModel`; `determinize` turns it into
 * a `Model` over sets of states (the powerset construction, as Porcupine does).
 *
 * The optional functions only make the search shorter. Each states what must be true for that to be sound.
 */
import type { Operation } from './history.js';

export interface Model<S extends NonNullable<unknown>, I, O> {
  readonly initial: S;
  /**
   * The state after the operation, or `undefined` when `output` is not a legal answer in `state`. With `output` undefined
   * (no answer was seen) the operation is taken to have run here: the state that results, the same state if it does nothing.
   * Pure; never mutates `state`.
   */
  step(state: S, input: I, output: O | undefined): S | undefined;
  /** Two states have the same key exactly when no sequence of operations can tell them apart. */
  stateKey(state: S): string;
  describe(input: I, output: O | undefined): string;
  describeState(state: S): string;

  /** Why `output` is not a legal answer in `state`: "a get here answers …". */
  explain?(state: S, input: I, output: O): string;
  /**
   * True only when an operation with this input and output leaves *every* state as it is. Then an unanswered one is left
   * out, and an answered one that fits is placed at once, with no alternative tried.
   */
  readOnly?(input: I, output: O | undefined): boolean;
  /** True only when `output` is illegal in `state` and in every state that any operations can lead to from there. */
  impossibleFrom?(state: S, input: I, output: O): boolean;
  /** What the rest of one key's history tells about its unanswered operations. */
  hints?(operations: readonly Operation<I, O>[]): (operation: Operation<I, O>) => Hint<O>;
  /**
   * A few operations of one key that no legal order can hold together, if a look at the answers alone shows some; found
   * without a search, and far easier to understand than a search that failed.
   */
  contradiction?(operations: readonly Operation<I, O>[]): Contradiction<I, O> | undefined;
}

export interface Contradiction<I, O> {
  readonly operations: readonly Operation<I, O>[];
  /** A sentence without its full stop. */
  readonly reason: string;
}

/** What is known about one unanswered operation. */
export interface Hint<O> {
  /** The answer it must have had *if* it took effect in any legal order. */
  readonly impliedOutput: O | undefined;
  /**
   * Unanswered operations with the same likeness may trade places in any legal order without making it illegal (but for
   * their times of invocation), so only the earliest is tried. `undefined`: like no other.
   */
  readonly likeness: string | undefined;
}

export interface NondeterministicModel<S, I, O> {
  readonly initial: readonly S[];
  /** Every state that may result; empty when `output` is illegal in `state`. For no answer: every state of having run. */
  step(state: S, input: I, output: O | undefined): readonly S[];
  stateKey(state: S): string;
  describe(input: I, output: O | undefined): string;
  describeState(state: S): string;
}

/** The deterministic model whose state is the set of states in which the nondeterministic one may be. */
export function determinize<S, I, O>(model: NondeterministicModel<S, I, O>): Model<readonly S[], I, O> {
  const keyOf = (states: readonly S[]): string =>
    JSON.stringify(states.map((state) => model.stateKey(state)));
  return {
    initial: canonicalSet(model, model.initial),
    step(states, input, output) {
      const next = canonicalSet(
        model,
        states.flatMap((state) => model.step(state, input, output)),
      );
      return next.length === 0 ? undefined : next;
    },
    stateKey: keyOf,
    describe: (input, output) => model.describe(input, output),
    describeState: (states) => states.map((state) => model.describeState(state)).join(' or '),
  };
}

function canonicalSet<S, I, O>(model: NondeterministicModel<S, I, O>, states: readonly S[]): readonly S[] {
  const byKey = new Map(states.map((state) => [model.stateKey(state), state]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, state]) => state);
}
