/**
 * The cluster's members by HTTP: Kahuna's routes (REST specification, section 10), and ours to add, promote, remove and
 * to move leadership.
 *
 * Ours answer 200 when it is done or was so already, 400 when the request makes no sense, 409 when it is refused, 503
 * when something does not answer and nothing was done, 504 when nobody knows; always with a body that says why.
 */

import type { FastifyInstance, FastifyReply } from 'fastify';

import {
  type AdminAnswer,
  type AdminCommand,
  type GroupId,
  type MembersReport,
  type NodeId,
} from '../../core/index.js';
import { readBody } from './fields.js';
import { askAdmin } from './ask-admin.js';
import { leave, LEAVE_STATUS } from './leave.js';
import { setReplicationFactor } from './replication-factor.js';
import { bodyOf, jsonOf, readChange, readId } from './requests/members.js';
import type { HealthStatus, LocalRole, ServerStatus } from './server-status.js';

export interface ClusterBackend {
  /** Rejects with `HostStopped` when there will be no answer. */
  admin(command: AdminCommand): Promise<AdminAnswer>;
  /** Resolves to whether this node was out of every partition before the time was up. */
  untilOut(timeoutMs: number): Promise<boolean>;
  status(): ServerStatus;
  health(): HealthStatus;
  /** Data partitions, numbered from 1. */
  readonly partitions: number;
}

type Send = (reply: FastifyReply, json: string) => FastifyReply;

/** The method of each path. */
export const CLUSTER_METHODS: Readonly<Record<string, string>> = {
  '/v1/cluster/membership': 'GET',
  '/v1/cluster/members': 'GET',
  '/v1/cluster/placement': 'GET',
  '/v1/cluster/change': 'POST',
  '/v1/cluster/transfer': 'POST',
  '/v1/cluster/leave': 'POST',
  '/v1/cluster/replication-factor': 'POST',
};

export function addClusterRoutes(app: FastifyInstance, backend: ClusterBackend, send: Send): void {
  app.get('/v1/cluster/membership', async (_request, reply) =>
    send(reply, JSON.stringify(await describeMembership(backend))),
  );
  app.get('/v1/cluster/members', async (_request, reply) => {
    const answer = await askAdmin(backend, { type: 'ListMembers' });
    return send(reply.code(statusOf(answer)), JSON.stringify(describeReport(answer)));
  });
  app.get('/v1/cluster/placement', async (_request, reply) =>
    send(reply, JSON.stringify(await describePlacement(backend))),
  );
  app.post('/v1/cluster/change', async (request, reply) => {
    const answer = await askAdmin(backend, readChange(bodyOf(request)));
    return send(reply.code(statusOf(answer)), JSON.stringify(describeAnswer(answer)));
  });
  app.post('/v1/cluster/transfer', async (request, reply) => {
    const body = bodyOf(request);
    const group = readId(body, 'partitionId', 0) as GroupId;
    const target = readId(body, 'nodeId', 0, 0) as NodeId;
    const answer = await askAdmin(backend, { type: 'TransferLeadership', group, target });
    return send(reply.code(statusOf(answer)), JSON.stringify(describeAnswer(answer)));
  });
  app.post('/v1/cluster/replication-factor', (request, reply) => {
    const answer = setReplicationFactor(backend, readBody(jsonOf(request)));
    return send(reply.code(answer.success ? 200 : 409), JSON.stringify(answer));
  });
  app.post('/v1/cluster/leave', async (_request, reply) => {
    const left = await leave(backend);
    return send(reply.code(LEAVE_STATUS[left.outcome]), JSON.stringify(left));
  });
}

/** What `/v1/cluster/membership` answers. */
export interface Membership {
  readonly membershipVersion: number;
  readonly members: readonly {
    readonly endpoint: string;
    readonly nodeId: number;
    readonly role: 'Voter' | 'Learner';
    readonly joinedVersion: number;
  }[];
  readonly localRole: LocalRole;
  readonly initialized: boolean;
}

export async function describeMembership(backend: ClusterBackend): Promise<Membership> {
  const report = await reportOf(backend);
  const { localRole, initialized } = backend.health();
  const members = (report?.roster.members ?? []).map(({ node, address, role, since }) => ({
    endpoint: address,
    nodeId: node,
    role: role === 'voter' ? ('Voter' as const) : ('Learner' as const),
    joinedVersion: since,
  }));
  return { membershipVersion: report?.roster.version ?? 0, members, localRole, initialized };
}

async function reportOf(backend: ClusterBackend): Promise<MembersReport | undefined> {
  return (await askAdmin(backend, { type: 'ListMembers' })).report;
}

