/**
 * The world: drives machines of one kind through virtual time.
 *
 * Any machine with the core's contract can be driven, ours or a user's. The world performs effects against simulated
 * disks, clocks and a simulated network, and shows every step to an observer before anything that it sent leaves.
 * Inside a run the world is mutable; from outside a run is a function of its settings.
 */

import {
  assert,
  ImpossibleState,
  nodeId,
  type Boot,
  type HostEffect,
  type HostEvent,
  type Machine,
  type MonotonicMs,
  type NodeId,
  type Persist,
  type Step,
  type Turn,
} from '../../core/index.js';
import type { Scenario } from '../faults/scenario.js';
import { draw, drawBelow, drawBetween, drawChance, streamOf, type Stream } from './chance.js';
import { readClocks, whenMonotonic, type NodeClock } from './clock.js';
import { beginSync, crashDisk, createDisk, enqueueWrite, finishSync, readDisk, type Disk } from './disk.js';
import { createEventQueue, nextTime, popEvent, pushEvent, type EventQueue } from './event-queue.js';
import { arrivals, createNetwork, type Network } from './network.js';

export type WorldSettings = Pick<Scenario, 'seed' | 'nodes' | 'network' | 'disk' | 'clocks'> & {
  readonly turnUs: number;
};

export interface World<State, Message, Request, Answer, Stored> {
  readonly settings: WorldSettings;
  readonly nodes: readonly SimNode<State, Message, Request, Answer, Stored>[];
  readonly network: Network;
  readonly queue: EventQueue<Happening<Message, Request>>;
  readonly observer: Observer<State, Message, Request, Answer, Stored>;
  /** Who waits for the answer to which token. */
  readonly waiting: Map<number, (answer: Answer) => void>;
  readonly clientStream: Stream;
  nowUs: number;
  nextToken: number;
  /** Events handed to machines. */
  events: number;
  /** Set at the first broken property; the run stops there. */
  failure: Failure | undefined;
}

/** What went wrong, and where. */
export interface Failure {
  /** Which property, in a few words; the same bug gives the same property. */
  readonly property: string;
  readonly detail: string;
  readonly atUs: number;
}

export interface SimNode<State, Message, Request, Answer, Stored> {
  readonly id: NodeId;
  readonly machine: Machine<State, Message, Request, Answer, Stored>;
  readonly disk: Disk<Stored>;
  readonly entropy: Stream;
  readonly diskStream: Stream;
  /** Undefined while the node is down. */
  state: State | undefined;
  /** Counts starts; events meant for an earlier run are dropped. */
  run: number;
  clock: NodeClock;
  turns: number;
  syncs: number;
  inbox: HostEvent<Message, Request>[];
  /** Until then the node is busy, or paused. */
  busyUntilUs: number;
  readyScheduled: boolean;
  timer: number;
  crashAtWrite: ((node: NodeId) => void) | undefined;
}

/** Something that will happen at a virtual time. */
type Happening<Message, Request> =
  | { readonly type: 'Event'; readonly node: NodeId; readonly event: HostEvent<Message, Request> }
  | { readonly type: 'Timer'; readonly node: NodeId; readonly run: number; readonly timer: number }
  | { readonly type: 'Ready'; readonly node: NodeId; readonly run: number }
  | { readonly type: 'Synced'; readonly node: NodeId; readonly run: number }
  | { readonly type: 'Call'; readonly call: () => void };

/** Sees everything that can be seen, when it happens. What it throws as `PropertyBroken` ends the run. */
export interface Observer<State, Message, Request, Answer, Stored> {
  started(node: NodeId, boot: Boot<Stored>, step: Step<State, HostEffect<Message, Answer, Stored>>): void;
  /** Called before the effects of the step are performed. */
  stepped(
    node: NodeId,
    before: State,
    turn: Turn<HostEvent<Message, Request>>,
    step: Step<State, HostEffect<Message, Answer, Stored>>,
  ): void;
  /** These writes are now durable. */
  synced(node: NodeId, writes: readonly Persist<Stored>[]): void;
  crashed(node: NodeId): void;
}

/** Thrown by observers: a property does not hold. */
export class PropertyBroken extends Error {
  override readonly name = 'PropertyBroken';
  constructor(
    readonly property: string,
    detail: string,
  ) {
    super(detail);
  }
}

export function createWorld<State, Message, Request, Answer, Stored>(
  settings: WorldSettings,
  machineOf: (node: NodeId) => Machine<State, Message, Request, Answer, Stored>,
  observer: Observer<State, Message, Request, Answer, Stored>,
): World<State, Message, Request, Answer, Stored> {
  const { seed } = settings;
  const ids = Array.from({ length: settings.nodes }, (_, i) => nodeId(i + 1));
  return {
    settings,
    nodes: ids.map((id) => ({
      id,
      machine: machineOf(id),
      disk: createDisk(),
      entropy: streamOf(seed, 'entropy', id),
      diskStream: streamOf(seed, 'disk', id),
      state: undefined,
      run: 0,
      clock: { driftPpm: 0, monotonicOffsetMs: 0, wallOffsetMs: 0 },
      turns: 0,
      syncs: 0,
      inbox: [],
      busyUntilUs: 0,
      readyScheduled: false,
      timer: 0,
      crashAtWrite: undefined,
    })),
    network: createNetwork(seed, settings.network),
    queue: createEventQueue(),
    observer,
    waiting: new Map(),
    clientStream: streamOf(seed, 'client link'),
    nowUs: 0,
    nextToken: 1,
    events: 0,
    failure: undefined,
  };
}

