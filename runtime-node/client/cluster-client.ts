/** Asks any node about the cluster's members, or for a change of them. */

import type { ChangeAnswer, MembersAnswer } from '../api/cluster.js';
import { exchange, keepConnections, type Agents, type TlsOptions } from './http.js';
import { messageIn, parseObject } from './rest-fields.js';
import { tellTroubles } from './troubles.js';

export interface ClusterAsk {
  /** Nodes to ask, in this order, until one gives a final answer. */
  readonly endpoints: readonly string[];
  /** How long to try, repetitions included. */
  readonly timeoutMs: number;
  /** How nodes behind `https:` are known. */
  readonly tls?: TlsOptions;
}

export type ClusterResult<Answer extends ChangeAnswer = ChangeAnswer> =
  /** Done, unchanged, or refused: final either way. */
  | { readonly type: 'Answered'; readonly answer: Answer; readonly endpoint: string }
  /** Nobody could do it, and nothing was done. */
  | { readonly type: 'Unavailable'; readonly reason: string }
  /** It may have been done, or may still be. */
  | { readonly type: 'Unknown'; readonly reason: string };

/** What a change of members is made of, as `/v1/cluster/change` takes it. */
export interface MembersChange {
  readonly add?: readonly {
    readonly nodeId: number;
    readonly endpoint: string;
    readonly role: 'Voter' | 'Learner';
  }[];
  readonly promote?: readonly number[];
  readonly remove?: readonly number[];
  readonly priorities?: readonly { readonly nodeId: number; readonly priority: number }[];
}

const PAUSE_MS = 200;
/** A node itself tries for up to ten seconds; a little longer, so that it is the one to say what is wrong. */
const ATTEMPT_TIMEOUT_MS = 12_000;

export function listMembers(ask: ClusterAsk): Promise<ClusterResult<MembersAnswer>> {
  return operate<MembersAnswer>(ask, 'GET', '/v1/cluster/members', undefined);
}

/** A change is repeated until its outcome is known; that is harmless, since it names what shall be. */
export function changeMembers(ask: ClusterAsk, change: MembersChange): Promise<ClusterResult> {
  return operate(ask, 'POST', '/v1/cluster/change', change);
}

/** @param nodeId 0 for whoever is best placed. */
export function transferLeader(
  ask: ClusterAsk,
  transfer: { readonly partitionId: number; readonly nodeId: number },
): Promise<ClusterResult> {
  return operate(ask, 'POST', '/v1/cluster/transfer', transfer);
}

async function operate<Answer extends ChangeAnswer>(
  ask: ClusterAsk,
  method: 'GET' | 'POST',
  path: string,
  body: unknown,
): Promise<ClusterResult<Answer>> {
  const agents = keepConnections(ask.tls);
  try {
    return await askAll<Answer>(ask, agents, method, path, body);
  } finally {
    agents.destroy();
  }
}

async function askAll<Answer extends ChangeAnswer>(
  { endpoints, timeoutMs }: ClusterAsk,
  agents: Agents,
  method: 'GET' | 'POST',
  path: string,
  body: unknown,
): Promise<ClusterResult<Answer>> {
  const deadline = performance.now() + timeoutMs;
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const troubles = new Map<string, string>();
  let isUncertain = false;
  for (;;) {
    for (const endpoint of endpoints) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        return { type: isUncertain ? 'Unknown' : 'Unavailable', reason: tellTroubles(troubles) };
      }
      const url = new URL(path, endpoint);
      const patienceMs = Math.min(leftMs, ATTEMPT_TIMEOUT_MS);
      const got = await exchange({ method, url, ...text, timeoutMs: patienceMs, agents });
      const answer = got.type === 'Answered' ? readAnswer<Answer>(got.body) : undefined;
      const isFinal =
        answer !== undefined && answer.outcome !== 'Unavailable' && answer.outcome !== 'Unknown';
      if (isFinal) return { type: 'Answered', answer, endpoint };
      if (got.type === 'Answered') troubles.set(endpoint, answer?.reason ?? messageIn(got.body, got.status));
      // An attempt that the deadline cut short says less of a node than what it answered before.
      else if (deadline > performance.now() || !troubles.has(endpoint)) troubles.set(endpoint, got.reason);
      isUncertain ||= method === 'POST' && (got.type === 'Lost' || answer?.outcome === 'Unknown');
    }
    await new Promise((resolve) =>
      setTimeout(resolve, Math.min(PAUSE_MS, Math.max(0, deadline - performance.now()))),
    );
  }
}

function readAnswer<Answer extends ChangeAnswer>(text: string): Answer | undefined {
  const answer = parseObject(text);
  return typeof answer?.['outcome'] === 'string' ? (answer as unknown as Answer) : refusalOf(answer);
}

/** A body that a node could not read: it says so in other words. */
function refusalOf<Answer extends ChangeAnswer>(
  answer: Readonly<Record<string, unknown>> | undefined,
): Answer | undefined {
  if (answer?.['error'] !== 'BadRequest' || typeof answer['message'] !== 'string') return undefined;
  const refused: ChangeAnswer = {
    outcome: 'Refused',
    refusal: 'InvalidInput',
    reason: answer['message'],
    membershipVersion: 0,
    retryable: false,
  };
  return refused as Answer;
}
