import { describe, expect, it } from 'vitest';
import {
  logTerms,
  messagesOf,
  payload,
  progressOf,
  say,
  sentTo,
  startLeader,
  startMember,
  startSettledLeader,
  type Message,
} from './support/member.js';

describe("the follower's consistency check (Raft section 5.3)", () => {
  it('takes entries that follow what it has, and accepts them', () => {
    const follower = startMember({ log: [1, 1] });

    const outcome = follower.receive(2, say.append(1, [2, 1], [1, 1]));

    expect(logTerms(follower)).toEqual([1, 1, 1, 1]);
    expect(outcome.write?.append).toMatchObject({ firstIndex: 3 });
    expect(sentTo(outcome, 2)).toEqual([say.accepted(1, 4)]);
  });

  it.each([
    ['its log is too short', [1, 1], [4, 1], [2, 1]],
    ['the entry before is of a later term', [1, 1, 4, 4], [4, 2], [2, 1]],
    ['the entry before is of an earlier term', [1, 1, 2, 2], [4, 3], [4, 2]],
    ['all its entries are of later terms', [5, 5, 5], [3, 2], [0, 0]],
  ] as const)('refuses when %s, and says where they may agree', (_what, log, previous, hint) => {
    const follower = startMember({ term: 6, log });

    const outcome = follower.receive(2, say.append(6, previous, [6]));

    expect(sentTo(outcome, 2)).toEqual([say.refused(6, previous[0], hint)]);
    expect(outcome.write).toBeUndefined();
    expect(logTerms(follower)).toEqual(log);
  });

  it('cuts off what conflicts, and what follows it, and no more', () => {
    const follower = startMember({ log: [1, 1, 2, 2, 2] });

    const outcome = follower.receive(2, say.append(4, [2, 1], [3, 4]));

    expect(logTerms(follower)).toEqual([1, 1, 3, 4]);
    expect(outcome.write?.append).toMatchObject({ firstIndex: 3, entries: [{ term: 3 }, { term: 4 }] });
    expect(sentTo(outcome, 2)).toEqual([say.accepted(4, 4)]);
  });

  it('keeps entries that agree and cuts only from the first that does not', () => {
    const follower = startMember({ log: [1, 1, 2, 2] });

    const outcome = follower.receive(2, say.append(3, [1, 1], [1, 2, 3]));

    expect(logTerms(follower)).toEqual([1, 1, 2, 3]);
    expect(outcome.write?.append).toMatchObject({ firstIndex: 4 });
  });

  it('an old or repeated append never shortens the log', () => {
    const follower = startMember({ log: [1, 1, 1, 1] });

    const outcomes = [
      follower.receive(2, say.append(1, [1, 1], [1])),
      follower.receive(2, say.append(1, [0, 0], [1, 1])),
      follower.receive(2, say.append(1, [2, 1], [])),
    ];

    expect(logTerms(follower)).toEqual([1, 1, 1, 1]);
    expect(outcomes.map((outcome) => sentTo(outcome, 2))).toEqual([
      [say.accepted(1, 2)],
      [say.accepted(1, 2)],
      [say.accepted(1, 2)],
    ]);
    expect(outcomes.every(({ write }) => write === undefined)).toBe(true);
  });

  it('an append from before the commit index is answered with the commit index', () => {
    const follower = startMember({ log: [1, 1, 1, 1] });
    follower.receive(2, say.append(1, [4, 1], [], 4));

    const outcome = follower.receive(2, say.append(1, [1, 1], [1, 1, 1, 1]));

    expect(sentTo(outcome, 2)).toEqual([say.accepted(1, 4)]);
    expect(logTerms(follower)).toEqual([1, 1, 1, 1]);
  });

  it('entries whose terms fall along the log are impossible, and stop the node', () => {
    const follower = startMember({ term: 2, log: [1, 2] });

    expect(() => follower.receive(2, say.append(2, [2, 2], [1]))).toThrow(
      /term 1 cannot follow term 2 at index 2/,
    );
  });

  it('whatever an append says, nothing up to the commit index is removed', () => {
    const follower = startMember({ log: [1, 1, 1] });
    follower.receive(2, say.append(1, [2, 1], [], 2));

    follower.receive(2, say.append(3, [0, 0], [3, 3, 3]));
    follower.receive(2, say.append(3, [2, 1], [3]));

    expect(logTerms(follower)).toEqual([1, 1, 3]);
  });
});

