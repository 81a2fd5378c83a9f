/** `wavetank get`: prints the value of a key. */

import { Command } from 'commander';

import { KeyValueCode } from '../../core/partition/command.js';
import type { ClientAnswer } from '../client/index.js';
import { ExitCode } from './exit-codes.js';
import { readOption, runOperation, withKeyValueOptions, type ReadFlags, type Telling } from './key-value.js';

const END_OF_LINE = new Uint8Array([10]);

interface GetFlags extends ReadFlags {
  readonly raw?: boolean;
}

export function getCommand(): Command {
  return withKeyValueOptions(new Command('get').description('print the value of a key').argument('<key>'))
    .addOption(readOption())
    .option('--raw', "print the value's bytes and nothing else, not even an end of line")
    .addHelpText(
      'after',
      `
Exit codes: 0 found, 1 there is no such key, 2 bad arguments, 69 the cluster does not answer.

Examples:
  wavetank get greeting
  wavetank get greeting --read lease
  wavetank get photos/1 --raw > photo.jpg`,
    )
    .action((key: string, flags: GetFlags) =>
      runOperation(
        flags,
        (client) => client.get(key, flags),
        (answer) => tell(key, answer, flags),
      ),
    );
}

function tell(key: string, answer: ClientAnswer, flags: GetFlags): Telling | undefined {
  if (answer.type === KeyValueCode.doesNotExist) {
    return { text: `there is no key ${JSON.stringify(key)}`, exitCode: ExitCode.no, isResult: false };
  }
  if (answer.type !== KeyValueCode.got) return undefined;
  const { value } = answer;
  if (value === null) {
    return {
      text: `the key ${JSON.stringify(key)} has no value (null)`,
      exitCode: ExitCode.ok,
      isResult: false,
    };
  }
  return {
    text: flags.raw === true ? value : Buffer.concat([value, END_OF_LINE]),
    exitCode: ExitCode.ok,
    isResult: true,
  };
}
