/**
 * A run: from a scenario to a verdict. A pure function: the same scenario gives the same report, bit for bit.
 *
 * Storm first, then calm: at `calmAtMs` the faults end, and every request that waits must be answered in time.
 */

import {
  createNode,
  describeNode,
  mapForEach,
  mixNumber,
  mixWord,
  nodeId,
  radixForEach,
  radixGet,
  type KeyValueAnswer,
  type KeyValueRequest,
  type NodeMachine,
  type NodeMessage,
  type NodeOptions,
  type NodeState,
  type Stored,
} from '../core/index.js';
import { checkLinearizable, explainCounterexample, keyValueModel } from './check/linearizability/index.js';
import { checkStamps } from './check/stamps.js';
import { createNodeRules, type NodeObserver } from './check/node-rules.js';
import type { Scenario } from './faults/scenario.js';
import { becalm, scheduleFaults } from './faults/strike.js';
import { createRecorder, type TraceLine } from './trace/record.js';
import { hashText, hashValue } from './trace/state-hash.js';
import { startClients, type KeyValueRecord } from './workload/clients.js';
import {
  callAt,
  createWorld,
  failureBy,
  runWorld,
  startNode,
  type Failure,
  type World,
} from './world/world.js';

/** `unknown` when a checker ran out of its budget: not a pass. */
export type Verdict = 'valid' | 'invalid' | 'unknown';

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
}

export interface RunOptions {
  /** Sees everything that happens, in addition to the rules. */
  readonly observer?: (nowUs: () => number) => NodeObserver;
  /** Other machines than ours, for trying changes against the same checks. */
  readonly machineOf?: (options: NodeOptions) => NodeMachine;
  /** Search budget of the linearizability checker for one key. */
  readonly maxSteps?: number;
}

type NodeWorld = World<NodeState, NodeMessage, KeyValueRequest, KeyValueAnswer, Stored>;

const US_PER_MS = 1_000;

export function run(scenario: Scenario, options: RunOptions = {}): Report {
  const { seed, nodes, partitions, workload } = scenario;
  const voters = Array.from({ length: nodes }, (_, i) => nodeId(i + 1));
  const makeMachine = options.machineOf ?? createNode;
  const rules = createNodeRules({ partitions, ...scenario.node });
  const tally = { hash: 0 };
  const nowUs = (): number => world.nowUs;
  const world: NodeWorld = createWorld(
    { ...scenario, turnUs: workload.turnUs },
    (node) => makeMachine({ node, voters, partitions, ...scenario.node }),
    both(withTally(rules, tally, nowUs), options.observer?.(nowUs)),
  );
  for (const { id } of world.nodes) callAt(world, 0, () => startNode(world, id));
  scheduleFaults(world, scenario.faults, leads);
  callAt(world, scenario.calmAtMs * US_PER_MS, () => becalm(world));
  const clients = startClients(world, workload, seed);

  const endUs = (scenario.calmAtMs + scenario.calmLimitMs) * US_PER_MS;
  runWorld(world, () => world.nowUs > endUs || (clients.unfinished === 0 && isSettled(world, scenario)));
  let failure =
    world.failure ??
    checkLiveness(world, clients.unfinished, scenario) ??
    checkConvergence(world) ??
    failureBy(() => checkStamps(clients.stamps), world.nowUs);
  let verdict: Verdict = failure === undefined ? 'valid' : 'invalid';
  if (failure === undefined) {
    const checked = checkLinearizable(
      keyValueModel,
      clients.history,
      options.maxSteps === undefined ? {} : { maxSteps: options.maxSteps },
    );
    verdict = checked.verdict;
    if (verdict === 'invalid') {
      failure = { property: 'linearizability', detail: explainCounterexample(checked), atUs: world.nowUs };
    }
  }
  return {
    verdict,
    seed,
    events: world.events,
    operations: clients.history.length,
    answered: clients.history.filter(isAnswered).length,
    virtualMs: Math.floor(world.nowUs / US_PER_MS),
    hash: hashText([tally.hash, world.nodes.map(({ state }) => hashFinal(state))]),
    failure,
  };
}

function isAnswered({ answeredAt }: KeyValueRecord): boolean {
  return answeredAt !== undefined;
}

function leads(state: NodeState, group: number): boolean {
  return radixGet(state.groups, group)?.raft.role === 'leader';
}

