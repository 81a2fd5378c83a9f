import { describe, expect, it } from 'vitest';
import { monotonicMs, nodeId, writeNumber } from '../../../core/machine/units.js';
import { holdsLease, leaseDurationMs } from '../../../core/raft/lease.js';
import { requestRead } from '../../../core/raft/read-index.js';
import { closeTurn, receive } from '../../../core/raft/step.js';
import { openTurn } from '../../../core/raft/turn.js';
import {
  messagesOf,
  OPTIONS,
  say,
  sentTo,
  startLeader,
  startMember,
  startSettledLeader,
  type Member,
  type MemberOptions,
} from './support/member.js';

/** Clocks that drift by at most a tenth: of a promise of 1000 ms, 817 are a lease. */
const LEASES = { leaseMs: 1000, maxClockDriftPercent: 10 };
const LEASE_MS = 817;

function startLessor(options: MemberOptions = {}): Member {
  return startSettledLeader({ ...options, options: { ...LEASES, ...options.options } });
}

/** The next heartbeats are sent; gives their round. */
function beat(leader: Member): number {
  const [heartbeat] = messagesOf(leader.timeout(), 'Heartbeat');
  return heartbeat?.message.round ?? 0;
}

/** A leader whose newest heartbeats were answered at once, by node 2. */
function startLeaseholder(options: MemberOptions = {}): Member {
  const leader = startLessor(options);
  leader.receive(2, say.heartbeatAnswer(leader.state.term, beat(leader)));
  return leader;
}

describe('a read by lease (thesis, section 6.4.1)', () => {
  it('is answered at once, and nobody is asked', () => {
    const leader = startLeaseholder();

    const { reads, sent } = leader.read(7, 'lease');

    expect(reads).toEqual([{ tokens: [7], index: 1 }]);
    expect(sent).toEqual([]);
  });

  it('sees what is committed by now', () => {
    const leader = startLeaseholder();
    leader.propose('x');
    leader.durable();
    leader.receive(2, say.accepted(1, 2));

    const { reads } = leader.read(7, 'lease');

    expect(reads).toEqual([{ tokens: [7], index: 2 }]);
  });

  it('waits for a round of heartbeats like any other where there is no lease', () => {
    const leader = startLessor();

    const asked = leader.read(7, 'lease');
    const confirmed = leader.receive(2, say.heartbeatAnswer(1, 1));

    expect(asked.reads).toEqual([]);
    expect(messagesOf(asked, 'Heartbeat').map(({ message }) => message.round)).toEqual([1, 1]);
    expect(confirmed.reads).toEqual([{ tokens: [7], index: 1 }]);
  });

  it('does not change how other reads are confirmed', () => {
    const leader = startLeaseholder();

    const asked = leader.read(7);

    expect(asked.reads).toEqual([]);
    expect(messagesOf(asked, 'Heartbeat')).toHaveLength(2);
  });

  it('is refused by a node that does not lead', () => {
    const follower = startMember({ options: LEASES });
    follower.receive(2, say.heartbeat(1));

    expect(follower.read(7, 'lease').refusedReads).toEqual([7]);
  });

  it('is refused when leadership is lost in the same turn', () => {
    const leader = startLeaseholder();
    const turn = openTurn(leader.state, contextOf(leader));

    requestRead(turn, 7, 'lease');
    receive(turn, nodeId(2), say.heartbeat(9));
    closeTurn(turn);

    expect(turn.readsRefused).toEqual([7]);
    expect(turn.readsReady).toEqual([]);
  });
});

function contextOf(member: Member): Parameters<typeof openTurn>[1] {
  return {
    options: { ...OPTIONS, ...LEASES },
    now: monotonicMs(member.now),
    entropy: 1,
    write: writeNumber(member.issued + 1),
  };
}

