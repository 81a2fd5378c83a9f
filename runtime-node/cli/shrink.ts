/**
 * `wavetank shrink`: makes a failing scenario small, and tells what is left of it.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import pc from 'picocolors';
import {
  describeProblem,
  describeShrunk,
  describeSize,
  formatTrace,
  keyValueSystem,
  parseScenario,
  recordRun,
  scenarioOf,
  shrinkRun,
  TRACE_FORMAT,
  type KeyValueScenario,
  type KeyValueSettings,
  type Progress,
  type Shrunk,
} from '../../sim/index.js';
import { packageVersion } from '../observe/version.js';
import { wholeNumber } from './arguments.js';

/** 0: shrunk. 2: bad input. 4: the scenario does not fail. */
const NOTHING_FAILS = 4;

const REDRAW_MS = 100;

interface ShrinkFlags {
  readonly seed?: number;
  readonly profile?: string;
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
    .action((file: string | undefined, flags: ShrinkFlags, command: Command) => {
      const scenario = scenarioFrom(file, flags, command);
      const progress = createDisplay(flags.json === true);
      const shrunk = shrinkRun(keyValueSystem(), scenario, {
        maxRuns: flags.maxRuns,
        onProgress: progress.show,
      });
      progress.finish();
      process.exitCode = shrunk === undefined ? NOTHING_FAILS : 0;
      if (shrunk === undefined) return printNothing(flags);
      if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(shrunk.scenario, null, 2)}\n`);
      if (flags.trace !== undefined) writeTrace(flags.trace, shrunk);
      print(shrunk, flags);
    });
}

function scenarioFrom(file: string | undefined, flags: ShrinkFlags, command: Command): KeyValueScenario {
  const refuse = (message: string): never => command.error(`error: ${message}`, { exitCode: 2 });
  if ((file === undefined) === (flags.seed === undefined)) {
    return refuse('say either a FILE or --seed NUMBER, for example `wavetank shrink --seed 42`');
  }
  if (flags.profile !== undefined && flags.seed === undefined) {
    return refuse('--profile needs --seed: a file holds its scenario already');
  }
  if (file === undefined) {
    try {
      return scenarioOf(flags.profile ?? 'storm', flags.seed ?? 0);
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error));
    }
  }
  let json: unknown;
  try {
    json = readScenario(readFileSync(file, 'utf8'));
  } catch (error) {
    return refuse(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = parseScenario<KeyValueSettings>(json);
  return parsed.ok
    ? parsed.scenario
    : refuse(
        `${file} holds no scenario that can be run:\n${parsed.problems.map(describeProblem).join('\n')}`,
      );
}

/** A scenario's text is one JSON value; a trace's is one a line, of which the first holds the scenario. */
function readScenario(text: string): unknown {
  const [first = ''] = text.split('\n', 1);
  try {
    const header: unknown = JSON.parse(first);
    if (typeof header === 'object' && header !== null && 'wavetank' in header && 'scenario' in header) {
      return header.scenario;
    }
  } catch {
    // A scenario that is written over several lines: its first line is no JSON by itself.
  }
  return JSON.parse(text);
}

function writeTrace(file: string, { scenario, size }: Shrunk<KeyValueSettings>): void {
  const { report, lines } = recordRun(scenario);
  const header = {
    wavetank: 'trace',
    format: TRACE_FORMAT,
    version: packageVersion(),
    about: `shrunk to ${describeSize(size)}`,
    scenario,
    failure: report.failure ?? null,
  } as const;
  writeFileSync(file, formatTrace(header, lines));
}

function print(shrunk: Shrunk<KeyValueSettings>, flags: ShrinkFlags): void {
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
  show(progress: Progress): void;
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
