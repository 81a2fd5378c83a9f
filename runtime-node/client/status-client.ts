/** Asks nodes how they are. */

import type { ServerStatus } from '../api/server-status.js';
import { exchange, keepConnections, type Agents, type TlsOptions } from './http.js';
import { messageIn } from './rest-fields.js';

export type NodeReport =
  | { readonly endpoint: string; readonly type: 'Reached'; readonly status: ServerStatus }
  | { readonly endpoint: string; readonly type: 'Unreachable'; readonly reason: string };

/**
 * One report for each endpoint, in their order.
 *
 * @param tls how nodes behind `https:` are known.
 */
export async function askStatus(
  endpoints: readonly string[],
  timeoutMs: number,
  tls: TlsOptions = {},
): Promise<readonly NodeReport[]> {
  const agents = keepConnections(tls);
  try {
    return await Promise.all(endpoints.map((endpoint) => askOne(endpoint, timeoutMs, agents)));
  } finally {
    agents.destroy();
  }
}

async function askOne(endpoint: string, timeoutMs: number, agents: Agents): Promise<NodeReport> {
  const got = await exchange({ method: 'GET', url: new URL('/v1/status', endpoint), timeoutMs, agents });
  if (got.type !== 'Answered') return { endpoint, type: 'Unreachable', reason: got.reason };
  if (got.status !== 200) return { endpoint, type: 'Unreachable', reason: messageIn(got.body, got.status) };
  try {
    const status = JSON.parse(got.body) as ServerStatus;
    if (typeof status.node === 'number' && Array.isArray(status.groups))
      return { endpoint, type: 'Reached', status };
  } catch {
    // Said below.
  }
  return { endpoint, type: 'Unreachable', reason: 'what answers there is not a Wavetank node' };
}
