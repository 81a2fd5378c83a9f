import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { destroyed } from '../../../sim/faults/fault.js';
import { machinesOf, type Fault } from '../../../sim/faults/scenario.js';
import type { KeyValueScenario } from '../../../sim/key-value/settings.js';
import { stormScenario } from '../../../sim/key-value/storm.js';

const SCENARIOS = Array.from({ length: 600 }, (_, i) => stormScenario(i + 1));

/** What strikes most storms. */
const COMMON: readonly Fault['type'][] = [
  'Isolate',
  'Deafen',
  'Mute',
  'Split',
  'Squall',
  'Lag',
  'Crash',
  'CrashAtWrite',
  'Blackout',
  'Pause',
];

/** What strikes one storm in several. */
const RARE: readonly Fault['type'][] = [
  'Partial',
  'Bridge',
  'Flap',
  'SlowLink',
  'Throttle',
  'SlowDisk',
  'StuckDisk',
  'FullDisk',
  'FailSync',
  'TornWrite',
  'ClockJump',
  'ClockFreeze',
  'ClockDrift',
  'CrashLoop',
  'SlowNode',
  'Upgrade',
];

/** What operators do: a part of the storms is over clusters whose members change. */
const ORDERS: readonly Fault['type'][] = [
  'Join',
  'Promote',
  'Leave',
  'Replace',
  'Reshape',
  'Transfer',
  'HandOver',
];

/** What destroys a disk for good strikes few. */
const DESTROYING: readonly Fault['type'][] = ['BitRot', 'LoseDisk'];

/** How many of the scenarios this holds for. */
function count(holds: (scenario: KeyValueScenario) => boolean): number {
  return SCENARIOS.filter(holds).length;
}

describe('every storm', () => {
  it.each<[string, (scenario: KeyValueScenario) => boolean]>([
    ['lasts at least one virtual minute', ({ minimumMs }) => minimumMs >= 60_000],
    [
      'has at least 500 client operations',
      ({ workload }) => workload.clients * workload.operationsPerClient >= 500,
    ],
    ['has three to five nodes, or members that change', hasNodes],
    [
      'has several clients on at most eight keys',
      ({ settings, workload }) => settings.keys <= 8 && workload.clients > 1,
    ],
    ['has its faults before the calm', ({ faults, calm }) => faults.every(({ atMs }) => atMs < calm.atMs)],
    ['strikes in the order of time', ({ faults }) => isAscending(faults.map(({ atMs }) => atMs))],
    ['has faults that end after they began and by the calm', endsInTime],
    ['strikes only what there is', strikesWhatThereIs],
    [
      'has an election timeout of some heartbeats',
      ({ settings: { node } }) => node.electionTimeoutMs >= 2 * node.heartbeatIntervalMs,
    ],
  ])('%s', (_name, holds) => {
    const exceptions = SCENARIOS.filter((scenario) => !holds(scenario)).map(({ seed }) => seed);

    expect(exceptions).toEqual([]);
  });

  it('is plain JSON', () => {
    const roundTrip = JSON.parse(JSON.stringify(SCENARIOS)) as unknown;

    expect(roundTrip).toStrictEqual(SCENARIOS);
  });

  it('is decided by its seed alone', () => {
    expect(stormScenario(17)).toStrictEqual(stormScenario(17));
    expect(stormScenario(17)).not.toEqual(stormScenario(18));
  });
});

describe('of any seed, a storm', () => {
  it('keeps its faults inside, strikes what there is, and destroys a minority unless it expects refusal', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (seed) => {
        const scenario = stormScenario(seed);
        const { faults, nodes, spares = 0, expect: expected, calm } = scenario;

        expect(endsInTime(scenario)).toBe(true);
        expect(strikesWhatThereIs(scenario)).toBe(true);
        expect(faults.every(({ atMs }) => atMs >= 0 && atMs < calm.atMs)).toBe(true);
        const isMinority = 2 * destroyed(faults).length < nodes + spares;
        expect(isMinority).toBe(expected === 'service');
      }),
      { numRuns: 1_000 },
    );
  });

  it('expects refusal now and then', () => {
    const refusals = Array.from({ length: 600 }, (_, i) => stormScenario(1 + i * 7)).filter(
      (scenario) => scenario.expect === 'refusal',
    );

    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals.length).toBeLessThan(30);
  });
});

