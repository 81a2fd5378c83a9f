import { beforeEach, describe, expect, it } from 'vitest';
import { logIndex, radixSet, term, type PartitionState, type RaftMessage } from '../../../../core/index.js';
import type { Raft } from '../../../../sim/check/raft/group-history.js';
import { createLandmarks, type Landmarks } from '../../../../sim/check/raft/landmarks.js';
import { entry, leader, raft } from '../support/states.js';

let reached: string[];
let landmarks: Landmarks;

beforeEach(() => {
  reached = [];
  landmarks = createLandmarks((feature) => void reached.push(feature));
});

const heartbeat = (ofTerm: number): RaftMessage<PartitionState> => ({
  type: 'Heartbeat',
  term: term(ofTerm),
  commit: logIndex(0),
  round: 0,
});

describe('a message in a role', () => {
  it('is noted with how its term relates to that of the node, once a run', () => {
    const node = raft(1, [1], { term: 3, role: 'candidate' });

    for (const ofTerm of [2, 3, 4, 3, 2]) landmarks.received(node, heartbeat(ofTerm));

    expect(reached).toEqual([
      'Heartbeat of an older term, as candidate',
      'Heartbeat of the same term, as candidate',
      'Heartbeat of a newer term, as candidate',
    ]);
  });
});

describe('a change of state', () => {
  const longer = (terms: readonly number[], commit: number, ofTerm: number): Raft =>
    leader(1, terms, { term: ofTerm, commit: logIndex(commit) });
  /** Leads with an entry that is not committed. */
  const LED = longer([1], 0, 1);
  const FOLLOWS = raft(1, [1], { term: 1 });

  it.each<[string, Raft | undefined, Raft, readonly string[]]>([
    ['a restart with a log', undefined, raft(1, [1], { term: 1 }), ['restart with a log']],
    ['a first start', undefined, raft(1, [], { term: 0 }), []],
    ['an election', raft(1, [], { term: 1, role: 'candidate' }), longer([], 0, 1), ['election won']],
    [
      'an election with entries that are not committed',
      raft(1, [1, 1], { term: 2, role: 'candidate' }),
      longer([1, 1], 0, 2),
      ['election won', 'election won with uncommitted entries'],
    ],
    [
      'a leader that steps down in its term',
      { ...LED, commit: logIndex(1) },
      { ...LED, role: 'follower', commit: logIndex(1) },
      ['leader stepped down for want of a quorum'],
    ],
    [
      'a leader that another replaces',
      LED,
      { ...LED, role: 'follower', term: term(2) },
      ['leader deposed by a newer term', 'leader deposed with uncommitted entries'],
    ],
    [
      'a follower that cuts off what conflicts',
      raft(1, [1, 1], { term: 2 }),
      raft(1, [1, 2], { term: 2 }),
      ['conflicting entries truncated'],
    ],
    [
      'a follower that appends',
      FOLLOWS,
      {
        ...FOLLOWS,
        log: {
          ...FOLLOWS.log,
          lastIndex: logIndex(2),
          entries: radixSet(FOLLOWS.log.entries, 2, entry(2, 1)),
        },
      },
      [],
    ],
  ])('%s is noted as what it is', (_name, before, after, features) => {
    landmarks.changed(before, after);

    expect(reached).toEqual(features);
  });
});
