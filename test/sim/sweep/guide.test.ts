import { describe, expect, it } from 'vitest';
import type { Report } from '../../../sim/system/run.js';
import { createGuide } from '../../../sim/sweep/guide.js';
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

  it('keeps what reached something new, and only that', () => {
    const guide = createGuide(STORMS, 1);

    const first = guide.learn(stormScenario(1), reaching({ 'election won': 1 }));
    const again = guide.learn(stormScenario(2), reaching({ 'election won': 1 }));
    const other = guide.learn(stormScenario(3), reaching({ 'election won': 1, 'a snapshot': 1 }));

    expect([first, again, other]).toEqual([['election won'], [], ['a snapshot']]);
    expect(guide.kept()).toBe(2);
  });

  it('takes reaching something much more often for new, a little more often not', () => {
    const guide = createGuide(STORMS, 1);
    guide.learn(stormScenario(1), reaching({ 'election won': 5 }));

    const little = guide.learn(stormScenario(2), reaching({ 'election won': 7 }));
    const much = guide.learn(stormScenario(3), reaching({ 'election won': 70 }));

    expect([little.length, much.length]).toEqual([0, 1]);
  });

  it('changes what it kept as often as it draws fresh storms, and leaves every schedule inside its storm', () => {
    const guide = createGuide(STORMS, 1);
    const parent = stormScenario(1);
    guide.learn(parent, reaching({ 'election won': 1 }));

    const scenarios = Array.from({ length: 200 }, (_, i) => guide.next(i + 1));

    const changed = scenarios.filter(
      (scenario, i) => JSON.stringify(scenario.faults) !== JSON.stringify(stormScenario(i + 1).faults),
    );
    expect(changed.length).toBeGreaterThan(60);
    expect(changed.length).toBeLessThan(180);
    for (const { faults, calm, nodes } of changed) {
      expect(nodes).toBe(parent.nodes);
      for (const fault of faults) {
        expect(fault.atMs).toBeGreaterThanOrEqual(0);
        expect('untilMs' in fault ? fault.untilMs : fault.atMs).toBeLessThanOrEqual(calm.atMs);
      }
    }
  });

  it('never destroys more disks than the scenario that it changes', () => {
    const guide = createGuide(STORMS, 1);
    guide.learn(stormScenario(1), reaching({ 'election won': 1 }));

    for (let number = 1; number <= 300; number += 1) {
      const { faults, seed } = guide.next(number);
      const lost = faults.filter(({ type }) => type === 'BitRot' || type === 'LoseDisk').length;
      const allowed = [stormScenario(1), stormScenario(seed)].map(
        (storm) => storm.faults.filter(({ type }) => type === 'BitRot' || type === 'LoseDisk').length,
      );
      expect(lost).toBeLessThanOrEqual(Math.max(...allowed));
    }
  });

  it('chooses the same again when it learns the same', () => {
    const choose = (): unknown => {
      const guide = createGuide(STORMS, 9);
      return Array.from({ length: 40 }, (_, i) => {
        const scenario = guide.next(i + 1);
        guide.learn(scenario, reaching({ [`feature ${i % 7}`]: 1 }));
        return scenario;
      });
    };

    expect(choose()).toEqual(choose());
  });
});
