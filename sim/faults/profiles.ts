/**
 * Profiles: scenarios of one flavour, by name, for sweeps that look for something in particular.
 *
 * Each is the storm of a seed (`key-value/storm.ts`) with only some kinds of fault, or with some settings of its own.
 */

import { withTrueDrift } from '../key-value/leases.js';
import { membershipStorm, stormScenario } from '../key-value/storm.js';
import type { KeyValueScenario, ServiceKind } from '../key-value/settings.js';
import { drawBelow, drawBetween, drawOne, streamOf } from '../world/chance.js';
import type { Fault } from './fault.js';
import { suggest } from './shape.js';
import { drawConditions, drawFaults, type FaultKind } from './storm.js';

interface Profile {
  readonly about: string;
  /** The kinds of fault that are drawn; those of the storm when absent. */
  readonly kinds?: readonly FaultKind[];
  readonly change?: (storm: KeyValueScenario) => KeyValueScenario;
}

const NETWORK: readonly FaultKind[] = [
  'Isolate',
  'Deafen',
  'Mute',
  'Split',
  'Partial',
  'Bridge',
  'Flap',
  'Depose',
];

/** What makes somebody else lead. */
const UNSEATING: readonly FaultKind[] = ['Depose', 'Isolate', 'Deafen', 'Pause', 'Crash', 'HandOver'];

