import { describe, expect, it } from 'vitest';
import {
  logTerms,
  messagesOf,
  progressOf,
  say,
  sentTo,
  startLeader,
  startMember,
  startSettledLeader,
  type Member,
} from './support/member.js';

/** A leader of ten entries with a snapshot at 8 and nothing before it; node 2 is level, node 3 has nothing. */
function leaderWithSnapshot(keepEntries = 0): Member {
  const leader = startLeader({ term: 1, log: [1, 1, 1, 1, 1, 1, 1, 1, 1] });
  leader.durable();
  leader.receive(2, say.accepted(2, 10));
  leader.compact(8, keepEntries);
  leader.durable();
  return leader;
}

describe('taking a snapshot (Raft section 7)', () => {
  it('drops the log up to it and writes it down', () => {
    const leader = startSettledLeader({ term: 1, log: [1, 1, 1] });

    const { write } = leader.compact(3);

    expect(leader.state.log).toMatchObject({ baseIndex: 3, baseTerm: 1, lastIndex: 4, lastTerm: 2 });
    expect(write).toMatchObject({ snapshot: { index: 3, term: 1, state: 'image 3' }, replacesLog: false });
  });

  it('keeps some entries for followers that are a little behind', () => {
    const leader = startSettledLeader({ term: 1, log: [1, 1, 1] });

    leader.compact(4, 2);

    expect(leader.state.log.baseIndex).toBe(2);
    expect(leader.state.snapshot?.index).toBe(4);
  });

  it('of entries that are not committed stops the node', () => {
    const leader = startSettledLeader();
    leader.propose('x');

    expect(() => leader.compact(2)).toThrow(/none above the commit index 1/);
  });

  it('survives a restart together with the entries after it', () => {
    const leader = startSettledLeader({ term: 1, log: [1, 1, 1] });
    leader.compact(3);
    leader.propose('x');
    leader.durable();

    const again = leader.restarted();

    expect(again.state).toMatchObject({ commit: 3, snapshot: { index: 3 } });
    expect(logTerms(again)).toEqual([2, 2]);
  });
});

describe('the log behind a snapshot', () => {
  /** A leader of 21 entries; node 2 is level, and node 3 matches up to 5. */
  function leaderOfMany(options: Parameters<typeof startLeader>[0] = {}): Member {
    const leader = startLeader({ term: 1, log: Array.from({ length: 20 }, () => 1), ...options });
    leader.durable();
    leader.receive(2, say.accepted(2, 21));
    leader.receive(3, say.accepted(2, 5));
    return leader;
  }

  it('is kept for a follower that reads it, as far as the bound allows', () => {
    const bases = [0, 8, 100].map((maxKeepEntries) => {
      const leader = leaderOfMany({ options: { maxKeepEntries } });
      leader.compact(20, 2);
      return leader.state.log.baseIndex;
    });

    expect(bases).toEqual([18, 12, 5]);
  });

  it('is not kept for one that is silent', () => {
    const leader = leaderOfMany({ options: { maxKeepEntries: 100 } });
    leader.pass(1001);
    leader.receive(2, say.heartbeatAnswer(2));

    leader.compact(20, 2);

    expect(leader.state.log.baseIndex).toBe(18);
  });

  it('is no more than so many bytes, whoever wants it', () => {
    const leader = leaderOfMany({ options: { maxKeepEntries: 100, maxKeepBytes: 12 } });

    leader.compact(20, 10);

    // Each entry there has four bytes.
    expect(leader.state.log.baseIndex).toBe(17);
  });

  it('is kept for a follower that is being sent an older snapshot', () => {
    const offered = startLeader({
      term: 1,
      log: Array.from({ length: 20 }, () => 1),
      options: { maxKeepEntries: 100 },
    });
    offered.durable();
    offered.receive(2, say.accepted(2, 21));
    offered.compact(12, 0);
    offered.receive(3, say.refused(2, 20, [0, 0]));

    offered.compact(20, 2);

    expect(progressOf(offered, 3)).toMatchObject({ mode: 'snapshot', snapshotIndex: 12 });
    expect(offered.state.log.baseIndex).toBe(12);
  });
});

