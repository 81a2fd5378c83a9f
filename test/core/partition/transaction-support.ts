/** What coordinators ask, in few words. */

import type { Timestamp } from '../../../core/clock/hybrid-clock.js';
import { ZERO_TIMESTAMP } from '../../../core/clock/hybrid-clock.js';
import { revision, type GroupId } from '../../../core/machine/units.js';
import type { KeyBound, Value } from '../../../core/partition/command.js';
import type { PartitionState } from '../../../core/partition/partition.js';
import type {
  CommitAtOnceOperation,
  DecideOperation,
  Decision,
  FinishOperation,
  GetDecisionOperation,
  KeyObservation,
  Observation,
  Participant,
  PrepareOperation,
  RangeObservation,
  SettleOperation,
  StagedDelete,
  StagedExtend,
  StagedSet,
  StagedWrite,
  TransactionId,
  ValidateOperation,
} from '../../../core/partition/transaction-command.js';

export const HERE = 1 as GroupId;
export const ELSEWHERE = 2 as GroupId;

export const txn = (name: string): TransactionId => name as TransactionId;

export interface Parts {
  readonly writes?: readonly StagedWrite[];
  readonly reads?: readonly Observation[];
}

export function put(key: string, value: Value, rest: Partial<Omit<StagedSet, 'type'>> = {}): StagedSet {
  return { type: 'Set', key, value, revisions: 1, ...rest };
}

export function drop(key: string, revisions = 1): StagedDelete {
  return { type: 'Delete', key, revisions };
}

export function keep(key: string, expiresMs?: number): StagedExtend {
  return { type: 'Extend', key, ...(expiresMs === undefined ? {} : { expiresMs }) };
}

export function saw(key: string, seen: number, exists = seen >= 0): KeyObservation {
  return { type: 'Key', key, exists, revision: revision(seen) };
}

export function sawRange(
  { lastModified }: Pick<PartitionState, 'lastModified'>,
  prefix: string,
  bounds: { readonly from?: KeyBound; readonly to?: KeyBound } = {},
): RangeObservation {
  return { type: 'Range', prefix, ...bounds, at: lastModified };
}

/** Prepares here, as the anchor. */
export function prepareHere(name: string, { writes = [], reads = [] }: Parts): PrepareOperation {
  const participants: readonly Participant[] = [{ group: HERE }];
  return {
    type: 'Prepare',
    group: HERE,
    transaction: txn(name),
    anchor: HERE,
    participants,
    writes,
    reads,
  };
}

/** Prepares here what is decided elsewhere. */
export function prepareElsewhere(name: string, { writes = [], reads = [] }: Parts): PrepareOperation {
  return { type: 'Prepare', group: HERE, transaction: txn(name), anchor: ELSEWHERE, writes, reads };
}

export function atOnce(name: string, { writes = [], reads = [] }: Parts): CommitAtOnceOperation {
  return { type: 'CommitAtOnce', group: HERE, transaction: txn(name), writes, reads };
}

export function validate(name: string, reads: readonly Observation[], at?: Timestamp): ValidateOperation {
  const when = at === undefined ? {} : { at };
  return { type: 'Validate', group: HERE, transaction: txn(name), reads, ...when };
}

export const abort: Decision = { type: 'Abort' };

export function commit(at: Timestamp | undefined): Decision {
  return { type: 'Commit', at: at ?? ZERO_TIMESTAMP };
}

export function decide(name: string, decision: Decision): DecideOperation {
  return { type: 'Decide', group: HERE, transaction: txn(name), decision };
}

export function settle(name: string, decision: Decision): SettleOperation {
  return { type: 'Settle', group: HERE, transaction: txn(name), decision };
}

export function finish(name: string): FinishOperation {
  return { type: 'Finish', group: HERE, transaction: txn(name) };
}

export function getDecision(transaction: string): GetDecisionOperation {
  return { type: 'GetDecision', group: HERE, transaction };
}
