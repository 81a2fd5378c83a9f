/**
 * `wavetank replay`: feeds a trace's inputs to the machines again and compares what comes of them, bit for bit; and
 * the ways to look into a trace: the debugger, causes, comparisons and exports.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import pc from 'picocolors';
import { describeNode, nodeId, type NodeState } from '../../core/index.js';
import {
  buildTimeline,
  lastLine,
  nodeSubject,
  openSession,
  parseTrace,
  replayTrace,
  type Replay,
  type Timeline,
  type Trace,
  type TraceLine,
} from '../../sim/index.js';
import { wholeNumber } from './arguments.js';
import { debug } from './debug.js';
import { reasonOf, refuseArguments } from './refuse.js';
import {
  breakView,
  diffView,
  EXPORTS,
  readCondition,
  readRange,
  VIEW_CODES,
  whyView,
  type ExportFormat,
  type View,
} from './replay-views.js';

interface ReplayFlags {
  readonly from?: number;
  readonly to?: number;
  readonly state?: boolean;
  readonly json?: boolean;
  readonly debug?: boolean;
  readonly break?: string;
  readonly why?: number;
  readonly diff?: string;
  readonly export?: ExportFormat;
  readonly out?: string;
}

/** Lines of the story that are shown before the point where a replay ends. */
const SHOWN_LINES = 10;

export function replayCommand(): Command {
  return new Command('replay')
    .description('replay a recorded trace, say whether the code still does the same, and look into it')
    .argument('<file>', 'a trace, as written by `wavetank sim`')
    .option('--to <n>', 'stop at line N', wholeNumber('--to', 0))
    .option('--state', "show each node's state where the replay ends")
    .option('--json', 'print one JSON object')
    .addOption(
      new Option('--debug', 'go through the trace, forward and back').conflicts(['why', 'diff', 'export']),
    )
    .option(
      '--break <condition>',
      'the first line at which a condition comes to hold; with --debug: stop there',
    )
    .addOption(
      new Option('--why <n>', 'what led to line N')
        .argParser(wholeNumber('--why', 1))
        .conflicts(['diff', 'export']),
    )
    .addOption(new Option('--diff <file>', 'where this trace and another part').conflicts(['export']))
    .addOption(new Option('--export <format>', 'the trace for another program').choices(Object.keys(EXPORTS)))
    .option('--out <file>', 'with --export: write to this file')
    .option('--from <n>', 'with --export and --break: begin at line N', wholeNumber('--from', 1))
    .addHelpText(
      'after',
      `
--export svg is a space-time diagram (the last 200 lines, unless --from and --to say which), perfetto is for
https://ui.perfetto.dev, shiviz for https://bestchai.bitbucket.io/shiviz. In the debugger, help lists the commands and
help break tells how conditions are written; commands can be piped in, one a line.

Exit codes: 0 the replay matches (the traces are equal, the condition holds, all was understood), 1 the replay parts
from the record (the traces part), 2 the file is no trace or an argument is wrong (a piped command was not
understood), 3 the condition never holds.

Examples:
  wavetank replay wavetank-failure-42.jsonl
  wavetank replay wavetank-failure-42.jsonl --to 1200 --state
  wavetank replay wavetank-failure-42.jsonl --debug
  wavetank replay wavetank-failure-42.jsonl --break 'count(role, leader) > 1' --state
  wavetank replay wavetank-failure-42.jsonl --why 1200
  wavetank replay wavetank-failure-42.jsonl --export svg --from 1100 --to 1200 --out storm.svg`,
    )
    .action(async (file: string, flags: ReplayFlags, command: Command) => {
      const trace = readTrace(file, command);
      if (flags.out !== undefined && flags.export === undefined) {
        refuseArguments(command, '--out needs --export, such as --export svg --out storm.svg');
      }
      if (flags.debug === true)
        process.exitCode = await runDebugger(openTimeline(trace, file, command), flags, command);
      else if (wantsView(flags))
        process.exitCode = showView(viewOf(openTimeline(trace, file, command), flags, command), flags);
      else process.exitCode = replay(trace, file, flags, command);
    });
}

function wantsView(flags: ReplayFlags): boolean {
  return [flags.why, flags.diff, flags.export, flags.break].some((flag) => flag !== undefined);
}

/** The present behaviour without any view: whether the replay matches. */
function replay(trace: Trace, file: string, flags: ReplayFlags, command: Command): number {
  const replayed = orRefuse(file, command, () => replayTrace(trace, flags.to));
  if (flags.json === true) printJson(trace, replayed, flags.state === true);
  else printText(trace, replayed, flags.state === true);
  return replayed.parted === undefined ? VIEW_CODES.ok : VIEW_CODES.parts;
}

function openTimeline(trace: Trace, file: string, command: Command): Timeline {
  const timeline = orRefuse(file, command, () => buildTimeline(trace));
  const { parted } = timeline;
  if (parted !== undefined) {
    const where = `the replay parts from the record at line ${parted.n}, node ${parted.node}: ${parted.how}`;
    process.stderr.write(`${pc.yellow('note:')} ${where}; what comes after it is not shown\n`);
  }
  return timeline;
}

