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
  type Read,
  type Step,
  type Turn,
} from '../../core/index.js';
import { machinesOf, type Scenario } from '../faults/scenario.js';
import { createBends, type Bends } from './bends.js';
import { draw, drawBelow, drawBetween, drawChance, streamOf, type Stream } from './chance.js';
import { changeClock, EPOCH_MS, readClocks, whenMonotonic, type NodeClock } from './clock.js';
import {
  beginSync,
  bootRecords,
  createDisk,
  dropUnsynced,
  enqueueWrite,
  finishSync,
  readDisk,
  wipeDisk,
  type Disk,
} from './disk.js';
import { createEventQueue, nextTime, popEvent, pushEvent, type EventQueue } from './event-queue.js';
import { feel, type Felt } from './felt.js';
import { mangle } from './mangle.js';
import {
  arrivals,
  clientFate,
  createNetwork,
  linkOf,
  type Link,
  type Network,
  type Parcels,
} from './network.js';

export type WorldSettings = Pick<
  Scenario,
  'seed' | 'nodes' | 'spares' | 'network' | 'disk' | 'clocks' | 'host' | 'bends'
>;

export interface World<State, Message, Request, Answer, Stored> {
  readonly settings: WorldSettings;
  readonly nodes: readonly SimNode<State, Message, Request, Answer, Stored>[];
  readonly network: Network;
  readonly queue: EventQueue<Happening<Message, Request, Stored>>;
  readonly observer: Observer<State, Message, Request, Answer, Stored>;
  readonly machineOf: MachineOf<State, Message, Request, Answer, Stored>;
  /** Who waits for the answer to which token. */
  readonly waiting: Map<number, (answer: Answer) => void>;
  readonly clientStream: Stream;
  readonly bends: Bends | undefined;
  /** What the storm did, by name of the fault or effect. */
  readonly felt: Felt;
  /** The kinds of the faults that last just now, one for each. */
  readonly underWay: string[];
  nowUs: number;
  nextToken: number;
  /** Events handed to machines. */
  events: number;
  /** The storm is over: clients' links are whole. */
  calm: boolean;
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

/** Builds the machine of a node, in one of the versions that the system has. */
export type MachineOf<State, Message, Request, Answer, Stored> = (
  node: NodeId,
  version: number,
) => Machine<State, Message, Request, Answer, Stored>;

export interface SimNode<State, Message, Request, Answer, Stored> {
  readonly id: NodeId;
  machine: Machine<State, Message, Request, Answer, Stored>;
  version: number;
  readonly disk: Disk<Stored>;
  readonly entropy: Stream;
  readonly diskStream: Stream;
  readonly readStream: Stream;
  /** Undefined while the node is down. */
  state: State | undefined;
  /** Counts starts; events meant for an earlier run are dropped. */
  run: number;
  clock: NodeClock;
  /** How its clock runs while no fault bends it. */
  readonly driftPpm: number;
  /** The rates that faults give its clock just now; the newest counts. */
  readonly drifts: number[];
  turns: number;
  syncs: number;
  /** Reads that it asked its disk for, and those that wait because the disk is stuck. */
  reads: number;
  readonly stuckReads: Read[];
  inbox: HostEvent<Message, Request, Stored>[];
  /** Until then the node is busy, or paused. */
  busyUntilUs: number;
  readyScheduled: boolean;
  /** Counts timers; only the newest fires. */
  timer: number;
  /** What the newest timer waits for; undefined when it has fired. */
  timerAt: MonotonicMs | undefined;
  /** How long one turn takes now. */
  turnUs: number;
  crashAtWrite: (() => void) | undefined;
  /** Its disk has failed it, so it may halt. */
  mayHalt: boolean;
  /** Why it will never start again; undefined while it may. */
  refuses: string | undefined;
  /** It takes part in the calm: nothing ails it any more. */
  calm: boolean;
  /** A spare that nobody has started yet. */
  idle: boolean;
}

/** Something that will happen at a virtual time. */
type Happening<Message, Request, Stored> =
  | {
      readonly type: 'Event';
      readonly node: NodeId;
      readonly event: HostEvent<Message, Request, Stored>;
      /** The link on which it comes, and the connection; undefined for what comes from clients. */
      readonly link?: Link;
      readonly connection?: number;
    }
  | { readonly type: 'Timer'; readonly node: NodeId; readonly run: number; readonly timer: number }
  | { readonly type: 'Ready'; readonly node: NodeId; readonly run: number }
  | { readonly type: 'Synced'; readonly node: NodeId; readonly run: number }
  | { readonly type: 'Read'; readonly node: NodeId; readonly run: number; readonly effect: Read }
  | { readonly type: 'Call'; readonly call: () => void };

/** Sees everything that can be seen, when it happens. What it throws as `PropertyBroken` ends the run. */
export interface Observer<State, Message, Request, Answer, Stored> {
  /** @param version which version of the machine it is that starts. */
  started(
    node: NodeId,
    boot: Boot<Stored>,
    step: Step<State, HostEffect<Message, Answer, Stored>>,
    version: number,
  ): void;
  /**
   * Called before the effects of the step are performed.
   *
   * @param bent the points of the code that were bent in this turn.
   */
  stepped(
    node: NodeId,
    before: State,
    turn: Turn<HostEvent<Message, Request, Stored>>,
    step: Step<State, HostEffect<Message, Answer, Stored>>,
    bent: readonly string[],
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

const PLAIN_PARCELS: Parcels = { kindOf: () => 'message', bytesOf: () => 100 };

export function createWorld<State, Message, Request, Answer, Stored>(
  settings: WorldSettings,
  machineOf: MachineOf<State, Message, Request, Answer, Stored>,
  observer: Observer<State, Message, Request, Answer, Stored>,
  parcels: Parcels = PLAIN_PARCELS,
): World<State, Message, Request, Answer, Stored> {
  const { seed } = settings;
  const ids = Array.from({ length: machinesOf(settings) }, (_, i) => nodeId(i + 1));
  const felt: Felt = new Map();
  return {
    settings,
    nodes: ids.map((id) => ({
      id,
      machine: machineOf(id, 0),
      version: 0,
      disk: createDisk(),
      entropy: streamOf(seed, 'entropy', id),
      diskStream: streamOf(seed, 'disk', id),
      readStream: streamOf(seed, 'disk reads', id),
      state: undefined,
      run: 0,
      clock: drawClock(settings, id),
      driftPpm: drawClock(settings, id).driftPpm,
      drifts: [],
      turns: 0,
      syncs: 0,
      reads: 0,
      stuckReads: [],
      inbox: NOTHING,
      busyUntilUs: 0,
      readyScheduled: false,
      timer: 0,
      timerAt: undefined,
      turnUs: settings.host.turnUs,
      crashAtWrite: undefined,
      mayHalt: false,
      refuses: undefined,
      calm: false,
      idle: id > settings.nodes,
    })),
    network: createNetwork(seed, machinesOf(settings), settings.network, parcels, felt),
    queue: createEventQueue(),
    observer,
    machineOf,
    waiting: new Map(),
    clientStream: streamOf(seed, 'client link'),
    bends: createBends(seed, settings.bends, felt),
    felt,
    underWay: [],
    nowUs: 0,
    nextToken: 1,
    events: 0,
    calm: false,
    failure: undefined,
  };
}

type AnyWorld<S, M, Q, A, D> = World<S, M, Q, A, D>;

export function nodeOf<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, id: number): SimNode<S, M, Q, A, D> {
  return world.nodes[id - 1] as SimNode<S, M, Q, A, D>;
}

/** The nodes that have ever been started: all but the spares that nobody needed yet. */
export function nodesInUse<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>): readonly SimNode<S, M, Q, A, D>[] {
  return (world.settings.spares ?? 0) === 0 ? world.nodes : world.nodes.filter(({ idle }) => !idle);
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

function happen<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, happening: Happening<M, Q, D>): void {
  switch (happening.type) {
    case 'Event':
      if (happening.link !== undefined && happening.link.connection !== happening.connection) return;
      return arrive(world, nodeOf(world, happening.node), happening.event);
    case 'Timer': {
      const node = nodeOf(world, happening.node);
      if (node.run !== happening.run || node.timer !== happening.timer) return;
      node.timerAt = undefined;
      arrive(world, node, TIMER_FIRED);
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
    case 'Read':
      return readFinished(world, nodeOf(world, happening.node), happening.run, happening.effect);
    case 'Call':
      return happening.call();
  }
}

/** Never pushed to. */
const NOTHING: never[] = [];
const NOT_BENT: readonly string[] = [];
const TIMER_FIRED = { type: 'TimerFired' } as const;

function arrive<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  event: HostEvent<M, Q, D>,
): void {
  if (node.state === undefined) return;
  // The shared empty list until something comes: the first push on a list of its own reserves room for many.
  if (node.inbox.length === 0) node.inbox = [event];
  else node.inbox.push(event);
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
  node.inbox = NOTHING;
  node.turns += 1;
  node.busyUntilUs = Math.max(node.busyUntilUs, world.nowUs + node.turnUs);
  world.events += events.length;
  const now = readClocks(node.clock, world.nowUs);
  const entropy = draw(node.entropy, node.turns);
  if (world.bends === undefined || node.calm) {
    step(world, node, before, { now, entropy, events }, NOT_BENT);
    return;
  }
  const bent: string[] = [];
  step(world, node, before, { now, entropy, events, bend: world.bends(node.id, node.turns, bent) }, bent);
}

function step<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  before: S,
  turn: Turn<HostEvent<M, Q, D>>,
  bent: readonly string[],
): void {
  const taken = node.machine.step(before, turn);
  node.state = taken.state;
  world.observer.stepped(node.id, before, turn, taken, bent);
  perform(world, node, taken.effects);
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
      case 'Read':
        startRead(world, node, effect);
        break;
      case 'SetTimer':
        node.timerAt = effect.at;
        armTimer(world, node);
        break;
      case 'Reply': {
        const waiting = world.waiting.get(effect.token);
        world.waiting.delete(effect.token);
        waiting?.(effect.answer);
        break;
      }
      case 'Halt':
        halt(world, node, effect.reason);
        return;
    }
  }
  if (!wrote) return;
  const { crashAtWrite } = node;
  if (crashAtWrite === undefined) startSync(world, node);
  else {
    node.crashAtWrite = undefined;
    crashAtWrite();
  }
}

