/**
 * Where a client's questions go: over HTTP to the nodes of a cluster, or straight into a node of this process. Above this
 * port stands all that both have in common (repetition, deadlines, errors, the typed methods); below it is only how one
 * question is asked once.
 *
 * Questions and answers are the core's own operations and outcomes, and beside them what concerns several keys at once.
 */

import type { Timestamp } from '../../core/clock/hybrid-clock.js';
import type {
  DeleteOperation,
  ExistsOperation,
  GetOperation,
  KeyBound,
  KeyValueCode,
  KeyValueOutcome,
  Operation,
  PageItem,
  ScanOperation,
  SetOperation,
  SpecialReadMode,
} from '../../core/partition/command.js';
import type { LockOperation, LockOutcome } from '../../core/partition/lock-command.js';
import type { SequenceOperation, SequenceOutcome } from '../../core/partition/sequence-command.js';
import type { TransactionOperation } from '../../core/partition/transaction-command.js';

/** What a client asks. */
export type Ask = PointAsk | BatchAsk | RowsAsk | RangeAsk;

/** Of one key, lock or sequence. */
export type PointAsk = Exclude<Operation, ScanOperation | TransactionOperation>;

/** The same of several keys: each by itself, in no order, and not all or nothing. */
export type BatchAsk =
  | { readonly type: 'SetMany'; readonly items: readonly SetOperation[] }
  | { readonly type: 'DeleteMany'; readonly items: readonly DeleteOperation[] }
  | { readonly type: 'GetMany'; readonly items: readonly GetOperation[]; readonly at?: Timestamp }
  | { readonly type: 'ExistsMany'; readonly items: readonly ExistsOperation[]; readonly at?: Timestamp };

/** All keys that begin with a prefix: those of one bucket, or those of the whole cluster. */
export interface RowsAsk {
  readonly type: 'Bucket' | 'ScanAll';
  readonly prefix: string;
  readonly at?: Timestamp;
  readonly ephemeral?: true;
  readonly mode?: SpecialReadMode;
}

/** One page of the keys between two bounds. */
export interface RangeAsk {
  readonly type: 'Range';
  readonly prefix: string;
  readonly from?: KeyBound;
  readonly to?: KeyBound;
  readonly limit: number;
  readonly at?: Timestamp;
  readonly ephemeral?: true;
  readonly mode?: SpecialReadMode;
  /** Of the page before. */
  readonly cursor?: string;
}

export interface BatchOutcome {
  readonly code: number;
  /** In the order of the items; an item that got no answer of its own is `errored`. */
  readonly rows: readonly KeyValueOutcome[];
}

export interface RowsOutcome {
  readonly code: KeyValueCode;
  readonly items: readonly PageItem[];
}

export interface RangeOutcome extends RowsOutcome {
  readonly hasMore: boolean;
  /** What to ask the next page with; null when there is none. */
  readonly cursor: string | null;
}

/** The answer to a question, with a reason for people where it is a refusal. */
export type AnswerTo<A extends Ask> = OutcomeOf<A> & { readonly reason?: string };

type OutcomeOf<A extends Ask> = A extends LockOperation
  ? LockOutcome
  : A extends SequenceOperation
    ? SequenceOutcome
    : A extends BatchAsk
      ? BatchOutcome
      : A extends RangeAsk
        ? RangeOutcome
        : A extends RowsAsk
          ? RowsOutcome
          : KeyValueOutcome;

export interface ClientPort {
  /** How many nodes there are: so many tries make a round, after which a pause makes sense. */
  readonly breadth: number;
  /** A question that can be asked again and again, always under the same operation id. */
  prepare<A extends Ask>(ask: A): Prepared<A>;
  isClosed(): boolean;
  close(): Promise<void>;
}

export interface Prepared<A extends Ask> {
  /** Asks once: the node that answered last, and then one after the other. */
  attempt(limits: AttemptLimits): Promise<Attempt<A>>;
}

export interface AttemptLimits {
  /** No attempt lasts longer; one that may be repeated elsewhere ends sooner where nobody answers. */
  readonly timeoutMs: number;
  readonly mayRepeat: boolean;
  readonly signal?: AbortSignal;
}

export type Attempt<A extends Ask> =
  /** Executed, refused by a rule, or to be tried again: the code says which. */
  | { readonly type: 'Answered'; readonly answer: AnswerTo<A>; readonly endpoint: string }
  /** No answer. `sent` when it may have been executed all the same. */
  | { readonly type: 'Failed'; readonly reason: string; readonly endpoint: string; readonly sent: boolean }
  /** Not understood: to repeat it would not help. */
  | { readonly type: 'Refused'; readonly reason: string; readonly endpoint: string };

/** A final answer, after as many attempts as it took. */
export interface Settled<A extends Ask> {
  readonly answer: AnswerTo<A>;
  readonly endpoint: string;
  readonly attempts: number;
  /** An earlier attempt may have been executed too, and this answer may tell of its effect. */
  readonly wasUncertain: boolean;
  /** When the first attempt began, by the monotonic clock. */
  readonly startedAt: number;
}