const PROFILES = {
  calm: { about: 'No faults and a network that loses nothing.', kinds: [], change: smooth },
  storm: { about: 'The default: every kind of fault, some left out in each run.' },
  partitions: { about: 'Links are cut in every way.', kinds: NETWORK },
  crashes: {
    about: 'Processes end, alone, again and again, and in the middle of writes.',
    kinds: ['Crash', 'CrashAtWrite', 'CrashLoop', 'TornWrite', 'Blackout'],
  },
  'slow-disks': {
    about: 'Disks are slow, stuck or full, and syncs fail.',
    kinds: ['SlowDisk', 'StuckDisk', 'FullDisk', 'FailSync'],
    change: (storm) => ({ ...storm, disk: { ...storm.disk, slowChance: 50_000, slowMaxSyncUs: 500_000 } }),
  },
  clocks: {
    about: 'Clocks jump, stand still and run at wrong rates.',
    kinds: ['ClockJump', 'ClockFreeze', 'ClockDrift', 'Pause'],
    change: (storm) => ({ ...storm, clocks: { maxDriftPpm: 100_000, maxWallOffsetMs: 3_600_000 } }),
  },
  leases: {
    about: 'Leaders whose clocks run slow are cut off, and most reads are by lease, at followers or stale.',
    change: slowLeaders,
  },
  churn: {
    about: 'Nodes restart and change their version all the time.',
    kinds: ['Upgrade', 'Crash', 'CrashLoop', 'Pause'],
  },
  'lossy-network': {
    about: 'Messages are lost, repeated, damaged and late.',
    kinds: ['Squall', 'Lag', 'SlowLink', 'Throttle'],
    change: (storm) => ({
      ...storm,
      network: { ...storm.network, lossChance: 80_000, duplicateChance: 50_000, corruptChance: 20_000 },
    }),
  },
  membership: {
    about: 'A storm over a cluster whose members come and go.',
    change: ({ seed }) => membershipStorm(seed),
  },
  blackouts: { about: 'All nodes crash at once.', kinds: ['Blackout'] },
  losses: { about: 'A minority of the disks is destroyed, besides a storm.', change: loseDisks },
  idle: {
    about: 'A storm over a cluster that nobody asks for anything.',
    change: (storm) => ({ ...storm, workload: { ...storm.workload, clients: 0 } }),
  },
  'five-nodes': { about: 'A storm over five nodes.', change: (storm) => redraw(storm, 5) },
  snapshots: {
    about: 'Snapshots all the time and in small parts, for nodes that are often away.',
    kinds: ['Pause', 'Isolate', 'Mute', 'Deafen', 'Crash', 'SlowLink', 'Lag', 'Depose'],
    change: takeSnapshots,
  },
  'cold-values': {
    about:
      'All values lie on the disk alone, from where they are read and where they are dropped all the time.',
    kinds: ['Pause', 'Isolate', 'Crash', 'SlowDisk', 'Depose'],
    change: keepNoValues,
  },
  'hot-locks': {
    about: 'Many clients take and give back a few locks, and those who lead change often.',
    kinds: UNSEATING,
    change: (storm) => crowd(storm, 'locks'),
  },
  'hot-sequences': {
    about: 'Many clients take values of a few sequences, which change, and so do those who lead.',
    kinds: UNSEATING,
    change: (storm) => crowd(storm, 'sequences'),
  },
  'hot-keys': {
    about: 'Many clients write and read a few keys with short lives, and those who lead change often.',
    kinds: UNSEATING,
    change: (storm) => crowd(storm, 'timed keys'),
  },
  'held-pasts': {
    about:
      'Clients hold the past of a few keys and read it, while it is written over, and those who lead change often.',
    kinds: UNSEATING,
    change: holdPasts,
  },
  transactions: {
    about: 'Clients run transactions over several partitions, and nodes crash all the time.',
    change: transact,
  },
  'cold-transactions': {
    about: 'Transactions on keys whose values lie on the disk alone, and nodes crash all the time.',
    change: (storm) => keepNoValues(transact(storm)),
  },
  'hot-transactions': {
    about: 'Many clients run transactions on a few keys until they commit, and those who lead change often.',
    kinds: UNSEATING,
    change: contend,
  },
  'late-transactions': {
    about:
      'Many clients run transactions on a few keys, over a network that repeats messages and is often late.',
    kinds: ['Lag', 'SlowLink', 'Squall', 'Pause'],
    change: (storm) => delay(contend(storm)),
  },
  'commit-steps': {
    about:
      'A few transactions over three partitions in fair weather, and some blows that fall between any two steps of them.',
    kinds: [],
    change: strikeAtCommits,
  },
  knots: {
    about:
      'No faults, and clients that lock a few keys in any order: deadlocks end at once, and nobody is overtaken.',
    kinds: [],
    change: (storm) => tangle(storm, 3),
  },
  line: {
    about: 'No faults, and many clients that wait for one lock: whoever comes first is served first.',
    kinds: [],
    change: (storm) => tangle(storm, 1),
  },
  big: {
    about: 'A storm with many clients on many keys.',
    change: (storm) => ({
      ...storm,
      settings: { ...storm.settings, keys: 20 },
      workload: { ...storm.workload, clients: 60, operationsPerClient: 30 },
    }),
  },
} as const satisfies Readonly<Record<string, Profile>>;

export type ProfileName = keyof typeof PROFILES;

/** All profiles, in the order of their documentation. */
export const profileNames = Object.keys(PROFILES) as readonly ProfileName[];

/** Those that lay stress on something which the default storms have little of. */
export const FLAVOURS: readonly ProfileName[] = profileNames.filter(
  (name) => !['calm', 'storm', 'idle', 'commit-steps', 'knots', 'line', 'big'].includes(name),
);

/** What a profile is, in a sentence. */
export function describeProfile(name: ProfileName): string {
  return PROFILES[name].about;
}

/**
 * The scenario of a seed under a profile.
 *
 * @throws Error that names the profiles, when there is none of this name.
 * @example scenarioOf('partitions', 7)
 */
export function scenarioOf(name: string, seed: number): KeyValueScenario {
  if (!Object.hasOwn(PROFILES, name)) {
    throw new Error(
      `there is no profile "${name}". ${suggest(name, profileNames)} All: ${profileNames.join(', ')}`,
    );
  }
  const { kinds, change }: Profile = PROFILES[name as ProfileName];
  const storm = stormScenario(seed);
  const flavoured = kinds === undefined ? storm : ofKinds(storm, kinds);
  return withTrueDrift(change === undefined ? flavoured : change(flavoured));
}

