import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZERO_TIMESTAMP } from '../../../core/clock/hybrid-clock.js';
import { mapGet } from '../../../core/collections/ordered-map.js';
import { logIndex } from '../../../core/machine/units.js';
import type { Lapse } from '../../../core/partition/command.js';
import { LockCode, type LockOperation } from '../../../core/partition/lock-command.js';
import {
  acquire,
  bytes,
  emptyPartition,
  extendLock,
  get,
  getLock,
  release,
  stamp,
  type PartitionUnderTest,
} from './support.js';

const me = bytes(1, 2);
const other = bytes(1, 3);

function lapseOf(partition: PartitionUnderTest, resource = 'r'): Lapse {
  const armedAt = mapGet(partition.state.locks, resource)?.armedAt ?? logIndex(0);
  return { space: 'lock', name: resource, armedAt };
}

const nothing = { fencingToken: 0, owner: null, expires: ZERO_TIMESTAMP };

/** A lock in each state that operations tell apart. */
const STATES: Record<string, (partition: PartitionUnderTest) => void> = {
  'never seen': () => undefined,
  released: (partition) => {
    partition.apply(acquire('r', me));
    partition.apply(release('r', me));
  },
  'held by me': (partition) => {
    partition.apply(acquire('r', me));
  },
  'held by another': (partition) => {
    partition.apply(acquire('r', other));
  },
  'lapsed, mine': (partition) => {
    partition.apply(acquire('r', me));
    partition.apply(get('x'), { lapsed: [lapseOf(partition)] });
  },
  "lapsed, another's": (partition) => {
    partition.apply(acquire('r', other));
    partition.apply(get('x'), { lapsed: [lapseOf(partition)] });
  },
};

function inState(state: string): PartitionUnderTest {
  const partition = emptyPartition();
  STATES[state]?.(partition);
  return partition;
}

describe('acquire', () => {
  it.each([
    ['never seen', LockCode.locked, 0],
    ['released', LockCode.locked, 1],
    ['lapsed, mine', LockCode.locked, 1],
    ["lapsed, another's", LockCode.locked, 1],
    ['held by me', LockCode.locked, 0],
    ['held by another', LockCode.busy, 0],
  ])('of a lock that is %s', (state, code, fencingToken) => {
    const partition = inState(state);

    const { outcome } = partition.apply(acquire('r', me));

    expect(outcome).toMatchObject({ family: 'lock', code, fencingToken, owner: null });
    expect(partition.read(getLock('r')).owner).toEqual(code === LockCode.busy ? other : me);
  });

  it('tells when the lease ends', () => {
    const partition = emptyPartition();
    partition.applyNothing(6);

    const { outcome } = partition.apply(acquire('r', me, 500), { stampedAt: stamp(1000, 2) });

    expect(outcome.expires).toEqual(stamp(1500, 2));
    expect(mapGet(partition.state.locks, 'r')).toMatchObject({ expiresMs: 500, armedAt: 7, lapsed: false });
  });

  it('by who holds it already leaves the lease as it was, and tells its end', () => {
    const partition = emptyPartition();
    partition.apply(acquire('r', me, 500), { stampedAt: stamp(1000) });
    const before = partition.state.locks;

    const { outcome } = partition.apply(acquire('r', me, 9000), { stampedAt: stamp(1100) });

    expect(outcome.expires).toEqual(stamp(1500));
    expect(partition.state.locks).toBe(before);
  });

  it('by another tells nothing of who holds it', () => {
    const { outcome } = inState('held by another').apply(acquire('r', me));

    expect(outcome).toEqual({ family: 'lock', code: LockCode.busy, ...nothing });
  });

  it('is not counted: one release frees the lock', () => {
    const partition = emptyPartition();
    for (let i = 0; i < 3; i += 1) partition.apply(acquire('r', me));

    expect(partition.apply(release('r', me)).outcome.code).toBe(LockCode.unlocked);
    expect(partition.apply(acquire('r', other)).outcome).toMatchObject({
      code: LockCode.locked,
      fencingToken: 1,
    });
  });

  it('of a lock that has lapsed can take it over in the same command', () => {
    const partition = inState('held by another');

    const { outcome } = partition.apply(acquire('r', me), { lapsed: [lapseOf(partition)] });

    expect(outcome).toMatchObject({ code: LockCode.locked, fencingToken: 1 });
  });
});

