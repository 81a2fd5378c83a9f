/**
 * A model of machines: every schedule of a few nodes that run the core's contract, unchanged.
 *
 * What the simulator draws by chance is here a choice, and all choices are looked at: which message arrives next, is
 * lost or doubled; whose timer fires; when a write becomes durable; who crashes, and how many of its waiting writes
 * survive. The network keeps no order. What would never end is bounded by budgets, which are part of a state.
 *
 * Time. Every node has a clock of its own. It stands still, except that it jumps to the timer's time when the timer
 * fires, and to `passTo` when a machine cares that time passes without its timer (a lease that runs out). So "any time
 * may pass before anything" becomes two kinds of action. Not covered: a timer that is later than asked for.
 * Entropy is constant. States hold times and write numbers that grow for ever although nothing depends on their
 * size; a `Projection` says what of a state decides its future, so that states which behave alike merge.
 *
 * Reductions, sound for everything that speaks of the states of single nodes and of what was ever said (`Always`
 * properties, checks of a `Watch`):
 *
 * - A crashed node starts again at once. Between crash and restart a node does nothing, and what is sent to it is
 *   lost, which is the same as staying on its way; so a crash can be moved to just before the restart, past all that
 *   happens elsewhere. A node that stays down is one that takes no step any more.
 * - A message that its receiver will ignore now and for ever (`Projection.ignores`) is taken away when it is so. Its
 *   delivery commutes with everything and changes nothing: it is a partial order's ample set of one, done at once.
 * - A loss is not an action unless `losses` says so: a message that never arrives was lost.
 */

import {
  ImpossibleState,
  monotonicMs,
  nodeId,
  wallMs,
  type HostEffect,
  type HostEvent,
  type Machine,
  type NodeId,
  type Persist,
  type Step,
  type StoredRecord,
  type Turn,
} from '../../core/index.js';
import { PropertyBroken, type Observer } from '../world/world.js';
import { afterWrite } from './durable-records.js';
import { createFingerprint, put, putNumber, putText, putValue, restart, seal } from './fingerprint.js';
import type { Fingerprint } from './fingerprint.js';
import type { Breach, Model, Property } from './model.js';
import { permutations } from './permutations.js';

/** What may happen how often; absent: never. Counted over all nodes. */
export interface Bounds {
  /** Timers that fire, by kind (see `timerKind`; a machine of one kind calls it `timer`). */
  readonly timers?: Readonly<Record<string, number>>;
  /** Times that a clock passes to `passTo`. */
  readonly passes?: number;
  readonly crashes?: number;
  readonly losses?: number;
  readonly duplicates?: number;
  /** Messages on their way at a time; what would go beyond is not looked at. Absent: any number. */
  readonly inFlight?: number;
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
  /** Fingerprints by permutation; filled when first asked for. */
  prints: Int32Array | undefined;
}

export interface Flight<Message> {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: Message;
  prints: Int32Array | undefined;
}

