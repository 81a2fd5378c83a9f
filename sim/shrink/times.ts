/** Shorter runs: the end is cut off, idle stretches are taken out, clients hurry. */

import type { Fault } from '../faults/fault.js';
import type { Scenario } from '../faults/scenario.js';
import { attempt, lower, type Hand, type Pass, type Steps } from './steps.js';

/** What a run is given after the failure, so that a candidate may fail a little later. */
const SLACK_MS = 1_000;

/** A shorter limit would call every system dead that only needs a moment. */
const LEAST_LIMIT_MS = 20_000;

/** The run ends soon after its failure. What it still needs to finish comes in the calm. */
export function cutEnd<S>(slackMs = SLACK_MS): Pass<S> {
  return {
    name: 'an earlier end',
    *steps(hand) {
      const { best, failure } = hand;
      const what = 'an earlier end';
      if (failure !== undefined && failure.property !== 'liveness') {
        const endMs = Math.ceil(failure.atUs / 1_000) + 1 + slackMs;
        if (endMs < Math.max(best.calm.atMs, best.minimumMs)) {
          yield* attempt(hand, endAt(best, endMs), what);
        }
        // What a checker of the end finds is there as soon as the clients are done.
        const { calm } = hand.best;
        if (failure.atUs >= calm.atMs * 1_000 || hand.best.minimumMs * 1_000 <= failure.atUs) {
          if (hand.best.minimumMs > 0) yield* attempt(hand, { ...hand.best, minimumMs: 0 }, what);
        }
        yield* lowerLimit(hand, slackMs);
      } else if (failure !== undefined) yield* lowerLimit(hand, LEAST_LIMIT_MS);
      else {
        const shorter = (minimumMs: number): Scenario<S> => ({ ...hand.best, minimumMs });
        yield* lower(hand, { from: best.minimumMs, least: 0 }, shorter, what);
      }
      const isAfterCalm = failure === undefined || failure.atUs >= hand.best.calm.atMs * 1_000;
      if (isAfterCalm) {
        yield* lower(hand, { from: hand.best.calm.atMs, least: 1 }, (atMs) => endAt(hand.best, atMs), what);
      }
    },
  };
}

function* lowerLimit<S>(hand: Hand<S>, least: number): Steps<S> {
  const { limitMs } = hand.best.calm;
  const build = (value: number): Scenario<S> => ({
    ...hand.best,
    calm: { ...hand.best.calm, limitMs: value },
  });
  yield* lower(hand, { from: limitMs, least: Math.max(1, least) }, build, 'a shorter calm');
}

/** The calm begins at `atMs`, and what would strike later never does. */
export function endAt<S>(scenario: Scenario<S>, atMs: number): Scenario<S> {
  const calmMs = Math.min(atMs, scenario.calm.atMs);
  const faults = scenario.faults
    .filter((fault) => fault.atMs < calmMs)
    .map((fault) => ('untilMs' in fault ? { ...fault, untilMs: Math.min(fault.untilMs, calmMs) } : fault));
  return {
    ...scenario,
    faults,
    calm: { ...scenario.calm, atMs: calmMs },
    minimumMs: Math.min(scenario.minimumMs, atMs),
  };
}

/** Everything after an idle stretch happens earlier. */
export function pullTogether<S>(): Pass<S> {
  return {
    name: 'times pulled together',
    *steps(hand) {
      const what = 'times pulled together';
      for (const shift of [2, 4, 8]) yield* attempt(hand, hurry(hand.best, shift), what);
      const { thinkMs } = hand.best.workload;
      const think = (value: number): Scenario<S> => ({
        ...hand.best,
        workload: { ...hand.best.workload, thinkMs: value },
      });
      yield* lower(hand, { from: thinkMs, least: 0 }, think, what);
      // From the last gap to the first, so that what was pulled stays where it is.
      for (let place = timesOf(hand.best).length - 1; place >= 0; place -= 1) {
        const times = timesOf(hand.best);
        const to = times[place] ?? 0;
        const gap = to - (times[place - 1] ?? 0);
        const before = hand.best;
        const build = (left: number): Scenario<S> => shiftFrom(before, to, gap - left);
        yield* lower(hand, { from: gap, least: place === 0 ? 0 : 1 }, build, what);
      }
    },
  };
}

/** All times at which the storm does something, without repeats, in order. */
function timesOf({ faults, calm }: Scenario): readonly number[] {
  const all = [
    ...faults.flatMap((fault) => ('untilMs' in fault ? [fault.atMs, fault.untilMs] : [fault.atMs])),
    calm.atMs,
  ];
  return all.filter((time, i) => all.indexOf(time) === i).sort((a, b) => a - b);
}

/** Everything from `fromMs` on happens `byMs` earlier. */
function shiftFrom<S>(scenario: Scenario<S>, fromMs: number, byMs: number): Scenario<S> {
  return mapTimes(scenario, (time) => (time >= fromMs ? time - byMs : time));
}

/** Clients and faults are so many times as fast. */
function hurry<S>(scenario: Scenario<S>, times: number): Scenario<S> {
  const faster = mapTimes(scenario, (time) => Math.ceil(time / times));
  const thinkMs = Math.floor(scenario.workload.thinkMs / times);
  return { ...faster, workload: { ...scenario.workload, thinkMs } };
}

/** A scenario with all its times moved; a fault that would last no time lasts the least. */
function mapTimes<S>(scenario: Scenario<S>, move: (time: number) => number): Scenario<S> {
  const faults = scenario.faults.map((fault): Fault => {
    const atMs = move(fault.atMs);
    return 'untilMs' in fault
      ? { ...fault, atMs, untilMs: Math.max(atMs + 1, move(fault.untilMs)) }
      : { ...fault, atMs };
  });
  const ends = faults.map((fault) => ('untilMs' in fault ? fault.untilMs : fault.atMs + 1));
  const atMs = Math.max(move(scenario.calm.atMs), ...ends);
  return {
    ...scenario,
    faults,
    calm: { ...scenario.calm, atMs },
    minimumMs: move(scenario.minimumMs),
  };
}
