import { describe, expect, it } from 'vitest';
import { simpleConfiguration } from '../../../../core/raft/configuration.js';
import { logIndex, nodeId, term, type Stored } from '../../../../core/index.js';
import {
  createDurableView,
  lastDurableIndex,
  noteChange,
  type DurableView,
} from '../../../../sim/check/raft/durable-view.js';
import { checkRecovered } from '../../../../sim/check/raft/recovery.js';
import { entry, raft, verdictOf } from '../support/states.js';

function viewOf(...records: readonly (readonly [string, Stored])[]): DurableView {
  const view = createDurableView();
  for (const [name, value] of records) {
    noteChange(() => view, { type: 'Put', key: `group/00000001/${name}`, value });
  }
  return view;
}

const hard = (ofTerm: number, vote: number): [string, Stored] => [
  'hard',
  { type: 'HardState', term: term(ofTerm), vote: nodeId(vote) },
];

const segment = (number: number, firstIndex: number, ...terms: readonly number[]): [string, Stored] => [
  `segment/${number.toString(16).padStart(16, '0')}`,
  {
    type: 'Segment',
    firstIndex: logIndex(firstIndex),
    entries: terms.map((ofTerm, i) => entry(firstIndex + i, ofTerm)),
  },
];

const snapshot = (index: number, ofTerm: number, firstSegment: number): [string, Stored] => [
  'snapshot',
  {
    type: 'Snapshot',
    index: logIndex(index),
    term: term(ofTerm),
    config: simpleConfiguration([]),
    number: 0,
    chunks: 0,
    digest: 0,
    firstSegment,
  },
];

const view = viewOf(hard(2, 3), segment(0, 1, 1, 1), segment(1, 2, 2));
const recovered = raft(1, [1, 2], { term: 2, vote: nodeId(3) });

describe('a node that starts', () => {
  it('knows what its disk holds', () => {
    expect(verdictOf(() => checkRecovered(view, recovered))).toBe('holds');
  });

  it.each([
    ['its vote', { ...recovered, vote: nodeId(0) }],
    ['its term', { ...recovered, term: term(1) }],
    ['its last entry', raft(1, [1], { term: 2, vote: nodeId(3) })],
    ['that an entry was overwritten', raft(1, [1, 1], { term: 2, vote: nodeId(3) })],
    ['where its log ends', raft(1, [1, 2, 2], { term: 2, vote: nodeId(3) })],
  ])('has not forgotten %s', (_what, state) => {
    expect(verdictOf(() => checkRecovered(view, state))).toBe('restarts lose nothing');
  });
});

describe('segments before the first that counts', () => {
  it('hold nothing any more, even beyond the snapshot', () => {
    const cutOff = viewOf(segment(0, 1, 1, 1, 1, 1), snapshot(2, 1, 1));

    expect(lastDurableIndex(cutOff)).toBe(2);
  });

  it('leave what lies in later ones', () => {
    const kept = viewOf(segment(0, 1, 1, 1), segment(1, 3, 1, 1), snapshot(3, 1, 1));

    expect(lastDurableIndex(kept)).toBe(4);
  });
});
