/**
 * The reference that the checker is held against: tries every order and every subset of the unanswered operations, with no
 * cleverness at all. Only for histories of a handful of operations on one key.
 */
import type { Model, Operation } from '../../../../sim/check/linearizability/index.js';

export function isLinearizable<S extends NonNullable<unknown>, I, O>(
  model: Model<S, I, O>,
  operations: readonly Operation<I, O>[],
  state: S = model.initial,
): boolean {
  if (operations.every((operation) => operation.answeredAt === undefined)) return true;
  return operations.some((operation) => {
    const others = operations.filter((other) => other !== operation);
    if (others.some((other) => comesBefore(other, operation))) return false;
    const next = model.step(state, operation.input, operation.output);
    return next !== undefined && isLinearizable(model, others, next);
  });
}

/** Whether an order that the checker gives as its proof really is one; for histories of any size. */
export function provesLinearizable<S extends NonNullable<unknown>, I, O>(
  model: Model<S, I, O>,
  operations: readonly Operation<I, O>[],
  order: readonly Operation<I, O>[],
): boolean {
  const placed = new Set(order);
  if (placed.size !== order.length || !order.every((operation) => operations.includes(operation)))
    return false;
  if (operations.some((operation) => operation.answeredAt !== undefined && !placed.has(operation)))
    return false;
  let state: S | undefined = model.initial;
  let latestInvocation = -Infinity;
  for (const operation of order) {
    if (operation.answeredAt !== undefined && operation.answeredAt < latestInvocation) return false;
    latestInvocation = Math.max(latestInvocation, operation.invokedAt);
    state = model.step(state, operation.input, operation.output);
    if (state === undefined) return false;
  }
  return true;
}

function comesBefore<I, O>(a: Operation<I, O>, b: Operation<I, O>): boolean {
  return a.answeredAt !== undefined && a.answeredAt < b.invokedAt;
}
