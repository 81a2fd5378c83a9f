/**
 * What a sweep of many seeds came to, as plain data: it can be stored, taken up again, and merged with those of other
 * machines. Adding up is commutative, so the order in which workers finish does not show.
 */

import type { Report } from '../system/run.js';
import type { Verdict } from '../system/system.js';

export const SWEEP_FORMAT = 1;

export interface SweepReport {
  readonly wavetank: 'sweep';
  readonly format: number;
  /** The version of the program. */
  readonly version: string;
  readonly system: string;
  readonly profile: string;
  /** What was to be run: so many seeds from the first one on; of those, every one that belongs to the shard. */
  readonly from: number;
  readonly count: number;
  readonly shard: Shard;
  /** What has been run: stretches of seeds, in order and apart. */
  readonly done: readonly Stretch[];
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly events: number;
  readonly operations: number;
  readonly answered: number;
  readonly virtualMs: number;
  /** Time that the sweep took, all its sittings together, on the slowest machine. */
  readonly realMs: number;
  /** Seeds that were run twice, and came out the same. */
  readonly rechecked: number;
  /** In how many seeds each effect of the storm was felt, and each landmark reached. */
  readonly felt: Readonly<Record<string, number>>;
  readonly reached: Readonly<Record<string, number>>;
  /** What some seed must reach; see `System.sometimes`. */
  readonly sometimes: readonly string[];
  /** Every seed that is not valid, in ascending order. */
  readonly failures: readonly SweepFailure[];
}

/** The `index`th of `of` parts, from 1: seeds are dealt out in turn. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** So many seeds from the first on. */
export interface Stretch {
  readonly from: number;
  readonly count: number;
}

export interface SweepFailure {
  readonly seed: number;
  readonly verdict: Verdict;
  readonly property: string;
  readonly detail: string;
  readonly atMs: number;
}

export type SweepPlan = Pick<
  SweepReport,
  'version' | 'system' | 'profile' | 'from' | 'count' | 'shard' | 'sometimes'
>;

export function beginSweep(plan: SweepPlan): SweepReport {
  return {
    wavetank: 'sweep',
    format: SWEEP_FORMAT,
    ...plan,
    done: [],
    verdicts: { valid: 0, invalid: 0, unknown: 0 },
    events: 0,
    operations: 0,
    answered: 0,
    virtualMs: 0,
    realMs: 0,
    rechecked: 0,
    felt: {},
    reached: {},
    failures: [],
  };
}

/** The property that is broken when two runs of one scenario differ: some of the system is hidden from the tank. */
export const SAME_TWICE = 'the same run twice';

/** What came of one seed. */
export interface SeedResult {
  readonly report: Report;
  /** The seed was run twice; `divergence` says how the two runs differ, and is undefined when they do not. */
  readonly rechecked: boolean;
  readonly divergence: string | undefined;
}

/** Adds one seed, in place: a sweep is long, and its report is nobody else's while it grows. */
export function createTally(start: SweepReport): {
  /** Gives what is noted as a failure, if anything is. */
  readonly add: (result: SeedResult) => SweepFailure | undefined;
  readonly report: (realMs: number) => SweepReport;
} {
  let sum = { ...start };
  const verdicts = { ...start.verdicts };
  const failures = [...start.failures];
  const felt = new Map(Object.entries(start.felt));
  const reached = new Map(Object.entries(start.reached));
  const seeds: number[] = [];
  return {
    add(result) {
      const { report, rechecked, divergence } = result;
      const failure = failureOfSeed(result);
      verdicts[failure?.verdict ?? 'valid'] += 1;
      seeds.push(report.seed);
      sum = {
        ...sum,
        events: sum.events + report.events,
        operations: sum.operations + report.operations,
        answered: sum.answered + report.answered,
        virtualMs: sum.virtualMs + report.virtualMs,
        rechecked: sum.rechecked + (rechecked && divergence === undefined ? 1 : 0),
      };
      for (const name of Object.keys(report.felt)) felt.set(name, (felt.get(name) ?? 0) + 1);
      for (const name of Object.keys(report.reached)) reached.set(name, (reached.get(name) ?? 0) + 1);
      if (failure !== undefined) failures.push(failure);
      return failure;
    },
    report: (realMs) => ({
      ...sum,
      verdicts: { ...verdicts },
      realMs: start.realMs + realMs,
      done: joinStretches([...start.done, ...seeds.map((from) => ({ from, count: 1 }))]),
      felt: inOrder(felt),
      reached: inOrder(reached),
      failures: failures.toSorted((a, b) => a.seed - b.seed),
    }),
  };
}

/** What is to be told of a seed that did not pass; undefined for one that did. */
export function failureOfSeed({ report, divergence }: SeedResult): SweepFailure | undefined {
  const { seed, verdict, failure, excuse, virtualMs } = report;
  if (divergence !== undefined) {
    return { seed, verdict: 'invalid', property: SAME_TWICE, detail: divergence, atMs: virtualMs };
  }
  if (verdict === 'valid') return undefined;
  return {
    seed,
    verdict,
    property: failure?.property ?? 'undecided',
    detail: failure?.detail ?? excuse ?? '',
    atMs: failure === undefined ? virtualMs : Math.floor(failure.atUs / 1_000),
  };
}

