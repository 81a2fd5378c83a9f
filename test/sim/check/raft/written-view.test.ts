import { beforeEach, describe, expect, it } from 'vitest';
import { nodeId } from '../../../../core/index.js';
import { createDurableView, type DurableView } from '../../../../sim/check/raft/durable-view.js';
import type { Raft } from '../../../../sim/check/raft/group-history.js';
import { checkWritten, copyOfView } from '../../../../sim/check/raft/written-view.js';
import { raft, verdictOf } from '../support/states.js';

let view: DurableView;

beforeEach(() => {
  view = createDurableView();
  view.term = 2;
  view.vote = 3;
  view.terms.push(1, 2);
});

const node = (terms: readonly number[], changes: Partial<Raft> = {}): Raft => ({
  ...raft(1, terms, { term: 2, vote: nodeId(3) }),
  ...changes,
});
const judge = (state: Raft): string => verdictOf(() => checkWritten(view, state));

describe('what the disk is told', () => {
  it('is what the node holds', () => {
    expect(judge(node([1, 2]))).toBe('holds');
  });

  it.each([
    ['a shorter log', node([1])],
    ['a longer log', node([1, 2, 2])],
    ['a log that ends otherwise', node([1, 1])],
    ['another vote', node([1, 2], { vote: nodeId(2) })],
  ])('is not %s', (_what, state) => {
    expect(judge(state)).toBe('the disk is told all');
  });

  it('goes on from a copy of what is there, and leaves the disk as it is', () => {
    const copy = copyOfView(view);

    copy.terms.push(2);
    copy.chunks.set(1, 1);

    expect(view.terms).toEqual([1, 2]);
    expect(view.chunks.size).toBe(0);
  });
});
