import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawPatience } from '../../../core/raft/turn.js';
import {
  messagesOf,
  say,
  sentTo,
  startLeader,
  startMember,
  startSettledLeader,
  type Message,
} from './support/member.js';

/** A member that campaigns: it timed out and was promised a majority. */
function startCandidate(options: Parameters<typeof startMember>[0] = {}) {
  const member = startMember(options);
  member.timeout();
  const requests = member.receive(2, say.preVoteAnswer(member.state.term + 1, true));
  return { member, requests };
}

describe('terms (Raft section 5.1)', () => {
  const ofLaterTerm: readonly (readonly [string, Message])[] = [
    ['an append', say.append(5, [0, 0], [])],
    ['a heartbeat', say.heartbeat(5)],
    ['a snapshot', say.snapshot(5, 3, 2)],
    ['a vote request', say.voteRequest(5)],
    ['a refused vote', say.voteAnswer(5, false)],
    ['a refused append', say.refused(5, 1, [0, 0])],
    ['an accepted append', say.accepted(5, 0)],
    ['a heartbeat answer', say.heartbeatAnswer(5)],
    ['a refused pre-vote', say.preVoteAnswer(5, false)],
  ];

  it.each(ofLaterTerm)('%s of a later term makes a candidate a follower in that term', (_what, message) => {
    const { member } = startCandidate();

    const { write } = member.receive(2, message);

    expect(member.state).toMatchObject({ role: 'follower', term: 5 });
    expect(write?.hardState).toMatchObject({ term: 5 });
  });

  it.each(ofLaterTerm.filter(([what]) => what !== 'a vote request'))(
    '%s of a later term makes a leader a follower in that term',
    (_what, message) => {
      const leader = startLeader();

      leader.receive(2, message);

      expect(leader.state).toMatchObject({ role: 'follower', term: 5, peers: [] });
    },
  );

  it('a later term forgets the vote of the earlier one', () => {
    const member = startMember({ term: 3, vote: 2 });

    const { write } = member.receive(3, say.heartbeat(4));

    expect(write?.hardState).toEqual({ term: 4, vote: 0 });
  });

  it('the same term keeps the vote', () => {
    const member = startMember({ term: 3, vote: 2 });

    const { write } = member.receive(3, say.heartbeat(3));

    expect(member.state.vote).toBe(2);
    expect(write).toBeUndefined();
  });

  it.each([
    ['a pre-vote request', say.preVoteRequest(2), { type: 'PreVoteAnswer', granted: false }],
    ['a vote request', say.voteRequest(2), { type: 'VoteAnswer', granted: false }],
    ['an append', say.append(2, [0, 0], [2]), { type: 'HeartbeatAnswer', round: 0 }],
    ['a heartbeat', say.heartbeat(2, 0, 9), { type: 'HeartbeatAnswer', round: 0 }],
    ['a snapshot', say.snapshot(2, 9, 2), { type: 'HeartbeatAnswer', round: 0 }],
  ])('%s of an older term changes nothing and is told of the present one', (_what, message, answer) => {
    const member = startMember({ term: 4, log: [1] });
    const before = member.state;

    const outcome = member.receive(2, message);

    expect(sentTo(outcome, 2)).toEqual([{ ...answer, term: 4 }]);
    expect(member.state).toEqual(before);
  });

  it.each([
    ['a granted vote', say.voteAnswer(1, true)],
    ['a granted pre-vote', say.preVoteAnswer(1, true)],
    ['an accepted append', say.accepted(1, 1)],
    ['a refused append', say.refused(1, 1, [0, 0])],
    ['a heartbeat answer', say.heartbeatAnswer(1, 7)],
  ])('%s of an older term means nothing', (_what, message) => {
    const { member } = startCandidate({ term: 4 });
    const before = member.state;

    const outcome = member.receive(2, message);

    expect(outcome.sent).toEqual([]);
    expect(member.state).toEqual(before);
  });

  it('a message in its own name means nothing', () => {
    const member = startMember();
    const before = member.state;

    const outcome = member.receive(1, say.heartbeat(7));

    expect(outcome.sent).toEqual([]);
    expect(member.state).toEqual(before);
  });

  it('a leader that this node has not heard of yet is followed: the log may bring the news that it is a member', () => {
    const member = startMember();

    member.receive(9, say.heartbeat(7));

    expect(member.state).toMatchObject({ role: 'follower', term: 7, leader: 9 });
  });

  it('a restarted node is a follower of the term and vote that it wrote', () => {
    const { member } = startCandidate();
    member.durable();

    const again = member.restarted();

    expect(again.state).toMatchObject({ role: 'follower', term: 1, vote: 1, leader: 0 });
  });
});

