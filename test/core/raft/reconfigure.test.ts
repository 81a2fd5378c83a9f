import { describe, expect, it } from 'vitest';
import {
  configEntry,
  configuration,
  messagesOf,
  progressOf,
  say,
  sentTo,
  startLeader,
  startMember,
  startSettledLeader,
  type Member,
  type MemberOptions,
  type Outcome,
} from './support/member.js';

/** A leader whose present configuration is committed, and whose peers answer and are level. */
function startLeaderOf(
  voters: readonly number[],
  learners: readonly number[] = [],
  more: MemberOptions = {},
) {
  const leader = startSettledLeader({ voters, ...more });
  if (learners.length > 0) {
    leader.reconfigure(voters, learners);
    level(leader);
  }
  return leader;
}

/** All disks are done, and all peers, or these, hold the leader's whole log. */
function level(leader: Member, peers = leader.state.peers.map(({ peer }) => Number(peer))): Outcome[] {
  const outcomes = [leader.durable()];
  for (const peer of peers) {
    const { term, log } = leader.state;
    outcomes.push(leader.receive(peer, say.accepted(term, log.lastIndex)));
  }
  return outcomes;
}

function answer(leader: Member, ...peers: readonly number[]): void {
  for (const peer of peers) leader.receive(peer, say.heartbeatAnswer(leader.state.term));
}

describe('a change that is refused', () => {
  const refusal = (outcome: Outcome): readonly string[] =>
    outcome.reconfigured?.type === 'Refused' ? [outcome.reconfigured.why, outcome.reconfigured.reason] : [];

  it('by a node that does not lead', () => {
    const member = startMember({ self: 2 });

    const outcome = member.reconfigure([1, 2]);

    expect(refusal(outcome)).toEqual(['not the leader', 'node 2 does not lead the group']);
    expect(outcome.write).toBeUndefined();
  });

  it('before an entry of the own term is committed: the bug of 2015', () => {
    const leader = startLeader();

    const outcome = leader.reconfigure([1, 2]);

    expect(refusal(outcome)).toEqual([
      'too early in the term',
      'the leader has not committed an entry of its term yet',
    ]);
    expect(leader.state.config).toEqual(configuration([1, 2, 3]));
  });

  it('while another change is not committed', () => {
    const leader = startLeaderOf([1, 2, 3]);
    leader.reconfigure([1, 2, 3], [4]);

    const outcome = leader.reconfigure([1, 2]);

    expect(refusal(outcome)).toEqual(['change in progress', 'the group is changing to 1, 2, 3 (learners 4)']);
  });

  it('in a joint configuration, committed or not', () => {
    const leader = startLeaderOf([1, 2, 3, 4, 5]);
    leader.reconfigure([1, 2, 3]);
    const before = refusal(leader.reconfigure([1, 2]));
    level(leader, [2, 3]);
    const leaving = refusal(leader.reconfigure([1, 2]));

    expect(before).toEqual(['change in progress', 'the group is changing to 1, 2, 3, 4, 5 -> 1, 2, 3']);
    expect(leaving).toEqual(['change in progress', 'the group is changing to 1, 2, 3']);
  });

  it('by a leader that inherited one which is not committed', () => {
    const leader = startLeader({ log: [1, 1], configs: { 2: configuration([1, 2]) } });

    const outcome = leader.reconfigure([1]);

    expect(refusal(outcome)[0]).toBe('change in progress');
  });

  it('while leadership is being transferred', () => {
    const leader = startLeaderOf([1, 2, 3]);
    leader.transfer(2);

    const outcome = leader.reconfigure([1, 2]);

    expect(refusal(outcome)).toEqual(['being transferred', 'leadership is being handed over to node 2']);
  });

  it('when nobody would vote', () => {
    const leader = startLeaderOf([1, 2, 3]);

    const outcome = leader.reconfigure([], [1, 2, 3]);

    expect(refusal(outcome)).toEqual(['no voters', 'a group needs at least one voter']);
  });

  it('when a new voter is not a learner yet', () => {
    const leader = startLeaderOf([1, 2, 3]);

    const outcome = leader.reconfigure([1, 2, 3, 4]);

    expect(refusal(outcome)).toEqual(['not caught up', 'node 4 is no learner of the group yet']);
  });

  it('when a learner has never answered', () => {
    const leader = startLeaderOf([1, 2, 3]);
    leader.reconfigure([1, 2, 3], [4]);
    level(leader, [2, 3]);

    const outcome = leader.reconfigure([1, 2, 3, 4]);

    expect(refusal(outcome)).toEqual(['not caught up', 'node 4 is 2 entries behind']);
  });

  it('when a learner is too far behind', () => {
    const leader = startLeaderOf([1, 2, 3], [4]);
    for (const text of ['a', 'b', 'c']) leader.propose(text);
    level(leader, [2, 3]);
    const far = refusal(leader.reconfigure([1, 2, 3, 4]));
    leader.receive(4, say.accepted(leader.state.term, leader.state.log.lastIndex - 2));
    const near = leader.reconfigure([1, 2, 3, 4]);

    expect(far).toEqual(['not caught up', 'node 4 is 3 entries behind']);
    expect(near.reconfigured?.type).toBe('Accepted');
  });

  it('when a level learner has been silent for an election timeout', () => {
    const leader = startLeaderOf([1, 2, 3], [4]);
    leader.pass(1000);
    answer(leader, 2, 3);

    const outcome = leader.reconfigure([1, 2, 3, 4]);

    expect(refusal(outcome)).toEqual(['not caught up', 'node 4 does not answer']);
  });

  it('when too few of the new voters answer', () => {
    const leader = startLeaderOf([1, 2, 3, 4, 5]);
    leader.pass(1000);
    answer(leader, 2, 3);

    const simple = leader.reconfigure([1, 3, 4, 5]);
    const joint = leader.reconfigure([1, 4, 5]);

    expect(refusal(simple)).toEqual([
      'would lose quorum',
      'the group would be 1, 3, 4, 5, of which too many do not answer: 4, 5',
    ]);
    expect(refusal(joint)).toEqual([
      'would lose quorum',
      'the group would be 1, 2, 3, 4, 5 -> 1, 4, 5, of which too many do not answer: 4, 5',
    ]);
  });

  it('but not when the one who goes is the one who does not answer', () => {
    const leader = startLeaderOf([1, 2, 3]);
    leader.pass(1000);
    answer(leader, 2);

    const outcome = leader.reconfigure([1, 2]);

    expect(outcome.reconfigured?.type).toBe('Accepted');
  });
});

