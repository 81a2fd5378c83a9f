/** A node that is told to leave its cluster: it is taken out of the roster, and then out of every partition. */

import type { NodeId } from '../../core/index.js';
import { askAdmin } from './ask-admin.js';
import type { ClusterBackend } from './cluster.js';

export interface Left {
  readonly left: boolean;
  /** Its part of the work went to others first. */
  readonly drained: boolean;
  readonly outcome: LeaveOutcome;
  readonly membershipVersion: number;
  /** A repetition may end otherwise. */
  readonly retryable: boolean;
  readonly reason: string;
}

export type LeaveOutcome =
  | 'Committed'
  | 'NotAMember'
  | 'RefusedInsufficientVoters'
  | 'NotInitialized'
  | 'NoLeader'
  | 'Timeout'
  | 'RefusedDrainInProgress'
  | 'DrainTimedOut';

/** By outcome, the HTTP status. */
export const LEAVE_STATUS: Readonly<Record<LeaveOutcome, number>> = {
  Committed: 200,
  NotAMember: 200,
  RefusedInsufficientVoters: 409,
  NotInitialized: 503,
  NoLeader: 503,
  Timeout: 504,
  RefusedDrainInProgress: 503,
  DrainTimedOut: 504,
};

/** What a node that leaves is given to be out of every partition. */
const LEAVE_TIMEOUT_MS = 30_000;

export async function leave(backend: ClusterBackend): Promise<Left> {
  const { node } = backend.status();
  const { initialized, localRole } = backend.health();
  if (localRole === 'NotMember')
    return leaveAnswer('NotAMember', 0, `node ${node} is no member of the cluster`);
  if (!initialized) return leaveAnswer('NotInitialized', 0, `node ${node} is still starting`);
  const change = {
    type: 'ChangeMembers',
    add: [],
    promote: [],
    remove: [node as NodeId],
    priorities: [],
  } as const;
  const { outcome, refusal, reason, version } = await askAdmin(backend, change);
  switch (outcome) {
    case 'Done':
    case 'Unchanged':
      return (await backend.untilOut(LEAVE_TIMEOUT_MS))
        ? leaveAnswer('Committed', version, `node ${node} is out; it may be stopped`)
        : leaveAnswer('DrainTimedOut', version, `node ${node} is leaving, and is still in some partitions`);
    case 'Refused':
      return refusal === 'ChangeInProgress'
        ? leaveAnswer('RefusedDrainInProgress', version, reason)
        : leaveAnswer('RefusedInsufficientVoters', version, reason);
    case 'Unavailable':
      return leaveAnswer('NoLeader', version, reason);
    case 'Unknown':
      return leaveAnswer('Timeout', version, reason);
  }
}

function leaveAnswer(outcome: LeaveOutcome, membershipVersion: number, reason: string): Left {
  const left = outcome === 'Committed';
  return { left, drained: left, outcome, membershipVersion, retryable: LEAVE_STATUS[outcome] > 500, reason };
}
