/**
 * How a scenario is made smaller, one try at a time.
 *
 * A pass is a generator: it yields candidates and is told of each whether it still fails in the same way. So one
 * description serves a driver that runs them one after another, and anybody who only wants the first candidates.
 */

import type { Scenario } from '../faults/scenario.js';
import type { Failure } from '../world/world.js';

/** A failure, and what the run that showed it cost. */
export interface Found extends Failure {
  /** Inputs handed to machines; absent where nobody counted. */
  readonly events?: number;
}

export interface Candidate<Settings> {
  readonly scenario: Scenario<Settings>;
  /** What was tried, such as `fewer faults`. */
  readonly what: string;
}

/** Told of each candidate whether it was taken. */
export type Steps<Settings, Result = void> = Generator<Candidate<Settings>, Result, boolean>;

/** What a pass works on: the smallest scenario so far, which every candidate that is taken replaces. */
export interface Hand<Settings> {
  best: Scenario<Settings>;
  /** How `best` fails; undefined where nobody ran it. */
  failure: Found | undefined;
}

/** One change that a pass makes, over and over until nothing gives. */
export interface Pass<Settings> {
  readonly name: string;
  steps(hand: Hand<Settings>): Steps<Settings>;
}

/** Tries one candidate; it becomes the best when it is taken. */
export function* attempt<S>(hand: Hand<S>, scenario: Scenario<S>, what: string): Steps<S, boolean> {
  const taken = yield { scenario, what };
  if (taken) hand.best = scenario;
  return taken;
}

/**
 * Leaves out as many items as possible: all, halves, quarters, … single ones (delta debugging; Zeller and
 * Hildebrandt, 2002, with its complements only, because what is left out here is mostly noise).
 *
 * @param build the best scenario so far, with these items of it alone.
 */
export function* fewer<S, T>(
  hand: Hand<S>,
  items: readonly T[],
  build: (kept: readonly T[]) => Scenario<S>,
  what: string,
): Steps<S, readonly T[]> {
  let kept = items;
  for (let size = items.length; size >= 1; size = size === 1 ? 0 : (size + 1) >>> 1) {
    size = Math.min(size, Math.max(1, kept.length));
    for (let at = 0; at < kept.length;) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (yield* attempt(hand, build(rest), what)) kept = rest;
      else at += size;
    }
  }
  return kept;
}

/**
 * Lowers a number as far as it goes: to the least at once, else by halving what is between, to an eighth of what is left.
 *
 * @param build the best scenario so far, with this value in it.
 */
export function* lower<S>(
  hand: Hand<S>,
  { from, least }: { readonly from: number; readonly least: number },
  build: (value: number) => Scenario<S>,
  what: string,
): Steps<S> {
  if (from <= least) return;
  if (yield* attempt(hand, build(least), what)) return;
  let refused = least;
  let taken = from;
  while (taken - refused > Math.max(1, (taken - least) >>> 3)) {
    const middle = Math.floor((refused + taken) / 2);
    if (yield* attempt(hand, build(middle), what)) taken = middle;
    else refused = middle;
  }
}
