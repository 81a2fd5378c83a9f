/**
 * Our own system under the tank: the nodes of `core/node`, their clients, and everything that must hold of them.
 */

import {
  createNode,
  DEFAULT_NODE_OPTIONS,
  describeNode,
  mixNumber,
  mixWord,
  nodeId,
  radixForEach,
  radixGet,
  type NodeAnswer,
  type NodeId,
  type NodeMachine,
  type NodeMessage,
  type NodeOptions,
  type NodeRequest,
  type NodeState,
  type Stored,
} from '../../core/index.js';
import { checkLinearizable, explainCounterexample, keyValueModel } from '../check/linearizability/index.js';
import { MUST_REACH } from '../check/raft/landmarks.js';
import { createNodeRules, type NodeObserver } from '../check/node-rules.js';
import { checkStamps, createStamps } from '../check/stamps.js';
import { checkNothingLeft } from '../check/value-rules.js';
import { runSystem, type Report } from '../system/run.js';
import type { System, Trial } from '../system/system.js';
import { createRecorder, type TraceLine } from '../trace/record.js';
import { hashValue } from '../trace/state-hash.js';
import { startClients, type Clients } from '../workload/clients.js';
import { writtenRecords } from '../world/disk.js';
import { FLAVOURS, scenarioOf } from '../faults/profiles.js';
import { failureBy, nodesInUse, PropertyBroken, type World } from '../world/world.js';
import { hashContents } from './contents-hash.js';
import { keyHistory, keyValueLoad, serviceHistory, type WorkInput, type WorkOutput } from './load.js';
import { keepsToDrift, wallSpreadOf } from './leases.js';
import { hearOrder, toCommand, unsettled, watched, watchMembers } from './members.js';
import { bytesOf, kindOf } from './parcels.js';
import type { KeyValueScenario, KeyValueSettings } from './settings.js';
import { checkServices } from './service-histories.js';
import { smallerKeyValue } from './smaller.js';
import { stormScenario } from './storm.js';
import { finalKeys } from './transactions/final.js';
import { leftBehind } from './transactions/left.js';
import { checkTransactions } from './transactions/judge.js';
import { createTransactionLoad, type TransactionLoad } from './transactions/load.js';
import { shorefrontOf } from './transactions/shorefront.js';

export type KeyValueSystem = System<
  KeyValueSettings,
  NodeState,
  NodeMessage,
  NodeRequest,
  NodeAnswer,
  Stored
>;
type NodeWorld = World<NodeState, NodeMessage, NodeRequest, NodeAnswer, Stored>;
type NodeTrial = Trial<NodeState, NodeMessage, NodeRequest, NodeAnswer, Stored>;

export interface KeyValueRunOptions {
  /** Sees everything that happens, in addition to the rules. */
  readonly observer?: (nowUs: () => number) => NodeObserver;
  /** Other machines than ours, for trying changes against the same checks. */
  readonly machineOf?: (options: NodeOptions) => NodeMachine;
}

/** Runs a scenario of our own system. */
export function run(scenario: KeyValueScenario, options: KeyValueRunOptions = {}): Report {
  const { observer, machineOf } = options;
  return runSystem(keyValueSystem(machineOf), scenario, observer === undefined ? {} : { observer });
}

/** A run with everything that its nodes did written down; slower. The report is the same as that of `run`. */
export function recordRun(
  scenario: KeyValueScenario,
  options: Omit<KeyValueRunOptions, 'observer'> = {},
): { readonly report: Report; readonly lines: readonly TraceLine[] } {
  const lines: TraceLine[] = [];
  const report = run(scenario, { ...options, observer: (nowUs) => createRecorder(lines, nowUs) });
  return { report, lines };
}

/** What the node of this number is told in a run. */
export function nodeOptionsOf({ nodes, settings }: KeyValueScenario, node: NodeId): NodeOptions {
  // A spare knows of nobody: it is told of the others by those who take it in.
  const voters = node > nodes ? [] : foundersOf(nodes);
  // Scenarios that are older than a setting say nothing of it.
  return { ...DEFAULT_NODE_OPTIONS, node, voters, partitions: settings.partitions, ...settings.node };
}

function foundersOf(nodes: number): readonly NodeId[] {
  return Array.from({ length: nodes }, (_, i) => nodeId(i + 1));
}

