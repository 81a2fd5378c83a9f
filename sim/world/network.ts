/**
 * The simulated network: what becomes of each message.
 *
 * A message is lost, repeated and delayed by draws under the key (link, time of sending, place among the messages of
 * that moment), so changing one message changes nothing about another that was sent at another time. Which links are
 * cut, and how rough the weather is, is set by the faults.
 */

import type { NetworkSettings } from '../faults/scenario.js';
import { drawBelow, drawBetween, drawChance, streamOf, type Stream } from './chance.js';

export interface Weather {
  readonly lossChance: number;
  readonly duplicateChance: number;
  readonly maxDelayUs: number;
}

export interface Network {
  readonly seed: number;
  readonly settings: NetworkSettings;
  readonly links: Map<number, Link>;
  /** How many faults cut each link, by `linkNumber`. */
  readonly cuts: Map<number, number>;
  /** By how much longer messages to a node take, for every fault that makes them. */
  readonly lags: Map<number, number>;
  /** Squalls under way. */
  readonly squalls: Set<Weather>;
  /** Whatever the faults say: nothing is cut, lost, repeated or slow from now on. */
  calm: boolean;
}

interface Link {
  readonly stream: Stream;
  lastArrivalUs: number;
  /** Tells messages of one moment apart. */
  sentAtUs: number;
  sentAtOnce: number;
}

export function createNetwork(seed: number, settings: NetworkSettings): Network {
  return {
    seed,
    settings,
    links: new Map(),
    cuts: new Map(),
    lags: new Map(),
    squalls: new Set(),
    calm: false,
  };
}

function linkNumber(from: number, to: number): number {
  return from * 1024 + to;
}

/** Cuts (or, with -1, mends) the way from one node to another; several faults may cut the same one. */
export function changeCut(network: Network, from: number, to: number, change: 1 | -1): void {
  const link = linkNumber(from, to);
  network.cuts.set(link, (network.cuts.get(link) ?? 0) + change);
}

/** Makes everything that is sent to a node take longer by so much, or shorter again. */
export function changeLag(network: Network, to: number, changeUs: number): void {
  network.lags.set(to, (network.lags.get(to) ?? 0) + changeUs);
}

/** When copies of a message that is sent now arrive: none when it is lost, two when it is repeated. */
export function arrivals(network: Network, from: number, to: number, nowUs: number): readonly number[] {
  const number = linkNumber(from, to);
  if (!network.calm && (network.cuts.get(number) ?? 0) > 0) return NEVER;
  let link = network.links.get(number);
  if (link === undefined) {
    const stream = streamOf(network.seed, 'link', `${from}>${to}`);
    link = { stream, lastArrivalUs: 0, sentAtUs: -1, sentAtOnce: 0 };
    network.links.set(number, link);
  }
  if (link.sentAtUs === nowUs) link.sentAtOnce += 1;
  else {
    link.sentAtUs = nowUs;
    link.sentAtOnce = 0;
  }
  const weather = weatherOf(network);
  const salt = link.sentAtOnce * 8;
  if (drawChance(link.stream, weather.lossChance, nowUs, salt)) return NEVER;
  const sentUs = nowUs + (network.calm ? 0 : (network.lags.get(to) ?? 0));
  const first = arrival(network, link, weather, nowUs, sentUs, salt + 1);
  if (!drawChance(link.stream, weather.duplicateChance, nowUs, salt + 3)) return [first];
  return [first, arrival(network, link, weather, nowUs, sentUs, salt + 4)];
}

const NEVER: readonly number[] = [];

/** `nowUs` keys the draws; `sentUs` is later by the lag of the link. */
function arrival(
  network: Network,
  link: Link,
  weather: Weather,
  nowUs: number,
  sentUs: number,
  salt: number,
): number {
  const { settings, calm } = network;
  const slow = !calm && drawChance(link.stream, settings.slowChance, nowUs, salt);
  const delayUs = slow
    ? drawBelow(link.stream, settings.slowMaxDelayUs, nowUs, salt + 1)
    : drawBetween(link.stream, settings.minDelayUs, weather.maxDelayUs, nowUs, salt + 1);
  const atUs = sentUs + delayUs;
  if (!settings.inOrder) return atUs;
  link.lastArrivalUs = Math.max(link.lastArrivalUs, atUs);
  return link.lastArrivalUs;
}

/** The roughest of what the scenario says and the squalls under way. */
function weatherOf(network: Network): Weather {
  const { settings, squalls, calm } = network;
  if (calm) return { lossChance: 0, duplicateChance: 0, maxDelayUs: settings.maxDelayUs };
  if (squalls.size === 0) return settings;
  let { lossChance, duplicateChance, maxDelayUs } = settings;
  for (const squall of squalls) {
    lossChance = Math.max(lossChance, squall.lossChance);
    duplicateChance = Math.max(duplicateChance, squall.duplicateChance);
    maxDelayUs = Math.max(maxDelayUs, squall.maxDelayUs);
  }
  return { lossChance, duplicateChance, maxDelayUs };
}
