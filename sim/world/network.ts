/**
 * The simulated network: what becomes of each message.
 *
 * A message is lost, repeated, damaged and delayed by draws under the key (link, time of sending, place among the
 * messages of that moment), so changing one message changes nothing about another that was sent at another time.
 * Which links are cut, and how rough the weather is, is set by the faults; a scenario with decisions of its own draws
 * nothing.
 */

import type { Decision, Decisions, NetworkSettings } from '../faults/scenario.js';
import { drawBelow, drawBetween, drawChance, streamOf, type Stream } from './chance.js';
import { feel, type Felt } from './felt.js';

export interface Weather {
  readonly lossChance: number;
  readonly duplicateChance: number;
  readonly corruptChance: number;
  readonly maxDelayUs: number;
}

export interface Network {
  readonly seed: number;
  readonly settings: NetworkSettings;
  /** By sender and receiver, both counted from 1. */
  readonly links: readonly (readonly Link[])[];
  readonly parcels: Parcels;
  readonly felt: Felt;
  /** Squalls under way. */
  readonly squalls: Set<Weather>;
  /** The roughest of what the scenario says and the squalls under way. */
  weather: Weather;
  readonly decided: ReadonlyMap<string, readonly number[]> | undefined;
  /** Hears what became of every message, as a decision that would make it so again. */
  onFate: ((fate: Decision) => void) | undefined;
}

/** One direction between two nodes. */
export interface Link {
  readonly from: number;
  readonly to: number;
  readonly stream: Stream;
  lastArrivalUs: number;
  /** Tells messages of one moment apart. */
  sentAtUs: number;
  sentAtOnce: number;
  /** The faults that cut it. */
  readonly cuts: string[];
  /** By how much longer messages take, for every fault that makes them. */
  lagUs: number;
  /** What it carries; 0 for as much as there is. */
  bytesPerSecond: number;
  /** When what was sent before has left. */
  freeAtUs: number;
  /** Counts connections; what was on its way when one broke does not arrive. */
  connection: number;
  /** Nothing is slow any more. */
  prompt: boolean;
  /** Healed for good: nothing is cut, lost, repeated, damaged or slow any more. */
  calm: boolean;
  /** Messages sent, by kind; counted only where decisions are named by number. */
  readonly sent: Map<string, number>;
}

export function createNetwork(
  seed: number,
  nodes: number,
  settings: NetworkSettings,
  parcels: Parcels,
  felt: Felt,
): Network {
  const { decisions } = settings;
  return {
    seed,
    settings,
    links: Array.from({ length: nodes + 1 }, (_f, from) =>
      Array.from({ length: nodes + 1 }, (_t, to) => ({
        from,
        to,
        stream: streamOf(seed, 'link', `${from}>${to}`),
        lastArrivalUs: 0,
        sentAtUs: -1,
        sentAtOnce: 0,
        cuts: [],
        lagUs: 0,
        bytesPerSecond: settings.bytesPerSecond,
        freeAtUs: 0,
        connection: 0,
        prompt: false,
        calm: false,
        sent: new Map(),
      })),
    ),
    parcels,
    felt,
    squalls: new Set(),
    weather: settings,
    decided: decisions === undefined ? undefined : decisionsByName(decisions),
    onFate: undefined,
  };
}

function decisionsByName(decisions: Decisions): ReadonlyMap<string, readonly number[]> {
  return new Map(
    decisions.list.map(({ from, to, kind, nth, arriveUs }) => [decisionName(from, to, kind, nth), arriveUs]),
  );
}

function decisionName(from: number, to: number, kind: string, nth: number): string {
  return `${from}>${to} ${kind} ${nth}`;
}

export function linkOf(network: Network, from: number, to: number): Link {
  return (network.links[from] as readonly Link[])[to] as Link;
}

/** Cuts the way from one node to another by a fault of this name; several faults may cut the same one. */
export function cutLink(network: Network, from: number, to: number, fault: string): void {
  linkOf(network, from, to).cuts.push(fault);
}

export function mendLink(network: Network, from: number, to: number, fault: string): void {
  const { cuts } = linkOf(network, from, to);
  const place = cuts.indexOf(fault);
  if (place >= 0) cuts.splice(place, 1);
}

