/**
 * The history that a checker judges: what clients asked, when, and what they were told.
 *
 * Owns the meaning of time. Operation `a` comes before operation `b` only when `a.answeredAt < b.invokedAt`, strictly; equal
 * times count as concurrent, because two events in one unit of time have no known order and a checker must not invent one.
 * An operation without an answer is neither failed nor done: it may take effect at any time after its invocation, or never.
 *
 * After Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects" (1990), section 2.
 */

/** One operation of one client on one key. `I` is what was asked, `O` what was answered; `O` must not contain `undefined`. */
export interface Operation<I, O> {
  /** Unique in the whole history; it names the operation in reports. */
  readonly id: number;
  readonly client: string;
  /** Operations on different keys are independent, so each key is checked alone (locality: Herlihy and Wing, theorem 1). */
  readonly key: string;
  readonly input: I;
  /** Any unit, as a safe integer. */
  readonly invokedAt: number;
  /** Same unit, not before `invokedAt`; `undefined` when no answer was seen. */
  readonly answeredAt: number | undefined;
  /** `undefined` exactly when `answeredAt` is. */
  readonly output: O | undefined;
}

/**
 * What makes a history unfit to be judged, one sentence for each problem, in the order of the operations; empty when it is
 * well-formed. A malformed history means that the harness that recorded it is wrong, which no verdict should hide.
 */
export function findHistoryProblems<I, O>(operations: readonly Operation<I, O>[]): readonly string[] {
  const problems: string[] = [];
  const seen = new Set<number>();
  for (const operation of operations) {
    const name = `operation ${operation.id} of client ${operation.client}`;
    if (!Number.isSafeInteger(operation.id)) {
      problems.push(`${name} has an id that is not an integer; number the operations 0, 1, 2 …`);
    } else if (seen.has(operation.id)) {
      problems.push(
        `${name} repeats an id; record a retry under its own id, or as the same operation with a later answer`,
      );
    }
    seen.add(operation.id);
    problems.push(...timeProblems(operation).map((problem) => `${name} ${problem}`));
  }
  return problems;
}

function timeProblems<I, O>({ invokedAt, answeredAt, output }: Operation<I, O>): readonly string[] {
  if (!Number.isSafeInteger(invokedAt)) {
    return [`was invoked at ${invokedAt}; times are integers, so choose a smaller unit`];
  }
  if (answeredAt === undefined) {
    return output === undefined ? [] : ['has an output but no time of answer; record both or neither'];
  }
  if (!Number.isSafeInteger(answeredAt)) {
    return [`was answered at ${answeredAt}; times are integers, and undefined means "no answer"`];
  }
  if (answeredAt < invokedAt) {
    return [
      `was answered at ${answeredAt}, before its invocation at ${invokedAt}; ` +
        'were the two read from different clocks? Both must come from one',
    ];
  }
  return output === undefined ? ['was answered but has no output; give answers without content a value'] : [];
}

/** What is allowed but worth knowing before one trusts a verdict. */
export function findHistoryNotes<I, O>(operations: readonly Operation<I, O>[]): readonly string[] {
  const notes: string[] = [];
  if (operations.every((operation) => operation.answeredAt === undefined)) {
    notes.push('No operation was answered, so every verdict but "valid" was impossible: nothing was tested.');
  }
  const overlap = findOverlap(operations);
  if (overlap !== undefined) {
    const [earlier, later] = overlap;
    notes.push(
      `Client ${later.client} had operations ${earlier.id} and ${later.id} under way at once. ` +
        'That is allowed; they are treated as concurrent, without the order of the client.',
    );
  }
  return notes;
}

function findOverlap<I, O>(
  operations: readonly Operation<I, O>[],
): readonly [Operation<I, O>, Operation<I, O>] | undefined {
  const latestOf = new Map<string, Operation<I, O>>();
  for (const operation of inInvocationOrder(operations)) {
    if (operation.answeredAt === undefined) continue;
    const latest = latestOf.get(operation.client);
    if (latest?.answeredAt !== undefined) {
      if (latest.answeredAt > operation.invokedAt) return [latest, operation];
      if (latest.answeredAt > operation.answeredAt) continue;
    }
    latestOf.set(operation.client, operation);
  }
  return undefined;
}

/** The operations of each key, keys in the order of their first appearance. */
export function partitionByKey<I, O>(
  operations: readonly Operation<I, O>[],
): ReadonlyMap<string, readonly Operation<I, O>[]> {
  const partitions = new Map<string, Operation<I, O>[]>();
  for (const operation of operations) {
    const partition = partitions.get(operation.key);
    if (partition === undefined) partitions.set(operation.key, [operation]);
    else partition.push(operation);
  }
  return partitions;
}

/** A copy sorted by invocation; equal times keep the order of the history, so that the same input gives the same search. */
export function inInvocationOrder<I, O>(operations: readonly Operation<I, O>[]): Operation<I, O>[] {
  return operations.toSorted((a, b) => a.invokedAt - b.invokedAt);
}
