/**
 * A run: from a scenario to a verdict. A pure function: the same scenario gives the same report, bit for bit.
 *
 * Storm first, then calm: at `calm.atMs` the faults end for those who are healed, and everything must be answered and level
 * in time. A stall is excused only by name, and only where the scenario says beforehand that it asks the impossible.
 */

import { mixNumber, mixWord } from '../../core/index.js';
import { becalm } from '../faults/calm.js';
import type { Decision, Scenario } from '../faults/scenario.js';
import { createOperator } from '../faults/operator.js';
import { scheduleFaults } from '../faults/strike.js';
import { hashText } from '../trace/state-hash.js';
import { callAt, createWorld, runWorld, startNode, type Failure, type Observer } from '../world/world.js';
import type { System, Trial, Verdict } from './system.js';

export interface Report {
  readonly verdict: Verdict;
  readonly seed: number;
  /** Inputs handed to machines. */
  readonly events: number;
  /** Client operations, and how many of them were answered. */
  readonly operations: number;
  readonly answered: number;
  readonly virtualMs: number;
  /** Of everything that happened and the final states of all nodes. */
  readonly hash: string;
  /** What broke; undefined unless the verdict is `invalid`. */
  readonly failure: Failure | undefined;
  /** Why the verdict is `unknown`, or why a stall is no failure; undefined for neither. */
  readonly excuse: string | undefined;
  /** What the storm did: how often each fault struck, and where it was felt. */
  readonly felt: Readonly<Record<string, number>>;
  /** Rules, states and combinations that were reached, and how often. */
  readonly reached: Readonly<Record<string, number>>;
}

export interface RunOptions<State, Message, Request, Answer, Stored> {
  /** Sees everything that happens, before the rules do. */
  readonly observer?: (nowUs: () => number) => Observer<State, Message, Request, Answer, Stored>;
  /** Hears what became of every message, as a decision that would make it so again. */
  readonly onFate?: (fate: Decision) => void;
}

const US_PER_MS = 1_000;

/** Runs a scenario of any system. */
export function runSystem<Settings, State, Message, Request, Answer, Stored>(
  system: System<Settings, State, Message, Request, Answer, Stored>,
  scenario: Scenario<Settings>,
  options: RunOptions<State, Message, Request, Answer, Stored> = {},
): Report {
  const tally = { hash: 0 };
  const reached = new Map<string, number>();
  const nowUs = (): number => world.nowUs;
  const note = (feature: string): void => void reached.set(feature, (reached.get(feature) ?? 0) + 1);
  const trial = system.begin(scenario, {
    nowUs,
    reach(feature) {
      note(feature);
      for (const fault of world.underWay) note(`${feature} · ${fault}`);
    },
  });
  const world = createWorld(
    scenario,
    system.machineOf(scenario),
    both(withTally(trial.observer, tally, nowUs), options.observer?.(nowUs)),
    system.parcels,
  );
  world.network.onFate = options.onFate;
  const operator =
    trial.orders === undefined ? undefined : createOperator(world, trial.orders, scenario.expect);
  for (const { id } of world.nodes) callAt(world, 0, () => startNode(world, id));
  scheduleFaults(world, scenario.faults, (state, group) => system.leads(state, group), operator);
  let healed = world.nodes.map(({ id }) => id);
  const { calm, budgets } = scenario;
  callAt(world, calm.atMs * US_PER_MS, () => {
    healed = [...becalm(world, calm, operator?.electorates())];
  });
  trial.startClients(world);

  const endUs = (calm.atMs + calm.limitMs) * US_PER_MS;
  const minimumUs = scenario.minimumMs * US_PER_MS;
  // A cluster that sleeps does nothing by itself, and what is over is seen only when something happens.
  callAt(world, minimumUs, () => undefined);
  const outOfBudget = (): boolean => world.events > budgets.maxEvents;
  runWorld(
    world,
    () =>
      world.nowUs > endUs ||
      outOfBudget() ||
      (world.nowUs >= minimumUs && trial.unfinished() === 0 && trial.settled(healed)),
  );
  const ended = endOf(trial, scenario, world.nowUs > endUs, healed);
  const stalled = ended !== undefined && world.failure === undefined && !outOfBudget();
  const excuse = outOfBudget()
    ? `it needs more than ${budgets.maxEvents} events`
    : stalled && scenario.expect === 'refusal'
      ? 'more was destroyed than the system claims to survive, and it went silent'
      : undefined;
  let failure =
    world.failure ??
    (stalled && excuse === undefined
      ? { property: 'liveness', detail: ended, atUs: world.nowUs }
      : undefined);
  let verdict: Verdict = failure !== undefined ? 'invalid' : outOfBudget() ? 'unknown' : 'valid';
  if (verdict === 'valid') ({ verdict, failure } = trial.judge());
  const { asked, answered } = trial.operations();
  return {
    verdict,
    seed: scenario.seed,
    events: world.events,
    operations: asked,
    answered,
    virtualMs: Math.floor(world.nowUs / US_PER_MS),
    hash: hashText([tally.hash, trial.finalHash()]),
    failure,
    excuse:
      excuse ?? (verdict === 'unknown' ? 'the checker of the history ran out of its budget' : undefined),
    felt: inOrder(world.felt),
    reached: inOrder(reached),
  };
}

function inOrder(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** What still hangs at the end of the calm; undefined when nothing does. */
function endOf<S, M, Q, A, D>(
  trial: Trial<S, M, Q, A, D>,
  { calm }: Scenario,
  isOver: boolean,
  healed: Parameters<Trial<S, M, Q, A, D>['settled']>[0],
): string | undefined {
  if (!isOver) return undefined;
  const unfinished = trial.unfinished();
  return unfinished > 0
    ? `${unfinished} clients still wait ${calm.limitMs} ms after the faults ended: ${trial.describe(healed)}`
    : `the replicas are not level ${calm.limitMs} ms after the faults ended: ${trial.describe(healed)}`;
}

/** Folds every step into a running hash: which node, when, how many events and effects. */
function withTally<S, M, Q, A, D>(
  rules: Observer<S, M, Q, A, D>,
  tally: { hash: number },
  nowUs: () => number,
): Observer<S, M, Q, A, D> {
  return {
    ...rules,
    stepped(node, before, turn, step, bent) {
      tally.hash = mixWord(
        mixNumber(tally.hash, nowUs()),
        node * 65_536 + turn.events.length * 256 + step.effects.length,
      );
      rules.stepped(node, before, turn, step, bent);
    },
  };
}

function both<S, M, Q, A, D>(
  first: Observer<S, M, Q, A, D>,
  second: Observer<S, M, Q, A, D> | undefined,
): Observer<S, M, Q, A, D> {
  if (second === undefined) return first;
  return {
    started(node, boot, step, version) {
      second.started(node, boot, step, version);
      first.started(node, boot, step, version);
    },
    stepped(node, before, turn, step, bent) {
      second.stepped(node, before, turn, step, bent);
      first.stepped(node, before, turn, step, bent);
    },
    synced(node, writes) {
      second.synced(node, writes);
      first.synced(node, writes);
    },
    crashed(node) {
      second.crashed(node);
      first.crashed(node);
    },
  };
}
