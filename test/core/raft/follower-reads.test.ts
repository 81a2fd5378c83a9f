import { describe, expect, it } from 'vitest';
import type { RaftOptions } from '../../../core/raft/state.js';
import {
  messagesOf,
  OPTIONS,
  say,
  sentTo,
  startLeader,
  startMember,
  startSettledLeader,
  type Member,
  type Outcome,
} from './support/member.js';

/** A follower of node 2 in term 1 that has entry 1, committed. */
function startFollower(options: Partial<RaftOptions> = {}): Member {
  const follower = startMember({ options });
  follower.receive(2, say.append(1, [0, 0], [1], 1));
  follower.durable();
  return follower;
}

/** Asks at a follower; gives the number under which it asks its leader. */
function ask(follower: Member, token: number): number {
  const [request] = messagesOf(follower.read(token, 'leader'), 'ReadIndexRequest');
  if (request === undefined) throw new Error('the leader was not asked');
  return request.message.batch;
}

describe('a read at a follower (thesis, section 6.4)', () => {
  it('asks the leader, and is answered when the own state has come as far', () => {
    const follower = startFollower();
    const batch = ask(follower, 7);

    const answered = follower.receive(2, say.readIndexAnswer(1, batch, 3));
    const partly = follower.receive(2, say.append(1, [1, 1], [1, 1], 2));
    const level = follower.receive(2, say.heartbeat(1, 3));

    expect([answered, partly].flatMap(({ reads }) => reads)).toEqual([]);
    expect(level.reads).toEqual([{ tokens: [7], index: 3 }]);
  });

  it('is answered with the answer where the state is far enough already', () => {
    const follower = startFollower();
    const batch = ask(follower, 7);

    const { reads } = follower.receive(2, say.readIndexAnswer(1, batch, 1));

    expect(reads).toEqual([{ tokens: [7], index: 1 }]);
  });

  it('is not answered by an answer to an earlier one', () => {
    const follower = startFollower();
    const first = ask(follower, 7);
    follower.receive(2, say.readIndexAnswer(1, first, 1));
    const second = ask(follower, 8);

    const again = follower.receive(2, say.readIndexAnswer(1, first, 1));
    const answered = follower.receive(2, say.readIndexAnswer(1, second, 1));

    expect(again.reads).toEqual([]);
    expect(answered.reads).toEqual([{ tokens: [8], index: 1 }]);
  });

  it('whose answer was lost is answered with a later one', () => {
    const follower = startFollower();
    ask(follower, 7);
    const second = ask(follower, 8);

    const { reads } = follower.receive(2, say.readIndexAnswer(1, second, 1));

    expect(reads).toEqual([{ tokens: [7, 8], index: 1 }]);
  });

  it('whose request was lost is asked for again while the leader lives, not at once and not all the time', () => {
    const follower = startFollower();
    ask(follower, 7);
    const second = ask(follower, 8);
    const asked = (outcome: Outcome): readonly number[] =>
      messagesOf(outcome, 'ReadIndexRequest').map(({ message }) => message.batch);

    follower.pass(OPTIONS.electionTimeoutMs - 1);
    const early = asked(follower.receive(2, say.heartbeat(1, 1)));
    follower.pass(1);
    const again = asked(follower.receive(2, say.heartbeat(1, 1)));
    const late = asked(follower.receive(2, say.heartbeat(1, 1)));
    const { reads } = follower.receive(2, say.readIndexAnswer(1, second, 1));
    follower.pass(OPTIONS.electionTimeoutMs);
    const answered = asked(follower.receive(2, say.heartbeat(1, 1)));

    expect([early, again, late, answered]).toEqual([[], [second], [], []]);
    expect(reads).toEqual([{ tokens: [7, 8], index: 1 }]);
  });

  it('is not slept upon, and wakes a group that sleeps: the leader may not have heard of it', () => {
    const waiting = startFollower({ quiesceAfterMs: 100 });
    ask(waiting, 7);
    const asleep = startFollower({ quiesceAfterMs: 100 });
    const agreed = sentTo(asleep.receive(2, say.sleep(1, 1, 5)), 2);

    const refused = sentTo(waiting.receive(2, say.sleep(1, 1, 5)), 2);
    const before = asleep.state.rest.asleep;
    ask(asleep, 8);

    expect(agreed).toEqual([say.asleep(1, 5)]);
    expect(refused).toEqual([say.heartbeatAnswer(1, 5)]);
    expect([before, asleep.state.rest.asleep]).toEqual([true, false]);
  });

  it('is answered once', () => {
    const follower = startFollower();
    const batch = ask(follower, 7);
    follower.receive(2, say.readIndexAnswer(1, batch, 1));

    expect(follower.receive(2, say.readIndexAnswer(1, batch, 1)).reads).toEqual([]);
  });

  it('is not answered by an answer to an earlier run of the node', () => {
    const follower = startFollower();
    const before = ask(follower, 7);
    const restarted = follower.restarted();
    restarted.receive(2, say.heartbeat(1, 1));
    const after = ask(restarted, 8);

    const { reads } = restarted.receive(2, say.readIndexAnswer(1, before, 1));

    expect(after).not.toBe(before);
    expect(reads).toEqual([]);
  });

  it('is refused without a leader, and by a candidate', () => {
    const lonely = startMember();
    const candidate = startFollower();
    candidate.timeout();

    expect(lonely.read(7, 'leader').refusedReads).toEqual([7]);
    expect(candidate.read(7, 'leader').refusedReads).toEqual([7]);
  });

  it('is refused when the leader is another one, and late answers mean nothing then', () => {
    const follower = startFollower();
    const batch = ask(follower, 7);

    const moved = follower.receive(3, say.heartbeat(2, 1));
    const late = [
      follower.receive(2, say.readIndexAnswer(1, batch, 1)),
      follower.receive(3, say.readIndexAnswer(2, batch, 1)),
    ];

    expect(moved.refusedReads).toEqual([7]);
    expect(late.flatMap(({ reads }) => reads)).toEqual([]);
  });

  it('is refused when this node stands for election itself', () => {
    const follower = startFollower();
    ask(follower, 7);

    expect(follower.timeout().refusedReads).toEqual([7]);
  });

  it('is refused when the leader refuses', () => {
    const follower = startFollower();
    const batch = ask(follower, 7);

    expect(follower.receive(2, say.readIndexRefused(1, batch)).refusedReads).toEqual([7]);
  });

  it('that has its index stays good when the leader changes', () => {
    const follower = startFollower();
    follower.receive(2, say.readIndexAnswer(1, ask(follower, 7), 2));

    const moved = follower.receive(3, say.heartbeat(2, 1));
    const level = follower.receive(3, say.append(2, [1, 1], [2], 2));

    expect(moved.refusedReads).toEqual([]);
    expect(level.reads).toEqual([{ tokens: [7], index: 2 }]);
  });

  it('is an ordinary one where the node turns out to lead', () => {
    const leader = startSettledLeader();

    const asked = leader.read(7, 'leader');

    expect(messagesOf(asked, 'Heartbeat').map(({ message }) => message.round)).toEqual([1, 1]);
  });
});

