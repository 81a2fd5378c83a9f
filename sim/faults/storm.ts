/**
 * Storms: a scenario drawn from a seed.
 *
 * Swarm testing (Groce et al., 2012): each seed leaves some kinds of fault out altogether and draws how often and how
 * long the others strike, and draws sizes and timeouts too, so that no constant becomes load-bearing.
 */

import { draw, drawBelow, drawBetween, drawChance, drawOne, streamOf, type Stream } from '../world/chance.js';
import type { Fault, Scenario, Target } from './scenario.js';

const MINUTE_MS = 60_000;

/** The default scenario of a seed: at least one virtual minute and 500 operations under its own mix of faults. */
export function stormScenario(seed: number): Scenario {
  const pick = sizes(seed);
  const nodes = pick('nodes', [3, 3, 5]);
  const partitions = pick('partitions', [1, 1, 2, 3]);
  const heartbeatIntervalMs = pick('heartbeat', [40, 60, 100, 150]);
  const electionTimeoutMs = heartbeatIntervalMs * pick('election', [3, 4, 6, 10]);
  const maxDelayUs = pick('delay', [500, 2_000, 8_000, 20_000]);
  const clients = pick('clients', [4, 6, 8, 14]);
  const operationsPerClient = Math.ceil(pick('operations', [520, 560, 640]) / clients);
  const calmAtMs = pick('calm', [42_000, 46_000, 50_000]);
  return {
    seed,
    nodes,
    partitions,
    node: {
      heartbeatIntervalMs,
      electionTimeoutMs,
      maxAppendBytes: pick('append bytes', [1, 1, 120, 1_000, 65_536]),
      maxInflightAppends: pick('inflight', [1, 2, 4, 16]),
      maxUncommittedBytes: pick('uncommitted', [400, 10_000, 1_000_000]),
      snapshotEveryEntries: pick('snapshot', [7, 20, 60, 10_000]),
      snapshotPercentOfRecords: pick('snapshot share', [0, 0, 30]),
      keepEntries: pick('keep', [0, 3, 20]),
      requestTimeoutMs: pick('request timeout', [400, 1_500, 5_000]),
      forwardTimeoutMs: pick('forward timeout', [80, 250, 700]),
      retryWindow: 10_000,
    },
    network: {
      minDelayUs: pick('least delay', [50, 200]),
      maxDelayUs,
      slowChance: pick('slow chance', [0, 1_000, 20_000]),
      slowMaxDelayUs: electionTimeoutMs * pick('slow delay', [500, 1_500, 4_000]),
      lossChance: pick('loss', [0, 0, 2_000, 20_000, 80_000]),
      duplicateChance: pick('duplicates', [0, 0, 5_000, 50_000]),
      inOrder: pick('order', [true, false, false]),
    },
    disk: {
      minSyncUs: pick('least sync', [50, 1_000]),
      maxSyncUs: pick('sync', [1_000, 5_000, 20_000]),
      slowChance: pick('slow sync chance', [0, 10_000]),
      slowMaxSyncUs: pick('slow sync', [100_000, 500_000]),
    },
    clocks: {
      maxDriftPpm: pick('drift', [0, 200, 20_000, 100_000]),
      maxWallOffsetMs: pick('wall offset', [0, 500, 3_600_000]),
    },
    workload: {
      clients,
      operationsPerClient,
      keys: pick('keys', [2, 3, 5]),
      thinkMs: pick('think', [20, 120, 300]),
      clientTimeoutMs: pick('client timeout', [150, 600, 2_000]),
      giveUpChance: pick('give up', [0, 20_000]),
      readPercent: pick('reads', [20, 40, 60]),
      turnUs: pick('turn', [0, 0, 200, 2_000]),
    },
    faults: stormFaults(seed, nodes, partitions, calmAtMs, electionTimeoutMs),
    calmAtMs,
    minimumMs: MINUTE_MS,
    calmLimitMs: MINUTE_MS,
  };
}

function sizes(seed: number): <T>(name: string, choices: readonly T[]) => T {
  return (name, choices) => drawOne(streamOf(seed, 'size', name), choices, 0);
}

/**
 * The kinds of fault that are drawn. A `Depose` is two that strike together: a leader that still hears old answers,
 * but is heard no more, so that another is elected while it believes that it leads.
 */
type Kind = Fault['type'] | 'Depose';

const KINDS: readonly Kind[] = [
  'Isolate',
  'Deafen',
  'Mute',
  'Split',
  'Squall',
  'Lag',
  'Depose',
  'Crash',
  'CrashAtWrite',
  'Blackout',
  'Pause',
];

