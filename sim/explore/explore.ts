/**
 * Exhaustive exploration: every state that a model can reach, each looked at once.
 *
 * Explicit-state model checking as in Murphi, TLC and Stateright. Breadth-first finds a shortest counterexample;
 * depth-first needs little memory beside the table of fingerprints, and sees cycles. States are merged by fingerprint
 * (see there for what that risks); the way to a state is rebuilt by walking it again from the start, so only the
 * number of each state's parent is kept.
 *
 * A walk is rebuilt by fingerprints, not by actions. Under symmetry it follows states that differ from the first ones
 * by names alone, which is sound: whatever can follow one of them can follow the other, by the other names.
 */

import { createFingerprint, put, restart, seal, type Fingerprint } from './fingerprint.js';
import type { Breach, StateModel, Property } from './model.js';
import { addSeen, createSeen, seenBytes, wayTo, type Seen } from './seen.js';

export interface ExploreOptions {
  readonly order: 'breadth' | 'depth';
  /** Stop when so many distinct states were found. */
  readonly maxStates?: number;
  /** Look at nothing deeper than so many states on a way, the initial one counted. */
  readonly maxDepth?: number;
  /** Called now and then; ends the exploration when it returns false. */
  readonly onProgress?: (progress: Progress) => boolean;
}

export interface Progress {
  /** Distinct states, and all successors that were made, initial states included (as TLC counts them). */
  readonly states: number;
  readonly generated: number;
  /** States on the longest way so far, the initial one included. Breadth-first: the diameter, in the end. */
  readonly depth: number;
  /** States whose successors are still to be made. */
  readonly waiting: number;
}

/** `holds`: everything within the bound was seen. `unknown`: a limit came first. */
export type ExploreVerdict = 'holds' | 'broken' | 'unknown';

export interface ExploreResult<Action> extends Progress {
  readonly verdict: ExploreVerdict;
  /** What ended an `unknown` exploration early. */
  readonly limit: 'states' | 'depth' | 'interrupted' | undefined;
  readonly breach: Breach | undefined;
  /** From an initial state to the breach; shortest of all when breadth-first. */
  readonly counterexample: readonly Action[] | undefined;
  /** Names of the `Sometimes` properties that were seen to hold, in the model's order. */
  readonly reached: readonly string[];
  /** Bytes of the table of states. */
  readonly tableBytes: number;
  /** How likely it is that two states had one fingerprint, in parts per billion, rounded up. */
  readonly collisionPpb: number;
}

/** Between two reports of progress. */
const STATES_PER_REPORT = 4_096;

/** Looks at all that the model can do, until something breaks, everything was seen, or a limit is reached. */
export function explore<State, Action>(
  model: StateModel<State, Action>,
  options: ExploreOptions,
): ExploreResult<Action> {
  const search = createSearch(model, options);
  try {
    if (options.order === 'breadth') breadthFirst(search);
    else depthFirst(search);
  } catch (end) {
    if (!(end instanceof SearchEnd)) throw end;
  }
  return resultOf(search);
}

interface Search<State, Action> {
  readonly model: StateModel<State, Action>;
  readonly options: ExploreOptions;
  readonly seen: Seen;
  readonly scratch: Fingerprint;
  /** Bits stand for the model's `Eventually` properties, in order: set once they held on the way here. */
  readonly eventually: readonly Extract<Property<State>, { type: 'Eventually' }>[];
  readonly reached: Set<string>;
  generated: number;
  depth: number;
  waiting: number;
  reportAt: number;
  limit: 'states' | 'depth' | 'interrupted' | undefined;
  breach: Breach | undefined;
  /** The number of the state that breaks a property. */
  brokenAt: number;
  /** An action after that state that closes a cycle. */
  closing: Action | undefined;
}

/** A state on its way through the search. */
interface Found<State> {
  readonly state: State;
  readonly number: number;
  readonly met: number;
}

class SearchEnd extends Error {}

function createSearch<State, Action>(
  model: StateModel<State, Action>,
  options: ExploreOptions,
): Search<State, Action> {
  return {
    model,
    options,
    seen: createSeen(),
    scratch: createFingerprint(),
    eventually: model.properties.filter((property) => property.type === 'Eventually'),
    reached: new Set(),
    generated: 0,
    depth: 0,
    waiting: 0,
    reportAt: STATES_PER_REPORT,
    limit: undefined,
    breach: undefined,
    brokenAt: -1,
    closing: undefined,
  };
}

