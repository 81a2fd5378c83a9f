import { describe, expect, it } from 'vitest';
import type { Fault, Scenario } from '../../../sim/faults/scenario.js';
import { stormScenario } from '../../../sim/faults/storm.js';

const SCENARIOS = Array.from({ length: 600 }, (_, i) => stormScenario(i + 1));

const KINDS: readonly Fault['type'][] = [
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

/** How many of the scenarios this holds for. */
function count(holds: (scenario: Scenario) => boolean): number {
  return SCENARIOS.filter(holds).length;
}

describe('every storm', () => {
  it.each<[string, (scenario: Scenario) => boolean]>([
    ['lasts at least one virtual minute', ({ minimumMs }) => minimumMs >= 60_000],
    [
      'has at least 500 client operations',
      ({ workload }) => workload.clients * workload.operationsPerClient >= 500,
    ],
    ['has three or five nodes', ({ nodes }) => nodes === 3 || nodes === 5],
    [
      'has several clients on at most eight keys',
      ({ workload }) => workload.keys <= 8 && workload.clients > 1,
    ],
    ['has its faults before the calm', ({ faults, calmAtMs }) => faults.every(({ atMs }) => atMs < calmAtMs)],
    ['strikes in the order of time', ({ faults }) => isAscending(faults.map(({ atMs }) => atMs))],
    ['has faults that end after they began and by the calm', endsInTime],
    ['strikes only what there is', strikesWhatThereIs],
    [
      'has an election timeout of some heartbeats',
      ({ node }) => node.electionTimeoutMs >= 2 * node.heartbeatIntervalMs,
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

describe('the fault', () => {
  it.each(KINDS)('%s is drawn by most seeds, and left out by many', (kind) => {
    const drawn = count(({ faults }) => faults.some(({ type }) => type === kind));

    // A deposition is made of a lag and a mute, so these two are left out only together with it.
    const most = kind === 'Lag' || kind === 'Mute' ? 0.95 : 0.8;
    expect(drawn).toBeGreaterThan(SCENARIOS.length * 0.5);
    expect(drawn).toBeLessThan(SCENARIOS.length * most);
  });

  it('is of no kind that this test does not know', () => {
    const drawn = new Set(SCENARIOS.flatMap(({ faults }) => faults.map(({ type }) => type)));

    expect([...drawn].sort()).toEqual([...KINDS].sort());
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
    const pauses = (scenarios: readonly Scenario[]): number =>
      scenarios.filter(({ faults }) => faults.some(({ type }) => type === 'Pause')).length / scenarios.length;

    expect(Math.abs(pauses(without) - pauses(with_))).toBeLessThan(0.15);
  });
});

describe('storms differ in', () => {
  it.each<[string, (scenario: Scenario) => unknown, number]>([
    ['the number of nodes', ({ nodes }) => nodes, 2],
    ['the number of partitions', ({ partitions }) => partitions, 3],
    ['the election timeout', ({ node }) => node.electionTimeoutMs, 8],
    ['the size of appends', ({ node }) => node.maxAppendBytes, 4],
    ['the window of appends', ({ node }) => node.maxInflightAppends, 4],
    ['how often snapshots are taken', ({ node }) => node.snapshotEveryEntries, 4],
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

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number >= (numbers[i - 1] as number));
}

function endsInTime({ faults, calmAtMs }: Scenario): boolean {
  return faults.every((fault) =>
    'untilMs' in fault
      ? fault.untilMs >= fault.atMs && fault.untilMs <= calmAtMs
      : fault.downMs >= 0 && fault.atMs + fault.downMs <= calmAtMs,
  );
}

function strikesWhatThereIs({ faults, nodes, partitions }: Scenario): boolean {
  return faults.every((fault) => {
    if (fault.type === 'Split') {
      const { side } = fault;
      return side.length > 0 && 2 * side.length < nodes && side.every((node) => node >= 1 && node <= nodes);
    }
    if (!('target' in fault)) return true;
    const { target } = fault;
    return 'node' in target
      ? target.node >= 1 && target.node <= nodes
      : target.leaderOf >= 1 && target.leaderOf <= partitions;
  });
}
