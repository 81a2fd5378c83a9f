import { describe, expect, it } from 'vitest';
import {
  configuration,
  messagesOf,
  progressOf,
  say,
  sentTo,
  startLeader,
  startMember,
  startSettledLeader,
  type Outcome,
} from './support/member.js';

const told = (outcome: Outcome) => messagesOf(outcome, 'CampaignNow').map(({ to }) => to);

describe('a leader that is asked to hand over (thesis, section 3.10)', () => {
  it('tells a target that is level to campaign, at once', () => {
    const leader = startSettledLeader();

    const outcome = leader.transfer(2);

    expect(outcome.transferring).toEqual({ type: 'Started' });
    expect(outcome.sent).toEqual([{ to: 2, message: say.campaignNow(1), after: 0 }]);
    expect(leader.state).toMatchObject({ role: 'leader', askedToCampaign: true });
  });

  it('brings one that is behind level first, entries that are not committed included', () => {
    const leader = startSettledLeader();
    leader.propose('a');
    leader.propose('b');

    const outcomes = [
      leader.transfer(2),
      leader.receive(2, say.accepted(1, 2)),
      leader.receive(2, say.accepted(1, 3)),
    ];

    expect(outcomes.map(told)).toEqual([[], [], [2]]);
    expect(leader.state.commit).toBe(1);
  });

  it('sends the target what it lacks although it was probing', () => {
    const leader = startLeader();
    leader.transfer(2);

    const refused = leader.receive(2, say.refused(1, 0, [0, 0]));
    const level = leader.receive(2, say.accepted(1, 1));

    expect(told(refused)).toEqual([]);
    expect(told(level)).toEqual([2]);
  });

  it('holds no lease from when it told somebody to campaign, not even when that is given up', () => {
    const leader = startSettledLeader();
    leader.transfer(2);
    const asked = leader.state.askedToCampaign;

    leader.pass(1000);
    for (const peer of [2, 3]) leader.receive(peer, say.heartbeatAnswer(1));
    leader.tick();

    expect(asked).toBe(true);
    expect(leader.state).toMatchObject({ transfer: undefined, askedToCampaign: true, role: 'leader' });
  });

  it('a leadership begins with nobody asked to campaign', () => {
    const leader = startSettledLeader();
    leader.transfer(2);
    leader.receive(2, say.voteRequest(2, 1, 1, true));

    leader.timeout();
    leader.receive(3, say.preVoteAnswer(3, true));
    leader.durable();
    leader.receive(3, say.voteAnswer(3, true));

    expect(leader.state).toMatchObject({ role: 'leader', term: 3, askedToCampaign: false });
  });

  it('is deposed by the candidate that it asked for, and so are followers that hear it', () => {
    const leader = startSettledLeader();
    leader.transfer(2);
    const follower = startMember({ self: 3, log: [1] });
    follower.receive(1, say.heartbeat(1));

    const outcomes = [leader, follower].map((member) => member.receive(2, say.voteRequest(2, 1, 1, true)));

    expect(outcomes.map((outcome) => sentTo(outcome, 2))).toEqual([
      [say.voteAnswer(2, true)],
      [say.voteAnswer(2, true)],
    ]);
    expect(leader.state).toMatchObject({ role: 'follower', term: 2, transfer: undefined });
  });

  it('a candidate that nobody asked for is not heard', () => {
    const leader = startSettledLeader();

    const outcome = leader.receive(2, say.voteRequest(2, 1, 1));

    expect(outcome.sent).toEqual([]);
    expect(leader.state.role).toBe('leader');
  });
});

