import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesMembers, type Fault } from '../../../sim/faults/fault.js';
import { drawMemberChanges } from '../../../sim/faults/member-plan.js';
import { describeProblem, parseScenario } from '../../../sim/faults/schema.js';
import { membershipStorm, stormScenario } from '../../../sim/key-value/storm.js';

const CALM_MS = 45_000;
const HARBOUR = { seed: 1, nodes: 3, spares: 2, groups: 2, paceMs: 400 };
const SEEDS = Array.from({ length: 120 }, (_, i) => i + 1);

function plannedIn(
  faults: readonly Fault[],
  nodes: number,
): { readonly least: number; readonly joined: number[] } {
  const voters = new Set(Array.from({ length: nodes }, (_, i) => i + 1));
  const joined: number[] = [];
  let least = voters.size;
  for (const fault of faults) {
    if (fault.type === 'Join') joined.push(fault.node);
    if (fault.type === 'Join' && fault.role === 'voter') voters.add(fault.node);
    if (fault.type === 'Promote') voters.add(fault.node);
    if (fault.type === 'Leave') voters.delete(fault.node);
    if (fault.type === 'Replace') {
      joined.push(fault.spare);
      voters.delete(fault.node);
      voters.add(fault.spare);
    }
    if (fault.type === 'Reshape') {
      joined.push(...fault.join);
      for (const node of fault.join) voters.add(node);
      for (const node of fault.leave) voters.delete(node);
    }
    least = Math.min(least, voters.size);
  }
  return { least, joined };
}

describe('a plan of changes', () => {
  it('names every spare once at most, always leaves a voter, and ends with the calm', () => {
    const harbour = fc.record({
      seed: fc.nat(),
      nodes: fc.integer({ min: 1, max: 5 }),
      spares: fc.integer({ min: 1, max: 4 }),
      groups: fc.integer({ min: 0, max: 3 }),
      paceMs: fc.integer({ min: 10, max: 1_500 }),
    });
    fc.assert(
      fc.property(harbour, (drawn) => {
        const { nodes, spares } = drawn;
        const changes = drawMemberChanges(drawn, CALM_MS);

        const { least, joined } = plannedIn(changes, nodes);
        expect(new Set(joined).size).toBe(joined.length);
        expect(joined.every((node) => node > nodes && node <= nodes + spares)).toBe(true);
        expect(least).toBeGreaterThan(0);
        const ends = changes.map((fault) => ('untilMs' in fault ? fault.untilMs : fault.atMs));
        expect(ends.every((ms) => ms <= CALM_MS)).toBe(true);
      }),
    );
  });

  it('is empty where nobody can join', () => {
    expect(drawMemberChanges({ ...HARBOUR, spares: 0 }, CALM_MS)).toEqual([]);
  });

  it('is decided by its seed alone, and differs from seed to seed', () => {
    const plans = SEEDS.map((seed) => JSON.stringify(drawMemberChanges({ ...HARBOUR, seed }, CALM_MS)));

    expect(JSON.stringify(drawMemberChanges({ ...HARBOUR, seed: 7 }, CALM_MS))).toBe(plans[6]);
    expect(new Set(plans).size).toBeGreaterThan(SEEDS.length * 0.9);
  });

  it('draws every kind in some seeds and leaves it out in others', () => {
    for (const kind of ['Join', 'Promote', 'Leave', 'Replace', 'Reshape']) {
      const drawn = SEEDS.filter((seed) => membershipStorm(seed).faults.some(({ type }) => type === kind));

      expect(drawn.length, kind).toBeGreaterThan(SEEDS.length * 0.08);
      expect(drawn.length, kind).toBeLessThan(SEEDS.length * 0.9);
    }
  });
});

describe('a storm over changing members', () => {
  it('is a scenario that the schema takes', () => {
    const problems = SEEDS.flatMap((seed) => {
      const parsed = parseScenario(membershipStorm(seed));
      return parsed.ok ? [] : parsed.problems.map(describeProblem);
    });

    expect(problems).toEqual([]);
  });

  it('begins with one to five nodes and has spares, a roster, and who moves leaders', () => {
    const storms = SEEDS.map(membershipStorm);

    expect(storms.every(({ nodes }) => nodes >= 1 && nodes <= 5)).toBe(true);
    expect(storms.every(({ spares = 0, settings }) => spares > 0 && settings.node.meta)).toBe(true);
    expect(storms.some(({ faults }) => faults.some(({ type }) => type === 'Transfer'))).toBe(true);
    expect(storms.some(({ faults }) => faults.some(({ type }) => type === 'HandOver'))).toBe(true);
  });

  it('is drawn by a quarter of the seeds, and the others have fixed members and no roster', () => {
    const storms = Array.from({ length: 400 }, (_, i) => stormScenario(i + 1));
    const changing = storms.filter(({ spares = 0 }) => spares > 0);
    const fixed = storms.filter((storm) => !changing.includes(storm));

    expect(changing.length / storms.length).toBeGreaterThan(0.15);
    expect(changing.length / storms.length).toBeLessThan(0.35);
    expect(fixed.every(({ faults, settings }) => !faults.some(changesMembers) && !settings.node.meta)).toBe(
      true,
    );
  });
});
