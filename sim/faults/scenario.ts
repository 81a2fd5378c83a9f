/**
 * A scenario: everything that a run depends on, as plain data. The same scenario gives the same run, bit for bit.
 *
 * Times are whole milliseconds of virtual time unless a name says otherwise; chances are parts per million.
 */

import type { NodeOptions } from '../../core/index.js';

export interface Scenario {
  /** Decides every draw of the run. */
  readonly seed: number;
  /** Nodes are numbered 1 … nodes. */
  readonly nodes: number;
  readonly partitions: number;
  readonly node: NodeSettings;
  readonly network: NetworkSettings;
  readonly disk: DiskSettings;
  readonly clocks: ClockSettings;
  readonly workload: WorkloadSettings;
  readonly faults: readonly Fault[];
  /** Faults end here for good: everything is healed and started again, and nothing is lost any more. */
  readonly calmAtMs: number;
  /** The run lasts at least so long, and until every client has finished. */
  readonly minimumMs: number;
  /** After `calmAtMs`, every request must be answered within this time. */
  readonly calmLimitMs: number;
}

/** What every node of the run is told; the core documents the fields. */
export type NodeSettings = Omit<NodeOptions, 'node' | 'voters' | 'partitions'>;

export interface NetworkSettings {
  readonly minDelayUs: number;
  readonly maxDelayUs: number;
  /** Some messages take much longer. */
  readonly slowChance: number;
  readonly slowMaxDelayUs: number;
  readonly lossChance: number;
  readonly duplicateChance: number;
  /** Messages between two nodes arrive in the order in which they were sent. */
  readonly inOrder: boolean;
}

export interface DiskSettings {
  readonly minSyncUs: number;
  readonly maxSyncUs: number;
  readonly slowChance: number;
  readonly slowMaxSyncUs: number;
}

export interface ClockSettings {
  readonly maxDriftPpm: number;
  readonly maxWallOffsetMs: number;
}

export interface WorkloadSettings {
  readonly clients: number;
  readonly operationsPerClient: number;
  readonly keys: number;
  /** A client waits for a time drawn from [0, twice this) between two operations. */
  readonly thinkMs: number;
  /** A client that was not answered for so long asks another node, with the same request id. */
  readonly clientTimeoutMs: number;
  /** … or gives up, and goes on under a new name. */
  readonly giveUpChance: number;
  /** Of every hundred operations, so many are reads. */
  readonly readPercent: number;
  /** How long a node is busy with one turn; what arrives meanwhile is handled in the next one, together. */
  readonly turnUs: number;
}

/** Whom a fault strikes: a node by number, or whoever leads a group at that moment (if anybody does). */
export type Target = { readonly node: number } | { readonly leaderOf: number };

export type Fault =
  /** No message passes between the target and the others. */
  | { readonly type: 'Isolate'; readonly atMs: number; readonly untilMs: number; readonly target: Target }
  /** The target hears nobody, but is heard. */
  | { readonly type: 'Deafen'; readonly atMs: number; readonly untilMs: number; readonly target: Target }
  /** The target is heard by nobody, but hears. */
  | { readonly type: 'Mute'; readonly atMs: number; readonly untilMs: number; readonly target: Target }
  /** No message passes between the nodes of `side` and the others. */
  | {
      readonly type: 'Split';
      readonly atMs: number;
      readonly untilMs: number;
      readonly side: readonly number[];
    }
  /** Messages are lost, repeated and late more often. */
  | {
      readonly type: 'Squall';
      readonly atMs: number;
      readonly untilMs: number;
      readonly lossChance: number;
      readonly duplicateChance: number;
      readonly maxDelayUs: number;
    }
  /** Everything that is sent to the target is so much longer on its way. */
  | {
      readonly type: 'Lag';
      readonly atMs: number;
      readonly untilMs: number;
      readonly target: Target;
      readonly delayMs: number;
    }
  /** The target's process ends, and starts again from its disk. */
  | { readonly type: 'Crash'; readonly atMs: number; readonly untilMs: number; readonly target: Target }
  /** The same, at the moment when the target next hands a write to its disk. */
  | { readonly type: 'CrashAtWrite'; readonly atMs: number; readonly downMs: number; readonly target: Target }
  /** All nodes crash at once, and start again one after another. */
  | { readonly type: 'Blackout'; readonly atMs: number; readonly untilMs: number }
  /** The target's process stands still; what arrives waits. */
  | { readonly type: 'Pause'; readonly atMs: number; readonly untilMs: number; readonly target: Target };
