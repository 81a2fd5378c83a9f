import { beforeEach, describe, expect, it } from 'vitest';
import { logIndex, monotonicMs, nodeId, term, type Stored } from '../../../../core/index.js';
import { createDurableView, noteChange } from '../../../../sim/check/raft/durable-view.js';
import {
  createGroupHistory,
  noteStated,
  pairKey,
  type GroupHistory,
} from '../../../../sim/check/raft/group-history.js';
import { checkLateAcceptance } from '../../../../sim/check/raft/message-rules.js';
import { checkVoteAsked } from '../../../../sim/check/raft/state-rules.js';
import { entry, judge, raft, scene, verdictOf } from '../support/states.js';

let history: GroupHistory;

beforeEach(() => {
  history = createGroupHistory();
});

describe('a vote', () => {
  const before = raft(1, [1, 1], { term: 1 });
  const voted = { ...before, term: term(2), vote: nodeId(2) };
  const vote = (): string => verdictOf(() => checkVoteAsked(history, before, voted));

  /** Node 2 votes for itself in term 2, and says where its log ends. */
  function campaign(lastIndex: number, lastTerm: number): void {
    history.candidates.add(pairKey(2, 2));
    noteStated(history.stated, pairKey(2, 2), { lastIndex, lastTerm });
  }

  it('may go to a candidate whose log is as good', () => {
    campaign(2, 1);

    expect(vote()).toBe('holds');
  });

  it('may not go to one whose log is behind, in length or in term', () => {
    campaign(1, 1);

    expect(vote()).toBe('votes go to the best log');
  });

  it('may not be left over from another term', () => {
    expect(vote()).toBe('votes are asked for');
  });

  it('is what it was after a restart', () => {
    expect(verdictOf(() => checkVoteAsked(history, undefined, voted))).toBe('holds');
  });
});

describe('an acceptance of a term that is over', () => {
  const view = createDurableView();
  const segment = (ofTerm: number, count: number): Stored => ({
    type: 'Segment',
    firstIndex: logIndex(1),
    entries: Array.from({ length: count }, (_, i) => entry(i + 1, ofTerm)),
  });
  for (const value of [segment(1, 3), segment(2, 1)]) {
    noteChange(() => view, { type: 'Put', key: 'group/00000001/segment/0', value });
  }
  const sender = raft(1, [2], { term: 2 });
  const accept = (index: number): string =>
    verdictOf(() =>
      checkLateAcceptance(view, sender, { type: 'AppendAccepted', term: term(1), index: logIndex(index) }),
    );

  it('may state what was on the disk and is cut off', () => {
    expect(accept(3)).toBe('holds');
  });

  it('may not state what never was', () => {
    expect(accept(4)).toBe('nothing said before it is durable');
  });
});

describe('election timeouts', () => {
  const asks = (patiences: readonly number[]): string => {
    const context = scene();
    const before = raft(1, [], { term: 1 });
    const steps = patiences.map((electionPatienceMs) => {
      const after = { ...before, role: 'precandidate' as const, electionPatienceMs };
      return [before, { ...after, electionDeadline: monotonicMs(electionPatienceMs) }] as const;
    });
    return judge(context, ...steps);
  };

  it('may be alike by chance', () => {
    expect(asks([101, ...Array.from({ length: 30 }, () => 100)])).toBe('holds');
    expect(asks([100, 100, 100])).toBe('holds');
  });

  it('may not all be the same', () => {
    expect(asks(Array.from({ length: 30 }, () => 100))).toBe('timeouts are drawn');
  });
});
