import { status, type ServiceError } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it } from 'vitest';

import { groupId, nodeId, type AdminAnswer } from '../../../core/index.js';
import { grpcFake, type GrpcFake } from '../grpc/grpc-fake.js';
import type { Fields } from './services/driver.js';

/** What the contract has about the cluster beside its members, by both wires. */

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
  report: { roster, members: [], groups: 3, leaderless: [], unsettled: [groupId(2)] },
};

let fake: GrpcFake;
let answer: AdminAnswer;
let isInitialized: boolean;
beforeEach(async () => {
  answer = { outcome: 'Done', reason: 'gone', version: 5 };
  isInitialized = true;
  const groups = [0, 1, 2].map((group) => ({ group: groupId(group) }));
  fake = await grpcFake({
    admin: (command) => Promise.resolve(command.type === 'ListMembers' ? listed : answer),
    health: () => ({
      ready: isInitialized,
      initialized: isInitialized,
      localRole: 'Voter',
      hostedPartitions: 2,
    }),
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
      groups: groups as never,
    }),
  });
});

interface Reply {
  readonly status: number;
  readonly outcome: string | null;
  readonly body: Fields;
}

async function rest(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Reply> {
  const sent =
    method === 'GET' ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`${fake.url}/v1/${path}`, { method, ...sent });
  const outcome = response.headers.get('x-kahuna-backup-outcome');
  return { status: response.status, outcome, body: (await response.json()) as Fields };
}

describe('where partitions are', () => {
  it('is told by both wires alike', async () => {
    const told = {
      replicationFactor: 0,
      rebalancerEnabled: false,
      initialized: true,
      localEndpoint: '10.1.0.7:2075',
      hostedPartitionCount: 2,
    };
    const partition = { generation: 1, effectiveReplicationFactor: 0, hostedLocally: true };

    expect((await rest('GET', 'cluster/placement')).body).toMatchObject({
      ...told,
      partitions: [
        { ...partition, partitionId: 1, state: 'Active' },
        {
          ...partition,
          partitionId: 2,
          state: 'Moving',
          replicas: [
            { endpoint: '10.1.0.7:2075', role: 'Voter' },
            { endpoint: '10.1.0.8:2075', role: 'Learner' },
          ],
        },
      ],
    });
    expect(await fake.unary('Cluster.GetPlacement', {})).toMatchObject({
      ReplicationFactor: 0,
      RebalancerEnabled: false,
      Initialized: true,
      LocalEndpoint: '10.1.0.7:2075',
      HostedPartitionCount: 2,
      Partitions: [
        { PartitionId: 1, State: 'Active', HostedLocally: true },
        {
          PartitionId: 2,
          State: 'Moving',
          Generation: 1,
          Replicas: [
            { Endpoint: '10.1.0.7:2075', Role: 0 },
            { Endpoint: '10.1.0.8:2075', Role: 1 },
          ],
        },
      ],
    });
  });

  it.each([
    [{ partitionId: 2, replicationFactor: 0 }, 200, 'Success', ''],
    [{ partitionId: 2, replicationFactor: 3 }, 409, 'Refused', 'every member of this cluster has every'],
    [{ partitionId: 9, replicationFactor: 0 }, 409, 'Refused', 'there is no partition 9'],
    [{ partitionId: 0, replicationFactor: 1 }, 409, 'InvalidInput', 'partitionId must be 1 or more'],
    [{ partitionId: 1, replicationFactor: -1 }, 409, 'InvalidInput', 'must not be negative'],
  ])('is changed by %o with the status %d: %s', async (asked, code, named, words) => {
    const { partitionId: PartitionId, replicationFactor: ReplicationFactor } = asked;
    const reply = await rest('POST', 'cluster/replication-factor', asked);
    const message = await fake.unary('Cluster.SetReplicationFactor', { PartitionId, ReplicationFactor });

    const success = code === 200;
    expect(reply).toMatchObject({
      status: code,
      body: { success, status: named, generation: success ? 1 : 0 },
    });
    expect(reply.body.reason ?? '').toContain(words);
    expect(message).toMatchObject({ Success: success, Status: named, Generation: success ? 1 : 0 });
    expect(message.Reason).toContain(words);
  });
});

describe('a node that is told to leave by gRPC', () => {
  it('says so when it is out', async () => {
    expect(await fake.unary('Cluster.Leave', {})).toMatchObject({
      Left: true,
      Drained: true,
      Outcome: 0,
      MembershipVersion: 5,
      Retryable: false,
    });
  });

  it.each([
    ['Refused', 'LastVoter', 2, false],
    ['Refused', 'ChangeInProgress', 6, true],
    ['Unavailable', undefined, 4, true],
    ['Unknown', undefined, 5, true],
  ] as const)('passes on that it is %s (%s)', async (outcome, refusal, number, retryable) => {
    answer = { outcome, ...(refusal === undefined ? {} : { refusal }), reason: 'why', version: 4 };

    expect(await fake.unary('Cluster.Leave', {})).toMatchObject({
      Left: false,
      Outcome: number,
      Retryable: retryable,
      Reason: 'why',
    });
  });

  it('does not before it has started', async () => {
    isInitialized = false;

    expect(await fake.unary('Cluster.Leave', {})).toMatchObject({ Left: false, Outcome: 3, Retryable: true });
    expect(await rest('POST', 'cluster/leave', {})).toMatchObject({
      status: 503,
      body: { outcome: 'NotInitialized', retryable: true },
    });
  });
});

