import { describe, expect, it } from 'vitest';
import { logIndex, monotonicMs, nodeId, writeNumber } from '../../../core/machine/units.js';
import { writesCompleted } from '../../../core/raft/durability.js';
import { compact } from '../../../core/raft/snapshot.js';
import { closeTurn, receive } from '../../../core/raft/step.js';
import { openTurn } from '../../../core/raft/turn.js';
import {
  logTerms,
  messagesOf,
  OPTIONS,
  say,
  startLeader,
  startMember,
  startSettledLeader,
  type Member,
  type Message,
  type Outcome,
} from './support/member.js';

/** Messages that wait for nothing have 0. */
function afterOf(outcome: Outcome): readonly number[] {
  return outcome.sent.map(({ after }) => after);
}

/** A follower with a write under way, of the kind that is asked for. */
function withTermUnderWay(): Member {
  const member = startMember({ log: [1, 1] });
  member.receive(2, say.heartbeat(2));
  return member;
}

function withEntryUnderWay(): Member {
  const member = startMember({ log: [1, 1] });
  member.receive(2, say.append(1, [2, 1], [1]));
  return member;
}

describe('what must be durable before a message may leave', () => {
  it('a granted vote: term and vote', () => {
    const member = startMember();

    const first = member.receive(2, say.voteRequest(1));
    const repeated = member.receive(2, say.voteRequest(1));
    member.durable();
    const later = member.receive(2, say.voteRequest(1));

    expect([first, repeated, later].map(afterOf)).toEqual([[1], [1], [0]]);
  });

  it('a vote refused because it was given to another: that vote', () => {
    const member = startMember();
    member.receive(2, say.voteRequest(1));

    const refused = member.receive(3, say.voteRequest(1));

    expect(messagesOf(refused, 'VoteAnswer')).toMatchObject([{ message: { granted: false }, after: 1 }]);
  });

  it('a vote refused for an older term: the term that it tells', () => {
    const member = withTermUnderWay();

    const refused = member.receive(3, say.voteRequest(1));

    expect(messagesOf(refused, 'VoteAnswer')).toMatchObject([{ message: { term: 2 }, after: 1 }]);
  });

  it('a granted pre-vote: nothing, for it promises nothing', () => {
    const member = withTermUnderWay();
    member.pass(5000);

    const answer = member.receive(3, say.preVoteRequest(3, 9, 9));

    expect(messagesOf(answer, 'PreVoteAnswer')).toMatchObject([{ message: { granted: true }, after: 0 }]);
  });

  it('a refused pre-vote: the term that it tells, which another may adopt', () => {
    const member = withTermUnderWay();

    const answer = member.receive(3, say.preVoteRequest(3));

    expect(messagesOf(answer, 'PreVoteAnswer')).toMatchObject([{ message: { granted: false }, after: 1 }]);
  });

  it('a pre-vote request: nothing', () => {
    const member = withEntryUnderWay();

    expect(afterOf(member.timeout())).toEqual([0, 0]);
  });

  it('a vote request: the own vote, the term, and the log that it states', () => {
    const member = withEntryUnderWay();
    member.timeout();

    const campaign = member.receive(3, say.preVoteAnswer(2, true));

    expect(messagesOf(campaign, 'VoteRequest').map(({ message, after }) => [message.term, after])).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(campaign.write).toMatchObject({ number: 2, hardState: { term: 2, vote: 1 } });
  });

  it('appends and heartbeats of the leader: nothing, its entries may still be on their way to its own disk', () => {
    const leader = startLeader();

    const outcomes = [leader.propose('x'), leader.timeout(), leader.receive(2, say.accepted(1, 0))];

    expect(outcomes.flatMap(afterOf).every((after) => after === 0)).toBe(true);
    expect(outcomes.flatMap(({ sent }) => sent).length).toBeGreaterThan(2);
    expect(leader.state.durable.lastIndex).toBe(0);
  });

  it('an accepted append: the term and every entry up to the index that it names', () => {
    const member = startMember({ log: [1, 1] });

    const taken = member.receive(2, say.append(2, [2, 1], [2]));
    const repeated = member.receive(2, say.append(2, [2, 1], [2]));
    member.durable();
    const known = member.receive(2, say.append(2, [2, 1], [2]));

    expect([taken, repeated, known].map(afterOf)).toEqual([[1], [1], [0]]);
  });

  it('an append that finds everything there, of a new term: the term', () => {
    const member = startMember({ log: [1, 1] });

    const outcome = member.receive(2, say.append(2, [1, 1], [1]));

    expect(afterOf(outcome)).toEqual([1]);
  });

  it('an answer with the commit index: the entries up to there', () => {
    const member = startMember({ log: [1, 1] });
    member.receive(2, say.append(1, [2, 1], [1, 1], 4));

    const outcome = member.receive(2, say.append(1, [2, 1], [1, 1], 4));

    expect(messagesOf(outcome, 'AppendAccepted')).toMatchObject([{ message: { index: 4 }, after: 1 }]);
  });

  it('a refused append: the term, and not the entries that its hint may come from', () => {
    const newTerm = startMember({ log: [1, 1] });
    const sameTerm = withEntryUnderWay();

    const outcomes = [
      newTerm.receive(2, say.append(2, [5, 2], [2])),
      sameTerm.receive(2, say.append(1, [5, 1], [1])),
    ];

    expect(outcomes.map((outcome) => messagesOf(outcome, 'AppendRefused').map(({ after }) => after))).toEqual(
      [[1], [0]],
    );
  });

  it('a heartbeat answer: the term', () => {
    const newTerm = startMember();
    const underWay = withTermUnderWay();
    const entryOnly = withEntryUnderWay();

    const outcomes = [
      newTerm.receive(2, say.heartbeat(2)),
      underWay.receive(2, say.heartbeat(2)),
      entryOnly.receive(2, say.heartbeat(1)),
    ];

    expect(outcomes.map(afterOf)).toEqual([[1], [1], [0]]);
  });

  it('telling an old leader of a newer term: that term', () => {
    const member = withTermUnderWay();

    expect(afterOf(member.receive(3, say.append(1, [0, 0], [])))).toEqual([1]);
  });

  it('an acknowledged snapshot: the snapshot', () => {
    const member = startMember();

    const installed = member.receive(2, say.snapshot(1, 9, 1));
    const repeated = member.receive(2, say.snapshot(1, 9, 1));

    expect([installed, repeated].map(afterOf)).toEqual([[1], [1]]);
  });

  it('campaigning after a snapshot: the snapshot', () => {
    const member = startMember();
    member.receive(2, say.snapshot(1, 9, 1));
    member.timeout();

    const campaign = member.receive(3, say.preVoteAnswer(2, true));

    expect(messagesOf(campaign, 'VoteRequest')[0]).toMatchObject({ message: { lastIndex: 9 }, after: 2 });
  });
});

