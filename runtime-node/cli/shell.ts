/** `wavetank shell`: the commands on locks, keys, sequences and holds, one after the other, with history, completion and help. */

import { readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

import { Command } from 'commander';
import pc from 'picocolors';

import { createShell, type Shell } from './shell-session.js';
import { clientFor, withConnectionOptions, type ServiceFlags } from './service.js';

interface ShellFlags extends ServiceFlags {
  /** False for `--no-history`. */
  readonly history: string | false;
}

const HISTORY_LINES = 1_000;

export function shellCommand(): Command {
  return withConnectionOptions(
    new Command('shell').description('take commands on locks, keys, sequences and holds'),
  )
    .option('--history <file>', 'where lines are remembered', join(homedir(), '.wavetank_history'))
    .option('--no-history', 'remember nothing')
    .addHelpText(
      'after',
      `
Type \`help\` for the commands, and the tabulator key for what may come next. Locks that were taken here are named without their
owner, and given back at the end. Without a terminal the lines of stdin are run one after the other.

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
    prompt: 'wavetank> ',
    history: isTerminal ? readHistory(flags.history) : [],
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    completer: (line: string) => shell.complete(line),
  });
  if (isTerminal) lines.on('history', (history: string[]) => writeHistory(flags.history, history));
  if (isTerminal) process.stdout.write('`help` shows the commands; `exit` or ctrl-D leaves.\n');
  lines.on('SIGINT', () => {
    process.stdout.write('\n(`exit` or ctrl-D leaves)\n');
    lines.prompt();
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
    if ((await shell.run(line)) === 'exit') return;
    lines.prompt();
  }
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