describe('a change of nothing', () => {
  it.each([
    ['the same members', [1, 2, 3], [4]],
    ['in another order, and twice', [3, 1, 2, 1], [4, 4]],
    ['a voter is no learner, whatever else is said', [1, 2, 3], [2, 4]],
  ])('%s', (_what, voters, learners) => {
    const leader = startLeaderOf([1, 2, 3], [4]);

    const outcome = leader.reconfigure(voters, learners);

    expect(outcome.reconfigured).toEqual({ type: 'Unchanged' });
    expect(outcome.write).toBeUndefined();
  });
});

describe('a change of one vote', () => {
  it('is one entry with the whole configuration, in force as soon as it is in the log', () => {
    const leader = startLeaderOf([1, 2, 3]);

    const outcome = leader.reconfigure([1, 2], [3, 4]);

    const config = configuration([1, 2], { learners: [3, 4] });
    expect(outcome.reconfigured).toEqual({ type: 'Accepted', index: 2, term: 1 });
    expect(outcome.write?.append?.entries).toEqual([configEntry(1, config)]);
    expect(leader.state).toMatchObject({ config, commit: 1 });
    expect(leader.state.peers.map(({ peer }) => peer)).toEqual([2, 3, 4]);
  });

  it('a learner is sent the log, from where it has it', () => {
    const leader = startLeaderOf([1, 2, 3]);

    const outcome = leader.reconfigure([1, 2, 3], [4]);
    const next = leader.receive(4, say.refused(1, 1, [0, 0]));

    expect(messagesOf(outcome, 'Append').map(({ to }) => to)).toEqual([2, 3, 4]);
    expect(sentTo(next, 4)).toMatchObject([{ type: 'Append', previousIndex: 0, entries: { length: 2 } }]);
  });

  it('a learner counts for no commit, no read, and no quorum check', () => {
    const leader = startLeaderOf([1, 2, 3], [4, 5]);
    leader.propose('x');
    leader.durable();
    const read = leader.read(7);

    const answers = [4, 5].flatMap((learner) => [
      leader.receive(learner, say.accepted(1, 3)),
      leader.receive(learner, say.heartbeatAnswer(1, 1)),
    ]);
    const committed = leader.state.commit;
    leader.pass(1001);
    answer(leader, 4, 5);
    leader.tick();

    expect([read, ...answers].flatMap(({ reads }) => reads)).toEqual([]);
    expect(committed).toBe(2);
    expect(leader.state).toMatchObject({ role: 'follower', leader: 0 });
  });

  it('a new voter is needed from when the entry is in the log', () => {
    const leader = startLeaderOf([1], [2]);
    leader.reconfigure([1, 2]);

    leader.durable();
    const alone = leader.state.commit;
    leader.receive(2, say.accepted(1, 3));

    expect(alone).toBe(2);
    expect(leader.state.commit).toBe(3);
  });

  it('what is enough for the voters who stay is committed with the change, and reads are answered', () => {
    const leader = startLeaderOf([1, 2, 3, 4]);
    leader.propose('x');
    level(leader, [2]);
    leader.read(7);
    leader.receive(2, say.heartbeatAnswer(1, 1));
    const before = leader.state.commit;

    const outcome = leader.reconfigure([1, 2, 3]);

    expect(before).toBe(1);
    expect(leader.state.commit).toBe(2);
    expect(outcome.reads).toEqual([{ tokens: [7], index: 1 }]);
  });

  it('one after the other: the next may come when the one before is committed', () => {
    const leader = startLeaderOf([1, 2, 3]);

    leader.reconfigure([1, 2]);
    level(leader);
    const outcome = leader.reconfigure([1]);
    leader.durable();

    expect(outcome.reconfigured).toMatchObject({ type: 'Accepted', index: 3 });
    expect(leader.state).toMatchObject({ role: 'leader', commit: 3, config: configuration([1]) });
  });

  it('nothing more is sent to who was removed, and late answers of it are ignored', () => {
    const leader = startLeaderOf([1, 2, 3]);
    leader.propose('x');
    leader.reconfigure([1, 2]);

    const outcomes = [
      leader.receive(3, say.accepted(1, 3)),
      leader.receive(3, say.heartbeatAnswer(1, 9)),
      leader.receive(3, say.refused(1, 2, [0, 0])),
    ];

    expect(outcomes.flatMap(({ sent }) => sent)).toEqual([]);
    expect(leader.state.peers.map(({ peer }) => peer)).toEqual([2]);
    expect(leader.state.commit).toBe(1);
  });

  it('who is added again is brought level from the start', () => {
    const leader = startLeaderOf([1, 2, 3]);
    leader.reconfigure([1, 2]);
    level(leader);
    leader.reconfigure([1, 2], [3]);

    const progress = progressOf(leader, 3);

    expect(progress).toMatchObject({ match: 0, mode: 'probe', next: 3 });
  });
});