/** The minimum time has passed, and every replica has applied everything there is. */
function isSettled(world: NodeWorld, scenario: Scenario): boolean {
  if (world.nowUs < scenario.minimumMs * US_PER_MS) return false;
  for (let group = 1; group <= scenario.partitions; group += 1) {
    let applied: number | undefined;
    for (const { state } of world.nodes) {
      const known = state === undefined ? undefined : radixGet(state.groups, group);
      if (known === undefined || known.partition.applied !== known.raft.log.lastIndex) return false;
      if (applied !== undefined && applied !== known.partition.applied) return false;
      applied = known.partition.applied;
    }
  }
  return true;
}

/** Once faults stop, every waiting request finishes within the scenario's bound. */
function checkLiveness(world: NodeWorld, unfinished: number, scenario: Scenario): Failure | undefined {
  if (world.nowUs <= (scenario.calmAtMs + scenario.calmLimitMs) * US_PER_MS) return undefined;
  const detail =
    unfinished > 0
      ? `${unfinished} clients still wait ${scenario.calmLimitMs} ms after the faults ended`
      : `the replicas are not level ${scenario.calmLimitMs} ms after the faults ended: ${describe(world)}`;
  return { property: 'liveness', detail, atUs: world.nowUs };
}

function describe(world: NodeWorld): string {
  return world.nodes
    .map(({ id, state }) => {
      if (state === undefined) return `node ${id} is down`;
      const groups = describeNode({ node: id }, state).groups;
      return `node ${id}: ${groups.map((g) => `${g.group} ${g.role} t${g.term} ${g.applied}/${g.commit}/${g.lastIndex}`).join(', ')}`;
    })
    .join('; ');
}

/** Replicas at the same index hold the same keys, byte for byte. */
function checkConvergence(world: NodeWorld): Failure | undefined {
  const hashes = new Map<string, { readonly node: number; readonly hash: number }>();
  for (const { id, state } of world.nodes) {
    if (state === undefined) continue;
    let failure: Failure | undefined;
    radixForEach(state.groups, ({ partition }, group) => {
      const place = `group ${group} at index ${partition.applied}`;
      const hash = hashKeys(partition.keys);
      const known = hashes.get(place);
      if (known === undefined) hashes.set(place, { node: id, hash });
      else if (known.hash !== hash) {
        failure ??= {
          property: 'replicas converge',
          detail: `nodes ${known.node} and ${id} hold different keys in ${place}`,
          atUs: world.nowUs,
        };
      }
    });
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function hashKeys(keys: Parameters<typeof mapForEach<unknown>>[0]): number {
  let hash = 0;
  mapForEach(keys, (key, entry) => {
    hash = mixWord(mixWord(hash, hashValue(key)), hashValue(entry));
  });
  return hash;
}

/** What a node knows at the end, without the shape of its trees. */
function hashFinal(state: NodeState | undefined): number {
  if (state === undefined) return 0;
  let hash = 0;
  radixForEach(state.groups, ({ raft, partition }) => {
    for (const number of [raft.term, raft.vote, raft.commit, raft.log.lastIndex, raft.log.lastTerm]) {
      hash = mixNumber(hash, number);
    }
    hash = mixWord(mixWord(hash, partition.digest), hashKeys(partition.keys));
  });
  return hash;
}

/** Folds every step into a running hash: which node, when, how many events and effects. */
function withTally(rules: NodeObserver, tally: { hash: number }, nowUs: () => number): NodeObserver {
  return {
    ...rules,
    stepped(node, before, turn, step) {
      tally.hash = mixWord(
        mixNumber(tally.hash, nowUs()),
        node * 65_536 + turn.events.length * 256 + step.effects.length,
      );
      rules.stepped(node, before, turn, step);
    },
  };
}

function both(first: NodeObserver, second: NodeObserver | undefined): NodeObserver {
  if (second === undefined) return first;
  return {
    started(node, boot, step) {
      second.started(node, boot, step);
      first.started(node, boot, step);
    },
    stepped(node, before, turn, step) {
      second.stepped(node, before, turn, step);
      first.stepped(node, before, turn, step);
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

/** A run with everything that its nodes did written down; slower. The report is the same as that of `run`. */
export function recordRun(
  scenario: Scenario,
  options: Omit<RunOptions, 'observer'> = {},
): { readonly report: Report; readonly lines: readonly TraceLine[] } {
  const lines: TraceLine[] = [];
  const report = run(scenario, { ...options, observer: (nowUs) => createRecorder(lines, nowUs) });
  return { report, lines };
}
