import { beforeEach, describe, expect, it } from 'vitest';
import {
  EMPTY_PARTITION,
  emptyOrderedMap,
  logIndex,
  mapSet,
  nodeId,
  term,
  ZERO_TIMESTAMP,
  type GroupState,
  type LockEntry,
} from '../../../core/index.js';
import { createLeadRules, type LeadRules } from '../../../sim/check/lead-rules.js';
import { leader, raft, verdictOf } from './support/states.js';

let nowUs: number;
let rules: LeadRules;

beforeEach(() => {
  nowUs = 0;
  rules = createLeadRules(true, () => nowUs);
});

const HELD: LockEntry = {
  owner: new Uint8Array([1]),
  fencingToken: 3,
  expiresMs: 100,
  armedAt: logIndex(1),
  expires: ZERO_TIMESTAMP,
  lapsed: false,
  lastModified: { ...ZERO_TIMESTAMP, node: nodeId(1) },
};

/** A group whose leader of a term holds an ephemeral lock. */
function holding(lock: LockEntry | undefined, ofTerm = 1, state = leader(1, [1], { term: 1 })): GroupState {
  const locks = lock === undefined ? EMPTY_PARTITION.locks : mapSet(EMPTY_PARTITION.locks, 'l', lock);
  const ephemeral = { state: { ...EMPTY_PARTITION, locks } };
  const lead = { term: term(ofTerm), ephemeral, blocks: emptyOrderedMap() };
  return { raft: state, lead } as unknown as GroupState;
}

/** A group whose leader has so many in line for a block of a sequence, which comes with this index. */
function lined(queued: number, inFlight: number): GroupState {
  const { raft: state, lead } = holding(undefined);
  const blocks = mapSet(emptyOrderedMap(), 's', { held: undefined, queued, inFlight: logIndex(inFlight) });
  return { raft: state, lead: { ...lead, blocks } } as unknown as GroupState;
}

const step = (before: GroupState | undefined, after: GroupState): string =>
  verdictOf(() => rules.check(before, after));

describe('what a leader keeps to itself', () => {
  it('is kept by leaders alone, of their own term', () => {
    expect(step(undefined, holding(HELD))).toBe('holds');
    const follower = raft(1, [1], { term: 1 });
    expect(step(undefined, holding(HELD, 1, follower))).toBe('only leaders keep things to themselves');
    expect(step(undefined, holding(HELD, 2))).toBe('only leaders keep things to themselves');
  });

  it('has tokens that never go back within a leadership', () => {
    const before = holding(HELD);

    expect(step(before, holding({ ...HELD, fencingToken: 2 }))).toBe('tokens never go back');
    expect(step(before, holding({ ...HELD, fencingToken: 4 }))).toBe('holds');
  });

  it('has nobody in line for a block that is not on its way', () => {
    expect(step(undefined, lined(2, 7))).toBe('holds');
    expect(step(undefined, lined(0, 0))).toBe('holds');
    expect(step(undefined, lined(2, 0))).toBe('nobody waits for nothing');
  });

  it('does not end before its time', () => {
    const over = { ...HELD, lapsed: true, expiresMs: 0, armedAt: logIndex(0) };
    const before = holding(HELD);
    step(holding(undefined), before);

    nowUs = 90_000;
    expect(step(before, holding(over))).toBe('nothing ends before its time');
    nowUs = 100_000;
    expect(step(before, holding(over))).toBe('holds');
  });
});
