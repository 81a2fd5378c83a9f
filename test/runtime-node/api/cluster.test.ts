import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { nodeId, type AdminAnswer, type AdminCommand, type GroupId } from '../../../core/index.js';
import { createApi, type ApiBackend, type LocalRole } from '../../../runtime-node/api/index.js';
import { recordingLog } from '../support/recording-log.js';

let base: string;
let asked: AdminCommand[];
let answer: AdminAnswer;
let role: LocalRole;
let gets: boolean;
let leaving: boolean;

const roster = {
  version: 4,
  members: [
    { node: nodeId(1), address: '10.1.0.7:2075', role: 'voter' as const, priority: 1, since: 0 },
    { node: nodeId(4), address: '10.1.0.8:2075', role: 'learner' as const, priority: 0, since: 3 },
  ],
};

const listed: AdminAnswer = {
  outcome: 'Done',
  reason: '',
  version: 4,
  report: {
    roster,
    members: roster.members.map((member) => ({
      ...member,
      alive: member.node === 1,
      heardMsAgo: member.node === 1 ? undefined : 5_000,
      leads: member.node === 1 ? 3 : 0,
      votesIn: 3,
      learnsIn: 0,
      lag: member.node === 1 ? 0 : 12,
      lagGroup: 2 as GroupId,
    })),
    groups: 3,
    leaderless: [],
    unsettled: [2 as GroupId],
  },
};

beforeEach(async () => {
  asked = [];
  answer = { outcome: 'Done', reason: 'node 4 joins', version: 5 };
  role = 'Voter';
  gets = true;
  leaving = false;
  const backend: ApiBackend = {
    transact: () => Promise.reject(new Error('nothing is transacted here')),
    request: () => Promise.reject(new Error('nobody asks for keys here')),
    admin(command) {
      asked.push(command);
      return Promise.resolve(command.type === 'ListMembers' ? listed : answer);
    },
    partitions: 2,
    routeOf: () => undefined,
    clientUrl: () => '',
    metrics: () => '',
    untilOut: () => Promise.resolve(gets),
    underWay: () => 0,
    isLeaving: () => leaving,
    health: () => ({ ready: true, initialized: true, localRole: role, hostedPartitions: 2 }),
    status: () => ({
      node: 1,
      pid: 2,
      uptimeMs: 3,
      cluster: 'test',
      version: '0.0.0',
      dataFolder: '/data',
      clientAddress: '127.0.0.1:2070',
      peerAddress: '10.1.0.7:2075',
      voters: [1],
      groups: [],
    }),
  };
  const api = await createApi(backend, recordingLog());
  onTestFinished(() => api.close());
  const { port } = await api.listen({ host: '127.0.0.1', port: 0 });
  base = `http://127.0.0.1:${port}`;
});

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

async function get(path: string): Promise<Reply> {
  const response = await fetch(base + path);
  return { status: response.status, body: await response.json() };
}

async function post(path: string, body: unknown): Promise<Reply> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

describe('the members', () => {
  it('are listed as Kahuna lists them', async () => {
    expect(await get('/v1/cluster/membership')).toEqual({
      status: 200,
      body: {
        membershipVersion: 4,
        members: [
          { endpoint: '10.1.0.7:2075', nodeId: 1, role: 'Voter', joinedVersion: 0 },
          { endpoint: '10.1.0.8:2075', nodeId: 4, role: 'Learner', joinedVersion: 3 },
        ],
        localRole: 'Voter',
        initialized: true,
      },
    });
  });

  it('are listed with how they are', async () => {
    const { status, body } = await get('/v1/cluster/members');

    expect(status).toBe(200);
    expect(body).toMatchObject({
      outcome: 'Done',
      membershipVersion: 4,
      groups: 3,
      unsettled: [2],
      members: [
        { nodeId: 1, alive: true, heardMsAgo: null, leads: 3, lag: 0 },
        { nodeId: 4, alive: false, heardMsAgo: 5000, leads: 0, lag: 12, lagPartition: 2 },
      ],
    });
  });
});

