import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapGet } from '../../../core/collections/ordered-map.js';
import type { SequenceTake } from '../../../core/partition/command.js';
import {
  blockLeft,
  KEYED_ALLOCATION_MS,
  MAX_KEYED_ALLOCATIONS,
  planReservation,
  takeFromBlock,
  type SequenceBlock,
} from '../../../core/partition/sequence-block.js';
import {
  SequenceCode,
  type CreateSequenceOperation,
  type ReserveSequenceOperation,
  type SequenceOperation,
  type SequenceOutcome,
  type SequenceRecord,
  type UpdateSequenceOperation,
} from '../../../core/partition/sequence-command.js';
import type { SequenceEntry } from '../../../core/partition/sequence-entry.js';
import { emptyPartition, stamp, type PartitionUnderTest } from './support.js';

const MAX = Number.MAX_SAFE_INTEGER;
const { success, notFound, alreadyExists, invalidInput, maxValueExceeded } = SequenceCode;

function create(fields: Partial<CreateSequenceOperation> = {}): CreateSequenceOperation {
  return { type: 'CreateSequence', name: 's', initialValue: 0, increment: 1, ...fields };
}

function update(fields: Partial<UpdateSequenceOperation>): UpdateSequenceOperation {
  return { type: 'UpdateSequence', name: 's', ...fields };
}

function reserve(count: number, idempotencyKey?: string): ReserveSequenceOperation {
  const operation = { type: 'ReserveSequence' as const, name: 's', count };
  return idempotencyKey === undefined ? operation : { ...operation, idempotencyKey };
}

const read = { type: 'GetSequence', name: 's' } as const;
const drop = { type: 'DeleteSequence', name: 's' } as const;
const block = (window: number): SequenceTake => ({ type: 'Block', window });

function withSequence(fields: Partial<CreateSequenceOperation> = {}): PartitionUnderTest {
  const partition = emptyPartition();
  partition.apply(create(fields));
  return partition;
}

function recordIn(partition: PartitionUnderTest): SequenceRecord | undefined {
  return mapGet(partition.state.sequences, 's')?.record;
}

describe('create', () => {
  it('makes a record of which nothing is reserved', () => {
    const partition = emptyPartition();

    const { outcome } = partition.apply(create({ initialValue: -7, increment: 3 }), { stampedAt: stamp(50) });

    const record = {
      name: 's',
      currentValue: -7,
      initialValue: -7,
      increment: 3,
      maxValue: null,
      revision: 0,
      blockSize: null,
      incarnation: 0,
      createdAt: stamp(50),
      updatedAt: stamp(50),
    };
    expect(outcome).toEqual({ family: 'sequence', code: success, record, allocation: null });
    expect(partition.read(read)).toEqual(outcome);
  });

  it('of a name that is taken tells what is there, whatever was asked for', () => {
    const partition = withSequence({ maxValue: 9, blockSize: 4 });
    const before = partition.state.sequences;

    const { outcome } = partition.apply(create({ initialValue: 100 }));

    expect(outcome).toMatchObject({
      code: alreadyExists,
      record: { initialValue: 0, maxValue: 9, blockSize: 4 },
    });
    expect(partition.state.sequences).toBe(before);
  });
});

describe('of a sequence that is not there', () => {
  it.each<SequenceOperation>([update({ increment: 2 }), reserve(1), drop])('%o finds none', (operation) => {
    expect(emptyPartition().apply(operation).outcome).toEqual({
      family: 'sequence',
      code: notFound,
      record: null,
      allocation: null,
    });
  });

  it('get finds none', () => {
    expect(emptyPartition().read(read).code).toBe(notFound);
  });
});

