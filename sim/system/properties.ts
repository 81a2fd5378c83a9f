/**
 * Properties in one line each: what must always hold, what some run must reach, and what must hold in the end.
 *
 *     always('at most one leader', ({ up }) => up.filter(({ state }) => state.leads).length <= 1)
 */

import type { NodeId, StoredRecord } from '../../core/index.js';
import { readDisk } from '../world/disk.js';
import { PropertyBroken, type SimNode, type World } from '../world/world.js';
import type { System, Trial } from './system.js';

/** What a property may look at. */
export interface Cluster<State, Stored> {
  readonly nowMs: number;
  /** The nodes that run, in ascending order. */
  readonly up: readonly Member<State, Stored>[];
  /** How many nodes there are, running or not. */
  readonly size: number;
  /** In the calm: the nodes that were healed. Before it: all. */
  readonly healed: readonly NodeId[];
}

export interface Member<State, Stored> {
  readonly id: NodeId;
  readonly state: State;
  /** What a crash now would leave, in ascending order of keys. */
  stored(): readonly StoredRecord<Stored>[];
}

/** True when it holds. A text says what is wrong. */
export type Predicate<State, Stored> = (cluster: Cluster<State, Stored>) => boolean | string;

export interface Property<State, Stored> {
  readonly type: 'always' | 'sometimes' | 'eventually';
  readonly name: string;
  readonly holds: Predicate<State, Stored>;
}

/** Must hold after every step of every node. */
export function always<State, Stored>(
  name: string,
  holds: Predicate<State, Stored>,
): Property<State, Stored> {
  return { type: 'always', name, holds };
}

/** Must be reached by some run of a sweep: a test that never gets there has tested nothing of it. */
export function sometimes<State, Stored>(
  name: string,
  holds: Predicate<State, Stored>,
): Property<State, Stored> {
  return { type: 'sometimes', name, holds };
}

/** Must hold at the end, within the time that the scenario's calm allows. */
export function eventually<State, Stored>(
  name: string,
  holds: Predicate<State, Stored>,
): Property<State, Stored> {
  return { type: 'eventually', name, holds };
}

/** The three makers, for a system whose types are known. */
export interface Makers<State, Stored> {
  readonly always: typeof always<State, Stored>;
  readonly sometimes: typeof sometimes<State, Stored>;
  readonly eventually: typeof eventually<State, Stored>;
}

/** The same system, with more that must hold of it. */
export function withProperties<Settings, State, Message, Request, Answer, Stored>(
  system: System<Settings, State, Message, Request, Answer, Stored>,
  properties: readonly Property<State, Stored>[],
): System<Settings, State, Message, Request, Answer, Stored> {
  const of = (type: Property<State, Stored>['type']): readonly Property<State, Stored>[] =>
    properties.filter((property) => property.type === type);
  const [invariants, goals, ends] = [of('always'), of('sometimes'), of('eventually')];
  return {
    ...system,
    sometimes: [...system.sometimes, ...goals.map(({ name }) => name)],
    begin(scenario, desk) {
      const trial = system.begin(scenario, desk);
      let world: World<State, Message, Request, Answer, Stored> | undefined;
      const reached = new Set<string>();
      const look = (): void => {
        if (world === undefined) return;
        const cluster = clusterOf(world);
        for (const { name, holds } of invariants) {
          const verdict = holds(cluster);
          if (verdict !== true) throw new PropertyBroken(name, wordsOf(verdict, world));
        }
        for (const { name, holds } of goals) {
          if (reached.has(name) || holds(cluster) !== true) continue;
          reached.add(name);
          desk.reach(name);
        }
      };
      const opened: Trial<State, Message, Request, Answer, Stored> = {
        ...trial,
        observer: {
          ...trial.observer,
          started(...seen) {
            trial.observer.started(...seen);
            look();
          },
          stepped(...seen) {
            trial.observer.stepped(...seen);
            look();
          },
        },
        startClients(begun) {
          world = begun;
          trial.startClients(begun);
        },
        settled(nodes) {
          if (!trial.settled(nodes)) return false;
          if (world === undefined || ends.length === 0) return true;
          const cluster = clusterOf(world);
          return ends.every(({ holds }) => holds(cluster) === true);
        },
        describe(nodes) {
          const cluster = world === undefined ? undefined : clusterOf(world);
          const missing = ends.filter(({ holds }) => cluster !== undefined && holds(cluster) !== true);
          return [trial.describe(nodes), ...missing.map(({ name }) => `not yet: ${name}`)]
            .filter((words) => words !== '')
            .join('; ');
        },
      };
      return opened;
    },
  };
}

/** The step that is being looked at counts: a node's new state is in place when its observer is called. */
function clusterOf<S, M, Q, A, D>(world: World<S, M, Q, A, D>): Cluster<S, D> {
  const healed = world.calm ? world.nodes.filter(({ calm }) => calm) : world.nodes;
  return {
    nowMs: Math.floor(world.nowUs / 1_000),
    up: world.nodes.flatMap((node) => memberOf(node)),
    size: world.nodes.length,
    healed: healed.map(({ id }) => id),
  };
}

function memberOf<S, M, Q, A, D>({ id, state, disk }: SimNode<S, M, Q, A, D>): readonly Member<S, D>[] {
  return state === undefined ? [] : [{ id, state, stored: () => readDisk(disk) }];
}

function wordsOf<S, M, Q, A, D>(verdict: boolean | string, world: World<S, M, Q, A, D>): string {
  const words = typeof verdict === 'string' ? `${verdict}. ` : '';
  const states = world.nodes.map(({ id, state }) => `node ${id}: ${inWords(state)}`).join('; ');
  return `${words}${states}`;
}

const LONGEST_STATE = 300;

function inWords(state: unknown): string {
  if (state === undefined) return 'down';
  const words = JSON.stringify(state, (_, value: unknown) => (value instanceof Map ? [...value] : value));
  return words.length > LONGEST_STATE ? `${words.slice(0, LONGEST_STATE)} …` : words;
}
