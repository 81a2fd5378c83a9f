import { describe, expect, it } from 'vitest';
import { nodeId } from '../../../core/machine/units.js';
import { createNode } from '../../../core/node/node.js';
import { checkNodeOptions, DEFAULT_NODE_OPTIONS, type NodeOptions } from '../../../core/node/options.js';

const good: NodeOptions = { ...DEFAULT_NODE_OPTIONS, node: nodeId(2), voters: [1, 2, 3].map(nodeId) };

describe('checkNodeOptions', () => {
  it('finds nothing wrong with the defaults', () => {
    expect(checkNodeOptions(good)).toEqual([]);
  });

  it.each([
    ['partitions', 0, 'partitions must be a whole number of 1 or more, but is 0'],
    ['heartbeatIntervalMs', 0.5, 'heartbeatIntervalMs must be a whole number of 1 or more, but is 0.5'],
    ['electionTimeoutMs', Number.NaN, 'electionTimeoutMs must be a whole number of 1 or more, but is NaN'],
    ['leaseMs', -1, 'leaseMs must be a whole number of 0 or more, but is -1'],
    ['maxClockDriftPercent', 0.5, 'maxClockDriftPercent must be a whole number from 0 to 90, but is 0.5'],
    ['maxClockDriftPercent', 91, 'maxClockDriftPercent must be a whole number from 0 to 90, but is 91'],
    ['maxAppendBytes', -1, 'maxAppendBytes must be a whole number of 1 or more, but is -1'],
    ['maxInflightAppends', 0, 'maxInflightAppends must be'],
    ['maxUncommittedBytes', 0, 'maxUncommittedBytes must be'],
    ['snapshotEveryEntries', 0, 'snapshotEveryEntries must be'],
    ['keepEntries', -1, 'keepEntries must be a whole number of 0 or more, but is -1'],
    ['requestTimeoutMs', 0, 'requestTimeoutMs must be'],
    ['forwardTimeoutMs', Number.POSITIVE_INFINITY, 'forwardTimeoutMs must be'],
    ['retryWindow', 0, 'retryWindow must be'],
    ['placementIntervalMs', -1, 'placementIntervalMs must be a whole number of 0 or more, but is -1'],
    ['placementSettleMs', 0.5, 'placementSettleMs must be'],
    ['placementTransfers', 0, 'placementTransfers must be'],
  ] as const)('says what is wrong with %s %d', (name, value, words) => {
    const problems = checkNodeOptions({ ...good, [name]: value });

    expect(problems.join('\n')).toContain(words);
  });

  it.each(['keepEntries', 'leaseMs', 'maxClockDriftPercent'])('takes 0 for %s', (name) => {
    expect(checkNodeOptions({ ...good, [name]: 0 })).toEqual([]);
  });

  it('wants a lease that no voter may break by an election of its own, and says why', () => {
    const problems = checkNodeOptions({ ...good, electionTimeoutMs: 500, leaseMs: 501 });

    expect(problems).toEqual([
      'leaseMs (501) must be at most electionTimeoutMs (500): a voter promises no leader more than that',
    ]);
    expect(checkNodeOptions({ ...good, electionTimeoutMs: 500, leaseMs: 500 })).toEqual([]);
  });

  it('wants an election timeout of at least two heartbeats, and says why', () => {
    const problems = checkNodeOptions({ ...good, leaseMs: 100, electionTimeoutMs: 199 });

    expect(problems).toEqual([
      'electionTimeoutMs (199) must be at least twice heartbeatIntervalMs (100), or one late heartbeat starts an election',
    ]);
    expect(checkNodeOptions({ ...good, leaseMs: 100, electionTimeoutMs: 200 })).toEqual([]);
  });

  it.each([
    ['none', [], 'voters must be node ids of 1 or more, but are []'],
    ['zero', [0, 2], 'voters must be node ids of 1 or more, but are [0, 2]'],
    ['the wrong order', [2, 1], 'voters must be in ascending order without repeats, but are [2, 1]'],
    ['repeats', [2, 2], 'voters must be in ascending order without repeats'],
    ['others only', [1, 3], 'voters [1, 3] must include this node, 2'],
  ])('refuses voters that are %s', (_what, voters, words) => {
    expect(checkNodeOptions({ ...good, meta: false, voters: voters.map(nodeId) }).join('\n')).toContain(
      words,
    );
  });

  it('takes a node without voters for one that joins a running cluster', () => {
    expect(checkNodeOptions({ ...good, voters: [] })).toEqual([]);
  });

  it('wants as many addresses as voters', () => {
    expect(checkNodeOptions({ ...good, addresses: ['a:1'] })).toEqual([
      'addresses must be as many as voters, 3, but are 1',
    ]);
  });

  it('names every problem at once', () => {
    const problems = checkNodeOptions({ ...good, meta: false, partitions: 0, retryWindow: 0, voters: [] });

    expect(problems).toHaveLength(4);
  });
});

describe('createNode', () => {
  it('refuses options that are not sound, with the same words', () => {
    expect(() => createNode({ ...good, partitions: 0 })).toThrow(
      'node options: partitions must be a whole number of 1 or more, but is 0',
    );
  });
});
