/** Operations of coordinators for the tests of what a node does for transactions, and keys to do them with. */

import type { Timestamp } from '../../../core/clock/hybrid-clock.js';
import { groupId, type GroupId } from '../../../core/machine/units.js';
import type { ClientAnswer, ClientCall, Operation, RequestId } from '../../../core/partition/command.js';
import type {
  Decision,
  LockNeed,
  Observation,
  Participant,
  StagedWrite,
  TransactionId,
} from '../../../core/partition/transaction-command.js';
import { partitionOfKey } from '../../../core/placement/partition-of-key.js';
import type { TestCluster } from './support.js';

export const FIRST = groupId(1);
export const SECOND = groupId(2);

/** A key of that group, where there are two. */
export function keyIn(group: GroupId, name = 'k'): string {
  for (let i = 0; ; i += 1) {
    const key = `${name}${i}`;
    if (partitionOfKey(key, 2) === group) return key;
  }
}

export function tx(name: string): TransactionId {
  return `1.${name}.0.run` as TransactionId;
}

export function staged(key: string, text: string, expiresMs?: number): StagedWrite {
  const value = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return { type: 'Set', key, value, revisions: 1, ...(expiresMs === undefined ? {} : { expiresMs }) };
}

export interface PrepareSetup {
  readonly group?: GroupId;
  readonly anchor?: GroupId;
  readonly participants?: readonly Participant[];
  readonly reads?: readonly Observation[];
  readonly ephemeral?: true;
}

/** The part of one group; it holds the record unless another is named. */
export function prepare(name: string, writes: readonly StagedWrite[], setup: PrepareSetup = {}): ClientCall {
  const { group = FIRST, anchor = group, reads = [], ephemeral } = setup;
  const { participants = anchor === group && ephemeral === undefined ? [{ group }] : undefined } = setup;
  return call({
    type: 'Prepare',
    group,
    transaction: tx(name),
    anchor,
    writes,
    reads,
    ...(participants === undefined ? {} : { participants }),
    ...(ephemeral === undefined ? {} : { ephemeral }),
  });
}

export function decide(name: string, decision: Decision, group = FIRST): ClientCall {
  return call({ type: 'Decide', group, transaction: tx(name), decision });
}

export function settle(name: string, decision: Decision, group = FIRST, ephemeral?: true): ClientCall {
  const plain = { type: 'Settle', group, transaction: tx(name), decision } as const;
  return call(ephemeral === undefined ? plain : { ...plain, ephemeral });
}

export function getDecision(name: string, group = FIRST): ClientCall {
  return call({ type: 'GetDecision', group, transaction: tx(name) });
}

export function lock(
  name: string,
  needs: readonly LockNeed[],
  more: { leaseMs?: number; ephemeral?: true } = {},
): ClientCall {
  const { leaseMs = 15_000, ephemeral } = more;
  const plain = {
    type: 'AcquireTransactionLocks',
    group: FIRST,
    transaction: tx(name),
    needs,
    leaseMs,
  } as const;
  return call(ephemeral === undefined ? plain : { ...plain, ephemeral });
}

export function unlock(name: string, needs?: readonly LockNeed[]): ClientCall {
  const plain = { type: 'ReleaseTransactionLocks', group: FIRST, transaction: tx(name) } as const;
  return call(needs === undefined ? plain : { ...plain, needs });
}

export const ABORT: Decision = { type: 'Abort' };

export function commitAt(at: Timestamp): Decision {
  return { type: 'Commit', at };
}

/** The time that a transactional answer tells. */
export function timeIn(answer: ClientAnswer | undefined): Timestamp {
  if (answer?.family !== 'transaction' || answer.at === undefined)
    throw new Error('the answer tells no time');
  return answer.at;
}

function call(operation: Operation): ClientCall {
  return { operation };
}

export function withId({ operation }: ClientCall, requestId: string): ClientCall {
  return { operation, requestId: requestId as RequestId };
}

/** Asks a node, and has everything settle that needs no time. */
export function asker(cluster: TestCluster): (id: number, request: ClientCall) => number {
  let token = 0;
  return (id, request) => {
    token += 1;
    cluster.ask(id, token, request);
    cluster.settle();
    return token;
  };
}

/** A node that does not lead the group. */
export function followerOf(cluster: TestCluster, group = 1): number {
  const leader = cluster.leader(group).id;
  const other = cluster.ids.find((id) => id !== leader);
  if (other === undefined) throw new Error('there is one node only');
  return other;
}