describe('extend', () => {
  it.each([
    ['never seen', LockCode.lockDoesNotExist],
    ['released', LockCode.lockDoesNotExist],
    ['lapsed, mine', LockCode.lockDoesNotExist],
    ["lapsed, another's", LockCode.lockDoesNotExist],
    ['held by me', LockCode.extended],
    ['held by another', LockCode.invalidOwner],
  ])('of a lock that is %s', (state, code) => {
    const partition = inState(state);
    const before = partition.state.locks;

    const { outcome } = partition.apply(extendLock('r', me));

    expect(outcome.code).toBe(code);
    if (code !== LockCode.extended) {
      expect(outcome).toEqual({ family: 'lock', code, ...nothing });
      expect(partition.state.locks).toBe(before);
    }
  });

  it('replaces the lease, which may end earlier, and keeps the token', () => {
    const partition = inState('released');
    partition.apply(acquire('r', me, 9000), { stampedAt: stamp(1000) });

    const { outcome } = partition.apply(extendLock('r', me, 10), { stampedAt: stamp(1100) });

    expect(outcome).toMatchObject({ fencingToken: 1, expires: stamp(1110) });
    expect(mapGet(partition.state.locks, 'r')).toMatchObject({ expiresMs: 10, armedAt: 4, owner: me });
  });
});

describe('release', () => {
  it.each([
    ['never seen', LockCode.lockDoesNotExist],
    ['released', LockCode.lockDoesNotExist],
    ['lapsed, mine', LockCode.unlocked],
    ["lapsed, another's", LockCode.invalidOwner],
    ['held by me', LockCode.unlocked],
    ['held by another', LockCode.invalidOwner],
  ])('of a lock that is %s', (state, code) => {
    const partition = inState(state);
    const before = partition.state.locks;

    const { outcome } = partition.apply(release('r', me));

    expect(outcome).toEqual({ family: 'lock', code, ...nothing });
    if (code !== LockCode.unlocked) expect(partition.state.locks).toBe(before);
    else expect(partition.apply(release('r', me)).outcome.code).toBe(LockCode.lockDoesNotExist);
  });

  it('keeps the token', () => {
    const partition = inState('lapsed, mine');

    partition.apply(release('r', me));

    expect(mapGet(partition.state.locks, 'r')).toMatchObject({
      owner: null,
      fencingToken: 0,
      expiresMs: 0,
      armedAt: 0,
      lapsed: false,
    });
  });
});

describe('get', () => {
  it.each(['never seen', 'released', 'lapsed, mine', "lapsed, another's"])(
    'finds no lock that is %s',
    (state) => {
      expect(inState(state).read(getLock('r'))).toEqual({
        family: 'lock',
        code: LockCode.lockDoesNotExist,
        ...nothing,
      });
    },
  );

  it('tells owner, token and end', () => {
    const partition = inState('released');
    partition.apply(acquire('r', me, 100), { stampedAt: stamp(5000) });

    expect(partition.read(getLock('r'))).toEqual({
      family: 'lock',
      code: LockCode.got,
      fencingToken: 1,
      owner: me,
      expires: stamp(5100),
    });
  });
});

describe('the end of a lease', () => {
  it.each<[string, (partition: PartitionUnderTest) => void]>([
    ['extended', (partition) => void partition.apply(extendLock('r', me))],
    ['released', (partition) => void partition.apply(release('r', me))],
    [
      'released and taken',
      (partition) => {
        partition.apply(release('r', me));
        partition.apply(acquire('r', other));
      },
    ],
  ])('does not come to a lock that was %s since', (_what, change) => {
    const partition = inState('held by me');
    const lapsed = [lapseOf(partition)];
    change(partition);
    const before = partition.state.locks;

    partition.apply(getLock('x'), { lapsed });

    expect(partition.state.locks).toBe(before);
  });

  it('does not come twice', () => {
    const partition = inState('held by me');
    const lapsed = [lapseOf(partition)];
    partition.apply(getLock('r'), { lapsed });
    const before = partition.state.locks;

    partition.apply(getLock('r'), { lapsed });

    expect(partition.state.locks).toBe(before);
  });

  it('comes by the word of the leader alone, not with a later stamp', () => {
    const partition = emptyPartition();
    partition.apply(acquire('r', me, 1), { stampedAt: stamp(1000) });

    const { outcome } = partition.apply(acquire('r', other, 1), { stampedAt: stamp(1_000_000) });

    expect(outcome.code).toBe(LockCode.busy);
  });

  it('is told in the read that is proposed for it', () => {
    const partition = inState('held by me');

    const { outcome } = partition.apply(getLock('r'), { lapsed: [lapseOf(partition)] });

    expect(outcome.code).toBe(LockCode.lockDoesNotExist);
  });
});