describe('a reservation', () => {
  it('begins one increment after the initial value, which is never handed out', () => {
    const partition = withSequence({ initialValue: 100, increment: 5 });

    const { outcome } = partition.apply(reserve(3), { take: block(10) });

    expect(outcome.allocation).toEqual({ start: 105, end: 115, count: 3, revision: 1 });
    expect(outcome.record).toMatchObject({ currentValue: 150, revision: 1, incarnation: 0 });
  });

  it('passes zero from below', () => {
    const partition = withSequence({ initialValue: -2 });

    const values = [1, 2, 3].map(() => partition.apply(reserve(1)).outcome.allocation?.start);

    expect(values).toEqual([-1, 0, 1]);
  });

  it('without a plan takes what it needs: with block size 1 values follow one another', () => {
    const partition = withSequence();

    const runs = [1, 1, 2].map((count) => partition.apply(reserve(count)).outcome.allocation);

    expect(runs).toMatchObject([
      { start: 1, end: 1 },
      { start: 2, end: 2 },
      { start: 3, end: 4 },
    ]);
  });

  it('larger than the block takes as much as it needs', () => {
    const partition = withSequence();

    const { outcome } = partition.apply(reserve(7), { take: block(3) });

    expect(outcome).toMatchObject({ allocation: { start: 1, end: 7 }, record: { currentValue: 7 } });
  });

  it('never comes from two blocks: the tail of the one before is a gap', () => {
    const partition = withSequence();
    partition.apply(reserve(8), { take: block(10) });

    const { outcome } = partition.apply(reserve(3), { take: block(10) });

    expect(outcome.allocation).toMatchObject({ start: 11, end: 13 });
  });

  it('may hit the limit exactly, and the next one exceeds it', () => {
    const partition = withSequence({ increment: 5, maxValue: 15 });

    expect(partition.apply(reserve(3), { take: block(1000) }).outcome).toMatchObject({
      allocation: { start: 5, end: 15 },
      record: { currentValue: 15 },
    });
    expect(partition.apply(reserve(1), { take: block(1000) }).outcome).toEqual({
      family: 'sequence',
      code: maxValueExceeded,
      record: null,
      allocation: null,
    });
  });

  it('has its window cut to the whole increments below the limit', () => {
    const partition = withSequence({ increment: 4, maxValue: 30 });

    expect(partition.apply(reserve(1), { take: block(1000) }).outcome.record?.currentValue).toBe(28);
  });

  it('that exceeds the limit takes nothing, and a smaller one may still succeed', () => {
    const partition = withSequence({ maxValue: 5 });
    const before = partition.state.sequences;

    expect(partition.apply(reserve(6)).outcome.code).toBe(maxValueExceeded);
    expect(partition.state.sequences).toBe(before);
    expect(partition.apply(reserve(5)).outcome.code).toBe(success);
  });

  it('ends at the largest value that every client can read', () => {
    const partition = withSequence({ initialValue: MAX - 3 });

    expect(partition.apply(reserve(4), { take: block(1000) }).outcome.code).toBe(maxValueExceeded);
    expect(partition.apply(reserve(3), { take: block(1000) }).outcome.allocation?.end).toBe(MAX);
    expect(partition.apply(reserve(1)).outcome.code).toBe(maxValueExceeded);
  });

  it('is exact where products leave the safe integers', () => {
    const increment = 2 ** 52 + 1;
    const partition = withSequence({ initialValue: -MAX, increment });

    const { outcome } = partition.apply(reserve(3), { take: block(1000) });

    const end = Number(-BigInt(MAX) + 3n * BigInt(increment));
    expect(outcome).toMatchObject({ allocation: { end }, record: { currentValue: end } });
    expect(partition.apply(reserve(1)).outcome.code).toBe(maxValueExceeded);
  });

  it('above a limit that came below the values is refused', () => {
    const partition = withSequence({ initialValue: 0 });
    partition.apply(reserve(10));
    partition.apply(update({ maxValue: 5 }));

    expect(partition.apply(reserve(1)).outcome.code).toBe(maxValueExceeded);
  });

  it('is answered from the retry table when it comes again', () => {
    const partition = withSequence();
    const first = partition.apply(reserve(2), { requestId: 'r' });

    expect(partition.apply(reserve(2), { requestId: 'r' }).outcome).toEqual(first.outcome);
    expect(recordIn(partition)?.currentValue).toBe(2);
  });
});

