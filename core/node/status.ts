/** What a node knows of its groups, for people and tools. */

import type { GroupId, LogIndex, NodeId, Term } from '../machine/units.js';

export interface GroupStatus {
  readonly group: GroupId;
  readonly role: 'follower' | 'precandidate' | 'candidate' | 'leader';
  /** 0 when unknown. */
  readonly leader: NodeId;
  readonly term: Term;
  /** Nothing happens in it until it is woken. */
  readonly asleep: boolean;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  readonly lastIndex: LogIndex;
  /** The last index that the log no longer holds entry by entry. */
  readonly snapshotIndex: LogIndex;
  /** Keys stored, tombstones included. */
  readonly keys: number;
  /** 32 bits folded over all that was applied; equal on replicas with equal `applied`. */
  readonly digest: number;
}

/** The values that a node keeps apart from its groups' states, in memory and on the disk. */
export interface ValuesStatus {
  readonly bytesInMemory: number;
  /** Of those, the bytes of which no write was asked for yet; the log has them. */
  readonly bytesUnwritten: number;
  /** Reads of clients that wait for values from the disk. */
  readonly readsWaiting: number;
}

export interface NodeStatus {
  readonly node: NodeId;
  readonly groups: readonly GroupStatus[];
  readonly values: ValuesStatus;
}