/** Heals a link for good. */
export function healLink(network: Network, link: Link, nowUs: number): void {
  link.calm = true;
  reconnect(network, link, nowUs);
}

/**
 * Ends what a storm leaves behind on a link. A narrow one gets wide: a leader that is not healed, and whose snapshots the link
 * cannot carry in time, would keep a follower behind for ever. Where order is kept nothing is slow any more, for all that
 * comes after it would wait: with enough messages everything takes as long as the slowest, which may be longer than any client
 * waits (seed 6734). And what is held up already is lost with its connection.
 */
export function reconnect({ settings }: Network, link: Link, nowUs: number): void {
  link.bytesPerSecond = 0;
  link.freeAtUs = Math.min(link.freeAtUs, nowUs);
  link.prompt = settings.inOrder;
  if (!settings.inOrder || link.lastArrivalUs <= nowUs + settings.maxDelayUs) return;
  link.connection += 1;
  link.lastArrivalUs = nowUs;
}

export function beginSquall(network: Network, squall: Weather): void {
  network.squalls.add(squall);
  network.weather = roughest(network);
}

export function endSquall(network: Network, squall: Weather): void {
  network.squalls.delete(squall);
  network.weather = roughest(network);
}

function roughest({ settings, squalls }: Network): Weather {
  let { lossChance, duplicateChance, corruptChance, maxDelayUs }: Weather = settings;
  for (const squall of squalls) {
    lossChance = Math.max(lossChance, squall.lossChance);
    duplicateChance = Math.max(duplicateChance, squall.duplicateChance);
    corruptChance = Math.max(corruptChance, squall.corruptChance);
    maxDelayUs = Math.max(maxDelayUs, squall.maxDelayUs);
  }
  return { lossChance, duplicateChance, corruptChance, maxDelayUs };
}

/** How the network sees messages: by their kind and size. */
export interface Parcels {
  readonly kindOf: (message: unknown) => string;
  readonly bytesOf: (message: unknown) => number;
}

/** One copy that arrives. */
export interface Arrival {
  readonly atUs: number;
  /** Bits were flipped on the way; the number keys the draw that says which. */
  readonly corrupt: number | undefined;
}

const NEVER: readonly Arrival[] = [];

/** When copies of a message that is sent now arrive: none when it is lost, two when it is repeated. */
export function arrivals(
  network: Network,
  from: number,
  to: number,
  message: unknown,
  nowUs: number,
): readonly Arrival[] {
  const link = linkOf(network, from, to);
  const { felt, decided, settings, onFate } = network;
  const cut = link.calm ? undefined : link.cuts[0];
  if (cut !== undefined) {
    feel(felt, cut);
    return NEVER;
  }
  if (decided !== undefined) return decidedArrivals(network, link, decided, message, nowUs);
  const copies = drawnArrivals(network, link, message, nowUs);
  if (onFate !== undefined) {
    const kind = network.parcels.kindOf(message);
    const lagUs = link.calm ? 0 : link.lagUs;
    const arriveUs = copies
      .filter(({ corrupt }) => corrupt === undefined || !settings.checksums)
      .map(({ atUs }) => atUs - nowUs - lagUs);
    onFate({ from, to, kind, nth: countSent(link, kind), arriveUs });
  }
  return copies;
}

function countSent(link: Link, kind: string): number {
  const nth = (link.sent.get(kind) ?? 0) + 1;
  link.sent.set(kind, nth);
  return nth;
}