describe("the follower's commit index (Raft section 5.3)", () => {
  it('is at most the last entry that this very append proved to match', () => {
    const follower = startMember({ log: [1, 1, 1, 1, 1] });

    follower.receive(2, say.append(2, [2, 1], [], 5));
    const afterProbe = follower.state.commit;
    follower.receive(2, say.append(2, [2, 1], [1], 5));

    expect(afterProbe).toBe(2);
    expect(follower.state.commit).toBe(3);
  });

  it('is not moved by an append that is refused', () => {
    const follower = startMember({ log: [1, 1, 2] });

    follower.receive(2, say.append(4, [3, 3], [4], 3));

    expect(follower.state.commit).toBe(0);
  });

  it('never falls', () => {
    const follower = startMember({ log: [1, 1, 1] });
    follower.receive(2, say.append(1, [3, 1], [], 3));

    follower.receive(2, say.append(1, [3, 1], [], 1));
    follower.receive(2, say.heartbeat(1, 2));

    expect(follower.state.commit).toBe(3);
  });

  it('follows a heartbeat, whose commit the leader clamped to what is known to match', () => {
    const follower = startMember({ log: [1, 1, 1] });

    follower.receive(2, say.heartbeat(1, 2));

    expect(follower.state.commit).toBe(2);
  });

  it('beyond the log it was said to match stops the node: its disk lost what it had acknowledged', () => {
    const follower = startMember({ log: [1] });

    expect(() => follower.receive(2, say.heartbeat(1, 2))).toThrow(/the disk lost entries/);
  });
});

describe('the leader brings a follower level (Raft section 5.3)', () => {
  it('begins by asking about the end of its own log', () => {
    const leader = startMember({ term: 2, log: [1, 1, 2] });
    leader.timeout();
    leader.receive(2, say.preVoteAnswer(3, true));
    leader.durable();

    const outcome = leader.receive(2, say.voteAnswer(3, true));

    const appends = messagesOf(outcome, 'Append').map(({ message }) => message);
    expect(appends).toHaveLength(2);
    for (const append of appends) {
      expect(append).toMatchObject({ previousIndex: 3, previousTerm: 2, entries: [{ term: 3 }] });
    }
  });

  it('sends from where the follower says that it may agree', () => {
    const leader = startLeader({ term: 1, log: [1, 1, 1] });

    const outcome = leader.receive(2, say.refused(2, 3, [1, 1]));

    expect(sentTo(outcome, 2)).toMatchObject([{ type: 'Append', previousIndex: 1 }]);
  });

  it('skips a whole term of its own for each refusal', () => {
    // The follower's entries at 4 to 9 are of term 2; of the leader's, only the first three can be there too.
    const leader = startLeader({ term: 6, log: [1, 1, 1, 4, 4, 5, 5, 6, 6] });

    const outcome = leader.receive(2, say.refused(7, 9, [9, 2]));

    expect(sentTo(outcome, 2)).toMatchObject([{ type: 'Append', previousIndex: 3, previousTerm: 1 }]);
  });

  it('sends everything after the place once the follower accepts', () => {
    const leader = startLeader({ term: 1, log: [1, 1, 1] });
    leader.receive(2, say.refused(2, 3, [0, 0]));

    const outcome = leader.receive(2, say.accepted(2, 0));

    expect(progressOf(leader, 2)).toMatchObject({ mode: 'replicate', match: 0 });
    expect(messagesOf(outcome, 'Append').map(({ message }) => message.entries.length)).toEqual([4]);
  });

  it('ignores a refusal of anything but the append that is out', () => {
    const leader = startLeader({ term: 1, log: [1, 1, 1] });
    const before = progressOf(leader, 2);

    const outcome = leader.receive(2, say.refused(2, 2, [0, 0]));

    expect(outcome.sent).toEqual([]);
    expect(progressOf(leader, 2)).toEqual({ ...before, heardAt: leader.now });
  });

  it('ignores a refusal below what is known to match: it is old', () => {
    const leader = startSettledLeader({ term: 1, log: [1, 1, 1] });

    const outcome = leader.receive(2, say.refused(2, 3, [1, 1]));

    expect(outcome.sent).toEqual([]);
    expect(progressOf(leader, 2)).toMatchObject({ mode: 'replicate', match: 4, next: 5 });
  });

  it('never lets match fall or next reach it, in whatever order answers come', () => {
    const leader = startSettledLeader({ term: 1, log: [1, 1, 1] });
    leader.propose('x');

    for (const index of [3, 5, 1, 4, 0]) leader.receive(2, say.accepted(2, index));

    expect(progressOf(leader, 2)).toMatchObject({ match: 5, next: 6 });
  });

  it('a follower that accepts more than was ever written stops the node', () => {
    const leader = startLeader();

    expect(() => leader.receive(2, say.accepted(1, 9))).toThrow(/accepted index 9/);
  });

  it('goes back to what matched when an append in flight turns out to be lost', () => {
    const leader = startSettledLeader();
    leader.propose('a');
    leader.propose('b');

    const outcome = leader.receive(2, say.refused(1, 2, [1, 1]));

    expect(progressOf(leader, 2)).toMatchObject({ mode: 'probe', match: 1, next: 2, probing: true });
    expect(messagesOf(outcome, 'Append').map(({ message }) => message)).toMatchObject([{ previousIndex: 1 }]);
  });
});

