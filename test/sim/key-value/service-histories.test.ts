import { describe, expect, it } from 'vitest';
import {
  LockCode,
  SequenceCode,
  ZERO_TIMESTAMP,
  type ClientAnswer,
  type Operation,
} from '../../../core/index.js';
import { checkServices, type ServiceEvent } from '../../../sim/key-value/service-histories.js';
import { verdictOf } from '../check/support/states.js';

const TRUE_CLOCKS = { keepToDrift: true, mayDifferMs: 0 };

function acquired(who: string, token: number, atMs: number, extra: object = {}): ServiceEvent {
  const operation: Operation = {
    type: 'AcquireLock',
    resource: 'l',
    owner: new TextEncoder().encode(who),
    expiresMs: 1_000,
    ...extra,
  };
  const answer: ClientAnswer = {
    family: 'lock',
    code: LockCode.locked,
    fencingToken: token,
    owner: null,
    expires: ZERO_TIMESTAMP,
  };
  const invokedAt = atMs * 1_000;
  return { id: atMs, client: who, operation, invokedAt, answeredAt: invokedAt + 1_000, answer };
}

function reserved(key: string | undefined, start: number, atMs: number): ServiceEvent {
  const operation: Operation = {
    type: 'ReserveSequence',
    name: 's',
    count: 1,
    ...(key === undefined ? {} : { idempotencyKey: key }),
  };
  const answer: ClientAnswer = {
    family: 'sequence',
    code: SequenceCode.success,
    record: null,
    allocation: { start, end: start, count: 1, revision: 1 },
  };
  const invokedAt = atMs * 1_000;
  return { id: atMs, client: 'c', operation, invokedAt, answeredAt: invokedAt + 1_000, answer };
}

const judge = (events: readonly ServiceEvent[], clocks = TRUE_CLOCKS): string =>
  verdictOf(() => checkServices(events, clocks));

describe('locks in a run', () => {
  const early = [acquired('a', 0, 10), acquired('b', 1, 500)];

  it('are not granted to two while the lease of the first must run', () => {
    expect(judge(early)).toBe('locks');
    expect(judge([acquired('a', 0, 10), acquired('b', 1, 1_200)])).toBe('holds');
  });

  it('are not timed where clocks cannot be trusted, but their tokens still grow', () => {
    const wild = { keepToDrift: false, mayDifferMs: 0 };

    expect(judge(early, wild)).toBe('holds');
    expect(judge([acquired('a', 1, 10), acquired('b', 0, 1_500)], wild)).toBe('locks');
  });

  it('promise nothing beyond a leadership where they are ephemeral', () => {
    expect(judge(early.map((_, i) => acquired(`${i}`, 0, i * 10, { ephemeral: true })))).toBe('holds');
  });

  it('may last longer than was asked', () => {
    const late: Operation = {
      type: 'ExtendLock',
      resource: 'l',
      owner: new TextEncoder().encode('a'),
      expiresMs: 10,
    };
    const first = acquired('a', 0, 10);
    const answer = { ...(first.answer as object), code: LockCode.extended } as ClientAnswer;
    const extended = { ...acquired('a', 0, 5_000), operation: late, answer };

    expect(judge([first, extended])).toBe('holds');
  });
});

describe('sequences in a run', () => {
  it('give no value twice', () => {
    expect(judge([reserved(undefined, 1, 10), reserved(undefined, 1, 20)])).toBe('sequences');
    expect(judge([reserved(undefined, 1, 10), reserved(undefined, 2, 20)])).toBe('holds');
  });

  it('replay a key, as long as the wall clocks cannot have made it too old', () => {
    const changed = [reserved('x', 1, 10), reserved('x', 2, 20)];

    expect(judge(changed)).toBe('sequences');
    expect(judge(changed, { keepToDrift: true, mayDifferMs: 3_600_000 })).toBe('holds');
  });

  it('are left to the reference where they were changed', () => {
    const update: ServiceEvent = {
      ...reserved(undefined, 1, 15),
      operation: { type: 'UpdateSequence', name: 's', currentValue: 0 },
    };

    expect(judge([reserved(undefined, 1, 10), update, reserved(undefined, 1, 20)])).toBe('holds');
  });
});
