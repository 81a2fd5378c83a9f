/** What the API's tests put in place of a node: it answers as the test says, and knows two nodes. */

import { nodeId, type ClientAnswer, type ClientCall, type GroupId } from '../../../core/index.js';
import { RouteProvenance, type ApiBackend, type RouteHint } from '../../../runtime-node/api/index.js';

export const OWN_URL = 'http://127.0.0.1:2070';
export const OTHER_URL = 'http://127.0.0.1:2080';

/** Partition 1 is led by this node, partition 2 by another one, the others by nobody. */
export function routeOf(group: GroupId): RouteHint | undefined {
  return HINTS.find(({ partitionId }) => partitionId === group);
}

const HINTS: readonly RouteHint[] = [
  { partitionId: 1, endpoint: OWN_URL, provenance: RouteProvenance.executed, generation: 0 },
  { partitionId: 2, endpoint: OTHER_URL, provenance: RouteProvenance.forwarded, generation: 0 },
];

export function fakeBackend(
  request: (call: ClientCall) => Promise<ClientAnswer>,
  rest: Partial<ApiBackend> = {},
): ApiBackend {
  return {
    request,
    transact: () => Promise.resolve({ family: 'session', code: 101, reason: 'no such node' }),
    partitions: 3,
    routeOf,
    clientUrl: () => OWN_URL,
    metrics: () => 'wavetank_ready 1\n',
    admin: () => Promise.resolve({ outcome: 'Done', reason: 'so it is', version: 1 }),
    untilOut: () => Promise.resolve(true),
    underWay: () => 0,
    isLeaving: () => false,
    health: () => ({ ready: true, initialized: true, localRole: 'Voter', hostedPartitions: 3 }),
    status: () => ({
      node: nodeId(1),
      pid: 2,
      uptimeMs: 3,
      cluster: 'test',
      version: '0.0.0',
      dataFolder: '/data',
      clientAddress: '127.0.0.1:2070',
      peerAddress: '127.0.0.1:2075',
      voters: [1],
      groups: [],
    }),
    ...rest,
  };
}
