/** What the nodes of our system and their clients are told in a run. */

import type { NodeOptions } from '../../core/index.js';
import type { Scenario } from '../faults/scenario.js';

export interface KeyValueSettings {
  readonly partitions: number;
  /** What every node is told; the core documents the fields. */
  readonly node: NodeSettings;
  readonly keys: number;
  /** Of every hundred operations, so many are reads. */
  readonly readPercent: number;
  /** Of every hundred reads, so many are by lease, at a follower or stale, in about equal parts. */
  readonly specialReadPercent: number;
  /** Of every hundred operations, so many are on locks, sequences and keys with a time to live; absent for none. */
  readonly services?: number;
  /** Those operations are all of this kind; absent for a mix. */
  readonly serviceKind?: ServiceKind;
  /** Clients run whole transactions, too; absent for none. */
  readonly transactions?: TransactionSettings;
}

export interface TransactionSettings {
  /** Of every hundred things that a client does, so many are transactions or plain operations on their keys. */
  readonly percent: number;
  /** All of them are of this kind; absent for a mix. */
  readonly kind?: TransactionKind;
  /** How many lists and registers there are. */
  readonly keys: number;
  /** A transaction that is aborted is tried again until it commits, so that nobody may starve; otherwise at most twice more. */
  readonly insists: boolean;
  /** There is no fault that could excuse it: a deadlock that lasts, or whom others overtake on the way to a lock, is a failure. */
  readonly orderly?: true;
}

/** Those that a mix is of. */
export const TRANSACTION_KINDS = ['lists', 'registers', 'bank', 'rooms', 'token'] as const;
/** Of `knots` each transaction locks several lists in any order, and waits for as long as it takes. */
export const ALL_TRANSACTION_KINDS = [...TRANSACTION_KINDS, 'knots'] as const;
export type TransactionKind = (typeof ALL_TRANSACTION_KINDS)[number];

/** Those that a mix is of. */
export const SERVICE_KINDS = ['locks', 'sequences', 'timed keys'] as const;
/** Of `held pasts` clients hold the past of a few keys, and read it; only where the cluster has a group 0. */
export const ALL_SERVICE_KINDS = [...SERVICE_KINDS, 'held pasts'] as const;
export type ServiceKind = (typeof ALL_SERVICE_KINDS)[number];

export type NodeSettings = Omit<NodeOptions, 'node' | 'voters' | 'addresses' | 'partitions'>;

export type KeyValueScenario = Scenario<KeyValueSettings>;
