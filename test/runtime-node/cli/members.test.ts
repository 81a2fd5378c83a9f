import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';

import type { MemberAnswer, MembersAnswer } from '../../../runtime-node/api/cluster.js';
import { render } from '../../../runtime-node/cli/members.js';

function member(nodeId: number, rest: Partial<MemberAnswer> = {}): MemberAnswer {
  return {
    nodeId,
    endpoint: `10.0.0.${nodeId}:2075`,
    role: 'Voter',
    priority: 1,
    joinedVersion: 0,
    alive: true,
    heardMsAgo: 20,
    leads: 3,
    votesIn: 9,
    learnsIn: 0,
    lag: 0,
    lagPartition: null,
    ...rest,
  };
}

function shown(members: readonly MemberAnswer[], rest: Partial<MembersAnswer> = {}): string {
  const answer: MembersAnswer = {
    outcome: 'Done',
    refusal: null,
    reason: '',
    membershipVersion: 7,
    retryable: false,
    members,
    groups: 9,
    leaderless: [],
    unsettled: [],
    ...rest,
  };
  return stripVTControlCharacters(render(answer));
}

describe('the list of members', () => {
  it('shows who leads how much, and that all is well', () => {
    expect(shown([member(1), member(2, { leads: 6 })])).toBe(
      [
        'node  address        role   priority  leads  behind  state',
        '1     10.0.0.1:2075  voter  1         3      0       answers',
        '2     10.0.0.2:2075  voter  1         6      0       answers',
        'version 7',
        '',
      ].join('\n'),
    );
  });

  it('shows how far a newcomer is, and who does not answer', () => {
    const text = shown(
      [
        member(2, { alive: false, heardMsAgo: 4_200, lag: 12, lagPartition: 3 }),
        member(4, { votesIn: 2, learnsIn: 7 }),
        member(5, { role: 'Learner', votesIn: 0, alive: false, heardMsAgo: null, lag: null }),
      ],
      { unsettled: [1, 2], leaderless: [8] },
    );

    expect(text).toContain('12 (partition 3)  silent for 4 s');
    expect(text).toContain('voter in 2 of 9');
    expect(text).toMatch(/5 +10\.0\.0\.5:2075 +learner +1 +3 +\? +does not answer/);
    expect(text).toContain('version 7; without a leader: partition 8; still changing: partitions 1, 2');
  });
});
