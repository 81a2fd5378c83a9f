/**
 * Assertions that stay on in production.
 *
 * A failed assertion means that a node found its own state impossible. It throws, the host stops the node, and
 * the message is what somebody reads at three in the morning: say what was seen and why it cannot be.
 * Bad input from outside is never an assertion; it is answered by a refusal.
 */

/** Thrown when an invariant of this program does not hold. Hosts stop the node and print the message. */
export class ImpossibleState extends Error {
  override readonly name = 'ImpossibleState';
}

/**
 * Stops the node unless `condition` holds.
 *
 * @param explain builds the message only when it is needed, so an assertion on a hot path costs one comparison.
 * @throws ImpossibleState with the explanation.
 */
export function assert(condition: boolean, explain: () => string): asserts condition {
  if (!condition) throw new ImpossibleState(explain());
}

/** The value, or a failed assertion where it is missing. */
export function present<T>(value: T | undefined, explain: () => string): T {
  if (value === undefined) throw new ImpossibleState(explain());
  return value;
}

/** Reached only when a `switch` over a union forgot a member; the compiler refuses such code first. */
export function unreachable(value: never): never {
  throw new ImpossibleState(`a case that the types exclude: ${JSON.stringify(value)}`);
}
