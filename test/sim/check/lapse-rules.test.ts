import { beforeEach, describe, expect, it } from 'vitest';
import {
  encodeCommand,
  appendEntry,
  logIndex,
  nodeId,
  term,
  type Command,
  type Operation,
  type RequestId,
} from '../../../core/index.js';
import { createLapseRules } from '../../../sim/check/lapse-rules.js';
import { createReference, execute, type Reference } from '../../../sim/check/reference.js';
import { leader, raft, verdictOf } from './support/states.js';

const acquire: Operation = {
  type: 'AcquireLock',
  resource: 'l',
  owner: new Uint8Array([1]),
  expiresMs: 100,
};

let nowUs: number;
let reference: Reference;

const commandOf = (operation: Operation, lapsed?: Command['lapsed']): Command => ({
  requestId: 'r' as RequestId,
  basis: logIndex(0),
  stampedAt: { node: nodeId(1), wall: 1 as never, counter: 0 },
  operation,
  ...(lapsed === undefined ? {} : { lapsed }),
});

beforeEach(() => {
  nowUs = 5_000;
  reference = createReference(1);
  execute(reference, commandOf(acquire), 100);
});

/** What a leader that proposes the end of a lease after so long is told. */
function endAfter(ms: number, armedAt = 1, trusted = true, role: 'leader' | 'follower' = 'leader'): string {
  const rules = createLapseRules(
    trusted,
    () => nowUs,
    () => undefined,
  );
  rules.executed(reference);
  nowUs += ms * 1_000;
  const lapsed = [{ space: 'lock', name: 'l', armedAt: logIndex(armedAt) }] as const;
  const payload = encodeCommand(commandOf({ type: 'GetLock', resource: 'l' }, lapsed));
  const before = role === 'leader' ? leader(1, [1], { term: 1 }) : raft(1, [1], { term: 1 });
  const after = { ...before, log: appendEntry(before.log, { term: term(1), payload }) };
  return verdictOf(() => rules.checkProposed(reference, before, after));
}

describe('the end of a lease', () => {
  it('may be said when its time is over', () => {
    expect(endAfter(100)).toBe('holds');
  });

  it('may not be said before, counted from when its grant was committed', () => {
    expect(endAfter(97)).toBe('nothing ends before its time');
  });

  it('may not be said of what nothing armed', () => {
    expect(endAfter(100, 2)).toBe('nothing ends before its time');
  });

  it('is not timed where the clocks cannot be trusted', () => {
    expect(endAfter(10, 1, false)).toBe('holds');
    expect(endAfter(10, 2, false)).toBe('nothing ends before its time');
  });

  it('is judged when it is proposed, not when a follower hears of it', () => {
    expect(endAfter(10, 1, true, 'follower')).toBe('holds');
  });
});
