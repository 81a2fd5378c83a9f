import { describe, expect, it } from 'vitest';
import { messagesOf, say, startLeader, startMember, startSettledLeader } from './support/member.js';

describe('ReadIndex (thesis, section 6.4)', () => {
  it('a read is answered when a majority confirmed that this node still leads', () => {
    const leader = startSettledLeader();

    const asked = leader.read(7);
    const confirmed = leader.receive(2, say.heartbeatAnswer(1, 1));

    expect(asked.reads).toEqual([]);
    expect(messagesOf(asked, 'Heartbeat').map(({ to, message }) => [to, message.round])).toEqual([
      [2, 1],
      [3, 1],
    ]);
    expect(confirmed.reads).toEqual([{ tokens: [7], index: 1 }]);
  });

  it('needs a majority', () => {
    const leader = startSettledLeader({ voters: [1, 2, 3, 4, 5] });
    leader.read(7);

    const one = leader.receive(2, say.heartbeatAnswer(1, 1));
    const sameAgain = leader.receive(2, say.heartbeatAnswer(1, 1));
    const two = leader.receive(3, say.heartbeatAnswer(1, 1));

    expect([one, sameAgain, two].map(({ reads }) => reads.length)).toEqual([0, 0, 1]);
  });

  it('sees the commit index as it was when the read came, or later', () => {
    const leader = startSettledLeader();
    leader.propose('x');
    leader.read(7);
    leader.durable();
    leader.receive(2, say.accepted(1, 2));

    const { reads } = leader.receive(2, say.heartbeatAnswer(1, 1));

    expect(reads).toEqual([{ tokens: [7], index: 1 }]);
    expect(leader.state.commit).toBe(2);
  });

  it('is not confirmed by answers without a round, or of an earlier one', () => {
    const leader = startSettledLeader();
    leader.read(7);
    leader.receive(2, say.heartbeatAnswer(1, 1));

    leader.read(8);
    const outcomes = [
      leader.receive(2, say.heartbeatAnswer(1, 1)),
      leader.receive(3, say.heartbeatAnswer(1, 1)),
      leader.receive(3, say.heartbeatAnswer(1, 0)),
      leader.receive(3, say.accepted(1, 1)),
    ];
    const confirmed = leader.receive(3, say.heartbeatAnswer(1, 2));

    expect(outcomes.flatMap(({ reads }) => reads)).toEqual([]);
    expect(confirmed.reads).toEqual([{ tokens: [8], index: 1 }]);
  });

  it('is not confirmed by answers of an earlier term', () => {
    const leader = startSettledLeader({ term: 4 });
    leader.read(7);

    const outcomes = [
      leader.receive(2, say.heartbeatAnswer(4, 1)),
      leader.receive(3, say.heartbeatAnswer(1, 9)),
    ];

    expect(outcomes.flatMap(({ reads }) => reads)).toEqual([]);
  });

  it('of a later round confirms every earlier one too, in order', () => {
    const leader = startSettledLeader();
    leader.read(7);
    leader.propose('x');
    leader.durable();
    leader.receive(2, say.accepted(1, 2));
    leader.read(8);

    const { reads } = leader.receive(3, say.heartbeatAnswer(1, 2));

    expect(reads).toEqual([
      { tokens: [7], index: 1 },
      { tokens: [8], index: 2 },
    ]);
  });

  it('whose heartbeats were lost is confirmed by the next regular one', () => {
    const leader = startSettledLeader();
    leader.read(7);

    const beat = leader.timeout();
    const { reads } = leader.receive(2, say.heartbeatAnswer(1, 1));

    expect(messagesOf(beat, 'Heartbeat').every(({ message }) => message.round === 1)).toBe(true);
    expect(reads).toEqual([{ tokens: [7], index: 1 }]);
  });

  it('an acknowledged read is answered once', () => {
    const leader = startSettledLeader();
    leader.read(7);
    leader.receive(2, say.heartbeatAnswer(1, 1));

    const again = leader.receive(3, say.heartbeatAnswer(1, 1));

    expect(again.reads).toEqual([]);
  });

  it('a single voter answers at once', () => {
    const leader = startSettledLeader({ voters: [1] });

    const { reads } = leader.read(7);

    expect(reads).toEqual([{ tokens: [7], index: 1 }]);
  });
});

describe('reads at a new leader (thesis, section 6.4, step 1)', () => {
  it('are held until an entry of its own term is committed', () => {
    const leader = startLeader({ term: 1, log: [1, 1] });

    const asked = leader.read(7);
    const answered = leader.receive(2, say.heartbeatAnswer(2, 0));
    leader.durable();
    const committed = leader.receive(2, say.accepted(2, 3));
    const confirmed = leader.receive(2, say.heartbeatAnswer(2, 1));

    expect([asked, answered, committed].flatMap(({ reads }) => reads)).toEqual([]);
    expect(messagesOf(asked, 'Heartbeat')).toEqual([]);
    expect(messagesOf(committed, 'Heartbeat').map(({ message }) => message.round)).toEqual([1, 1]);
    expect(confirmed.reads).toEqual([{ tokens: [7], index: 3 }]);
  });

  it('share one round when they are let go', () => {
    const leader = startLeader();
    leader.read(7);
    leader.read(8);
    leader.durable();
    leader.receive(2, say.accepted(1, 1));

    const { reads } = leader.receive(3, say.heartbeatAnswer(1, 1));

    expect(reads).toEqual([{ tokens: [7, 8], index: 1 }]);
  });
});

describe('reads where leadership is not or no longer', () => {
  it('a node that does not lead refuses at once', () => {
    const follower = startMember();
    follower.receive(2, say.heartbeat(1));

    const { refusedReads, sent } = follower.read(7);

    expect(refusedReads).toEqual([7]);
    expect(sent).toEqual([]);
  });

  it('open and early reads are refused when a later term is heard of', () => {
    const early = startLeader();
    early.read(1);
    const open = startSettledLeader();
    open.read(2);
    open.read(3);

    const outcomes = [early, open].map((leader) => leader.receive(2, say.heartbeat(9)));

    expect(outcomes.map(({ refusedReads }) => refusedReads)).toEqual([[1], [2, 3]]);
  });

  it('open reads are refused when the leader steps down for want of a quorum', () => {
    const leader = startSettledLeader();
    leader.read(7);
    leader.pass(1000);

    const { refusedReads } = leader.tick();

    expect(leader.state.role).toBe('follower');
    expect(refusedReads).toEqual([7]);
  });

  it('a read that was dropped is not answered after a re-election', () => {
    const leader = startSettledLeader();
    leader.read(7);
    leader.receive(2, say.voteAnswer(2, false));
    leader.timeout();
    leader.receive(2, say.preVoteAnswer(3, true));
    leader.receive(2, say.voteAnswer(3, true));
    leader.durable();
    leader.durable();
    leader.receive(2, say.accepted(3, 2));

    const outcomes = [
      leader.receive(2, say.heartbeatAnswer(3, 1)),
      leader.receive(3, say.heartbeatAnswer(3, 1)),
    ];

    expect(leader.state).toMatchObject({ role: 'leader', term: 3, commit: 2 });
    expect(outcomes.flatMap(({ reads }) => reads)).toEqual([]);
  });
});
