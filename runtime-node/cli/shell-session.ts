/**
 * What a shell does with its lines, whoever types them: the same commands as by themselves, on one client, with locks that
 * are remembered, and given back at the end; scripts, with parameters that are remembered; and a transaction around the commands.
 */

import { Command, CommanderError } from 'commander';

import { isWavetankError, type WavetankClient } from '../client/index.js';
import { ExitCode } from './exit-codes.js';
import { createHeldLocks } from './held-locks.js';
import { exitCodeOf } from './refuse.js';
import { runScript } from './run.js';
import { PROCESS_SEAT, runService, type Seat, type ServiceFlags } from './service.js';
import { SERVICE_COMMANDS } from './services.js';
import { createShellScripts, parametersOf } from './shell-scripts.js';
import { createShellTransactions } from './shell-transactions.js';
import { wordsIn } from './words.js';

export interface ShellOptions {
  readonly client: WavetankClient;
  readonly out: Seat['out'];
  readonly complain: Seat['complain'];
}

export interface Shell {
  /** Never throws for what a line may be or bring. */
  run(line: string): Promise<'go on' | 'exit'>;
  /** The part of a line that is of a script; undefined where it is a command. */
  scriptIn(line: string): string | undefined;
  /** Whether the lines of a script are being taken. */
  isInScript(): boolean;
  /** Forgets a script that is not complete yet. */
  dropScript(): void;
  /** What the last word may become, and that word: as readline wants it. */
  complete(line: string): [string[], string];
  /** Of the last command. */
  exitCode(): number;
  /** Gives back every lock that was taken and not given back. */
  end(): Promise<void>;
}

/** The shell speaks to one cluster: whom to ask is said once, when it starts. */
const SAID_ONCE = ['--endpoints', '--ca', '--insecure', '--timeout'];
const RELEASE_TIMEOUT_MS = 5_000;
const WAYS_OUT = ['exit', 'quit'];
/** The seat has the client; nothing else is asked of them. */
const SCRIPT_FLAGS: ServiceFlags = { endpoints: [], timeout: 0 };