describe('a part of a block', () => {
  const { createdAt } = recordIn(withSequence()) as SequenceRecord;
  const part = (start: number, revision = 1, incarnation = 0): SequenceTake => ({
    type: 'Part',
    start,
    revision,
    incarnation,
    createdAt,
  });

  it('is written down for its key, and leaves the record as it is', () => {
    const partition = withSequence();
    partition.apply(reserve(2), { take: block(10) });
    const before = recordIn(partition);

    const { outcome } = partition.apply(reserve(3, 'key'), { take: part(5) });

    expect(outcome.allocation).toEqual({ start: 5, end: 7, count: 3, revision: 1 });
    expect(recordIn(partition)).toEqual(before);
    expect(partition.apply(reserve(3, 'key')).outcome.allocation).toEqual(outcome.allocation);
  });

  it.each<[string, SequenceTake, (partition: PartitionUnderTest) => void]>([
    ['another revision', part(5, 0), () => undefined],
    ['a record that was updated', part(5), (p) => void p.apply(update({ increment: 1 }))],
    ['another incarnation', part(5, 1, 1), () => undefined],
    ['values beyond the mark', part(9), () => undefined],
    [
      'a record that was made anew',
      part(5),
      (p) => (p.apply(drop), void p.apply(create({ initialValue: 10 }))),
    ],
    [
      'a record that was made anew and has come to the same numbers',
      part(5),
      (p) => {
        p.apply(drop);
        p.apply(create());
        p.apply(reserve(2), { take: block(10) });
      },
    ],
    ['a record with a newer block', part(5), (p) => void p.apply(reserve(1), { take: block(1) })],
  ])('of %s is a block of its own instead', (_what, take, change) => {
    const partition = withSequence();
    partition.apply(reserve(2), { take: block(10) });
    change(partition);
    const before = recordIn(partition)?.currentValue ?? 0;

    const { outcome } = partition.apply(reserve(3, 'key'), { take });

    expect(outcome.allocation).toMatchObject({ start: before + 1, end: before + 3 });
    expect(recordIn(partition)?.currentValue).toBe(before + 3);
  });
});

describe('an idempotency key', () => {
  it('gives the same run again, and takes nothing', () => {
    const partition = withSequence();
    const first = partition.apply(reserve(2, 'key'), { take: block(10) });
    partition.apply(reserve(5), { take: block(10) });
    const before = partition.state.sequences;

    const again = partition.apply(reserve(2, 'key'), { take: block(10) });

    expect(again.outcome.allocation).toEqual(first.outcome.allocation);
    expect(partition.state.sequences).toBe(before);
  });

  it('with another count is refused, with words', () => {
    const partition = withSequence();
    partition.apply(reserve(2, 'key'));

    const { outcome, reason } = partition.apply(reserve(1, 'key'));

    expect(outcome).toMatchObject({ code: invalidInput, allocation: null });
    expect(reason).toBe('the idempotency key "key" was used for 2 values, not for 1');
  });

  it('is remembered for as long as it may be, and then gives fresh values', () => {
    const partition = withSequence();
    partition.apply(reserve(1, 'key'), { stampedAt: stamp(10_000) });

    const last = partition.apply(reserve(1, 'key'), { stampedAt: stamp(10_000 + KEYED_ALLOCATION_MS) });
    const fresh = partition.apply(reserve(1, 'key'), { stampedAt: stamp(10_001 + KEYED_ALLOCATION_MS) });

    expect(last.outcome.allocation?.start).toBe(1);
    expect(fresh.outcome.allocation?.start).toBe(2);
  });

  it('is forgotten when too many came after it, the oldest first', () => {
    const partition = withSequence();
    for (let i = 0; i <= MAX_KEYED_ALLOCATIONS; i += 1) partition.apply(reserve(1, `key ${i}`));

    expect(mapGet(partition.state.sequences, 's')?.keyed).toHaveLength(MAX_KEYED_ALLOCATIONS);
    expect(partition.apply(reserve(1, 'key 1')).outcome.allocation?.start).toBe(2);
    expect(partition.apply(reserve(1, 'key 0')).outcome.allocation?.start).toBe(MAX_KEYED_ALLOCATIONS + 2);
  });

  it('is not used up by a reservation that exceeded the limit', () => {
    const partition = withSequence({ maxValue: 2 });
    partition.apply(reserve(3, 'key'));

    expect(partition.apply(reserve(2, 'key')).outcome.code).toBe(success);
  });

  it('goes with its sequence', () => {
    const partition = withSequence();
    partition.apply(reserve(3, 'key'));
    partition.apply(drop);
    partition.apply(create({ initialValue: 50 }));

    expect(partition.apply(reserve(1, 'key')).outcome.allocation?.start).toBe(51);
  });
});

