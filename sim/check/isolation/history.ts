/**
 * The history that the isolation checker judges: transactions, what each of them did, and what it was told.
 *
 * Two models of data. `list-append`: a key holds a list, `append` adds an element at its end as one operation of the store,
 * `list` reads all of it. `rw-register`: a key holds one value, `write` replaces it, `read` reads it. Lists tell far more,
 * because every read shows the order of all writes before it; registers are what most stores offer. A key that nobody has
 * written is absent (an empty list, or null), and nothing is ever removed.
 *
 * An unknown outcome is neither a failure nor a success: such a transaction may take effect at any time after its
 * invocation, or never. Once a committed transaction has read what it wrote, it has committed.
 */

/** Unique among all writes to one key in a history, those of aborted transactions too, so that a read names its writer. */
export type Element = number | string;

export type MicroOperation =
  | { readonly type: 'append'; readonly key: string; readonly value: Element }
  /** A read of a whole list, with the transaction's own appends; `undefined` when the result is not known. */
  | { readonly type: 'list'; readonly key: string; readonly values: readonly Element[] | undefined }
  | { readonly type: 'write'; readonly key: string; readonly value: Element }
  /** A read of a register; `null` when the key was absent, `undefined` when the result is not known. */
  | { readonly type: 'read'; readonly key: string; readonly value: Element | null | undefined }
  /**
   * A read by predicate: every key with the prefix that was present, each with its value, or with the last element of its
   * list. A key that is not among them was absent.
   */
  | {
      readonly type: 'scan';
      readonly prefix: string;
      readonly found: readonly (readonly [key: string, value: Element])[] | undefined;
    };

export interface Transaction {
  /** Unique in the history, an integer; it names the transaction in reports. */
  readonly id: number;
  readonly client: string;
  /** `unknown`: the answer was lost, and it may or may not have taken effect. */
  readonly outcome: 'committed' | 'aborted' | 'unknown';
  /** Any unit. One transaction precedes another in real time only when it was answered strictly before the other's invocation. */
  readonly invokedAt: number;
  /** Not before `invokedAt`; a committed transaction has one. That of an unknown one says nothing, and is not used. */
  readonly answeredAt: number | undefined;
  /** In the order in which the transaction did them. */
  readonly operations: readonly MicroOperation[];
}

export type HistoryModel = 'list-append' | 'rw-register';

const modelOf: Readonly<Record<MicroOperation['type'], HistoryModel | undefined>> = {
  append: 'list-append',
  list: 'list-append',
  write: 'rw-register',
  read: 'rw-register',
  scan: undefined,
};

/**
 * What makes a history unfit to be judged, one sentence for each unfit transaction, in their order; empty when it is
 * well-formed. A malformed history means that what recorded it is wrong, which no verdict should hide.
 */
export function findTransactionProblems(
  history: readonly Transaction[],
  model: HistoryModel,
): readonly string[] {
  const problems: string[] = [];
  const seen = isAscending(history) ? undefined : new Set<number>();
  for (const transaction of history) {
    const problem =
      idProblem(transaction, seen) ?? timeProblem(transaction) ?? modelProblem(transaction, model);
    if (problem !== undefined)
      problems.push(`transaction ${transaction.id} of client ${transaction.client} ${problem}`);
  }
  return problems;
}

/** Ids that ascend, as they mostly do, cannot repeat. */
function isAscending(history: readonly Transaction[]): boolean {
  return history.every(({ id }, index) => index === 0 || id > (history[index - 1] as Transaction).id);
}

function idProblem({ id }: Transaction, seen: Set<number> | undefined): string | undefined {
  if (!Number.isSafeInteger(id)) return 'has an id that is not an integer; number the transactions 0, 1, 2 …';
  if (seen?.has(id) === true) return 'repeats an id; record a retry under its own id';
  seen?.add(id);
  return undefined;
}

function modelProblem({ operations }: Transaction, model: HistoryModel): string | undefined {
  for (const { type } of operations) {
    const needed = modelOf[type];
    if (needed !== undefined && needed !== model) {
      return (
        `has an operation "${type}", which belongs to the model ${needed}, not ${model}; ` +
        'check the two kinds of keys as two histories'
      );
    }
  }
  return undefined;
}

function timeProblem({ invokedAt, answeredAt, outcome }: Transaction): string | undefined {
  if (!Number.isFinite(invokedAt)) return `was invoked at ${invokedAt}, which is not a time`;
  if (answeredAt === undefined) {
    return outcome === 'committed'
      ? 'is committed but has no time of answer; without an answer its outcome is unknown'
      : undefined;
  }
  if (!Number.isFinite(answeredAt)) return `was answered at ${answeredAt}; undefined means "no answer"`;
  return answeredAt < invokedAt
    ? `was answered at ${answeredAt}, before its invocation at ${invokedAt}; both must come from one clock`
    : undefined;
}
