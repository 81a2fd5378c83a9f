/**
 * Nodes in the hands of a test: every turn is checked for purity, and the host's side is played by hand.
 *
 * A `TestNode` is one node with its disk; `TestCluster` joins several with a network that keeps everything until it
 * is delivered. Writes stay under way until they are completed.
 */

import {
  COLD_PREFIX,
  type HostEffect,
  type StorageChange,
  type StoredRecord,
} from '../../../core/machine/machine.js';
import { monotonicMs, nodeId, revision, wallMs, type WriteNumber } from '../../../core/machine/units.js';
import {
  isAdminAnswer,
  isTransactionAnswer,
  type AdminAnswer,
  type NodeAnswer,
  type NodeRequest,
} from '../../../core/node/admin-protocol.js';
import { createNode, describeNode, type NodeEffect, type NodeEvent } from '../../../core/node/node.js';
import { DEFAULT_NODE_OPTIONS, type NodeOptions } from '../../../core/node/options.js';
import type { NodeMessage, Stored } from '../../../core/node/protocol.js';
import type { NodeState } from '../../../core/node/state.js';
import type { GroupStatus } from '../../../core/node/status.js';
import type {
  ClientAnswer,
  KeyValueOperation,
  ClientCall,
  RequestId,
} from '../../../core/partition/command.js';
import type { TransactionAnswer } from '../../../core/transactions/calls.js';
import { deepFreeze, pureStep } from '../support/pure.js';

export const OPTIONS: Omit<NodeOptions, 'node' | 'voters'> = {
  ...DEFAULT_NODE_OPTIONS,
  maxClockDriftPercent: 5,
  partitions: 1,
  meta: false,
  heartbeatIntervalMs: 100,
  electionTimeoutMs: 1000,
  quiesceAfterMs: 0,
  requestTimeoutMs: 5000,
  forwardTimeoutMs: 500,
};

export type Effect<Type extends NodeEffect['type']> = Extract<NodeEffect, { readonly type: Type }>;

export interface TestNode {
  readonly id: number;
  readonly state: NodeState;
  readonly options: NodeOptions;
  /** Everything on the disk, in order of keys. */
  readonly stored: readonly StoredRecord<Stored>[];
  /** Writes that are under way. */
  readonly underWay: readonly Effect<'Persist'>[];
  /** Reads that the disk has not answered yet. */
  readonly reading: readonly Effect<'Read'>[];
  /** When the node asked to be woken. */
  readonly timerAt: number;
  readonly answers: ReadonlyMap<number, ClientAnswer>;
  /** Answers to administrative requests. */
  readonly told: ReadonlyMap<number, AdminAnswer>;
  /** Answers to calls about transactions. */
  readonly said: ReadonlyMap<number, TransactionAnswer>;
  now: number;
  wall: number;
  turn(...events: NodeEvent[]): readonly NodeEffect[];
  /** Reports the writes under way as durable, up to one of them or all. */
  complete(through?: WriteNumber): readonly NodeEffect[];
  /** Answers all reads that are under way with what the disk holds. */
  answerReads(): readonly NodeEffect[];
  group(id?: number): GroupStatus;
}

export interface NodeSetup {
  readonly id?: number;
  readonly voters?: readonly number[];
  readonly options?: Partial<NodeOptions>;
  readonly stored?: readonly StoredRecord<Stored>[];
  readonly incarnation?: string;
  readonly now?: number;
}

export function effectsOf<Type extends NodeEffect['type']>(
  effects: readonly NodeEffect[],
  type: Type,
): readonly Effect<Type>[] {
  return effects.filter((effect): effect is Effect<Type> => effect.type === type);
}

