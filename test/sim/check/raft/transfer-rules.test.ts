import { describe, expect, it } from 'vitest';
import { monotonicMs, nodeId } from '../../../../core/index.js';
import { checkTarget, checkTransfer } from '../../../../sim/check/raft/transfer-rules.js';
import type { Raft } from '../../../../sim/check/raft/group-history.js';
import { leader, progress, raft, verdictOf } from '../support/states.js';

const transfer = { target: nodeId(2), deadline: monotonicMs(300), told: false };
const handing = (terms: readonly number[], match = 0): Raft =>
  leader(1, terms, { term: 2, transfer, peers: [progress(2, match), progress(3, 0)] });
const changed = (before: Raft | undefined, after: Raft, nowMs = 200): string =>
  verdictOf(() => checkTransfer(before, after, nowMs));

describe('a transfer', () => {
  it('is over when its time is', () => {
    expect(changed(undefined, handing([2]), 299)).toBe('holds');
    expect(changed(undefined, handing([2]), 300)).toBe('transfers end in time');
  });

  it('is over with the leadership', () => {
    expect(changed(undefined, raft(1, [2], { term: 2 }))).toBe('holds');
    expect(changed(undefined, raft(1, [2], { term: 2, transfer }))).toBe('transfers end with the leadership');
  });

  it('keeps proposals out', () => {
    expect(changed(handing([2]), handing([2]))).toBe('holds');
    expect(changed(handing([2]), handing([2, 2]))).toBe('nothing is proposed in a transfer');
  });

  it('may begin in the turn of a proposal', () => {
    expect(changed({ ...handing([2]), transfer: undefined }, handing([2, 2]))).toBe('holds');
  });

  it('tells its target when that has the whole log', () => {
    const told = (match: number): string => verdictOf(() => checkTarget(handing([2, 2], match), nodeId(2)));

    expect(told(2)).toBe('holds');
    expect(told(1)).toBe('who takes over has the whole log');
  });
});