describe('sending a snapshot (Raft section 7)', () => {
  it('to a follower whose next entry is gone', () => {
    const leader = leaderWithSnapshot();

    const outcome = leader.receive(3, say.refused(2, 9, [0, 0]));

    expect(sentTo(outcome, 3)).toEqual([say.snapshot(2, 8, 1)]);
    expect(progressOf(leader, 3)).toMatchObject({ mode: 'snapshot', match: 0 });
  });

  it('entries that were kept are sent instead', () => {
    const leader = leaderWithSnapshot(5);

    const outcome = leader.receive(3, say.refused(2, 9, [4, 1]));

    expect(sentTo(outcome, 3)).toMatchObject([{ type: 'Append', previousIndex: 4 }]);
  });

  it('pauses appends to that follower and to no other', () => {
    const leader = leaderWithSnapshot();
    leader.receive(3, say.refused(2, 9, [0, 0]));

    const outcome = leader.propose('x');

    expect(messagesOf(outcome, 'Append').map(({ to }) => to)).toEqual([2]);
  });

  it('is followed by appends from the snapshot on, once it is acknowledged', () => {
    const leader = leaderWithSnapshot();
    leader.receive(3, say.refused(2, 9, [0, 0]));
    leader.propose('x');

    const outcome = leader.receive(3, say.accepted(2, 8));

    expect(progressOf(leader, 3)).toMatchObject({ mode: 'replicate', match: 8 });
    expect(sentTo(outcome, 3)).toMatchObject([{ type: 'Append', previousIndex: 8, previousTerm: 1 }]);
  });

  it('goes on from an acknowledgement below the snapshot where the log still reaches it', () => {
    const leader = leaderWithSnapshot(3);
    leader.receive(3, say.refused(2, 9, [0, 0]));

    const outcome = leader.receive(3, say.accepted(2, 6));

    expect(progressOf(leader, 3)).toMatchObject({ mode: 'replicate', match: 6 });
    expect(sentTo(outcome, 3)).toMatchObject([{ type: 'Append', previousIndex: 6 }]);
  });

  it('is not ended by an acknowledgement that does not reach the log', () => {
    const leader = leaderWithSnapshot();
    leader.receive(3, say.refused(2, 9, [0, 0]));

    const outcome = leader.receive(3, say.accepted(2, 2));

    expect(progressOf(leader, 3)).toMatchObject({ mode: 'snapshot', match: 2 });
    expect(outcome.sent).toEqual([]);
  });

  it('is done once more when it stays unanswered for an election timeout', () => {
    const leader = leaderWithSnapshot();
    leader.receive(3, say.refused(2, 9, [0, 0]));

    const resent: number[] = [];
    for (let beats = 1; beats <= 25; beats += 1) {
      const outcome = leader.timeout();
      if (messagesOf(outcome, 'InstallSnapshot').length > 0) resent.push(beats);
      leader.receive(2, say.heartbeatAnswer(2));
      leader.receive(3, say.heartbeatAnswer(2));
    }

    expect(resent).toEqual([10, 20]);
  });

  it('a refusal that was under way means nothing meanwhile', () => {
    const leader = leaderWithSnapshot();
    leader.receive(3, say.refused(2, 9, [0, 0]));

    const outcome = leader.receive(3, say.refused(2, 9, [0, 0]));

    expect(outcome.sent).toEqual([]);
    expect(progressOf(leader, 3).mode).toBe('snapshot');
  });
});

