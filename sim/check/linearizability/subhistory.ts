/**
 * One key's history made ready for the search: answered and unanswered operations apart, both by invocation, with what the
 * model knows about each. Unanswered operations that can change nothing are left out here, for good.
 */
import { inInvocationOrder, type Operation } from './history.js';
import type { Model } from './model.js';

export interface Subhistory<I, O> {
  readonly answered: readonly Operation<I, O>[];
  /** 1 where the model says that the operation leaves every state as it is; by index in `answered`. */
  readonly isReadOnly: Uint8Array;
  readonly unanswered: readonly Operation<I, O>[];
  /** By index in `unanswered`: the output it must have had if it took effect, where the model could tell. */
  readonly impliedOutputs: readonly (O | undefined)[];
  /** By index in `unanswered`: the operation just before it that is interchangeable with it and must go first, or -1. */
  readonly elderTwin: Int32Array;
}

export function prepareSubhistory<S extends NonNullable<unknown>, I, O>(
  model: Model<S, I, O>,
  operations: readonly Operation<I, O>[],
): Subhistory<I, O> {
  const ordered = inInvocationOrder(operations);
  const answered = ordered.filter((operation) => operation.answeredAt !== undefined);
  const unanswered = ordered.filter(
    (operation) =>
      operation.answeredAt === undefined && model.readOnly?.(operation.input, undefined) !== true,
  );
  const hintOf = unanswered.length === 0 ? undefined : model.hints?.(operations);
  const hints = unanswered.map((operation) => hintOf?.(operation));
  return {
    answered,
    isReadOnly: Uint8Array.from(answered, ({ input, output }) =>
      model.readOnly?.(input, output) === true ? 1 : 0,
    ),
    unanswered,
    impliedOutputs: hints.map((hint) => hint?.impliedOutput),
    elderTwin: elderTwins(hints.map((hint) => hint?.likeness)),
  };
}

function elderTwins(likenesses: readonly (string | undefined)[]): Int32Array {
  const latest = new Map<string, number>();
  const elders = new Int32Array(likenesses.length).fill(-1);
  likenesses.forEach((likeness, index) => {
    if (likeness === undefined) return;
    elders[index] = latest.get(likeness) ?? -1;
    latest.set(likeness, index);
  });
  return elders;
}
