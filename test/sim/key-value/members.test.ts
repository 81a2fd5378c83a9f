/** What the operator of a simulated cluster takes for the voters: he stops a machine for good only where the others suffice. */

import { describe, expect, it } from 'vitest';
import { emptyRadixArray, groupId, logIndex, nodeId, radixSet, type NodeState } from '../../../core/index.js';
import { simpleConfiguration } from '../../../core/raft/configuration.js';
import type { Raft } from '../../../sim/check/raft/group-history.js';
import { watchMembers } from '../../../sim/key-value/members.js';
import { raft } from '../check/support/states.js';

const GROUP = groupId(1);

const nodeWith = (state: Raft): NodeState =>
  ({ groups: radixSet(emptyRadixArray(), GROUP, { raft: state }) }) as unknown as NodeState;

const placed = (index: number, ...voters: number[]): Raft['configs'][number] => ({
  index: logIndex(index),
  config: simpleConfiguration(voters.map((voter) => nodeId(voter))),
});

const at = (terms: readonly number[], commit: number, configs: Raft['configs']): NodeState =>
  nodeWith(raft(1, terms, { term: 2, commit: logIndex(commit), configs }));

describe('the voters that an operator reckons with', () => {
  it('are those of the newest committed configuration and of all that came later', () => {
    const watch = watchMembers([3, 4]);

    watch.saw(undefined, at([1, 1], 1, [placed(0, 3, 4), placed(2, 4)]));

    expect(watch.electorates([])).toEqual([[3, 4], [4]]);
  });

  it('are not those of a configuration in whose place something else was committed', () => {
    const watch = watchMembers([3, 4]);
    watch.saw(undefined, at([1, 1], 1, [placed(0, 3, 4), placed(2, 4)]));
    const other = at([1, 2], 1, [placed(0, 3, 4)]);
    watch.saw(undefined, other);

    watch.saw(other, at([1, 2], 2, [placed(0, 3, 4)]));

    expect(watch.electorates([])).toEqual([[3, 4]]);
  });

  it('are those of one that is committed', () => {
    const watch = watchMembers([3, 4]);
    const before = at([1, 1], 1, [placed(0, 3, 4), placed(2, 4, 5)]);
    watch.saw(undefined, before);

    watch.saw(before, at([1, 1], 2, [placed(0, 3, 4), placed(2, 4, 5)]));

    expect(watch.electorates([])).toEqual([
      [4, 5],
      [3, 4],
    ]);
  });
});