type AnyWorld<S, M, Q, A, D> = World<S, M, Q, A, D>;

export function nodeOf<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, id: number): SimNode<S, M, Q, A, D> {
  return world.nodes[id - 1] as SimNode<S, M, Q, A, D>;
}

/** Runs `call` at a virtual time; for clients, faults and whatever else stands outside the machines. */
export function callAt<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, atUs: number, call: () => void): void {
  pushEvent(world.queue, Math.max(atUs, world.nowUs), { type: 'Call', call });
}

/** Goes on until `done` or a failure, or until nothing more will happen. */
export function runWorld<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, done: () => boolean): void {
  while (world.failure === undefined && !done()) {
    const at = nextTime(world.queue);
    const happening = popEvent(world.queue);
    if (at === undefined || happening === undefined) return;
    assert(at >= world.nowUs, () => `virtual time would go back from ${world.nowUs} to ${at} us`);
    world.nowUs = at;
    try {
      happen(world, happening);
    } catch (error) {
      world.failure = failureOf(error, at);
    }
  }
}

/** What a check finds broken; undefined when it finds nothing. */
export function failureBy(check: () => void, atUs: number): Failure | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return failureOf(error, atUs);
  }
}

/** A broken property or assertion is the run's failure; anything else is a fault of the simulator itself. */
function failureOf(error: unknown, atUs: number): Failure {
  if (error instanceof PropertyBroken) return { property: error.property, detail: error.message, atUs };
  if (error instanceof ImpossibleState) {
    return { property: 'assertion of the machine', detail: error.message, atUs };
  }
  throw error;
}

function happen<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, happening: Happening<M, Q>): void {
  switch (happening.type) {
    case 'Event':
      return arrive(world, nodeOf(world, happening.node), happening.event);
    case 'Timer': {
      const node = nodeOf(world, happening.node);
      if (node.run === happening.run && node.timer === happening.timer)
        arrive(world, node, { type: 'TimerFired' });
      return;
    }
    case 'Ready': {
      const node = nodeOf(world, happening.node);
      if (node.run !== happening.run) return;
      node.readyScheduled = false;
      takeTurnIfFree(world, node);
      return;
    }
    case 'Synced':
      return syncFinished(world, nodeOf(world, happening.node), happening.run);
    case 'Call':
      return happening.call();
  }
}

function arrive<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  event: HostEvent<M, Q>,
): void {
  if (node.state === undefined) return;
  node.inbox.push(event);
  takeTurnIfFree(world, node);
}

function takeTurnIfFree<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, node: SimNode<S, M, Q, A, D>): void {
  if (node.inbox.length === 0 || node.readyScheduled) return;
  if (world.nowUs < node.busyUntilUs) {
    node.readyScheduled = true;
    pushEvent(world.queue, node.busyUntilUs, { type: 'Ready', node: node.id, run: node.run });
    return;
  }
  takeTurn(world, node);
}

function takeTurn<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, node: SimNode<S, M, Q, A, D>): void {
  const before = node.state;
  if (before === undefined) return;
  const events = node.inbox;
  node.inbox = [];
  node.turns += 1;
  node.busyUntilUs = Math.max(node.busyUntilUs, world.nowUs + world.settings.turnUs);
  world.events += events.length;
  const turn = { now: readClocks(node.clock, world.nowUs), entropy: draw(node.entropy, node.turns), events };
  const step = node.machine.step(before, turn);
  node.state = step.state;
  world.observer.stepped(node.id, before, turn, step);
  perform(world, node, step.effects);
}

function perform<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  effects: readonly HostEffect<M, A, D>[],
): void {
  let wrote = false;
  for (const effect of effects) {
    switch (effect.type) {
      case 'Send':
        for (const message of effect.messages) sendMessage(world, node.id, effect.to, message);
        break;
      case 'Persist':
        enqueueWrite(node.disk, effect);
        wrote = true;
        break;
      case 'SetTimer':
        setTimer(world, node, effect.at);
        break;
      case 'Reply': {
        const waiting = world.waiting.get(effect.token);
        world.waiting.delete(effect.token);
        waiting?.(effect.answer);
        break;
      }
      case 'Halt':
        throw new PropertyBroken('a node halted', `node ${node.id} halted: ${effect.reason}`);
    }
  }
  if (!wrote) return;
  const { crashAtWrite } = node;
  if (crashAtWrite === undefined) startSync(world, node);
  else {
    node.crashAtWrite = undefined;
    crashAtWrite(node.id);
  }
}

