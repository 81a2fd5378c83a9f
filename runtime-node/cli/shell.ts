/** `wavetank shell`: the commands on locks, keys, sequences and holds, one after the other, with history, completion and help. */

import { readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { clearLine, createInterface, cursorTo, moveCursor, type Interface } from 'node:readline';

import { Command } from 'commander';
import pc from 'picocolors';

import { paint } from './shell-scripts.js';
import { createShell, type Shell } from './shell-session.js';
import { clientFor, withConnectionOptions, type ServiceFlags } from './service.js';

interface ShellFlags extends ServiceFlags {
  /** False for `--no-history`. */
  readonly history: string | false;
}

const HISTORY_LINES = 1_000;
const PROMPT = 'wavetank> ';
const SCRIPT_PROMPT = '       .> ';

export function shellCommand(): Command {
  return withConnectionOptions(
    new Command('shell').description('take commands on locks, keys, sequences and holds, and scripts'),
  )
    .option('--history <file>', 'where lines are remembered', join(homedir(), '.wavetank_history'))
    .option('--no-history', 'remember nothing')
    .addHelpText(
      'after',
      `
Type \`help\` for the commands, and the tabulator key for what may come next. Locks that were taken here are named without their
owner, and given back at the end. \`script\` begins a script: on the same line, or on the lines up to an empty one;
\`param name=value\` sets its @name. What stands between \`begin\` and \`commit\` is one transaction. Without a terminal the lines of stdin are run one after the other.

Exit codes: that of the last command; 2 bad arguments.

Examples:
  wavetank shell
  echo 'set greeting hello' | wavetank shell`,
    )
    .action(runShell);
}

async function runShell(flags: ShellFlags): Promise<void> {
  await using client = clientFor(flags);
  const shell = createShell({
    client,
    out: (text) => process.stdout.write(typeof text === 'string' ? `${text}\n` : text),
    complain: (text) => process.stderr.write(`${pc.yellow(text)}\n`),
  });
  const isTerminal = process.stdin.isTTY;
  const lines = createInterface({
    input: process.stdin,
    ...(isTerminal ? { output: process.stdout } : {}),
    terminal: isTerminal,
    prompt: PROMPT,
    history: isTerminal ? readHistory(flags.history) : [],
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    completer: (line: string) => shell.complete(line),
  });
  if (isTerminal) lines.on('history', (history: string[]) => writeHistory(flags.history, history));
  if (isTerminal) process.stdout.write('`help` shows the commands; `exit` or ctrl-D leaves.\n');
  lines.on('SIGINT', () => {
    shell.dropScript();
    process.stdout.write('\n(`exit` or ctrl-D leaves)\n');
    prompt(shell, lines);
  });
  try {
    await follow(shell, lines);
  } finally {
    lines.close();
    await shell.end();
  }
  process.exitCode = shell.exitCode();
}

async function follow(shell: Shell, lines: Interface): Promise<void> {
  lines.prompt();
  for await (const line of lines) {
    if (process.stdin.isTTY) recolour(shell, line);
    if ((await shell.run(line)) === 'exit') return;
    prompt(shell, lines);
  }
  // The end of the input ends a script too.
  if (shell.isInScript()) await shell.run('');
}

function promptOf(shell: Shell): string {
  return shell.isInScript() ? SCRIPT_PROMPT : PROMPT;
}

function prompt(shell: Shell, lines: Interface): void {
  lines.setPrompt(promptOf(shell));
  lines.prompt();
}

/** A line of a script is shown again in colours, where it is one line of the terminal too. */
function recolour(shell: Shell, line: string): void {
  const script = shell.scriptIn(line);
  const before = promptOf(shell) + line.slice(0, line.length - (script?.length ?? 0));
  if (script === undefined || script === '' || before.length + script.length >= process.stdout.columns)
    return;
  moveCursor(process.stdout, 0, -1);
  cursorTo(process.stdout, 0);
  clearLine(process.stdout, 0);
  process.stdout.write(`${before}${paint(script)}\n`);
}

/** Newest first, as readline wants it. */
function readHistory(file: string | false): string[] {
  if (file === false) return [];
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).reverse();
  } catch {
    return [];
  }
}

/** At once, so that a shell which is killed forgets nothing. Values stand in it, so it is for its owner's eyes alone. */
function writeHistory(file: string | false, history: readonly string[]): void {
  if (file === false) return;
  try {
    writeFileSync(
      file,
      history
        .toReversed()
        .map((line) => `${line}\n`)
        .join(''),
      { mode: 0o600 },
    );
  } catch {
    // A home that cannot be written to is no reason not to work.
  }
}
