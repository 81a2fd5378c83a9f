import { describe, expect, it } from 'vitest';
import { profileNames, scenarioOf, type ProfileName } from '../../../sim/faults/profiles.js';
import { parseScenario } from '../../../sim/faults/schema.js';
import { stormScenario } from '../../../sim/key-value/storm.js';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

function kindsOf(name: ProfileName): readonly string[] {
  const kinds = SEEDS.flatMap((seed) => scenarioOf(name, seed).faults.map(({ type }) => type));
  return [...new Set(kinds)].sort();
}

describe('a profile', () => {
  it.each(profileNames.map((name) => [name]))('%s gives scenarios that the schema takes', (name) => {
    const parsed = SEEDS.map((seed) => parseScenario(scenarioOf(name, seed)));

    expect(parsed.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('that nobody knows is refused, with the nearest and all names', () => {
    expect(() => scenarioOf('partition', 1)).toThrow(
      /Did you mean "partitions"\? All: calm, storm, partitions/,
    );
  });

  it('storm is the default of a seed', () => {
    expect(scenarioOf('storm', 7)).toEqual(stormScenario(7));
  });

  it.each<[ProfileName, readonly string[]]>([
    ['calm', []],
    ['partitions', ['Bridge', 'Deafen', 'Flap', 'Isolate', 'Lag', 'Mute', 'Partial', 'Split']],
    ['crashes', ['Blackout', 'Crash', 'CrashAtWrite', 'CrashLoop', 'TornWrite']],
    ['slow-disks', ['FailSync', 'FullDisk', 'SlowDisk', 'StuckDisk']],
    ['clocks', ['ClockDrift', 'ClockFreeze', 'ClockJump', 'Pause']],
    ['churn', ['Crash', 'CrashLoop', 'Pause', 'Upgrade']],
    ['lossy-network', ['Lag', 'SlowLink', 'Squall', 'Throttle']],
    ['blackouts', ['Blackout']],
    ['hot-locks', ['Crash', 'Deafen', 'HandOver', 'Isolate', 'Lag', 'Mute', 'Pause']],
  ])('%s draws its own kinds of fault alone', (name, kinds) => {
    expect(kindsOf(name)).toEqual(kinds);
  });

  it('does to sizes what its name says', () => {
    expect(scenarioOf('idle', 1).workload.clients).toBe(0);
    expect(scenarioOf('big', 1).workload.clients).toBe(60);
    expect(scenarioOf('hot-sequences', 1).settings).toMatchObject({
      services: 100,
      serviceKind: 'sequences',
    });
    expect(SEEDS.map((seed) => scenarioOf('five-nodes', seed).nodes)).toEqual(SEEDS.map(() => 5));
  });

  it('losses destroys the disks of a minority in every seed', () => {
    for (const seed of SEEDS) {
      const { nodes, faults } = scenarioOf('losses', seed);

      const lost = faults.filter(({ type }) => type === 'BitRot' || type === 'LoseDisk');

      expect(lost).toHaveLength((nodes - 1) >>> 1);
    }
  });
});
