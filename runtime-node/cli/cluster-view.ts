/** One view of a cluster, put together from what its nodes say of themselves. */

import type { NodeReport } from '../client/status-client.js';

export interface ReplicaView {
  readonly node: number;
  readonly role: string;
  /** Who leads, as this node knows; 0 for nobody. */
  readonly leader: number;
  readonly term: number;
  readonly commit: number;
  readonly applied: number;
  readonly keys: number;
  readonly digest: number;
}

export interface PartitionView {
  readonly partition: number;
  /**
   * Of the newest term that any node knows; by the word of another node where the leader itself was not reached. 0 when
   * nobody leads in it, as far as can be seen.
   */
  readonly leader: number;
  readonly term: number;
  /** By node. */
  readonly replicas: readonly ReplicaView[];
  /** `differ` when two replicas applied the same entries and are not the same: that must never be. */
  readonly agreement: 'agree' | 'catching up' | 'differ';
}

/** By number; partitions that no reached node knows are not there. */
export function viewPartitions(reports: readonly NodeReport[]): readonly PartitionView[] {
  const replicas = new Map<number, ReplicaView[]>();
  for (const report of reports) {
    if (report.type !== 'Reached') continue;
    const { node, groups } = report.status;
    for (const { group, role, leader, term, commit, applied, keys, digest } of groups) {
      const known = replicas.get(group) ?? [];
      known.push({ node, role, leader, term, commit, applied, keys, digest });
      replicas.set(group, known);
    }
  }
  return [...replicas].sort(([a], [b]) => a - b).map(([partition, known]) => viewPartition(partition, known));
}

function viewPartition(partition: number, unsorted: readonly ReplicaView[]): PartitionView {
  const replicas = [...unsorted].sort((a, b) => a.node - b.node);
  const term = Math.max(...replicas.map((replica) => replica.term));
  const newest = replicas.filter((replica) => replica.term === term);
  const reached = newest.find(({ role }) => role === 'leader')?.node;
  const told = newest.find((replica) => replicas.every(({ node }) => node !== replica.leader))?.leader;
  const leader = reached ?? told ?? 0;
  return { partition, leader, term, replicas, agreement: agreementOf(replicas) };
}

function agreementOf(replicas: readonly ReplicaView[]): PartitionView['agreement'] {
  const digestAt = new Map<number, number>();
  for (const { applied, digest } of replicas) {
    const known = digestAt.get(applied);
    if (known !== undefined && known !== digest) return 'differ';
    digestAt.set(applied, digest);
  }
  return digestAt.size <= 1 ? 'agree' : 'catching up';
}