function breadthFirst<State, Action>(search: Search<State, Action>): void {
  const { model, options } = search;
  let level: Found<State>[] = [];
  for (const state of model.initial) {
    const found = find(search, state, -1, 0);
    if (typeof found === 'object' && isWithin(search, found)) level.push(found);
  }
  for (let depth = 1; level.length > 0; depth += 1) {
    search.depth = depth;
    if (options.maxDepth !== undefined && depth >= options.maxDepth) {
      if (level.some(({ state }) => model.actions(state).length > 0)) search.limit = 'depth';
      return;
    }
    const next: Found<State>[] = [];
    for (let i = 0; i < level.length; i += 1) {
      const from = level[i] as Found<State>;
      let ends = true;
      for (const action of model.actions(from.state)) {
        const state = model.next(from.state, action);
        if (state === undefined) continue;
        const found = find(search, state, from.number, from.met);
        if (found !== from.number) ends = false;
        if (typeof found !== 'object') continue;
        search.depth = depth + 1;
        if (isWithin(search, found)) next.push(found);
      }
      if (ends) checkEnd(search, from);
      search.waiting = level.length - i - 1 + next.length;
      report(search);
    }
    level = next;
  }
}

/** One state of the way that is being walked, with what is still to be tried there. */
interface Frame<State, Action> {
  readonly found: Found<State>;
  readonly actions: readonly Action[];
  tried: number;
  ends: boolean;
}

/**
 * With a depth limit, a state that was first reached far down is walked from again when it is reached by a shorter
 * way: otherwise what lies behind it would be missed.
 */
function depthFirst<State, Action>(search: Search<State, Action>): void {
  const { model, options } = search;
  const onWay = new Set<number>();
  const depths = options.maxDepth === undefined ? undefined : new Map<number, number>();
  const way: Frame<State, Action>[] = [];
  const enter = (found: Found<State>): void => {
    const depth = way.length + 1;
    search.depth = Math.max(search.depth, depth);
    depths?.set(found.number, depth);
    if (!isWithin(search, found)) return;
    const actions = model.actions(found.state);
    if (options.maxDepth !== undefined && depth >= options.maxDepth) {
      if (actions.length > 0) search.limit = 'depth';
      return;
    }
    onWay.add(found.number);
    way.push({ found, actions, tried: 0, ends: true });
  };
  for (const state of model.initial) {
    const first = find(search, state, -1, 0);
    if (typeof first === 'object') enter(first);
    for (let frame = way.at(-1); frame !== undefined; frame = way.at(-1)) {
      const { found, actions } = frame;
      const action = actions[frame.tried];
      if (action === undefined) {
        if (frame.ends) checkEnd(search, found);
        onWay.delete(found.number);
        way.pop();
        continue;
      }
      frame.tried += 1;
      const next = model.next(found.state, action);
      if (next === undefined) continue;
      const reached = find(search, next, found.number, found.met);
      if (reached !== found.number) frame.ends = false;
      if (typeof reached === 'object') enter(reached);
      else if (reached !== found.number) {
        if (onWay.has(reached)) checkCycle(search, found, action);
        else if ((depths?.get(reached) ?? 0) > way.length + 1) {
          search.seen.parents[reached] = found.number;
          enter({ state: next, number: reached, met: metIn(search, next, found.met) });
        }
      }
      search.waiting = way.length;
      report(search);
    }
  }
}

/** Takes note of a state. Gives it back when it is new; its number when it was seen before. */
function find<State, Action>(
  search: Search<State, Action>,
  state: State,
  parent: number,
  metBefore: number,
): Found<State> | number {
  const { model, options, seen, scratch } = search;
  search.generated += 1;
  const met = metIn(search, state, metBefore);
  fingerprintOf(search, state, met);
  const number = addSeen(seen, scratch.low, scratch.high, parent);
  if (number < 0) return -1 - number;
  for (const property of model.properties) {
    if (property.type === 'Always') {
      const breach = property.breach(state);
      if (breach !== undefined) endBroken(search, breach, number);
    } else if (property.type === 'Sometimes' && !search.reached.has(property.name) && property.holds(state)) {
      search.reached.add(property.name);
    }
  }
  if (options.maxStates !== undefined && seen.count >= options.maxStates) {
    search.limit = 'states';
    throw new SearchEnd();
  }
  return { state, number, met };
}

function fingerprintOf<State, Action>(search: Search<State, Action>, state: State, met: number): void {
  const { scratch } = search;
  restart(scratch);
  search.model.fingerprint(state, scratch);
  if (search.eventually.length > 0) put(scratch, met);
  seal(scratch);
}