describe('key ranges', () => {
  it('there are none', async () => {
    expect(await rest('GET', 'ranges?keySpace=users')).toMatchObject({
      status: 200,
      body: { initialized: true, localEndpoint: '10.1.0.7:2075', keySpaces: [] },
    });
    expect(await fake.unary('Cluster.GetRanges', { KeySpace: 'users' })).toMatchObject({
      Initialized: true,
      LocalEndpoint: '10.1.0.7:2075',
      KeySpaces: [],
    });
  });

  it.each([
    ['register', 'KeyValuer.RegisterKeyRange', { keySpace: 'users' }, 409, 'KeyRangeDisabled'],
    ['register', 'KeyValuer.RegisterKeyRange', { keySpace: '' }, 400, 'InvalidInput'],
    ['register', 'KeyValuer.RegisterKeyRange', { keySpace: 'users/meta' }, 400, 'InvalidInput'],
    ['unregister', 'KeyValuer.RemoveKeyRange', { keySpace: 'users' }, 409, 'KeyRangeDisabled'],
    ['split', 'Cluster.SplitRange', { keySpace: 'users', splitKey: 'users/5' }, 409, 'KeyRangeDisabled'],
    ['split', 'Cluster.SplitRange', { keySpace: 'users', splitKey: '' }, 400, 'InvalidInput'],
  ])('are not changed by %s (%s) of %o', async (path, method, asked, code, named) => {
    const reply = await rest('POST', `ranges/${path}`, asked);
    const { keySpace: KeySpace, splitKey: SplitKey } = asked as Fields;
    const message = await fake.unary(method, { KeySpace, SplitKey });

    expect(reply).toMatchObject({ status: code, body: { success: false, status: named } });
    expect(reply.body.reason).not.toBe('');
    expect(message).toMatchObject({ Success: false, Status: named, Reason: reply.body.reason });
  });

  it('are merged without anything to do', async () => {
    expect(await rest('POST', 'ranges/merge', {})).toMatchObject({
      status: 200,
      body: { success: true, status: 'Completed', determinate: true, merges: 0, leaderHint: null },
    });
    expect(await fake.unary('Cluster.MergeRanges', {})).toMatchObject({
      Success: true,
      Status: 'Completed',
      Determinate: true,
    });
  });
});

const BACKUP = '0b6d0f7e-7d0d-4d0c-9a5e-0b9f5f0c1a11';

describe('backups', () => {
  it.each([
    ['POST', 'backups/full', 503],
    ['POST', 'backups/incremental', 503],
    ['POST', 'backups/coordinated', 503],
    ['GET', 'backups', 503],
    ['GET', 'backups/0b6d0f7e-7d0d-4d0c-9a5e-0b9f5f0c1a11/chain', 503],
    ['POST', 'backups/validate-chain', 503],
    ['POST', 'backups/gc?dryRun=true', 503],
    ['POST', 'restore', 403],
  ] as const)('are not configured: %s %s', async (method, path, code) => {
    const reply = await rest(method, path, { targetDir: 'drill' });

    expect(reply).toMatchObject({
      status: code,
      outcome: 'NotConfigured',
      body: { status: code, outcome: 'NotConfigured', detail: expect.stringContaining('backups') as string },
    });
  });

  it.each(['TakeFullBackup', 'ListBackups', 'Restore', 'RunBackupGarbageCollection'])(
    'are not configured by gRPC either: %s',
    async (name) => {
      const asked = { LeafBackupId: BACKUP, TargetDir: 'drill' };
      const error = await fake.unary(`Backups.${name}`, asked).catch((caught: unknown) => caught);

      const { code, metadata } = error as ServiceError;
      expect([code, metadata.get('kahuna-backup-outcome')]).toEqual([status.UNAVAILABLE, ['NotConfigured']]);
    },
  );

  it.each([
    ['GET', 'backups/newest/chain', {}, 'the id'],
    ['POST', 'backups/incremental', { parentBackupId: 'newest' }, 'parentBackupId'],
    ['POST', 'backups/validate-chain', { leafBackupId: '' }, 'leafBackupId'],
    ['POST', 'backups/gc', {}, 'dryRun'],
    ['POST', 'backups/gc?dryRun=perhaps', {}, 'dryRun'],
    ['POST', 'restore', { leafBackupId: 'newest', targetDir: 'drill' }, 'leafBackupId'],
    ['POST', 'restore', { leafBackupId: BACKUP, targetDir: ' ' }, 'targetDir'],
  ] as const)('are asked for in words that mean something: %s %s %o', async (method, path, asked, named) => {
    const reply = await rest(method, path, asked);

    expect(reply).toMatchObject({ status: 400, outcome: null });
    expect(reply.body.message).toContain(named);
  });

  it.each([
    ['TakeIncrementalBackup', { ParentBackupId: 'newest' }],
    ['GetBackupChain', {}],
    ['ValidateChain', { LeafBackupId: 'newest' }],
    ['Restore', { TargetDir: 'drill' }],
    ['Restore', { LeafBackupId: BACKUP }],
  ])('are asked for in words that mean something by gRPC too: %s %o', async (name, asked) => {
    const error = await fake.unary(`Backups.${name}`, asked).catch((caught: unknown) => caught);

    const { code, metadata } = error as ServiceError;
    expect([code, metadata.get('kahuna-backup-outcome')]).toEqual([status.INVALID_ARGUMENT, []]);
  });
});
