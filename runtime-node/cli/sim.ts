/**
 * `wavetank sim`: runs the system under simulated storms, one seed or many, and says what held.
 */

import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Command } from 'commander';
import pc from 'picocolors';
import {
  formatTrace,
  recordRun,
  run,
  stormScenario,
  TRACE_FORMAT,
  type Report,
  type Verdict,
} from '../../sim/index.js';
import { wholeNumber } from './arguments.js';
import { createProgress } from './progress.js';
import { packageVersion } from '../observe/version.js';

/** 0: all holds. 1: a property failed. 2: bad arguments. 3: a verdict is unknown. */
const EXIT_CODES: Readonly<Record<Verdict, number>> = { valid: 0, invalid: 1, unknown: 3 };

/** Seeds in one message to a worker: enough that handing them over costs nothing. */
const SEEDS_PER_TASK = 8;

interface SimFlags {
  readonly seed?: number;
  readonly seeds?: number;
  readonly from: number;
  readonly jobs: number;
  readonly trace?: string;
  readonly json?: boolean;
}

export function simCommand(): Command {
  return new Command('sim')
    .description('run the system under simulated storms and check every promise that it makes')
    .option('--seed <number>', 'run this one seed', wholeNumber('--seed', 0))
    .option('--seeds <count>', 'run so many seeds, until one fails', wholeNumber('--seeds', 1))
    .option('--from <number>', 'the first seed of a sweep', wholeNumber('--from', 0), 1)
    .option('--jobs <count>', 'worker threads of a sweep', wholeNumber('--jobs', 1), availableParallelism())
    .option('--trace <file>', 'with --seed: write what every node did to this file')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
A seed decides everything: the cluster, its clients, every fault and every delay. The same seed prints the same
hash every time, everywhere.

Exit codes: 0 all holds, 1 a property failed, 2 bad arguments, 3 a verdict is unknown.

Examples:
  wavetank sim --seed 7
  wavetank sim --seeds 1000
  wavetank sim --seed 7 --trace seven.jsonl && wavetank replay seven.jsonl --to 100 --state`,
    )
    .action(async (flags: SimFlags, command: Command) => {
      if ((flags.seed === undefined) === (flags.seeds === undefined)) {
        command.error('error: say either --seed NUMBER for one run or --seeds COUNT for a sweep', {
          exitCode: 2,
        });
      }
      if (flags.trace !== undefined && flags.seed === undefined) {
        command.error('error: --trace needs --seed: a sweep writes a trace of its first failure by itself', {
          exitCode: 2,
        });
      }
      process.exitCode =
        flags.seed === undefined ? await sweep(flags, flags.seeds ?? 1) : runOne(flags, flags.seed);
    });
}

function runOne(flags: SimFlags, seed: number): number {
  const startedAt = performance.now();
  const report = run(stormScenario(seed));
  const realMs = Math.round(performance.now() - startedAt);
  if (flags.trace !== undefined) writeTrace(flags.trace, seed);
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify({ ...summary([report], realMs), hash: report.hash })}\n`);
  } else {
    process.stdout.write(`${describeReport(report, realMs)}\n`);
    if (flags.trace !== undefined) process.stdout.write(`trace      ${flags.trace}\n`);
  }
  return EXIT_CODES[report.verdict];
}

async function sweep(flags: SimFlags, count: number): Promise<number> {
  const startedAt = performance.now();
  const progress = createProgress(count, flags.json === true);
  const reports: Report[] = [];
  await runSeeds(flags.from, count, flags.jobs, (report) => {
    reports.push(report);
    progress.advance();
    return report.verdict !== 'invalid';
  });
  progress.finish();
  const realMs = Math.round(performance.now() - startedAt);
  const failed = reports.filter(({ verdict }) => verdict === 'invalid').sort((a, b) => a.seed - b.seed);
  const first = failed[0];
  const trace = first === undefined ? undefined : `wavetank-failure-${first.seed}.jsonl`;
  if (first !== undefined && trace !== undefined) writeTrace(trace, first.seed);
  const result = summary(reports, realMs);
  if (flags.json === true) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    if (first !== undefined) {
      process.stdout.write(`${describeReport(first, undefined)}\n\ntrace      ${trace}\n`);
      process.stdout.write(`reproduce  npx wavetank sim --seed ${first.seed}\n\n`);
    }
    process.stdout.write(`${describeSweep(result)}\n`);
  }
  return EXIT_CODES[result.verdict];
}

/**
 * Runs seeds in worker threads, a few at a time, and hands over each report; stops handing out seeds when
 * `onReport` returns false.
 */
