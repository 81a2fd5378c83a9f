/** Commands in few words, and a partition that applies them one after the other. */

import { logIndex, nodeId, revision, wallMs } from '../../../core/machine/units.js';
import type { Timestamp } from '../../../core/clock/hybrid-clock.js';
import {
  SetFlag,
  type Command,
  type RequestId,
  type SetOperation,
  type Value,
  type WriteOperation,
} from '../../../core/partition/command.js';
import {
  applyCommand,
  applyNothing,
  EMPTY_PARTITION,
  type Applied,
  type PartitionState,
} from '../../../core/partition/partition.js';
import { deepFreeze, pureStep } from '../support/pure.js';

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

export interface SetConditions {
  readonly flags?: number;
  readonly compareValue?: Value;
  readonly compareRevision?: number;
}

export function set(key: string, value: Value, conditions: SetConditions = {}): SetOperation {
  return {
    type: 'Set',
    key,
    value,
    flags: conditions.flags ?? SetFlag.set,
    compareValue: conditions.compareValue ?? null,
    compareRevision: revision(conditions.compareRevision ?? 0),
  };
}

export function remove(key: string): WriteOperation {
  return { type: 'Delete', key };
}

export function stamp(wall: number, counter = 0, node = 1): Timestamp {
  return { node: nodeId(node), wall: wallMs(wall), counter };
}

export interface Circumstances {
  readonly requestId?: string;
  readonly basis?: number;
  readonly stampedAt?: Timestamp;
  readonly window?: number;
}

/** A partition in the hands of a test: `state` is the newest one, every apply is checked for purity. */
export interface PartitionUnderTest {
  state: PartitionState;
  apply(operation: WriteOperation, circumstances?: Circumstances): Applied;
  applyNothing(times?: number, window?: number): void;
}

export function emptyPartition(): PartitionUnderTest {
  const partition: PartitionUnderTest = {
    state: deepFreeze(EMPTY_PARTITION),
    apply(operation, circumstances = {}) {
      const index = logIndex(partition.state.applied + 1);
      const command: Command = {
        requestId: (circumstances.requestId ?? `request ${index}`) as RequestId,
        basis: logIndex(circumstances.basis ?? partition.state.applied),
        stampedAt: circumstances.stampedAt ?? stamp(1000 + index),
        operation,
      };
      const window = circumstances.window ?? 1000;
      const applied = pureStep(
        (state: PartitionState, given: Command) => applyCommand(state, index, given, window),
        partition.state,
        command,
      );
      partition.state = applied.state;
      return applied;
    },
    applyNothing(times = 1, window = 1000) {
      for (let i = 0; i < times; i += 1) {
        partition.state = deepFreeze(
          applyNothing(partition.state, logIndex(partition.state.applied + 1), window),
        );
      }
    },
  };
  return partition;
}