describe('a change of several votes (section 6 of the paper)', () => {
  it('goes through a joint configuration, which the leader leaves when it is committed', () => {
    const leader = startLeaderOf([1, 2, 3], [4, 5, 6]);

    const outcome = leader.reconfigure([1, 4, 5], [2, 6, 7]);
    const joint = leader.state.config;
    const [, , , left] = level(leader, [2, 4, 5]);

    expect(outcome.reconfigured).toMatchObject({ type: 'Accepted', index: 3 });
    expect(joint).toEqual(
      configuration([1, 4, 5], { outgoing: [1, 2, 3], learners: [6, 7], learnersNext: [2] }),
    );
    expect(left?.write).toBeUndefined();
    expect(leader.state).toMatchObject({
      commit: 3,
      config: configuration([1, 4, 5], { learners: [2, 6, 7] }),
    });
    expect(leader.state.log.lastIndex).toBe(4);
    expect(leader.state.peers.map(({ peer }) => peer)).toEqual([2, 4, 5, 6, 7]);
  });

  it.each([
    ['the half that goes', [2, 3], [4, 5]],
    ['the half that comes', [4, 5], [2, 3]],
  ])('%s alone commits nothing, confirms no read and keeps no leader', (_what, one, other) => {
    const leader = startLeaderOf([1, 2, 3], [4, 5]);
    leader.reconfigure([1, 4, 5]);
    leader.durable();
    const read = leader.read(7);

    const outcomes = one.flatMap((peer) => [
      leader.receive(peer, say.accepted(1, 3)),
      leader.receive(peer, say.heartbeatAnswer(1, 1)),
    ]);
    const { commit } = leader.state;
    const both = [
      leader.receive(other[0] as number, say.accepted(1, 3)),
      leader.receive(other[0] as number, say.heartbeatAnswer(1, 1)),
    ];

    expect([read, ...outcomes].flatMap(({ reads }) => reads)).toEqual([]);
    expect(commit).toBe(2);
    expect(both.flatMap(({ reads }) => reads)).toEqual([{ tokens: [7], index: 2 }]);
    expect(leader.state.commit).toBe(3);
  });

  it.each([
    ['the half that goes', [2, 3], 'follower'],
    ['the half that comes', [4, 5], 'follower'],
    ['one of each half', [2, 4], 'leader'],
  ])('a leader that is heard by %s', (_what, peers, role) => {
    const leader = startLeaderOf([1, 2, 3], [4, 5]);
    leader.reconfigure([1, 4, 5]);

    leader.pass(1001);
    answer(leader, ...peers);
    leader.tick();

    expect(leader.state.role).toBe(role);
  });

  it.each([
    ['the half that goes', [2, 3], 'candidate'],
    ['the half that comes', [4, 5], 'candidate'],
    ['one of each half', [3, 4], 'leader'],
  ])('a candidate that is granted the votes of %s', (_what, voters, role) => {
    const config = configuration([1, 4, 5], { outgoing: [1, 2, 3] });
    const member = startMember({ log: [1], configs: { 1: config } });
    const asked = member.timeout();
    for (const voter of [2, 3, 4, 5]) member.receive(voter, say.preVoteAnswer(2, true));
    member.durable();

    for (const voter of voters) member.receive(voter, say.voteAnswer(2, true));

    expect(asked.sent.map(({ to }) => to)).toEqual([2, 3, 4, 5]);
    expect(member.state.role).toBe(role);
  });

  it('a pre-vote needs both halves as well', () => {
    const config = configuration([1, 4, 5], { outgoing: [1, 2, 3] });
    const member = startMember({ log: [1], configs: { 1: config } });
    member.timeout();

    for (const voter of [4, 5]) member.receive(voter, say.preVoteAnswer(2, true));
    const half = member.state.role;
    member.receive(2, say.preVoteAnswer(2, true));

    expect(half).toBe('precandidate');
    expect(member.state.role).toBe('candidate');
  });

  it('one that a predecessor began is left by the leader that inherits it, once it has committed in its term', () => {
    const config = configuration([1, 4, 5], { outgoing: [1, 2, 3], learnersNext: [2] });
    const leader = startLeader({ log: [1, 1], configs: { 2: config } });
    leader.durable();

    leader.receive(2, say.accepted(2, 3));
    const half = [leader.state.commit, leader.state.log.lastIndex];
    const outcome = leader.receive(4, say.accepted(2, 3));

    expect(half).toEqual([0, 3]);
    expect(leader.state.commit).toBe(3);
    expect(outcome.write?.append?.entries).toEqual([
      configEntry(2, configuration([1, 4, 5], { learners: [2] })),
    ]);
  });

  it('what the half that comes holds already is committed as soon as the joint one is left', () => {
    const leader = startLeaderOf([1, 2, 3], [4, 5]);
    leader.reconfigure([1, 4, 5]);
    leader.propose('x');
    level(leader, [4]);

    leader.receive(2, say.accepted(1, 3));

    expect(leader.state.config).toEqual(configuration([1, 4, 5]));
    expect(leader.state.commit).toBe(4);
  });

  it('a leader of only the half that goes leaves it, and goes', () => {
    const leader = startLeaderOf([1, 2, 3], [4, 5, 6]);
    leader.reconfigure([4, 5, 6]);
    level(leader, [2, 4, 5]);
    const left = [leader.state.role, leader.state.config];

    leader.durable();
    leader.receive(4, say.accepted(1, 4));
    const outcome = leader.receive(5, say.accepted(1, 4));

    expect(left).toEqual(['leader', configuration([4, 5, 6])]);
    expect(leader.state).toMatchObject({ role: 'follower', commit: 4 });
    expect(messagesOf(outcome, 'CampaignNow').map(({ to }) => to)).toEqual([4]);
  });
});

