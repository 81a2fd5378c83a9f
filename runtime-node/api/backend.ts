/** What the API speaks for, and how it asks. */

import {
  groupOfOperation,
  refusalOf,
  type ClientAnswer,
  type ClientCall,
  type GroupId,
} from '../../core/index.js';
import { HostStopped } from '../host/host.js';
import type { ClusterBackend } from './cluster.js';
import type { Asked } from './requests/asked.js';

export interface ApiBackend extends ClusterBackend {
  /** Rejects with `HostStopped` when there will be no answer. */
  request(request: ClientCall): Promise<ClientAnswer>;
  /** Whether this node is about to stop: clients had better go elsewhere. */
  isLeaving(): boolean;
  /** Who serves a partition; undefined where nobody is known. The same object as long as nothing has changed. */
  routeOf(group: GroupId): RouteHint | undefined;
  /** Where clients reach this node; empty when it tells nobody. */
  clientUrl(): string;
  /** For Prometheus, in its text format. */
  metrics(): string;
}

/** Where a name is served: advice to clients, and no more. */
export interface RouteHint {
  readonly partitionId: number;
  /** The base URL for clients. */
  readonly endpoint: string;
  readonly provenance: RouteProvenance;
  /** Of the range's descriptor; 0 for names that are placed by their hash. */
  readonly generation: number;
}

export const RouteProvenance = {
  unknown: 0,
  /** The answering node serves it. */
  executed: 1,
  /** The answering node handed it on to that endpoint. */
  forwarded: 2,
} as const;
export type RouteProvenance = (typeof RouteProvenance)[keyof typeof RouteProvenance];

/** An answer, with a hint where to ask next time. */
export interface Answered {
  readonly answer: ClientAnswer;
  readonly route: RouteHint | undefined;
}

/** Never rejects because a node stops: nobody knows then what became of the request, and that is an answer. */
export async function ask(backend: ApiBackend, asked: Asked): Promise<Answered> {
  if (asked.type === 'Refused') {
    const { operation, reason } = asked;
    return { answer: { ...refusalOf(operation, 'invalidInput'), reason }, route: undefined };
  }
  const { request } = asked;
  const answer = await requestOf(backend, request);
  return { answer, route: routeOf(backend, request, answer) };
}

export async function requestOf(backend: ApiBackend, request: ClientCall): Promise<ClientAnswer> {
  try {
    return await backend.request(request);
  } catch (error) {
    if (!(error instanceof HostStopped)) throw error;
    return { ...refusalOf(request.operation, 'mustRetry'), reason: error.message };
  }
}

/** Who serves the name that was asked for; nothing is said of what nobody has executed. */
function routeOf(
  backend: ApiBackend,
  { operation }: ClientCall,
  answer: ClientAnswer,
): RouteHint | undefined {
  if (answer.servedAt !== undefined) return backend.routeOf(answer.servedAt.group);
  if (answer.reason !== undefined) return undefined;
  return backend.routeOf(groupOfOperation(operation, backend.partitions));
}
