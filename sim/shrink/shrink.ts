/**
 * Shrinking: from a scenario that fails to a small one that fails in the same way, which is to say with the same
 * property broken.
 *
 * Passes are tried again and again until a whole round gives nothing; then chance is replaced by named decisions, and
 * the rounds begin anew. Draws are keyed (`world/chance.ts`), so what a pass takes out leaves the rest as it was: that is
 * why plain delta debugging does well here. Nothing is drawn: the same scenario shrinks the same way.
 */

import type { Scenario } from '../faults/scenario.js';
import { fewerNodes, fewerOperations, smallerSettings } from './cluster.js';
import { neutralConditions } from './conditions.js';
import { fewerDecisions, nameFates, type Fates } from './decisions.js';
import { fewerFaults, simplerFaults } from './faults.js';
import { earlierSeeds, otherSeeds } from './seeds.js';
import { sizeOf, type Size } from './size.js';
import type { Found, Hand, Pass } from './steps.js';
import { cutEnd, pullTogether } from './times.js';

/** Runs a candidate. Gives how it fails; undefined when it does not. */
export type Fails<S> = (candidate: Scenario<S>) => Found | undefined;

export interface ShrinkOptions<S> {
  /** Candidates that are run at most; 5000 by default. */
  readonly maxRuns?: number;
  /** Called after every run. */
  readonly onProgress?: (progress: ShrinkProgress) => void;
  /** Smaller variants of what only the system understands, the most promising first. */
  readonly smaller?: (scenario: Scenario<S>) => Iterable<Scenario<S>>;
  /** What became of every message; without it, chance goes on to decide that. */
  readonly fates?: Fates<S>;
}

export interface ShrinkProgress {
  readonly runs: number;
  /** What is being tried. */
  readonly pass: string;
  readonly size: Size;
}

/** One change that was kept. */
export interface ShrinkStep {
  /** After how many runs. */
  readonly run: number;
  readonly what: string;
  readonly size: Size;
}

export interface Shrunk<S> {
  readonly scenario: Scenario<S>;
  readonly failure: Found;
  /** How big the scenario was, and is. */
  readonly before: Size;
  readonly size: Size;
  readonly runs: number;
  readonly steps: readonly ShrinkStep[];
  /** The runs were used up before nothing more could be taken away. */
  readonly unfinished: boolean;
}

/**
 * Makes a failing scenario small.
 *
 * @param fails must be a function of the candidate alone.
 * @returns undefined when the scenario does not fail.
 */
export function shrink<S>(
  scenario: Scenario<S>,
  fails: Fails<S>,
  options: ShrinkOptions<S> = {},
): Shrunk<S> | undefined {
  const { maxRuns = 5_000, onProgress, fates } = options;
  const first = fails(scenario);
  if (first === undefined) return undefined;
  const hand: Hand<S> & { failure: Found } = { best: scenario, failure: first };
  const before = sizeOf(scenario, first);
  const refused = new Set<string>();
  const steps: ShrinkStep[] = [];
  let runs = 1;

  const take = (pass: Pass<S>): boolean => {
    let taken = 0;
    const tries = pass.steps(hand);
    for (let next = tries.next(); next.done !== true && runs < maxRuns;) {
      const { scenario: candidate, what } = next.value;
      const text = JSON.stringify(candidate);
      const isNew = !refused.has(text) && text !== JSON.stringify(hand.best);
      const found = isNew ? fails(candidate) : undefined;
      const isTaken = found !== undefined && found.property === first.property;
      if (isNew) runs += 1;
      if (isTaken) {
        hand.failure = found;
        taken += 1;
        steps.push({ run: runs, what, size: sizeOf(candidate, found) });
      } else refused.add(text);
      onProgress?.({ runs, pass: pass.name, size: sizeOf(isTaken ? candidate : hand.best, hand.failure) });
      next = tries.next(isTaken);
    }
    return taken > 0;
  };
  const settle = (passes: readonly Pass<S>[]): void => {
    for (let goOn = true; goOn && runs < maxRuns;) {
      // Every pass must have its turn in each round, whatever the others gave.
      goOn = passes.map(take).includes(true);
    }
  };

  for (const pass of [cutEnd<S>(), earlierSeeds<S>()]) take(pass);
  // Other seeds help most while faults still follow the leader, whoever that is.
  do settle(coarsePasses(options));
  while (take(otherSeeds()));
  do settle(passesOf(options));
  while (take(otherSeeds()));
  if (fates !== undefined) {
    take(nameFates(fates));
    if (hand.best.network.decisions !== undefined) settle([fewerDecisions(), ...passesOf(options)]);
  }
  take(cutEnd(0));
  return {
    scenario: hand.best,
    failure: hand.failure,
    before,
    size: sizeOf(hand.best, hand.failure),
    runs,
    steps,
    unfinished: runs >= maxRuns,
  };
}

/** The passes of a round, the cheapest and most promising first. */
export function passesOf<S>(options: Pick<ShrinkOptions<S>, 'smaller'> = {}): readonly Pass<S>[] {
  return [...coarsePasses(options), simplerFaults(), pullTogether()];
}

function coarsePasses<S>({ smaller }: Pick<ShrinkOptions<S>, 'smaller'>): readonly Pass<S>[] {
  return [
    cutEnd(),
    fewerFaults(),
    neutralConditions(),
    fewerOperations(),
    cutEnd(),
    fewerNodes(),
    ...(smaller === undefined ? [] : [smallerSettings(smaller)]),
  ];
}
