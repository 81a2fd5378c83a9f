import { beforeEach, describe, expect, it } from 'vitest';
import {
  emptyFifo,
  fifoFrom,
  groupId,
  logIndex,
  monotonicMs,
  nodeId,
  term,
  type PartitionState,
  type RaftMessage,
} from '../../../../core/index.js';
import { createGroupHistory, type GroupHistory } from '../../../../sim/check/raft/group-history.js';
import {
  createLeaseRules,
  shortestPromiseUs,
  type LeaseRules,
} from '../../../../sim/check/raft/lease-rules.js';
import { entry, leader, raft, verdictOf } from '../support/states.js';

const TOLD = { leaseMs: 101, maxClockDriftPercent: 25 };
const PROMISE_US = 80_000;
const GROUP = groupId(1);

let nowUs: number;
let rules: LeaseRules;
let history: GroupHistory;

beforeEach(() => {
  nowUs = 1_000_000;
  rules = createLeaseRules(TOLD, () => nowUs);
  history = createGroupHistory();
  history.committed.push(entry(1, 1));
});

/** Node 1 as the leader of term 1, with a lease until 500 ms of its clock. */
const lessor = leader(1, [1], {
  term: 1,
  commit: logIndex(1),
  termStart: logIndex(1),
  lease: { until: monotonicMs(500), unconfirmed: emptyFifo() },
});

/** A voter hears a heartbeat of node 1, and answers it later. */
function promise(voter: number, heardAtUs = nowUs, ofTerm = 1, round = 4): void {
  const heartbeat: RaftMessage<PartitionState> = {
    type: 'Heartbeat',
    term: term(ofTerm),
    commit: logIndex(0),
    round,
  };
  const at = nowUs;
  nowUs = heardAtUs;
  rules.heard(voter, GROUP, heartbeat);
  nowUs = at;
  rules.said(voter, GROUP, 1, { type: 'HeartbeatAnswer', term: term(ofTerm), round });
}

const hold = (nowMs = 499): string => verdictOf(() => rules.checkHolder(history, lessor, nowMs));

/** Node 2 votes in term 2. */
function vote(candidate: number, ofTerm = 2): string {
  const before = raft(2, [1], { term: 1 });
  const after = raft(2, [1], { term: ofTerm, vote: nodeId(candidate) });
  return verdictOf(() => rules.checkVote(before, after));
}

describe('the shortest promise', () => {
  it('is what a clock that runs fast, and shows whole milliseconds, leaves of the lease', () => {
    expect(shortestPromiseUs(TOLD)).toBe(PROMISE_US);
  });
});

describe('a leader that takes itself to hold a lease', () => {
  it('has the promise of a quorum', () => {
    promise(2);
    nowUs += PROMISE_US - 1;

    expect(hold()).toBe('holds');
  });

  it('does not when the promises are over, were given to nobody, or in another term', () => {
    const nobody = hold();
    promise(2);
    nowUs += PROMISE_US;
    const over = hold();
    promise(3, nowUs, 2);
    const other = hold();

    expect([nobody, over, other]).toEqual(['leases are backed', 'leases are backed', 'leases are backed']);
  });

  it('counts a promise from when the heartbeat was heard, not from when it was answered', () => {
    promise(2, nowUs - PROMISE_US);

    expect(hold()).toBe('leases are backed');
  });

  it('is alone: nothing of a later term is committed', () => {
    promise(2);
    history.committed.push(entry(2, 2));

    expect(hold()).toBe('leases exclude');
  });

  it('has what those before a change of members promised, though its log has forgotten them, or has spoken to enough since', () => {
    const watching = createLeaseRules({ ...TOLD, meta: true }, () => nowUs);
    const verdict = (one: typeof lessor): string => verdictOf(() => watching.checkHolder(history, one, 499));
    const fewer = { voters: [nodeId(1), nodeId(2)], outgoing: [], learners: [], learnersNext: [] };
    const changed = { ...lessor, config: fewer, configs: [{ index: logIndex(1), config: fewer }] };
    watching.heard(3, GROUP, { type: 'Heartbeat', term: term(1), commit: logIndex(0), round: 4 });
    watching.said(3, GROUP, 1, { type: 'HeartbeatAnswer', term: term(1), round: 4 });

    const stranger = verdict(changed);
    const earlier = verdict(lessor);
    const later = verdict(changed);
    nowUs += PROMISE_US;
    const over = verdict(changed);
    watching.heard(2, GROUP, {
      type: 'Append',
      term: term(1),
      previousIndex: logIndex(1),
      previousTerm: term(1),
      entries: [],
      commit: logIndex(1),
    });

    expect([earlier, later, verdict(changed)]).toEqual(['holds', 'holds', 'holds']);
    expect([stranger, over]).toEqual(['leases are backed', 'leases are backed']);
  });

  it('is not judged when its own clock says that the lease has run out', () => {
    expect(hold(500)).toBe('holds');
  });
});

describe('a voter that answered a heartbeat', () => {
  it('votes for nobody else for a while', () => {
    promise(2);
    nowUs += PROMISE_US - 1;

    expect(vote(3)).toBe('promises are kept');
  });

  it('may vote after that, for its leader at any time, and when the leader asked for it', () => {
    promise(2);
    const same = vote(1);
    rules.heard(2, GROUP, {
      type: 'VoteRequest',
      term: term(3),
      lastIndex: logIndex(1),
      lastTerm: term(1),
      handedOver: true,
    });
    const handedOver = vote(3, 3);
    nowUs += PROMISE_US;

    expect([same, handedOver, vote(3)]).toEqual(['holds', 'holds', 'holds']);
  });

  it('has promised nothing by an answer without a round', () => {
    promise(2, nowUs, 1, 0);

    expect(vote(3)).toBe('holds');
  });
});

describe('a lease that is extended', () => {
  // 100 ms, less what a slow clock of the leader and fast ones of the voters may take of it: 100 * 75 / 125.
  const DURATION_MS = 60;
  const waiting = { until: monotonicMs(0), unconfirmed: fifoFrom([{ round: 4, sentAt: monotonicMs(400) }]) };
  const before = { ...lessor, lease: waiting };
  const extended = (untilMs: number): string => {
    const after = { ...lessor, lease: { until: monotonicMs(untilMs), unconfirmed: emptyFifo<never>() } };
    return verdictOf(() => rules.checkExtended(before, after, 450));
  };

  it('counts from when its round was sent', () => {
    expect(extended(400 + DURATION_MS)).toBe('holds');
  });

  it('counts from the very turn for a leader that is a majority by itself, though it gives others a vote in that turn', () => {
    const config = { voters: [lessor.self], outgoing: [], learners: [], learnersNext: [] };
    const after = { ...lessor, lease: { until: monotonicMs(510), unconfirmed: emptyFifo<never>() } };
    const alone = verdictOf(() => rules.checkExtended({ ...before, config }, after, 450));
    const withOthers = verdictOf(() => rules.checkExtended(before, after, 450));

    expect([alone, withOthers]).toEqual(['holds', 'leases count from the asking']);
  });

  it('does not count from when the answers came, nor last longer than clocks allow', () => {
    expect(extended(450 + DURATION_MS)).toBe('leases count from the asking');
    expect(extended(500)).toBe('leases count from the asking');
  });
});
