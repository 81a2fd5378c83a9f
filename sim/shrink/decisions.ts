/**
 * From chance to names: every message of a run gets its fate as a decision, and then as few as possible keep theirs.
 *
 * What is left says which message had to be late, lost or early for the failure, and says so by link, kind and number:
 * it means the same under another seed and, mostly, after the code has changed.
 */

import type { Decision, Decisions, NetworkSettings, Scenario } from '../faults/scenario.js';
import { attempt, fewer, lower, type Hand, type Pass, type Steps } from './steps.js';

/** What became of every message of a run of this scenario. */
export type Fates<S> = (scenario: Scenario<S>) => readonly Decision[];

/** Gives every message of the best run its fate by name; most of them are then made ordinary. */
export function nameFates<S>(fates: Fates<S>): Pass<S> {
  return {
    name: 'fates by name',
    *steps(hand) {
      const { network } = hand.best;
      if (network.decisions !== undefined) return;
      const list = fates(hand.best);
      const delays = [network.maxDelayUs, network.minDelayUs, 1_000];
      for (const delayUs of delays.filter((delay, i) => delays.indexOf(delay) === i)) {
        if (yield* attempt(hand, withDecisions(hand.best, { delayUs, list: [] }), NAMED)) return;
      }
      const delayUs = commonest(list.flatMap(({ arriveUs }) => arriveUs)) ?? network.minDelayUs;
      const odd = list.filter(({ arriveUs }) => arriveUs.length !== 1 || arriveUs[0] !== delayUs);
      if (odd.length > MOST_NAMED) return;
      if (!(yield* attempt(hand, withDecisions(hand.best, { delayUs, list: odd }), NAMED))) return;
      yield* fewerOf(hand);
    },
  };
}

const NAMED = 'fates by name';

/** A longer list would take thousands of runs, and still tell nobody anything. */
const MOST_NAMED = 400;

/** Fewer decisions, and those that are left plainer. */
export function fewerDecisions<S>(): Pass<S> {
  return {
    name: 'fewer decisions',
    *steps(hand) {
      yield* fewerOf(hand);
      const count = hand.best.network.decisions?.list.length ?? 0;
      if (count > MOST_SMOOTHED) return;
      for (let place = 0; place < count; place += 1) yield* smooth(hand, place);
    },
  };
}

/** Where there are more decisions than this, making each plainer is not worth its runs. */
const MOST_SMOOTHED = 40;

function* fewerOf<S>(hand: Hand<S>): Steps<S> {
  const { decisions } = hand.best.network;
  if (decisions === undefined) return;
  const { delayUs, list } = decisions;
  yield* fewer(hand, list, (kept) => withDecisions(hand.best, { delayUs, list: kept }), 'fewer decisions');
}

function* smooth<S>(hand: Hand<S>, place: number): Steps<S> {
  const put = (arriveUs: readonly number[]): Scenario<S> => {
    const { delayUs = 0, list = [] } = hand.best.network.decisions ?? {};
    const changed = list.map((decision, i) => (i === place ? { ...decision, arriveUs } : decision));
    return withDecisions(hand.best, { delayUs, list: changed });
  };
  const now = (): readonly number[] => hand.best.network.decisions?.list[place]?.arriveUs ?? [];
  const what = 'plainer decisions';
  if (now().length > 1) {
    for (const us of now()) if (yield* attempt(hand, put([us]), what)) break;
  }
  const only = now();
  if (only.length === 1 && only[0] !== undefined) {
    yield* lower(hand, { from: only[0], least: 0 }, (us) => put([us]), what);
  }
}

/** A network in which nothing is left to chance. */
function withDecisions<S>(scenario: Scenario<S>, decisions: Decisions): Scenario<S> {
  const plain: NetworkSettings = {
    ...scenario.network,
    slowChance: 0,
    lossChance: 0,
    duplicateChance: 0,
    corruptChance: 0,
    decisions,
  };
  return { ...scenario, network: plain };
}

function commonest(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || a - b)[0]?.[0];
}