function sendMessage<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  from: NodeId,
  to: NodeId,
  message: M,
): void {
  for (const atUs of arrivals(world.network, from, to, world.nowUs)) {
    pushEvent(world.queue, atUs, {
      type: 'Event',
      node: to,
      event: { type: 'MessageReceived', from, message },
    });
  }
}

function setTimer<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  at: MonotonicMs,
): void {
  node.timer += 1;
  const atUs = Math.max(world.nowUs, whenMonotonic(node.clock, at));
  pushEvent(world.queue, atUs, { type: 'Timer', node: node.id, run: node.run, timer: node.timer });
}

function startSync<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, node: SimNode<S, M, Q, A, D>): void {
  if (!beginSync(node.disk)) return;
  node.syncs += 1;
  const { disk } = world.settings;
  const slow = !world.network.calm && drawChance(node.diskStream, disk.slowChance, node.syncs);
  const most = slow ? disk.slowMaxSyncUs : disk.maxSyncUs;
  const atUs = world.nowUs + drawBetween(node.diskStream, disk.minSyncUs, most, node.syncs, 1);
  pushEvent(world.queue, atUs, { type: 'Synced', node: node.id, run: node.run });
}

function syncFinished<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  run: number,
): void {
  if (node.run !== run || node.state === undefined) return;
  const done = finishSync(node.disk);
  world.observer.synced(node.id, done);
  startSync(world, node);
  const last = done[done.length - 1];
  if (last !== undefined) arrive(world, node, { type: 'WriteCompleted', write: last.write });
}

/** Ends a node's process: it loses its memory, and of its unsynced writes all but a drawn prefix. */
export function crashNode<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, id: NodeId): void {
  const node = nodeOf(world, id);
  if (node.state === undefined) return;
  node.state = undefined;
  node.inbox = [];
  node.readyScheduled = false;
  node.crashAtWrite = undefined;
  const kept = drawBelow(node.diskStream, node.disk.pending.length + 1, node.run, 2);
  world.observer.synced(id, crashDisk(node.disk, kept));
  world.observer.crashed(id);
}

/** Starts a node that is down, from what its disk holds. */
export function startNode<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, id: NodeId): void {
  const node = nodeOf(world, id);
  if (node.state !== undefined) return;
  node.run += 1;
  node.turns += 1;
  node.busyUntilUs = world.nowUs;
  node.clock = drawClock(world.settings, id, node.run);
  const boot: Boot<D> = {
    now: readClocks(node.clock, world.nowUs),
    entropy: draw(node.entropy, node.turns),
    incarnation: `${id}.${node.run}`,
    stored: readDisk(node.disk),
  };
  const step = node.machine.start(boot);
  node.state = step.state;
  world.observer.started(id, boot, step);
  perform(world, node, step.effects);
}

function drawClock(settings: WorldSettings, id: NodeId, run: number): NodeClock {
  const stream = streamOf(settings.seed, 'clock', id);
  const { maxDriftPpm, maxWallOffsetMs } = settings.clocks;
  return {
    driftPpm: drawBetween(stream, -maxDriftPpm, maxDriftPpm, 0),
    monotonicOffsetMs: drawBelow(stream, 1_000_000, run, 1),
    wallOffsetMs: drawBetween(stream, -maxWallOffsetMs, maxWallOffsetMs, 0, 2),
  };
}

/** A process that stands still: what arrives waits, and is handled in one turn when it goes on. */
export function pauseNode<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, id: NodeId, untilUs: number): void {
  const node = nodeOf(world, id);
  node.busyUntilUs = Math.max(node.busyUntilUs, untilUs);
}

/**
 * A client asks a node, over a link that delays and loses like the others. `onAnswer` is called when the answer
 * arrives, unless the request or the answer is lost or the node crashes: then it never is.
 *
 * @returns the token under which the node knows the request.
 */
export function ask<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  id: NodeId,
  request: Q,
  onAnswer: (answer: A) => void,
): number {
  const token = world.nextToken;
  world.nextToken = token + 1;
  const thereUs = clientDelay(world, token, 0);
  if (thereUs === undefined) return token;
  world.waiting.set(token, (answer) => {
    const backUs = clientDelay(world, token, 4);
    if (backUs !== undefined) callAt(world, world.nowUs + backUs, () => onAnswer(answer));
  });
  pushEvent(world.queue, world.nowUs + thereUs, {
    type: 'Event',
    node: id,
    event: { type: 'RequestReceived', token, request },
  });
  return token;
}

/** How long a client's request or answer takes; undefined when it is lost. */
function clientDelay<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  token: number,
  salt: number,
): number | undefined {
  const { network } = world.settings;
  const stream = world.clientStream;
  if (!world.network.calm && drawChance(stream, network.lossChance, token, salt)) return undefined;
  return drawBetween(stream, network.minDelayUs, network.maxDelayUs, token, salt + 1);
}