/** Of a million seeds, so many leave a kind of fault out. */
const LEFT_OUT = 350_000;

function stormFaults(
  seed: number,
  nodes: number,
  partitions: number,
  calmAtMs: number,
  electionTimeoutMs: number,
): readonly Fault[] {
  const faults: Fault[] = [];
  for (const kind of KINDS) {
    const stream = streamOf(seed, 'fault', kind);
    if (drawChance(stream, LEFT_OUT, 0)) continue;
    const gapMs = drawOne(stream, kind === 'Blackout' ? [12_000, 25_000] : [1_500, 4_000, 9_000], 1);
    const lastMs = electionTimeoutMs * drawOne(stream, [1, 3, 8], 2);
    let atMs = drawBelow(stream, gapMs, 3);
    for (let strike = 1; atMs < calmAtMs; strike += 1) {
      const untilMs = Math.min(calmAtMs, atMs + drawBetween(stream, 10, lastMs, strike, 1));
      const cluster = { nodes, partitions, electionTimeoutMs };
      if (kind === 'Depose') faults.push(...drawDeposition(stream, strike, atMs, calmAtMs, cluster));
      else faults.push(drawFault(kind, stream, strike, atMs, untilMs, cluster));
      atMs += drawBetween(stream, gapMs >>> 2, gapMs * 2, strike, 2);
    }
  }
  return faults.sort((a, b) => a.atMs - b.atMs);
}

interface ClusterSize {
  readonly nodes: number;
  readonly partitions: number;
  readonly electionTimeoutMs: number;
}

function drawDeposition(
  stream: Stream,
  strike: number,
  atMs: number,
  calmAtMs: number,
  { partitions, electionTimeoutMs }: ClusterSize,
): readonly Fault[] {
  const target: Target = { leaderOf: drawBetween(stream, 1, partitions, strike, 7) };
  const delayMs = drawBetween(stream, electionTimeoutMs, 5 * electionTimeoutMs, strike, 11);
  const mutedMs = Math.min(calmAtMs, atMs + drawBetween(stream, 1, delayMs, strike, 12));
  const untilMs = Math.min(calmAtMs, mutedMs + 2 * delayMs);
  const lag: Fault = { type: 'Lag', atMs, untilMs, target, delayMs };
  return mutedMs < untilMs ? [lag, { type: 'Mute', atMs: mutedMs, untilMs, target }] : [lag];
}

function drawFault(
  kind: Fault['type'],
  stream: Stream,
  strike: number,
  atMs: number,
  untilMs: number,
  cluster: ClusterSize,
): Fault {
  const { nodes } = cluster;
  const target = drawTarget(stream, strike, nodes, cluster.partitions);
  switch (kind) {
    case 'Isolate':
    case 'Deafen':
    case 'Mute':
    case 'Crash':
    case 'Pause':
      return { type: kind, atMs, untilMs, target };
    case 'Lag': {
      const delayMs = drawBetween(stream, 1, 4 * cluster.electionTimeoutMs, strike, 11);
      return { type: kind, atMs, untilMs, target, delayMs };
    }
    case 'CrashAtWrite':
      return { type: kind, atMs, downMs: untilMs - atMs, target };
    case 'Blackout':
      return { type: kind, atMs, untilMs };
    case 'Split':
      return { type: kind, atMs, untilMs, side: drawSide(stream, strike, nodes) };
    case 'Squall':
      return {
        type: kind,
        atMs,
        untilMs,
        lossChance: drawOne(stream, [0, 100_000, 400_000], strike, 3),
        duplicateChance: drawOne(stream, [0, 100_000, 400_000], strike, 4),
        maxDelayUs: drawOne(stream, [20_000, 200_000, 1_000_000], strike, 5),
      };
  }
}

/** Leaders are where the interesting state is, so they are struck as often as all others together. */
function drawTarget(stream: Stream, strike: number, nodes: number, partitions: number): Target {
  return drawBelow(stream, 2, strike, 6) === 0
    ? { leaderOf: drawBetween(stream, 1, partitions, strike, 7) }
    : { node: drawBetween(stream, 1, nodes, strike, 8) };
}

function drawSide(stream: Stream, strike: number, nodes: number): readonly number[] {
  const size = drawBetween(stream, 1, nodes >>> 1, strike, 9);
  const order = Array.from({ length: nodes }, (_, i) => i + 1);
  return order
    .map((node) => ({ node, rank: draw(stream, strike * 16 + node, 10) }))
    .sort((a, b) => a.rank - b.rank || a.node - b.node)
    .slice(0, size)
    .map(({ node }) => node)
    .sort((a, b) => a - b);
}
