/** The map by which clients find the partition of a name and the node that leads it (gRPC specification, section 7). */

import {
  FIRST_PARTITION,
  groupId,
  RESERVED_KEY_PREFIX,
  SEQUENCE_KEY_PREFIX,
  xxHash32,
} from '../../core/index.js';
import type { ApiBackend } from './backend.js';

export interface RoutingMap {
  /** Whether it is worth anything. */
  readonly initialized: boolean;
  readonly schemaVersion: number;
  readonly hashAlgorithm: string;
  readonly prefixSeparator: string;
  readonly groupSeparator: string;
  readonly hashPoolSize: number;
  readonly hashPartitionOffset: number;
  readonly sequenceStorageKeyFormat: string;
  readonly reservedKeyPrefix: string;
  readonly localEndpoint: string;
  /** Another map has another one. */
  readonly snapshotVersion: number;
  readonly coherent: boolean;
  /** None: all names are placed by their hash. */
  readonly keySpaces: readonly never[];
  readonly leaders: readonly PartitionLeader[];
}

export interface PartitionLeader {
  readonly partitionId: number;
  /** Empty where it is not known. */
  readonly endpoint: string;
}

export function routingMap(backend: ApiBackend): RoutingMap {
  const leaders = Array.from({ length: backend.partitions }, (_, index): PartitionLeader => {
    const group = groupId(FIRST_PARTITION + index);
    return { partitionId: group, endpoint: backend.routeOf(group)?.endpoint ?? '' };
  });
  const content = leaders.map(({ endpoint }) => endpoint).join('\n');
  return {
    initialized: backend.health().initialized,
    schemaVersion: 1,
    hashAlgorithm: 'kahuna.placement-group-jump-xxh32-v1',
    prefixSeparator: '/',
    groupSeparator: '|',
    hashPoolSize: backend.partitions,
    hashPartitionOffset: FIRST_PARTITION,
    sequenceStorageKeyFormat: `${SEQUENCE_KEY_PREFIX}{0}`,
    reservedKeyPrefix: RESERVED_KEY_PREFIX,
    localEndpoint: backend.clientUrl(),
    snapshotVersion: xxHash32(new TextEncoder().encode(content), 0),
    coherent: true,
    keySpaces: [],
    leaders,
  };
}