function sendMessage<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  from: NodeId,
  to: NodeId,
  message: M,
): void {
  const { network } = world;
  const link = linkOf(network, from, to);
  const { connection } = link;
  for (const { atUs, corrupt } of arrivals(network, from, to, message, world.nowUs)) {
    if (corrupt !== undefined && network.settings.checksums) continue;
    const arriving =
      corrupt === undefined
        ? message
        : mangle(message, streamOf(network.seed, 'damage', `${from}>${to}`), corrupt);
    const event = { type: 'MessageReceived', from, message: arriving } as const;
    pushEvent(world.queue, atUs, { type: 'Event', node: to, event, link, connection });
  }
}

/** Sets the alarm for what the node waits for; to be called again when its clock is changed. */
export function armTimer<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, node: SimNode<S, M, Q, A, D>): void {
  node.timer += 1;
  if (node.timerAt === undefined) return;
  const atUs = whenMonotonic(node.clock, node.timerAt);
  if (atUs === undefined) return;
  const { timer, run } = node;
  pushEvent(world.queue, Math.max(world.nowUs, atUs), { type: 'Timer', node: node.id, run, timer });
}

/** A machine may stop itself when its disk failed it, and is then started again; for any other reason it is a bug. */
function halt<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  reason: string,
): void {
  if (!node.mayHalt) throw new PropertyBroken('a node halted', `node ${node.id} halted: ${reason}`);
  crashNode(world, node.id);
  callAt(world, world.nowUs + world.settings.host.restartMs * 1_000, () => startNode(world, node.id));
}

