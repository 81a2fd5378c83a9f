/** What a node says of itself under `/v1/status`; `wavetank status` reads it. */

import type { GroupStatus } from '../../core/index.js';

export interface ServerStatus {
  readonly node: number;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly cluster: string;
  readonly version: string;
  readonly dataFolder: string;
  readonly clientAddress: string;
  readonly peerAddress: string;
  readonly voters: readonly number[];
  readonly groups: readonly GroupStatus[];
}

/** `/v1/cluster/health`, as Kahuna has it. */
export interface HealthStatus {
  readonly ready: boolean;
  readonly initialized: boolean;
  readonly localRole: LocalRole;
  readonly hostedPartitions: number;
}

export type LocalRole = 'Voter' | 'Learner' | 'Leaving' | 'NotMember';
