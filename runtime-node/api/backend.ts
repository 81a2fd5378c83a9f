/** What the API speaks for, and how it asks. */

import {
  groupOfOperation,
  refusalOf,
  type ClientAnswer,
  type ClientCall,
  type GroupId,
  type TransactionAnswer,
  type TransactionCall,
} from '../../core/index.js';
import { HostStopped } from '../host/host.js';
import type { ClusterBackend } from './cluster.js';
import { operate, type SessionedAnswer } from './calls/session.js';
import { operationIn, type Asked } from './requests/asked.js';

export interface ApiBackend extends ClusterBackend {
  /** Rejects with `HostStopped` when there will be no answer. */
  request(request: ClientCall): Promise<ClientAnswer>;
  /** The same of sessions, of what is done in them, and of scripts. */
  transact(call: TransactionCall): Promise<TransactionAnswer>;
  /** Requests of clients that have no answer yet. */
  underWay(): number;
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
  readonly answer: ClientAnswer | SessionedAnswer;
  readonly route: RouteHint | undefined;
}

/**
 * Requests that may be under way when one more comes. More would only wait longer, each with what it carries in memory,
 * until most of them were given up by those who asked: so they are told at once to come again. The rows of a batch are not
 * told so each by each.
 */
export const MAX_UNDER_WAY = 2_048;

/** Asks, unless there is too much under way. */
export function ask(backend: ApiBackend, asked: Asked): Promise<Answered> {
  const reason = overload(backend);
  if (reason === undefined || asked.type === 'Refused') return askAnyway(backend, asked);
  const answer = { ...refusalOf(operationIn(asked), 'mustRetry'), reason };
  return Promise.resolve({ answer, route: undefined });
}

/** Why nothing more is taken; undefined where it is. */
export function overload(backend: ApiBackend): string | undefined {
  const underWay = backend.underWay();
  if (underWay < MAX_UNDER_WAY) return undefined;
  return `overloaded: ${underWay} requests are under way on this node; nothing was executed: retry it later`;
}

/** Never rejects because a node stops: nobody knows then what became of the request, and that is an answer. */
export async function askAnyway(backend: ApiBackend, asked: Asked): Promise<Answered> {
  if (asked.type === 'Refused') {
    const { operation, reason } = asked;
    return { answer: { ...refusalOf(operation, 'invalidInput'), reason }, route: undefined };
  }
  if (asked.type === 'InSession') {
    const answer = await operate(backend, asked.session, asked.operation);
    return { answer, route: undefined };
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
