/** Holds, the floors that follow from them, and what a partition then keeps of the past. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareTimestamps, ZERO_TIMESTAMP, type Timestamp } from '../../../core/clock/hybrid-clock.js';
import { emptyOrderedMap, mapGet, mapSet } from '../../../core/collections/ordered-map.js';
import { groupId, logIndex } from '../../../core/machine/units.js';
import { KeyValueCode, SetFlag, type Trim } from '../../../core/partition/command.js';
import {
  HoldCode,
  MAX_HOLDER_LENGTH,
  MAX_HOLDS,
  type HoldOperation,
  type SetFloorOperation,
} from '../../../core/partition/hold-command.js';
import { holdIdOf, liveHolds } from '../../../core/partition/holds.js';
import { MAX_HISTORY, MAX_UNPAGED_HISTORY } from '../../../core/partition/key-entry.js';
import { lapsesIn } from '../../../core/partition/lapse.js';
import { describeOperation, groupOfOperation } from '../../../core/partition/operation.js';
import type { HoldEntry } from '../../../core/partition/retention.js';
import { problemWith } from '../../../core/partition/validate.js';
import {
  bytes,
  emptyPartition,
  get,
  pagedPartition,
  remove,
  set,
  stamp,
  type PartitionUnderTest,
} from './support.js';

const LEASE = 1_000;

function acquireHold(holder: string, timestamp: Timestamp, leaseMs = LEASE): HoldOperation {
  return { type: 'AcquireHold', holder, timestamp, leaseMs };
}

function floorAt(timestamp: Timestamp, position: number): SetFloorOperation {
  return { type: 'SetFloor', group: groupId(1), timestamp, position: logIndex(position) };
}

const GET_FLOOR: HoldOperation = { type: 'GetFloor' };

describe('a hold', () => {
  it('has an id of 32 hexadecimal digits, which follows from the holder and the time', () => {
    const ids = [
      holdIdOf('a', stamp(5)),
      holdIdOf('a', stamp(5)),
      holdIdOf('b', stamp(5)),
      holdIdOf('a', stamp(6)),
      holdIdOf('a', stamp(5, 1)),
      holdIdOf('a', stamp(5, 0, 2)),
    ];

    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });

  it('is one for its holder and time: acquired again it has a new lease', () => {
    const group = emptyPartition();
    const first = group.apply(acquireHold('a', stamp(5)));
    const second = group.apply(acquireHold('a', stamp(5), 2 * LEASE));

    expect(first.outcome).toMatchObject({ code: HoldCode.set, hold: holdIdOf('a', stamp(5)) });
    expect(second.outcome).toMatchObject({ code: HoldCode.set, hold: first.outcome.hold });
    expect(second.outcome.expires.wall - first.outcome.expires.wall).toBe(LEASE + 1);
    expect(group.read(GET_FLOOR)).toMatchObject({ floor: stamp(5), live: 1 });
  });

  it('gets a new lease when it is renewed, which may be shorter, and is gone when it is released', () => {
    const group = emptyPartition();
    const { hold, expires } = group.apply(acquireHold('a', stamp(5))).outcome;
    const renewed = group.apply({ type: 'RenewHold', hold, leaseMs: 1 });

    expect(renewed.outcome).toMatchObject({ code: HoldCode.set, hold });
    expect(renewed.outcome.expires.wall).toBeLessThan(expires.wall);
    expect(group.apply({ type: 'ReleaseHold', hold }).outcome.code).toBe(HoldCode.released);
    expect(group.apply({ type: 'ReleaseHold', hold }).outcome.code).toBe(HoldCode.doesNotExist);
    expect(group.apply({ type: 'RenewHold', hold, leaseMs: 1 }).outcome.code).toBe(HoldCode.doesNotExist);
  });

  it('ends by a lapse of its newest lease, and by no other; nothing is left of it', () => {
    const group = emptyPartition();
    const { hold } = group.apply(acquireHold('a', stamp(5))).outcome;
    const armedAt = group.state.applied;
    group.apply(acquireHold('a', stamp(5)));
    const lapsed = [{ space: 'hold' as const, name: hold, armedAt }];
    const prolonged = group.apply(GET_FLOOR, { lapsed });
    const over = [{ space: 'hold' as const, name: hold, armedAt: logIndex(armedAt + 1) }];
    const ended = group.apply(GET_FLOOR, { lapsed: over });

    expect(prolonged.outcome).toMatchObject({ live: 1, floor: stamp(5) });
    expect(ended.outcome).toMatchObject({ code: HoldCode.got, live: 0, floor: ZERO_TIMESTAMP });
    expect(group.state.retention).toMatchObject({ live: emptyOrderedMap(), changedAt: group.state.applied });
  });

  it('bears on every question about holds, once it is over', () => {
    const group = emptyPartition();
    const { hold } = group.apply(acquireHold('a', stamp(5))).outcome;
    group.apply(acquireHold('b', stamp(6)));

    const asked: HoldOperation[] = [GET_FLOOR, acquireHold('c', stamp(1)), { type: 'ReleaseHold', hold }];
    for (const operation of asked) {
      const lapses = lapsesIn(group.state, operation, (space, name) => space === 'hold' && name === hold);
      expect(lapses).toEqual([{ space: 'hold', name: hold, armedAt: 1 }]);
    }
  });

  it('is refused where there are too many already, unless it is one of them', () => {
    const group = emptyPartition();
    group.apply(acquireHold('first', stamp(5)));
    const first = holdIdOf('first', stamp(5));
    const entry = mapGet(liveHolds(group.state), first) as HoldEntry;
    let live = mapSet(emptyOrderedMap<HoldEntry>(), first, entry);
    for (let i = 1; i < MAX_HOLDS; i += 1) live = mapSet(live, `hold ${i}`, entry);
    group.state = { ...group.state, retention: { type: 'Holds', live, changedAt: logIndex(1) } };

    const another = group.apply(acquireHold('another', stamp(5)));

    expect(another.outcome.code).toBe(HoldCode.errored);
    expect(another.reason).toContain('10000 holds');
    expect(group.apply(acquireHold('first', stamp(5))).outcome.code).toBe(HoldCode.set);
  });

  it('holds the exact time; the floor is the lowest', () => {
    const group = emptyPartition();
    const ofNoNode = { ...stamp(7, 0xffff_ffff), node: 0 as never };
    group.apply(acquireHold('a', stamp(9, 3, 2)));
    group.apply(acquireHold('b', ofNoNode));

    expect(group.read(GET_FLOOR)).toMatchObject({ floor: ofNoNode, live: 2 });
    group.apply({ type: 'ReleaseHold', hold: holdIdOf('b', ofNoNode) });
    expect(group.read(GET_FLOOR)).toMatchObject({ floor: stamp(9, 3, 2), live: 1 });
  });

  it('belongs to group 0, and a repetition is told from another one by its description', () => {
    expect(groupOfOperation(acquireHold('a', stamp(5)), 8)).toBe(0);
    expect(groupOfOperation(GET_FLOOR, 8)).toBe(0);
    expect(groupOfOperation(floorAt(stamp(1), 1), 8)).toBe(1);
    expect(describeOperation(acquireHold('a', stamp(5)))).toBe('acquireHold a');
    expect(describeOperation({ type: 'ReleaseHold', hold: 'x' })).toBe('releaseHold x');
  });

  it.each<readonly [string, HoldOperation]>([
    ['holder is empty', acquireHold('', stamp(5))],
    ['characters', acquireHold('x'.repeat(MAX_HOLDER_LENGTH + 1), stamp(5))],
    ['time to hold', acquireHold('a', ZERO_TIMESTAMP)],
    ['time to hold', acquireHold('a', stamp(-1))],
    ['leaseMs', acquireHold('a', stamp(5), 0)],
    ['leaseMs', acquireHold('a', stamp(5), 2 ** 31)],
    ['leaseMs', { type: 'RenewHold', hold: 'x', leaseMs: -1 }],
    ['id of the hold is empty', { type: 'RenewHold', hold: '', leaseMs: 1 }],
    ['id of the hold is empty', { type: 'ReleaseHold', hold: '' }],
  ])('is refused for what makes no sense: %s', (reason, operation) => {
    expect(problemWith(operation)).toContain(reason);
  });

  it('may be of any holder, time and lease within the bounds', () => {
    expect(problemWith(acquireHold('x'.repeat(MAX_HOLDER_LENGTH), stamp(0, 1), 2 ** 31 - 1))).toBeUndefined();
    expect(problemWith(GET_FLOOR)).toBeUndefined();
  });
});

describe('a floor', () => {
  it('replaces an older one, and none that follows from newer holds', () => {
    const partition = emptyPartition();
    partition.apply(floorAt(stamp(50), 7));
    const late = partition.apply(floorAt(stamp(10), 6));
    const known = partition.state.retention;
    partition.apply(floorAt(ZERO_TIMESTAMP, 8));

    expect(late.outcome.code).toBe(HoldCode.set);
    expect(known).toEqual({ type: 'Floor', timestamp: stamp(50), position: 7 });
    expect(partition.state.retention).toEqual({ type: 'Floor', timestamp: ZERO_TIMESTAMP, position: 8 });
  });

  it('stays through every kind of command, and through an entry without one', () => {
    const partition = emptyPartition();
    partition.apply(floorAt(stamp(50), 7));
    const kept = partition.state.retention;

    partition.apply(set('k', bytes(1), { expiresMs: 5 }));
    partition.apply(remove('k'));
    partition.apply({ type: 'AcquireLock', resource: 'r', owner: bytes(1), expiresMs: 5 });
    partition.apply({ type: 'CreateSequence', name: 's', initialValue: 0, increment: 1 });
    partition.apply(get('k'));
    partition.applyNothing();

    expect(kept).toBeDefined();
    expect(partition.state.retention).toEqual(kept);
  });

  it('is no part of a state that never had one', () => {
    const partition = emptyPartition();
    partition.apply(set('k', bytes(1)));
    partition.applyNothing();

    expect('retention' in partition.state).toBe(false);
  });
});

/** Writes the key so often, at 1,001 ms and so on, one millisecond apart. */
function write(partition: PartitionUnderTest, times: number, size = 1): void {
  for (let i = 0; i < times; i += 1) partition.apply(set('k', new Uint8Array(size).fill(i)));
}

