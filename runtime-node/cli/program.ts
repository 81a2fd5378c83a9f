/** The `wavetank` command as a whole. A new subcommand is one import and one line in `COMMANDS`. */

import { Command } from 'commander';

import { packageVersion } from '../observe/version.js';
import { checkCommand } from './check.js';
import { exploreCommand } from './explore.js';
import { membersCommand, transferLeaderCommand } from './members.js';
import { mergeCommand } from './merge.js';
import { replayCommand } from './replay.js';
import { serveCommand } from './serve.js';
import { SERVICE_COMMANDS } from './services.js';
import { settingsCommand } from './settings.js';
import { shellCommand } from './shell.js';
import { shrinkCommand } from './shrink.js';
import { simCommand } from './sim.js';
import { statusCommand } from './status.js';
import { upCommand } from './up.js';

const COMMANDS: readonly (() => Command)[] = [
  upCommand,
  serveCommand,
  settingsCommand,
  statusCommand,
  membersCommand,
  transferLeaderCommand,
  ...SERVICE_COMMANDS.map((make) => () => make()),
  shellCommand,
  simCommand,
  mergeCommand,
  replayCommand,
  checkCommand,
  exploreCommand,
  shrinkCommand,
];

export function createProgram(): Command {
  const root = new Command('wavetank')
    .description(
      'Locks, keys, sequences and transactions that survive storms; and the tank in which the storms are tried.',
    )
    .version(packageVersion())
    .showHelpAfterError('(add --help to see what is expected)');
  for (const make of COMMANDS)
    root.addCommand(make().showHelpAfterError('(add --help to see what is expected)'));
  for (const command of [root, ...root.commands]) command.exitOverride();
  return root;
}
