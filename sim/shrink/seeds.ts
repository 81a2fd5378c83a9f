/**
 * Other seeds: a scenario that is clearly smaller, tried with other luck.
 *
 * Some failures hang on a coincidence of times, and whatever is taken out destroys it. Small runs cost next to nothing,
 * so instead of keeping the coincidence a few dozen others are tried, as a sweep would.
 */

import type { Scenario } from '../faults/scenario.js';
import { namesOf, withoutNode } from './cluster.js';
import { attempt, type Pass, type Steps } from './steps.js';
import { endAt } from './times.js';

/** Seeds that are tried with each smaller scenario. */
const SEEDS = 24;
/** … and with each shorter one, which costs more. */
const LONG_SEEDS = 10;

/** Above this, each fault in turn is not worth its runs. */
const MOST_FAULTS = 8;

/** Nothing fails much earlier than this: a cluster must come up first. */
const LEAST_END_MS = 2_000;

/** The same storm, but half as long: under some seed it may strike earlier. A failure that comes early shrinks well. */
export function earlierSeeds<S>(): Pass<S> {
  return {
    name: 'an earlier failure',
    *steps(hand): Steps<S> {
      for (let goOn = true; goOn;) {
        goOn = false;
        const halfMs = hand.best.calm.atMs >>> 1;
        if (halfMs < LEAST_END_MS) return;
        const half = endAt(hand.best, halfMs);
        for (let seed = 1; seed <= LONG_SEEDS && !goOn; seed += 1) {
          goOn = yield* attempt(hand, { ...half, seed }, 'another seed');
        }
      }
    },
  };
}

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
    [2, 1],
    [2, 2],
    [3, 2],
  ] as const;
  // A lone operation must fall near the faults to meet them.
  const lastMs = faults.reduce((last, { atMs }) => Math.max(last, atMs), workload.thinkMs);
  return [
    ...fewerAsked
      .filter(([clients, each]) => clients * each < asked)
      .flatMap(([clients, operationsPerClient]) =>
        [workload.thinkMs, lastMs].map((thinkMs) => ({
          ...best,
          workload: { ...workload, clients, operationsPerClient, thinkMs, skip: [] },
        })),
      ),
    ...(faults.length > MOST_FAULTS ? [] : faults).map((fault) => ({
      ...best,
      faults: faults.filter((each) => each !== fault),
    })),
    ...(nodes > 3 ? [withoutNode(best, nodes)] : []),
  ];
}