describe('a leader that leaves itself out (thesis, section 4.2.2)', () => {
  it('keeps leading, and does not count itself', () => {
    const leader = startLeaderOf([1, 2, 3]);
    leader.reconfigure([2, 3]);
    leader.durable();

    const proposed = leader.propose('x');
    leader.durable();
    leader.receive(2, say.accepted(1, 3));

    expect(proposed.proposal).toMatchObject({ type: 'Accepted', index: 3 });
    expect(leader.state).toMatchObject({ role: 'leader', commit: 1 });
  });

  it('steps down when that is committed, and tells the best of those who stay to campaign', () => {
    const leader = startLeaderOf([1, 2, 3, 4], [5]);
    leader.reconfigure([2, 3, 4], [5]);
    leader.propose('x');
    leader.durable();
    leader.receive(5, say.accepted(1, 4));
    leader.receive(3, say.accepted(1, 4));

    const outcome = leader.receive(2, say.accepted(1, 3));

    expect(leader.state).toMatchObject({ role: 'follower', leader: 0, term: 1, commit: 3, peers: [] });
    expect(outcome.sent).toEqual([{ to: 3, message: say.campaignNow(1), after: 0 }]);
  });

  it('does not campaign any more', () => {
    const leader = startLeaderOf([1, 2, 3]);
    leader.reconfigure([2, 3]);
    level(leader);

    const outcomes = [leader.timeout(), leader.timeout(), leader.receive(2, say.campaignNow(1))];

    expect(outcomes.flatMap(({ sent }) => sent)).toEqual([]);
    expect(leader.state).toMatchObject({ role: 'follower', term: 1 });
  });

  it('that becomes a learner steps down, too', () => {
    const leader = startLeaderOf([1, 2, 3]);
    leader.reconfigure([2, 3], [1]);

    level(leader);

    expect(leader.state).toMatchObject({
      role: 'follower',
      config: configuration([2, 3], { learners: [1] }),
    });
  });
});