describe('a lease', () => {
  it('lasts as long as the voters keep their promise, whatever the clocks do within their bound', () => {
    expect(leaseDurationMs({ ...OPTIONS, ...LEASES })).toBe(LEASE_MS);
    expect(leaseDurationMs({ ...OPTIONS, leaseMs: 1000, maxClockDriftPercent: 0 })).toBe(999);
    expect(leaseDurationMs({ ...OPTIONS, leaseMs: 0, maxClockDriftPercent: 0 })).toBe(0);
    for (const drift of [1, 5, 30, 90]) {
      const mine = leaseDurationMs({ ...OPTIONS, leaseMs: 1000, maxClockDriftPercent: drift });
      const slowestMs = mine / (1 - drift / 100);
      const soonestMs = 999 / (1 + drift / 100);
      expect(slowestMs).toBeLessThanOrEqual(soonestMs);
    }
  });

  it('counts from when the round was sent, not from when it was answered', () => {
    const leader = startLessor();
    const round = beat(leader);
    const sentAt = leader.now;
    leader.pass(300);

    leader.receive(2, say.heartbeatAnswer(1, round));

    expect(leader.state.lease.until).toBe(sentAt + LEASE_MS);
  });

  it('runs out', () => {
    const leader = startLeaseholder();
    const held: boolean[] = [];

    leader.pass(LEASE_MS - 1);
    held.push(holdsLease(leader.state, monotonicMs(leader.now)));
    leader.pass(1);
    held.push(holdsLease(leader.state, monotonicMs(leader.now)));
    const asked = leader.read(7, 'lease');

    expect(held).toEqual([true, false]);
    expect(asked.reads).toEqual([]);
    expect(messagesOf(asked, 'Heartbeat')).toHaveLength(2);
  });

  it('goes on with every round that a majority answers', () => {
    const leader = startLeaseholder();
    const before = leader.state.lease.until;

    leader.receive(3, say.heartbeatAnswer(1, beat(leader)));

    expect(leader.state.lease.until).toBe(before + 100);
  });

  it('is confirmed by a majority, not by one answer in five', () => {
    const leader = startLessor({ voters: [1, 2, 3, 4, 5] });
    const round = beat(leader);

    leader.receive(2, say.heartbeatAnswer(1, round));
    leader.receive(2, say.heartbeatAnswer(1, round));
    const one = leader.state.lease.until;
    leader.receive(3, say.heartbeatAnswer(1, round));

    expect(one).toBe(0);
    expect(leader.state.lease.until).toBe(leader.now + LEASE_MS);
  });

  it('of an older round is all that a late answer confirms', () => {
    const leader = startLessor();
    const first = beat(leader);
    const sentAt = leader.now;
    beat(leader);

    leader.receive(2, say.heartbeatAnswer(1, first));

    expect(leader.state.lease.until).toBe(sentAt + LEASE_MS);
  });

  it('is not confirmed by answers without a round, of another term, or to appends', () => {
    const leader = startLessor({ term: 4 });
    const round = beat(leader);

    leader.receive(2, say.heartbeatAnswer(5, 0));
    leader.receive(2, say.heartbeatAnswer(3, round));
    leader.receive(2, say.accepted(5, 1));

    expect(leader.state.lease.until).toBe(0);
  });

  it('has run out after a pause of the process, even when answers were waiting', () => {
    const leader = startLessor();
    const round = beat(leader);
    leader.pass(5000);

    leader.receive(2, say.heartbeatAnswer(1, round));
    const { reads } = leader.read(7, 'lease');

    expect(reads).toEqual([]);
  });

  it('is worth nothing before an entry of the own term is committed', () => {
    const leader = startLeader({ term: 1, log: [1, 1], options: LEASES });
    leader.receive(2, say.heartbeatAnswer(2, beat(leader)));

    const asked = leader.read(7, 'lease');
    leader.durable();
    leader.receive(2, say.accepted(2, 3));
    const later = leader.read(8, 'lease');

    expect(leader.state.lease.until).toBeGreaterThan(leader.now);
    expect(asked.reads).toEqual([]);
    expect(later.reads).toEqual([{ tokens: [8], index: 3 }]);
  });

  it('ends with the leadership', () => {
    const leader = startLeaseholder();

    leader.receive(2, say.voteAnswer(2, false));

    expect(leader.state).toMatchObject({ role: 'follower', lease: { until: 0 } });
  });

  it('of an earlier leadership is not taken up again', () => {
    const leader = startLeaseholder();
    leader.receive(2, say.voteAnswer(2, false));
    leader.timeout();
    leader.receive(2, say.preVoteAnswer(3, true));
    leader.receive(2, say.voteAnswer(3, true));
    leader.durable();
    leader.durable();
    leader.receive(2, say.accepted(3, 2));

    const { reads } = leader.read(7, 'lease');

    expect(leader.state).toMatchObject({ role: 'leader', term: 3, commit: 2 });
    expect(reads).toEqual([]);
  });

  it('is there for ever for a group of one voter, which asks nobody anyway', () => {
    const leader = startLessor({ voters: [1] });
    for (let i = 0; i < 50; i += 1) leader.timeout();

    expect(holdsLease(leader.state, monotonicMs(leader.now))).toBe(true);
    expect(leader.state.lease.unconfirmed).toMatchObject({ front: undefined });
  });

  it('does not exist with a leaseMs of 0, and heartbeats open no rounds then', () => {
    const leader = startSettledLeader({ options: { leaseMs: 0 } });

    const round = beat(leader);
    leader.receive(2, say.heartbeatAnswer(1, round));

    expect(round).toBe(0);
    expect(leader.read(7, 'lease').reads).toEqual([]);
  });

  it('is forfeited for the rest of the term when another node is asked to campaign', () => {
    const leader = startLeaseholder();
    const before = holdsLease(leader.state, monotonicMs(leader.now));

    const asked = leader.transfer(2);
    const read = leader.read(7, 'lease');
    for (let i = 0; i < 12; i += 1) leader.receive(2, say.heartbeatAnswer(1, beat(leader)));
    const later = leader.read(8, 'lease');

    expect(messagesOf(asked, 'CampaignNow')).toHaveLength(1);
    expect(leader.state).toMatchObject({ role: 'leader', transfer: undefined });
    expect([before, read.reads, later.reads]).toEqual([true, [], []]);
  });
});