export function keyValueSystem(
  makeMachine: (options: NodeOptions) => NodeMachine = createNode,
): KeyValueSystem {
  return {
    name: 'key-value',
    storm: stormScenario,
    flavours: FLAVOURS.map((name) => (seed) => scenarioOf(name, seed)),
    sometimes: MUST_REACH,
    parcels: { kindOf, bytesOf },
    smaller: smallerKeyValue,
    leads: (state, group) => radixGet(state.groups, group)?.raft.role === 'leader',
    machineOf: (scenario) => (node, version) =>
      makeMachine({ ...nodeOptionsOf(scenario, node), ...changesOf(scenario.settings, version) }),
    begin(scenario, desk) {
      const { settings } = scenario;
      const stamps = createStamps();
      let world: NodeWorld | undefined;
      let clients: Clients<WorkInput, WorkOutput> | undefined;
      let ownWork: TransactionLoad | undefined;
      const nodes = (): NodeWorld['nodes'] => (world === undefined ? [] : nodesInUse(world));
      const rules = createNodeRules(
        {
          partitions: settings.partitions,
          retryWindow: settings.node.retryWindow,
          snapshots: settings.node,
          // Scenarios that are older than a setting say nothing of it.
          maxValueReads: (settings.node as Partial<NodeOptions>).maxValueReads,
          maxClockDriftPercent: settings.node.maxClockDriftPercent,
          leases: keepsToDrift(scenario) ? settings.node : undefined,
          versions: [0, 1].map((version) => ({ ...settings.node, ...changesOf(settings, version) })),
        },
        desk,
      );
      const founders = foundersOf(scenario.nodes);
      const watch = settings.node.meta ? watchMembers(founders) : undefined;
      const groups = groupsOf(settings);
      const trial: NodeTrial = {
        observer: watch === undefined ? rules : watched(rules, watch),
        orders: {
          toRequest: (wish) => ({ admin: toCommand(wish) }),
          hear: hearOrder,
          electorates: (wishes) => watch?.electorates(wishes) ?? [founders],
        },
        startClients(opened) {
          world = opened;
          const { transactions } = settings;
          if (transactions !== undefined) {
            ownWork = createTransactionLoad(shorefrontOf(opened, scenario, desk), transactions);
          }
          const perform = ownWork?.perform;
          clients = startClients(opened, scenario.workload, keyValueLoad(settings, stamps, perform));
        },
        unfinished: () => clients?.unfinished ?? 0,
        settled: (healed) =>
          (watch === undefined
            ? isSettled(nodes(), healed, settings.partitions)
            : unsettled(nodes(), healed, groups) === undefined) &&
          (ownWork === undefined || leftBehind(nodes(), healed, desk.nowUs()) === undefined),
        describe: (healed) => {
          const why = watch === undefined ? undefined : unsettled(nodes(), healed, groups);
          const left = ownWork === undefined ? undefined : leftBehind(nodes(), healed, desk.nowUs());
          return [why, left, describe(nodes(), healed)].filter((words) => words !== undefined).join('; ');
        },
        judge() {
          const history = clients?.history ?? [];
          const clocks = { keepToDrift: keepsToDrift(scenario), mayDifferMs: wallSpreadOf(scenario) };
          // Where too much was destroyed, what the replicas that are left hold is not all that was committed (seed 16169).
          const final = scenario.expect === 'refusal' ? [] : finalKeys(nodes());
          const failure =
            failureBy(() => checkConvergence(nodes()), desk.nowUs()) ??
            failureBy(() => checkRecords(nodes()), desk.nowUs()) ??
            failureBy(() => checkStamps(stamps), desk.nowUs()) ??
            failureBy(() => checkServices(serviceHistory(history), clocks), desk.nowUs()) ??
            failureBy(() => checkTransactions(ownWork?.attempts ?? [], final, desk.nowUs()), desk.nowUs());
          if (failure !== undefined) return { verdict: 'invalid', failure };
          const checked = checkLinearizable(keyValueModel, keyHistory(history), {
            maxSteps: scenario.budgets.maxCheckSteps,
          });
          const { verdict } = checked;
          if (verdict !== 'invalid') return { verdict, failure: undefined };
          const detail = explainCounterexample(checked);
          return { verdict, failure: { property: 'linearizability', detail, atUs: desk.nowUs() } };
        },
        operations: () => ({
          asked: (clients?.history.length ?? 0) + (ownWork?.attempts.length ?? 0),
          answered:
            (clients?.history.filter(({ answeredAt }) => answeredAt !== undefined).length ?? 0) +
            (ownWork?.attempts.filter(({ ending }) => ending !== 'unknown').length ?? 0),
        }),
        finalHash: () => hashValue(nodes().map(({ state }) => hashFinal(state))),
      };
      return trial;
    },
  };
}

