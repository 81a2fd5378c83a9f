/**
 * What clients asked of sequences and were told. Values are `bigint`, because a sequence may run up to 2^63 - 1. Times are in any
 * one unit; an operation without an answer is neither done nor failed.
 */

export interface SequenceOperation {
  /** Unique in the whole history; it names the operation in reports. */
  readonly id: number;
  readonly client: string;
  readonly sequence: string;
  readonly request: SequenceRequest;
  readonly invokedAt: number;
  /** `undefined` exactly when `answer` is. */
  readonly answeredAt: number | undefined;
  readonly answer: SequenceAnswer | undefined;
}

export type SequenceRequest =
  | {
      readonly type: 'create';
      readonly initialValue: bigint;
      readonly increment: bigint;
      readonly maxValue: bigint | undefined;
    }
  /** `next` is a reserve of one. */
  | { readonly type: 'reserve'; readonly count: number; readonly idempotencyKey: string | undefined }
  | { readonly type: 'delete' };

export type SequenceAnswer =
  | { readonly type: 'created' }
  | { readonly type: 'deleted' }
  /** The first and the last value of the run. */
  | { readonly type: 'allocated'; readonly start: bigint; readonly end: bigint }
  /** Every answer that changed nothing: not found, exists already, limit exceeded, invalid. */
  | { readonly type: 'refused' };

/** A reserve that was answered with values. */
export interface Allocation {
  readonly operation: SequenceOperation;
  readonly count: number;
  readonly idempotencyKey: string | undefined;
  readonly start: bigint;
  readonly end: bigint;
  readonly invokedAt: number;
  readonly answeredAt: number;
}

export function allocationOf(operation: SequenceOperation): Allocation | undefined {
  const { request, answer, invokedAt, answeredAt } = operation;
  if (request.type !== 'reserve' || answer?.type !== 'allocated' || answeredAt === undefined)
    return undefined;
  const { count, idempotencyKey } = request;
  return { operation, count, idempotencyKey, start: answer.start, end: answer.end, invokedAt, answeredAt };
}

/** In words: `reserve of 3 with key "k" (c1 #4, 0 to 5): 7 to 9`. */
export function describeSequenceOperation(operation: SequenceOperation): string {
  const { id, client, request, invokedAt, answeredAt, answer } = operation;
  const key =
    request.type === 'reserve' && request.idempotencyKey !== undefined
      ? ` with key "${request.idempotencyKey}"`
      : '';
  const asked = request.type === 'reserve' ? `reserve of ${request.count}${key}` : request.type;
  const told = answer?.type === 'allocated' ? `: ${answer.start} to ${answer.end}` : '';
  return `${asked} (${client} #${id}, ${invokedAt} to ${answeredAt ?? 'no answer'})${told}`;
}
