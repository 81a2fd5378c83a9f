/**
 * What a node's API speaks for: it exists before the machine runs, so that a port in use is known before anything is
 * promised, and is given the machine's host once there is one.
 */

import {
  describeNode,
  memberOf,
  NO_NODE,
  radixGet,
  rosterVoters,
  type AdminAnswer,
  type AdminCommand,
  type GroupId,
  type GroupStatus,
  type ClientAnswer,
  type NodeAnswer,
  type NodeId,
  type NodeOptions,
  type NodeRequest,
  type NodeState,
  type TransactionAnswer,
} from '../core/index.js';
import {
  RouteProvenance,
  type ApiBackend,
  type HealthStatus,
  type LocalRole,
  type RouteHint,
  type ServerStatus,
} from './api/index.js';
import { HostStopped, type Host } from './host/index.js';
import { isOut } from './observe/member-watch.js';
import { metricsPage } from './observe/metrics.js';
import { createRequestMetrics } from './observe/request-metrics.js';

const LOOK_EVERY_MS = 50;

export type NodeHost = Host<NodeState, NodeRequest, NodeAnswer>;

export interface ServerFace extends ApiBackend {
  /** From here on there is a machine to ask. */
  attach(host: NodeHost): void;
  /** From here on this node says that it is not ready. */
  leaving(): void;
}

/** The part of the status that the machine does not know. */
export type Surroundings = Omit<ServerStatus, 'node' | 'voters' | 'uptimeMs' | 'groups'>;

/**
 * @param surroundings is asked anew each time: ports are known only once they are listened on.
 * @param clientUrlOf where clients reach a node, this one included; undefined or empty where nobody has said.
 */
export function createFace(
  options: NodeOptions,
  surroundings: () => Surroundings,
  clientUrlOf: (node: NodeId) => string | undefined,
): ServerFace {
  const startedAt = performance.now();
  const requests = createRequestMetrics();
  let host: NodeHost | undefined;
  let isLeaving = false;
  /** Whether every partition had a leader once; a later election is no reason to take a node out of service. */
  let initialized = false;
  let lookout: NodeJS.Timeout | undefined;
  /** The last hint for each partition: the same object as long as it says the same. */
  const hints = new Map<GroupId, RouteHint>();

  function groups(): readonly GroupStatus[] {
    if (host === undefined) return [];
    const known = describeNode(options, host.state()).groups;
    initialized ||= known.every(({ leader }) => leader !== NO_NODE);
    return known;
  }

  /** Nobody may ask before the next election. */
  function lookForLeaders(): void {
    groups();
    if (initialized) clearInterval(lookout);
  }

  function ask(asked: NodeRequest): Promise<NodeAnswer> {
    return host?.request(asked) ?? Promise.reject(new HostStopped('this node is still starting'));
  }

  function leaderOf(group: GroupId): NodeId {
    const known = host === undefined ? undefined : radixGet(host.state().groups, group);
    return known?.raft.leader ?? NO_NODE;
  }

  function routeOf(group: GroupId): RouteHint | undefined {
    const leader = leaderOf(group);
    const endpoint = leader === NO_NODE ? undefined : clientUrlOf(leader);
    if (endpoint === undefined || endpoint === '') return undefined;
    const provenance = leader === options.node ? RouteProvenance.executed : RouteProvenance.forwarded;
    const last = hints.get(group);
    if (last?.endpoint === endpoint && last.provenance === provenance) return last;
    const hint = { partitionId: group, endpoint, provenance, generation: 0 };
    hints.set(group, hint);
    return hint;
  }

  /** What this node is in the cluster, as far as it knows. */
  function localRole(): LocalRole {
    const roster = host?.state().membership.roster;
    if (roster === undefined) return options.voters.includes(options.node) ? 'Voter' : 'NotMember';
    const member = memberOf(roster, options.node);
    if (member === undefined) return 'NotMember';
    return member.role === 'voter' ? 'Voter' : 'Learner';
  }

  /** Who votes, as far as this node knows. */
  function voters(): readonly number[] {
    const roster = host?.state().membership.roster;
    return roster === undefined ? options.voters : rosterVoters(roster);
  }

  function health(): HealthStatus {
    const hostedPartitions = groups().filter(({ group }) => group > 0).length;
    const role = localRole();
    const ready = initialized && !isLeaving && role !== 'NotMember';
    return { ready, initialized, localRole: isLeaving ? 'Leaving' : role, hostedPartitions };
  }

  return {
    // The machine answers each kind of request with its own kind of answer.
    request: (asked) => requests.measure(asked, ask(asked) as Promise<ClientAnswer>),
    transact: (call) =>
      requests.measureTransaction(call, ask({ transaction: call }) as Promise<TransactionAnswer>),
    admin: (command: AdminCommand) => ask({ admin: command }) as Promise<AdminAnswer>,
    underWay: () => host?.waiting() ?? 0,
    isLeaving: () => isLeaving,
    partitions: options.partitions,
    routeOf,
    clientUrl: () => clientUrlOf(options.node) ?? '',
    async untilOut(timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      while (performance.now() < deadline) {
        if (host !== undefined && isOut(host.state())) return true;
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
      return false;
    },
    status: () => ({
      node: options.node,
      voters: voters(),
      uptimeMs: Math.round(performance.now() - startedAt),
      ...surroundings(),
      groups: groups(),
    }),
    health,
    metrics: () => {
      const node = host === undefined ? undefined : { state: host.state(), waiting: host.waiting() };
      return metricsPage({ requests, node, isReady: health().ready });
    },
    attach(started) {
      host = started;
      lookout = setInterval(lookForLeaders, LOOK_EVERY_MS).unref();
    },
    leaving() {
      isLeaving = true;
      clearInterval(lookout);
    },
  };
}