function startSync<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, node: SimNode<S, M, Q, A, D>): void {
  if (node.disk.stuck > 0 && node.disk.syncing === 0 && node.disk.pending.length > 0) {
    feel(world.felt, 'StuckDisk');
    return;
  }
  if (!beginSync(node.disk)) return;
  node.syncs += 1;
  const { disk } = world.settings;
  const slow = !node.calm && drawChance(node.diskStream, disk.slowChance, node.syncs);
  if (slow) feel(world.felt, 'sync slow');
  if (node.disk.slowUs > 0) feel(world.felt, 'SlowDisk');
  const most = slow ? disk.slowMaxSyncUs : disk.maxSyncUs;
  const takesUs = drawBetween(node.diskStream, disk.minSyncUs, most, node.syncs, 1) + node.disk.slowUs;
  pushEvent(world.queue, world.nowUs + takesUs, { type: 'Synced', node: node.id, run: node.run });
}

function syncFinished<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  run: number,
): void {
  if (node.run !== run || node.state === undefined) return;
  const { disk } = node;
  const drawn = !node.calm && drawChance(node.diskStream, world.settings.disk.failChance, node.syncs, 3);
  if (disk.full > 0 || disk.failNext || drawn) {
    failSync(world, node, disk.full > 0 ? 'FullDisk' : disk.failNext ? 'FailSync' : 'sync failed');
    return;
  }
  const done = finishSync(disk);
  world.observer.synced(node.id, done);
  startSync(world, node);
  const last = done[done.length - 1];
  if (last !== undefined) arrive(world, node, { type: 'WriteCompleted', write: last.write });
}