describe('a node that loses its vote by what is not committed', () => {
  /** It was the leader, removed itself, and is the only one to hold that entry. */
  const leaving = () =>
    startMember({ self: 1, log: [1, 1], configs: { 2: configuration([2], { learners: [1] }) } });

  it('campaigns, for those who stay cannot be elected without it; it does not count itself', () => {
    const member = leaving();

    const asked = member.timeout();
    const alone = member.state.role;
    member.receive(2, say.preVoteAnswer(2, true));
    member.durable();
    const candidate = member.state.role;
    member.receive(2, say.voteAnswer(2, true));

    expect(asked.sent.map(({ to }) => to)).toEqual([2]);
    expect([alone, candidate, member.state.role]).toEqual(['precandidate', 'candidate', 'leader']);
  });

  it('brings the entry to those who stay, hands over, and goes', () => {
    const member = startLeader({ self: 1, log: [1, 1], configs: { 2: configuration([2]) } });
    member.durable();
    const alone = member.state.commit;

    const outcome = member.receive(2, say.accepted(2, 3));

    expect(alone).toBe(0);
    expect(messagesOf(outcome, 'CampaignNow').map(({ to }) => to)).toEqual([2]);
    expect(member.state).toMatchObject({ role: 'follower', commit: 3 });
  });

  it.each([
    ['is told that it is committed', (member: Member) => member.receive(2, say.notMember(1, 2))],
    ['hears that it is committed', (member: Member) => member.receive(2, say.heartbeat(1, 2))],
  ])('stops when it %s', (_what, hear) => {
    const member = leaving();
    member.timeout();

    hear(member);
    const outcome = member.timeout();

    expect(outcome.sent).toEqual([]);
    expect(member.state.role).toBe('follower');
  });
});

