/**
 * Storms: conditions and faults drawn from a seed, for clusters of any kind of machine.
 *
 * Swarm testing (Groce et al., 2012): each seed leaves some kinds of fault out altogether and draws how often and how
 * long the others strike, and draws sizes and timeouts too, so that no constant becomes load-bearing. What destroys a
 * disk for good is planned: never more than a minority of disks, unless the scenario says that it expects silence.
 */

import { draw, drawBelow, drawBetween, drawChance, drawOne, streamOf, type Stream } from '../world/chance.js';
import type { Fault, Target } from './fault.js';
import { drawMemberChanges, type MemberChange } from './member-plan.js';
import { machinesOf, type Scenario } from './scenario.js';

/** What a storm must know of the cluster that it strikes. */
export interface Shore {
  readonly seed: number;
  readonly nodes: number;
  /** Machines that may join; none when absent. */
  readonly spares?: number;
  /** Operators may move leaders. */
  readonly takesOrders?: boolean;
  /** Things that may be led, numbered from 1; 0 where nothing is. */
  readonly groups: number;
  /** Versions of the machine, numbered from 0. */
  readonly versions: number;
  /** The time in which the system reacts, such as an election timeout: faults last about as long. */
  readonly paceMs: number;
}

type Conditions = Pick<Scenario, 'network' | 'disk' | 'clocks' | 'host' | 'bends' | 'calm'>;

/** A choice for each name, drawn under the name: adding one changes no other. */
export function sizesOf(seed: number): <T>(name: string, choices: readonly T[]) => T {
  return (name, choices) => drawOne(streamOf(seed, 'size', name), choices, 0);
}

/** The weather, disks and clocks of a seed. */
export function drawConditions({ seed, paceMs }: Shore): Conditions {
  const pick = sizesOf(seed);
  return {
    network: {
      minDelayUs: pick('least delay', [50, 200]),
      maxDelayUs: pick('delay', [500, 2_000, 8_000, 20_000]),
      slowChance: pick('slow chance', [0, 1_000, 20_000]),
      slowMaxDelayUs: paceMs * pick('slow delay', [500, 1_500, 4_000]),
      lossChance: pick('loss', [0, 0, 2_000, 20_000, 80_000]),
      duplicateChance: pick('duplicates', [0, 0, 5_000, 50_000, 200_000]),
      corruptChance: pick('damage', [0, 0, 0, 2_000, 20_000]),
      checksums: true,
      inOrder: pick('order', [true, false, false]),
      bytesPerSecond: pick('bandwidth', [0, 0, 0, 0, 50_000, 400_000]),
    },
    disk: {
      minSyncUs: pick('least sync', [50, 1_000]),
      maxSyncUs: pick('sync', [1_000, 5_000, 20_000, 60_000]),
      slowChance: pick('slow sync chance', [0, 10_000]),
      slowMaxSyncUs: pick('slow sync', [100_000, 500_000]),
      failChance: pick('failed sync chance', [0, 0, 0, 1_000]),
      checksums: true,
      atomicWrites: true,
    },
    clocks: {
      maxDriftPpm: pick('drift', [0, 200, 20_000, 100_000]),
      maxWallOffsetMs: pick('wall offset', [0, 500, 3_600_000]),
    },
    host: { turnUs: pick('turn', [0, 0, 200, 2_000]), restartMs: pick('restart', [20, 400]) },
    bends: {
      onChance: pick('bent points', [0, 300_000, 600_000]),
      fireChance: pick('bends', [2_000, 30_000]),
      off: [],
    },
    calm: {
      atMs: pick('calm', [42_000, 46_000, 50_000]),
      heal: pick('heal', ['all', 'quorum'] as const),
      limitMs: 60_000,
    },
  };
}

/**
 * The kinds of fault that are drawn. A `Depose` is two that strike together: a leader that still hears old answers,
 * but is heard no more, so that another is elected while it believes that it leads.
 */
export type FaultKind = Exclude<Fault['type'], 'BitRot' | 'LoseDisk' | MemberChange> | 'Depose';

/** Of a million seeds, so many leave the kind out: what brings protocols down most often strikes most often. */
const LEFT_OUT: Readonly<Record<FaultKind, number>> = {
  Isolate: 400_000,
  Deafen: 400_000,
  Mute: 400_000,
  Split: 400_000,
  Squall: 400_000,
  Lag: 400_000,
  Depose: 400_000,
  Crash: 400_000,
  CrashAtWrite: 400_000,
  Blackout: 400_000,
  Pause: 400_000,
  Partial: 750_000,
  Bridge: 750_000,
  Flap: 800_000,
  SlowLink: 750_000,
  Throttle: 850_000,
  SlowDisk: 800_000,
  StuckDisk: 800_000,
  FullDisk: 750_000,
  FailSync: 600_000,
  TornWrite: 800_000,
  ClockJump: 800_000,
  ClockFreeze: 850_000,
  ClockDrift: 850_000,
  CrashLoop: 850_000,
  SlowNode: 850_000,
  Upgrade: 800_000,
  Transfer: 700_000,
  HandOver: 850_000,
};

