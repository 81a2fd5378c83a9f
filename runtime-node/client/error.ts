/** The one error that a client throws: what was asked, why there is no answer, and whether it may have happened all the same. */

/** Why an operation failed. */
export type WavetankErrorCode =
  /** The request makes no sense; nothing was done. */
  | 'invalidInput'
  /** No node could be reached, or none could answer in time. */
  | 'unavailable'
  /** The nodes said "try again" until the time was over. */
  | 'mustRetry'
  /** The node could not do it, and says why. */
  | 'errored'
  /** The operation was given up inside the cluster; the transaction is not committed, and leaves nothing behind: it may be done again. */
  | 'aborted'
  /** Only from transactions: another one holds what was to be locked. */
  | 'alreadyLocked'
  /** Only from transactions and scripts: too many are under way; nothing was begun. */
  | 'admissionRefused'
  /** The caller's AbortSignal. */
  | 'cancelled'
  /** The client was closed. */
  | 'closed'
  /** Only from `extend` of a lock: nobody holds it. */
  | 'lockDoesNotExist'
  /** Only from `extend` of a lock: somebody else holds it. */
  | 'invalidOwner'
  /** Only from `create` of a sequence. */
  | 'alreadyExists'
  /** Only from sequences: there is none of this name. */
  | 'notFound'
  /** Only from sequences: fewer values are left than were asked for. */
  | 'maxValueExceeded'
  /** A node answered with what this client does not know. */
  | 'unexpected';

export interface WavetankErrorDetails {
  readonly operation: string;
  readonly code: WavetankErrorCode;
  readonly reason: string;
  readonly isOutcomeUnknown?: boolean;
  readonly attempts?: number;
  readonly endpoint?: string;
  readonly cause?: unknown;
}

/**
 * Every failure of a client's operation.
 *
 * @example
 * ```ts
 * try {
 *   await client.locks.extend('jobs/nightly', 'somebody', 5_000);
 * } catch (error) {
 *   if (!isWavetankError(error)) throw error;
 *   console.log(error.code, error.operation, error.isOutcomeUnknown);
 *   //=> lockDoesNotExist ExtendLock jobs/nightly false
 * }
 * ```
 */
export class WavetankError extends Error {
  override readonly name = 'WavetankError';
  readonly code: WavetankErrorCode;
  /** What was asked, and of what, such as `Set users/17`. */
  readonly operation: string;
  /** Why, as the node or the network said it. */
  readonly reason: string;
  /** True for a write that may have taken effect, or may still do so. */
  readonly isOutcomeUnknown: boolean;
  /** How often it was tried. */
  readonly attempts: number;
  /** Who gave the last word; absent where nobody did. */
  readonly endpoint?: string;

  constructor(details: WavetankErrorDetails) {
    const { operation, code, reason, isOutcomeUnknown = false } = details;
    const doubt = isOutcomeUnknown ? '; whether it took effect is not known' : '';
    super(`${operation}: ${reason}${doubt}`, details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.operation = operation;
    this.reason = reason;
    this.isOutcomeUnknown = isOutcomeUnknown;
    this.attempts = details.attempts ?? 0;
    if (details.endpoint !== undefined) this.endpoint = details.endpoint;
  }
}

export function isWavetankError(error: unknown): error is WavetankError {
  return error instanceof WavetankError;
}