/** The disk gives up on everything that is not durable yet: some prefix of it may be there all the same. */
function failSync<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  cause: string,
): void {
  const { disk } = node;
  const first = disk.pending[0];
  if (first === undefined) return;
  feel(world.felt, cause);
  disk.failNext = false;
  node.mayHalt = true;
  const kept = cause === 'FullDisk' ? 0 : drawBelow(node.diskStream, disk.pending.length + 1, node.syncs, 4);
  world.observer.synced(node.id, dropUnsynced(disk, kept));
  arrive(world, node, { type: 'WriteFailed', write: first.write, reason: cause });
}

/** Of a million reads, so many take as long as the slowest syncs. */
const SLOW_READS = 100_000;

/** Reads go beside the syncs, each in a time of its own, so they overtake one another. */
function startRead<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  effect: Read,
): void {
  node.reads += 1;
  const { minSyncUs, maxSyncUs, slowMaxSyncUs } = world.settings.disk;
  // What is read is scattered over the disk: some reads wait behind many others.
  const slow = !node.calm && drawChance(node.readStream, SLOW_READS, node.reads, 1);
  const most = slow ? Math.max(maxSyncUs, slowMaxSyncUs) : maxSyncUs;
  const takesUs = drawBetween(node.readStream, minSyncUs, most, node.reads) + node.disk.slowUs;
  pushEvent(world.queue, world.nowUs + takesUs, { type: 'Read', node: node.id, run: node.run, effect });
}

/** The disk gives what is durable by now; or fails, or gives something else, where the scenario says so. */
function readFinished<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
  run: number,
  effect: Read,
): void {
  if (node.run !== run || node.state === undefined) return;
  if (node.disk.stuck > 0) {
    node.stuckReads.push(effect);
    return;
  }
  const { read, key } = effect;
  const value = node.disk.durable.get(key);
  const { readFailChance = 0 } = world.settings.disk;
  // In the calm no disk fails to read, not even of a node that is not healed: one that halts over and over, and is back in time to lead
  // each time, would keep the others from ever being level (seed 3578).
  if (world.calm || !drawChance(node.readStream, readFailChance, read, node.run)) {
    arrive(world, node, { type: 'ReadCompleted', read, value });
    return;
  }
  node.mayHalt = true;
  if (value === undefined || drawBelow(node.readStream, 2, read, node.run + 1) === 0) {
    feel(world.felt, 'read failed');
    arrive(world, node, { type: 'ReadFailed', read, reason: 'the disk gave nothing' });
    return;
  }
  feel(world.felt, 'record rotten');
  const rotten = mangle(value, node.readStream, read);
  // Bytes that stand for no record cannot be handed on as one.
  if (kindOf(rotten) !== kindOf(value)) {
    arrive(world, node, { type: 'ReadFailed', read, reason: 'the record is of no kind that there is' });
  } else arrive(world, node, { type: 'ReadCompleted', read, value: rotten });
}

/** What kind of record it is, where records say so. */
function kindOf(record: unknown): unknown {
  return typeof record === 'object' && record !== null && 'type' in record ? record.type : undefined;
}

/** Lets a disk that was stuck go on. */
export function resumeDisk<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  node: SimNode<S, M, Q, A, D>,
): void {
  if (node.state === undefined) return;
  startSync(world, node);
  for (const effect of node.stuckReads.splice(0)) startRead(world, node, effect);
}

/**
 * Ends a node's process: it loses its memory, and of its unsynced writes all but a drawn prefix.
 *
 * @param torn the first write that is lost leaves its first half, on disks where that can be.
 */
export function crashNode<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, id: NodeId, torn = false): void {
  const node = nodeOf(world, id);
  if (node.state === undefined) return;
  node.state = undefined;
  node.inbox = NOTHING;
  node.readyScheduled = false;
  node.timerAt = undefined;
  node.crashAtWrite = undefined;
  node.stuckReads.length = 0;
  const { pending } = node.disk;
  const kept = drawBelow(node.diskStream, pending.length + (torn ? 0 : 1), node.run, 2);
  if (kept < pending.length) feel(world.felt, torn ? 'write torn' : 'unsynced write lost');
  const survivors = dropUnsynced(node.disk, kept, torn && !world.settings.disk.atomicWrites);
  world.observer.synced(id, survivors);
  world.observer.crashed(id);
}

