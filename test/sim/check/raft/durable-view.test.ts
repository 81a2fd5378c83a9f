import { describe, expect, it } from 'vitest';
import { simpleConfiguration } from '../../../../core/raft/configuration.js';
import { logIndex, nodeId, term, type Stored, type StorageChange } from '../../../../core/index.js';
import {
  createDurableView,
  durableTermAt,
  holdsDurably,
  lastDurableIndex,
  noteChange,
  type DurableView,
} from '../../../../sim/check/raft/durable-view.js';
import { entry } from '../support/states.js';

const put = (value: Stored): StorageChange<Stored> => ({ type: 'Put', key: 'group/00000001/any', value });

const segment = (firstIndex: number, ...terms: readonly number[]): StorageChange<Stored> =>
  put({
    type: 'Segment',
    firstIndex: logIndex(firstIndex),
    entries: terms.map((ofTerm, i) => entry(firstIndex + i, ofTerm)),
  });

const snapshot = (index: number, ofTerm: number): StorageChange<Stored> =>
  put({
    type: 'Snapshot',
    index: logIndex(index),
    term: term(ofTerm),
    config: simpleConfiguration([]),
    number: 0,
    chunks: 0,
    digest: 0,
    firstSegment: 0,
  });

function viewAfter(...changes: readonly StorageChange<Stored>[]): DurableView {
  const view = createDurableView();
  for (const change of changes) noteChange(() => view, change);
  return view;
}

describe('what the checker knows of a disk', () => {
  it('is nothing at first', () => {
    const view = viewAfter();

    expect(lastDurableIndex(view)).toBe(0);
    expect(durableTermAt(view, 1)).toBeUndefined();
  });

  it('is the newest term and vote', () => {
    const hard = (ofTerm: number, vote: number): StorageChange<Stored> =>
      put({ type: 'HardState', term: term(ofTerm), vote: nodeId(vote) });

    expect(viewAfter(hard(1, 2), hard(4, 0))).toMatchObject({ term: 4, vote: 0 });
  });

  it('is every segment, of which a later one overrides an earlier one', () => {
    const view = viewAfter(segment(1, 1, 1, 1), segment(4, 2), segment(3, 3));

    expect(view.terms).toEqual([1, 1, 3]);
  });

  it('counts a snapshot as all that it covers', () => {
    const view = viewAfter(segment(1, 1, 1, 2), snapshot(2, 1));

    expect(view.terms).toEqual([2]);
    expect([1, 2, 3].map((index) => holdsDurably(view, index, 2))).toEqual([true, false, true]);
    expect(holdsDurably(view, 2, 1)).toBe(true);
  });

  it('keeps what lies beyond a snapshot that contradicts it, as a restart does, while its segment counts', () => {
    const view = viewAfter(segment(1, 1, 1, 1), snapshot(2, 2));

    expect(view.terms).toEqual([1]);
    expect(lastDurableIndex(view)).toBe(3);
  });

  it('takes of a segment only what lies after the snapshot', () => {
    const view = viewAfter(snapshot(3, 1), segment(2, 1, 1, 2));

    expect(view.terms).toEqual([2]);
    expect(lastDurableIndex(view)).toBe(4);
  });

  it('finds the group in the key', () => {
    const groups: number[] = [];

    noteChange(
      (group) => {
        groups.push(group);
        return createDurableView();
      },
      {
        type: 'Put',
        key: 'group/0000002a/hard',
        value: { type: 'HardState', term: term(1), vote: nodeId(1) },
      },
    );

    expect(groups).toEqual([42]);
  });

  it('does not change when garbage is dropped', () => {
    const view = viewAfter(segment(1, 1), { type: 'DropRange', from: 'a', before: 'z' });

    expect(view.terms).toEqual([1]);
  });
});