describe('the configuration is the newest in the log', () => {
  it('a follower takes it when it is appended, committed or not', () => {
    const member = startMember();
    const config = configuration([1, 2], { learners: [3] });

    member.receive(2, say.configAppend(1, [0, 0], config));

    expect(member.state).toMatchObject({ config, commit: 0 });
  });

  it('truncation takes it back', () => {
    const member = startMember();
    member.receive(2, say.configAppend(1, [0, 0], configuration([1, 2])));
    member.receive(2, say.configAppend(1, [1, 1], configuration([1, 2], { learners: [4] })));

    member.receive(3, say.append(2, [1, 1], [2]));
    const once = member.state.config;
    member.receive(3, say.append(3, [0, 0], [3]));

    expect(once).toEqual(configuration([1, 2]));
    expect(member.state.config).toEqual(configuration([1, 2, 3]));
    expect(member.state.configs).toHaveLength(1);
  });

  it('one conflicting append brings another in its place', () => {
    const member = startMember();
    member.receive(2, say.configAppend(1, [0, 0], configuration([1, 2])));

    member.receive(3, say.configAppend(2, [0, 0], configuration([1, 3])));

    expect(member.state.config).toEqual(configuration([1, 3]));
    expect(member.state.configs.map(({ index }) => index)).toEqual([0, 1]);
  });

  it('an append that brings nothing new changes nothing', () => {
    const member = startMember();
    const append = say.configAppend(1, [0, 0], configuration([1, 2]));
    member.receive(2, append);

    member.receive(2, append);

    expect(member.state.configs.map(({ index }) => index)).toEqual([0, 1]);
  });

  it('a restart finds it in the log, and what was not durable is forgotten', () => {
    const member = startMember();
    member.receive(2, say.configAppend(1, [0, 0], configuration([1, 2])));
    member.durable();
    member.receive(2, say.configAppend(1, [1, 1], configuration([1, 2], { learners: [4] })));

    const again = member.restarted();

    expect(again.state).toMatchObject({ config: configuration([1, 2]), commit: 0 });
  });

  it('a snapshot holds the one at its index, not a later one', () => {
    const leader = startLeaderOf([1, 2, 3], [4]);
    leader.propose('x');
    level(leader);
    leader.reconfigure([1, 2, 3, 4]);

    const early = leader.compact(1).write?.snapshot?.config;
    const late = leader.compact(3).write?.snapshot?.config;
    const kept = leader.state.configs.map(({ index }) => index);
    leader.durable();
    const again = leader.restarted();

    expect(early).toEqual(configuration([1, 2, 3]));
    expect(late).toEqual(configuration([1, 2, 3], { learners: [4] }));
    expect(kept).toEqual([2, 4]);
    expect(again.state.config).toEqual(configuration([1, 2, 3, 4]));
  });

  it.each([
    ['simple', configuration([1, 2], { learners: [3] })],
    ['joint', configuration([1, 4, 5], { outgoing: [1, 2, 3], learners: [6], learnersNext: [2] })],
    ['without this node', configuration([2, 3, 4])],
  ])('an installed snapshot restores it: %s', (_what, config) => {
    const member = startMember({ log: [1, 1], configs: { 2: configuration([1, 2]) } });

    member.receive(2, say.snapshot(3, 9, 2, config));
    member.durable();
    const again = member.restarted();

    expect(member.state.configs).toEqual([{ index: 9, config }]);
    expect(again.state.configs).toEqual([{ index: 9, config }]);
  });

  it('a snapshot whose last entry is in the log changes none', () => {
    const member = startMember({ log: [1, 1, 1], configs: { 3: configuration([1, 2]) } });

    member.receive(2, say.snapshot(1, 2, 1, configuration([1, 2, 3])));

    expect(member.state).toMatchObject({ commit: 2, config: configuration([1, 2]) });
  });

  it('a joint one from a snapshot is left by the leader that has it', () => {
    const config = configuration([1, 4, 5], { outgoing: [1, 2, 3] });
    const leader = startLeader({ snapshot: { index: 5, term: 1, config } });

    level(leader, [2, 4]);

    expect(leader.state.config).toEqual(configuration([1, 4, 5]));
  });
});