describe('elections (Raft section 5.2)', () => {
  it('a follower that hears nothing campaigns in the next term and votes for itself', () => {
    const { member, requests } = startCandidate({ term: 3, log: [1, 3] });

    expect(member.state).toMatchObject({ role: 'candidate', term: 4, vote: 1 });
    expect(requests.write?.hardState).toEqual({ term: 4, vote: 1 });
    expect(requests.sent.map(({ to, message }) => ({ to, message }))).toEqual([
      { to: 2, message: say.voteRequest(4, 2, 3) },
      { to: 3, message: say.voteRequest(4, 2, 3) },
    ]);
  });

  it('a follower that hears from its leader in time does not', () => {
    const member = startMember();
    member.receive(2, say.heartbeat(1));

    for (let i = 0; i < 10; i += 1) {
      member.pass(member.state.electionPatienceMs - 1);
      const outcome = member.tick();
      expect(outcome.sent).toEqual([]);
      member.receive(2, i % 2 === 0 ? say.heartbeat(1) : say.append(1, [0, 0], []));
    }

    expect(member.state.role).toBe('follower');
  });

  it('a majority of votes makes a candidate leader, and it says so at once', () => {
    const { member } = startCandidate();
    member.durable();

    const outcome = member.receive(2, say.voteAnswer(1, true));

    expect(member.state).toMatchObject({ role: 'leader', leader: 1, termStart: 1 });
    expect(outcome.sent.map(({ to, message: { type } }) => [to, type])).toEqual([
      [2, 'Append'],
      [3, 'Append'],
    ]);
  });

  it('a new leader opens its term with an empty entry', () => {
    const leader = startLeader({ term: 2, log: [1, 2] });

    expect(leader.state.log).toMatchObject({ lastIndex: 3, lastTerm: 3 });
    expect(leader.state.termStart).toBe(3);
  });

  it('two of four votes, its own among them, are no majority', () => {
    const { member } = startCandidate({ voters: [1, 2, 3, 4] });
    member.receive(3, say.preVoteAnswer(1, true));
    member.durable();

    member.receive(2, say.voteAnswer(1, true));
    const afterTwo = member.state.role;
    member.receive(3, say.voteAnswer(1, true));

    expect(afterTwo).toBe('candidate');
    expect(member.state.role).toBe('leader');
  });

  it('votes are counted by voter: a repeated answer counts once, and the first one stands', () => {
    const { member } = startCandidate({ voters: [1, 2, 3, 4, 5] });
    member.receive(3, say.preVoteAnswer(1, true));
    member.durable();

    member.receive(2, say.voteAnswer(1, true));
    member.receive(2, say.voteAnswer(1, true));
    member.receive(3, say.voteAnswer(1, false));
    member.receive(3, say.voteAnswer(1, true));

    expect(member.state.role).toBe('candidate');
  });

  it('refusals of a majority elect nobody', () => {
    const { member } = startCandidate();
    member.durable();

    member.receive(2, say.voteAnswer(1, false));
    member.receive(3, say.voteAnswer(1, false));

    expect(member.state.role).toBe('candidate');
  });

  it('a vote that comes after the candidacy ended elects nobody', () => {
    const { member } = startCandidate();
    member.durable();
    member.receive(3, say.heartbeat(1));

    member.receive(2, say.voteAnswer(1, true));

    expect(member.state).toMatchObject({ role: 'follower', leader: 3 });
  });

  it('a candidate that hears from a leader of its own term follows it', () => {
    const { member } = startCandidate();

    member.receive(3, say.append(1, [0, 0], [1]));

    expect(member.state).toMatchObject({ role: 'follower', leader: 3, term: 1, vote: 1 });
  });

  it('the only voter elects itself once its vote is durable', () => {
    const member = startMember({ voters: [1] });

    member.timeout();
    const before = member.state.role;
    member.durable();

    expect(before).toBe('candidate');
    expect(member.state.role).toBe('leader');
  });

  it('two leaders of one term are impossible, and stop the node', () => {
    const leader = startLeader();

    expect(() => leader.receive(2, say.heartbeat(1))).toThrow(/nodes 1 and 2 both lead term 1/);
  });

  it('a follower that hears two leaders in one term stops', () => {
    const member = startMember();
    member.receive(2, say.heartbeat(1));

    expect(() => member.receive(3, say.heartbeat(1))).toThrow(/term 1 has two leaders, 2 and 3/);
  });
});

