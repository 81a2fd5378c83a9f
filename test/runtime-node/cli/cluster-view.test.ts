import { describe, expect, it } from 'vitest';

import { groupId, logIndex, nodeId, term, type GroupStatus } from '../../../core/index.js';
import { viewPartitions } from '../../../runtime-node/cli/cluster-view.js';
import type { NodeReport } from '../../../runtime-node/index.js';

interface Replica {
  readonly group: number;
  readonly role?: GroupStatus['role'];
  readonly leader?: number;
  readonly term?: number;
  readonly applied?: number;
  readonly digest?: number;
}

function report(node: number, replicas: readonly Replica[]): NodeReport {
  return {
    type: 'Reached',
    endpoint: `http://127.0.0.1:${node}`,
    status: {
      node,
      pid: 1,
      uptimeMs: 1,
      cluster: 'test',
      version: '0.0.0',
      dataFolder: '/data',
      clientAddress: '',
      peerAddress: '',
      voters: [1, 2, 3],
      groups: replicas.map(
        ({ group, role = 'follower', leader = 1, term: inTerm = 1, applied = 5, digest = 99 }) => ({
          group: groupId(group),
          role,
          leader: nodeId(leader),
          asleep: false,
          term: term(inTerm),
          commit: logIndex(applied),
          applied: logIndex(applied),
          lastIndex: logIndex(applied),
          snapshotIndex: logIndex(0),
          keys: 1,
          digest,
        }),
      ),
    },
  };
}

describe('the view of a partition', () => {
  it('has the leader of the newest term that any node knows', () => {
    const stale = report(1, [{ group: 1, role: 'leader', term: 2 }]);
    const current = report(2, [{ group: 1, role: 'leader', term: 3 }]);

    expect(viewPartitions([stale, current])).toMatchObject([{ partition: 1, leader: 2, term: 3 }]);
  });

  it('has no leader when only an older term has one', () => {
    const stale = report(1, [{ group: 1, role: 'leader', term: 2 }]);
    const candidate = report(2, [{ group: 1, role: 'candidate', term: 3 }]);

    expect(viewPartitions([stale, candidate])).toMatchObject([{ leader: 0, term: 3 }]);
  });

  it('takes the word of a follower for a leader that was not reached', () => {
    const follower = report(2, [{ group: 1, leader: 3, term: 3 }]);

    expect(viewPartitions([follower])).toMatchObject([{ leader: 3, term: 3 }]);
  });

  it('finds replicas that applied the same and differ, and only those', () => {
    const one = report(1, [{ group: 1 }, { group: 2 }, { group: 3 }]);
    const two = report(2, [{ group: 1 }, { group: 2, applied: 6, digest: 98 }, { group: 3, digest: 98 }]);

    expect(viewPartitions([one, two]).map(({ agreement }) => agreement)).toEqual([
      'agree',
      'catching up',
      'differ',
    ]);
  });

  it('is made of those nodes that answer', () => {
    const gone: NodeReport = { type: 'Unreachable', endpoint: 'http://127.0.0.1:3', reason: 'it is gone' };

    expect(viewPartitions([gone])).toEqual([]);
    expect(viewPartitions([gone, report(1, [{ group: 1 }])])).toHaveLength(1);
  });
});