/** The storm with these kinds of fault alone: nobody joins, and nobody leaves. */
function ofKinds(storm: KeyValueScenario, kinds: readonly FaultKind[]): KeyValueScenario {
  const settled = { ...storm, spares: 0 };
  return { ...settled, ...drawFaults(shoreOf(settled), storm.calm.atMs, kinds) };
}

function shoreOf({ seed, nodes, spares = 0, settings }: KeyValueScenario): Parameters<typeof drawFaults>[0] {
  const { partitions, node } = settings;
  return {
    seed,
    nodes,
    spares,
    takesOrders: true,
    groups: partitions,
    versions: 2,
    paceMs: node.electionTimeoutMs,
  };
}

/** The same storm over so many nodes. */
function redraw(storm: KeyValueScenario, nodes: number): KeyValueScenario {
  const shore = { ...shoreOf(storm), nodes };
  const conditions = drawConditions(shore);
  return { ...storm, nodes, ...conditions, ...drawFaults(shore, conditions.calm.atMs) };
}

function smooth(scenario: KeyValueScenario): KeyValueScenario {
  const { network, disk, bends } = scenario;
  return {
    ...scenario,
    network: {
      ...network,
      lossChance: 0,
      duplicateChance: 0,
      corruptChance: 0,
      slowChance: 0,
      bytesPerSecond: 0,
    },
    disk: { ...disk, slowChance: 0, failChance: 0 },
    bends: { ...bends, onChance: 0 },
    calm: { ...scenario.calm, heal: 'all' },
  };
}

/**
 * Again and again a leader's clock runs at less than half its rate, and the leader is cut off: its lease lasts for long in
 * true time, while the others elect another leader, and clients go on to ask both.
 */
function slowLeaders(storm: KeyValueScenario): KeyValueScenario {
  const { seed, settings, workload, calm } = storm;
  const electionTimeoutMs = 10 * settings.node.heartbeatIntervalMs;
  const stream = streamOf(seed, 'fault', 'slow leaders');
  const faults: Fault[] = [];
  let atMs = 2 * electionTimeoutMs;
  for (let strike = 1; atMs < calm.atMs - 10 * electionTimeoutMs; strike += 1) {
    const target = { leaderOf: drawBetween(stream, 1, settings.partitions, strike, 1) };
    const untilMs = atMs + 8 * electionTimeoutMs;
    const cutMs = atMs + drawBetween(stream, 1, electionTimeoutMs, strike, 2);
    faults.push({ type: 'ClockDrift', atMs, untilMs, target, driftPpm: -600_000 });
    faults.push({ type: 'Isolate', atMs: cutMs, untilMs, target });
    atMs += drawBetween(stream, 10, 16, strike, 3) * electionTimeoutMs;
  }
  return {
    ...storm,
    settings: {
      ...settings,
      keys: 2,
      readPercent: 60,
      specialReadPercent: 90,
      node: { ...settings.node, electionTimeoutMs, leaseMs: electionTimeoutMs },
    },
    workload: { ...workload, thinkMs: Math.min(workload.thinkMs, 120) },
    faults,
    expect: 'service',
  };
}

/** Nothing is kept for a follower that missed it, and what it is sent instead takes many small messages. */
function takeSnapshots(storm: KeyValueScenario): KeyValueScenario {
  const { settings, workload } = storm;
  const often = { snapshotEveryEntries: 1, snapshotPercentOfRecords: 0, keepEntries: 0, maxKeepEntries: 0 };
  const inParts = { snapshotChunkBytes: 40, maxInflightChunks: 1 };
  return {
    ...storm,
    settings: { ...settings, node: { ...settings.node, ...often, ...inParts } },
    workload: { ...workload, thinkMs: Math.max(workload.thinkMs, 120) },
  };
}

