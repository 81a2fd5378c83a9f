/** `wavetank exists`: says whether a key exists. */

import { Command } from 'commander';

import { KeyValueCode } from '../../core/partition/command.js';
import type { ClientAnswer } from '../client/index.js';
import { ExitCode } from './exit-codes.js';
import { readOption, runOperation, withKeyValueOptions, type ReadFlags, type Telling } from './key-value.js';

export function existsCommand(): Command {
  return withKeyValueOptions(new Command('exists').description('say whether a key exists').argument('<key>'))
    .addOption(readOption())
    .addHelpText(
      'after',
      `
Exit codes: 0 it exists, 1 it does not, 2 bad arguments, 69 the cluster does not answer.

Example:
  wavetank exists greeting && echo hello`,
    )
    .action((key: string, flags: ReadFlags) =>
      runOperation(
        flags,
        (client) => client.exists(key, flags),
        (answer) => tell(key, answer),
      ),
    );
}

function tell(key: string, { type, revision }: ClientAnswer): Telling | undefined {
  const name = JSON.stringify(key);
  switch (type) {
    case KeyValueCode.exists:
      return { text: `${name} exists, revision ${revision}`, exitCode: ExitCode.ok, isResult: true };
    case KeyValueCode.doesNotExist:
      return { text: `there is no key ${name}`, exitCode: ExitCode.no, isResult: false };
    default:
      return undefined;
  }
}