/** Version 1 is a node after a change of its settings: other timeouts and sizes than the rest, and the same promises. */
function changesOf({ node }: KeyValueSettings, version: number): Partial<NodeOptions> {
  if (version === 0) return {};
  return {
    electionTimeoutMs: node.electionTimeoutMs * 2,
    maxInflightAppends: node.maxInflightAppends + 1,
    maxAppendBytes: 300,
    snapshotEveryEntries: 11,
    keepEntries: 5,
  };
}

function groupsOf({ partitions, node }: KeyValueSettings): readonly number[] {
  const first = node.meta ? 0 : 1;
  return Array.from({ length: partitions + 1 - first }, (_, i) => first + i);
}

/** Every replica has applied everything there is, and follows a leader that is there, awake or asleep. */
function isSettled(nodes: NodeWorld['nodes'], healed: readonly NodeId[], partitions: number): boolean {
  for (let group = 1; group <= partitions; group += 1) {
    let applied: number | undefined;
    for (const { id, state } of nodes) {
      if (!healed.includes(id)) continue;
      const known = state === undefined ? undefined : radixGet(state.groups, group);
      if (known === undefined || known.partition.applied !== known.raft.log.lastIndex) return false;
      if (applied !== undefined && applied !== known.partition.applied) return false;
      applied = known.partition.applied;
    }
    if (!isLed(nodes, healed, group)) return false;
  }
  return true;
}

/** Whether everybody who is well follows the leader of the newest term that any of them knows. */
export function isLed(nodes: NodeWorld['nodes'], healed: readonly NodeId[], group: number): boolean {
  const known = nodes.flatMap(({ state }) => (state && radixGet(state.groups, group)?.raft) ?? []);
  // Whoever is cut off may have gone on to a later term, of which nobody need ever hear.
  const newest = Math.max(0, ...known.filter(({ self }) => healed.includes(self)).map(({ term }) => term));
  const leader = known.find(({ role, term }) => role === 'leader' && term === newest)?.self;
  return known.every(
    (raft) => !healed.includes(raft.self) || (raft.leader === leader && raft.term === newest),
  );
}

function describe(nodes: NodeWorld['nodes'], healed: readonly NodeId[]): string {
  return nodes
    .map(({ id, state, refuses }) => {
      const ailing = healed.includes(id) ? '' : ' (not healed)';
      if (state === undefined)
        return `node ${id}${ailing} is down${refuses === undefined ? '' : `: ${refuses}`}`;
      const { groups } = describeNode({ node: id }, state);
      return `node ${id}${ailing}: ${groups.map((g) => `${g.group} ${g.role} t${g.term} ${g.applied}/${g.commit}/${g.lastIndex}`).join(', ')}`;
    })
    .join('; ');
}

/** Of values that are kept apart, no disk holds more than its node may need. */
function checkRecords(nodes: NodeWorld['nodes']): void {
  for (const { id, state, disk } of nodes) {
    if (state !== undefined && !state.halted) checkNothingLeft(id, state, writtenRecords(disk));
  }
}

/** Replicas at the same index hold the same, byte for byte. */
function checkConvergence(nodes: NodeWorld['nodes']): void {
  const hashes = new Map<string, { readonly node: number; readonly hash: number }>();
  for (const { id, state } of nodes) {
    if (state === undefined) continue;
    radixForEach(state.groups, ({ partition }, group) => {
      const place = `group ${group} at index ${partition.applied}`;
      const hash = hashContents(partition);
      const known = hashes.get(place);
      if (known === undefined) hashes.set(place, { node: id, hash });
      else if (known.hash !== hash) {
        throw new PropertyBroken(
          'replicas converge',
          `nodes ${known.node} and ${id} hold different contents in ${place}`,
        );
      }
    });
  }
}

/** What a node knows at the end, without the shape of its trees. */
function hashFinal(state: NodeState | undefined): number {
  if (state === undefined) return 0;
  let hash = 0;
  radixForEach(state.groups, ({ raft, partition }) => {
    for (const number of [raft.term, raft.vote, raft.commit, raft.log.lastIndex, raft.log.lastTerm]) {
      hash = mixNumber(hash, number);
    }
    hash = mixWord(mixWord(hash, partition.digest), hashContents(partition));
  });
  return hash;
}