/** Everything that the node had on its disk is gone, and it will not start again. */
export function destroyDisk<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, id: NodeId, why: string): void {
  crashNode(world, id);
  const node = nodeOf(world, id);
  node.refuses = why;
  wipeDisk(node.disk);
}

/** Turns over one bit of what the node has stored. With checksums it will not start again; else it reads what is there. */
export function rotDisk<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, id: NodeId): void {
  crashNode(world, id);
  const node = nodeOf(world, id);
  const records = readDisk(node.disk);
  if (records.length === 0) return;
  feel(world.felt, 'BitRot');
  if (world.settings.disk.checksums) {
    node.refuses = 'a stored record does not match its checksum';
    return;
  }
  const record = records[drawBelow(node.diskStream, records.length, node.run, 5)];
  if (record !== undefined)
    node.disk.durable.set(record.key, mangle(record.value, node.diskStream, node.run));
}

/** Switches a spare on: it starts with an empty disk, and again like any node from then on. */
export function startSpare<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, id: NodeId): void {
  nodeOf(world, id).idle = false;
  startNode(world, id);
}

/** Starts a node that is down, from what its disk holds, unless that cannot be trusted. */
export function startNode<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, id: NodeId): void {
  const node = nodeOf(world, id);
  if (node.state !== undefined || node.idle) return;
  if (node.refuses !== undefined) {
    feel(world.felt, 'start refused');
    return;
  }
  node.run += 1;
  node.turns += 1;
  node.busyUntilUs = world.nowUs;
  node.mayHalt = false;
  node.clock = restartClock(world, node);
  const boot: Boot<D> = {
    now: readClocks(node.clock, world.nowUs),
    entropy: draw(node.entropy, node.turns),
    incarnation: `${id}.${node.run}`,
    stored: bootRecords(node.disk),
  };
  const step = node.machine.start(boot);
  node.state = step.state;
  world.observer.started(id, boot, step, node.version);
  perform(world, node, step.effects);
}

function drawClock({ seed, clocks }: WorldSettings, id: NodeId): NodeClock {
  const stream = streamOf(seed, 'clock', id);
  const { maxDriftPpm, maxWallOffsetMs } = clocks;
  return {
    driftPpm: drawBetween(stream, -maxDriftPpm, maxDriftPpm, 0),
    frozen: false,
    sinceUs: 0,
    monotonicMs: 0,
    wallMs: EPOCH_MS + drawBetween(stream, -maxWallOffsetMs, maxWallOffsetMs, 0, 2),
  };
}

/** A clock's rate and its error stay with the machine; its monotonic zero changes with every start of the process. */
function restartClock<S, M, Q, A, D>(
  world: AnyWorld<S, M, Q, A, D>,
  { clock, id, run }: SimNode<S, M, Q, A, D>,
): NodeClock {
  const zero = drawBelow(streamOf(world.settings.seed, 'clock', id), 1_000_000, run, 1);
  return { ...changeClock(clock, world.nowUs, {}), monotonicMs: zero };
}

/** A process that stands still: what arrives waits, and is handled in one turn when it goes on. */
export function pauseNode<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, id: NodeId, untilUs: number): void {
  const node = nodeOf(world, id);
  node.busyUntilUs = Math.max(node.busyUntilUs, untilUs);
}

/** Lets a process that is paused or busy go on at once. */
export function wakeNode<S, M, Q, A, D>(world: AnyWorld<S, M, Q, A, D>, node: SimNode<S, M, Q, A, D>): void {
  node.busyUntilUs = Math.min(node.busyUntilUs, world.nowUs);
  pushEvent(world.queue, world.nowUs, { type: 'Ready', node: node.id, run: node.run });
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
  world.nextToken += 1;
  const thereUs = clientDelay(world, token, { from: 0, to: id, kind: 'Ask' }, 0);
  if (thereUs === undefined) return token;
  world.waiting.set(token, (answer) => {
    const backUs = clientDelay(world, token, { from: id, to: 0, kind: 'Answer' }, 4);
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
  parcel: Parameters<typeof clientFate>[1],
  salt: number,
): number | undefined {
  const { network } = world.settings;
  const stream = world.clientStream;
  return clientFate(world.network, parcel, () =>
    !world.calm && drawChance(stream, network.lossChance, token, salt)
      ? undefined
      : drawBetween(stream, network.minDelayUs, network.maxDelayUs, token, salt + 1),
  );
}