function drawnArrivals(network: Network, link: Link, message: unknown, nowUs: number): readonly Arrival[] {
  const { felt, settings } = network;
  if (link.sentAtUs === nowUs) link.sentAtOnce += 1;
  else {
    link.sentAtUs = nowUs;
    link.sentAtOnce = 0;
  }
  const salt = link.sentAtOnce * 8;
  if (link.calm)
    return [
      { atUs: arrival(network, link, settings.maxDelayUs, nowUs, nowUs, salt + 1), corrupt: undefined },
    ];
  const { weather } = network;
  if (drawChance(link.stream, weather.lossChance, nowUs, salt)) {
    feel(felt, 'message lost');
    return NEVER;
  }
  const sentUs = departure(network, link, message, nowUs) + link.lagUs;
  if (link.lagUs > 0) feel(felt, 'Lag');
  const atUs = arrival(network, link, weather.maxDelayUs, nowUs, sentUs, salt + 1);
  const corrupt = drawChance(link.stream, weather.corruptChance, nowUs, salt + 6) ? nowUs + salt : undefined;
  if (corrupt !== undefined) feel(felt, 'message damaged');
  if (!drawChance(link.stream, weather.duplicateChance, nowUs, salt + 3)) return [{ atUs, corrupt }];
  feel(felt, 'message repeated');
  const again = arrival(network, link, weather.maxDelayUs, nowUs, sentUs, salt + 4);
  return [
    { atUs, corrupt },
    { atUs: again, corrupt: undefined },
  ];
}

function decidedArrivals(
  network: Network,
  link: Link,
  decided: ReadonlyMap<string, readonly number[]>,
  message: unknown,
  nowUs: number,
): readonly Arrival[] {
  const kind = network.parcels.kindOf(message);
  const nth = countSent(link, kind);
  const after = decided.get(decisionName(link.from, link.to, kind, nth));
  const lagUs = link.calm ? 0 : link.lagUs;
  if (after !== undefined) return after.map((us) => ({ atUs: nowUs + lagUs + us, corrupt: undefined }));
  const { decisions } = network.settings;
  return [{ atUs: inTurn(network, link, nowUs + lagUs + (decisions?.delayUs ?? 0)), corrupt: undefined }];
}

/**
 * The same for what a client and a node say to each other, with 0 for the client: how long it takes as decided, or as
 * drawn; undefined when it is lost.
 */
export function clientFate(
  network: Network,
  { from, to, kind }: Pick<Decision, 'from' | 'to' | 'kind'>,
  drawDelay: () => number | undefined,
): number | undefined {
  const { decided, onFate, settings } = network;
  if (decided === undefined && onFate === undefined) return drawDelay();
  const nth = countSent(linkOf(network, from, to), kind);
  if (decided !== undefined) {
    const after = decided.get(decisionName(from, to, kind, nth));
    return after === undefined ? settings.decisions?.delayUs : after[0];
  }
  const delayUs = drawDelay();
  onFate?.({ from, to, kind, nth, arriveUs: delayUs === undefined ? [] : [delayUs] });
  return delayUs;
}

/** When the last byte has left, behind what was sent before. */
function departure(network: Network, link: Link, message: unknown, nowUs: number): number {
  if (link.bytesPerSecond === 0) return nowUs;
  if (link.freeAtUs > nowUs) feel(network.felt, 'bandwidth');
  const beginUs = Math.max(nowUs, link.freeAtUs);
  link.freeAtUs = beginUs + Math.ceil((network.parcels.bytesOf(message) * 1_000_000) / link.bytesPerSecond);
  return link.freeAtUs;
}

/** `nowUs` keys the draws; `sentUs` is later by what holds the message up. */
function arrival(
  network: Network,
  link: Link,
  maxDelayUs: number,
  nowUs: number,
  sentUs: number,
  salt: number,
): number {
  const { settings } = network;
  const slow = !link.calm && !link.prompt && drawChance(link.stream, settings.slowChance, nowUs, salt);
  if (slow) feel(network.felt, 'message slow');
  const delayUs = slow
    ? drawBelow(link.stream, settings.slowMaxDelayUs, nowUs, salt + 1)
    : drawBetween(link.stream, settings.minDelayUs, maxDelayUs, nowUs, salt + 1);
  return inTurn(network, link, sentUs + delayUs);
}

/** Where links keep the order, nothing arrives before what was sent before it. */
function inTurn(network: Network, link: Link, atUs: number): number {
  if (!network.settings.inOrder) {
    if (atUs < link.lastArrivalUs) feel(network.felt, 'message overtaken');
    else link.lastArrivalUs = atUs;
    return atUs;
  }
  link.lastArrivalUs = Math.max(link.lastArrivalUs, atUs);
  return link.lastArrivalUs;
}
