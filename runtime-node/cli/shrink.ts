/**
 * `wavetank shrink`: makes a failing scenario small, and tells what is left of it.
 */

import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import {
  describeShrunk,
  describeSize,
  shrinkRun,
  type Scenario,
  type ShrinkProgress,
  type Shrunk,
} from '../../sim/index.js';
import { wholeNumber } from './arguments.js';
import { writeScenario, writeTrace } from './failure-files.js';
import { reasonOf, refuseArguments } from './refuse.js';
import { readScenario } from './scenario-file.js';
import { loadSystem, type AnySystem } from './system-file.js';

/** 0: shrunk. 2: bad input. 4: the scenario does not fail. */
const NOTHING_FAILS = 4;

const REDRAW_MS = 100;

interface ShrinkFlags {
  readonly seed?: number;
  readonly profile?: string;
  readonly system?: string;
  readonly out?: string;
  readonly trace?: string;
  readonly maxRuns: number;
  readonly json?: boolean;
}

export function shrinkCommand(): Command {
  return new Command('shrink')
    .description('make a failing scenario small: fewer faults, operations, nodes and chances')
    .argument('[file]', 'a scenario as JSON, or a trace as written by `wavetank sim`')
    .option('--seed <number>', 'instead of a file: the scenario of this seed', wholeNumber('--seed', 0))
    .option('--profile <name>', 'with --seed: the profile of the scenario')
    .option('--system <file>', 'the system that this module exports, instead of ours')
    .option('--out <file>', 'write the small scenario to this file')
    .option('--trace <file>', 'write what every node did in the small run to this file')
    .option('--max-runs <count>', 'run at most so many candidates', wholeNumber('--max-runs', 1), 5_000)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
A candidate is kept when it breaks the same property. What is left is deterministic: the same input shrinks the
same way, and the small scenario fails every time.

Exit codes: 0 shrunk, 2 bad input, 4 the scenario does not fail.

Examples:
  wavetank shrink --seed 42 --out small.json --trace small.jsonl
  wavetank shrink wavetank-failure-42.jsonl --out small.json
  wavetank shrink --seed 7 --profile partitions --max-runs 1000`,
    )
    .action(async (file: string | undefined, flags: ShrinkFlags, command: Command) => {
      const { system, scenario } = await inputOf(file, flags, command);
      const progress = createDisplay(flags.json === true);
      const shrunk = shrinkRun(system, scenario, {
        maxRuns: flags.maxRuns,
        onProgress: progress.show,
      });
      progress.finish();
      process.exitCode = shrunk === undefined ? NOTHING_FAILS : 0;
      if (shrunk === undefined) return printNothing(flags);
      if (flags.out !== undefined) writeScenario(flags.out, shrunk.scenario);
      if (flags.trace !== undefined) writeTrace(flags.trace, shrunk.scenario);
      print(shrunk, flags);
    });
}

async function inputOf(
  file: string | undefined,
  flags: ShrinkFlags,
  command: Command,
): Promise<{ readonly system: AnySystem; readonly scenario: Scenario }> {
  if ((file === undefined) === (flags.seed === undefined)) {
    refuseArguments(command, 'say either a FILE or --seed NUMBER, for example `wavetank shrink --seed 42`');
  }
  if (flags.profile !== undefined && flags.seed === undefined) {
    refuseArguments(command, '--profile needs --seed: a file holds its scenario already');
  }
  if (flags.trace !== undefined && flags.system !== undefined) {
    refuseArguments(command, '--trace knows only our own system; leave out --system');
  }
  try {
    const system = await loadSystem(flags.system, flags.profile);
    const scenario = file === undefined ? system.storm(flags.seed ?? 0) : readScenario(file, system, command);
    return { system, scenario };
  } catch (error) {
    if (error instanceof CommanderError) throw error;
    return refuseArguments(command, reasonOf(error));
  }
}

function print(shrunk: Shrunk<unknown>, flags: ShrinkFlags): void {
  if (flags.json === true) {
    const { failure, before, size, runs, unfinished, scenario } = shrunk;
    process.stdout.write(
      `${JSON.stringify({ fails: true, failure, before, size, runs, unfinished, scenario })}\n`,
    );
    return;
  }
  const files = [
    ...(flags.out === undefined ? [] : [`scenario   ${flags.out}`]),
    ...(flags.trace === undefined ? [] : [`trace      ${flags.trace}`]),
  ];
  process.stdout.write(`${[describeShrunk(shrunk), '', ...files].join('\n').trimEnd()}\n`);
}

function printNothing({ json }: ShrinkFlags): void {
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ fails: false })}\n`
      : `${pc.green('holds')}      the scenario does not fail, so there is nothing to shrink\n`,
  );
}

interface Display {
  show(progress: ShrinkProgress): void;
  /** Clears the line. */
  finish(): void;
}

/** One line that says how far it is, on a terminal; nothing at all in a pipe. */
function createDisplay(quiet: boolean): Display {
  const stream = process.stderr;
  const silent = quiet || !stream.isTTY;
  let drawnAt = 0;
  return {
    show({ runs, pass, size }) {
      const now = performance.now();
      if (silent || now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      stream.write(`\r${runs} runs  ${pass}  ${describeSize(size)}\x1b[K`);
    },
    finish() {
      if (!silent) stream.write('\r\x1b[K');
    },
  };
}
