/**
 * How many nodes have a partition. Here every member has all of them, which a factor of 0 says; so a partition can be told
 * to be as it is, and everything else is refused with the reason.
 */

import type { ClusterBackend } from './cluster.js';
import { INT32, type RequestReader } from './request-reader.js';

export interface ReplicationFactorAnswer {
  readonly success: boolean;
  readonly status: 'Success' | 'InvalidInput' | 'Refused';
  /** Of the partition's placement; 0 when it was refused. */
  readonly generation: number;
  readonly reason: string | null;
}

/** @throws BadRequest for what cannot be read. */
export function setReplicationFactor(
  { partitions }: ClusterBackend,
  reader: RequestReader,
): ReplicationFactorAnswer {
  const partition = reader.integer('partitionId', INT32, 0);
  const factor = reader.integer('replicationFactor', INT32, 0);
  if (partition <= 0) return refused('InvalidInput', `partitionId must be 1 or more, but is ${partition}`);
  if (factor < 0) return refused('InvalidInput', `replicationFactor must not be negative, but is ${factor}`);
  if (partition > partitions)
    return refused('Refused', `there is no partition ${partition}: they are numbered 1 to ${partitions}`);
  if (factor > 0) {
    const reason =
      'every member of this cluster has every partition: partitions with fewer replicas are not in this version; ' +
      'a factor of 0 leaves it so';
    return refused('Refused', reason);
  }
  return { success: true, status: 'Success', generation: 1, reason: null };
}

function refused(status: 'InvalidInput' | 'Refused', reason: string): ReplicationFactorAnswer {
  return { success: false, status, generation: 0, reason };
}