describe('a learner', () => {
  const asLearner = { self: 4, log: [1, 1], configs: { 2: configuration([1, 2, 3], { learners: [4] }) } };

  it('does not campaign, however long it hears nothing, nor when it is told to', () => {
    const member = startMember(asLearner);

    const outcomes = Array.from({ length: 5 }, () => member.timeout());
    outcomes.push(member.receive(1, say.campaignNow(1)));

    expect(outcomes.flatMap(({ sent }) => sent)).toEqual([]);
    expect(member.state).toMatchObject({ role: 'follower', term: 1 });
  });

  it('answers who asks for its vote: it may have been promoted without knowing', () => {
    const member = startMember(asLearner);
    member.pass(1000);

    const preVote = member.receive(2, say.preVoteRequest(2, 2, 1));
    const vote = member.receive(2, say.voteRequest(2, 3, 1));

    expect(sentTo(preVote, 2)).toEqual([say.preVoteAnswer(2, true)]);
    expect(sentTo(vote, 2)).toEqual([say.voteAnswer(2, true)]);
  });

  it('campaigns from when its promotion is in its log', () => {
    const member = startMember(asLearner);
    member.receive(1, say.configAppend(1, [2, 1], configuration([1, 2, 3, 4])));

    const outcome = member.timeout();

    expect(outcome.sent.map(({ to }) => to)).toEqual([1, 2, 3]);
  });

  it('a voter that is made a learner stops when that is committed', () => {
    const member = startMember({ self: 3 });
    member.receive(1, say.configAppend(1, [0, 0], configuration([1, 2], { learners: [3] }), 1));

    const outcome = member.timeout();

    expect(outcome.sent).toEqual([]);
  });

  it('a voter that an entry leaves out campaigns while that may not be committed, and counts itself out', () => {
    // The others may lack the entry, and cannot win without the vote of a node that has it (thesis, section 4.2.2).
    const member = startMember({ self: 1, log: [1, 1], term: 1, configs: { 2: configuration([3]) } });

    const asked = member.timeout();
    member.receive(3, say.preVoteAnswer(2, true));

    expect(asked.sent.map(({ to, message }) => [to, message.type])).toEqual([[3, 'PreVoteRequest']]);
    expect(member.state).toMatchObject({ role: 'candidate', term: 2 });
    member.durable();
    expect(member.state.role).toBe('candidate');
    member.receive(3, say.voteAnswer(2, true));
    expect(member.state.role).toBe('leader');
  });

  it('a voter that an entry leaves out stops when a leader says that it is committed', () => {
    const member = startMember({ self: 1, log: [1, 1], term: 1, configs: { 2: configuration([3]) } });

    member.receive(3, say.notMember(2, 2));

    expect(member.timeout().sent).toEqual([]);
  });

  it('a voter of the half that goes campaigns until it is gone, though it will be a learner', () => {
    const config = configuration([1], { outgoing: [1, 2, 3], learnersNext: [2, 3] });
    const member = startMember({ self: 3, log: [1], configs: { 1: config } });

    const outcome = member.timeout();

    expect(outcome.sent.map(({ to }) => to)).toEqual([1, 2]);
  });
});

describe('a node that joins', () => {
  it('knows nobody and waits', () => {
    const member = startMember({ self: 4, voters: [] });

    const outcomes = [member.timeout(), member.timeout()];

    expect(outcomes.flatMap(({ sent }) => sent)).toEqual([]);
    expect(member.state).toMatchObject({ role: 'follower', term: 0 });
  });

  it('follows the leader that finds it, and learns from the log who is there', () => {
    const member = startMember({ self: 4, voters: [] });
    const config = configuration([1, 2, 3], { learners: [4] });

    member.receive(1, say.configAppend(3, [0, 0], config));

    expect(member.state).toMatchObject({ term: 3, leader: 1, config });
  });

  it('makes no snapshot before it knows who the members are', () => {
    const member = startMember({ self: 4, voters: [] });
    member.receive(1, say.append(3, [0, 0], [3, 3], 2));

    const early = member.compact(2);
    member.receive(1, say.configAppend(3, [2, 3], configuration([1, 2, 3], { learners: [4] }), 3));
    const late = member.compact(3);

    expect(early.write).toBeUndefined();
    expect(late.write?.snapshot?.config).toEqual(configuration([1, 2, 3], { learners: [4] }));
  });

  it('takes a snapshot in which it is no member yet', () => {
    const member = startMember({ self: 4, voters: [] });

    member.receive(1, say.snapshot(3, 9, 2));

    expect(member.state).toMatchObject({ commit: 9, config: configuration([1, 2, 3]) });
  });
});

