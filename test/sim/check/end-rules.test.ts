import { beforeEach, describe, expect, it } from 'vitest';
import {
  KeyValueCode,
  LockCode,
  logIndex,
  nodeId,
  NO_NODE,
  revision,
  SetFlag,
  ZERO_TIMESTAMP,
  type Command,
  type GroupState,
  type Operation,
  type Outcome,
  type RequestId,
} from '../../../core/index.js';
import { createEndRules, type EndRules } from '../../../sim/check/end-rules.js';
import { createReference, execute, type Reference } from '../../../sim/check/reference.js';
import { leader, raft, verdictOf } from './support/states.js';

const NODE = 1;
const PERCENT = 20;
/** 100 ms by the slower of two clocks that may each be a fifth wrong. */
const LONGEST_MS = 150;

const set: Operation = {
  type: 'Set',
  key: 'k',
  value: null,
  flags: SetFlag.set,
  compareValue: null,
  compareRevision: revision(0),
  expiresMs: 100,
};
const acquire: Operation = { type: 'AcquireLock', resource: 'l', owner: new Uint8Array([1]), expiresMs: 100 };
const shownKey: Outcome = {
  code: KeyValueCode.got,
  revision: revision(1),
  value: null,
  lastModified: ZERO_TIMESTAMP,
};
const shownLock: Outcome = {
  family: 'lock',
  code: LockCode.got,
  fencingToken: 1,
  owner: new Uint8Array([1]),
  expires: ZERO_TIMESTAMP,
};

let reference: Reference;
let rules: EndRules;

const commandOf = (operation: Operation): Command => ({
  requestId: operation.type as RequestId,
  basis: logIndex(0),
  stampedAt: { node: nodeId(1), wall: 1 as never, counter: 0 },
  operation,
});

beforeEach(() => {
  reference = createReference(1);
  execute(reference, commandOf(set), 100);
  execute(reference, commandOf(acquire), 100);
  rules = createEndRules(PERCENT);
});

const at = (applied: number, state = leader(NODE, [1, 1], { term: 1 })): GroupState =>
  ({ raft: state, partition: { applied: logIndex(applied) } }) as unknown as GroupState;

function show(nowMs: number, operation: Operation, told: Outcome): string {
  return verdictOf(() => rules.checkShown(NODE, reference, operation, { index: 2, told, nowMs }));
}

/** Leads from 1,000 ms on and applies both at 5,000 ms. */
function lead(): void {
  rules.noted(undefined, at(0), 1_000);
  rules.noted(at(0), at(2), 5_000);
}

describe('a leader that reads the present', () => {
  it('shows a key until its time to live is over by its own clock, and no longer', () => {
    lead();

    expect(show(5_000 + LONGEST_MS, { type: 'Get', key: 'k' }, shownKey)).toBe('holds');
    expect(show(5_001 + LONGEST_MS, { type: 'Get', key: 'k' }, shownKey)).toBe('what is over is not shown');
  });

  it('shows a lock until its lease is over, and no longer', () => {
    lead();

    expect(show(5_000 + LONGEST_MS, { type: 'GetLock', resource: 'l' }, shownLock)).toBe('holds');
    expect(show(5_001 + LONGEST_MS, { type: 'GetLock', resource: 'l' }, shownLock)).toBe(
      'what is over is not shown',
    );
  });

  it('counts what an earlier leader armed since its own leadership began', () => {
    rules.noted(at(2, raft(NODE, [1, 1], { term: 1 })), at(2), 9_000);

    expect(show(9_000 + LONGEST_MS, { type: 'Get', key: 'k' }, shownKey)).toBe('holds');
    expect(show(9_001 + LONGEST_MS, { type: 'Get', key: 'k' }, shownKey)).toBe('what is over is not shown');
  });

  it('begins anew with each leadership, and with each run', () => {
    lead();
    rules.noted(at(2), at(2, leader(NODE, [1, 1], { term: 3 })), 20_000);
    expect(show(20_000 + LONGEST_MS, { type: 'Get', key: 'k' }, shownKey)).toBe('holds');

    rules.crashed(NODE);
    expect(show(99_000, { type: 'Get', key: 'k' }, shownKey)).toBe('holds');
  });

  it('may show the past, and say that there is nothing', () => {
    lead();
    const nothing: Outcome = { ...shownKey, code: KeyValueCode.doesNotExist };

    expect(show(9_000, { type: 'Get', key: 'k', revision: revision(1) }, shownKey)).toBe('holds');
    expect(show(9_000, { type: 'Get', key: 'k', at: { ...ZERO_TIMESTAMP, node: NO_NODE } }, shownKey)).toBe(
      'holds',
    );
    expect(show(9_000, { type: 'Get', key: 'k' }, nothing)).toBe('holds');
  });
});