describe('update', () => {
  it('changes what is given and nothing else, and begins a new incarnation', () => {
    const partition = withSequence({ maxValue: 100, blockSize: 7 });
    partition.apply(reserve(1), { take: block(7) });

    const { outcome } = partition.apply(update({ increment: 10 }), { stampedAt: stamp(9000) });

    expect(outcome).toMatchObject({ code: success, allocation: null });
    expect(outcome.record).toMatchObject({
      currentValue: 7,
      initialValue: 0,
      increment: 10,
      maxValue: 100,
      blockSize: 7,
      revision: 2,
      incarnation: 1,
      updatedAt: stamp(9000),
    });
    expect(partition.apply(reserve(1)).outcome.allocation?.start).toBe(17);
  });

  it('sets and takes away', () => {
    const partition = withSequence({ maxValue: 100, blockSize: 7 });

    const set = partition.apply(update({ currentValue: 40, initialValue: 30, maxValue: 50, blockSize: 2 }));
    expect(set.outcome.record).toMatchObject({
      currentValue: 40,
      initialValue: 30,
      maxValue: 50,
      blockSize: 2,
    });
    const taken = partition.apply(update({ maxValue: null, blockSize: null }));
    expect(taken.outcome.record).toMatchObject({ currentValue: 40, maxValue: null, blockSize: null });
  });

  it.each([
    ['a limit below the initial value', { maxValue: 9 }],
    ['an initial value above the limit', { initialValue: 101 }],
  ])('to %s is refused', (_what, fields) => {
    const partition = withSequence({ initialValue: 10, maxValue: 100 });
    const before = partition.state.sequences;

    const { outcome, reason } = partition.apply(update(fields));

    expect(outcome.code).toBe(invalidInput);
    expect(reason).toContain('below initialValue');
    expect(partition.state.sequences).toBe(before);
  });
});

describe('delete', () => {
  it('drops the record, and the next one begins anew', () => {
    const partition = withSequence();
    partition.apply(reserve(5));

    expect(partition.apply(drop).outcome).toEqual({
      family: 'sequence',
      code: success,
      record: null,
      allocation: null,
    });
    expect(partition.read(read).code).toBe(notFound);
    expect(partition.apply(create({ initialValue: 2 })).outcome.record).toMatchObject({
      currentValue: 2,
      revision: 0,
      incarnation: 0,
    });
  });
});

describe('a plan', () => {
  const record = (fields: Partial<SequenceRecord> = {}): SequenceRecord => ({
    name: 's',
    currentValue: 0,
    initialValue: 0,
    increment: 1,
    maxValue: null,
    revision: 0,
    blockSize: null,
    incarnation: 0,
    createdAt: stamp(1),
    updatedAt: stamp(1),
    ...fields,
  });

  it.each([
    ["the nodes' block size", {}, 1, 1000, 1000],
    ["the record's own", { blockSize: 5 }, 1, 1000, 5],
    ['as many as are asked for', {}, 2000, 1000, 2000],
    ['what there is room for', { maxValue: 10, increment: 3 }, 1, 1000, 3],
    ['nothing where it does not fit', { maxValue: 10, increment: 3 }, 4, 1000, undefined],
    ['nothing above the limit', { maxValue: 10, currentValue: 11 }, 1, 1000, undefined],
    [
      'not more where the distance would be rounded up',
      { currentValue: -4, increment: 2 ** 52 + 2 },
      1,
      9,
      1,
    ],
    ['an exact number from end to end', { currentValue: -MAX, increment: 2 ** 52 + 2 }, 1, 9, 3],
  ])('is %s', (_what, fields, count, blockSize, window) => {
    expect(planReservation(record(fields), count, blockSize)).toBe(window);
  });

  it('is exact for all numbers', () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.maxSafeInteger(),
        fc.oneof(
          fc.integer({ min: 1, max: 10 }),
          fc.maxSafeInteger().map((each) => Math.max(Math.abs(each), 1)),
        ),
        (currentValue, maxValue, increment) => {
          const room =
            maxValue < currentValue ? 0n : (BigInt(maxValue) - BigInt(currentValue)) / BigInt(increment);
          const planned = planReservation(record({ currentValue, maxValue, increment }), 1, 1000);

          expect(planned).toBe(room === 0n ? undefined : Math.min(1000, Number(room)));
        },
      ),
    );
  });
});