describe('proposals (Raft section 5.3)', () => {
  it('are appended, written and sent in the same turn', () => {
    const leader = startSettledLeader();

    const outcome = leader.propose('x');

    expect(outcome.proposal).toEqual({ type: 'Accepted', index: 2, term: 1 });
    expect(outcome.write?.append).toEqual({ firstIndex: 2, entries: [{ term: 1, payload: payload('x') }] });
    expect(outcome.sent.map(({ to, after }) => ({ to, after }))).toEqual([
      { to: 2, after: 0 },
      { to: 3, after: 0 },
    ]);
  });

  it.each([
    ['a follower that knows the leader', () => follower(), 2],
    ['a node that knows no leader', () => startMember(), 0],
  ])('are refused by %s, with its name', (_what, start, leader) => {
    const member = start();

    const { proposal, write } = member.propose('x');

    expect(proposal).toEqual({ type: 'Refused', why: 'not the leader', leader });
    expect(write).toBeUndefined();
  });

  function follower() {
    const member = startMember();
    member.receive(2, say.heartbeat(1));
    return member;
  }
});

describe('commitment by counting (Raft sections 5.3 and 5.4)', () => {
  it('an entry on a majority is committed, and followers hear of it with the next message', () => {
    const leader = startSettledLeader();
    leader.propose('x');
    leader.durable();

    leader.receive(2, say.accepted(1, 2));
    const committed = leader.state.commit;
    const outcome = leader.propose('y');

    expect(committed).toBe(2);
    expect(messagesOf(outcome, 'Append').every(({ message }) => message.commit === 2)).toBe(true);
  });

  it('a minority commits nothing', () => {
    const leader = startSettledLeader({ voters: [1, 2, 3, 4, 5] });
    leader.propose('x');
    leader.durable();

    leader.receive(2, say.accepted(1, 2));

    expect(leader.state.commit).toBe(1);
  });

  it('the same follower twice is still one', () => {
    const leader = startSettledLeader({ voters: [1, 2, 3, 4, 5] });
    leader.propose('x');
    leader.durable();

    leader.receive(2, say.accepted(1, 2));
    leader.receive(2, say.accepted(1, 2));

    expect(leader.state.commit).toBe(1);
  });

  it('is the highest index that a majority holds', () => {
    const leader = startSettledLeader({ voters: [1, 2, 3, 4, 5] });
    for (const text of ['a', 'b', 'c', 'd']) leader.propose(text);
    leader.durable();

    leader.receive(2, say.accepted(1, 4));
    leader.receive(3, say.accepted(1, 3));

    expect(leader.state.commit).toBe(3);
  });
});

describe('an entry of an earlier term is not committed by counting (Raft section 5.4.2, figure 8)', () => {
  function leaderWithOldEntry() {
    // (c) of figure 8: S1 leads term 4; the entry of term 2 at index 2 is its own from long ago.
    const leader = startLeader({ term: 3, log: [1, 2], voters: [1, 2, 3, 4, 5] });
    leader.durable();
    return leader;
  }

  it('even when it is on every node', () => {
    const leader = leaderWithOldEntry();

    for (const peer of [2, 3, 4, 5]) leader.receive(peer, say.accepted(4, 2));

    expect(leader.state.commit).toBe(0);
  });

  it('and is committed with the first entry of the new term', () => {
    const leader = leaderWithOldEntry();
    for (const peer of [2, 3, 4, 5]) leader.receive(peer, say.accepted(4, 2));

    leader.receive(2, say.accepted(4, 3));
    const withTwo = leader.state.commit;
    leader.receive(3, say.accepted(4, 3));

    expect(withTwo).toBe(0);
    expect(leader.state.commit).toBe(3);
  });
});

describe('figure 7: a leader repairs each of its followers (Raft section 5.3)', () => {
  const leaderLog = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];

  it.each([
    ['a', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ['b', [1, 1, 1, 4]],
    ['c', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ['d', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ['e', [1, 1, 1, 4, 4, 4, 4]],
    ['f', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])('follower (%s)', (_name, followerLog) => {
    const leader = startLeader({ term: 7, log: leaderLog });
    const follower = startMember({ self: 2, term: 7, log: followerLog });
    leader.durable();

    let toFollower: readonly Message[] = [say.append(8, [10, 6], [8])];
    let rounds = 0;
    while (toFollower.length > 0) {
      rounds += 1;
      const answers = toFollower.flatMap((message) => sentTo(follower.receive(1, message), 1));
      follower.durable();
      toFollower = answers.flatMap((answer) => sentTo(leader.receive(2, answer), 2));
    }

    expect(logTerms(follower)).toEqual([...leaderLog, 8]);
    expect(progressOf(leader, 2)).toMatchObject({ mode: 'replicate', match: 11 });
    expect(rounds).toBeLessThanOrEqual(5);
  });
});

describe('followers that answer nothing', () => {
  it('stop neither the others nor the commit', () => {
    const leader = startSettledLeader();

    for (let i = 0; i < 50; i += 1) {
      leader.propose('x');
      leader.durable();
      leader.receive(2, say.accepted(1, leader.state.log.lastIndex));
    }

    expect(leader.state.commit).toBe(51);
  });
});
