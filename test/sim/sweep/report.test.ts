import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../../sim/system/run.js';
import {
  beginSweep,
  createTally,
  joinStretches,
  mergeSweeps,
  neverReached,
  remainingSeeds,
  verdictOf,
  wouldHaveShown,
  type Shard,
  type SweepPlan,
  type SweepReport,
} from '../../../sim/sweep/report.js';

const PLAN: SweepPlan = {
  version: '1.0.0',
  system: 'key-value',
  profile: 'storm',
  from: 1,
  count: 20,
  shard: { index: 1, of: 1 },
  sometimes: [],
};

function reportOf(seed: number, changes: Partial<Report> = {}): Report {
  return {
    verdict: 'valid',
    seed,
    events: seed * 10,
    operations: 5,
    answered: 4,
    virtualMs: 1_000,
    hash: 'abc',
    failure: undefined,
    excuse: undefined,
    felt: { 'message lost': 3 },
    reached: seed % 2 === 0 ? { 'election won': 2 } : {},
    ...changes,
  };
}

/** The sweep of these seeds, of which those named fail. */
function sweepOf(
  seeds: readonly number[],
  shard: Shard = PLAN.shard,
  bad: readonly number[] = [],
): SweepReport {
  const tally = createTally(beginSweep({ ...PLAN, shard }));
  for (const seed of seeds) {
    const failure = { property: 'election safety', detail: 'two leaders', atUs: 5_000_000 };
    const report = reportOf(seed, bad.includes(seed) ? { verdict: 'invalid', failure } : {});
    tally.add({ report, rechecked: false, divergence: undefined });
  }
  return tally.report(100);
}

describe('the report of a sweep', () => {
  it('counts seeds, not happenings, for what was felt and reached', () => {
    const report = sweepOf([1, 2, 3, 4]);

    expect(report.felt).toEqual({ 'message lost': 4 });
    expect(report.reached).toEqual({ 'election won': 2 });
  });

  it('is the same in whatever order the seeds come in', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7]), (seeds) => {
        const ordered = [...seeds].sort((a, b) => a - b);

        expect(sweepOf(seeds, PLAN.shard, [3, 5])).toEqual(sweepOf(ordered, PLAN.shard, [3, 5]));
      }),
    );
  });

  it('calls a seed that was run twice with two outcomes invalid, whatever its verdict', () => {
    const tally = createTally(beginSweep(PLAN));

    tally.add({ report: reportOf(4), rechecked: true, divergence: 'input 7 is another in the second run' });

    const report = tally.report(1);
    expect(verdictOf(report)).toBe('invalid');
    expect(report.rechecked).toBe(0);
    expect(report.failures[0]).toMatchObject({ seed: 4, property: 'the same run twice' });
  });

  it('counts an undecided seed as not passed', () => {
    const tally = createTally(beginSweep(PLAN));

    tally.add({
      report: reportOf(1, { verdict: 'unknown', excuse: 'it needs more than 5 events' }),
      rechecked: false,
      divergence: undefined,
    });

    expect(verdictOf(tally.report(1))).toBe('unknown');
    expect(tally.report(1).failures[0]).toMatchObject({
      property: 'undecided',
      detail: 'it needs more than 5 events',
    });
  });

  it('is unknown when a long sweep never reached what some seed must reach', () => {
    const tally = createTally(beginSweep({ ...PLAN, count: 300, sometimes: ['election won', 'a snapshot'] }));
    for (let seed = 1; seed <= 300; seed += 1) {
      tally.add({ report: reportOf(seed), rechecked: false, divergence: undefined });
    }

    const report = tally.report(1);

    expect(neverReached(report)).toEqual(['a snapshot']);
    expect(verdictOf(report)).toBe('unknown');
  });

  it('is unknown when nothing was run', () => {
    expect(verdictOf(beginSweep(PLAN))).toBe('unknown');
  });

  it('says how rare a bug must be to have stayed hidden: 30 clean runs leave 10 %', () => {
    expect(wouldHaveShown(30)).toBe(10_000);
  });
});

describe('a sweep that is taken up again', () => {
  it('runs just the seeds that are left', () => {
    const report = sweepOf([1, 2, 3, 7, 8, 20]);

    expect(remainingSeeds(report)).toEqual([4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it('ends with the report of one that was never stopped', () => {
    const half = sweepOf([1, 2, 3, 4, 5, 9]);
    const tally = createTally(half);

    for (const seed of remainingSeeds(half)) {
      tally.add({ report: reportOf(seed), rechecked: false, divergence: undefined });
    }

    const whole = sweepOf(Array.from({ length: 20 }, (_, i) => i + 1));
    expect({ ...tally.report(0), realMs: 0 }).toEqual({ ...whole, realMs: 0 });
  });
});

describe('shards', () => {
  it('share out every seed once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 50 }), (of, count) => {
        const seeds = Array.from({ length: of }, (_, i) =>
          remainingSeeds(beginSweep({ ...PLAN, count, shard: { index: i + 1, of } })),
        ).flat();

        expect(seeds.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
      }),
    );
  });

  it('merge to the report of the whole', () => {
    const shards = [1, 2, 3].map((index) => {
      const shard = { index, of: 3 };
      return sweepOf(remainingSeeds(beginSweep({ ...PLAN, shard })), shard, [5, 6]);
    });

    const merged = mergeSweeps(shards);

    expect(merged).toEqual(
      sweepOf(
        Array.from({ length: 20 }, (_, i) => i + 1),
        PLAN.shard,
        [5, 6],
      ),
    );
    expect(remainingSeeds(merged)).toEqual([]);
  });

  it('show what is missing when one of them is', () => {
    const shard = { index: 1, of: 2 };

    const merged = mergeSweeps([sweepOf(remainingSeeds(beginSweep({ ...PLAN, shard })), shard)]);

    expect(remainingSeeds(merged)).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
  });

  it('are refused when one is given twice', () => {
    const shard = sweepOf([1, 3], { index: 1, of: 2 });

    expect(() => mergeSweeps([shard, shard])).toThrow('seed 1 is in two of the reports');
  });

  it('are refused when they are of different sweeps', () => {
    const other = { ...sweepOf([2]), count: 40 };

    expect(() => mergeSweeps([sweepOf([1]), other])).toThrow('report 2 is of another sweep: its count is 40');
  });

  it('are refused when they were cut differently', () => {
    const two = sweepOf([2], { index: 2, of: 2 });

    expect(() => mergeSweeps([sweepOf([1], { index: 1, of: 3 }), two])).toThrow('merge shards of one cut');
  });

  it('are refused when there are none', () => {
    expect(() => mergeSweeps([])).toThrow('there is nothing to merge');
  });
});

describe('stretches of seeds', () => {
  it('are joined where they touch, and hold the same seeds as before', () => {
    const stretch = fc.record({ from: fc.nat(30), count: fc.integer({ min: 1, max: 6 }) });
    const seedsIn = (
      stretches: readonly { readonly from: number; readonly count: number }[],
    ): readonly number[] =>
      [
        ...new Set(stretches.flatMap(({ from, count }) => Array.from({ length: count }, (_, i) => from + i))),
      ].sort((a, b) => a - b);
    fc.assert(
      fc.property(fc.array(stretch), (stretches) => {
        const joined = joinStretches(stretches);

        expect(seedsIn(joined)).toEqual(seedsIn(stretches));
        joined.forEach(({ from }, i) => {
          const before = joined[i - 1];
          if (before !== undefined) expect(from).toBeGreaterThan(before.from + before.count);
        });
      }),
    );
  });
});