describe('what a node counts of itself', () => {
  it('its own vote counts only when it is durable, even if all others granted', () => {
    const member = startMember();
    member.timeout();
    member.receive(2, say.preVoteAnswer(1, true));

    member.receive(2, say.voteAnswer(1, true));
    member.receive(3, say.voteAnswer(1, true));
    const before = member.state.role;
    member.durable();

    expect(before).toBe('candidate');
    expect(member.state.role).toBe('leader');
  });

  it('the vote of an earlier candidacy does not count for the present one', () => {
    const member = startMember();
    member.timeout();
    member.receive(2, say.preVoteAnswer(1, true));
    const first = member.issued;
    member.timeout();
    member.receive(2, say.preVoteAnswer(2, true));
    member.receive(2, say.voteAnswer(2, true));
    member.receive(3, say.voteAnswer(2, true));

    member.durable(first);

    expect(member.state).toMatchObject({ role: 'candidate', term: 2, durable: { term: 1 } });
  });

  it("the leader's own entry counts only when it is durable", () => {
    const leader = startSettledLeader();
    leader.propose('x');

    leader.receive(2, say.accepted(1, 2));
    const before = leader.state.commit;
    leader.durable();

    expect(before).toBe(1);
    expect(leader.state.commit).toBe(2);
  });

  it('a majority of others is enough, whatever its own disk does', () => {
    const leader = startSettledLeader();
    leader.propose('x');

    leader.receive(2, say.accepted(1, 2));
    leader.receive(3, say.accepted(1, 2));

    expect(leader.state).toMatchObject({ commit: 2, durable: { lastIndex: 1 } });
  });

  it('only the entries of the completed write count, not those of a later one', () => {
    const leader = startSettledLeader();
    leader.propose('x');
    const first = leader.issued;
    leader.propose('y');
    leader.receive(2, say.accepted(1, 3));

    leader.durable(first);

    expect(leader.state).toMatchObject({ commit: 2, durable: { lastIndex: 2 } });
  });

  it('an old entry that becomes durable is not committed by that (section 5.4.2)', () => {
    const leader = startLeader({ voters: [1, 2, 3], term: 1, log: [1] });
    leader.receive(2, say.accepted(2, 1));

    leader.durable();

    expect(leader.state.commit).toBe(0);
  });

  it('a single voter commits when its disk is done', () => {
    const leader = startSettledLeader({ voters: [1] });

    leader.propose('x');
    const before = leader.state.commit;
    leader.durable();

    expect(before).toBe(1);
    expect(leader.state.commit).toBe(2);
  });

  it('a leader that was deposed meanwhile commits nothing when its write is done', () => {
    const leader = startSettledLeader();
    leader.propose('x');
    leader.receive(2, say.accepted(1, 2));
    leader.receive(3, say.heartbeat(2));

    const outcome = leader.durable();

    expect(leader.state.commit).toBe(1);
    expect(outcome.sent).toEqual([]);
  });
});