export function statusOf({ outcome, refusal }: AdminAnswer): number {
  switch (outcome) {
    case 'Done':
    case 'Unchanged':
      return 200;
    case 'Refused':
      return refusal === 'InvalidInput' ? 400 : 409;
    case 'Unavailable':
      return 503;
    case 'Unknown':
      return 504;
  }
}

/** What `/v1/cluster/change` and `/v1/cluster/transfer` answer. */
export interface ChangeAnswer {
  readonly outcome: string;
  readonly refusal: string | null;
  readonly reason: string;
  readonly membershipVersion: number;
  /** A repetition may help, and does no harm. */
  readonly retryable: boolean;
}

function describeAnswer({ outcome, refusal, reason, version }: AdminAnswer): ChangeAnswer {
  const retryable =
    outcome === 'Unavailable' ||
    outcome === 'Unknown' ||
    refusal === 'ChangeInProgress' ||
    refusal === 'NotCaughtUp';
  return { outcome, refusal: refusal ?? null, reason, membershipVersion: version, retryable };
}

/** What `/v1/cluster/members` answers. */
export interface MembersAnswer extends ChangeAnswer {
  readonly members: readonly MemberAnswer[];
  /** Raft groups, group 0 with the roster among them. */
  readonly groups: number;
  /** Groups that nobody is known to lead. */
  readonly leaderless: readonly number[];
  /** Groups that are not yet where the roster wants them. */
  readonly unsettled: readonly number[];
}

export interface MemberAnswer {
  readonly nodeId: number;
  readonly endpoint: string;
  readonly role: 'Voter' | 'Learner';
  readonly priority: number;
  readonly joinedVersion: number;
  readonly alive: boolean;
  /** Since a leader heard of it; null when none says. */
  readonly heardMsAgo: number | null;
  readonly leads: number;
  readonly votesIn: number;
  readonly learnsIn: number;
  /** The most entries that it is behind in any group, and in which; null when nobody knows. */
  readonly lag: number | null;
  readonly lagPartition: number | null;
}

function describeReport(answer: AdminAnswer): MembersAnswer {
  const { report } = answer;
  const members = (report?.members ?? []).map((member): MemberAnswer => ({
    nodeId: member.node,
    endpoint: member.address,
    role: member.role === 'voter' ? 'Voter' : 'Learner',
    priority: member.priority,
    joinedVersion: member.since,
    alive: member.alive,
    heardMsAgo: member.heardMsAgo ?? null,
    leads: member.leads,
    votesIn: member.votesIn,
    learnsIn: member.learnsIn,
    lag: member.lag ?? null,
    lagPartition: member.lagGroup ?? null,
  }));
  return {
    ...describeAnswer(answer),
    members,
    groups: report?.groups ?? 0,
    leaderless: report?.leaderless ?? [],
    unsettled: report?.unsettled ?? [],
  };
}

/** What `/v1/cluster/placement` answers. */
export interface Placement {
  /** 0: every member has all. */
  readonly replicationFactor: number;
  readonly rebalancerEnabled: boolean;
  readonly initialized: boolean;
  readonly localEndpoint: string;
  readonly hostedPartitionCount: number;
  readonly partitions: readonly PartitionPlacement[];
}

export interface PartitionPlacement {
  readonly partitionId: number;
  readonly state: 'Active' | 'Moving';
  readonly generation: number;
  readonly effectiveReplicationFactor: number;
  readonly hostedLocally: boolean;
  readonly replicas: readonly { readonly endpoint: string; readonly role: 'Voter' | 'Learner' }[];
}

/** Every node hosts every partition; what differs is who votes already. */
export async function describePlacement(backend: ClusterBackend): Promise<Placement> {
  const report = await reportOf(backend);
  const { initialized } = backend.health();
  const { groups, peerAddress } = backend.status();
  const members = report?.roster.members ?? [];
  const partitions = groups
    .filter(({ group }) => group > 0)
    .map(({ group }): PartitionPlacement => ({
      partitionId: group,
      state: report?.unsettled.includes(group) === true ? 'Moving' : 'Active',
      generation: 1,
      effectiveReplicationFactor: 0,
      hostedLocally: true,
      replicas: members.map(({ address, role }) => ({
        endpoint: address,
        role: role === 'voter' ? 'Voter' : 'Learner',
      })),
    }));
  return {
    replicationFactor: 0,
    rebalancerEnabled: false,
    initialized,
    localEndpoint: peerAddress,
    hostedPartitionCount: partitions.length,
    partitions,
  };
}