describe('receiving a snapshot (Raft section 7)', () => {
  it('replaces a log that does not hold its last entry', () => {
    const follower = startMember({ term: 2, log: [1, 1, 2] });

    const outcome = follower.receive(2, say.snapshot(3, 9, 3));

    expect(follower.state).toMatchObject({
      commit: 9,
      snapshot: { index: 9, state: 'image 9' },
      log: { baseIndex: 9, baseTerm: 3, lastIndex: 9, lastTerm: 3 },
    });
    expect(outcome.write).toMatchObject({ snapshot: { index: 9 }, replacesLog: true, append: undefined });
    expect(sentTo(outcome, 2)).toEqual([say.accepted(3, 9)]);
  });

  it('replaces a log whose entry at that index is of another term', () => {
    const follower = startMember({ term: 2, log: [1, 1, 2, 2] });

    follower.receive(2, say.snapshot(3, 3, 1));

    expect(follower.state).toMatchObject({ commit: 3, log: { baseIndex: 3, baseTerm: 1, lastIndex: 3 } });
  });

  it('that matches the log only raises the commit index and keeps what follows', () => {
    const follower = startMember({ term: 2, log: [1, 1, 2, 2] });

    const outcome = follower.receive(2, say.snapshot(2, 3, 2));

    expect(follower.state).toMatchObject({ commit: 3, snapshot: undefined });
    expect(logTerms(follower)).toEqual([1, 1, 2, 2]);
    expect(outcome.write).toBeUndefined();
    expect(sentTo(outcome, 2)).toEqual([say.accepted(2, 3)]);
  });

  it('older than the commit index is ignored, and answered with the commit index', () => {
    const follower = startMember({ log: [1, 1, 1, 1] });
    follower.receive(2, say.append(1, [4, 1], [], 4));

    const outcome = follower.receive(2, say.snapshot(1, 3, 1));

    expect(outcome.write).toBeUndefined();
    expect(sentTo(outcome, 2)).toEqual([say.accepted(1, 4)]);
    expect(logTerms(follower)).toEqual([1, 1, 1, 1]);
  });

  it('makes nothing of the old log durable under the new numbers', () => {
    const follower = startMember();
    follower.receive(2, say.append(1, [0, 0], [1, 1, 1]));
    const entriesWrite = follower.issued;
    follower.receive(3, say.snapshot(2, 2, 2));

    follower.durable(entriesWrite);
    const before = follower.state.durable.lastIndex;
    follower.durable();

    expect(before).toBe(0);
    expect(follower.state.durable.lastIndex).toBe(2);
  });

  it('is followed by appends as usual', () => {
    const follower = startMember();
    follower.receive(2, say.snapshot(1, 9, 1));

    const outcome = follower.receive(2, say.append(1, [9, 1], [1, 1], 10));

    expect(follower.state).toMatchObject({ commit: 10, log: { lastIndex: 11 } });
    expect(sentTo(outcome, 2)).toEqual([say.accepted(1, 11)]);
  });

  it('counts as a word from the leader', () => {
    const follower = startMember();
    follower.pass(500);

    follower.receive(2, say.snapshot(1, 9, 1));

    expect(follower.state).toMatchObject({ leader: 2, leaderHeardAt: follower.now });
  });
});

describe('a follower that fell behind the log', () => {
  it('is brought level by a snapshot and what follows, in few messages', () => {
    const leader = leaderWithSnapshot();
    const follower = startMember({ self: 3, log: [1, 1] });

    let inbox = sentTo(leader.receive(3, say.refused(2, 9, [2, 1])), 3);
    let rounds = 0;
    while (inbox.length > 0 && rounds < 10) {
      rounds += 1;
      const answers = inbox.flatMap((message) => sentTo(follower.receive(1, message), 1));
      follower.durable();
      inbox = answers.flatMap((answer) => sentTo(leader.receive(3, answer), 3));
    }

    expect(follower.state.log).toMatchObject({ baseIndex: 8, lastIndex: 10 });
    expect(progressOf(leader, 3)).toMatchObject({ mode: 'replicate', match: 10 });
    expect(rounds).toBe(2);
  });
});