export function startNode(setup: NodeSetup = {}): TestNode {
  const id = setup.id ?? 1;
  const options: NodeOptions = {
    ...OPTIONS,
    ...setup.options,
    node: nodeId(id),
    voters: (setup.voters ?? [1]).map(nodeId),
  };
  const machine = createNode(options);
  const disk = new Map<string, Stored>((setup.stored ?? []).map(({ key, value }) => [key, value]));
  const answers = new Map<number, ClientAnswer>();
  const told = new Map<number, AdminAnswer>();
  const said = new Map<number, TransactionAnswer>();
  let underWay: Effect<'Persist'>[] = [];
  let reading: Effect<'Read'>[] = [];
  let turns = 0;
  let timerAt = Number.POSITIVE_INFINITY;

  const clocks = () => ({ monotonic: monotonicMs(node.now), wall: wallMs(node.wall) });
  const note = (effects: readonly HostEffect<NodeMessage, NodeAnswer, Stored>[]): void => {
    for (const effect of effects) {
      if (effect.type === 'Persist') underWay.push(effect);
      if (effect.type === 'Read') reading.push(effect);
      if (effect.type === 'SetTimer') timerAt = effect.at;
      if (effect.type === 'Reply') {
        const { token, answer } = effect;
        if (answers.has(token) || told.has(token) || said.has(token))
          throw new Error(`token ${token} was answered twice`);
        if (isTransactionAnswer(answer)) said.set(token, answer);
        else if (isAdminAnswer(answer)) told.set(token, answer);
        else answers.set(token, answer);
      }
    }
  };

  const node: TestNode = {
    id,
    options,
    now: setup.now ?? 1000,
    wall: 1_700_000_000_000,
    answers,
    told,
    said,
    get state() {
      return state;
    },
    get stored() {
      return [...disk].map(([key, value]) => ({ key, value })).sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    get underWay() {
      return underWay;
    },
    get reading() {
      return reading;
    },
    get timerAt() {
      return timerAt;
    },
    turn(...events) {
      turns += 1;
      if (events.some(({ type }) => type === 'TimerFired')) timerAt = Number.POSITIVE_INFINITY;
      const input = { now: clocks(), entropy: Math.imul(turns * 31 + id, 0x9e3779b1) >>> 0, events };
      const step = pureStep(
        (before: NodeState, given: typeof input) => machine.step(before, given),
        state,
        input,
      );
      state = step.state;
      note(step.effects);
      return step.effects;
    },
    complete(through) {
      const last = underWay[underWay.length - 1];
      if (last === undefined) return [];
      const write = through ?? last.write;
      for (const persist of underWay.filter((one) => one.write <= write)) applyChanges(disk, persist.changes);
      underWay = underWay.filter((persist) => persist.write > write);
      return node.turn({ type: 'WriteCompleted', write });
    },
    answerReads() {
      const answered = reading.map(({ read, key }): NodeEvent => {
        return { type: 'ReadCompleted', read, value: disk.get(key) };
      });
      reading = [];
      return answered.length === 0 ? [] : node.turn(...answered);
    },
    group(group = 1) {
      const status = describeNode(options, state).groups.find((one) => one.group === group);
      if (status === undefined) throw new Error(`node ${id} has no group ${group}`);
      return status;
    },
  };

  const boot = deepFreeze({
    now: clocks(),
    entropy: id * 7919,
    incarnation: setup.incarnation ?? `run-1-of-${id}`,
    stored: node.stored.filter(({ key }) => !key.startsWith(COLD_PREFIX)),
  });
  const started = pureStep((_none: null, given: typeof boot) => machine.start(given), null, boot);
  let { state } = started;
  note(started.effects);
  return node;
}

export function applyChanges(disk: Map<string, Stored>, changes: readonly StorageChange<Stored>[]): void {
  for (const change of changes) {
    if (change.type === 'Put') disk.set(change.key, change.value);
    else if (change.type === 'Drop') disk.delete(change.key);
    else for (const key of [...disk.keys()]) if (key >= change.from && key < change.before) disk.delete(key);
  }
}

/** The same node, started anew from what is on its disk. */
export function restartNode(node: TestNode, incarnation = `run-2-of-${node.id}`): TestNode {
  return startNode({
    id: node.id,
    voters: node.options.voters,
    options: node.options,
    stored: node.stored,
    incarnation,
    now: node.now,
  });
}

export interface InFlight {
  readonly from: number;
  readonly to: number;
  readonly message: NodeMessage;
}

export interface TestCluster {
  readonly ids: readonly number[];
  node(id: number): TestNode;
  /** Messages that are on their way, oldest first. */
  network: InFlight[];
  turn(id: number, ...events: NodeEvent[]): readonly NodeEffect[];
  complete(id: number): readonly NodeEffect[];
  /** Hands over everything that is on its way, and completes every write, until nothing is left. */
  settle(filter?: (one: InFlight) => boolean): void;
  /** Time passes for everybody; timers fire, and what they bring about is settled. */
  pass(milliseconds: number, filter?: (one: InFlight) => boolean): void;
  ask(id: number, token: number, request: NodeRequest): readonly NodeEffect[];
  /** Who leads the group, as the leader itself believes. */
  leader(group?: number): TestNode;
  restart(id: number): void;
}

/** @param joiners run beside the cluster, and know nobody. */
export function startCluster(
  size: number,
  options: Partial<NodeOptions> = {},
  joiners: readonly number[] = [],
): TestCluster {
  const voters = Array.from({ length: size }, (_, i) => i + 1);
  const ids = [...voters, ...joiners];
  const nodes = new Map(
    ids.map((id) => [id, startNode({ id, voters: voters.includes(id) ? voters : [], options })]),
  );

  const note = (from: number, effects: readonly NodeEffect[]): readonly NodeEffect[] => {
    for (const { to, messages } of effectsOf(effects, 'Send')) {
      for (const message of messages) cluster.network.push({ from, to, message });
    }
    return effects;
  };

  const cluster: TestCluster = {
    ids,
    network: [],
    node: (id) => {
      const node = nodes.get(id);
      if (node === undefined) throw new Error(`there is no node ${id}`);
      return node;
    },
    turn: (id, ...events) => note(id, cluster.node(id).turn(...events)),
    complete: (id) => note(id, cluster.node(id).complete()),
    settle(filter = () => true) {
      for (let rounds = 0; rounds < 500; rounds += 1) {
        const arriving = cluster.network.filter(filter);
        cluster.network = [];
        for (const { from, to, message } of arriving) {
          cluster.turn(to, { type: 'MessageReceived', from: nodeId(from), message });
        }
        const writing = ids.filter((id) => cluster.node(id).underWay.length > 0);
        for (const id of writing) cluster.complete(id);
        const reading = ids.filter((id) => cluster.node(id).reading.length > 0);
        for (const id of reading) note(id, cluster.node(id).answerReads());
        if (arriving.length === 0 && writing.length === 0 && reading.length === 0) return;
      }
      throw new Error('the nodes never came to rest');
    },
    pass(milliseconds, filter) {
      for (let passed = 0; passed < milliseconds; passed += 10) {
        for (const id of ids) {
          const node = cluster.node(id);
          node.now += 10;
          node.wall += 10;
          if (node.timerAt <= node.now) cluster.turn(id, { type: 'TimerFired' });
        }
        cluster.settle(filter);
      }
    },
    ask: (id, token, request) => cluster.turn(id, { type: 'RequestReceived', token, request }),
    leader(group = 1) {
      const leaders = ids.filter((id) => cluster.node(id).group(group).role === 'leader');
      const [id] = leaders.sort(
        (a, b) => cluster.node(b).group(group).term - cluster.node(a).group(group).term,
      );
      if (id === undefined) throw new Error(`nobody leads group ${group}`);
      return cluster.node(id);
    },
    restart(id) {
      nodes.set(id, restartNode(cluster.node(id)));
    },
  };
  return cluster;
}

/** A cluster whose leaders are elected, and which is at rest. */
export function startReadyCluster(size: number, options: Partial<NodeOptions> = {}): TestCluster {
  const cluster = startCluster(size, options);
  cluster.pass(3000);
  return cluster;
}

/** A single node that leads all its groups, with nothing under way. */
export function startReadyNode(options: Partial<NodeOptions> = {}): TestNode {
  const node = startNode({ options });
  node.now += 2000;
  node.turn({ type: 'TimerFired' });
  while (node.underWay.length > 0) node.complete();
  return node;
}

export function set(key: string, text: string, requestId?: string, flags = 1): ClientCall {
  return withId(
    {
      type: 'Set',
      key,
      value: Uint8Array.from(text, (character) => character.charCodeAt(0)),
      flags,
      compareValue: null,
      compareRevision: revision(0),
    },
    requestId,
  );
}

export function remove(key: string, requestId?: string): ClientCall {
  return withId({ type: 'Delete', key }, requestId);
}

export function get(key: string, requestId?: string): ClientCall {
  return withId({ type: 'Get', key }, requestId);
}

function withId(operation: KeyValueOperation, requestId: string | undefined): ClientCall {
  return requestId === undefined ? { operation } : { requestId: requestId as RequestId, operation };
}

/** The revision that an answer of the key/value store names. */
export function revisionOf(answer: ClientAnswer | undefined): number | undefined {
  return answer !== undefined && 'revision' in answer ? answer.revision : undefined;
}

/** What is stored under a key according to an answer, as text. */
export function textOf(answer: ClientAnswer | undefined): string | null | undefined {
  if (answer === undefined || !('value' in answer)) return undefined;
  return answer.value === null ? null : String.fromCharCode(...answer.value);
}