describe('granting a vote (Raft section 5.2)', () => {
  function votes(member: ReturnType<typeof startMember>, from: number, at: number): boolean | undefined {
    const [answer] = messagesOf(member.receive(from, say.voteRequest(at)), 'VoteAnswer');
    return answer?.message.granted;
  }

  it('the first candidate of a term gets it, and no other', () => {
    const member = startMember();

    const granted = [votes(member, 2, 1), votes(member, 3, 1)];

    expect(granted).toEqual([true, false]);
    expect(member.state.vote).toBe(2);
  });

  it('the same candidate gets it again when it asks again, without another write', () => {
    const member = startMember();
    votes(member, 2, 1);

    const again = member.receive(2, say.voteRequest(1));

    expect(sentTo(again, 2)).toEqual([say.voteAnswer(1, true)]);
    expect(again.write).toBeUndefined();
  });

  it('is remembered across a restart', () => {
    const member = startMember();
    votes(member, 2, 1);
    member.durable();

    const again = member.restarted();

    expect(votes(again, 3, 1)).toBe(false);
    expect(votes(again, 2, 1)).toBe(true);
  });

  it('a candidate does not vote for another in its own term', () => {
    const { member } = startCandidate();

    expect(votes(member, 2, 1)).toBe(false);
  });

  it('a node that has just voted waits before it campaigns itself', () => {
    const member = startMember();
    member.pass(member.state.electionPatienceMs - 1);

    votes(member, 2, 1);
    member.pass(1);
    const outcome = member.tick();

    expect(outcome.sent).toEqual([]);
    expect(member.state.role).toBe('follower');
  });

  it('a node that knows the leader of the term votes for nobody in it', () => {
    const member = startMember();
    member.receive(2, say.heartbeat(1));
    member.pass(5000);

    expect(votes(member, 3, 1)).toBe(false);
  });
});

describe('split votes and election timeouts (Raft section 5.2)', () => {
  it('a timeout lies between the option and twice the option, and depends on chance', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer(), (electionTimeoutMs, chance) => {
        const patience = drawPatience(electionTimeoutMs, chance);

        expect(patience >= electionTimeoutMs && patience < 2 * electionTimeoutMs).toBe(true);
      }),
    );
    expect(
      new Set(Array.from({ length: 200 }, (_, chance) => drawPatience(1000, chance))).size,
    ).toBeGreaterThan(150);
  });

  it('a candidate that wins nothing tries again in a further term after a fresh timeout', () => {
    const { member } = startCandidate();
    member.durable();
    member.receive(2, say.voteAnswer(1, false));

    member.timeout();
    member.receive(2, say.preVoteAnswer(2, true));

    expect(member.state).toMatchObject({ role: 'candidate', term: 2, vote: 1, votes: [] });
  });

  it('the timeout of a candidate begins when it campaigns, not when it asked whether it should', () => {
    const member = startMember();
    member.timeout();
    member.pass(900);

    member.receive(2, say.preVoteAnswer(1, true));

    expect(member.state.role).toBe('candidate');
    expect(member.state.electionDeadline).toBeGreaterThanOrEqual(member.now + 1000);
  });

  it('every attempt draws its own timeout, and two nodes draw differently from the same chance', () => {
    const [one, two] = [1, 2].map((self) => {
      const member = startMember({ self });
      return Array.from({ length: 8 }, () => {
        member.timeout();
        return member.state.electionPatienceMs;
      });
    });

    expect(new Set(one).size).toBeGreaterThan(5);
    expect(one).not.toEqual(two);
  });
});

