import { describe, expect, it } from 'vitest';
import { logIndex, nodeId, term, type NodeId, type Rest } from '../../../../core/index.js';
import type { Raft } from '../../../../sim/check/raft/group-history.js';
import { checkLevel } from '../../../../sim/check/raft/sleep.js';
import { PropertyBroken } from '../../../../sim/world/world.js';
import { leader, progress, raft } from '../support/states.js';

const TERMS = [1, 1];

function resting(agreed: readonly number[], without: readonly number[] = []): Rest {
  const ids = (nodes: readonly number[]): readonly NodeId[] => nodes.map(nodeId);
  const inTerm = term(1);
  return {
    asleep: true,
    round: 1,
    term: inTerm,
    leader: nodeId(1),
    agreed: ids(agreed),
    without: ids(without),
  };
}

function level(state: Raft): Raft {
  const { log } = state;
  return {
    ...state,
    commit: log.lastIndex,
    durable: { ...state.durable, term: state.term, lastIndex: log.lastIndex },
  };
}

function sleepingLeader(rest: Rest): Raft {
  const peers = [2, 3].map((peer) => progress(peer, 2));
  return level({ ...leader(1, TERMS, { term: term(1), peers }), leader: nodeId(1), rest });
}

function sleepingFollower(self: number, terms: readonly number[] = TERMS): Raft {
  return level(raft(self, terms, { term: term(1), leader: nodeId(1), rest: resting([]) }));
}

function verdict(state: Raft, others: readonly Raft[] = []): string | undefined {
  try {
    checkLevel(state, [state, ...others]);
    return undefined;
  } catch (error) {
    if (error instanceof PropertyBroken) return error.property;
    throw error;
  }
}

describe('whoever sleeps is level', () => {
  it('a leader and its followers that hold the same may sleep', () => {
    const sleeper = sleepingLeader(resting([2, 3]));

    expect(verdict(sleeper, [sleepingFollower(2), sleepingFollower(3)])).toBeUndefined();
  });

  it('a silent follower may be left out, while a majority sleeps', () => {
    const sleeper = sleepingLeader(resting([2], [3]));

    expect(verdict(sleeper, [sleepingFollower(2), sleepingFollower(3, [1])])).toBeUndefined();
  });

  it('a leader that nobody answered for may not', () => {
    expect(verdict(sleepingLeader(resting([2])))).toBe('sleepers are level');
  });

  it('nor one without a majority', () => {
    expect(verdict(sleepingLeader(resting([], [2, 3])))).toBe('sleepers are level');
  });

  it('nor one whose follower agreed and holds less', () => {
    const sleeper = sleepingLeader(resting([2, 3]));

    expect(verdict(sleeper, [sleepingFollower(2, [1])])).toBe('sleepers are level');
    expect(verdict(sleepingFollower(2, [1]), [sleeper])).toBe('sleepers are level');
  });

  it('nor one with an entry that is not committed or not on its disk', () => {
    const sleeper = sleepingFollower(2);

    expect(verdict({ ...sleeper, commit: logIndex(1) })).toBe('sleepers are level');
    expect(verdict({ ...sleeper, durable: { ...sleeper.durable, lastIndex: logIndex(1) } })).toBe(
      'sleepers are level',
    );
  });

  it('nor one that sleeps under another leader, or in another term, than it follows', () => {
    const sleeper = sleepingFollower(2);

    expect(verdict({ ...sleeper, leader: nodeId(3) })).toBe('sleepers are level');
    expect(verdict({ ...sleeper, rest: { ...sleeper.rest, term: term(7) } })).toBe('sleepers are level');
  });

  it('whoever is awake may hold what it will', () => {
    expect(verdict(raft(2, [1], { term: term(1) }))).toBeUndefined();
  });
});
