/**
 * What a node's API speaks for: it exists before the machine runs, so that a port in use is known before anything is
 * promised, and is given the machine's host once there is one.
 */

import {
  describeNode,
  NO_NODE,
  type GroupStatus,
  type KeyValueAnswer,
  type KeyValueRequest,
  type NodeOptions,
  type NodeState,
} from '../core/index.js';
import type { ApiBackend, HealthStatus, ServerStatus } from './api/index.js';
import { HostStopped, type Host } from './host/index.js';

export type NodeHost = Host<NodeState, KeyValueRequest, KeyValueAnswer>;

export interface ServerFace extends ApiBackend {
  groups(): readonly GroupStatus[];
  /** From here on there is a machine to ask. */
  attach(host: NodeHost): void;
  /** From here on this node says that it is not ready. */
  leaving(): void;
}

/** The part of the status that the machine does not know. */
export type Surroundings = Omit<ServerStatus, 'node' | 'voters' | 'uptimeMs' | 'groups'>;

/** @param surroundings is asked anew each time: ports are known only once they are listened on. */
export function createFace(options: NodeOptions, surroundings: () => Surroundings): ServerFace {
  const startedAt = performance.now();
  let host: NodeHost | undefined;
  let isLeaving = false;
  /** Whether every partition had a leader once; a later election is no reason to take a node out of service. */
  let initialized = false;

  function groups(): readonly GroupStatus[] {
    if (host === undefined) return [];
    const known = describeNode(options, host.state()).groups;
    initialized ||= known.every(({ leader }) => leader !== NO_NODE);
    return known;
  }

  return {
    groups,
    request: (asked) =>
      host?.request(asked) ?? Promise.reject(new HostStopped('this node is still starting')),
    status: () => ({
      node: options.node,
      voters: options.voters,
      uptimeMs: Math.round(performance.now() - startedAt),
      ...surroundings(),
      groups: groups(),
    }),
    health(): HealthStatus {
      const hostedPartitions = groups().length;
      return { ready: initialized && !isLeaving, initialized, localRole: 'Voter', hostedPartitions };
    },
    attach(started) {
      host = started;
    },
    leaving() {
      isLeaving = true;
    },
  };
}
