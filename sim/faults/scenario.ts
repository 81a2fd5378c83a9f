/**
 * A scenario: everything that a run depends on, as plain data. The same scenario gives the same run, bit for bit.
 *
 * Times are whole milliseconds of virtual time unless a name says otherwise; chances are parts per million.
 * `schema.ts` checks one that comes from outside.
 */

import type { Fault } from './fault.js';

export type { Fault, Target } from './fault.js';

/** `Settings` are what the machines and their clients are told; the system that is tried defines them. */
export interface Scenario<Settings = unknown> {
  /** Which system is tried, by name; `key-value` is ours. */
  readonly system: string;
  /** Decides every draw of the run. */
  readonly seed: number;
  /** Nodes with which the cluster begins, numbered 1 … nodes. */
  readonly nodes: number;
  /**
   * Machines with empty disks that belong to no cluster, numbered from nodes + 1 on; none when absent. One starts when a
   * fault says so. No number is ever used again.
   */
  readonly spares?: number;
  readonly settings: Settings;
  readonly network: NetworkSettings;
  readonly disk: DiskSettings;
  readonly clocks: ClockSettings;
  readonly host: HostSettings;
  readonly workload: WorkloadSettings;
  readonly bends: BendSettings;
  readonly faults: readonly Fault[];
  readonly calm: CalmSettings;
  /** The run lasts at least so long, and until every client has finished. */
  readonly minimumMs: number;
  /**
   * `service`: once calm has come, everything must be answered. `refusal`: the schedule destroys more than the
   * system claims to survive; it may go silent, but must not say anything wrong.
   */
  readonly expect: 'service' | 'refusal';
  readonly budgets: Budgets;
}

export interface NetworkSettings {
  readonly minDelayUs: number;
  readonly maxDelayUs: number;
  /** Some messages take much longer. */
  readonly slowChance: number;
  readonly slowMaxDelayUs: number;
  readonly lossChance: number;
  readonly duplicateChance: number;
  /** Bits are flipped on the way. With `checksums` the receiver notices and drops the message. */
  readonly corruptChance: number;
  readonly checksums: boolean;
  /** Messages between two nodes arrive in the order in which they were sent. */
  readonly inOrder: boolean;
  /** What one link carries; 0 for as much as there is. */
  readonly bytesPerSecond: number;
  /** What becomes of single messages, by name, instead of what the chances above would say. */
  readonly decisions?: Decisions;
}

/**
 * A schedule that outlives its seed: fates of messages that are named by link, kind and number, so that they still
 * mean something after the code has changed and a seed means another run.
 */
export interface Decisions {
  /** Every message without a decision of its own takes so long, and is neither lost nor repeated. */
  readonly delayUs: number;
  readonly list: readonly Decision[];
}

export interface Decision {
  /** 0 for the clients, whose kinds are `Ask` and, from a node to 0, `Answer`. */
  readonly from: number;
  readonly to: number;
  /** The kind of message, as the system names it. */
  readonly kind: string;
  /** Which message of this kind on this link: 1 for the first. */
  readonly nth: number;
  /** When its copies arrive, in microseconds after it was sent; empty when it is lost. */
  readonly arriveUs: readonly number[];
}

export interface DiskSettings {
  readonly minSyncUs: number;
  readonly maxSyncUs: number;
  readonly slowChance: number;
  readonly slowMaxSyncUs: number;
  /** A sync fails: what it was to make durable may or may not be, and the node is told. */
  readonly failChance: number;
  /** A read of a single record fails, or gives something else than was written; none when absent. */
  readonly readFailChance?: number;
  /** Damage to a record is noticed when it is read, and the node refuses to start; else it reads what is there. */
  readonly checksums: boolean;
  /** A write is kept or lost as a whole. Without it, a crash may leave the first half of a write. */
  readonly atomicWrites: boolean;
}

export interface ClockSettings {
  readonly maxDriftPpm: number;
  readonly maxWallOffsetMs: number;
}

export interface HostSettings {
  /** How long a node is busy with one turn; what arrives meanwhile is handled in the next one, together. */
  readonly turnUs: number;
  /** A node that halted because its disk failed is started again after so long. */
  readonly restartMs: number;
}

export interface WorkloadSettings {
  readonly clients: number;
  readonly operationsPerClient: number;
  /** A client waits for a time drawn from [0, twice this) between two operations. */
  readonly thinkMs: number;
  /** A client that was not answered for so long asks another node. */
  readonly clientTimeoutMs: number;
  /** … or gives up, and goes on under a new name. */
  readonly giveUpChance: number;
  /** Operations that are left out, as `client:number`; the others stay as they were. */
  readonly skip: readonly string[];
}

/**
 * Rare points that machines name in their own code (`Turn.bend`). Two-level chances: for each run a point is on or
 * off, and one that is on is bent at its own rate.
 */
export interface BendSettings {
  readonly onChance: number;
  readonly fireChance: number;
  /** Points that stay straight whatever the chances say. */
  readonly off: readonly string[];
}

/** The end of the storm: no new fault begins, and those who are healed are healed for good. */
export interface CalmSettings {
  readonly atMs: number;
  /** `quorum`: a drawn bare majority is healed, and what ails the others lasts for ever. */
  readonly heal: 'all' | 'quorum';
  /** From then on everything must be answered, and the healed nodes level, within this time. */
  readonly limitMs: number;
}

export interface Budgets {
  /** Inputs handed to machines; a run that needs more is `unknown`. */
  readonly maxEvents: number;
  /** What a checker of histories may spend on one key. */
  readonly maxCheckSteps: number;
}

/** How many machines there are: those with which the cluster begins, and the spares. */
export function machinesOf({ nodes, spares = 0 }: Pick<Scenario, 'nodes' | 'spares'>): number {
  return nodes + spares;
}