interface Remembered<History> {
  readonly value: History;
  prints: Int32Array | undefined;
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

export interface MachineModel<State, Message, Request, Answer, Stored, History>
  extends Model<World<State, Message, Stored, History>, MachineAction<Message, Request>> {
  /** The first state, and every later one, again, with somebody who looks on; for traces. */
  walk(
    actions: readonly MachineAction<Message, Request>[],
    observer: Observer<State, Message, Request, Answer, Stored>,
  ): World<State, Message, Stored, History>;
}

/** @throws Error when the settings contradict each other. */
export function machineModel<State, Message, Request, Answer, Stored, History = undefined>(
  spec: MachineSpec<State, Message, Request, Answer, Stored, History>,
): MachineModel<State, Message, Request, Answer, Stored, History> {
  type W = World<State, Message, Stored, History>;
  type P = Place<State, Stored>;
  type Action = MachineAction<Message, Request>;
  type Look = Observer<State, Message, Request, Answer, Stored>;

  const { bounds, projection, watch } = spec;
  const reduction = spec.reduction ?? true;
  const requests = spec.requests ?? [];
  if (spec.symmetry === true && projection === undefined) {
    throw new Error('symmetry needs a projection: only that knows where a state names nodes');
  }
  const ids = Array.from({ length: spec.nodes }, (_, i) => nodeId(i + 1));
  const machines = ids.map((id) => spec.machineOf(id));
  const namings: readonly Names[] = permutations(spec.nodes, spec.symmetry === true);
  const timerKinds = Object.keys(bounds.timers ?? {});
  const budgets: readonly number[] = [
    bounds.passes ?? 0,
    bounds.crashes ?? 0,
    bounds.losses ?? 0,
    bounds.duplicates ?? 0,
    ...timerKinds.map((kind) => bounds.timers?.[kind] ?? 0),
  ];
  const PASS = 0;
  const CRASH = 1;
  const LOSS = 2;
  const DUPLICATE = 3;
  const FIRST_TIMER = 4;

  const timerBudget = (state: State): number => {
    const at = timerKinds.indexOf(spec.timerKind?.(state) ?? 'timer');
    return at < 0 ? -1 : FIRST_TIMER + at;
  };
  const left = (world: W, budget: number): boolean =>
    budget >= 0 && (world.spent[budget] as number) < (budgets[budget] as number);

  /** A world under change, private to one action. */
  interface Draft {
    nodes: P[];
    flights: Flight<Message>[];
    spent: readonly number[];
    asked: number;
    history: Remembered<History>;
    breach: Breach | undefined;
  }

  const draftOf = (world: W, budget?: number): Draft => ({
    nodes: world.nodes.slice(),
    flights: world.flights.slice(),
    spent:
      budget === undefined ? world.spent : world.spent.map((count, i) => (i === budget ? count + 1 : count)),
    asked: world.asked,
    history: world.history,
    breach: world.breach,
  });

  const place = (draft: Draft | W, node: NodeId): P => draft.nodes[node - 1] as P;

  const setPlace = (
    draft: Draft,
    { node, state, now, timerAt, run, stored, pending }: Omit<P, 'prints'>,
  ): void => {
    draft.nodes[node - 1] = { node, state, now, timerAt, run, stored, pending, prints: undefined };
  };

  /** Performs what a step wants done, and with an instant disk all that follows from it. */
  const perform = (
    draft: Draft,
    node: NodeId,
    before: State | undefined,
    events: readonly HostEvent<Message, Request>[],
    { state, effects }: Step<State, HostEffect<Message, Answer, Stored>>,
    observer: Look | undefined,
  ): void => {
    const known = place(draft, node);
    const pending = known.pending.slice();
    let { timerAt } = known;
    let halted = false;
    for (const effect of effects) {
      switch (effect.type) {
        case 'Persist':
          pending.push(effect);
          break;
        case 'SetTimer':
          timerAt = effect.at;
          break;
        case 'Send':
          for (const message of effect.messages) {
            draft.flights.push({ from: node, to: effect.to, message, prints: undefined });
          }
          break;
        case 'Halt':
          halted = true;
          break;
        case 'Reply':
          break;
      }
    }
    setPlace(draft, { ...known, state, timerAt, pending });
    if (watch !== undefined) {
      const happened = { node, before, after: state, events, effects };
      const value = watch.after(draft.history.value, draft, happened);
      if (value !== draft.history.value) draft.history = { value, prints: undefined };
    }
    if (halted) setPlace(draft, { ...place(draft, node), state: undefined, timerAt: undefined, pending: [] });
    else if (spec.disk === 'instant' && pending.length > 0) sync(draft, node, pending.length, observer);
  };

  const turn = (
    draft: Draft,
    node: NodeId,
    event: HostEvent<Message, Request>,
    observer: Look | undefined,
  ): void => {
    const { state, now } = place(draft, node);
    const before = state as State;
    const input: Turn<HostEvent<Message, Request>> = { now: clocksAt(now), entropy: 0, events: [event] };
    const step = (machines[node - 1] as Machine<State, Message, Request, Answer, Stored>).step(before, input);
    observer?.stepped(node, before, input, step);
    perform(draft, node, before, input.events, step, observer);
  };

  /** The oldest `count` writes become durable, and the node is told of the newest of them. */
  const sync = (draft: Draft, node: NodeId, count: number, observer: Look | undefined): void => {
    const known = place(draft, node);
    const done = known.pending.slice(0, count);
    const last = done.at(-1) as Persist<Stored>;
    observer?.synced(node, done);
    setPlace(draft, {
      ...known,
      stored: done.reduce(afterWrite, known.stored),
      pending: known.pending.slice(count),
    });
    turn(draft, node, { type: 'WriteCompleted', write: last.write }, observer);
  };

  const start = (draft: Draft, node: NodeId, observer: Look | undefined): void => {
    const { stored, run } = place(draft, node);
    const boot = { now: clocksAt(0), entropy: 0, incarnation: `${node}.${run + 1}`, stored };
    const step = (machines[node - 1] as Machine<State, Message, Request, Answer, Stored>).start(boot);
    observer?.started(node, boot, step);
    setPlace(draft, {
      node,
      state: step.state,
      now: 0,
      timerAt: undefined,
      run: run + 1,
      stored,
      pending: [],
    });
    perform(draft, node, undefined, [], step, observer);
  };

  const crash = (draft: Draft, node: NodeId, surviving: number, observer: Look | undefined): void => {
    const known = place(draft, node);
    const stored = known.pending.slice(0, surviving).reduce(afterWrite, known.stored);
    observer?.synced(node, known.pending.slice(0, surviving));
    observer?.crashed(node);
    setPlace(draft, { ...known, state: undefined, timerAt: undefined, stored, pending: [] });
  };

  const act = (world: W, action: Action, observer: Look | undefined): W | undefined => {
    switch (action.type) {
      case 'Deliver': {
        const draft = draftOf(world);
        draft.flights.splice(action.flight, 1);
        const { from, to, message } = action;
        return attempt(draft, () => {
          turn(draft, to, { type: 'MessageReceived', from, message }, observer);
        });
      }
      case 'Lose': {
        const draft = draftOf(world, LOSS);
        draft.flights.splice(action.flight, 1);
        return finished(draft);
      }
      case 'Duplicate': {
        const draft = draftOf(world, DUPLICATE);
        draft.flights.push(draft.flights[action.flight] as Flight<Message>);
        return finished(draft);
      }
      case 'FireTimer': {
        const known = place(world, action.node);
        const draft = draftOf(world, timerBudget(known.state as State));
        const now = Math.max(known.now, known.timerAt ?? 0);
        setPlace(draft, { ...known, now, timerAt: undefined });
        return attempt(draft, () => {
          turn(draft, action.node, { type: 'TimerFired' }, observer);
        });
      }
      case 'PassTime': {
        const known = place(world, action.node);
        const now = spec.passTo?.(known.state as State, known.now);
        if (now === undefined) return undefined;
        const draft = draftOf(world, PASS);
        setPlace(draft, { ...known, now });
        return finished(draft);
      }
      case 'Sync': {
        const draft = draftOf(world);
        return attempt(draft, () => {
          sync(draft, action.node, 1, observer);
        });
      }
      case 'Crash': {
        const draft = draftOf(world, CRASH);
        return attempt(draft, () => {
          crash(draft, action.node, action.surviving, observer);
          if (reduction) start(draft, action.node, observer);
        });
      }
      case 'Restart': {
        const draft = draftOf(world);
        return attempt(draft, () => {
          start(draft, action.node, observer);
        });
      }
      case 'Ask': {
        const draft = draftOf(world);
        draft.asked += 1;
        const { node, token, request } = action;
        return attempt(draft, () => {
          turn(draft, node, { type: 'RequestReceived', token, request }, observer);
        });
      }
    }
  };

  /** Does it, and makes a breach of what it throws as one. */
  const attempt = (draft: Draft, change: () => void): W => {
    try {
      change();
    } catch (error) {
      if (error instanceof PropertyBroken) {
        draft.breach = { property: error.property, detail: error.message };
      } else if (error instanceof ImpossibleState) {
        draft.breach = { property: 'assertions hold', detail: error.message };
      } else throw error;
    }
    return finished(draft);
  };

  const finished = (draft: Draft): W => {
    if (reduction && projection?.ignores !== undefined) {
      const kept = draft.flights.filter(({ to, message }) => {
        const { state, stored } = place(draft, to);
        return state === undefined || projection.ignores?.(state, stored, message) !== true;
      });
      if (kept.length < draft.flights.length) draft.flights = kept;
    }
    return draft;
  };

  const boot = (observer: Look | undefined): W => {
    const draft: Draft = {
      nodes: ids.map((node) => ({
        node,
        state: undefined,
        now: 0,
        timerAt: undefined,
        run: 0,
        stored: [],
        pending: [],
        prints: undefined,
      })),
      flights: [],
      spent: budgets.map(() => 0),
      asked: 0,
      history: { value: watch?.initial as History, prints: undefined },
      breach: undefined,
    };
    return attempt(draft, () => {
      for (const id of ids) start(draft, id, observer);
    });
  };

  const actions = (world: W): readonly Action[] => {
    if (world.breach !== undefined) return [];
    const enabled: Action[] = [];
    world.flights.forEach(({ from, to, message }, flight) => {
      if (isRepeated(world, flight)) return;
      if (place(world, to).state !== undefined) enabled.push({ type: 'Deliver', flight, from, to, message });
      if (left(world, LOSS)) enabled.push({ type: 'Lose', flight, from, to, message });
      if (left(world, DUPLICATE)) enabled.push({ type: 'Duplicate', flight, from, to, message });
    });
    for (const { node, state, now, timerAt, pending } of world.nodes) {
      if (state === undefined) {
        enabled.push({ type: 'Restart', node });
        continue;
      }
      if (pending.length > 0) enabled.push({ type: 'Sync', node });
      if (timerAt !== undefined && left(world, timerBudget(state))) enabled.push({ type: 'FireTimer', node });
      if (left(world, PASS) && spec.passTo?.(state, now) !== undefined)
        enabled.push({ type: 'PassTime', node });
      if (left(world, CRASH)) {
        for (let surviving = 0; surviving <= pending.length; surviving += 1) {
          enabled.push({ type: 'Crash', node, surviving });
        }
      }
      const request = requests[world.asked];
      if (request !== undefined && (spec.accepts?.(state, request) ?? true)) {
        enabled.push({ type: 'Ask', node, token: world.asked + 1, request });
      }
    }
    return enabled;
  };

  /** Whether an equal message stands before this one in the bag: then all that it could do is done already. */
  const isRepeated = (world: W, flight: number): boolean => {
    const own = flightPrints(world.flights[flight] as Flight<Message>);
    for (let i = 0; i < flight; i += 1) {
      const other = flightPrints(world.flights[i] as Flight<Message>);
      if (other[0] === own[0] && other[1] === own[1]) return true;
    }
    return false;
  };

  // Fingerprints: of each part under every permutation, remembered with the part; then the smallest sum.

  const scratch = createFingerprint();

  const printsOf = (write: (names: Names) => void): Int32Array => {
    const prints = new Int32Array(namings.length * 2);
    namings.forEach((names, i) => {
      restart(scratch);
      write(names);
      seal(scratch);
      prints[2 * i] = scratch.low;
      prints[2 * i + 1] = scratch.high;
    });
    return prints;
  };

  const flightPrints = (flight: Flight<Message>): Int32Array =>
    (flight.prints ??= printsOf((names) => {
      put(scratch, names[flight.from] as number);
      put(scratch, names[flight.to] as number);
      if (projection === undefined) putValue(scratch, flight.message);
      else projection.message(scratch, flight.message, names);
    }));

  const putChange = (names: Names, { changes, write }: Persist<Stored>): void => {
    put(scratch, changes.length);
    if (projection === undefined) return putValue(scratch, [write, changes]);
    for (const change of changes) {
      if (change.type === 'DropRange') {
        putText(scratch, change.from);
        putText(scratch, change.before);
      } else {
        putText(scratch, change.key);
        projection.stored(scratch, change.value, names);
      }
    }
  };

  const placePrints = (known: P): Int32Array =>
    (known.prints ??= printsOf((names) => {
      const { node, state, now, timerAt, run, stored, pending } = known;
      put(scratch, names[node] as number);
      put(scratch, stored.length);
      for (const { key, value } of stored) {
        putText(scratch, key);
        if (projection === undefined) putValue(scratch, value);
        else projection.stored(scratch, value, names);
      }
      put(scratch, state === undefined ? -1 : pending.length);
      for (const write of pending) putChange(names, write);
      if (projection === undefined) {
        putValue(scratch, state);
        putNumber(scratch, now);
        putNumber(scratch, timerAt ?? -1);
        put(scratch, run);
      } else if (state !== undefined) projection.state(scratch, state, now, names);
    }));

  const historyPrints = (history: Remembered<History>): Int32Array =>
    (history.prints ??= printsOf((names) => watch?.fingerprint(scratch, history.value, names)));

  const fingerprint = (world: W, into: Fingerprint): void => {
    const places = world.nodes.map(placePrints);
    const flights = world.flights.map(flightPrints);
    const history = historyPrints(world.history);
    let low = 0;
    let high = 0;
    for (let i = 0; i < namings.length * 2; i += 2) {
      let sumLow = history[i] as number;
      let sumHigh = history[i + 1] as number;
      for (const prints of places) {
        sumLow = (sumLow + (prints[i] as number)) | 0;
        sumHigh = (sumHigh + (prints[i + 1] as number)) | 0;
      }
      for (const prints of flights) {
        sumLow = (sumLow + (prints[i] as number)) | 0;
        sumHigh = (sumHigh + (prints[i + 1] as number)) | 0;
      }
      if (i === 0 || sumHigh < high || (sumHigh === high && sumLow < low)) {
        low = sumLow;
        high = sumHigh;
      }
    }
    put(into, low);
    put(into, high);
    put(into, world.flights.length);
    for (const count of world.spent) put(into, count);
    put(into, world.asked);
    if (world.breach !== undefined) putText(into, world.breach.property);
  };

  const { inFlight } = bounds;
  const initial = boot(undefined);
  return {
    initial: [initial],
    actions,
    next: (world, action) => act(world, action, undefined),
    fingerprint,
    properties: [
      { type: 'Always', name: 'nothing is broken', breach: ({ breach }) => breach },
      ...(spec.properties ?? []),
    ],
    withinBound: (world) =>
      (inFlight === undefined || world.flights.length <= inFlight) && (spec.withinBound?.(world) ?? true),
    describe: (action) => describeAction(spec, action),
    walk: (steps, observer) => {
      let world = boot(observer);
      for (const action of steps) world = act(world, action, observer) ?? world;
      return world;
    },
  };
}

function clocksAt(now: number): Turn<never>['now'] {
  return { monotonic: monotonicMs(now), wall: wallMs(now) };
}

function describeAction<State, Message, Request, Answer, Stored, History>(
  { describeMessage, describeRequest }: MachineSpec<State, Message, Request, Answer, Stored, History>,
  action: MachineAction<Message, Request>,
): string {
  switch (action.type) {
    case 'Deliver':
    case 'Lose':
    case 'Duplicate': {
      const said = describeMessage?.(action.message) ?? JSON.stringify(action.message);
      const verb = { Deliver: 'gets', Lose: 'loses', Duplicate: 'will get twice' }[action.type];
      return `node ${action.to} ${verb}, from ${action.from}: ${said}`;
    }
    case 'FireTimer':
      return `node ${action.node}: timer`;
    case 'PassTime':
      return `node ${action.node}: time passes`;
    case 'Restart':
      return `node ${action.node} starts again`;
    case 'Sync':
      return `node ${action.node}: its oldest write is durable`;
    case 'Crash':
      return `node ${action.node} crashes; of the writes under way ${action.surviving} survive`;
    case 'Ask':
      return `node ${action.node} is asked: ${describeRequest?.(action.request) ?? JSON.stringify(action.request)}`;
  }
}
