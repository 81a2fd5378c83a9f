/**
 * What a model of machines is made of: its settings, its states and its actions.
 */

import type { HostEffect, HostEvent, Machine, NodeId, Persist, StoredRecord } from '../../core/index.js';
import type { Observer } from '../world/world.js';
import type { Fingerprint } from './fingerprint.js';
import type { Breach, Property, StateModel } from './model.js';

/** What may happen how often; absent: never. Counted over all nodes. */
export interface Bounds {
  /** Timers that fire, by kind (see `timerKind`; a machine of one kind calls it `timer`). */
  readonly timers?: Readonly<Record<string, number>>;
  /** Times that a clock passes to `passTo`. */
  readonly passes?: number;
  readonly crashes?: number;
  readonly losses?: number;
  readonly duplicates?: number;
  /** Messages on their way at a time. Absent: any number. */
  readonly inFlight?: number;
  /**
   * What happens when a step sends more than that. `cut` (when absent): what follows is not looked at. `lose`: some are
   * lost, in every choice of them, until the rest fits; so a small number still lets long histories happen.
   */
  readonly overflow?: 'cut' | 'lose';
}

/** Names of nodes under a permutation: `names[id]`; `names[0]` is 0, for nobody. */
export type Names = readonly number[];

/** What of a node decides its future. Parts that are equal after renaming must behave alike after renaming. */
export interface Projection<State, Message, Stored> {
  /** Everything that a step depends on, times relative to `now`, the timer included. */
  state(into: Fingerprint, state: State, now: number, names: Names): void;
  message(into: Fingerprint, message: Message, names: Names): void;
  stored(into: Fingerprint, value: Stored, names: Names): void;
  /** Whether the receiver ignores this message now, and whatever happens, its own crash included. */
  ignores?(state: State, stored: readonly StoredRecord<Stored>[], message: Message): boolean;
}

/**
 * Watches every step, with a memory that is part of the state of the model. Immutable: `after` gives the next memory,
 * and throws `PropertyBroken` when something is wrong.
 */
export interface Watch<State, Message, Request, Answer, Stored, History> {
  readonly initial: History;
  after(
    history: History,
    world: World<State, Message, Stored, History>,
    happened: Happened<State, Message, Request, Answer, Stored>,
  ): History;
  fingerprint(into: Fingerprint, history: History, names: Names): void;
}

/** One step of one node; the world has the state after it, and its effects are not yet performed. */
export interface Happened<State, Message, Request, Answer, Stored> {
  readonly node: NodeId;
  /** Undefined when the node has just started. */
  readonly before: State | undefined;
  readonly after: State;
  readonly events: readonly HostEvent<Message, Request>[];
  readonly effects: readonly HostEffect<Message, Answer, Stored>[];
}

export interface MachineSpec<State, Message, Request, Answer, Stored, History> {
  /** Nodes are numbered 1 … nodes. */
  readonly nodes: number;
  readonly machineOf: (node: NodeId) => Machine<State, Message, Request, Answer, Stored>;
  /** `instant`: a write is durable as soon as it is issued. `slow`: whenever the explorer says so. */
  readonly disk: 'instant' | 'slow';
  readonly bounds: Bounds;
  /** Asked one after the other, each once, of any node that `accepts` it. */
  readonly requests?: readonly Request[];
  readonly accepts?: (state: State, request: Request) => boolean;
  readonly timerKind?: (state: State) => string;
  /** The time to which this node's clock may pass without its timer; undefined when nothing would come of it. */
  readonly passTo?: (state: State, now: number) => number | undefined;
  readonly projection?: Projection<State, Message, Stored>;
  readonly watch?: Watch<State, Message, Request, Answer, Stored, History>;
  readonly properties?: readonly Property<World<State, Message, Stored, History>>[];
  readonly withinBound?: (world: World<State, Message, Stored, History>) => boolean;
  /** Merge states that differ by the names of nodes alone. Needs a projection, and machines that prefer no name. */
  readonly symmetry?: boolean;
  /** The reductions above; true when absent. */
  readonly reduction?: boolean;
  readonly describeMessage?: (message: Message) => string;
  readonly describeRequest?: (request: Request) => string;
}

/** A state of the model. */
export interface World<State, Message, Stored, History> {
  readonly nodes: readonly Place<State, Stored>[];
  /** A bag: what stands here twice is on its way twice. */
  readonly flights: readonly Flight<Message>[];
  /** How often what has happened, in the order of the model's budgets. */
  readonly spent: readonly number[];
  /** How many of the requests were asked. */
  readonly asked: number;
  readonly history: Remembered<History>;
  readonly breach: Breach | undefined;
}

/**
 * A node as it is. Places, messages and histories are kept once for each fingerprint: worlds share them, and what a
 * place does with an event is worked out once, however many worlds it happens in.
 */
export interface Place<State, Stored> {
  readonly node: NodeId;
  /** Undefined while the node is down. */
  readonly state: State | undefined;
  readonly now: number;
  readonly timerAt: number | undefined;
  readonly run: number;
  /** What is durable, in ascending order of keys. */
  readonly stored: readonly StoredRecord<Stored>[];
  readonly pending: readonly Persist<Stored>[];
  /** Fingerprints by permutation: low and high lane of each. */
  readonly prints: Int32Array;
  /** By event: what comes of it. */
  readonly outcomes: Map<number, unknown>;
}

export interface Flight<Message> {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: Message;
  readonly prints: Int32Array;
  /** Different for different messages. */
  readonly number: number;
}

export interface Remembered<History> {
  readonly value: History;
  readonly prints: Int32Array;
}

/** What can happen. Messages and requests stand here for reading; `flight` is the place in the bag. */
export type MachineAction<Message, Request> =
  | {
      readonly type: 'Deliver' | 'Lose' | 'Duplicate';
      readonly flight: number;
      readonly from: NodeId;
      readonly to: NodeId;
      readonly message: Message;
    }
  | { readonly type: 'FireTimer' | 'PassTime' | 'Restart'; readonly node: NodeId }
  /** The oldest waiting write becomes durable, and the node is told. */
  | { readonly type: 'Sync'; readonly node: NodeId }
  /** With `surviving` of its waiting writes on the disk, all the same. */
  | { readonly type: 'Crash'; readonly node: NodeId; readonly surviving: number }
  | { readonly type: 'Ask'; readonly node: NodeId; readonly token: number; readonly request: Request };

export interface MachineModel<State, Message, Request, Answer, Stored, History> extends StateModel<
  World<State, Message, Stored, History>,
  MachineAction<Message, Request>
> {
  /** The first state, and every later one, again, with somebody who looks on; for traces. */
  walk(
    actions: readonly MachineAction<Message, Request>[],
    observer: Observer<State, Message, Request, Answer, Stored>,
  ): World<State, Message, Stored, History>;
}