/** No value stays in memory, and what is written down of them is soon of no use. */
function keepNoValues(storm: KeyValueScenario): KeyValueScenario {
  const { settings } = storm;
  const apart = { separateValuesFrom: 1, maxValueBytesInMemory: 0, maxValueReads: 1_000 };
  const often = { snapshotEveryEntries: 3, snapshotPercentOfRecords: 0, snapshotEveryValueBytes: 40 };
  return { ...storm, settings: { ...settings, node: { ...settings.node, ...apart, ...often } } };
}

/** So many clients on so few things of one kind that they meet all the time. */
function crowd(storm: KeyValueScenario, serviceKind: ServiceKind): KeyValueScenario {
  const { settings, workload } = storm;
  return {
    ...storm,
    settings: { ...settings, services: 100, serviceKind },
    workload: { ...workload, clients: 12, operationsPerClient: 100, thinkMs: 120 },
  };
}

/** Group 0 has the holds. Who reads the past means to do so for longer than it would be kept, and it lies on the disk. */
function holdPasts(storm: KeyValueScenario): KeyValueScenario {
  const crowded = crowd(storm, 'held pasts');
  const { settings, workload, seed, calm } = crowded;
  const stream = streamOf(seed, 'fault', 'retention');
  const past = {
    separateValuesFrom: drawOne(stream, [1, 4_096], 4),
    maxValueBytesInMemory: drawOne(stream, [0, 0, 2_000, 1_000_000], 0),
    persistentRevisionRetentionCount: drawOne(stream, [0, 18, 40], 1),
    persistentRevisionRetentionAgeMs: drawOne(stream, [0, 2_000, 10_000], 2),
    persistentRevisionCleanupMs: drawOne(stream, [300, 2_000], 3),
  };
  return {
    ...crowded,
    settings: { ...settings, node: { ...settings.node, meta: true, ...past } },
    // All the past has to be sent to a replica that lost touch, on slow disks page by page (seeds 33 and 52); and it is much that is
    // still to be done where the log takes one entry at a time (seed 198).
    calm: { ...calm, limitMs: 6 * calm.limitMs },
    workload: { ...workload, clients: 6, operationsPerClient: 250, thinkMs: 60 },
  };
}

/** Transactions alone, and besides the storm crashes so often that they come between any two steps of a commit. */
function transact(storm: KeyValueScenario): KeyValueScenario {
  const { seed, settings, workload, calm, nodes } = storm;
  const partitions = Math.max(3, settings.partitions);
  const stream = streamOf(seed, 'fault', 'crashes among transactions');
  const everyMs = drawOne(stream, [700, 1_500, 4_000], 0);
  const crashes: Fault[] = [];
  for (let strike = 1, atMs = everyMs; atMs < calm.atMs; strike += 1) {
    const downMs = drawBetween(stream, 20, 500, strike, 1);
    const target =
      drawBelow(stream, 2, strike, 2) === 0
        ? { leaderOf: drawBetween(stream, 1, partitions, strike, 3) }
        : { node: drawBetween(stream, 1, nodes, strike, 4) };
    const untilMs = Math.min(calm.atMs, atMs + downMs);
    crashes.push(
      drawBelow(stream, 2, strike, 5) === 0
        ? { type: 'CrashAtWrite', atMs, downMs: untilMs - atMs, target }
        : { type: 'Crash', atMs, untilMs, target },
    );
    atMs += drawBetween(stream, everyMs >>> 2, 2 * everyMs, strike, 6);
  }
  return {
    ...storm,
    settings: { ...settings, partitions, transactions: { percent: 100, keys: 6, insists: false } },
    workload: { ...workload, clients: 8, operationsPerClient: 30, thinkMs: 300 },
    calm: withReaping(calm),
    faults: [...storm.faults, ...crashes].sort((a, b) => a.atMs - b.atMs),
  };
}

/** The session of a client that is gone is taken away 15 seconds after its time, which may be 20 seconds. */
function withReaping(calm: KeyValueScenario['calm']): KeyValueScenario['calm'] {
  return { ...calm, limitMs: calm.limitMs + 40_000 };
}

