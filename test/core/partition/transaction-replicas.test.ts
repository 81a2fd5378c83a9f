import { describe, expect, it } from 'vitest';
import { mapForEach, type OrderedMap } from '../../../core/collections/ordered-map.js';
import { logIndex } from '../../../core/machine/units.js';
import type { Operation } from '../../../core/partition/command.js';
import { liveHolds } from '../../../core/partition/holds.js';
import { intentOn, NO_TRANSACTIONS } from '../../../core/partition/prepared.js';
import { floorOf } from '../../../core/partition/retention.js';
import {
  decodeChunk,
  encodeChunk,
  FIRST_CHUNK,
  NO_CHUNKS,
  wholeState,
  type ChunkPlace,
} from '../../../core/wire/snapshot-chunk.js';
import { bytes, emptyPartition, get, set, stamp, type PartitionUnderTest } from './support.js';
import {
  abort,
  atOnce,
  commit,
  decide,
  finish,
  HERE,
  prepareElsewhere,
  prepareHere,
  put,
  settle,
} from './transaction-support.js';

const A = bytes(1);

/** Some of each: prepared, undecided, committed, aborted and settled. */
function busy(): PartitionUnderTest {
  const partition = emptyPartition();
  partition.apply(set('k', A));
  partition.apply(prepareElsewhere('a', { writes: [put('a', A), put('k', A, { expiresMs: 9 })] }));
  const { at } = partition.apply(prepareHere('b', { writes: [put('b', A)] })).outcome;
  partition.apply(decide('b', commit(at)));
  partition.apply(prepareHere('c', { writes: [put('c', A, { revisions: 3 })] }));
  partition.apply(atOnce('d', { writes: [put('d', A, { revisions: 2 })] }));
  partition.apply(decide('e', abort));
  partition.apply(settle('f', abort));
  return partition;
}

function chunksOf({ state }: PartitionUnderTest, maxBytes: number): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let place: ChunkPlace = FIRST_CHUNK; place.in !== 'end';) {
    const { bytes: chunk, next } = encodeChunk(state, place, maxBytes);
    chunks.push(chunk);
    place = next;
  }
  return chunks;
}

function restored(chunks: readonly Uint8Array[]): PartitionUnderTest {
  let partial = NO_CHUNKS;
  for (const chunk of chunks) {
    const decoded = decodeChunk(partial, chunk);
    if (!decoded.ok) throw new Error(decoded.reason);
    partial = decoded.value;
  }
  const replica = emptyPartition();
  const state = wholeState(partial);
  if (state === undefined) throw new Error('the last chunk is missing');
  replica.state = state;
  return replica;
}

function entriesOf<T>(map: OrderedMap<T>): readonly (readonly [string, T])[] {
  const entries: (readonly [string, T])[] = [];
  mapForEach(map, (name, entry) => void entries.push([name, entry]));
  return entries;
}

const REST: readonly Operation[] = [
  settle('a', commit(stamp(5_000))),
  finish('b'),
  decide('c', abort),
  settle('c', abort),
  prepareHere('e', { writes: [put('e', A)] }),
  get('k'),
];

describe('a replica that was sent a snapshot with transactions inside', () => {
  it.each([1, 40, 1_000_000])(
    'holds the same, in chunks of %d bytes, and goes on the same way',
    (maxBytes) => {
      const original = busy();
      const chunks = chunksOf(original, maxBytes);
      const replica = restored(chunks);

      expect(chunksOf(replica, maxBytes)).toEqual(chunks);
      expect(intentOn(replica.state, 'k')).toBe('a');
      for (const operation of REST) {
        const circumstances = { stampedAt: stamp(6_000), requestId: `r${original.state.applied}` };
        const { outcome } = original.apply(operation, circumstances);
        expect(replica.apply(operation, circumstances).outcome).toEqual(outcome);
      }
      expect(replica.state.digest).toBe(original.state.digest);
      expect(chunksOf(replica, maxBytes)).toEqual(chunksOf(original, maxBytes));
    },
  );

  it.each([1, 40, 1_000_000])(
    'keeps the past for others as well: with holds, or with a floor, in chunks of %d bytes',
    (maxBytes) => {
      const withHolds = busy();
      for (const holder of ['one', 'other']) {
        withHolds.apply({ type: 'AcquireHold', holder, timestamp: stamp(7), leaseMs: 100 });
      }
      const withFloor = busy();
      withFloor.apply({ type: 'SetFloor', group: HERE, timestamp: stamp(7), position: logIndex(3) });
      for (const original of [withHolds, withFloor]) {
        const chunks = chunksOf(original, maxBytes);
        const replica = restored(chunks);
        const { transactions, retention } = original.state;

        expect(chunksOf(replica, maxBytes)).toEqual(chunks);
        for (const kind of ['prepared', 'intents', 'open', 'closed'] as const) {
          const kept = entriesOf<unknown>(replica.state.transactions[kind]);
          expect(kept).toEqual(entriesOf<unknown>(transactions[kind]));
        }
        expect(replica.state.retention?.type).toBe(retention?.type);
        expect(entriesOf(liveHolds(replica.state))).toEqual(entriesOf(liveHolds(original.state)));
        expect(floorOf(replica.state)).toEqual(floorOf(original.state));
      }
      expect(liveHolds(withHolds.state).size).toBe(2);
      expect(floorOf(withFloor.state)).toEqual(stamp(7));
    },
  );

  it('forgets what the original forgets', () => {
    const original = busy();
    const replica = restored(chunksOf(original, 1));
    const { applied } = original.state;
    for (const partition of [original, replica]) partition.applyNothing(4, 5);

    expect(chunksOf(replica, 40)).toEqual(chunksOf(original, 40));
    expect(replica.state.transactions.closed.size).toBeLessThan(3);
    expect(original.state.retries.forgotten).toBe(logIndex(applied - 1));
  });

  it('has nothing about transactions where there were none', () => {
    const partition = emptyPartition();
    partition.apply(set('k', A));

    expect(restored(chunksOf(partition, 1)).state.transactions).toBe(NO_TRANSACTIONS);
  });
});