describe('the fault', () => {
  it.each(COMMON)('%s is drawn by most seeds, and left out by many', (kind) => {
    const drawn = count(({ faults }) => faults.some(({ type }) => type === kind));

    // A deposition is made of a lag and a mute, so these two are left out only together with it.
    const most = kind === 'Lag' || kind === 'Mute' ? 0.95 : 0.8;
    expect(drawn).toBeGreaterThan(SCENARIOS.length * 0.5);
    expect(drawn).toBeLessThan(SCENARIOS.length * most);
  });

  it.each(RARE)('%s is drawn by some seeds, and left out by most', (kind) => {
    const drawn = count(({ faults }) => faults.some(({ type }) => type === kind));

    expect(drawn).toBeGreaterThan(SCENARIOS.length * 0.08);
    expect(drawn).toBeLessThan(SCENARIOS.length * 0.5);
  });

  it.each(ORDERS)('%s is drawn by a few seeds', (kind) => {
    const drawn = count(({ faults }) => faults.some(({ type }) => type === kind));

    expect(drawn).toBeGreaterThan(SCENARIOS.length * 0.02);
    expect(drawn).toBeLessThan(SCENARIOS.length * 0.4);
  });

  it.each(DESTROYING)('%s is drawn by few seeds', (kind) => {
    const drawn = count(({ faults }) => faults.some(({ type }) => type === kind));

    expect(drawn).toBeGreaterThan(0);
    expect(drawn).toBeLessThan(SCENARIOS.length * 0.08);
  });

  it('is of no kind that this test does not know', () => {
    const drawn = new Set(SCENARIOS.flatMap(({ faults }) => faults.map(({ type }) => type)));

    expect([...drawn].sort()).toEqual([...COMMON, ...RARE, ...ORDERS, ...DESTROYING].sort());
  });

  it('strikes leaders and named nodes alike', () => {
    const targets = SCENARIOS.flatMap(({ faults }) =>
      faults.flatMap((f) => ('target' in f ? [f.target] : [])),
    );
    const leaders = targets.filter((target) => 'leaderOf' in target).length;

    // Depositions strike leaders only; of the others every second strike does.
    expect(leaders / targets.length).toBeGreaterThan(0.5);
    expect(leaders / targets.length).toBeLessThan(0.75);
  });

  it('leaves the other kinds as they were when its own kind is left out', () => {
    const without = SCENARIOS.filter(({ faults }) => !faults.some(({ type }) => type === 'Crash'));
    const with_ = SCENARIOS.filter(({ faults }) => faults.some(({ type }) => type === 'Crash'));
    const pauses = (scenarios: readonly KeyValueScenario[]): number =>
      scenarios.filter(({ faults }) => faults.some(({ type }) => type === 'Pause')).length / scenarios.length;

    expect(Math.abs(pauses(without) - pauses(with_))).toBeLessThan(0.15);
  });
});

describe('storms differ in', () => {
  it.each<[string, (scenario: KeyValueScenario) => unknown, number]>([
    ['the number of nodes', ({ nodes }) => nodes, 2],
    ['the number of partitions', ({ settings }) => settings.partitions, 3],
    ['the election timeout', ({ settings }) => settings.node.electionTimeoutMs, 8],
    ['the size of appends', ({ settings }) => settings.node.maxAppendBytes, 4],
    ['the window of appends', ({ settings }) => settings.node.maxInflightAppends, 4],
    ['how often snapshots are taken', ({ settings }) => settings.node.snapshotEveryEntries, 4],
    ['loss', ({ network }) => network.lossChance, 4],
    ['duplication', ({ network }) => network.duplicateChance, 3],
    ['the order of messages', ({ network }) => network.inOrder, 2],
    ['the speed of disks', ({ disk }) => disk.maxSyncUs, 3],
    ['the drift of clocks', ({ clocks }) => clocks.maxDriftPpm, 4],
    ['the offset of wall clocks', ({ clocks }) => clocks.maxWallOffsetMs, 3],
    ['whether clients give up', ({ workload }) => workload.giveUpChance, 2],
  ])('%s', (_name, of, least) => {
    expect(new Set(SCENARIOS.map(of)).size).toBeGreaterThanOrEqual(least);
  });
});

function hasNodes({ nodes, spares = 0 }: KeyValueScenario): boolean {
  return nodes <= 5 && (spares > 0 || nodes >= 3);
}

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number >= (numbers[i - 1] as number));
}

function endsInTime({ faults, calm }: KeyValueScenario): boolean {
  return faults.every((fault) => {
    if ('untilMs' in fault) return fault.untilMs > fault.atMs && fault.untilMs <= calm.atMs;
    return !('downMs' in fault) || (fault.downMs > 0 && fault.atMs + fault.downMs <= calm.atMs);
  });
}

function strikesWhatThereIs({ faults, settings: { partitions }, ...storm }: KeyValueScenario): boolean {
  const nodes = machinesOf(storm);
  const isNode = (node: number): boolean => node >= 1 && node <= nodes;
  return faults.every((fault) => {
    if ('join' in fault) return [...fault.join, ...fault.leave].every(isNode);
    if ('spare' in fault && !isNode(fault.spare)) return false;
    if ('side' in fault) {
      const { side } = fault;
      if (side.length === 0 || 2 * side.length > nodes || !side.every(isNode)) return false;
    }
    if ('bridge' in fault && !isNode(fault.bridge)) return false;
    if ('node' in fault && !isNode(fault.node)) return false;
    if ('version' in fault && fault.version !== 0 && fault.version !== 1) return false;
    if ('pairs' in fault) {
      return fault.pairs.length > 0 && fault.pairs.every(([a, b]) => a !== b && isNode(a) && isNode(b));
    }
    if ('from' in fault) return fault.from !== fault.to && isNode(fault.from) && isNode(fault.to);
    if (!('target' in fault)) return true;
    const { target } = fault;
    return 'node' in target ? isNode(target.node) : target.leaderOf >= 1 && target.leaderOf <= partitions;
  });
}
