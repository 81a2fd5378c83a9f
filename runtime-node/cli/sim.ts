/**
 * `wavetank sim`: runs a system under simulated storms, one seed or many, and says what held.
 */

import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import {
  describeProfile,
  failureOfSeed,
  profileNames,
  runOnceOrTwice,
  scenarioJsonSchema,
  type Report,
  type Scenario,
  type SeedResult,
  type Shard,
  type SweepFailure,
  type Verdict,
} from '../../sim/index.js';
import { wholeNumber } from './arguments.js';
import { writeFailure, writeScenario, writeTrace } from './failure-files.js';
import { reasonOf, refuseArguments } from './refuse.js';
import { againByFile, againBySeed } from './reproduce.js';
import { readScenario, systemsOf } from './scenario-file.js';
import { sweep } from './sweep.js';
import { DEFAULT_PROFILE, loadSystem, type AnySystem } from './system-file.js';

/** 0: all holds. 1: a property failed. 2: bad arguments. 3: a verdict is unknown. */
export const SIM_EXIT_CODES: Readonly<Record<Verdict, number>> = { valid: 0, invalid: 1, unknown: 3 };

export interface SimFlags {
  readonly seed?: number;
  readonly seeds?: number;
  readonly scenario?: string;
  readonly schema?: boolean;
  readonly system?: string;
  readonly profile: string;
  readonly from: number;
  readonly jobs: number;
  readonly shard?: Shard;
  readonly report?: string;
  readonly resume?: boolean;
  readonly recheck: number;
  readonly guided?: boolean;
  readonly keepGoing?: boolean;
  readonly coverage?: boolean;
  readonly trace?: string;
  readonly save?: string;
  readonly json?: boolean;
}