async function runDebugger(timeline: Timeline, flags: ReplayFlags, command: Command): Promise<number> {
  const read = flags.break === undefined ? undefined : readCondition(timeline, flags.break);
  if (read !== undefined && 'problem' in read)
    refuseArguments(command, `--break cannot be read:\n${read.problem}`);
  const at = Math.min(flags.to ?? 0, lastLine(timeline));
  const session = { ...openSession(timeline), at, breaks: read === undefined ? [] : [read.condition] };
  const interactive = process.stdin.isTTY && process.stdout.isTTY;
  const misunderstood = await debug(session, { input: process.stdin, output: process.stdout, interactive });
  return misunderstood === 0 || interactive ? VIEW_CODES.ok : VIEW_CODES.bad;
}

function viewOf(timeline: Timeline, flags: ReplayFlags, command: Command): View {
  const json = flags.json === true;
  if (flags.why !== undefined) {
    const last = lastLine(timeline);
    if (flags.why > last) refuseArguments(command, `--why ${flags.why} is beyond the last line, ${last}`);
    return whyView(timeline, flags.why, json);
  }
  if (flags.diff !== undefined) {
    return diffView(timeline, openTimeline(readTrace(flags.diff, command), flags.diff, command), json);
  }
  const asked = {
    ...(flags.from === undefined ? {} : { from: flags.from }),
    ...(flags.to === undefined ? {} : { to: flags.to }),
  };
  const lines = readRange(timeline, asked);
  if ('problem' in lines) return refuseArguments(command, lines.problem);
  if (flags.export !== undefined)
    return { text: EXPORTS[flags.export](timeline, asked), exitCode: VIEW_CODES.ok };
  const read = readCondition(timeline, flags.break ?? '');
  if ('problem' in read) return refuseArguments(command, `--break cannot be read:\n${read.problem}`);
  return breakView(timeline, read.condition, lines.range, { json, states: flags.state === true });
}

function showView({ text, exitCode }: View, { out }: ReplayFlags): number {
  if (out === undefined) process.stdout.write(text);
  else {
    writeFileSync(out, text);
    process.stdout.write(`written    ${out} (${Math.ceil(text.length / 1_024)} KiB)\n`);
  }
  return exitCode;
}

function readTrace(file: string, command: Command): Trace {
  return orRefuse(file, command, () => parseTrace(readFileSync(file, 'utf8')));
}

/** A file that cannot be read ends the command with words, not with a stack. */
function orRefuse<T>(file: string, command: Command, read: () => T): T {
  try {
    return read();
  } catch (error) {
    return refuseArguments(command, `cannot read ${file}: ${reasonOf(error)}`);
  }
}

function statesOf(replay: Replay): readonly { readonly node: number; readonly state: NodeState }[] {
  return [...replay.states].map(([node, state]) => ({ node, state })).sort((a, b) => a.node - b.node);
}

function printJson(trace: Trace, replay: Replay, withStates: boolean): void {
  const { replayed, parted } = replay;
  const states = withStates
    ? { nodes: statesOf(replay).map(({ node, state }) => describeNode({ node: nodeId(node) }, state)) }
    : {};
  process.stdout.write(
    `${JSON.stringify({ matches: parted === undefined, replayed, events: trace.lines.length, parted: parted ?? null, ...states })}\n`,
  );
}

function printText(trace: Trace, replay: Replay, withStates: boolean): void {
  const { header, lines } = trace;
  const { replayed, parted } = replay;
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  print(`trace      ${header.about} (recorded by version ${header.version})`);
  if (header.failure !== null) print(`broken     ${header.failure.property}: ${header.failure.detail}`);
  const end = parted?.n ?? replayed;
  for (const line of lines.slice(Math.max(0, end - SHOWN_LINES), end)) print(describeLine(line));
  if (parted === undefined) {
    print(`${pc.green('matches')}    ${replayed} of ${lines.length} events replayed, bit for bit`);
  } else {
    print(`${pc.red('parts')}      at event ${parted.n}, node ${parted.node}: ${parted.how}`);
  }
  if (withStates)
    for (const { node, state } of statesOf(replay)) print(nodeSubject.describeState(node, state).join('\n'));
}

function describeLine(line: TraceLine): string {
  const head = pc.dim(
    `${String(line.n).padStart(6)} ${(line.at / 1_000).toFixed(3).padStart(10)} ms  node ${line.node}`,
  );
  if ('crash' in line) return `${head}  crashes`;
  const saw = 'start' in line ? `starts with ${line.start.stored.length} records` : line.saw.join('; ');
  const did = line.did.length === 0 ? '' : `\n${' '.repeat(28)}-> ${line.did.join('; ')}`;
  return `${head}  ${saw}${did}`;
}
