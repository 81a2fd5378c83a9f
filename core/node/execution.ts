/** An operation on its way, and who is to hear of it. */

import type { GroupId, LogIndex, NodeId } from '../machine/units.js';
import type { Operation, RequestId } from '../partition/command.js';
import type { TransactionId } from '../partition/transaction-command.js';

/** An operation for a group that this node may lead, or whose state it may read. */
export interface Execution {
  readonly group: GroupId;
  readonly requestId: RequestId;
  readonly basis: LogIndex;
  readonly operation: Operation;
  readonly origin: Origin;
  /** See `Forward`. */
  readonly within?: TransactionId | undefined;
}

/**
 * Where an answer goes: to a client of this node, or whoever in it asked under a token below 0 (`requests.ts`),
 * to the node that forwarded the request, or to a task of this node.
 */
export type Origin =
  | { readonly type: 'Client'; readonly token: number }
  | { readonly type: 'Node'; readonly node: NodeId; readonly requestId: RequestId }
  /** A change of the roster, put into words. */
  | { readonly type: 'Admin'; readonly task: number; readonly summary: string }
  /** The floor of a partition, to the leader of the holds that it follows from (`floors.ts`). */
  | { readonly type: 'Floor'; readonly position: LogIndex };

export function sameOrigin(a: Origin, b: Origin): boolean {
  return a.type === b.type && originName(a) === originName(b);
}

/** No two have the same. */
export function originName(origin: Origin): string {
  switch (origin.type) {
    case 'Client':
      return `client ${origin.token}`;
    case 'Node':
      return `node ${origin.node}`;
    case 'Admin':
      return `admin ${origin.task}`;
    case 'Floor':
      return `floor ${origin.position}`;
  }
}
