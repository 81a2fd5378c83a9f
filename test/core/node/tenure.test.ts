/** A leadership that is lost and won again within one turn: nothing of the first is left in the second. */

import { describe, expect, it } from 'vitest';
import { groupId, logIndex, monotonicMs, term, wallMs } from '../../../core/machine/units.js';
import { serveReads } from '../../../core/node/group.js';
import type { Answer } from '../../../core/node/proposals.js';
import { leadershipOf, noticeLeadership } from '../../../core/node/tenure.js';
import { openGroup, openNode, type NodeTurn, type OpenGroup } from '../../../core/node/turn.js';
import { createSequence, ephemeral, reserve } from './operations.js';
import { get, set, startReadyCluster, startReadyNode, type TestNode } from './support.js';

/** The node's next turn, in which it was deposed and elected again. */
function openReelected(node: TestNode): { readonly turn: NodeTurn; readonly opened: OpenGroup } {
  const now = { monotonic: monotonicMs(node.now), wall: wallMs(node.wall) };
  const turn = openNode(node.options, node.state, now, 0);
  const opened = openGroup(turn, groupId(1));
  opened.raft.raft.term = term(opened.raft.raft.term + 2);
  return { turn, opened };
}

function told(): { readonly results: unknown[]; readonly answer: Answer } {
  const results: unknown[] = [];
  return { results, answer: (_turn, _group, _origin, result) => results.push(result) };
}

describe('a leadership that was lost and won again in one turn', () => {
  it('begins with nothing ephemeral, at the present time', () => {
    const node = startReadyNode();
    node.turn({ type: 'RequestReceived', token: 1, request: ephemeral(set('k', 'v')) });
    node.now += 500;
    const { turn, opened } = openReelected(node);
    const before = leadershipOf(opened);

    noticeLeadership(turn, opened, told().answer);

    expect(before).toBeUndefined();
    expect(leadershipOf(opened)).toMatchObject({
      term: opened.raft.raft.term,
      since: node.now,
      inherited: node.group().applied,
      ephemeral: { state: { applied: 0, keys: { size: 0 } } },
    });
  });

  it('tells those who waited for a block to try again', () => {
    const node = startReadyNode();
    node.turn({ type: 'RequestReceived', token: 1, request: createSequence() });
    while (node.underWay.length > 0) node.complete();
    for (const token of [2, 3, 4]) node.turn({ type: 'RequestReceived', token, request: reserve() });
    const { turn, opened } = openReelected(node);
    const { results, answer } = told();

    noticeLeadership(turn, opened, answer);

    expect(results).toMatchObject([{ type: 'TryAgain' }, { type: 'TryAgain' }]);
    expect(leadershipOf(opened)?.blocks.size).toBe(0);
  });

  it('executes nothing that was confirmed for the earlier one but reads of what is replicated', () => {
    const cluster = startReadyCluster(3);
    const leader = cluster.leader();
    cluster.ask(leader.id, 1, ephemeral(set('k', 'v')));
    cluster.ask(leader.id, 2, get('k'));
    const { turn, opened } = openReelected(leader);
    const { results, answer } = told();
    noticeLeadership(turn, opened, answer);
    const number = turn.node.nextRead;

    opened.raft.readsReady = [{ tokens: [number - 2, number - 1], index: logIndex(leader.group().applied) }];
    serveReads(turn, opened, answer);

    expect(results).toMatchObject([{ type: 'TryAgain' }, { type: 'Executed' }]);
    expect(turn.node.openReads).toBe(0);
  });
});