describe('only an up-to-date candidate is elected (Raft section 5.4.1)', () => {
  const log = [1, 1, 3];

  it.each([
    ['equal to ours', 3, 3, true],
    ['longer in the same term', 4, 3, true],
    ['shorter in the same term', 2, 3, false],
    ['shorter in a later term', 1, 4, true],
    ['longer in an earlier term', 9, 2, false],
    ['empty', 0, 0, false],
  ])('a candidate whose log is %s', (_what, lastIndex, lastTerm, granted) => {
    const voter = startMember({ term: 4, log });
    const asked = startMember({ term: 4, log });
    voter.pass(1000);
    asked.pass(1000);

    const vote = voter.receive(2, say.voteRequest(5, lastIndex, lastTerm));
    const preVote = asked.receive(2, say.preVoteRequest(5, lastIndex, lastTerm));

    expect(sentTo(vote, 2)).toEqual([say.voteAnswer(5, granted)]);
    expect(sentTo(preVote, 2)).toEqual([say.preVoteAnswer(granted ? 5 : 4, granted)]);
    expect(voter.state.vote).toBe(granted ? 2 : 0);
  });

  it('a vote refused for the log does not put off an election of its own', () => {
    const voter = startMember({ term: 4, log });
    const { electionDeadline } = voter.state;
    voter.pass(1000);

    voter.receive(2, say.voteRequest(5));

    expect(voter.state.electionDeadline).toBe(electionDeadline);
  });

  it('a log that was compacted away is compared by its snapshot', () => {
    const voter = startMember({ term: 4, snapshot: { index: 7, term: 3 } });
    voter.pass(1000);

    const shorter = voter.receive(2, say.voteRequest(5, 6, 3));
    const level = voter.receive(3, say.voteRequest(6, 7, 3));

    expect(sentTo(shorter, 2)).toEqual([say.voteAnswer(5, false)]);
    expect(sentTo(level, 3)).toEqual([say.voteAnswer(6, true)]);
  });
});

describe('PreVote (thesis, section 9.6)', () => {
  it('asks in the next term without entering it, and writes nothing', () => {
    const member = startMember({ term: 3, log: [1, 3], vote: 2 });

    const outcome = member.timeout();

    expect(member.state).toMatchObject({ role: 'precandidate', term: 3, vote: 2 });
    expect(outcome.write).toBeUndefined();
    expect(outcome.sent).toEqual([
      { to: 2, message: say.preVoteRequest(4, 2, 3), after: 0 },
      { to: 3, message: say.preVoteRequest(4, 2, 3), after: 0 },
    ]);
  });

  it.each([
    ['granted', say.preVoteRequest(9, 5, 5)],
    ['refused for the log', say.preVoteRequest(9, 0, 0)],
    ['refused for the term', say.preVoteRequest(3, 5, 5)],
  ])('a request that is %s changes nothing at the one who is asked', (_what, request) => {
    const member = startMember({ term: 3, log: [1, 3] });
    const before = member.state;

    const outcome = member.receive(2, request);

    expect(member.state).toEqual(before);
    expect(outcome.write).toBeUndefined();
    expect(outcome.sent).toHaveLength(1);
  });

  it('many may be granted in one term, for they promise nothing', () => {
    const member = startMember();

    const answers = [2, 3, 2].map((from) => sentTo(member.receive(from, say.preVoteRequest(1)), from));

    expect(answers.flat()).toEqual([1, 2, 3].map(() => say.preVoteAnswer(1, true)));
  });

  it('is refused by a follower that hears its leader, and by the leader', () => {
    const follower = startMember();
    follower.receive(2, say.heartbeat(1));
    follower.pass(999);
    const leader = startLeader();

    const outcomes = [follower, leader].map((member) => member.receive(3, say.preVoteRequest(2, 9, 9)));

    expect(outcomes.map((outcome) => sentTo(outcome, 3))).toEqual([
      [say.preVoteAnswer(1, false)],
      [say.preVoteAnswer(1, false)],
    ]);
  });

  it('is granted once the leader was silent for the minimum election timeout', () => {
    const follower = startMember();
    follower.receive(2, say.heartbeat(1));
    follower.pass(1000);

    const outcome = follower.receive(3, say.preVoteRequest(2));

    expect(sentTo(outcome, 3)).toEqual([say.preVoteAnswer(2, true)]);
  });

  it('needs a majority before the term is raised', () => {
    const member = startMember({ voters: [1, 2, 3, 4, 5] });
    member.timeout();

    member.receive(2, say.preVoteAnswer(1, true));
    member.receive(2, say.preVoteAnswer(1, true));
    const afterTwo = [member.state.role, member.state.term];
    member.receive(3, say.preVoteAnswer(1, true));

    expect(afterTwo).toEqual(['precandidate', 0]);
    expect([member.state.role, member.state.term]).toEqual(['candidate', 1]);
  });

  it('a grant for another term counts for nothing', () => {
    const member = startMember({ term: 3 });
    member.timeout();

    member.receive(2, say.preVoteAnswer(3, true));
    member.receive(2, say.preVoteAnswer(5, true));

    expect(member.state).toMatchObject({ role: 'precandidate', term: 3, votes: [] });
  });

  it('a node that asks in vain keeps its term however often it asks', () => {
    const member = startMember({ term: 3 });

    for (let i = 0; i < 20; i += 1) {
      member.timeout();
      member.receive(2, say.preVoteAnswer(3, false));
      member.receive(3, say.preVoteAnswer(3, false));
    }

    expect(member.state).toMatchObject({ role: 'precandidate', term: 3 });
    expect(member.issued).toBe(0);
  });

  it('a precandidate that hears from its leader follows it again', () => {
    const member = startMember({ term: 3 });
    member.timeout();

    member.receive(2, say.heartbeat(3));
    member.receive(3, say.preVoteAnswer(4, true));

    expect(member.state).toMatchObject({ role: 'follower', leader: 2, term: 3 });
  });

  it('a node with a higher term finds its way in: its answers make the leader step down', () => {
    const leader = startLeader();
    const returning = startMember({ self: 3, term: 7 });

    const [answer] = sentTo(returning.receive(1, say.heartbeat(1)), 1) as [Message];
    leader.receive(3, answer);

    expect(leader.state).toMatchObject({ role: 'follower', term: 7 });
  });

  it('a precandidate that is behind in terms adopts the term of the one who refuses it', () => {
    const member = startMember({ term: 3 });
    member.timeout();

    member.receive(2, say.preVoteAnswer(6, false));

    expect(member.state).toMatchObject({ role: 'follower', term: 6 });
  });
});