/** Nobody is turned away for ever, however many want the same keys. */
function contend(storm: KeyValueScenario): KeyValueScenario {
  const { settings, workload, calm } = storm;
  return {
    ...storm,
    settings: {
      ...settings,
      partitions: Math.max(2, settings.partitions),
      transactions: { percent: 100, keys: 2, insists: true },
    },
    workload: { ...workload, clients: 10, operationsPerClient: 15, thinkMs: 120 },
    calm: withReaping(calm),
  };
}

/** Runs so short that a thousand of them cost what a few storms of transactions do: the blows fall where transactions are. */
function strikeAtCommits(storm: KeyValueScenario): KeyValueScenario {
  const fair = smooth(storm);
  const { seed, settings, workload, calm } = fair;
  const [nodes, partitions] = [3, 3];
  const stream = streamOf(seed, 'fault', 'blows at commits');
  const blows = Array.from({ length: drawBetween(stream, 2, 6, 0) }, (_, i): Fault => {
    const atMs = drawBetween(stream, 300, 2_200, i, 1);
    const downMs = drawBetween(stream, 20, 800, i, 2);
    const untilMs = atMs + downMs;
    const target =
      drawBelow(stream, 2, i, 3) === 0
        ? { leaderOf: drawBetween(stream, 1, partitions, i, 4) }
        : { node: drawBetween(stream, 1, nodes, i, 5) };
    const type = drawOne(stream, ['Crash', 'CrashAtWrite', 'Pause', 'Isolate', 'Mute'] as const, i, 6);
    return type === 'CrashAtWrite' ? { type, atMs, downMs, target } : { type, atMs, untilMs, target };
  });
  return {
    ...fair,
    nodes,
    spares: 0,
    settings: {
      ...settings,
      partitions,
      transactions: { percent: 100, keys: drawOne(stream, [2, 4, 6], 7), insists: false },
    },
    workload: {
      ...workload,
      clients: drawBetween(stream, 1, 4, 8),
      operationsPerClient: 8,
      thinkMs: drawOne(stream, [1, 20, 100], 9),
    },
    faults: blows.sort((a, b) => a.atMs - b.atMs),
    calm: withReaping({ ...calm, atMs: 6_000 }),
    minimumMs: 6_500,
  };
}

/** What was taken for lost may still come, when others have been and gone. */
function delay(storm: KeyValueScenario): KeyValueScenario {
  const late = { inOrder: false, slowChance: 100_000, slowMaxDelayUs: 1_500_000, duplicateChance: 200_000 };
  return { ...storm, network: { ...storm.network, ...late } };
}

/** Everybody waits for locks, and whoever leads stays: with him the locks would go, and the line. */
function tangle(storm: KeyValueScenario, keys: number): KeyValueScenario {
  const calm = smooth(storm);
  const { settings, workload } = calm;
  return {
    ...calm,
    settings: {
      ...settings,
      transactions: { percent: 100, kind: 'knots', keys, insists: true, orderly: true },
      node: { ...settings.node, meta: false, maxConcurrentSessions: 0 },
    },
    workload: { ...workload, clients: 8, operationsPerClient: 4, thinkMs: 20 },
  };
}

/** The highest numbers of a bare minority lose their disks, spread over the storm. */
function loseDisks(storm: KeyValueScenario): KeyValueScenario {
  const minority = (storm.nodes - 1) >>> 1;
  const others = storm.faults.filter(({ type }) => type !== 'BitRot' && type !== 'LoseDisk');
  const losses = Array.from({ length: minority }, (_, i) => ({
    type: (storm.seed + i) % 2 === 0 ? ('LoseDisk' as const) : ('BitRot' as const),
    atMs: Math.floor((storm.calm.atMs * (i + 1)) / (minority + 1)),
    node: storm.nodes - i,
  }));
  return {
    ...storm,
    faults: [...others, ...losses].sort((a, b) => a.atMs - b.atMs),
    expect: 'service',
  };
}
