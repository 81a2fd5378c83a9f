/** A sweep of `wavetank sim`: many seeds on all cores, resumable, in shards, guided or not. */

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  beginSweep,
  createGuide,
  createTally,
  remainingSeeds,
  verdictOf,
  type Report,
  type Scenario,
  type SeedResult,
  type SweepReport,
} from '../../sim/index.js';
import { packageVersion } from '../observe/version.js';
import { writeFailure } from './failure-files.js';
import { createProgress } from './progress.js';
import { reasonOf, refuseArguments } from './refuse.js';
import { describeReport, SIM_EXIT_CODES, systemOf, type SimFlags } from './sim.js';
import { createPool, type Pool } from './sim-pool.js';
import type { Task } from './sim-worker.js';
import { describeCoverage, describeSweep, sweepJson } from './sweep-text.js';
import type { AnySystem } from './system-file.js';

/** Seeds in one message to a worker: enough that handing them over costs nothing. */
const SEEDS_PER_TASK = 8;
/** Scenarios that a guide chooses before it learns what came of them; the same whatever the number of workers. */
const GENERATION = 16;
const SAVE_EVERY_MS = 5_000;

export async function sweep(flags: SimFlags, command: Command): Promise<number> {
  const system = await systemOf(flags, command);
  const start = startOf(flags, system, command);
  const tally = createTally(start);
  const startedAt = performance.now();
  const realMs = (): number => Math.round(performance.now() - startedAt);
  const seeds = remainingSeeds(start);
  const progress = createProgress(seeds.length, flags.json === true);
  let first: { readonly report: Report; readonly scenario: Scenario } | undefined;
  let savedAt = 0;
  const hear = (result: SeedResult, scenario: Scenario): void => {
    tally.add(result);
    progress.advance();
    const { report } = result;
    if (report.verdict === 'invalid' && (first === undefined || report.seed < first.report.seed)) {
      first = { report, scenario };
    }
    if (flags.report !== undefined && realMs() - savedAt > SAVE_EVERY_MS) {
      savedAt = realMs();
      save(flags.report, tally.report(realMs()));
    }
  };
  const pool = createPool(Math.min(flags.jobs, Math.ceil(seeds.length / SEEDS_PER_TASK)), {
    systemFile: flags.system,
    profile: flags.profile,
    recheckEvery: flags.recheck === 0 ? 0 : Math.ceil(100 / flags.recheck),
  });
  const isWanted = (): boolean => first === undefined || flags.keepGoing === true;
  try {
    if (flags.guided === true) await guided(pool, system, flags, seeds.length, isWanted, hear);
    else await plain(pool, system, seeds, isWanted, hear);
  } finally {
    pool.close();
    progress.finish();
  }
  const report = tally.report(realMs());
  if (flags.report !== undefined) save(flags.report, report);
  print(flags, report, first);
  return SIM_EXIT_CODES[verdictOf(report)];
}

function startOf(flags: SimFlags, system: AnySystem, command: Command): SweepReport {
  const fresh = beginSweep({
    version: packageVersion(),
    system: system.name,
    profile: flags.profile,
    from: flags.from,
    count: flags.seeds ?? 1,
    shard: flags.shard ?? { index: 1, of: 1 },
    sometimes: system.sometimes,
  });
  if (flags.resume !== true || flags.report === undefined || !existsSync(flags.report)) return fresh;
  const saved = readSweep(flags.report, command);
  for (const field of ['version', 'system', 'profile', 'from', 'count'] as const) {
    if (saved[field] !== fresh[field]) {
      refuseArguments(
        command,
        `${flags.report} is of another sweep: its ${field} is ${saved[field]}, that of this one ${fresh[field]}; ` +
          'give the same options again, or another file',
      );
    }
  }
  return saved;
}

/** A report from a file. */
export function readSweep(file: string, command: Command): SweepReport {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<SweepReport>;
    if (value.wavetank !== 'sweep') throw new Error('it does not say {"wavetank":"sweep", …}');
    if (value.format !== 1)
      throw new Error(`its format is ${String(value.format)}; this version reads format 1`);
    return value as SweepReport;
  } catch (error) {
    return refuseArguments(command, `${file} is no report of a sweep: ${reasonOf(error)}`);
  }
}

/** Written beside and then renamed, so that a sweep that is killed leaves a whole report. */
function save(file: string, report: SweepReport): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(report)}\n`);
  renameSync(`${file}.new`, file);
}

async function plain(
  pool: Pool,
  system: AnySystem,
  seeds: readonly number[],
  isWanted: () => boolean,
  hear: (result: SeedResult, scenario: Scenario) => void,
): Promise<void> {
  let next = 0;
  const giveSeeds = (): Task | undefined => {
    if (!isWanted() || next >= seeds.length) return undefined;
    const task = seeds.slice(next, next + SEEDS_PER_TASK);
    next += SEEDS_PER_TASK;
    return { seeds: task };
  };
  await pool.run(giveSeeds, (result) => hear(result, system.storm(result.report.seed)));
}

/** Whole generations, learnt from in the order of their numbers, so that the workers' order decides nothing. */
async function guided(
  pool: Pool,
  system: AnySystem,
  { from }: SimFlags,
  count: number,
  isWanted: () => boolean,
  hear: (result: SeedResult, scenario: Scenario) => void,
): Promise<void> {
  const guide = createGuide(system, from);
  for (let first = 1; first <= count && isWanted(); first += GENERATION) {
    const size = Math.min(GENERATION, count - first + 1);
    const scenarios = Array.from({ length: size }, (_, i) => guide.next(first + i));
    const waiting = scenarios.map((scenario, place) => ({ scenario, place }));
    const results = new Map<number, SeedResult>();
    await pool.run(
      () => waiting.shift(),
      (result, place) => void results.set(place, result),
    );
    scenarios.forEach((scenario, place) => {
      const result = results.get(place);
      if (result === undefined) return;
      guide.learn(scenario, result.report);
      hear(result, scenario);
    });
  }
}

function print(
  flags: SimFlags,
  report: SweepReport,
  first: { readonly report: Report; readonly scenario: Scenario } | undefined,
): void {
  if (flags.json === true) {
    if (first !== undefined) writeFailure(first.scenario);
    process.stdout.write(`${JSON.stringify(sweepJson(report))}\n`);
    return;
  }
  if (first !== undefined) {
    process.stdout.write(`${describeReport(first.report, undefined)}\n${writeFailure(first.scenario)}\n`);
    if (flags.guided !== true) {
      process.stdout.write(`reproduce  npx wavetank sim --seed ${first.report.seed}\n`);
    }
    process.stdout.write('\n');
  }
  if (flags.coverage === true) process.stdout.write(`${describeCoverage(report)}\n\n`);
  process.stdout.write(`${describeSweep(report)}\n`);
}