describe('truncation while writes are under way', () => {
  it('an entry that is written, overwritten and written again (A-B-A) is not durable by its first write', () => {
    const member = startMember({ voters: [1, 2, 3, 4, 5] });
    member.receive(2, say.append(1, [0, 0], [1, 1]));
    const first = member.issued;
    member.receive(3, say.append(2, [0, 0], [2]));
    member.receive(2, say.append(3, [0, 0], [3, 3]));

    member.durable(first);

    expect(member.state.durable.lastIndex).toBe(0);
    expect(logTerms(member)).toEqual([3, 3]);
  });

  it('even when index and term come back as they were', () => {
    // An entry (1, 1) is cut off by a leader of term 2, and put back by one of term 3 that had it from the first.
    const member = startMember();
    member.receive(2, say.append(1, [0, 0], [1]));
    const first = member.issued;
    member.receive(3, say.append(2, [0, 0], [2]));
    member.receive(2, say.append(3, [0, 0], [1]));

    member.durable(first);
    const early = member.state.durable.lastIndex;
    member.durable(first + 1);
    const stillEarly = member.state.durable.lastIndex;
    member.durable();

    expect([early, stillEarly, member.state.durable.lastIndex]).toEqual([0, 0, 1]);
  });

  it('a cut keeps what is durable below it', () => {
    const member = startMember({ log: [1, 1, 1, 1] });

    member.receive(2, say.append(2, [2, 1], [2]));

    expect(member.state.durable.lastIndex).toBe(2);
  });

  it('a cut clips what completed writes may claim, and the writes under way too', () => {
    const member = startMember({ log: [1] });
    member.receive(2, say.append(1, [1, 1], [1, 1, 1]));
    const first = member.issued;

    member.receive(3, say.append(2, [2, 1], [2]));
    member.durable(first);

    expect(member.state.durable.lastIndex).toBe(2);
  });

  it('what the model of the disk would leave is what the state says is durable', () => {
    const member = startMember({ log: [1] });
    member.receive(2, say.append(1, [1, 1], [1, 1, 1]));
    const first = member.issued;
    member.receive(3, say.append(2, [2, 1], [2]));

    member.durable(first);
    const cut = member.restarted();
    member.durable();
    const whole = member.restarted();

    expect(logTerms(cut)).toEqual([1, 1, 1, 1]);
    expect(logTerms(whole)).toEqual([1, 1, 2]);
    expect(whole.state.term).toBe(2);
  });

  it('in one turn: what was about to be said of entries that were cut off since is lost', () => {
    const member = startMember({ log: [1] });

    const { sent } = inOneTurn(member, [
      [2, say.append(1, [1, 1], [1, 1])],
      [3, say.append(2, [1, 1], [2])],
    ]);

    expect(sent.filter(({ message }) => message.type === 'AppendAccepted')).toMatchObject([
      { to: 3, message: { term: 2, index: 2 } },
    ]);
  });

  it('in one turn: what was said of entries below the cut is still so', () => {
    const member = startMember({ log: [1] });

    const { sent } = inOneTurn(member, [
      [2, say.append(1, [1, 1], [1])],
      [2, say.append(1, [2, 1], [1])],
      [3, say.append(2, [2, 1], [2])],
    ]);

    expect(
      sent.map(({ to, message }) => [to, message.type, 'index' in message ? message.index : undefined]),
    ).toEqual([
      [2, 'AppendAccepted', 2],
      [3, 'AppendAccepted', 3],
    ]);
  });

  it('in one turn: an acknowledgement of entries that a snapshot replaced is lost', () => {
    const member = startMember();

    const { sent } = inOneTurn(member, [
      [2, say.append(1, [0, 0], [1, 1])],
      [2, say.snapshot(1, 9, 1)],
    ]);

    expect(sent).toMatchObject([{ to: 2, message: { type: 'AppendAccepted', index: 9 }, after: 1 }]);
  });

  /** A follower with entries of term 16 that are cut off from index 4 on, replaced up to 6 and committed there. */
  const overwritten = (kept: number) =>
    inOneTurn(
      startMember({ log: [16, 16, 16, 16, 16, 16, 16, 16, 16] }),
      [[2, say.append(18, [3, 16], [18, 18, 18], 6)]],
      { index: 6, keepEntries: kept },
    );

  it('in one turn: a snapshot of entries that overwrote others replaces the log, for the disk has the others', () => {
    const { write, state } = overwritten(0);

    expect(state.log).toMatchObject({ baseIndex: 6, lastIndex: 6 });
    expect(write).toMatchObject({ snapshot: { index: 6, term: 18 }, append: undefined, replacesLog: true });
  });

  it('in one turn: it need not when the overwriting entries are written too', () => {
    const { write } = overwritten(3);

    expect(write).toMatchObject({ append: { firstIndex: 4 }, snapshot: { index: 6 }, replacesLog: false });
    expect(write?.append?.entries.map((one) => one.term)).toEqual([18, 18, 18]);
  });

  it('in one turn: nor may it when nothing was overwritten, for the disk has entries beyond it', () => {
    const member = startMember({ log: [1, 1, 1] });

    const { write } = inOneTurn(member, [[2, say.heartbeat(1, 2)]], { index: 2, keepEntries: 0 });

    expect(write).toMatchObject({ snapshot: { index: 2 }, append: undefined, replacesLog: false });
  });

  /** Hands a member several messages in one turn, and maybe a snapshot, apart from its own history. */
  function inOneTurn(
    member: Member,
    messages: readonly (readonly [number, Message])[],
    snapshot?: { readonly index: number; readonly keepEntries: number },
  ) {
    const turn = openTurn(member.state, {
      options: OPTIONS,
      now: monotonicMs(member.now),
      entropy: 1,
      write: writeNumber(member.issued + 1),
    });
    for (const [from, message] of messages) receive(turn, nodeId(from), message);
    if (snapshot !== undefined) compact(turn, snapshot.index, 'image', snapshot.keepEntries);
    const write = closeTurn(turn);
    return { sent: turn.outgoing, write, state: turn.raft };
  }

  it('in one turn: many messages make one write, from the lowest index that changed', () => {
    const member = startMember({ log: [1, 1] });

    const { write } = inOneTurn(member, [
      [2, say.append(1, [2, 1], [1])],
      [2, say.append(1, [3, 1], [1])],
      [3, say.append(2, [1, 1], [2, 2])],
    ]);

    expect(write).toMatchObject({
      hardState: { term: 2, vote: 0 },
      append: { firstIndex: 2, entries: [{ term: 2 }, { term: 2 }] },
    });
  });
});

