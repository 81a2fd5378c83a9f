/**
 * A system: everything that the tank must know of what it tries. Ours is `key-value/system.ts`; `define.ts` makes one
 * from a machine and a few lines.
 */

import type { NodeId } from '../../core/index.js';
import type { Orders } from '../faults/operator.js';
import type { Scenario } from '../faults/scenario.js';
import type { Parcels } from '../world/network.js';
import type { Failure, MachineOf, Observer, World } from '../world/world.js';

/** `unknown` when a checker ran out of its budget: not a pass. */
export type Verdict = 'valid' | 'invalid' | 'unknown';

export interface System<Settings, State, Message, Request, Answer, Stored> {
  /** What a scenario calls it. */
  readonly name: string;
  /** The default scenario of a seed. */
  storm(seed: number): Scenario<Settings>;
  /** Storms of other flavours, among which a guided sweep chooses besides; absent for none. */
  readonly flavours?: readonly ((seed: number) => Scenario<Settings>)[];
  /** What some run of a long enough sweep must reach, as named to `Desk.reach`. */
  readonly sometimes: readonly string[];
  /** How the machines of a scenario are built; versions count from 0, the one that all nodes begin with. */
  machineOf(scenario: Scenario<Settings>): MachineOf<State, Message, Request, Answer, Stored>;
  /** How the network sees messages; by default all are of one kind and 100 bytes. */
  readonly parcels?: Parcels;
  /** Whether a node leads a group, for faults that strike leaders. */
  leads(state: State, group: number): boolean;
  /** Scenarios with plainer settings, the most promising first, for shrinking a failure. */
  readonly smaller?: (scenario: Scenario<Settings>) => Iterable<Scenario<Settings>>;
  /** Checks and clients of one run. */
  begin(scenario: Scenario<Settings>, desk: Desk): Trial<State, Message, Request, Answer, Stored>;
}

/** What the checks of a run may use. */
export interface Desk {
  nowUs(): number;
  /** Notes that a rule, a state or a combination was reached; also under which faults. */
  reach(feature: string): void;
}

/** One run of a system, as the tank drives it. */
export interface Trial<State, Message, Request, Answer, Stored> {
  readonly observer: Observer<State, Message, Request, Answer, Stored>;
  /** How operators change members and leaders; absent where they cannot. */
  readonly orders?: Orders<Request, Answer>;
  /** Puts the clients into the world. */
  startClients(world: World<State, Message, Request, Answer, Stored>): void;
  /** Clients that still have something to do. */
  unfinished(): number;
  /** The nodes that were healed are level: nothing is left to happen among them. */
  settled(nodes: readonly NodeId[]): boolean;
  /** What is not level, in words. */
  describe(nodes: readonly NodeId[]): string;
  /** Judges what the clients saw and what the nodes hold at the end of a run in which nothing broke. */
  judge(): { readonly verdict: Verdict; readonly failure: Failure | undefined };
  operations(): { readonly asked: number; readonly answered: number };
  /** Of all that the nodes hold at the end. */
  finalHash(): number;
}