/**
 * Puts the reports of several machines, or of several sittings, together.
 *
 * @throws Error that says which two do not belong together, and why.
 */
export function mergeSweeps(reports: readonly SweepReport[]): SweepReport {
  const [first] = reports;
  if (first === undefined) throw new Error('there is nothing to merge: give at least one report of a sweep');
  reports.forEach((report, i) => refuseStranger(first, report, i + 1));
  const sum = (of: (report: SweepReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const done = reports.flatMap((report) => report.done);
  const overlap = findOverlap(done);
  if (overlap !== undefined)
    throw new Error(`seed ${overlap} is in two of the reports; give each report once`);
  return {
    ...first,
    shard: { index: 1, of: 1 },
    done: joinStretches(done),
    verdicts: {
      valid: sum(({ verdicts }) => verdicts.valid),
      invalid: sum(({ verdicts }) => verdicts.invalid),
      unknown: sum(({ verdicts }) => verdicts.unknown),
    },
    events: sum(({ events }) => events),
    operations: sum(({ operations }) => operations),
    answered: sum(({ answered }) => answered),
    virtualMs: sum(({ virtualMs }) => virtualMs),
    realMs: Math.max(...reports.map(({ realMs }) => realMs)),
    rechecked: sum(({ rechecked }) => rechecked),
    felt: addUp(reports.map(({ felt }) => felt)),
    reached: addUp(reports.map(({ reached }) => reached)),
    failures: reports.flatMap(({ failures }) => failures).toSorted((a, b) => a.seed - b.seed),
  };
}

function refuseStranger(first: SweepReport, other: SweepReport, place: number): void {
  for (const field of ['version', 'system', 'profile', 'from', 'count'] as const) {
    if (first[field] !== other[field]) {
      throw new Error(
        `report ${place} is of another sweep: its ${field} is ${other[field]}, that of the first is ${first[field]}`,
      );
    }
  }
  if (first.shard.of !== other.shard.of) {
    throw new Error(
      `report ${place} is one of ${other.shard.of} shards, the first one of ${first.shard.of}; merge shards of one cut`,
    );
  }
}

function addUp(all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sums = new Map<string, number>();
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return inOrder(sums);
}

function inOrder(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** The same seeds in as few stretches as possible. */
export function joinStretches(stretches: readonly Stretch[]): readonly Stretch[] {
  const joined: { from: number; count: number }[] = [];
  for (const { from, count } of stretches.toSorted((a, b) => a.from - b.from)) {
    const last = joined[joined.length - 1];
    if (last !== undefined && from <= last.from + last.count) {
      last.count = Math.max(last.count, from + count - last.from);
    } else joined.push({ from, count });
  }
  return joined;
}

function findOverlap(stretches: readonly Stretch[]): number | undefined {
  const ordered = stretches.toSorted((a, b) => a.from - b.from);
  return ordered.find((stretch, i) => {
    const before = ordered[i - 1];
    return before !== undefined && stretch.from < before.from + before.count;
  })?.from;
}

/** The seeds that are still to be run, in ascending order. */
export function remainingSeeds({ from, count, shard, done }: SweepReport): readonly number[] {
  const seeds: number[] = [];
  let stretch = 0;
  for (let seed = from + shard.index - 1; seed < from + count; seed += shard.of) {
    let known = done[stretch];
    while (known !== undefined && known.from + known.count <= seed) {
      stretch += 1;
      known = done[stretch];
    }
    if (known === undefined || seed < known.from) seeds.push(seed);
  }
  return seeds;
}

/** From so many seeds on, what no seed reached means that the sweep does not test it. */
export const ENOUGH_SEEDS = 200;

/** What some seed must reach, and none did. */
export function neverReached({ sometimes, reached }: SweepReport): readonly string[] {
  return sometimes.filter((name) => reached[name] === undefined);
}

/** `unknown` for a sweep with undecided seeds, and for a long one that missed what it must reach. */
export function verdictOf(report: SweepReport): Verdict {
  const { verdicts } = report;
  const seeds = verdicts.valid + verdicts.invalid + verdicts.unknown;
  if (verdicts.invalid > 0) return 'invalid';
  if (seeds === 0 || verdicts.unknown > 0) return 'unknown';
  return seeds >= ENOUGH_SEEDS && neverReached(report).length > 0 ? 'unknown' : 'valid';
}

/**
 * After so many clean runs, a bug that shows in more than this many runs of a hundred thousand would have shown itself, with a
 * certainty of 95 % (the rule of three).
 */
export function wouldHaveShown(cleanRuns: number): number {
  return Math.ceil(300_000 / Math.max(1, cleanRuns));
}
