/** A sweep of `wavetank sim`: many seeds on all cores, resumable, in shards, guided or not. */

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  beginSweep,
  createGuide,
  createTally,
  remainingSeeds,
  SWEEP_FORMAT,
  verdictOf,
  type Scenario,
  type SeedResult,
  type SweepReport,
} from '../../sim/index.js';
import { packageVersion } from '../observe/version.js';
import { createFindings, type Findings } from './findings.js';
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

/** @param place the seed, or in a guided sweep the number of the scenario. */
type Hear = (result: SeedResult, scenario: Scenario, place: number) => void;

export async function sweep(flags: SimFlags, command: Command): Promise<number> {
  const system = await systemOf(flags, command);
  const start = startOf(flags, system, command);
  const tally = createTally(start);
  const startedAt = performance.now();
  const realMs = (): number => Math.round(performance.now() - startedAt);
  const seeds = remainingSeeds(start);
  const progress = createProgress(seeds.length, flags.json === true);
  const findings = createFindings(flags);
  let savedAt = 0;
  const hear: Hear = (result, scenario, place) => {
    const failure = tally.add(result);
    progress.advance();
    if (failure !== undefined) findings.add({ failure, report: result.report, scenario }, place);
    if (flags.report !== undefined && realMs() - savedAt > SAVE_EVERY_MS) {
      savedAt = realMs();
      save(flags.report, tally.report(realMs()));
    }
  };
  const pool = createPool(Math.min(flags.jobs, Math.ceil(seeds.length / SEEDS_PER_TASK)), {
    systemFile: flags.system,
    profile: flags.profile,
    recheckPercent: flags.recheck,
  });
  const isWanted = (): boolean => flags.keepGoing === true || findings.worst()?.failure.verdict !== 'invalid';
  try {
    if (flags.guided === true) await guided(pool, system, flags, seeds.length, isWanted, hear);
    else await plain(pool, system, seeds, isWanted, hear);
  } finally {
    pool.close();
    progress.finish();
  }
  const report = tally.report(realMs());
  if (flags.report !== undefined) save(flags.report, report);
  print(flags, report, findings);
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
    if (value.format !== SWEEP_FORMAT) {
      throw new Error(`its format is ${String(value.format)}; this version reads format ${SWEEP_FORMAT}`);
    }
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
  hear: Hear,
): Promise<void> {
  let next = 0;
  const giveSeeds = (): Task | undefined => {
    if (!isWanted() || next >= seeds.length) return undefined;
    const task = seeds.slice(next, next + SEEDS_PER_TASK);
    next += SEEDS_PER_TASK;
    return { seeds: task };
  };
  await pool.run(giveSeeds, (result) => {
    const { seed } = result.report;
    hear(result, system.storm(seed), seed);
  });
}

/** Whole generations, learnt from in the order of their numbers, so that the workers' order decides nothing. */
async function guided(
  pool: Pool,
  system: AnySystem,
  { from }: SimFlags,
  count: number,
  isWanted: () => boolean,
  hear: Hear,
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
      hear(result, scenario, first + place);
    });
  }
}

function print(flags: SimFlags, report: SweepReport, findings: Findings): void {
  const kept = findings.keep();
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(sweepJson(report, findings.again))}\n`);
    return;
  }
  const worst = findings.worst();
  const told =
    worst === undefined ? [] : [describeReport(worst.report, worst.failure, undefined), ...kept, ''];
  const coverage = flags.coverage === true ? [describeCoverage(report), ''] : [];
  const summary = describeSweep(report, findings.again, worst?.failure);
  process.stdout.write(`${[...told, ...coverage, summary].join('\n')}\n`);
}