export function simCommand(): Command {
  return new Command('sim')
    .description('run the system under simulated storms and check every promise that it makes')
    .option('--seed <number>', 'run this one seed', wholeNumber('--seed', 0))
    .option('--seeds <count>', 'run so many seeds, until one fails', wholeNumber('--seeds', 1))
    .option('--scenario <file>', 'run this scenario (JSON), or that of a trace')
    .option(
      '--schema',
      'print what a scenario looks like, as JSON Schema for editors that complete and check',
    )
    .option('--system <file>', 'try the system that this module exports, instead of ours')
    .option('--profile <name>', 'the flavour of the storms; see below', DEFAULT_PROFILE)
    .option('--from <number>', 'the first seed of a sweep', wholeNumber('--from', 0), 1)
    .option('--jobs <count>', 'worker threads of a sweep', wholeNumber('--jobs', 1), availableParallelism())
    .option('--shard <i/n>', 'of a sweep, run only the i-th of n parts', parseShard)
    .option('--report <file>', 'keep the report of a sweep in this file while it goes on')
    .option('--resume', 'go on with the sweep whose report is in --report')
    .option('--recheck <percent>', 'run so many of a hundred seeds twice and compare', percent, 2)
    .option(
      '--guided',
      'prefer what reaches something new, and change its faults, instead of fresh seeds only',
    )
    .option('--keep-going', 'do not stop a sweep at its first failure')
    .option('--coverage', 'show what a sweep reached and what the storms did')
    .option('--trace <file>', 'with --seed or --scenario: write what every node did to this file')
    .option('--save <file>', 'with --seed: write the scenario to this file, as JSON to be changed by hand')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
A seed decides everything: the cluster, its clients, every fault and every delay. The same seed prints the same
hash every time, everywhere.

Profiles, the flavours of storms:
${profileLines()}

Exit codes: 0 all holds, 1 a property failed, 2 bad arguments, 3 a verdict is unknown (a budget ran out, or a sweep of
200 seeds or more never reached what it must).

Examples:
  wavetank sim --seed 7
  wavetank sim --seeds 1000 --coverage
  wavetank sim --seeds 1000 --profile partitions
  wavetank sim --schema > scenario.schema.json
  wavetank sim --seeds 20000 --report sweep.json          and later, with --resume, the rest of it
  wavetank sim --seeds 1000000 --shard 3/64 --report part-3.json --keep-going    then: wavetank merge part-*.json
  wavetank sim --seed 7 --trace seven.jsonl && wavetank replay seven.jsonl --to 100 --state
  wavetank sim --system ./my-system.js --seeds 500`,
    )
    .action(async (flags: SimFlags, command: Command) => {
      refuseContradictions(flags, command);
      if (flags.schema === true) return printSchema(await systemOf(flags, command));
      process.exitCode =
        flags.seeds === undefined ? await runOne(flags, command) : await sweep(flags, command);
    });
}

function profileLines(): string {
  const width = Math.max(...profileNames.map((name) => name.length));
  return profileNames.map((name) => `  ${name.padEnd(width)}  ${describeProfile(name)}`).join('\n');
}

function printSchema(system: AnySystem): void {
  process.stdout.write(`${JSON.stringify(scenarioJsonSchema(systemsOf(system)), null, 2)}\n`);
}

function refuseContradictions(flags: SimFlags, command: Command): void {
  const { seed, seeds, scenario, schema } = flags;
  if ([seed, seeds, scenario, schema].filter((way) => way !== undefined).length !== 1) {
    refuseArguments(
      command,
      'say either --seed NUMBER or --scenario FILE for one run, or --seeds COUNT for a sweep, or --schema',
    );
  }
  if (flags.trace !== undefined && seeds !== undefined) {
    refuseArguments(
      command,
      '--trace needs --seed or --scenario: a sweep writes a trace of its first failure by itself',
    );
  }
  if (flags.trace !== undefined && flags.system !== undefined) {
    refuseArguments(command, '--trace knows only our own system; leave out --system');
  }
  if (flags.save !== undefined && seed === undefined) refuseArguments(command, '--save needs --seed');
  if (flags.resume === true && flags.report === undefined) {
    refuseArguments(command, '--resume needs --report FILE, to know what has been done');
  }
  if (flags.guided === true && (flags.shard ?? flags.report) !== undefined) {
    refuseArguments(
      command,
      '--guided learns from every run before: it cannot be cut into shards or resumed',
    );
  }
}

function parseShard(text: string): Shard {
  const [index, of] = text.split('/').map(Number);
  const isWhole = (value: number | undefined): value is number => Number.isSafeInteger(value);
  if (!isWhole(index) || !isWhole(of) || index < 1 || index > of) {
    throw new InvalidArgumentError('--shard wants i/n with i from 1 to n, for example --shard 3/64.');
  }
  return { index, of };
}

function percent(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0 || value > 100) {
    throw new InvalidArgumentError('--recheck wants a whole number from 0 to 100.');
  }
  return value;
}

/** The system that the flags name. */
export async function systemOf(flags: SimFlags, command: Command): Promise<AnySystem> {
  try {
    return await loadSystem(flags.system, flags.profile);
  } catch (error) {
    return refuseArguments(command, reasonOf(error));
  }
}

async function runOne(flags: SimFlags, command: Command): Promise<number> {
  const system = await systemOf(flags, command);
  const scenario: Scenario =
    flags.scenario === undefined
      ? system.storm(flags.seed ?? 0)
      : readScenario(flags.scenario, system, command);
  if (flags.save !== undefined) writeScenario(flags.save, scenario);
  const startedAt = performance.now();
  const result = runOnceOrTwice(system, scenario, flags.recheck);
  const realMs = Math.round(performance.now() - startedAt);
  if (flags.trace !== undefined) writeTrace(flags.trace, scenario);
  if (flags.json === true) process.stdout.write(`${JSON.stringify(summaryOf(result, realMs, flags))}\n`);
  else process.stdout.write(`${describeOne(result, realMs, scenario, flags).join('\n')}\n`);
  return SIM_EXIT_CODES[failureOfSeed(result)?.verdict ?? 'valid'];
}

/** What `--json` prints of one run. */
function summaryOf(result: SeedResult, realMs: number, flags: SimFlags): unknown {
  const failure = failureOfSeed(result);
  const verdict = failure?.verdict ?? 'valid';
  const reproduce = (again: SweepFailure): string =>
    flags.scenario === undefined ? againBySeed(again, flags) : againByFile(flags.scenario, again, flags);
  const failures = failure === undefined ? [] : [{ ...failure, reproduce: reproduce(failure) }];
  return { seeds: 1, ...result.report, verdict, realMs, failures };
}

function describeOne(
  result: SeedResult,
  realMs: number,
  scenario: Scenario,
  flags: SimFlags,
): readonly string[] {
  const { report } = result;
  const failure = failureOfSeed(result);
  const lines = [describeReport(report, failure, realMs)];
  if (flags.coverage === true) lines.push(describeCounts(report));
  if (flags.trace !== undefined) lines.push(`trace      ${flags.trace}`);
  if (flags.save !== undefined) lines.push(`scenario   ${flags.save}`);
  else if (failure?.verdict === 'invalid' && flags.scenario === undefined) {
    lines.push(writeFailure({ failure, report, scenario }, flags));
  }
  return lines;
}

/** @param failure as it is told of a sweep; absent when all holds. */
export function describeReport(
  { seed, events, operations, answered, virtualMs, hash, excuse }: Report,
  failure: SweepFailure | undefined,
  realMs: number | undefined,
): string {
  const verdict = failure?.verdict ?? 'valid';
  const colour = { valid: pc.green, invalid: pc.red, unknown: pc.yellow }[verdict];
  const lines = [
    `seed       ${seed}`,
    `verdict    ${colour(verdict)}`,
    `events     ${events}`,
    `operations ${operations} (${answered} answered)`,
    `virtual    ${virtualMs} ms`,
    ...(realMs === undefined ? [] : [`real       ${realMs} ms`]),
    `hash       ${hash}`,
    ...(excuse === undefined ? [] : [`excuse     ${excuse}`]),
  ];
  if (failure?.verdict === 'invalid') {
    lines.push('', `broken     ${failure.property}, at ${failure.atMs} ms`, failure.detail, '');
  }
  return lines.join('\n');
}

function describeCounts({ felt, reached }: Report): string {
  const rows = (counts: Readonly<Record<string, number>>): readonly string[] =>
    Object.entries(counts).map(([name, count]) => `${String(count).padStart(8)}  ${name}`);
  return ['', 'what the storm did', ...rows(felt), '', 'what was reached', ...rows(reached)].join('\n');
}
