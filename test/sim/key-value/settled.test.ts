import { describe, expect, it } from 'vitest';
import { emptyRadixArray, nodeId, radixSet, type GroupState, type NodeState } from '../../../core/index.js';
import type { Raft } from '../../../sim/check/raft/group-history.js';
import { isLed } from '../../../sim/key-value/system.js';
import { leader, raft } from '../check/support/states.js';

type Nodes = Parameters<typeof isLed>[0];

const nodesOf = (...rafts: readonly Raft[]): Nodes =>
  rafts.map((state) => ({
    id: state.self,
    state: { groups: radixSet(emptyRadixArray<GroupState>(), 1, { raft: state } as GroupState) } as NodeState,
  })) as unknown as Nodes;

const follower = (self: number, ofTerm: number, ofLeader = 1): Raft =>
  raft(self, [], { term: ofTerm, leader: nodeId(ofLeader) });

const settled = (nodes: Nodes, ...healed: readonly number[]): boolean => isLed(nodes, healed.map(nodeId), 1);

describe('a group in the calm', () => {
  const led = [leader(1, [], { term: 3 }), follower(2, 3)] as const;

  it('is led when all who are well follow one leader', () => {
    expect(settled(nodesOf(...led, follower(3, 3)), 1, 2, 3)).toBe(true);
    expect(settled(nodesOf(...led, follower(3, 3, 2)), 1, 2, 3)).toBe(false);
    expect(settled(nodesOf(follower(2, 3), follower(3, 3)), 2, 3)).toBe(false);
  });

  it('is led whatever term somebody who is cut off has come to', () => {
    const cutOff = raft(3, [], { term: 4, role: 'precandidate' });

    expect(settled(nodesOf(...led, cutOff), 1, 2)).toBe(true);
    expect(settled(nodesOf(...led, cutOff), 1, 2, 3)).toBe(false);
  });
});