const KINDS = Object.keys(LEFT_OUT) as readonly FaultKind[];

/** Of a million seeds, so many destroy disks; of those, so many destroy more than the system can bear. */
const DESTROYS = 60_000;
const DESTROYS_TOO_MUCH = 200_000;

/**
 * The faults of a seed until the calm, and what may be expected of a system that they strike.
 *
 * @param only these kinds, none of them left out, and no disk destroyed; all with their chances when absent.
 */
export function drawFaults(
  shore: Shore,
  calmAtMs: number,
  only?: readonly FaultKind[],
): Pick<Scenario, 'faults' | 'expect'> {
  const faults: Fault[] = [];
  for (const kind of only ?? KINDS) {
    if (shore.takesOrders !== true && (kind === 'Transfer' || kind === 'HandOver')) continue;
    const stream = streamOf(shore.seed, 'fault', kind);
    if (only === undefined && drawChance(stream, LEFT_OUT[kind], 0)) continue;
    const gapMs = drawOne(stream, kind === 'Blackout' ? [12_000, 25_000] : [1_500, 4_000, 9_000], 1);
    const lastMs = shore.paceMs * drawOne(stream, [1, 3, 8], 2);
    let atMs = drawBelow(stream, gapMs, 3);
    for (let strike = 1; atMs < calmAtMs; strike += 1) {
      const untilMs = Math.min(calmAtMs, atMs + drawBetween(stream, 10, lastMs, strike, 1));
      if (kind === 'Depose') faults.push(...drawDeposition(stream, strike, atMs, calmAtMs, shore));
      else faults.push(drawFault(kind, stream, strike, atMs, untilMs, shore));
      atMs += drawBetween(stream, gapMs >>> 2, gapMs * 2, strike, 2);
    }
  }
  if (only !== undefined) {
    faults.push(...drawMemberChanges(shore, calmAtMs));
    return { faults: faults.sort((a, b) => a.atMs - b.atMs), expect: 'service' };
  }
  const { losses, expect } = drawLosses(shore, calmAtMs);
  const changes = drawMemberChanges(shore, calmAtMs);
  return { faults: [...faults, ...losses, ...changes].sort((a, b) => a.atMs - b.atMs), expect };
}

/** Which disks are lost for good: a minority at most, or so many that silence is all that may be asked. */
function drawLosses(
  shore: Shore,
  calmAtMs: number,
): { readonly losses: readonly Fault[]; readonly expect: Scenario['expect'] } {
  const { seed } = shore;
  const nodes = machinesOf(shore);
  const stream = streamOf(seed, 'fault', 'losses');
  if (!drawChance(stream, DESTROYS, 0)) return { losses: [], expect: 'service' };
  const minority = (nodes - 1) >>> 1;
  const tooMuch = drawChance(stream, DESTROYS_TOO_MUCH, 0, 1);
  const count = tooMuch
    ? drawBetween(stream, minority + 1, nodes, 0, 2)
    : drawBetween(stream, 0, minority, 0, 3);
  const losses = drawNodes(stream, 0, nodes, count).map((node): Fault => {
    const type = drawOne(stream, ['BitRot', 'LoseDisk'] as const, node, 4);
    return { type, atMs: drawBelow(stream, calmAtMs, node, 5), node };
  });
  return { losses, expect: tooMuch ? 'refusal' : 'service' };
}

function drawDeposition(
  stream: Stream,
  strike: number,
  atMs: number,
  calmAtMs: number,
  shore: Shore,
): readonly Fault[] {
  const { groups, paceMs } = shore;
  const nodes = machinesOf(shore);
  const target: Target =
    groups === 0
      ? { node: drawBetween(stream, 1, nodes, strike, 7) }
      : { leaderOf: drawBetween(stream, 1, groups, strike, 7) };
  const delayMs = drawBetween(stream, paceMs, 5 * paceMs, strike, 11);
  const mutedMs = Math.min(calmAtMs, atMs + drawBetween(stream, 1, delayMs, strike, 12));
  const untilMs = Math.min(calmAtMs, mutedMs + 2 * delayMs);
  const lag: Fault = { type: 'Lag', atMs, untilMs, target, delayMs };
  return mutedMs < untilMs ? [lag, { type: 'Mute', atMs: mutedMs, untilMs, target }] : [lag];
}

