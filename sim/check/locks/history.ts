/**
 * What clients asked about locks and were told. Times are true time, in one unit with the leases: of the simulator's world, or of one
 * machine that runs all clients.
 *
 * As in a linearizability history, an operation without an answer is neither done nor failed: it may take effect at any
 * time after its invocation, or never.
 */

export interface LockOperation {
  /** Unique in the whole history; it names the operation in reports. */
  readonly id: number;
  readonly client: string;
  /** A lock kept in memory and one kept on disk under one name are two locks: give them two names here. */
  readonly lock: string;
  /** On whose behalf it was asked: a holder is an owner, not a client. Ignored for `get`. */
  readonly owner: string;
  readonly request: LockRequest;
  readonly invokedAt: number;
  /** `undefined` exactly when `answer` is. */
  readonly answeredAt: number | undefined;
  readonly answer: LockAnswer | undefined;
}

export type LockRequest =
  | { readonly type: 'acquire' | 'extend'; readonly leaseMs: number }
  | { readonly type: 'release' }
  | { readonly type: 'get' };

export type LockAnswer =
  /** Granted, or held by this owner already: then with the token of the grant and an unchanged lease. */
  | { readonly type: 'locked'; readonly token: number }
  | { readonly type: 'extended'; readonly token: number }
  | { readonly type: 'released' }
  | { readonly type: 'got'; readonly owner: string; readonly token: number }
  /** Every answer that changed nothing and names no holder: busy, not held, not the owner. */
  | { readonly type: 'refused' };

/** An operation whose answer says who held the lock under which token at some moment between invocation and answer. */
export interface Sighting {
  readonly operation: LockOperation;
  readonly owner: string;
  readonly token: number;
  readonly answeredAt: number;
}

export function sightingOf(operation: LockOperation): Sighting | undefined {
  const { answer, answeredAt } = operation;
  if (answer === undefined || answeredAt === undefined) return undefined;
  switch (answer.type) {
    case 'locked':
    case 'extended':
      return { operation, owner: operation.owner, token: answer.token, answeredAt };
    case 'got':
      return { operation, owner: answer.owner, token: answer.token, answeredAt };
    case 'released':
    case 'refused':
      return undefined;
  }
}

/** The answer's time; infinite when there was none, for then the effect may come at any time. */
export function endOf({ answeredAt }: LockOperation): number {
  return answeredAt ?? Infinity;
}

export function leaseOf({ request }: LockOperation): number {
  return request.type === 'acquire' || request.type === 'extend' ? request.leaseMs : 0;
}

/** In words: `acquire of owner "a" (client c1 #4, 0 to 5)`. */
export function describeLockOperation(operation: LockOperation): string {
  const { id, client, owner, request, invokedAt, answeredAt } = operation;
  const by = request.type === 'get' ? 'get' : `${request.type} of owner "${owner}"`;
  return `${by} (${client} #${id}, ${invokedAt} to ${answeredAt ?? 'no answer'})`;
}
