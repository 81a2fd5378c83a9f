/** Runs of commands on a few names, close enough together that all rules meet each other. */

import * as fc from 'fast-check';
import { mapForEach } from '../../../core/collections/ordered-map.js';
import type { Lapse, Operation, SequenceTake } from '../../../core/partition/command.js';
import { SetFlag } from '../../../core/partition/command.js';
import { lapsesIn } from '../../../core/partition/lapse.js';
import {
  acquire,
  bytes,
  exists,
  extendLock,
  get,
  getLock,
  prolong,
  release,
  remove,
  set,
  stamp,
  type Circumstances,
  type PartitionUnderTest,
} from './support.js';

const key = fc.constantFrom('a', 'b/1', 'b/2', 'c');
const resource = fc.constantFrom('a', 'r');
const owner = fc.constantFrom(bytes(1), bytes(2));
const name = fc.constantFrom('s', 't');
const count = fc.integer({ min: 1, max: 5 });

export const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc
    .tuple(key, fc.option(fc.uint8Array({ maxLength: 3 })), fc.nat(63), fc.option(fc.nat(50)))
    .map(([k, value, flags, expiresMs]) =>
      set(k, value === null ? null : Uint8Array.from(value), {
        flags,
        ...(expiresMs === null ? {} : { expiresMs: expiresMs + 1 }),
      }),
    ),
  key.map((k) => set(k, bytes(1), { flags: SetFlag.set, expiresMs: 10 })),
  key.map(remove),
  key.map((k) => prolong(k, 20)),
  key.map((k) => get(k)),
  key.map(exists),
  fc.record({ type: fc.constant('Scan' as const), prefix: fc.constantFrom('a', 'b'), limit: count }),
  fc.tuple(resource, owner).map(([r, who]) => acquire(r, who)),
  fc.tuple(resource, owner).map(([r, who]) => extendLock(r, who)),
  fc.tuple(resource, owner).map(([r, who]) => release(r, who)),
  resource.map(getLock),
  name.map((s) => ({
    type: 'CreateSequence' as const,
    name: s,
    initialValue: 0,
    increment: 2,
    maxValue: 60,
  })),
  name.map((s) => ({ type: 'UpdateSequence' as const, name: s, currentValue: 0 })),
  fc.record(
    {
      type: fc.constant('ReserveSequence' as const),
      name,
      count,
      idempotencyKey: fc.constantFrom('i', 'j'),
    },
    { requiredKeys: ['type', 'name', 'count'] },
  ),
  name.map((s) => ({ type: 'DeleteSequence' as const, name: s })),
  name.map((s) => ({ type: 'GetSequence' as const, name: s })),
);

export interface Step {
  readonly operation: Operation;
  readonly wall: number;
  /** Whether what the operation looks at is over. */
  readonly ends: boolean;
  /** An earlier request comes again: so many steps before. */
  readonly again: number;
  readonly window: number;
}

export const anySteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    operation: anyOperation,
    wall: fc.nat(300),
    ends: fc.boolean(),
    again: fc.constantFrom(0, 0, 0, 1, 2),
    window: fc.integer({ min: 1, max: 8 }),
  }),
  { minLength: 1, maxLength: 60 },
);

/** What a step asks of a partition in its present state. */
export function circumstancesOf(partition: PartitionUnderTest, step: Step): Circumstances {
  const { operation, ends, wall, again, window } = step;
  const lapsed: readonly Lapse[] = lapsesIn(partition.state, operation, () => ends);
  const take: SequenceTake = { type: 'Block', window };
  return {
    requestId: `request ${partition.state.applied + 1 - again}`,
    stampedAt: stamp(1000 + wall),
    ...(lapsed.length === 0 ? {} : { lapsed }),
    ...(operation.type === 'ReserveSequence' ? { take } : {}),
  };
}

/** All names in a state, with what it has under them. */
export function recordsOf({ state }: PartitionUnderTest): readonly (readonly [string, unknown])[] {
  const records: [string, unknown][] = [];
  mapForEach(state.keys, (each, entry) => void records.push([`key ${each}`, entry]));
  mapForEach(state.locks, (each, entry) => void records.push([`lock ${each}`, entry]));
  mapForEach(state.sequences, (each, entry) => void records.push([`sequence ${each}`, entry]));
  return records;
}
