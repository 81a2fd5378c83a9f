/**
 * Other seeds: a scenario that is clearly smaller, tried with other luck.
 *
 * Some failures hang on a coincidence of times, and whatever is taken out destroys it. Small runs cost next to nothing,
 * so instead of keeping the coincidence a few dozen others are tried, as a sweep would.
 */

import type { Scenario } from '../faults/scenario.js';
import { namesOf, withoutNode } from './cluster.js';
import { attempt, type Pass, type Steps } from './steps.js';

/** Seeds that are tried with each smaller scenario. */
const SEEDS = 24;

/** Above this, each fault in turn is not worth its runs. */
const MOST_FAULTS = 8;

/** Far fewer operations, one fault less, or one node less, under other seeds. */
export function otherSeeds<S>(): Pass<S> {
  return {
    name: 'other seeds',
    *steps(hand): Steps<S> {
      for (const smaller of smallerThan(hand.best)) {
        for (let seed = 1; seed <= SEEDS; seed += 1) {
          if (yield* attempt(hand, { ...smaller, seed }, 'another seed')) return;
        }
      }
    },
  };
}

function smallerThan<S>(best: Scenario<S>): readonly Scenario<S>[] {
  const { workload, faults, nodes } = best;
  const asked = namesOf(workload).length - workload.skip.length;
  const fewerAsked = [
    [0, 0],
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
    [3, 2],
    [4, 3],
  ] as const;
  return [
    ...fewerAsked
      .filter(([clients, each]) => clients * each < asked)
      .map(([clients, operationsPerClient]) => ({
        ...best,
        workload: { ...workload, clients, operationsPerClient, skip: [] },
      })),
    ...(faults.length > MOST_FAULTS ? [] : faults).map((fault) => ({
      ...best,
      faults: faults.filter((each) => each !== fault),
    })),
    ...(nodes > 3 ? [withoutNode(best, nodes)] : []),
  ];
}
