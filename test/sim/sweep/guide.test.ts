import { describe, expect, it } from 'vitest';
import type { Report } from '../../../sim/system/run.js';
import { createGuide } from '../../../sim/sweep/guide.js';
import { scenarioOf } from '../../../sim/faults/profiles.js';
import { parseScenario } from '../../../sim/faults/schema.js';
import type { KeyValueScenario } from '../../../sim/key-value/settings.js';
import { stormScenario } from '../../../sim/key-value/storm.js';

const STORMS = { storm: stormScenario };

function reaching(reached: Readonly<Record<string, number>>): Report {
  return { reached } as Report;
}

describe('a guide', () => {
  it('begins with fresh storms', () => {
    const guide = createGuide(STORMS, 5);

    expect(guide.next(1)).toEqual(stormScenario(5));
    expect(guide.next(2)).toEqual(stormScenario(6));
  });

  it('tells what no scenario had reached before', () => {
    const guide = createGuide(STORMS, 1);

    const first = guide.learn(stormScenario(1), reaching({ 'election won': 1 }));
    const again = guide.learn(stormScenario(2), reaching({ 'election won': 7 }));
    const other = guide.learn(stormScenario(3), reaching({ 'election won': 1, 'a snapshot': 1 }));

    expect([first, again, other]).toEqual([['election won'], [], ['a snapshot']]);
  });

  /** What a guide chooses after 100 storms, of which only one reached something that the others did not. */
  function chooseAround(rare: KeyValueScenario, count: number): readonly KeyValueScenario[] {
    const guide = createGuide(STORMS, 1);
    for (let seed = 1; seed < 100; seed += 1) {
      guide.learn(stormScenario(seed), reaching({ 'election won': 1 }));
    }
    guide.learn(rare, reaching({ 'election won': 1, 'a snapshot': 1 }));
    return Array.from({ length: count }, (_, i) => guide.next(1_000 + i));
  }

  const isFresh = (scenario: KeyValueScenario, i: number): boolean =>
    JSON.stringify(scenario) === JSON.stringify(stormScenario(1_000 + i));

  it('chooses neighbours of what reached something rare twice as often as fresh storms', () => {
    const rare = stormScenario(400);

    const neighbours = chooseAround(rare, 300).filter((scenario, i) => !isFresh(scenario, i));

    expect(neighbours.length).toBeGreaterThan(160);
    expect(neighbours.length).toBeLessThan(240);
    for (const { nodes, settings, workload } of neighbours) {
      expect({ nodes, settings, workload }).toEqual({
        nodes: rare.nodes,
        settings: rare.settings,
        workload: rare.workload,
      });
    }
  });

  it('has only fresh storms to choose from when nothing is rare', () => {
    const guide = createGuide(STORMS, 1);
    for (let seed = 1; seed <= 100; seed += 1) {
      guide.learn(stormScenario(seed), reaching({ 'election won': 1 }));
    }

    const chosen = Array.from({ length: 50 }, (_, i) => guide.next(1_000 + i));

    expect(chosen.every(isFresh)).toBe(true);
  });

  it.each([400, 401, 402, 409])(
    'chooses no scenario that could not be run from a file, around storm %i',
    (seed) => {
      const problems = chooseAround(stormScenario(seed), 150).flatMap((scenario) => {
        const parsed = parseScenario(scenario);
        return parsed.ok ? [] : parsed.problems;
      });

      expect(problems).toEqual([]);
    },
  );

  it('never destroys more disks than the scenario that it changes', () => {
    const lossesOf = ({ faults }: KeyValueScenario): number =>
      faults.filter(({ type }) => type === 'BitRot' || type === 'LoseDisk').length;
    const rare = scenarioOf('losses', 400);

    const neighbours = chooseAround(rare, 300).filter((scenario, i) => !isFresh(scenario, i));

    expect(lossesOf(rare)).toBeGreaterThan(0);
    for (const scenario of neighbours) expect(lossesOf(scenario)).toBeLessThanOrEqual(lossesOf(rare));
  });

  describe('of a system with storms of several flavours', () => {
    const FLAVOURS = ['losses', 'hot-locks', 'snapshots'] as const;
    const flavours = FLAVOURS.map((name) => (seed: number) => scenarioOf(name, seed));
    const choose = (
      reachedBy: (flavour: number, run: number) => Readonly<Record<string, number>>,
    ): readonly number[] => {
      const guide = createGuide({ ...STORMS, flavours }, 1);
      return Array.from({ length: 400 }, (_, i) => {
        const scenario = guide.next(i + 1);
        const text = JSON.stringify(scenario);
        const flavour = flavours.findIndex((storm) => JSON.stringify(storm(i + 1)) === text);
        guide.learn(scenario, reaching(reachedBy(flavour, i)));
        return flavour;
      });
    };
    const countOf = (chosen: readonly number[], flavour: number): number =>
      chosen.filter((each) => each === flavour).length;

    it('tries each of them early, and a third of all scenarios are theirs', () => {
      const chosen = choose(() => ({ 'election won': 1 }));

      for (const flavour of [0, 1, 2]) expect(chosen.indexOf(flavour)).toBeLessThan(8);
      const all = chosen.filter((flavour) => flavour >= 0).length;
      expect(all).toBeGreaterThan(100);
      expect(all).toBeLessThan(180);
    });

    it('takes most of those that reach what is rare', () => {
      const chosen = choose((flavour, run) => ({
        'election won': 1,
        ...(flavour === 1 ? { [`something rare ${run}`]: 1 } : {}),
      }));

      expect(countOf(chosen, 1)).toBeGreaterThan(2 * countOf(chosen, 0));
      expect(countOf(chosen, 1)).toBeGreaterThan(2 * countOf(chosen, 2));
      expect(countOf(chosen, 0)).toBeGreaterThan(0);
    });
  });

  it('chooses the same again when it learns the same', () => {
    const choose = (): unknown => {
      const guide = createGuide(STORMS, 9);
      return Array.from({ length: 80 }, (_, i) => {
        const scenario = guide.next(i + 1);
        guide.learn(scenario, reaching({ 'election won': 1, [`feature ${i % 17}`]: 1 }));
        return scenario;
      });
    };

    expect(choose()).toEqual(choose());
  });
});
