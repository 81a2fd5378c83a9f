/**
 * A model: what an explorer needs to know of a system to look at all that it can do.
 *
 * States are immutable; `next` is pure. A model is finite, or made so by `withinBound`.
 */

import type { Fingerprint } from './fingerprint.js';

/**
 * @typeParam State an immutable value.
 * @typeParam Action one of the things that can happen in a state; plain data.
 */
export interface StateModel<State, Action> {
  readonly initial: readonly State[];
  /** What can happen in this state, in an order that depends on nothing but the state. */
  actions(state: State): readonly Action[];
  /** The state after the action; undefined when it cannot happen here, or changes nothing worth a state. */
  next(state: State, action: Action): State | undefined;
  /**
   * Folds the state into an empty fingerprint. Two states may have the same one only if all that can follow is the
   * same: equal states, or (symmetry) states that a permutation of names makes equal.
   */
  fingerprint(state: State, into: Fingerprint): void;
  readonly properties: readonly Property<State>[];
  /** States outside the bound are checked, but nothing that follows them is looked at. Absent: there is no bound. */
  withinBound?(state: State): boolean;
  /** The action in a few words. Different actions of one state read differently: schedules are followed by them. */
  describe(action: Action): string;
}

export type Property<State> = Always<State> | Sometimes<State> | Eventually<State>;

/** What is wrong, and which property it breaks. */
export interface Breach {
  readonly property: string;
  readonly detail: string;
}

/** Holds in every state. */
export interface Always<State> {
  readonly type: 'Always';
  readonly name: string;
  /** Undefined when it holds. The breach may name a part of the property. */
  readonly breach: (state: State) => Breach | undefined;
}

/** Holds in some reachable state. A check that the exploration saw what it was made for. */
export interface Sometimes<State> {
  readonly type: 'Sometimes';
  readonly name: string;
  readonly holds: (state: State) => boolean;
}

/**
 * Holds in some state of every way to the end. Broken by a way that ends (nothing can happen any more) and, with the
 * order `depth`, by a cycle, on which it never held. Nothing is assumed to be fair, so a model in which a message may
 * go round for ever breaks it; a state that only the bound ends counts as an end. Breadth-first does not see cycles:
 * there it finds ends only. What it reports is always a real way of the model.
 */
export interface Eventually<State> {
  readonly type: 'Eventually';
  readonly name: string;
  readonly holds: (state: State) => boolean;
}

export function alwaysHolds<State>(name: string, holds: (state: State) => boolean): Always<State> {
  return {
    type: 'Always',
    name,
    breach: (state) => (holds(state) ? undefined : { property: name, detail: 'it does not hold here' }),
  };
}

export function sometimesHolds<State>(name: string, holds: (state: State) => boolean): Sometimes<State> {
  return { type: 'Sometimes', name, holds };
}

export function eventuallyHolds<State>(name: string, holds: (state: State) => boolean): Eventually<State> {
  return { type: 'Eventually', name, holds };
}