describe('a healthy leader is not disturbed (thesis, section 4.2.3)', () => {
  it('a vote request of a later term is not heard by a follower that hears its leader', () => {
    const follower = startMember();
    follower.receive(2, say.heartbeat(1));
    follower.pass(999);

    const outcome = follower.receive(3, say.voteRequest(8, 9, 9));

    expect(outcome.sent).toEqual([]);
    expect(follower.state).toMatchObject({ term: 1, leader: 2 });
  });

  it('nor by the leader', () => {
    const leader = startLeader();

    const outcome = leader.receive(3, say.voteRequest(8, 9, 9));

    expect(outcome.sent).toEqual([]);
    expect(leader.state).toMatchObject({ term: 1, role: 'leader' });
  });

  it('it is heard once the leader was silent for the minimum election timeout', () => {
    const follower = startMember();
    follower.receive(2, say.heartbeat(1));
    follower.pass(1000);

    const outcome = follower.receive(3, say.voteRequest(8, 9, 9));

    expect(sentTo(outcome, 3)).toEqual([say.voteAnswer(8, true)]);
  });
});

describe('CheckQuorum (thesis, section 6.2)', () => {
  it('a leader that hears from nobody for an election timeout steps down, in its term', () => {
    const leader = startSettledLeader();

    for (let i = 0; i < 11; i += 1) {
      leader.pass(100);
      leader.tick();
    }

    expect(leader.state).toMatchObject({ role: 'follower', term: 1, leader: 0, peers: [], vote: 1 });
  });

  it('a leader that hears from a majority stays', () => {
    const leader = startSettledLeader();

    for (let i = 0; i < 50; i += 1) {
      leader.pass(100);
      leader.tick();
      leader.receive(2, say.heartbeatAnswer(1));
    }

    expect(leader.state.role).toBe('leader');
  });

  it('a minority, however lively, does not keep a leader', () => {
    const leader = startSettledLeader({ voters: [1, 2, 3, 4, 5] });

    for (let i = 0; i < 21; i += 1) {
      leader.pass(100);
      leader.tick();
      if (leader.state.role === 'leader') leader.receive(2, say.heartbeatAnswer(1));
    }

    expect(leader.state.role).toBe('follower');
  });

  it.each([
    ['an accepted append', say.accepted(1, 1)],
    ['a refused append', say.refused(1, 1, [0, 0])],
    ['a heartbeat answer', say.heartbeatAnswer(1)],
  ])('%s is a sign of life', (_what, answer) => {
    const leader = startSettledLeader();

    for (let i = 0; i < 30; i += 1) {
      leader.pass(100);
      leader.tick();
      leader.receive(3, answer);
    }

    expect(leader.state.role).toBe('leader');
  });

  it('a single voter never loses touch with itself', () => {
    const leader = startSettledLeader({ voters: [1] });

    for (let i = 0; i < 30; i += 1) {
      leader.pass(100);
      leader.tick();
    }

    expect(leader.state.role).toBe('leader');
  });
});