describe('a transfer is refused or needless', () => {
  const refusal = (outcome: Outcome): readonly string[] =>
    outcome.transferring?.type === 'Refused' ? [outcome.transferring.why, outcome.transferring.reason] : [];

  it('to the leader itself: nothing happens', () => {
    const leader = startSettledLeader();

    const outcome = leader.transfer(1);

    expect(outcome.transferring).toEqual({ type: 'Unchanged' });
    expect(leader.state.transfer).toBeUndefined();
    expect(leader.propose('x').proposal?.type).toBe('Accepted');
  });

  it('by a node that does not lead', () => {
    const outcome = startMember().transfer(2);

    expect(refusal(outcome)).toEqual(['not the leader', 'node 1 does not lead the group']);
  });

  it('to a learner, and to a stranger', () => {
    const leader = startSettledLeader();
    leader.reconfigure([1, 2, 3], [4]);

    const outcomes = [leader.transfer(4), leader.transfer(9)];

    expect(outcomes.map(refusal)).toEqual([
      ['no voter', 'node 4 has no vote in the group'],
      ['no voter', 'node 9 has no vote in the group'],
    ]);
  });

  it('to a voter that has been silent for an election timeout', () => {
    const leader = startSettledLeader();
    leader.pass(1000);
    leader.receive(3, say.heartbeatAnswer(1));

    const outcomes = [leader.transfer(2), leader.transfer(3)];

    expect(refusal(outcomes[0] as Outcome)).toEqual(['not answering', 'node 2 has not answered for 1000 ms']);
    expect(outcomes[1]?.transferring).toEqual({ type: 'Started' });
  });

  it('to the same target again changes nothing, to another one is refused', () => {
    const leader = startSettledLeader();
    leader.transfer(2);
    const { transfer } = leader.state;
    leader.pass(300);

    const again = leader.transfer(2);
    const other = leader.transfer(3);

    expect(again.transferring).toEqual({ type: 'Started' });
    expect(again.sent).toEqual([]);
    expect(leader.state.transfer).toEqual(transfer);
    expect(refusal(other)).toEqual(['being transferred', 'leadership is being handed over to node 2']);
  });
});

describe('while leadership is being transferred', () => {
  it('proposals are refused, with the reason', () => {
    const leader = startSettledLeader();
    leader.transfer(2);

    const outcome = leader.propose('x');

    expect(outcome.proposal).toEqual({
      type: 'Refused',
      why: 'leadership is being transferred',
      leader: 1,
    });
    expect(outcome.write).toBeUndefined();
  });

  it('the leader goes on committing, reading and sending heartbeats', () => {
    const leader = startSettledLeader();
    leader.propose('x');
    leader.transfer(3);
    leader.durable();

    leader.receive(2, say.accepted(1, 2));
    leader.read(7);
    const read = leader.receive(2, say.heartbeatAnswer(1, 1));
    leader.pass(100);
    const beat = leader.tick();

    expect(leader.state.commit).toBe(2);
    expect(read.reads).toEqual([{ tokens: [7], index: 2 }]);
    expect(messagesOf(beat, 'Heartbeat')).toHaveLength(2);
  });
});

describe('a transfer ends', () => {
  it('after an election timeout, when what told the target was lost: the leader goes on as before', () => {
    const leader = startSettledLeader();
    leader.transfer(2);
    leader.pass(999);
    for (const peer of [2, 3]) leader.receive(peer, say.heartbeatAnswer(1));
    const before = leader.propose('x').proposal?.type;

    leader.pass(1);
    const outcome = leader.tick();

    expect(before).toBe('Refused');
    expect(told(outcome)).toEqual([]);
    expect(leader.state).toMatchObject({ role: 'leader', transfer: undefined });
    expect(leader.propose('x').proposal?.type).toBe('Accepted');
  });

  it('after an election timeout, when the target never came level', () => {
    const leader = startSettledLeader();
    leader.propose('x');
    leader.transfer(2);

    leader.pass(1000);
    const outcome = leader.receive(2, say.accepted(1, 2));

    expect(told(outcome)).toEqual([]);
    expect(leader.state).toMatchObject({ transfer: undefined, askedToCampaign: false });
  });

  it('with the term', () => {
    const leader = startSettledLeader();
    leader.transfer(2);

    leader.receive(3, say.heartbeat(2));

    expect(leader.state).toMatchObject({ role: 'follower', leader: 3, transfer: undefined });
  });

  it('with the leadership, when no quorum answers', () => {
    const leader = startSettledLeader();
    leader.transfer(2);

    leader.pass(1000);
    leader.tick();

    expect(leader.state).toMatchObject({ role: 'follower', transfer: undefined });
  });

  it('when the target loses its vote with the joint configuration that is left', () => {
    const leader = startSettledLeader({ voters: [1, 2, 3] });
    leader.reconfigure([1], [2]);
    leader.propose('x');
    leader.transfer(2);
    leader.durable();
    const before = leader.state.transfer;

    leader.receive(3, say.accepted(1, 2));

    expect(before).toMatchObject({ target: 2, told: false });
    expect(leader.state.config).toEqual(configuration([1], { learners: [2] }));
    expect(leader.state.transfer).toBeUndefined();
  });
});

