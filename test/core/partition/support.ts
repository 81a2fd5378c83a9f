/** Commands in few words, and a partition that applies them one after the other. */

import { logIndex, nodeId, revision, wallMs } from '../../../core/machine/units.js';
import type { Timestamp } from '../../../core/clock/hybrid-clock.js';
import {
  SetFlag,
  type Command,
  type DeleteOperation,
  type ExistsOperation,
  type ExtendOperation,
  type GetOperation,
  type KeyValueOutcome,
  type Lapse,
  type Operation,
  type PageOutcome,
  type ReadOperation,
  type RequestId,
  type ScanOperation,
  type SequenceTake,
  type SetOperation,
  type Trim,
  type Value,
} from '../../../core/partition/command.js';
import type { HoldOperation, HoldOutcome, SetFloorOperation } from '../../../core/partition/hold-command.js';
import type {
  AcquireLockOperation,
  ExtendLockOperation,
  GetLockOperation,
  LockOperation,
  LockOutcome,
  ReleaseLockOperation,
} from '../../../core/partition/lock-command.js';
import type { SequenceOperation, SequenceOutcome } from '../../../core/partition/sequence-command.js';
import type {
  TransactionOperation,
  TransactionOutcome,
} from '../../../core/partition/transaction-command.js';
import { NOTHING_KEPT_APART, type KeptApart } from '../../../core/partition/contents.js';
import { NOTHING_AT_HAND } from '../../../core/partition/past.js';
import { decodeVersions, encodeVersions } from '../../../core/wire/past.js';
import {
  answerRead,
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
  readonly expiresMs?: number;
}

export function set(key: string, value: Value, conditions: SetConditions = {}): SetOperation {
  return {
    type: 'Set',
    key,
    value,
    flags: conditions.flags ?? SetFlag.set,
    compareValue: conditions.compareValue ?? null,
    compareRevision: revision(conditions.compareRevision ?? 0),
    ...(conditions.expiresMs === undefined ? {} : { expiresMs: conditions.expiresMs }),
  };
}

export function remove(key: string): DeleteOperation {
  return { type: 'Delete', key };
}

export function prolong(key: string, expiresMs: number): ExtendOperation {
  return { type: 'Extend', key, expiresMs };
}

export function get(key: string, of: { revision?: number; at?: Timestamp } = {}): GetOperation {
  const { revision: wanted, at } = of;
  return {
    type: 'Get',
    key,
    ...(wanted === undefined ? {} : { revision: revision(wanted) }),
    ...(at === undefined ? {} : { at }),
  };
}

export function exists(key: string): ExistsOperation {
  return { type: 'Exists', key };
}

export function acquire(resource: string, owner: Uint8Array, expiresMs = 1000): AcquireLockOperation {
  return { type: 'AcquireLock', resource, owner, expiresMs };
}

export function extendLock(resource: string, owner: Uint8Array, expiresMs = 1000): ExtendLockOperation {
  return { type: 'ExtendLock', resource, owner, expiresMs };
}

export function release(resource: string, owner: Uint8Array): ReleaseLockOperation {
  return { type: 'ReleaseLock', resource, owner };
}

export function getLock(resource: string): GetLockOperation {
  return { type: 'GetLock', resource };
}

export function stamp(wall: number, counter = 0, node = 1): Timestamp {
  return { node: nodeId(node), wall: wallMs(wall), counter };
}

export interface Circumstances {
  readonly requestId?: string;
  readonly basis?: number;
  readonly stampedAt?: Timestamp;
  readonly window?: number;
  readonly lapsed?: readonly Lapse[];
  readonly take?: SequenceTake;
  readonly trim?: Trim;
}

/** The outcomes of an operation's family. */
export type OutcomeOf<O extends Operation> = O extends ScanOperation
  ? PageOutcome
  : O extends LockOperation
    ? LockOutcome
    : O extends SequenceOperation
      ? SequenceOutcome
      : O extends HoldOperation | SetFloorOperation
        ? HoldOutcome
        : O extends TransactionOperation
          ? TransactionOutcome
          : KeyValueOutcome;

export type AppliedTo<O extends Operation> = Omit<Applied, 'outcome'> & { readonly outcome: OutcomeOf<O> };

/** A partition in the hands of a test: `state` is the newest one, every apply is checked for purity. */
export interface PartitionUnderTest {
  state: PartitionState;
  apply<O extends Operation>(operation: O, circumstances?: Circumstances): AppliedTo<O>;
  read<O extends ReadOperation>(operation: O): OutcomeOf<O>;
  applyNothing(times?: number, window?: number): void;
}

/** Forgets the versions for which keys have no room. */
export function emptyPartition(): PartitionUnderTest {
  return partitionKeeping(NOTHING_KEPT_APART, new Map());
}

/** Keeps them in pages, whose bytes are in the map by the names of the pages. */
export function pagedPartition(kept = new Map<number, Uint8Array>()): PartitionUnderTest {
  return partitionKeeping({ ...NOTHING_KEPT_APART, encodeVersions }, kept);
}

function partitionKeeping(apart: KeptApart, kept: Map<number, Uint8Array>): PartitionUnderTest {
  const partition: PartitionUnderTest = {
    state: deepFreeze(EMPTY_PARTITION),
    apply<O extends Operation>(operation: O, circumstances: Circumstances = {}) {
      const index = logIndex(partition.state.applied + 1);
      const command: Command = {
        requestId: (circumstances.requestId ?? `request ${index}`) as RequestId,
        basis: logIndex(circumstances.basis ?? partition.state.applied),
        stampedAt: circumstances.stampedAt ?? stamp(1000 + index),
        operation,
        ...(circumstances.lapsed === undefined ? {} : { lapsed: circumstances.lapsed }),
        ...(circumstances.take === undefined ? {} : { take: circumstances.take }),
        ...(circumstances.trim === undefined ? {} : { trim: circumstances.trim }),
      };
      const window = circumstances.window ?? 1000;
      const applied = pureStep(
        (state: PartitionState, given: Command) => applyCommand(state, index, given, window, apart),
        partition.state,
        command,
      );
      partition.state = applied.state;
      for (const { page, bytes: versions } of applied.pages?.written ?? [])
        kept.set(page.versions.index, versions);
      for (const { versions } of applied.pages?.removed ?? []) kept.delete(versions.index);
      return applied as AppliedTo<O>;
    },
    read<O extends ReadOperation>(operation: O) {
      const { outcome, lacks } = answerRead(partition.state, operation, {
        ...NOTHING_AT_HAND,
        versionsOf: ({ versions }) => {
          const decoded = decodeVersions(kept.get(versions.index) ?? bytes());
          return decoded.ok && decoded.value.length > 0 ? decoded.value : undefined;
        },
      });
      if (lacks === true) throw new Error('a page is gone that the state refers to');
      return outcome as OutcomeOf<O>;
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