describe('locks of other names', () => {
  it('have tokens and owners of their own', () => {
    const partition = inState('released');

    expect(partition.apply(acquire('s', other)).outcome).toMatchObject({
      code: LockCode.locked,
      fencingToken: 0,
    });
    expect(partition.read(getLock('r')).code).toBe(LockCode.lockDoesNotExist);
  });
});

describe('fencing tokens', () => {
  it('never go back, and no two grants share one', () => {
    const owner = fc.constantFrom(bytes(1), bytes(2), bytes(3));
    const operation: fc.Arbitrary<LockOperation> = fc.oneof(
      owner.map((each) => acquire('r', each)),
      owner.map((each) => release('r', each)),
      owner.map((each) => extendLock('r', each)),
      fc.constant(getLock('r')),
    );
    const steps = fc.array(fc.tuple(operation, fc.boolean(), fc.nat(3)), { minLength: 20, maxLength: 60 });
    let grants = 0;
    fc.assert(
      fc.property(steps, (list) => {
        const partition = emptyPartition();
        const ownerOf = new Map<number, number>();
        let highest = -1;
        for (const [step, ends, back] of list) {
          const before = mapGet(partition.state.locks, 'r');
          const armedAt = logIndex(Math.max((before?.armedAt ?? 0) - back, 0));
          const lapsed: readonly Lapse[] = ends ? [{ space: 'lock', name: 'r', armedAt }] : [];
          const { outcome } = partition.apply(step, { lapsed });
          const after = mapGet(partition.state.locks, 'r');
          expect(after?.fencingToken ?? -1).toBeGreaterThanOrEqual(highest);
          highest = after?.fencingToken ?? -1;
          if (outcome.code !== LockCode.locked || step.type !== 'AcquireLock') continue;
          // Who has this token is this owner, now and for ever: another grant has another one.
          const [name = 0] = step.owner;
          expect(outcome.fencingToken).toBe(highest);
          expect(ownerOf.get(outcome.fencingToken) ?? name).toBe(name);
          ownerOf.set(outcome.fencingToken, name);
          grants += 1;
        }
      }),
      { numRuns: 200 },
    );
    expect(grants).toBeGreaterThan(200);
  });

  it('are what a model without a log says', () => {
    const owners = [bytes(1), bytes(2)];
    const step = fc.record({
      kind: fc.constantFrom('acquire', 'extend', 'release', 'get', 'lapse'),
      who: fc.nat(1),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const partition = emptyPartition();
        const model = { owner: -1, token: -1, over: false };
        for (const { kind, who } of steps) {
          const owner = owners[who] as Uint8Array;
          const held = model.owner >= 0 && !model.over;
          switch (kind) {
            case 'acquire': {
              const { outcome } = partition.apply(acquire('r', owner));
              if (held && model.owner !== who) {
                expect(outcome.code).toBe(LockCode.busy);
                break;
              }
              if (!held) Object.assign(model, { owner: who, token: model.token + 1, over: false });
              expect([outcome.code, outcome.fencingToken]).toEqual([LockCode.locked, model.token]);
              break;
            }
            case 'extend': {
              const { outcome } = partition.apply(extendLock('r', owner));
              const mine = model.owner === who ? LockCode.extended : LockCode.invalidOwner;
              expect(outcome.code).toBe(held ? mine : LockCode.lockDoesNotExist);
              break;
            }
            case 'release': {
              const { outcome } = partition.apply(release('r', owner));
              if (model.owner < 0) expect(outcome.code).toBe(LockCode.lockDoesNotExist);
              else if (model.owner !== who) expect(outcome.code).toBe(LockCode.invalidOwner);
              else {
                expect(outcome.code).toBe(LockCode.unlocked);
                Object.assign(model, { owner: -1, over: false });
              }
              break;
            }
            case 'get': {
              const outcome = partition.read(getLock('r'));
              expect(outcome.code).toBe(held ? LockCode.got : LockCode.lockDoesNotExist);
              if (held) expect(outcome.fencingToken).toBe(model.token);
              break;
            }
            default:
              partition.apply(get('x'), { lapsed: [lapseOf(partition)] });
              if (model.owner >= 0) model.over = true;
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