describe('a voter helps nobody while its leader may hold a lease', () => {
  it('not in a later term either, which it may have learnt of by a late answer', () => {
    const voter = startMember({ voters: [1, 2, 3] });
    voter.receive(2, say.heartbeat(1));
    voter.receive(3, say.heartbeatAnswer(5, 0));

    const same = voter.receive(3, say.voteRequest(5, 9, 1));
    const later = voter.receive(3, say.voteRequest(6, 9, 1));
    const preVote = voter.receive(3, say.preVoteRequest(6, 9, 1));
    voter.pass(1000);
    const patient = voter.receive(3, say.voteRequest(6, 9, 1));

    expect(sentTo(same, 3)).toEqual([say.voteAnswer(5, false)]);
    expect(sentTo(later, 3)).toEqual([]);
    expect(sentTo(preVote, 3)).toEqual([say.preVoteAnswer(5, false)]);
    expect(sentTo(patient, 3)).toEqual([say.voteAnswer(6, true)]);
  });

  it('not just after its start, for it may have heard from a leader just before', () => {
    const voter = startMember({ term: 4, log: [4] });

    const early = [voter.receive(2, say.preVoteRequest(5, 9, 4)), voter.receive(2, say.voteRequest(5, 9, 4))];
    voter.pass(1000);
    const late = voter.receive(2, say.voteRequest(5, 9, 4));

    expect(early.map((outcome) => sentTo(outcome, 2))).toEqual([[say.preVoteAnswer(4, false)], []]);
    expect(sentTo(late, 2)).toEqual([say.voteAnswer(5, true)]);
  });

  it('but at once when it has never had a term, and so never answered a leader', () => {
    const voter = startMember();

    const asked = voter.receive(2, say.preVoteRequest(1));
    const voted = voter.receive(2, say.voteRequest(1));

    expect(sentTo(asked, 2)).toEqual([say.preVoteAnswer(1, true)]);
    expect(sentTo(voted, 2)).toEqual([say.voteAnswer(1, true)]);
  });

  it('a restarted voter still repeats the vote that it gave', () => {
    const voter = startMember();
    voter.receive(2, say.voteRequest(1));
    voter.durable();

    const again = voter.restarted().receive(2, say.voteRequest(1));

    expect(sentTo(again, 2)).toEqual([say.voteAnswer(1, true)]);
  });
});
