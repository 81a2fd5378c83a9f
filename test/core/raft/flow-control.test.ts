import { describe, expect, it } from 'vitest';
import {
  messagesOf,
  progressOf,
  say,
  sentTo,
  startLeader,
  startSettledLeader,
  type Member,
  type Outcome,
} from './support/member.js';

function appendsTo(outcome: Outcome, peer: number) {
  return messagesOf(outcome, 'Append')
    .filter(({ to }) => to === peer)
    .map(({ message }) => message);
}

/** One heartbeat interval in which every follower answers the heartbeat. */
function beat(leader: Member, answering: readonly number[] = [2, 3]): Outcome {
  const outcome = leader.timeout();
  for (const peer of answering) leader.receive(peer, say.heartbeatAnswer(leader.state.term));
  return outcome;
}

describe('the window of appends in flight', () => {
  it('holds as many as the option says, and then no more', () => {
    const leader = startSettledLeader({ options: { maxInflightAppends: 3 } });

    const sent = ['a', 'b', 'c', 'd', 'e'].map((text) => appendsTo(leader.propose(text), 2).length);

    expect(sent).toEqual([1, 1, 1, 0, 0]);
    expect(progressOf(leader, 2).inflight.map(({ last }) => last)).toEqual([2, 3, 4]);
  });

  it('opens with every answer, and then everything that waits goes in one append', () => {
    const leader = startSettledLeader({ options: { maxInflightAppends: 2 } });
    for (const text of ['a', 'b', 'c', 'd', 'e']) leader.propose(text);

    const outcome = leader.receive(2, say.accepted(1, 2));

    expect(appendsTo(outcome, 2)).toMatchObject([{ previousIndex: 3, entries: [{}, {}, {}] }]);
    expect(progressOf(leader, 2)).toMatchObject({ inflight: [{ last: 3 }, { last: 6 }], match: 2, next: 7 });
  });

  it('is freed of everything that a later answer covers', () => {
    const leader = startSettledLeader({ options: { maxInflightAppends: 3 } });
    for (const text of ['a', 'b', 'c']) leader.propose(text);

    leader.receive(2, say.accepted(1, 4));

    expect(progressOf(leader, 2)).toMatchObject({ inflight: [], match: 4 });
  });

  it('holds as many bytes as the option says, and then no more', () => {
    const leader = startSettledLeader({ options: { maxInflightBytes: 10 } });

    const sent = ['1234', '5678', '9012', '3'].map((text) => appendsTo(leader.propose(text), 2).length);

    expect(sent).toEqual([1, 1, 0, 0]);
    expect(progressOf(leader, 2).inflight).toEqual([
      { last: 2, bytes: 4 },
      { last: 3, bytes: 4 },
    ]);
  });

  it('is freed of the bytes that were answered, and an append is no larger than what is free', () => {
    const leader = startSettledLeader({ options: { maxInflightBytes: 10 } });
    for (const text of ['1234', '5678', '9012', '3456', '7']) leader.propose(text);

    const outcome = leader.receive(2, say.accepted(1, 2));

    expect(appendsTo(outcome, 2)).toMatchObject([{ previousIndex: 3, entries: [{}] }]);
    expect(progressOf(leader, 2)).toMatchObject({ match: 2, next: 5 });
  });

  it('lets an entry that is larger than it pass alone', () => {
    const leader = startSettledLeader({ options: { maxInflightBytes: 3 } });

    const sent = ['far too large', 'x'].map((text) => appendsTo(leader.propose(text), 2).length);
    const freed = leader.receive(2, say.accepted(1, 2));

    expect(sent).toEqual([1, 0]);
    expect(appendsTo(freed, 2)).toMatchObject([{ previousIndex: 2, entries: [{}] }]);
  });

  it('is every follower its own', () => {
    const leader = startSettledLeader({ options: { maxInflightAppends: 1 } });
    leader.propose('a');
    leader.receive(2, say.accepted(1, 2));

    const outcome = leader.propose('b');

    expect([appendsTo(outcome, 2).length, appendsTo(outcome, 3).length]).toEqual([1, 0]);
  });
});