/** Everything that may go by the rules of retention. */
const ALL: Trim = { from: '', to: '', keep: 1, before: ZERO_TIMESTAMP };

/** Applies the rules of retention, beside a read that is for nobody. */
function trim(partition: PartitionUnderTest, rules: Partial<Trim> = {}): void {
  partition.apply(get('k'), { trim: { ...ALL, ...rules } });
}

/** The revisions of `k` that can still be read. */
function known(partition: PartitionUnderTest): readonly number[] {
  const newest = mapGet(partition.state.keys, 'k')?.revision ?? -1;
  return Array.from({ length: newest + 1 }, (_, i) => i).filter(
    (wanted) => partition.read(get('k', { revision: wanted })).code !== KeyValueCode.errored,
  );
}

const upTo = (last: number, first = 0): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('the past under a floor', () => {
  const LONG = 6 * MAX_HISTORY;

  it('goes without one, but for the newest versions', () => {
    const partition = pagedPartition();
    write(partition, LONG);
    trim(partition);

    expect(known(partition).length).toBeLessThanOrEqual(MAX_UNPAGED_HISTORY + 1);
    expect(known(partition).length).toBeGreaterThan(MAX_HISTORY);
    expect(partition.read(get('k', { at: stamp(1_001) })).code).toBe(KeyValueCode.errored);
  });

  it('has every version that is newer, and the newest one that is not', () => {
    const partition = pagedPartition();
    write(partition, 40);
    const boundary = mapGet(partition.state.keys, 'k')?.lastModified as Timestamp;
    partition.apply(floorAt(boundary, 1));
    write(partition, LONG);
    trim(partition);
    const newest = 39 + LONG;

    expect(known(partition)).toEqual(upTo(newest, known(partition)[0]));
    expect(known(partition)[0]).toBeLessThanOrEqual(39);
    expect(partition.read(get('k', { at: boundary }))).toMatchObject({
      code: KeyValueCode.got,
      revision: 39,
    });
  });

  it('has the boundary also where the floor lies between two versions, the older one the last of its page', () => {
    for (let revision = 0; revision < 40; revision += 1) {
      const partition = pagedPartition();
      write(partition, LONG);
      // The write at index i has the time of 1,000 ms + i.
      const between = stamp(1_001 + revision, 5);
      partition.apply(floorAt(between, 1));
      trim(partition);

      expect(partition.read(get('k', { at: between }))).toMatchObject({ code: KeyValueCode.got, revision });
    }
  });

  it('goes once nothing is held', () => {
    const partition = pagedPartition();
    partition.apply(floorAt(stamp(1), 1));
    write(partition, LONG);
    trim(partition);
    const held = known(partition).length;
    partition.apply(floorAt(ZERO_TIMESTAMP, 2));
    trim(partition);

    expect(held).toBe(LONG);
    expect(known(partition).length).toBeLessThanOrEqual(MAX_UNPAGED_HISTORY + 1);
  });

  it('has no version that a set without revision replaced: what was then is not known', () => {
    const partition = pagedPartition();
    write(partition, 1);
    const then = mapGet(partition.state.keys, 'k')?.lastModified as Timestamp;
    partition.apply(floorAt(then, 1));
    partition.apply(set('k', bytes(9), { flags: SetFlag.noRevision }));
    write(partition, LONG);

    expect(partition.read(get('k', { at: then })).code).toBe(KeyValueCode.errored);
  });

  it('always answers reads at the floor, and later, as they would have been answered then', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constant('set' as const) },
      { weight: 1, arbitrary: fc.constant('delete' as const) },
      { weight: 1, arbitrary: fc.constant('hold' as const) },
      { weight: 1, arbitrary: fc.constant('trim' as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 150 }), (steps) => {
        const partition = pagedPartition();
        const seen: { readonly at: Timestamp; readonly told: unknown }[] = [];
        let floor: Timestamp | undefined;
        let value = 0;
        for (const each of steps) {
          if (each === 'delete') partition.apply(remove('k'));
          else if (each === 'trim') trim(partition);
          else if (each === 'set') partition.apply(set('k', bytes((value += 1) % 256)));
          else if (floor === undefined && mapGet(partition.state.keys, 'k') !== undefined) {
            floor = partition.state.lastModified;
            partition.apply(floorAt(floor, 1));
          }
          const at = partition.state.lastModified;
          seen.push({ at, told: partition.read(get('k')) });
        }
        const from = floor;
        if (from === undefined) return;
        for (const { at, told } of seen) {
          if (at.node === 0 || compareTimestamps(at, from) < 0) continue;
          expect(partition.read(get('k', { at }))).toEqual(told);
        }
      }),
    );
  });
});
