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
  ExtendOperation,
  GetOperation,
  KeyBound,
  KeyValueOutcome,
  Operation,
  PageItem,
  ScanOperation,
  SetOperation,
  SpecialReadMode,
} from '../../core/partition/command.js';
import type { HoldOperation, HoldOutcome, SetFloorOperation } from '../../core/partition/hold-command.js';
import type { LockOperation, LockOutcome } from '../../core/partition/lock-command.js';
import type { SequenceOperation, SequenceOutcome } from '../../core/partition/sequence-command.js';
import type {
  PrefixLock,
  RangeLock,
  TransactionOperation,
} from '../../core/partition/transaction-command.js';
import type { Entry } from '../../core/script/effects.js';
import type {
  LockInTransaction,
  RunScript,
  SessionOptions,
  TransactionHandle,
  UnlockInTransaction,
} from '../../core/transactions/calls.js';

/** What a client asks. */
export type Ask = PointAsk | BatchAsk | RowsAsk | RangeAsk | SessionAsk;

/** Of one key, lock or sequence, or about holds. */
export type PointAsk = Exclude<Operation, ScanOperation | SetFloorOperation | TransactionOperation>;

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

/** Of sessions, and of scripts. */
export type SessionAsk = BeginAsk | InSessionAsk | LockAsk | EndAsk | ScriptAsk;

export interface BeginAsk {
  readonly type: 'Begin';
  readonly coordinatorKey: string;
  readonly options: SessionOptions;
}

/** Something else, as part of a transaction. */
export interface InSessionAsk {
  readonly type: 'InSession';
  readonly handle: TransactionHandle;
  readonly ask: AskInSession;
}

export type AskInSession =
  SetOperation | DeleteOperation | ExtendOperation | GetOperation | ExistsOperation | ManyInSession;
type ManyInSession = DeleteManyAsk | BucketAsk | RangeAsk | LockAsk;
type BucketAsk = RowsAsk & { readonly type: 'Bucket' };
type DeleteManyAsk = Extract<BatchAsk, { readonly type: 'DeleteMany' }>;

/** Of a session's locks; only in one. What is locked by its key alone is given back when the session ends. */
export type LockAsk =
  LockInTransaction | (Omit<UnlockInTransaction, 'need'> & { readonly need: PrefixLock | RangeLock });

export interface EndAsk {
  readonly type: 'Commit' | 'Rollback';
  readonly handle: TransactionHandle;
  readonly anchorKey?: string;
}

export type ScriptAsk = RunScript;

/** The codes are those of `SessionCode`. */
export interface SessionOutcome {
  readonly code: number;
  /** Of a session that was begun. */
  readonly id?: Timestamp;
  /** Who holds what was to be locked. */
  readonly holder?: Timestamp;
  /** To be sent with the next attempt to commit. */
  readonly anchorKey?: string;
}

/** Of what was asked in a session: what it would be told outside, or one of the codes that only sessions have. */
export interface InSessionOutcome extends SessionOutcome {
  readonly answer: AnswerTo<AskInSession>;
}

/** The codes are those of `ScriptCode`. */
export interface ScriptOutcome {
  readonly code: number;
  readonly entries: readonly Entry[];
}

export interface BatchOutcome {
  readonly code: number;
  /** In the order of the items; an item that got no answer of its own is `errored`. */
  readonly rows: readonly KeyValueOutcome[];
}

export interface RowsOutcome {
  readonly code: number;
  readonly items: readonly PageItem[];
}

export interface RangeOutcome extends RowsOutcome {
  readonly hasMore: boolean;
  /** What to ask the next page with; null when there is none. */
  readonly cursor: string | null;
}

/** The answer to a question, with a reason for people where it is a refusal. */
export type AnswerTo<A extends Ask> = OutcomeOf<A> & { readonly reason?: string };

type OutcomeOf<A extends Ask> = A extends InSessionAsk
  ? InSessionOutcome
  : A extends ScriptAsk
    ? ScriptOutcome
    : A extends SessionAsk
      ? SessionOutcome
      : OutcomeOutside<A>;

type OutcomeOutside<A extends Ask> = A extends LockOperation
  ? LockOutcome
  : A extends SequenceOperation
    ? SequenceOutcome
    : A extends HoldOperation
      ? HoldOutcome
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
  /** What is asked takes effect only when a session is committed. */
  readonly isTentative?: true;
  /**
   * A question that can be asked again and again, always under the same operation id.
   *
   * @param near the endpoint to ask first.
   */
  prepare<A extends Ask>(ask: A, near?: string): Prepared<A>;
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