describe('one append while probing', () => {
  it('and no other until it is answered', () => {
    const leader = startLeader();

    const outcomes = [leader.propose('a'), leader.propose('b'), leader.receive(2, say.heartbeatAnswer(1))];

    expect(outcomes.flatMap(({ sent }) => sent)).toEqual([]);
    expect(progressOf(leader, 2)).toMatchObject({ mode: 'probe', probing: true });
  });

  it('it is repeated with a heartbeat where the follower lives', () => {
    const leader = startLeader();
    leader.propose('a');

    const outcome = leader.timeout();

    expect(appendsTo(outcome, 2)).toMatchObject([{ previousIndex: 0, entries: [{}, {}] }]);
  });

  it('it is not repeated to a follower that is silent', () => {
    const leader = startLeader({ voters: [1, 2, 3] });
    for (let i = 0; i < 11; i += 1) beat(leader, [2]);

    const outcomes = [beat(leader, [2]), beat(leader, [2])];

    expect(outcomes.flatMap((outcome) => appendsTo(outcome, 3))).toEqual([]);
    expect(outcomes.flatMap((outcome) => messagesOf(outcome, 'Heartbeat')).length).toBe(4);
  });
});

describe('the size of an append', () => {
  it('stays within the option', () => {
    const leader = startSettledLeader({ options: { maxAppendBytes: 10, maxInflightAppends: 1 } });
    for (let i = 0; i < 6; i += 1) leader.propose('four');

    const outcomes = [
      leader.receive(2, say.accepted(1, 2)),
      leader.receive(2, say.accepted(1, 4)),
      leader.receive(2, say.accepted(1, 6)),
    ];

    expect(outcomes.map((outcome) => appendsTo(outcome, 2).map(({ entries }) => entries.length))).toEqual([
      [2],
      [2],
      [1],
    ]);
  });

  it('but one entry always goes, however large', () => {
    const leader = startSettledLeader({ options: { maxAppendBytes: 3 } });

    const outcome = leader.propose('larger than three');

    expect(appendsTo(outcome, 2)).toMatchObject([{ entries: [{}] }]);
  });
});

describe('the limit of uncommitted bytes', () => {
  it('refuses what passes it, and takes more when something was committed', () => {
    const leader = startSettledLeader({ options: { maxUncommittedBytes: 10 } });

    const results = ['12345', '12345', '1'].map((text) => leader.propose(text).proposal?.type);
    leader.durable();
    leader.receive(2, say.accepted(1, 2));
    const later = leader.propose('12345').proposal;

    expect(results).toEqual(['Accepted', 'Accepted', 'Refused']);
    expect(later?.type).toBe('Accepted');
    expect(leader.state.uncommittedBytes).toBe(10);
  });

  it('says that it is overloaded, and changes nothing', () => {
    const leader = startSettledLeader({ options: { maxUncommittedBytes: 1 } });
    leader.propose('1');
    const before = leader.state;

    const { proposal } = leader.propose('2');

    expect(proposal).toEqual({ type: 'Refused', why: 'overloaded', leader: 1 });
    expect(leader.state).toEqual(before);
  });

  it('lets one oversize payload pass when nothing else waits', () => {
    const leader = startSettledLeader({ options: { maxUncommittedBytes: 4 } });

    const results = ['far too large', '1'].map((text) => leader.propose(text).proposal?.type);

    expect(results).toEqual(['Accepted', 'Refused']);
  });

  it('counts only the entries of its own leadership', () => {
    const leader = startSettledLeader({ term: 1, log: [1, 1, 1], options: { maxUncommittedBytes: 10 } });

    leader.propose('12345');
    leader.durable();
    leader.receive(3, say.accepted(2, 5));

    expect(leader.state).toMatchObject({ commit: 5, uncommittedBytes: 0 });
  });

  it('begins anew with a new leadership', () => {
    const leader = startSettledLeader({ options: { maxUncommittedBytes: 4 } });
    leader.propose('1234');
    leader.receive(2, say.heartbeat(2));

    expect(leader.state.uncommittedBytes).toBe(0);
  });
});