describe('a write', () => {
  it('is made only when something changed', () => {
    const member = startMember({ term: 1, log: [1] });

    const outcomes = [member.receive(2, say.heartbeat(1)), member.receive(2, say.append(1, [1, 1], [], 1))];

    expect(outcomes.map(({ write }) => write)).toEqual([undefined, undefined]);
  });

  it('holds term and vote only when they changed', () => {
    const member = startMember({ term: 1, log: [1] });

    const entryOnly = member.receive(2, say.append(1, [1, 1], [1]));
    const termOnly = member.receive(3, say.heartbeat(2));

    expect(entryOnly.write).toMatchObject({ hardState: undefined, append: { firstIndex: 2 } });
    expect(termOnly.write).toMatchObject({ hardState: { term: 2, vote: 0 }, append: undefined });
  });

  it('that is reported twice, or late, is harmless', () => {
    const leader = startSettledLeader();
    const before = leader.state;

    leader.durable();
    leader.durable(1);

    expect(leader.state).toEqual(before);
  });

  it('completes all earlier ones with it', () => {
    const leader = startSettledLeader();
    for (const text of ['a', 'b', 'c']) leader.propose(text);

    const turn = openTurn(leader.state, {
      options: OPTIONS,
      now: monotonicMs(leader.now),
      entropy: 1,
      write: writeNumber(leader.issued + 1),
    });
    writesCompleted(turn, writeNumber(leader.issued));

    expect(turn.raft.durable.lastIndex).toBe(logIndex(4));
  });
});

describe('a restart', () => {
  it('forgets entries, term and vote that were not durable', () => {
    const member = startMember({ term: 1, log: [1] });
    member.receive(2, say.append(1, [1, 1], [1]));
    member.durable();
    member.receive(3, say.append(2, [2, 1], [2, 2]));
    member.pass(5000);
    member.receive(2, say.voteRequest(3, 9, 9));

    const again = member.restarted();

    expect(logTerms(again)).toEqual([1, 1]);
    expect(again.state).toMatchObject({ term: 1, vote: 0, commit: 0 });
  });

  it('starts from the snapshot, committed up to there', () => {
    const member = startMember();
    member.receive(2, say.snapshot(3, 9, 2));
    member.receive(2, say.append(3, [9, 2], [3]));
    member.durable();

    const again = member.restarted();

    expect(again.state).toMatchObject({
      term: 3,
      commit: 9,
      log: { baseIndex: 9, baseTerm: 2, lastIndex: 10 },
    });
  });

  it('refuses a disk whose log is of a later term than the one it stored', () => {
    expect(() => startMember({ term: 1, log: [1, 2] })).toThrow(/stored term 1, but its log ends in term 2/);
  });
});
