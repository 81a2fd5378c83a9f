/**
 * A system from a machine and a few lines: what its clients ask, and what must hold. `README.md` beside this file walks
 * through one.
 */

import type { Machine, NodeId } from '../../core/index.js';
import type { Operation } from '../check/linearizability/index.js';
import type { Scenario, WorkloadSettings } from '../faults/scenario.js';
import { drawConditions, drawFaults } from '../faults/storm.js';
import { hashValue } from '../trace/state-hash.js';
import { startClients, type Client, type Clients } from '../workload/clients.js';
import { drawBelow, streamOf } from '../world/chance.js';
import type { Parcels } from '../world/network.js';
import type { Failure, World } from '../world/world.js';
import { always, eventually, sometimes, withProperties, type Makers, type Property } from './properties.js';
import type { System, Verdict } from './system.js';

export interface Definition<Settings, State, Message, Request, Answer, Stored> {
  readonly name: string;
  /** How many nodes a drawn scenario has: one of these. */
  readonly nodes: readonly number[];
  /** What machines and clients are told, drawn for a seed: `below(name, n)` gives a whole number from [0, n). */
  readonly settings: (below: (name: string, n: number) => number) => Settings;
  /** The machine of one node. Several functions are several versions, which `Upgrade` faults mix. */
  readonly machine: MachineMaker<Settings, State, Message, Request, Answer, Stored>;
  readonly laterVersions?: readonly MachineMaker<Settings, State, Message, Request, Answer, Stored>[];
  /** Made with the given `always`, `sometimes` and `eventually`, which know the types of this system. */
  readonly properties: (make: Makers<State, Stored>) => readonly Property<State, Stored>[];
  /** In what time the system reacts, in milliseconds, as its longest timeout: faults last about so long. */
  paceMs(settings: Settings): number;
  /** What clients do; absent when nobody asks anything. */
  readonly clients?: ClientsOf<Settings, Request, Answer>;
  /** Whether a node leads group 1, for faults that strike leaders; absent where nobody leads. */
  leads?(state: State): boolean;
  readonly parcels?: Parcels;
}

type MachineMaker<Settings, State, Message, Request, Answer, Stored> = (member: {
  readonly node: NodeId;
  /** How many nodes there are; they are numbered from 1. */
  readonly nodes: number;
  readonly settings: Settings;
}) => Machine<State, Message, Request, Answer, Stored>;

export interface ClientsOf<Settings, Request, Answer> {
  /** What is not said is three clients with ten operations each, a second apart. */
  readonly workload?: Partial<WorkloadSettings>;
  /** What a client asks as its `number`th operation; `below(n, salt)` draws a whole number from [0, n). */
  ask(
    client: number,
    number: number,
    below: (n: number, salt: number) => number,
    settings: Settings,
  ): Request;
  /** Whether asking again under the same request takes effect once; by default it is asked only once. */
  readonly mayAskAgain?: boolean;
  /** Whether an answer settles the operation; by default every answer does. */
  settles?(answer: Answer): boolean;
  /** Judges the whole history at the end, for instance with `checkLinearizable`. */
  judge?(history: readonly Operation<Request, Answer>[]): {
    readonly verdict: Verdict;
    readonly failure: Failure | undefined;
  };
}

/** Makes a system that `runSystem`, sweeps and the command line can try. */
export function defineSystem<Settings, State, Message, Request, Answer, Stored>(
  definition: Definition<Settings, State, Message, Request, Answer, Stored>,
): System<Settings, State, Message, Request, Answer, Stored> {
  const { name, machine, laterVersions = [], clients, parcels } = definition;
  const versions = [machine, ...laterVersions];
  const plain: System<Settings, State, Message, Request, Answer, Stored> = {
    name,
    sometimes: [],
    ...(parcels === undefined ? {} : { parcels }),
    leads: (state, group) => group === 1 && definition.leads?.(state) === true,
    storm: (seed) => stormOf(definition, seed),
    machineOf: (scenario) => (node, version) => {
      const make = versions[version] ?? machine;
      return make({ node, nodes: scenario.nodes, settings: scenario.settings });
    },
    begin(scenario, desk) {
      let world: World<State, Message, Request, Answer, Stored> | undefined;
      let begun: Clients<Request, Answer> | undefined;
      return {
        observer: QUIET,
        startClients(opened) {
          world = opened;
          if (clients !== undefined) begun = startAll(opened, clients, scenario);
        },
        unfinished: () => begun?.unfinished ?? 0,
        settled: () => true,
        describe: () => '',
        judge: () =>
          clients?.judge?.(begun?.history ?? []) ?? { verdict: 'valid' as const, failure: undefined },
        operations: () => ({
          asked: begun?.history.length ?? 0,
          answered: begun?.history.filter(({ answeredAt }) => answeredAt !== undefined).length ?? 0,
        }),
        finalHash: () => hashValue(world?.nodes.map(({ state }) => state ?? null) ?? desk.nowUs()),
      };
    },
  };
  return withProperties(plain, definition.properties({ always, sometimes, eventually }));
}

const QUIET = {
  started: () => undefined,
  stepped: () => undefined,
  synced: () => undefined,
  crashed: () => undefined,
};

function startAll<Settings, S, M, Q, A, D>(
  world: World<S, M, Q, A, D>,
  clients: ClientsOf<Settings, Q, A>,
  { workload, settings }: Scenario<Settings>,
): Clients<Q, A> {
  const belowOf = ({ stream }: Client, number: number): ((n: number, salt: number) => number) => {
    return (n, salt) => drawBelow(stream, n, number, 16 + salt);
  };
  return startClients(world, workload, {
    mayAskAgain: clients.mayAskAgain === true,
    draw: (client, number) => ({
      key: '',
      input: clients.ask(client.number, number, belowOf(client, number), settings),
    }),
    toRequest: ({ input }) => input,
    hear: (_, answer) => (clients.settles === undefined || clients.settles(answer) ? answer : undefined),
  });
}

const USUAL: WorkloadSettings = {
  clients: 3,
  operationsPerClient: 10,
  thinkMs: 1_000,
  clientTimeoutMs: 1_000,
  giveUpChance: 0,
  skip: [],
};

function stormOf<Settings, S, M, Q, A, D>(
  definition: Definition<Settings, S, M, Q, A, D>,
  seed: number,
): Scenario<Settings> {
  const below = (name: string, n: number): number => drawBelow(streamOf(seed, 'setting', name), n, 0);
  const settings = definition.settings(below);
  const nodes = definition.nodes[below('nodes', definition.nodes.length)] ?? 1;
  const shore = {
    seed,
    nodes,
    groups: definition.leads === undefined ? 0 : 1,
    versions: 1 + (definition.laterVersions?.length ?? 0),
    paceMs: definition.paceMs(settings),
  };
  const conditions = drawConditions(shore);
  return {
    system: definition.name,
    seed,
    nodes,
    settings,
    ...conditions,
    workload:
      definition.clients === undefined
        ? { ...USUAL, clients: 0 }
        : { ...USUAL, ...definition.clients.workload },
    ...drawFaults(shore, conditions.calm.atMs),
    minimumMs: conditions.calm.atMs,
    budgets: { maxEvents: 2_000_000, maxCheckSteps: 4_000_000 },
  };
}
