/** The unary calls about the cluster: members, placement, ranges, and the routing map (gRPC specification, section 5). */

import type { ApiBackend } from '../api/backend.js';
import { describeMembership, describePlacement } from '../api/cluster.js';
import { leave } from '../api/leave.js';
import { mergeRanges, rangeMap, registerRange, splitRange, unregisterRange } from '../api/ranges.js';
import { setReplicationFactor } from '../api/replication-factor.js';
import { routingMap } from '../api/routing.js';
import { readMessage, type Message } from './message-reader.js';

/** Takes a request, and resolves to its answer; rejects only for a mistake of this program. */
export type UnaryCall = (backend: ApiBackend, request: Message) => Promise<Message>;

export const CLUSTER_CALLS: Readonly<Record<string, UnaryCall>> = {
  '/Cluster/GetMembership': membership,
  '/Cluster/GetPlacement': placement,
  '/Cluster/Leave': async (backend) => {
    const left = await leave(backend);
    return { ...named({ ...left }), Outcome: LEAVE_OUTCOMES[left.outcome] };
  },
  '/Cluster/SetReplicationFactor': (backend, request) =>
    Promise.resolve(named({ ...setReplicationFactor(backend, readMessage(request)) })),
  '/Cluster/GetRanges': (backend) => Promise.resolve(named({ ...rangeMap(backend) })),
  '/Cluster/SplitRange': (_backend, request) => Promise.resolve(named(splitRange(readMessage(request)))),
  '/Cluster/MergeRanges': () => Promise.resolve(named(mergeRanges())),
  '/Cluster/GetRoutingMetadata': (backend) => {
    const { leaders, ...map } = routingMap(backend);
    return Promise.resolve({ ...named(map), Leaders: leaders.map((leader) => named({ ...leader })) });
  },
  '/KeyValuer/RegisterKeyRange': (_backend, request) =>
    Promise.resolve(named(registerRange(readMessage(request)))),
  '/KeyValuer/RemoveKeyRange': (_backend, request) =>
    Promise.resolve(named(unregisterRange(readMessage(request)))),
};

const LEAVE_OUTCOMES = {
  Committed: 0,
  NotAMember: 1,
  RefusedInsufficientVoters: 2,
  NotInitialized: 3,
  NoLeader: 4,
  Timeout: 5,
  RefusedDrainInProgress: 6,
  DrainTimedOut: 7,
} as const;

const ROLES = { Learner: 0, Voter: 1, Leaving: 2, NotMember: 3 } as const;
const REPLICA_ROLES = { Voter: 0, Learner: 1 } as const;

async function membership(backend: ApiBackend): Promise<Message> {
  const { members, localRole, ...rest } = await describeMembership(backend);
  return {
    ...named(rest),
    Members: members.map((member) => ({ ...named({ ...member }), Role: ROLES[member.role] })),
    LocalRole: ROLES[localRole],
  };
}

async function placement(backend: ApiBackend): Promise<Message> {
  const { partitions, ...rest } = await describePlacement(backend);
  return {
    ...named(rest),
    Partitions: partitions.map(({ replicas, ...partition }) => ({
      ...named(partition),
      Replicas: replicas.map(({ endpoint, role }) => ({ Endpoint: endpoint, Role: REPLICA_ROLES[role] })),
    })),
  };
}

/** The same fields by the names that gRPC has for them; null is left out. */
function named(fields: Readonly<Record<string, unknown>>): Message {
  const present = Object.entries(fields).filter(([, value]) => value !== null);
  return Object.fromEntries(
    present.map(([name, value]) => [name.charAt(0).toUpperCase() + name.slice(1), value]),
  );
}
