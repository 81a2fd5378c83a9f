import { describe, expect, it } from 'vitest';
import { fifoFrom, logIndex, monotonicMs, nodeId, term, writeNumber } from '../../../../core/index.js';
import { checkAsks, checkAwake, checkDue, checkQuestions } from '../../../../sim/check/raft/diligence.js';
import type { Raft } from '../../../../sim/check/raft/group-history.js';
import { leader, progress, raft, verdictOf } from '../support/states.js';

const LIMITS = {
  maxInflightAppends: 2,
  maxInflightBytes: 1_000,
  electionTimeoutMs: 200,
  heartbeatIntervalMs: 50,
};

const due = (state: Raft): string => verdictOf(() => checkDue(undefined, state));
const durable = (ofTerm: number, vote: number, lastIndex: number): Raft['durable'] => ({
  write: writeNumber(1),
  term: term(ofTerm),
  vote: nodeId(vote),
  lastIndex: logIndex(lastIndex),
});

describe('what is due', () => {
  it('is a commit, once a majority holds an entry of the term', () => {
    const peers = [progress(2, 2), progress(3, 0)];
    const state = leader(1, [1, 2], { term: 2, peers, durable: durable(2, 1, 2), uncommittedBytes: 3 });

    expect(due({ ...state, commit: logIndex(2), uncommittedBytes: 0 })).toBe('holds');
    expect(due(state)).toBe('what is due is done');
  });

  it('is no commit of an entry of an older term', () => {
    const peers = [progress(2, 1), progress(3, 0)];
    const state = leader(1, [1, 2], { term: 2, peers, durable: durable(2, 1, 2), uncommittedBytes: 3 });

    expect(due(state)).toBe('holds');
  });

  it('is an answer to reads whose round a majority has answered', () => {
    const readRounds = fifoFrom([{ round: 4, index: logIndex(0), tokens: [1], asks: [] }]);
    const state = (round: number): Raft =>
      leader(1, [], { term: 1, round: 4, readRounds, peers: [progress(2, 0, { round }), progress(3, 0)] });

    expect(due(state(3))).toBe('holds');
    expect(due(state(4))).toBe('what is due is done');
  });

  it('is to lead, once elected with a durable vote', () => {
    const votes = [{ voter: nodeId(2), granted: true }];
    const state = raft(1, [], { term: 2, role: 'candidate', vote: nodeId(1), votes });

    expect(due(state)).toBe('holds');
    expect(due({ ...state, durable: durable(2, 1, 0) })).toBe('what is due is done');
  });

  it('is to count no bytes where everything is committed', () => {
    const state = leader(1, [1], { term: 1, commit: logIndex(1), durable: durable(1, 1, 1), peers: [] });

    expect(due({ ...state, uncommittedBytes: 7 })).toBe('uncommitted bytes are counted');
  });
});

describe('a node wakes', () => {
  const follower = raft(1, [], { term: 1, electionDeadline: monotonicMs(500) });
  const awake = (state: Raft, alarmMs: number | undefined): string =>
    verdictOf(() => checkAwake(state, alarmMs, 300, LIMITS));

  it('at its deadline or before', () => {
    expect(awake(follower, 500)).toBe('holds');
    expect(awake(follower, 400)).toBe('holds');
  });

  it('never too late, nor never', () => {
    expect(awake(follower, 501)).toBe('nobody oversleeps');
    expect(awake(follower, undefined)).toBe('nobody oversleeps');
  });

  it('soon enough to elect another leader', () => {
    expect(awake({ ...follower, electionDeadline: monotonicMs(5_000) }, 400)).toBe('nobody oversleeps');
  });

  it('soon enough to keep its followers', () => {
    const state = (heartbeatAt: number): Raft =>
      leader(1, [], { term: 1, heartbeatAt: monotonicMs(heartbeatAt) });

    expect(awake(state(350), 350)).toBe('holds');
    expect(awake(state(450), 350)).toBe('nobody oversleeps');
  });
});

describe('whoever has waited for long enough', () => {
  const configs = (...all: readonly (readonly number[])[]): Raft['configs'] =>
    all.map((voters, i) => ({
      index: logIndex(i),
      config: { voters: voters.map(nodeId), outgoing: [], learners: [], learnersNext: [] },
    }));
  const waits = (changes: Partial<Raft> = {}): Raft => ({
    ...raft(1, [1], { term: 1, electionDeadline: monotonicMs(500) }),
    ...changes,
  });
  const asks = (before: Raft, after: Raft = before, nowMs = 500): string =>
    verdictOf(() => checkAsks(before, after, nowMs));

  it('asks for votes', () => {
    expect(asks(waits())).toBe('what is due is done');
    expect(asks(waits(), waits({ role: 'precandidate' }))).toBe('holds');
    expect(asks(waits(), waits(), 499)).toBe('holds');
  });

  it('does so while its own removal is not known to be committed', () => {
    const left = { configs: configs([1, 2, 3], [2, 3]) };

    expect(asks(waits(left))).toBe('what is due is done');
    expect(asks(waits({ ...left, commit: logIndex(1) }))).toBe('holds');
    expect(asks(waits({ ...left, leftOutAt: logIndex(1) }))).toBe('holds');
  });

  it('does not if it never had a vote, or was told that it was left out', () => {
    expect(asks(waits({ configs: configs([2, 3]) }))).toBe('holds');
    expect(asks(waits({ leftOutAt: logIndex(1) }))).toBe('holds');
  });

  it('may let the others begin when it hands over what it leads', () => {
    const before = waits({ leader: nodeId(2) });

    expect(asks(before, waits({ electionDeadline: monotonicMs(900) }))).toBe('holds');
    expect(asks(before)).toBe('what is due is done');
  });
});

describe('a question for a read index', () => {
  const { followerReads } = raft(2, [1], { term: 1 });
  const questions = (askedAt: number, heardAt: number, tokens: readonly number[] = [7]): string => {
    const asked = fifoFrom(tokens.map((token) => ({ batch: token, tokens: [token] })));
    const state = raft(2, [1], {
      term: 1,
      leader: nodeId(1),
      leaderHeardAt: monotonicMs(heardAt),
      followerReads: { ...followerReads, batch: 7, asked, askedAt: monotonicMs(askedAt) },
    });
    return verdictOf(() => checkQuestions(state, 1_000, LIMITS));
  };

  it('is asked again when the leader lives and has not answered for an election timeout', () => {
    expect(questions(800, 1_000)).toBe('questions are asked again');
    expect(questions(801, 1_000)).toBe('holds');
  });

  it('waits for a leader that is silent, and is nothing once it is answered', () => {
    expect(questions(0, 999)).toBe('holds');
    expect(questions(0, 1_000, [])).toBe('holds');
  });
});