function metIn<State, Action>(search: Search<State, Action>, state: State, metBefore: number): number {
  let met = metBefore;
  search.eventually.forEach((property, i) => {
    if ((met & (1 << i)) === 0 && property.holds(state)) met |= 1 << i;
  });
  return met;
}

function isWithin<State, Action>({ model }: Search<State, Action>, { state }: Found<State>): boolean {
  return model.withinBound?.(state) ?? true;
}

function endBroken<State, Action>(search: Search<State, Action>, breach: Breach, number: number): never {
  search.breach = breach;
  search.brokenAt = number;
  throw new SearchEnd();
}

/** Nothing can happen any more: what should have held by now has had its last chance. */
function checkEnd<State, Action>(search: Search<State, Action>, { number, met }: Found<State>): void {
  const missing = search.eventually.find((_, i) => (met & (1 << i)) === 0);
  if (missing === undefined) return;
  endBroken(search, { property: missing.name, detail: 'the way ends here, and it never held' }, number);
}

/** The states of a cycle have equal `met`, for it is part of what makes them equal. */
function checkCycle<State, Action>(
  search: Search<State, Action>,
  { number, met }: Found<State>,
  action: Action,
): void {
  const missing = search.eventually.find((_, i) => (met & (1 << i)) === 0);
  if (missing === undefined) return;
  search.closing = action;
  endBroken(search, { property: missing.name, detail: 'the last step closes a cycle without it' }, number);
}

function report<State, Action>(search: Search<State, Action>): void {
  if (search.generated < search.reportAt) return;
  search.reportAt = search.generated + STATES_PER_REPORT;
  if (search.options.onProgress?.(progressOf(search)) === false) {
    search.limit = 'interrupted';
    throw new SearchEnd();
  }
}

function progressOf<State, Action>({ seen, generated, depth, waiting }: Search<State, Action>): Progress {
  return { states: seen.count, generated, depth, waiting };
}

function resultOf<State, Action>(search: Search<State, Action>): ExploreResult<Action> {
  const { model, seen, limit } = search;
  const wanted = model.properties.filter(({ type }) => type === 'Sometimes').map(({ name }) => name);
  const missing = wanted.find((name) => !search.reached.has(name));
  const never =
    limit === undefined && missing !== undefined
      ? { property: missing, detail: 'everything was seen, and it holds nowhere' }
      : undefined;
  const breach = search.breach ?? never;
  const counterexample = search.brokenAt < 0 ? undefined : walkTo(search, search.brokenAt);
  return {
    ...progressOf(search),
    verdict: breach !== undefined ? 'broken' : limit !== undefined ? 'unknown' : 'holds',
    limit: breach === undefined ? limit : undefined,
    breach,
    counterexample:
      counterexample === undefined || search.closing === undefined
        ? counterexample
        : [...counterexample, search.closing],
    reached: wanted.filter((name) => search.reached.has(name)),
    tableBytes: seenBytes(seen),
    collisionPpb: Math.ceil((seen.count / 0x1_0000_0000) * (seen.count / 0x2_0000_0000) * 1_000_000_000),
  };
}

/** The actions that lead to the state with this number, found by walking there again. */
function walkTo<State, Action>(search: Search<State, Action>, number: number): readonly Action[] {
  const { model, seen, scratch } = search;
  const isNumber = (state: State, wanted: number, met: number): boolean => {
    fingerprintOf(search, state, met);
    return scratch.low === seen.lows[wanted] && scratch.high === seen.highs[wanted];
  };
  const [first, ...rest] = wayTo(seen, number);
  let state = model.initial.find((initial) => isNumber(initial, first ?? 0, metIn(search, initial, 0)));
  let met = state === undefined ? 0 : metIn(search, state, 0);
  const actions: Action[] = [];
  for (const wanted of rest) {
    let step: { action: Action; state: State; met: number } | undefined;
    for (const action of state === undefined ? [] : model.actions(state)) {
      const next = model.next(state as State, action);
      if (next === undefined) continue;
      const metThere = metIn(search, next, met);
      if (isNumber(next, wanted, metThere)) {
        step = { action, state: next, met: metThere };
        break;
      }
    }
    if (step === undefined) {
      throw new Error(
        'the way to the counterexample cannot be walked again: `next` is not pure, or two states that behave ' +
          'differently have one fingerprint',
      );
    }
    actions.push(step.action);
    ({ state, met } = step);
  }
  return actions;
}
