/** `wavetank set`: writes a key, with conditions and a time to live where they are asked for. */

import { Command, Option } from 'commander';

import type { SetOptions, SetResult, ValueInput } from '../client/index.js';
import { wholeNumber } from './arguments.js';
import { infoJson, withKeyValueOptions } from './key-value.js';
import { refuseArguments } from './refuse.js';
import { done, no, PROCESS_SEAT, runService, type Seat, type ServiceFlags, type Telling } from './service.js';

interface SetFlags extends ServiceFlags {
  readonly null?: boolean;
  readonly expires?: number;
  readonly ifExists?: boolean;
  readonly ifNotExists?: boolean;
  readonly ifValue?: string;
  readonly ifNull?: boolean;
  readonly ifRevision?: number;
  /** Commander's name for `--no-revision`: true unless it is given. */
  readonly revision: boolean;
}

export function setCommand(seat: Seat = PROCESS_SEAT): Command {
  const command = new Command('set')
    .description('write a key')
    .argument('<key>')
    .argument('[value]', 'the value, or - to read it from stdin');
  return withKeyValueOptions(command)
    .option('--null', 'write no value (null), which is not the same as an empty one')
    .option('--expires <ms>', 'how long the key lives; for ever when absent', wholeNumber('--expires', 1))
    .option('--if-exists', 'only when the key exists')
    .option('--if-not-exists', 'only when the key does not exist')
    .option('--if-value <value>', 'only when this is its value')
    .addOption(new Option('--if-null', 'only when it has no value, or does not exist').conflicts('ifValue'))
    .option(
      '--if-revision <number>',
      'only when this is its revision; -1 for a key that was never written',
      wholeNumber('--if-revision', -1),
    )
    .option('--no-revision', 'do not keep the replaced value in the history of the key')
    .addHelpText(
      'after',
      `
Exit codes: 0 written, 1 a condition refused, 2 bad arguments, 3 unknown whether it was written, 69 the cluster does
not answer.

Examples:
  wavetank set greeting hello
  wavetank set greeting hi --if-value hello
  wavetank set sessions/17 Ada --expires 60000 --ephemeral
  wavetank set photos/1 - < photo.jpg`,
    )
    .action(async (key: string, value: string | undefined, flags: SetFlags, self: Command) => {
      const input = await inputOf(value, flags, self);
      await runService(seat, flags, async ({ keys }) =>
        tell(key, await keys.set(key, input, optionsOf(flags))),
      );
    });
}

async function inputOf(value: string | undefined, flags: SetFlags, command: Command): Promise<ValueInput> {
  if (flags.null === true) {
    if (value === undefined) return null;
    return refuseArguments(
      command,
      `either a value or --null, but not both: the value given is ${JSON.stringify(value)}`,
    );
  }
  if (value === undefined) return refuseArguments(command, "missing required argument 'value' (or --null)");
  return value === '-' ? readStdin() : value;
}

/** All conditions that are given must hold. */
function optionsOf(flags: SetFlags): SetOptions {
  const { expires, ifExists, ifNotExists, ifValue, ifNull, ifRevision, revision, ephemeral } = flags;
  return {
    ifExists: ifExists === true,
    ifNotExists: ifNotExists === true,
    ...(ifValue === undefined ? {} : { ifValue }),
    ...(ifNull === true ? { ifValue: null } : {}),
    ...(ifRevision === undefined ? {} : { ifRevision }),
    noRevision: !revision,
    ...(expires === undefined ? {} : { expiresMs: expires }),
    ephemeral: ephemeral === true,
  };
}

function tell(key: string, result: SetResult): Telling {
  const name = JSON.stringify(key);
  const { written, revision } = result;
  if (written) return done(`set ${name}, revision ${revision}`, 'set', infoJson(result));
  const now = revision < 0 ? 'it was never written' : `it is at revision ${revision}`;
  return no(`did not set ${name}: a condition refused; ${now}`, 'notSet', infoJson(result));
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