describe('a leader that is asked for a read index', () => {
  it('answers when a majority has confirmed that it leads', () => {
    const leader = startSettledLeader();

    const asked = leader.receive(3, say.readIndexRequest(1, 41));
    const confirmed = leader.receive(2, say.heartbeatAnswer(1, 1));

    expect(messagesOf(asked, 'Heartbeat').map(({ to }) => to)).toEqual([2, 3]);
    expect(messagesOf(asked, 'ReadIndexAnswer')).toEqual([]);
    expect(sentTo(confirmed, 3)).toEqual([say.readIndexAnswer(1, 41, 1)]);
    expect(confirmed.reads).toEqual([]);
  });

  it('waits until an entry of its own term is committed', () => {
    const leader = startLeader({ term: 1, log: [1, 1] });

    const early = leader.receive(3, say.readIndexRequest(2, 41));
    leader.durable();
    const committed = leader.receive(2, say.accepted(2, 3));
    const confirmed = leader.receive(2, say.heartbeatAnswer(2, 1));

    expect(messagesOf(early, 'Heartbeat')).toEqual([]);
    expect(messagesOf(committed, 'Heartbeat')).toHaveLength(2);
    expect(sentTo(confirmed, 3)).toEqual([say.readIndexAnswer(2, 41, 3)]);
  });

  it('refuses what is open when it loses the leadership', () => {
    const open = startSettledLeader();
    open.receive(3, say.readIndexRequest(1, 41));
    const early = startLeader();
    early.receive(3, say.readIndexRequest(1, 42));

    const outcomes = [open, early].map((leader) => leader.receive(2, say.heartbeat(9)));

    expect(outcomes.map((outcome) => sentTo(outcome, 3))).toEqual([
      [say.readIndexRefused(9, 41)],
      [say.readIndexRefused(9, 42)],
    ]);
    expect(messagesOf(outcomes[0] as (typeof outcomes)[0], 'ReadIndexRefused')[0]?.after).toBeGreaterThan(0);
  });

  it('refuses when it does not lead, and tells whoever asks in an older term', () => {
    const follower = startMember({ term: 3 });

    const asked = follower.receive(3, say.readIndexRequest(3, 41));
    const older = follower.receive(3, say.readIndexRequest(2, 42));

    expect(sentTo(asked, 3)).toEqual([say.readIndexRefused(3, 41)]);
    expect(sentTo(older, 3)).toEqual([say.readIndexRefused(3, 42)]);
  });

  it('steps down when whoever asks is in a later term', () => {
    const leader = startSettledLeader();

    const asked = leader.receive(3, say.readIndexRequest(4, 41));

    expect(leader.state).toMatchObject({ role: 'follower', term: 4 });
    expect(sentTo(asked, 3)).toEqual([say.readIndexRefused(4, 41)]);
  });
});