export function createShell({ client, out, complain }: ShellOptions): Shell {
  const held = createHeldLocks();
  const scripts = createShellScripts();
  const transactions = createShellTransactions(client);
  let exitCode: number = ExitCode.ok;
  const seat: Seat = {
    ...PROCESS_SEAT,
    with: (_flags, use) => use(transactions.client()),
    out,
    complain,
    exit: (code) => {
      exitCode = code;
    },
    held,
  };

  /** Made anew for each line: commander keeps what it has parsed. */
  function program(): Command {
    const root = new Command().helpOption(false).configureHelp({ commandUsage: () => '<command>' });
    root.addCommand(locksCommand());
    for (const make of transactions.commands) root.addCommand(make(seat));
    root.addCommand(scriptCommand());
    root.addCommand(paramCommand());
    for (const make of SERVICE_COMMANDS) root.addCommand(make(seat));
    root.addHelpText('after', '\n`exit` leaves, and gives back the locks that were taken here.');
    for (const command of commandsIn(root)) {
      command
        .exitOverride()
        .configureOutput({ writeOut: (text) => out(text.trimEnd()), writeErr: complainOf });
      for (const option of command.options) if (SAID_ONCE.includes(option.long ?? '')) option.hideHelp();
    }
    return root;
  }

  function complainOf(text: string): void {
    // Commander ends a failure with an empty line of its own.
    if (text.trim() !== '') complain(text.trimEnd());
  }

  function locksCommand(): Command {
    return new Command('locks').description('show the locks that were taken here').action(() => {
      const locks = held.all();
      const lines = locks.map(
        ({ resource, owner, ephemeral }) =>
          `${JSON.stringify(resource)} owner ${owner}${ephemeral ? ' ephemeral' : ''}`,
      );
      out(locks.length === 0 ? 'none' : lines.join('\n'));
    });
  }

  /** For its help: lines that begin so are taken before they are words. */
  function scriptCommand(): Command {
    return new Command('script')
      .description(
        'run what follows as a script; without anything, the lines that follow, up to an empty one',
      )
      .argument('[text...]');
  }

  function paramCommand(): Command {
    return new Command('param')
      .description('show the parameters of scripts, or set some: name=value; without a value, forget it')
      .argument('[name=value...]')
      .action((given: readonly string[]) => {
        for (const one of given) {
          const [name = '', value = ''] = one.split(/=([^]*)/);
          if (value === '') scripts.parameters.delete(name.replace(/^@/, ''));
          else scripts.parameters.set(name.replace(/^@/, ''), value);
        }
        const known = [...scripts.parameters].map(([name, value]) => `@${name} = ${JSON.stringify(value)}`);
        out(known.length === 0 ? 'none' : known.join('\n'));
      });
  }

  async function runText(source: string): Promise<void> {
    exitCode = ExitCode.ok;
    await runService(seat, SCRIPT_FLAGS, () =>
      runScript(client, source, parametersOf(scripts), 'normal', 'script'),
    );
  }

  async function run(line: string): Promise<'go on' | 'exit'> {
    const taken = scripts.take(line);
    if (taken?.type === 'Run' && taken.source !== '') await runText(taken.source);
    if (taken !== undefined) return 'go on';
    const read = wordsIn(line);
    if (read.type === 'Unfinished') {
      complain(read.reason);
      exitCode = ExitCode.badArguments;
      return 'go on';
    }
    const { words } = read;
    if (words[0] === undefined || words[0].startsWith('#')) return 'go on';
    if (WAYS_OUT.includes(words[0])) return 'exit';
    exitCode = ExitCode.ok;
    try {
      await program().parseAsync(words, { from: 'user' });
    } catch (error) {
      if (error instanceof CommanderError) {
        exitCode = exitCodeOf(error);
      } else {
        exitCode = ExitCode.unknownOutcome;
        complain(error instanceof Error ? error.message : String(error));
      }
    }
    return 'go on';
  }

  function complete(line: string): [string[], string] {
    const ofScript = scripts.complete(line);
    if (ofScript !== undefined) return ofScript;
    const last = /\S*$/.exec(line)?.[0] ?? '';
    const before = line
      .slice(0, line.length - last.length)
      .split(/\s+/)
      .filter(Boolean);
    const matching = candidates(before, last).filter((word) => word.startsWith(last));
    return [matching.map((word) => `${word} `), last];
  }

  function candidates(before: readonly string[], last: string): readonly string[] {
    let command = program();
    for (const word of before) command = command.commands.find((known) => known.name() === word) ?? command;
    if (last.startsWith('-')) {
      return command.options
        .filter(({ hidden }) => !hidden)
        .map(({ long }) => long ?? '')
        .concat('--help');
    }
    if (before.length === 1 && before[0] !== undefined && ['unlock', 'extend-lock'].includes(before[0])) {
      return held.all().map(({ resource }) => resource);
    }
    const names = command.commands.map((known) => known.name());
    if (before.length === 0) return [...names, 'help', ...WAYS_OUT];
    return before[0] === 'help' ? program().commands.map((known) => known.name()) : names;
  }

  async function end(): Promise<void> {
    const giveBack = held.all().map(async ({ resource, owner, ephemeral }) => {
      try {
        await client.locks.release(resource, owner, { ephemeral, timeoutMs: RELEASE_TIMEOUT_MS });
        out(`unlocked ${JSON.stringify(resource)}`);
      } catch (error) {
        const reason = isWavetankError(error) ? error.reason : String(error);
        complain(`could not unlock ${JSON.stringify(resource)}: ${reason}. It is free when its lease ends.`);
      }
    });
    // A session that is not rolled back ends by itself.
    const [wasOpen] = await Promise.all([transactions.end().catch(() => true), ...giveBack]);
    if (wasOpen) complain('the transaction that was not committed is rolled back');
  }

  return {
    run,
    scriptIn: (line) => scripts.partOf(line),
    isInScript: () => scripts.pending() !== undefined,
    dropScript: () => scripts.drop(),
    complete,
    exitCode: () => exitCode,
    end,
  };
}

function commandsIn(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(commandsIn)];
}
