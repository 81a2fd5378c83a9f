/**
 * What "pure" means, as a check: a step may not touch its arguments, and says the same when it is asked twice.
 */

import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';

const alreadyFrozen = new WeakSet<object>();

/** Freezes a value and everything below it. Bytes cannot be frozen, and are left as they are. */
export function deepFreeze<T>(value: T): T {
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next !== 'object' || next === null) continue;
    if (ArrayBuffer.isView(next) || alreadyFrozen.has(next)) continue;
    alreadyFrozen.add(next);
    Object.freeze(next);
    for (const part of Object.values(next)) waiting.push(part);
  }
  return value;
}

/**
 * Runs a step on a frozen state and input, twice, and wants the same answer both times.
 * What it gives is frozen too, so that a later step cannot change it unnoticed.
 */
export function pureStep<State, Input, Result>(
  step: (state: State, input: Input) => Result,
  state: State,
  input: Input,
): Result {
  deepFreeze(state);
  deepFreeze(input);

  const first = step(state, input);
  const second = step(state, input);

  if (!isDeepStrictEqual(first, second)) expect(second).toStrictEqual(first);
  return deepFreeze(first);
}