describe('appends that were lost', () => {
  it('are noticed at a heartbeat: an empty append after the last one asks where the logs part', () => {
    const leader = startSettledLeader();
    leader.propose('a');
    leader.propose('b');
    beat(leader);

    const outcome = leader.timeout();

    expect(appendsTo(outcome, 2)).toMatchObject([{ previousIndex: 3, entries: [] }]);
  });

  it('are sent again when that is refused', () => {
    const leader = startSettledLeader();
    leader.propose('a');
    leader.propose('b');
    beat(leader);
    beat(leader);

    const outcome = leader.receive(2, say.refused(1, 3, [1, 1]));

    expect(sentTo(outcome, 2)).toMatchObject([{ type: 'Append', previousIndex: 1, entries: [{}, {}] }]);
  });

  it('a full window that was lost as a whole recovers', () => {
    const leader = startSettledLeader({ options: { maxInflightAppends: 1 } });
    leader.propose('a');
    leader.propose('b');
    beat(leader);
    beat(leader);
    leader.receive(2, say.refused(1, 2, [1, 1]));

    const outcome = leader.receive(2, say.accepted(1, 3));

    expect(progressOf(leader, 2)).toMatchObject({ mode: 'replicate', match: 3 });
    expect(outcome.sent).toEqual([]);
  });

  it('a follower that makes progress between heartbeats is not asked', () => {
    const leader = startSettledLeader();
    leader.propose('a');
    beat(leader);
    leader.propose('b');
    leader.receive(2, say.accepted(1, 2));

    const outcome = leader.timeout();

    expect(appendsTo(outcome, 2)).toEqual([]);
  });

  it('a follower that is level is left in peace', () => {
    const leader = startSettledLeader();

    const outcomes = [beat(leader), beat(leader), beat(leader)];

    expect(outcomes.flatMap((outcome) => messagesOf(outcome, 'Append'))).toEqual([]);
  });

  it('and whose entries were compacted meanwhile are not asked about: sending starts over', () => {
    // 1. Appends of 2 and 3 to node 3 are lost; its window still holds them.
    // 2. Node 2 makes them committed, and the leader compacts up to 4, beyond what node 3 was last sent.
    // 3. The place after the last append sent to node 3 is gone: there is no term to name it by.
    const leader = startSettledLeader({ options: { maxInflightAppends: 2 } });
    for (const text of ['a', 'b', 'c']) leader.propose(text);
    leader.durable();
    leader.receive(2, say.accepted(1, 3));
    leader.receive(2, say.accepted(1, 4));
    beat(leader);
    leader.compact(4);

    const outcome = leader.timeout();

    expect(sentTo(outcome, 3)).toMatchObject([
      { type: 'Heartbeat' },
      { type: 'InstallSnapshot', snapshot: { index: 4 } },
    ]);
    expect(progressOf(leader, 3)).toMatchObject({ mode: 'snapshot', inflight: [] });
  });

  it('and whose entries were compacted in part are sent again from the last match', () => {
    const leader = startSettledLeader({ options: { maxInflightAppends: 2 } });
    for (const text of ['a', 'b', 'c']) leader.propose(text);
    leader.durable();
    leader.receive(2, say.accepted(1, 4));
    beat(leader);
    leader.compact(4, 1);

    const outcome = leader.timeout();

    expect(appendsTo(outcome, 3)).toMatchObject([{ previousIndex: 3, entries: [] }]);
  });
});

describe('heartbeats (Raft section 5.2)', () => {
  it('go to everybody once an interval', () => {
    const leader = startSettledLeader();

    leader.pass(99);
    const early = leader.tick();
    leader.pass(1);
    const due = leader.tick();
    const again = leader.tick();

    expect(
      [early, due, again].map((outcome) => messagesOf(outcome, 'Heartbeat').map(({ to }) => to)),
    ).toEqual([[], [2, 3], []]);
  });

  it('tell every follower at most the commit index that it is known to match', () => {
    const leader = startSettledLeader();
    leader.propose('x');
    leader.durable();
    leader.receive(2, say.accepted(1, 2));

    const outcome = leader.timeout();

    expect(messagesOf(outcome, 'Heartbeat').map(({ to, message }) => [to, message.commit])).toEqual([
      [2, 2],
      [3, 1],
    ]);
  });

  it('do not come from a node that does not lead', () => {
    const follower = startSettledLeader();
    follower.receive(2, say.heartbeat(2));
    follower.pass(500);

    expect(follower.tick().sent).toEqual([]);
  });
});