describe('a node that is told to campaign', () => {
  it('does so at once, without asking beforehand, and says who asked for it', () => {
    const member = startMember({ self: 2, log: [1, 1] });
    member.receive(1, say.heartbeat(1));

    const outcome = member.receive(1, say.campaignNow(1));

    expect(member.state).toMatchObject({ role: 'candidate', term: 2, vote: 2 });
    expect(outcome.sent).toEqual([
      { to: 1, message: say.voteRequest(2, 2, 1, true), after: 1 },
      { to: 3, message: say.voteRequest(2, 2, 1, true), after: 1 },
    ]);
  });

  it('states only a log that will be durable when it asks', () => {
    const member = startMember({ self: 2 });
    member.receive(1, say.append(1, [0, 0], [1]));

    const outcome = member.receive(1, say.campaignNow(1));

    expect(messagesOf(outcome, 'VoteRequest').map(({ after }) => after)).toEqual([2, 2]);
  });

  it('in a term that is over does not', () => {
    const member = startMember({ self: 2, log: [1], term: 3 });

    const outcome = member.receive(1, say.campaignNow(2));

    expect(sentTo(outcome, 1)).toEqual([say.heartbeatAnswer(3)]);
    expect(member.state).toMatchObject({ role: 'follower', term: 3 });
  });

  it('in a later term than its own follows into that term first', () => {
    const member = startMember({ self: 2, log: [1], term: 1 });

    const outcome = member.receive(1, say.campaignNow(4));

    expect(messagesOf(outcome, 'VoteRequest').map(({ message }) => message.term)).toEqual([5, 5]);
  });

  it('by somebody who does not lead the term does not', () => {
    const member = startMember({ self: 2, log: [1] });
    member.receive(1, say.heartbeat(1));

    const outcome = member.receive(3, say.campaignNow(1));

    expect(outcome.sent).toEqual([]);
    expect(member.state.role).toBe('follower');
  });

  it('and leads by now takes no notice', () => {
    const leader = startSettledLeader({ self: 2 });

    const outcome = leader.receive(1, say.campaignNow(1));

    expect(outcome.sent).toEqual([]);
    expect(leader.state).toMatchObject({ role: 'leader', term: 1 });
  });

  it('late, while it campaigns in the same term by itself, tries the next', () => {
    const member = startMember({ self: 2, log: [1] });
    member.timeout();

    member.receive(1, say.campaignNow(1));

    expect(member.state).toMatchObject({ role: 'candidate', term: 2 });
  });

  it('and restarts before its vote is durable has forgotten it, and disturbed nobody', () => {
    const member = startMember({ self: 2, log: [1] });
    member.receive(1, say.campaignNow(1));

    const again = member.restarted();

    expect(again.state).toMatchObject({ role: 'follower', term: 1 });
  });

  it('asks the voters of both halves', () => {
    const config = configuration([2, 4, 5], { outgoing: [1, 2, 3], learners: [6] });
    const member = startMember({ self: 2, log: [1], configs: { 1: config } });

    const outcome = member.receive(1, say.campaignNow(1));

    expect(messagesOf(outcome, 'VoteRequest').map(({ to }) => to)).toEqual([1, 3, 4, 5]);
  });
});

describe('a target in the outgoing half', () => {
  it('may be handed the leadership while it votes', () => {
    const leader = startSettledLeader({ voters: [1, 2, 3] });
    leader.reconfigure([1]);

    const outcome = leader.transfer(2);

    expect(outcome.transferring).toEqual({ type: 'Started' });
    expect(progressOf(leader, 2).match).toBe(1);
  });
});