describe('a node that was left out', () => {
  const removed = () => {
    const leader = startLeaderOf([1, 2, 3]);
    leader.reconfigure([1, 2]);
    return leader;
  };

  it('is told when it asks for votes, once its removal is committed; its term is not followed', () => {
    const leader = removed();

    const early = [leader.receive(3, say.preVoteRequest(2)), leader.receive(3, say.voteRequest(9, 9, 9))];
    level(leader);
    const told = [leader.receive(3, say.preVoteRequest(2)), leader.receive(3, say.voteRequest(9, 9, 9))];

    expect(early.flatMap(({ sent }) => sent)).toEqual([]);
    expect(told.map((outcome) => sentTo(outcome, 3))).toEqual([[say.notMember(1, 2)], [say.notMember(1, 2)]]);
    expect(leader.state).toMatchObject({ role: 'leader', term: 1 });
  });

  it('members are not turned away: learners and both halves are answered', () => {
    const leader = startLeaderOf([1, 2, 3], [4, 5]);
    leader.reconfigure([1, 4, 5], [2]);

    const outcomes = [2, 3, 4, 5].map((peer) => leader.receive(peer, say.preVoteRequest(2)));

    expect(outcomes.flatMap((outcome) => messagesOf(outcome, 'NotMember'))).toEqual([]);
    expect(outcomes.flatMap((outcome) => messagesOf(outcome, 'PreVoteAnswer'))).toHaveLength(4);
  });

  it('stops asking when it is told', () => {
    const member = startMember({ self: 3, log: [1] });
    member.timeout();

    member.receive(1, say.notMember(1, 2));
    const after = [member.timeout(), member.timeout()];

    expect(member.state).toMatchObject({ role: 'follower', term: 1, leftOutAt: 2 });
    expect(after.flatMap(({ sent }) => sent)).toEqual([]);
  });

  it('stops although its term is ahead of the one who tells', () => {
    const member = startMember({ self: 3, log: [1], term: 7 });
    member.timeout();

    member.receive(1, say.notMember(2, 2));

    expect(member.state).toMatchObject({ role: 'follower', term: 7, leftOutAt: 2 });
  });

  it('stops as a candidate, too, and wins nothing afterwards', () => {
    const member = startMember({ self: 3, log: [1] });
    member.timeout();
    member.receive(1, say.preVoteAnswer(2, true));
    member.durable();

    member.receive(2, say.notMember(2, 2));
    member.receive(1, say.voteAnswer(2, true));

    expect(member.state).toMatchObject({ role: 'follower', term: 2 });
  });

  it('still votes if it is asked', () => {
    const member = startMember({ self: 3, log: [1] });
    member.receive(1, say.notMember(1, 2));
    member.pass(1000);

    const outcome = member.receive(2, say.voteRequest(2, 5, 1));

    expect(sentTo(outcome, 2)).toEqual([say.voteAnswer(2, true)]);
  });

  it('and was added again hears late that it was left out: that is over', () => {
    const member = startMember({ self: 3, log: [1] });
    member.receive(1, say.notMember(1, 2));
    member.receive(1, say.append(1, [1, 1], [1, 1]));
    member.receive(1, say.configAppend(1, [3, 1], configuration([1, 2, 3])));

    member.receive(1, say.notMember(1, 2));
    const outcome = member.timeout();

    expect(outcome.sent.map(({ to }) => to)).toEqual([1, 2]);
  });

  it('and is heard of by a leader again asks as before', () => {
    const member = startMember({ self: 3, log: [1] });
    member.receive(1, say.notMember(1, 2));

    member.receive(1, say.heartbeat(1));
    const outcome = member.timeout();

    expect(outcome.sent.map(({ to }) => to)).toEqual([1, 2]);
  });

  it('a leader takes no notice', () => {
    const leader = startLeaderOf([1, 2, 3]);

    leader.receive(2, say.notMember(1, 9));

    expect(leader.state).toMatchObject({ role: 'leader', leftOutAt: 0 });
  });
});
