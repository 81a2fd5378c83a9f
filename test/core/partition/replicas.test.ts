import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImpossibleState } from '../../../core/machine/assert.js';
import type { Operation } from '../../../core/partition/command.js';
import { isRead } from '../../../core/partition/operation.js';
import { executeRead } from '../../../core/partition/partition.js';
import { problemWith } from '../../../core/partition/validate.js';
import {
  decodeChunk,
  encodeChunk,
  FIRST_CHUNK,
  NO_CHUNKS,
  wholeState,
  type ChunkPlace,
} from '../../../core/wire/snapshot-chunk.js';
import { decodeCommand, encodeCommand } from '../../../core/wire/index.js';
import { anySteps, circumstancesOf, recordsOf } from './arbitraries.js';
import {
  acquire,
  bytes,
  emptyPartition,
  extendLock,
  get,
  prolong,
  set,
  stamp,
  type PartitionUnderTest,
} from './support.js';

/** A replica that was sent a snapshot, in chunks of that size. */
function restored(partition: PartitionUnderTest, maxBytes: number): PartitionUnderTest {
  let partial = NO_CHUNKS;
  for (let place: ChunkPlace = FIRST_CHUNK; place.in !== 'end';) {
    const { bytes: chunk, next } = encodeChunk(partition.state, place, maxBytes);
    const decoded = decodeChunk(partial, chunk);
    if (!decoded.ok) throw new Error(decoded.reason);
    partial = decoded.value;
    place = next;
  }
  const replica = emptyPartition();
  const state = wholeState(partial);
  if (state === undefined) throw new Error('the last chunk is missing');
  replica.state = state;
  return replica;
}

describe('replicas that applied the same commands', () => {
  it('are equal, whenever one of them was restored from a snapshot in chunks of whatever size', () => {
    fc.assert(
      fc.property(anySteps, fc.nat(60), fc.integer({ min: 1, max: 400 }), (steps, when, maxBytes) => {
        const one = emptyPartition();
        let other = emptyPartition();
        for (const [i, step] of steps.entries()) {
          if (i === when) other = restored(one, maxBytes);
          const circumstances = circumstancesOf(one, step);

          const first = one.apply(step.operation, circumstances);
          const second = other.apply(step.operation, circumstances);

          expect(second.outcome).toEqual(first.outcome);
          expect(second.reason).toBe(first.reason);
        }
        expect(recordsOf(other)).toEqual(recordsOf(one));
        expect(other.state.digest).toBe(one.state.digest);
        expect(other.state.lastModified).toEqual(one.state.lastModified);
      }),
      { numRuns: 200 },
    );
  });

  it('took them from valid requests, and through the codec', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const partition = emptyPartition();
        for (const step of steps) {
          expect(problemWith(step.operation)).toBeUndefined();
          const circumstances = circumstancesOf(partition, step);
          const command = {
            requestId: 'r' as Parameters<typeof encodeCommand>[0]['requestId'],
            basis: partition.state.applied,
            stampedAt: stamp(1),
            operation: step.operation,
            ...(circumstances.lapsed === undefined ? {} : { lapsed: circumstances.lapsed }),
            ...(circumstances.take === undefined ? {} : { take: circumstances.take }),
          };

          expect(decodeCommand(encodeCommand(command))).toEqual({ ok: true, value: command });
          partition.apply(step.operation, circumstances);
        }
      }),
    );
  });

  it('never find a state impossible', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const partition = emptyPartition();
        for (const step of steps) {
          expect(() => partition.apply(step.operation, circumstancesOf(partition, step))).not.toThrow(
            ImpossibleState,
          );
        }
      }),
    );
  });
});

describe('a read that is a command', () => {
  it('is answered as a plain read is, after what was over has ended', () => {
    let some = 0;
    fc.assert(
      fc.property(anySteps, (steps) => {
        const partition = emptyPartition();
        for (const step of steps) {
          const { operation } = step;
          const circumstances = circumstancesOf(partition, step);
          const { outcome } = partition.apply(operation, circumstances);
          if (!isRead(operation)) continue;
          some += 1;
          expect(executeRead(partition.state, operation)).toEqual(outcome);
        }
      }),
    );
    expect(some).toBeGreaterThan(50);
  });
});

describe('the digest', () => {
  const reserve = (count: number, idempotencyKey?: string): Operation => ({
    type: 'ReserveSequence',
    name: 's',
    count,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
  const create = (others: { maxValue?: number; blockSize?: number }): Operation => ({
    type: 'CreateSequence',
    name: 's',
    initialValue: 0,
    increment: 1,
    ...others,
  });

  it.each<[string, readonly Operation[], readonly Operation[]]>([
    ['another time to live', [set('k', null, { expiresMs: 5 })], [set('k', null, { expiresMs: 6 })]],
    ['one for none', [set('k', null, { expiresMs: 5 })], [set('k', null)]],
    ['a set without revision', [set('k', null, { flags: 2 })], [set('k', null, { flags: 1 })]],
    ['another extension', [set('k', null), prolong('k', 5)], [set('k', null), prolong('k', 6)]],
    ['another owner', [acquire('r', bytes(1))], [acquire('r', bytes(2))]],
    ['another lease', [acquire('r', bytes(1), 5)], [acquire('r', bytes(1), 6)]],
    ['another lock', [acquire('r', bytes(1))], [acquire('q', bytes(1))]],
    ['an acquisition of an extension', [acquire('r', bytes(1))], [extendLock('r', bytes(1))]],
    ['a limit', [create({})], [create({ maxValue: 0 })]],
    ['a block size', [create({})], [create({ blockSize: 1 })]],
    ['a limit of a block size', [create({ maxValue: 1 })], [create({ blockSize: 1 })]],
    ['another count', [create({}), reserve(1)], [create({}), reserve(2)]],
    ['an idempotency key', [create({}), reserve(1)], [create({}), reserve(1, 'i')]],
    ['another one', [create({}), reserve(1, 'j')], [create({}), reserve(1, 'i')]],
    ['a read of another kind', [get('k')], [{ type: 'Exists', key: 'k' }]],
  ])('tells %s', (_what, one, other) => {
    const digests = [one, other].map((operations) => {
      const partition = emptyPartition();
      for (const operation of operations) partition.apply(operation);
      return partition.state.digest;
    });

    expect(digests[0]).not.toBe(digests[1]);
  });

  it('tells another window of a block', () => {
    const digests = [3, 4].map((window) => {
      const partition = emptyPartition();
      partition.apply(create({}));
      partition.apply(reserve(1), { take: { type: 'Block', window } });
      return partition.state.digest;
    });

    expect(digests[0]).not.toBe(digests[1]);
  });
});