describe('values', () => {
  /** A leader as the node has it, in few words: one block in memory, dropped whenever it may not be right any more. */
  function leaderOf(partition: PartitionUnderTest, blockSize: number) {
    let held: SequenceBlock | undefined;
    return {
      lose: () => {
        held = undefined;
      },
      apply: (operation: SequenceOperation): SequenceOutcome => {
        if (operation.type !== 'ReserveSequence') {
          held = undefined;
          return partition.apply(operation).outcome as SequenceOutcome;
        }
        const before = mapGet(partition.state.sequences, 's');
        const { count, idempotencyKey } = operation;
        const fits = held === undefined ? undefined : takeFromBlock(held, count);
        if (fits !== undefined && idempotencyKey === undefined) {
          held = fits.rest;
          return { family: 'sequence', code: success, record: null, allocation: fits.allocation };
        }
        const known = before?.keyed.some(({ key }) => key === idempotencyKey) ?? false;
        const take: SequenceTake =
          fits === undefined || held === undefined
            ? { type: 'Block', window: blockSize }
            : {
                type: 'Part',
                start: held.next,
                revision: held.revision,
                incarnation: held.incarnation,
                createdAt: (before as SequenceEntry).record.createdAt,
              };
        const { outcome } = partition.apply(operation, { take });
        const after = mapGet(partition.state.sequences, 's');
        if (before?.record !== after?.record) held = blockLeft(before, after, outcome.allocation);
        else if (take.type === 'Part' && !known) held = fits?.rest;
        return outcome;
      },
    };
  }

  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ count: fc.integer({ min: 1, max: 7 }), key: fc.option(fc.nat(3)) }) },
    { weight: 1, arbitrary: fc.constantFrom('lose' as const, 'update' as const) },
  );

  it('are unique, contiguous in a run, above all that an earlier leader had, and below the mark', () => {
    let runs = 0;
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 10, maxLength: 60 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 5 }),
        (steps, blockSize, increment) => {
          const partition = withSequence({ increment, initialValue: -20 });
          const leader = leaderOf(partition, blockSize);
          const keyed = new Map<string, { count: number; start: number }>();
          const seen = new Set<number>();
          let highest = -20;
          for (const each of steps) {
            if (each === 'lose') leader.lose();
            else if (each === 'update') leader.apply(update({ blockSize: null }));
            else {
              const key = each.key === null ? undefined : `key ${each.key}`;
              const { code, allocation } = leader.apply(reserve(each.count, key));
              const earlier = key === undefined ? undefined : keyed.get(key);
              if (earlier !== undefined && earlier.count !== each.count) {
                expect(code).toBe(invalidInput);
                continue;
              }
              if (allocation === null) throw new Error('a reservation has no allocation');
              const { start, end, count } = allocation;
              expect([count, end]).toEqual([each.count, start + (count - 1) * increment]);
              if (earlier !== undefined) {
                expect(start).toBe(earlier.start);
                continue;
              }
              if (key !== undefined) keyed.set(key, { count, start });
              for (let value = start; value <= end; value += increment) {
                expect(seen.has(value)).toBe(false);
                seen.add(value);
              }
              expect(start).toBeGreaterThan(highest);
              highest = end;
              expect(recordIn(partition)?.currentValue).toBeGreaterThanOrEqual(end);
              runs += 1;
            }
          }
        },
      ),
      { numRuns: 200 },
    );
    expect(runs).toBeGreaterThan(500);
  });

  it('of a block are handed out to the last one', () => {
    const partition = withSequence({ maxValue: 8 });
    const leader = leaderOf(partition, 5);

    const starts = [1, 2, 2, 1].map((count) => leader.apply(reserve(count)).allocation?.start);

    expect(starts).toEqual([1, 2, 4, 6]);
    expect(recordIn(partition)?.currentValue).toBe(8);
    // Two are left of three, and no room for a new block: the held one stays, for who asks for less.
    expect(leader.apply(reserve(3)).code).toBe(maxValueExceeded);
    expect(leader.apply(reserve(2)).allocation).toMatchObject({ start: 7, end: 8 });
  });
});

describe('the block that is left', () => {
  it('is none after a command that took none, or used all of it', () => {
    const partition = withSequence();
    const created = mapGet(partition.state.sequences, 's');
    const all = partition.apply(reserve(4), { take: block(4) }).outcome;
    const used = mapGet(partition.state.sequences, 's');
    const some = partition.apply(reserve(4), { take: block(10) }).outcome;
    const rest = mapGet(partition.state.sequences, 's');

    expect(blockLeft(undefined, created, null)).toBeUndefined();
    expect(blockLeft(created, used, all.allocation)).toBeUndefined();
    expect(blockLeft(used, rest, some.allocation)).toEqual({
      next: 9,
      increment: 1,
      left: 6,
      revision: 2,
      incarnation: 0,
    });
    expect(blockLeft(rest, undefined, null)).toBeUndefined();
  });

  it('is exact from one end of the numbers to the other', () => {
    const increment = 2 ** 52 + 2;
    const partition = withSequence({ initialValue: -MAX, increment });
    const before = mapGet(partition.state.sequences, 's');

    const { outcome } = partition.apply(reserve(1), { take: block(1000) });

    expect(blockLeft(before, mapGet(partition.state.sequences, 's'), outcome.allocation)?.left).toBe(2);
  });
});
