/**
 * `wavetank replay`: feeds a trace's inputs to the machines again and compares what comes of them, bit for bit.
 */

import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import pc from 'picocolors';
import { describeNode, nodeId, type NodeState } from '../../core/index.js';
import { parseTrace, replayTrace, type Replay, type Trace, type TraceLine } from '../../sim/index.js';
import { wholeNumber } from './arguments.js';

interface ReplayFlags {
  readonly to?: number;
  readonly state?: boolean;
  readonly json?: boolean;
}

/** Lines of the story that are shown before the point where a replay ends. */
const SHOWN_LINES = 10;

export function replayCommand(): Command {
  return new Command('replay')
    .description('replay a recorded trace and say whether the code still does the same')
    .argument('<file>', 'a trace, as written by `wavetank sim`')
    .option('--to <n>', 'stop at event N', wholeNumber('--to', 0))
    .option('--state', "show each node's state where the replay ends")
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 the replay matches, 1 it parts from the record, 2 the file is no trace.

Examples:
  wavetank replay wavetank-failure-42.jsonl
  wavetank replay wavetank-failure-42.jsonl --to 1200 --state`,
    )
    .action((file: string, flags: ReplayFlags, command: Command) => {
      const trace = readTrace(file, command);
      const replay = replayTrace(trace, flags.to);
      if (flags.json === true) printJson(trace, replay, flags.state === true);
      else printText(trace, replay, flags.state === true);
      process.exitCode = replay.parted === undefined ? 0 : 1;
    });
}

function readTrace(file: string, command: Command): Trace {
  try {
    return parseTrace(readFileSync(file, 'utf8'));
  } catch (error) {
    return command.error(
      `error: cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`,
      {
        exitCode: 2,
      },
    );
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
  if (withStates) for (const { node, state } of statesOf(replay)) print(describeState(node, state));
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

function describeState(node: number, state: NodeState): string {
  const rows = describeNode({ node: nodeId(node) }, state).groups.map(
    ({ group, role, leader, term, commit, applied, lastIndex, snapshotIndex, keys, digest }) =>
      `  group ${group}: ${role} of term ${term}, leader ${leader === 0 ? 'unknown' : leader}, ` +
      `log to ${lastIndex}, commit ${commit}, applied ${applied}, snapshot ${snapshotIndex}, ` +
      `${keys} keys, digest ${digest >>> 0}`,
  );
  const waits = state.lastWrite === state.durableWrite ? 'all durable' : `durable to ${state.durableWrite}`;
  return [`node ${node} (run ${state.incarnation}): ${state.lastWrite} writes, ${waits}`, ...rows].join('\n');
}
