/** `wavetank del`: deletes a key. */

import { Command } from 'commander';

import { KeyValueCode } from '../../core/partition/command.js';
import type { ClientAnswer } from '../client/index.js';
import { ExitCode } from './exit-codes.js';
import { runOperation, withKeyValueOptions, type KeyValueFlags, type Telling } from './key-value.js';

export function delCommand(): Command {
  return withKeyValueOptions(new Command('del').description('delete a key').argument('<key>'))
    .addHelpText(
      'after',
      `
Exit codes: 0 deleted, 1 there was no such key, 2 bad arguments, 3 unknown whether it was deleted, 69 the cluster does
not answer.

Example:
  wavetank del greeting`,
    )
    .action((key: string, flags: KeyValueFlags) =>
      runOperation(
        flags,
        (client) => client.delete(key),
        (answer) => tell(key, answer),
      ),
    );
}

function tell(key: string, { type, revision }: ClientAnswer): Telling | undefined {
  const name = JSON.stringify(key);
  switch (type) {
    case KeyValueCode.deleted:
      return { text: `deleted ${name}, revision ${revision}`, exitCode: ExitCode.ok, isResult: true };
    case KeyValueCode.doesNotExist:
      return { text: `there is no key ${name}`, exitCode: ExitCode.no, isResult: false };
    default:
      return undefined;
  }
}