async function runSeeds(
  from: number,
  count: number,
  jobs: number,
  onReport: (report: Report) => boolean,
): Promise<void> {
  let next = from;
  let goOn = true;
  const workerCount = Math.min(jobs, Math.ceil(count / SEEDS_PER_TASK));
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./sim-worker.js', import.meta.url));
      const giveSeeds = (): void => {
        if (!goOn || next >= from + count) {
          worker.postMessage('stop');
          return;
        }
        const seeds = Math.min(SEEDS_PER_TASK, from + count - next);
        worker.postMessage({ from: next, count: seeds });
        next += seeds;
      };
      worker.on('message', (message: Report | 'done') => {
        if (message === 'done') giveSeeds();
        else if (goOn && !onReport(message)) {
          goOn = false;
          // Seeds below the failing one may still be under way elsewhere; they finish, later ones do not start.
        }
      });
      worker.on('error', reject);
      worker.on('exit', () => resolve());
      giveSeeds();
    });
  await Promise.all(Array.from({ length: workerCount }, work));
}

/** What `--json` prints; `hash` is added for a single seed. */
interface Summary {
  readonly verdict: Verdict;
  readonly seeds: number;
  readonly events: number;
  readonly operations: number;
  readonly virtualMs: number;
  readonly realMs: number;
  readonly failures: readonly SummaryFailure[];
}

interface SummaryFailure {
  readonly seed: number;
  readonly verdict: Verdict;
  readonly property: string;
  readonly detail: string;
  readonly atMs: number;
  readonly reproduce: string;
}

function summary(reports: readonly Report[], realMs: number): Summary {
  const sum = (of: (report: Report) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const worst = (['invalid', 'unknown', 'valid'] as const).find((verdict) =>
    reports.some((report) => report.verdict === verdict),
  );
  return {
    verdict: worst ?? 'unknown',
    seeds: reports.length,
    events: sum(({ events }) => events),
    operations: sum(({ operations }) => operations),
    virtualMs: sum(({ virtualMs }) => virtualMs),
    realMs,
    failures: reports
      .filter(({ verdict }) => verdict !== 'valid')
      .sort((a, b) => a.seed - b.seed)
      .map(({ seed, verdict, failure, virtualMs }) => ({
        seed,
        verdict,
        property: failure?.property ?? 'linearizability',
        detail: failure?.detail ?? 'the checker ran out of its search budget',
        atMs: failure === undefined ? virtualMs : Math.floor(failure.atUs / 1_000),
        reproduce: `npx wavetank sim --seed ${seed}`,
      })),
  };
}

function writeTrace(file: string, seed: number): void {
  const scenario = stormScenario(seed);
  const { report, lines } = recordRun(scenario);
  const header = {
    wavetank: 'trace',
    format: TRACE_FORMAT,
    version: packageVersion(),
    about: `seed ${seed}: ${report.failure?.property ?? 'all holds'}`,
    scenario,
    failure: report.failure ?? null,
  } as const;
  writeFileSync(file, formatTrace(header, lines));
}

function describeReport(report: Report, realMs: number | undefined): string {
  const { verdict, seed, events, operations, answered, virtualMs, hash, failure } = report;
  const colour = { valid: pc.green, invalid: pc.red, unknown: pc.yellow }[verdict];
  const lines = [
    `seed       ${seed}`,
    `verdict    ${colour(verdict)}`,
    `events     ${events}`,
    `operations ${operations} (${answered} answered)`,
    `virtual    ${virtualMs} ms`,
    ...(realMs === undefined ? [] : [`real       ${realMs} ms`]),
    `hash       ${hash}`,
  ];
  if (failure !== undefined) {
    lines.push(
      '',
      `broken     ${failure.property}, at ${Math.floor(failure.atUs / 1_000)} ms`,
      failure.detail,
    );
  }
  return lines.join('\n');
}

function describeSweep(result: Summary): string {
  const { verdict, seeds, events, operations, virtualMs, realMs, failures } = result;
  const unknown = failures.filter((failure) => failure.verdict === 'unknown').length;
  const perSecond = Math.round((events * 1_000) / Math.max(1, realMs));
  return [
    `${verdict}: ${seeds} seeds, ${failures.length - unknown} failed, ${unknown} unknown`,
    `${events} events and ${operations} operations in ${Math.round(virtualMs / 1_000)} virtual seconds`,
    `${(realMs / 1_000).toFixed(1)} s of real time, ${perSecond} events a second`,
  ].join('\n');
}
