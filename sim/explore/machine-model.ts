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
  type Turn,
} from '../../core/index.js';
import { PropertyBroken, type Observer } from '../world/world.js';
import { afterWrite } from './durable-records.js';
import { createFingerprint, put, putNumber, putText, putValue, restart, seal } from './fingerprint.js';
import type { Fingerprint } from './fingerprint.js';
import type {
  Flight,
  Happened,
  MachineAction,
  MachineModel,
  MachineSpec,
  Names,
  Place,
  Remembered,
  World,
} from './machine-spec.js';
import type { Breach } from './model.js';
import { permutations } from './permutations.js';
import { createPool, pooled } from './pool.js';

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
  const overflows = (world: W): boolean =>
    bounds.inFlight !== undefined && world.flights.length > bounds.inFlight;
  const left = (world: W, budget: number): boolean =>
    budget >= 0 && (world.spent[budget] as number) < (budgets[budget] as number);

  // Fingerprints of parts, under every permutation; equal parts become one.

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

  const flights = createPool<Flight<Message>>();
  const places = createPool<P>();
  const histories = createPool<Remembered<History>>();

  const flightOf = (from: NodeId, to: NodeId, message: Message): Flight<Message> => {
    const prints = printsOf((names) => {
      put(scratch, names[from] as number);
      put(scratch, names[to] as number);
      if (projection === undefined) putValue(scratch, message);
      else projection.message(scratch, message, names);
    });
    return pooled(flights, prints, (number) => ({ from, to, message, prints, number }));
  };

  const putWrite = (names: Names, { changes, write }: Persist<Stored>): void => {
    if (projection === undefined) return putValue(scratch, [write, changes]);
    put(scratch, changes.length);
    for (const change of changes) {
      if (change.type === 'DropRange') {
        putText(scratch, change.from);
        putText(scratch, change.before);
      } else if (change.type === 'Drop') putText(scratch, change.key);
      else {
        putText(scratch, change.key);
        projection.stored(scratch, change.value, names);
      }
    }
  };

  const placeOf = (known: Omit<P, 'prints' | 'outcomes'>): P => {
    const { node, state, now, timerAt, run, stored, pending } = known;
    const prints = printsOf((names) => {
      put(scratch, names[node] as number);
      put(scratch, stored.length);
      for (const { key, value } of stored) {
        putText(scratch, key);
        if (projection === undefined) putValue(scratch, value);
        else projection.stored(scratch, value, names);
      }
      put(scratch, state === undefined ? -1 : pending.length);
      for (const write of pending) putWrite(names, write);
      if (projection === undefined) {
        putValue(scratch, state);
        putNumber(scratch, now);
        putNumber(scratch, timerAt ?? -1);
        put(scratch, run);
      } else if (state !== undefined) projection.state(scratch, state, now, names);
    });
    return pooled(places, prints, () => ({
      node,
      state,
      now,
      timerAt,
      run,
      stored,
      pending,
      prints,
      outcomes: new Map(),
    }));
  };

  const historyOf = (value: History): Remembered<History> => {
    const prints = printsOf((names) => watch?.fingerprint(scratch, value, names));
    return pooled(histories, prints, () => ({ value, prints }));
  };

  // What one node does with one event.

  /** Something that happens to one node. */
  type LocalEvent =
    | { readonly type: 'Deliver'; readonly flight: Flight<Message> }
    | { readonly type: 'Ask'; readonly token: number; readonly request: Request }
    | { readonly type: 'Sync' | 'Crash'; readonly writes: number }
    | { readonly type: 'FireTimer' | 'PassTime' | 'Start' };

  interface Outcome {
    readonly place: P;
    readonly sends: readonly Flight<Message>[];
    /** What the machine did; undefined when it took no step. */
    readonly happened: Happened<State, Message, Request, Answer, Stored> | undefined;
    readonly breach: Breach | undefined;
  }

  const keyOf = (event: LocalEvent): number => {
    switch (event.type) {
      case 'Deliver':
        return event.flight.number * 8;
      case 'Ask':
        return event.token * 8 + 1;
      case 'Sync':
        return event.writes * 8 + 2;
      case 'Crash':
        return event.writes * 8 + 3;
      case 'FireTimer':
        return 4;
      case 'PassTime':
        return 5;
      case 'Start':
        return 6;
    }
  };

  const outcomeOf = (known: P, event: LocalEvent): Outcome => {
    const key = keyOf(event);
    let outcome = known.outcomes.get(key) as Outcome | undefined;
    if (outcome === undefined) known.outcomes.set(key, (outcome = workOut(known, event, undefined)));
    return outcome;
  };

  const workOut = (known: P, event: LocalEvent, observer: Look | undefined): Outcome => {
    const { node, stored, pending } = known;
    const quiet = { sends: [], happened: undefined, breach: undefined };
    switch (event.type) {
      case 'Deliver': {
        const { from, message } = event.flight;
        return turn(known, { type: 'MessageReceived', from, message }, observer);
      }
      case 'Ask':
        return turn(known, { type: 'RequestReceived', token: event.token, request: event.request }, observer);
      case 'FireTimer': {
        const now = Math.max(known.now, known.timerAt ?? 0);
        return turn({ ...known, now, timerAt: undefined }, { type: 'TimerFired' }, observer);
      }
      case 'PassTime': {
        const now = spec.passTo?.(known.state as State, known.now) ?? known.now;
        return { place: placeOf({ ...known, now }), ...quiet };
      }
      case 'Sync': {
        const done = pending.slice(0, event.writes);
        observer?.synced(node, done);
        const { write } = done.at(-1) as Persist<Stored>;
        const synced = { stored: done.reduce(afterWrite, stored), pending: pending.slice(event.writes) };
        return turn({ ...known, ...synced }, { type: 'WriteCompleted', write }, observer);
      }
      case 'Crash': {
        const surviving = pending.slice(0, event.writes);
        observer?.synced(node, surviving);
        observer?.crashed(node);
        const left = { stored: surviving.reduce(afterWrite, stored), pending: [] };
        return { place: placeOf({ ...known, ...left, state: undefined, timerAt: undefined }), ...quiet };
      }
      case 'Start': {
        const run = known.run + 1;
        const boot = { now: clocksAt(0), entropy: 0, incarnation: `${node}.${run}`, stored };
        const fresh = { ...known, now: 0, timerAt: undefined, run, pending: [] };
        return perform(fresh, undefined, [], () => {
          const step = machineAt(node).start(boot);
          observer?.started(node, boot, step, 0);
          return step;
        });
      }
    }
  };

  const turn = (
    known: Omit<P, 'prints' | 'outcomes'>,
    event: HostEvent<Message, Request, Stored>,
    observer: Look | undefined,
  ): Outcome => {
    const before = known.state as State;
    const input: Turn<HostEvent<Message, Request, Stored>> = {
      now: clocksAt(known.now),
      entropy: 0,
      events: [event],
    };
    return perform(known, before, input.events, () => {
      const step = machineAt(known.node).step(before, input);
      observer?.stepped(known.node, before, input, step, []);
      return step;
    });
  };

  const machineAt = (node: NodeId): Machine<State, Message, Request, Answer, Stored> =>
    machines[node - 1] as Machine<State, Message, Request, Answer, Stored>;

  /** Takes the step, and does what it wants done. */
  const perform = (
    known: Omit<P, 'prints' | 'outcomes'>,
    before: State | undefined,
    events: readonly HostEvent<Message, Request, Stored>[],
    take: () => Step<State, HostEffect<Message, Answer, Stored>>,
  ): Outcome => {
    let step: Step<State, HostEffect<Message, Answer, Stored>>;
    try {
      step = take();
    } catch (error) {
      const breach = breachOf(error);
      return { place: placeOf(known), sends: [], happened: undefined, breach };
    }
    const { state, effects } = step;
    const sends: Flight<Message>[] = [];
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
          for (const message of effect.messages) sends.push(flightOf(known.node, effect.to, message));
          break;
        case 'Halt':
          halted = true;
          break;
        case 'Reply':
          break;
        case 'Read':
          throw new Error(`node ${known.node} reads ${effect.key}: machines that read are not explored`);
      }
    }
    const running = { ...known, state, timerAt, pending };
    const place = placeOf(
      halted ? { ...running, state: undefined, timerAt: undefined, pending: [] } : running,
    );
    return {
      place,
      sends,
      happened: { node: known.node, before, after: state, events, effects },
      breach: undefined,
    };
  };

  // What it makes of the world.

  /** A world under change, private to one action. */
  interface Draft {
    readonly nodes: P[];
    readonly flights: Flight<Message>[];
    readonly spent: readonly number[];
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
    breach: undefined,
  });

  const happen = (draft: Draft, node: NodeId, event: LocalEvent, observer: Look | undefined): void => {
    const known = draft.nodes[node - 1] as P;
    const { place, sends, happened, breach } =
      observer === undefined ? outcomeOf(known, event) : workOut(known, event, observer);
    draft.nodes[node - 1] = place;
    for (const flight of sends) draft.flights.push(flight);
    draft.breach = breach;
    if (happened !== undefined && watch !== undefined && breach === undefined) {
      try {
        const value = watch.after(draft.history.value, draft, happened);
        if (value !== draft.history.value) draft.history = historyOf(value);
      } catch (error) {
        draft.breach = breachOf(error);
      }
    }
    const { pending } = place;
    if (spec.disk === 'instant' && pending.length > 0 && draft.breach === undefined) {
      happen(draft, node, { type: 'Sync', writes: pending.length }, observer);
    }
    if (reduction) dropIgnored(draft, place);
  };

  /** Takes away what this node ignores for ever. Its own news to others is looked at when it is theirs to ignore. */
  const dropIgnored = (draft: Draft, changed: P): void => {
    if (projection?.ignores === undefined) return;
    for (let i = draft.flights.length - 1; i >= 0; i -= 1) {
      const { from, to, message } = draft.flights[i] as Flight<Message>;
      if (to !== changed.node && from !== changed.node) continue;
      const { state, stored } = draft.nodes[to - 1] as P;
      if (state !== undefined && projection.ignores(state, stored, message)) draft.flights.splice(i, 1);
    }
  };

  const act = (world: W, action: Action, observer: Look | undefined): W => {
    switch (action.type) {
      case 'Deliver': {
        const draft = draftOf(world);
        const [flight] = draft.flights.splice(action.flight, 1);
        happen(draft, action.to, { type: 'Deliver', flight: flight as Flight<Message> }, observer);
        return draft;
      }
      case 'Lose': {
        const draft = draftOf(world, overflows(world) ? undefined : LOSS);
        draft.flights.splice(action.flight, 1);
        return draft;
      }
      case 'Duplicate': {
        const draft = draftOf(world, DUPLICATE);
        draft.flights.push(draft.flights[action.flight] as Flight<Message>);
        return draft;
      }
      case 'FireTimer': {
        const { state } = world.nodes[action.node - 1] as P;
        const draft = draftOf(world, timerBudget(state as State));
        happen(draft, action.node, { type: 'FireTimer' }, observer);
        return draft;
      }
      case 'PassTime': {
        const draft = draftOf(world, PASS);
        happen(draft, action.node, { type: 'PassTime' }, observer);
        return draft;
      }
      case 'Sync': {
        const draft = draftOf(world);
        happen(draft, action.node, { type: 'Sync', writes: 1 }, observer);
        return draft;
      }
      case 'Crash': {
        const draft = draftOf(world, CRASH);
        happen(draft, action.node, { type: 'Crash', writes: action.surviving }, observer);
        if (reduction) happen(draft, action.node, { type: 'Start' }, observer);
        return draft;
      }
      case 'Restart': {
        const draft = draftOf(world);
        happen(draft, action.node, { type: 'Start' }, observer);
        return draft;
      }
      case 'Ask': {
        const { node, token, request } = action;
        const draft = draftOf(world);
        draft.asked += 1;
        happen(draft, node, { type: 'Ask', token, request }, observer);
        return draft;
      }
    }
  };

  const boot = (observer: Look | undefined): W => {
    const nowhere = { state: undefined, now: 0, timerAt: undefined, run: 0, stored: [], pending: [] };
    const draft: Draft = {
      nodes: ids.map((node) => placeOf({ node, ...nowhere })),
      flights: [],
      spent: budgets.map(() => 0),
      asked: 0,
      history: historyOf(watch?.initial as History),
      breach: undefined,
    };
    for (const id of ids) if (draft.breach === undefined) happen(draft, id, { type: 'Start' }, observer);
    return draft;
  };

  const actions = (world: W): readonly Action[] => {
    if (world.breach !== undefined) return [];
    const enabled: Action[] = [];
    const full = overflows(world);
    world.flights.forEach((waiting, flight) => {
      // All that an equal one can do is done with the first of them.
      if (world.flights.indexOf(waiting) < flight) return;
      const { from, to, message } = waiting;
      if (full) {
        enabled.push({ type: 'Lose', flight, from, to, message });
        return;
      }
      if (world.nodes[to - 1]?.state !== undefined)
        enabled.push({ type: 'Deliver', flight, from, to, message });
      if (left(world, LOSS)) enabled.push({ type: 'Lose', flight, from, to, message });
      if (left(world, DUPLICATE)) enabled.push({ type: 'Duplicate', flight, from, to, message });
    });
    if (full) return enabled;
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

  const fingerprint = (world: W, into: Fingerprint): void => {
    const history = world.history.prints;
    let low = 0;
    let high = 0;
    for (let i = 0; i < namings.length * 2; i += 2) {
      let sumLow = history[i] as number;
      let sumHigh = history[i + 1] as number;
      for (const { prints } of world.nodes) {
        sumLow = (sumLow + (prints[i] as number)) | 0;
        sumHigh = (sumHigh + (prints[i + 1] as number)) | 0;
      }
      for (const { prints } of world.flights) {
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
      (bounds.overflow === 'lose' || !overflows(world)) && (spec.withinBound?.(world) ?? true),
    describe: (action) => describeAction(spec, action),
    walk: (steps, observer) => {
      let world = boot(observer);
      for (const action of steps) world = act(world, action, observer);
      return world;
    },
  };
}

/** What a step threw, if that says something of the system and not of the model. */
function breachOf(error: unknown): Breach {
  if (error instanceof PropertyBroken) return { property: error.property, detail: error.message };
  if (error instanceof ImpossibleState) return { property: 'assertions hold', detail: error.message };
  throw error;
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