describe('a change', () => {
  it('is handed on whole', async () => {
    const reply = await post('/v1/cluster/change', {
      add: [
        { nodeId: 4, endpoint: '10.1.0.8:2075' },
        { nodeId: 5, endpoint: 'other:1', role: 'Learner' },
      ],
      promote: [3],
      remove: [2],
      priorities: [{ nodeId: 1, priority: 9 }],
    });

    expect(reply).toEqual({
      status: 200,
      body: {
        outcome: 'Done',
        refusal: null,
        reason: 'node 4 joins',
        membershipVersion: 5,
        retryable: false,
      },
    });
    expect(asked).toEqual([
      {
        type: 'ChangeMembers',
        add: [
          { node: 4, address: '10.1.0.8:2075', role: 'voter' },
          { node: 5, address: 'other:1', role: 'learner' },
        ],
        promote: [3],
        remove: [2],
        priorities: [{ node: 1, priority: 9 }],
      },
    ]);
  });

  it.each([
    ['Unchanged', undefined, 200, false],
    ['Refused', 'WouldLoseQuorum', 409, false],
    ['Refused', 'ChangeInProgress', 409, true],
    ['Refused', 'InvalidInput', 400, false],
    ['Unavailable', undefined, 503, true],
    ['Unknown', undefined, 504, true],
  ] as const)('that is %s (%s) has status %d', async (outcome, refusal, status, retryable) => {
    answer = { outcome, ...(refusal === undefined ? {} : { refusal }), reason: 'so it is', version: 4 };

    const reply = await post('/v1/cluster/change', { remove: [2] });

    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({ outcome, refusal: refusal ?? null, reason: 'so it is', retryable });
  });

  it.each([
    [{ add: [{ nodeId: 4, endpoint: 'nowhere' }] }, 'endpoint must be HOST:PORT'],
    [{ add: [{ nodeId: 0, endpoint: 'a:1' }] }, 'nodeId must be a whole number of 1 or more'],
    [
      { add: [{ nodeId: 4, endpoint: 'a:1', role: 'King' }] },
      'role must be "Voter" or "Learner", but is "King"',
    ],
    [{ remove: 2 }, 'remove must be a list of node ids'],
    [[], 'the body must be a JSON object'],
  ])('that makes no sense is refused: %j', async (body, words) => {
    const reply = await post('/v1/cluster/change', body);

    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ message: expect.stringContaining(words) as string });
    expect(asked).toEqual([]);
  });
});

describe('leadership', () => {
  it('is asked for by partition and node', async () => {
    const { status } = await post('/v1/cluster/transfer', { partitionId: 3, nodeId: 2 });

    expect(status).toBe(200);
    expect(asked).toEqual([{ type: 'TransferLeadership', group: 3, target: 2 }]);
  });
});

describe('a node that is told to leave', () => {
  it('is removed, and says so when it is out', async () => {
    const reply = await post('/v1/cluster/leave', {});

    expect(reply).toMatchObject({
      status: 200,
      body: { left: true, drained: true, outcome: 'Committed', membershipVersion: 5, retryable: false },
    });
    expect(asked).toMatchObject([{ type: 'ChangeMembers', remove: [1] }]);
  });

  it('says that it is no member when it is none', async () => {
    role = 'NotMember';

    expect(await post('/v1/cluster/leave', {})).toMatchObject({
      status: 200,
      body: { outcome: 'NotAMember', left: false },
    });
  });

  it('says so when it takes too long', async () => {
    gets = false;

    expect(await post('/v1/cluster/leave', {})).toMatchObject({
      status: 504,
      body: { outcome: 'DrainTimedOut', left: false, retryable: true },
    });
  });

  it.each([
    ['Refused', 'LastVoter', 409, 'RefusedInsufficientVoters'],
    ['Refused', 'ChangeInProgress', 503, 'RefusedDrainInProgress'],
    ['Unavailable', undefined, 503, 'NoLeader'],
    ['Unknown', undefined, 504, 'Timeout'],
  ] as const)('passes on that it is %s (%s)', async (outcome, refusal, status, told) => {
    answer = { outcome, ...(refusal === undefined ? {} : { refusal }), reason: 'why', version: 4 };

    expect(await post('/v1/cluster/leave', {})).toMatchObject({
      status,
      body: { outcome: told, left: false, reason: 'why' },
    });
  });
});

describe('a node that is about to stop', () => {
  it('asks its clients to close their connections', async () => {
    leaving = true;

    const response = await fetch(`${base}/v1/cluster/members`);
    await response.text();

    expect(response.headers.get('connection')).toBe('close');
  });
});