function drawFault(
  kind: Exclude<FaultKind, 'Depose'>,
  stream: Stream,
  strike: number,
  atMs: number,
  untilMs: number,
  shore: Shore,
): Fault {
  const { paceMs } = shore;
  const nodes = machinesOf(shore);
  const window = { atMs, untilMs: Math.max(untilMs, atMs + 1) };
  const target = drawTarget(stream, strike, shore);
  const downMs = untilMs - atMs;
  const oneNode = (salt: number): number => drawBetween(stream, 1, nodes, strike, salt);
  switch (kind) {
    case 'Isolate':
    case 'Deafen':
    case 'Mute':
    case 'Crash':
    case 'Pause':
    case 'StuckDisk':
    case 'FullDisk':
    case 'ClockFreeze':
      return { type: kind, ...window, target };
    case 'Lag':
      return { type: kind, ...window, target, delayMs: drawBetween(stream, 1, 4 * paceMs, strike, 11) };
    case 'CrashAtWrite':
    case 'TornWrite':
      return { type: kind, atMs, downMs, target };
    case 'FailSync':
      return { type: kind, atMs, target };
    case 'Blackout':
      return { type: kind, ...window };
    case 'Split':
      return { type: kind, ...window, side: drawSide(stream, strike, nodes) };
    case 'Partial':
      return { type: kind, ...window, pairs: drawPairs(stream, strike, nodes) };
    case 'Bridge':
      return { type: kind, ...window, side: drawSide(stream, strike, nodes), bridge: oneNode(13) };
    case 'Flap':
      return { type: kind, ...window, target, periodMs: drawBetween(stream, 5, paceMs, strike, 14) };
    case 'Squall':
      return {
        type: kind,
        ...window,
        lossChance: drawOne(stream, [0, 100_000, 400_000], strike, 3),
        duplicateChance: drawOne(stream, [0, 100_000, 400_000], strike, 4),
        corruptChance: drawOne(stream, [0, 0, 100_000], strike, 15),
        maxDelayUs: drawOne(stream, [20_000, 200_000, 1_000_000], strike, 5),
      };
    case 'SlowLink': {
      const from = oneNode(16);
      const to = 1 + ((from + drawBelow(stream, nodes - 1, strike, 17)) % nodes);
      return { type: kind, ...window, from, to, delayMs: drawBetween(stream, 1, 2 * paceMs, strike, 18) };
    }
    case 'Throttle':
      return { type: kind, ...window, target, bytesPerSecond: drawOne(stream, [2_000, 20_000], strike, 19) };
    case 'SlowDisk':
      return { type: kind, ...window, target, syncMs: drawBetween(stream, 1, 2 * paceMs, strike, 20) };
    case 'ClockJump':
      return {
        type: kind,
        atMs,
        target,
        wallMs: drawOne(stream, [-3_600_000, -500, 500, 3_600_000], strike, 21),
        monotonicMs: drawOne(stream, [0, 50, paceMs, 10 * paceMs], strike, 22),
      };
    case 'ClockDrift':
      return { type: kind, ...window, target, driftPpm: drawOne(stream, [-300_000, 300_000], strike, 23) };
    case 'CrashLoop':
      return {
        type: kind,
        ...window,
        target,
        upMs: drawBetween(stream, 5, paceMs, strike, 24),
        downMs: drawBetween(stream, 5, paceMs, strike, 25),
      };
    case 'SlowNode':
      return { type: kind, ...window, target, turnUs: drawOne(stream, [2_000, 20_000], strike, 26) };
    case 'Upgrade':
      return {
        type: kind,
        atMs,
        downMs,
        node: oneNode(27),
        version: drawBelow(stream, shore.versions, strike, 28),
      };
    case 'Transfer': {
      const least = (shore.spares ?? 0) > 0 ? 0 : 1;
      const group = drawBetween(stream, least, shore.groups, strike, 30);
      return { type: kind, atMs, group, node: oneNode(31) };
    }
    case 'HandOver':
      return { type: kind, atMs, node: oneNode(32), downMs };
  }
}

/** Leaders are where the interesting state is, so they are struck as often as all others together. */
function drawTarget(stream: Stream, strike: number, shore: Shore): Target {
  const { groups } = shore;
  const nodes = machinesOf(shore);
  return groups > 0 && drawBelow(stream, 2, strike, 6) === 0
    ? { leaderOf: drawBetween(stream, 1, groups, strike, 7) }
    : { node: drawBetween(stream, 1, nodes, strike, 8) };
}

function drawSide(stream: Stream, strike: number, nodes: number): readonly number[] {
  return drawNodes(stream, strike, nodes, drawBetween(stream, 1, Math.max(1, nodes >>> 1), strike, 9));
}

function drawNodes(stream: Stream, strike: number, nodes: number, count: number): readonly number[] {
  const order = Array.from({ length: nodes }, (_, i) => i + 1);
  return order
    .map((node) => ({ node, rank: draw(stream, strike * 16 + node, 10) }))
    .sort((a, b) => a.rank - b.rank || a.node - b.node)
    .slice(0, count)
    .map(({ node }) => node)
    .sort((a, b) => a - b);
}

function drawPairs(stream: Stream, strike: number, nodes: number): readonly (readonly [number, number])[] {
  const [a = 1, b = 1] = drawNodes(stream, strike, nodes, 2);
  const more = drawNodes(stream, strike + 0x1000, nodes, 2);
  const [c = 1, d = 1] = more;
  return drawBelow(stream, 2, strike, 29) === 0 || (a === c && b === d)
    ? [[a, b]]
    : [
        [a, b],
        [c, d],
      ];
}
