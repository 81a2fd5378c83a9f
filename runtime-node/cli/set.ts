/** `wavetank set`: writes a key, with conditions where they are asked for. */

import { Command } from 'commander';

import { KeyValueCode, SetFlag } from '../../core/partition/command.js';
import type { ClientAnswer, SetOptions } from '../client/index.js';
import { wholeNumber } from './arguments.js';
import { ExitCode } from './exit-codes.js';
import { runOperation, withKeyValueOptions, type KeyValueFlags, type Telling } from './key-value.js';

interface SetFlags extends KeyValueFlags {
  readonly ifExists?: boolean;
  readonly ifNotExists?: boolean;
  readonly ifValue?: string;
  readonly ifRevision?: number;
  /** Commander's name for `--no-revision`: true unless it is given. */
  readonly revision: boolean;
}

export function setCommand(): Command {
  const command = new Command('set')
    .description('write a key')
    .argument('<key>')
    .argument('<value>', 'the value, or - to read it from stdin');
  return withKeyValueOptions(command)
    .option('--if-exists', 'only when the key exists')
    .option('--if-not-exists', 'only when the key does not exist')
    .option('--if-value <value>', 'only when this is its value')
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
  wavetank set photos/1 - < photo.jpg`,
    )
    .action(async (key: string, value: string, flags: SetFlags) => {
      const bytes = value === '-' ? await readStdin() : new TextEncoder().encode(value);
      await runOperation(
        flags,
        (client) => client.set(key, bytes, conditionsOf(flags)),
        (answer) => tell(key, answer),
      );
    });
}

/** All conditions that are given must hold. */
function conditionsOf(flags: SetFlags): SetOptions {
  let bits: number = SetFlag.set;
  if (flags.ifExists === true) bits |= SetFlag.ifExists;
  if (flags.ifNotExists === true) bits |= SetFlag.ifNotExists;
  if (flags.ifValue !== undefined) bits |= SetFlag.ifEqualToValue;
  if (flags.ifRevision !== undefined) bits |= SetFlag.ifEqualToRevision;
  if (!flags.revision) bits |= SetFlag.noRevision;
  return {
    flags: bits,
    ...(flags.ifValue === undefined ? {} : { compareValue: new TextEncoder().encode(flags.ifValue) }),
    ...(flags.ifRevision === undefined ? {} : { compareRevision: flags.ifRevision }),
  };
}

function tell(key: string, { type, revision }: ClientAnswer): Telling | undefined {
  const name = JSON.stringify(key);
  if (type === KeyValueCode.set) {
    return { text: `set ${name}, revision ${revision}`, exitCode: ExitCode.ok, isResult: true };
  }
  if (type !== KeyValueCode.notSet) return undefined;
  const now = revision < 0 ? 'it was never written' : `it is at revision ${revision}`;
  return { text: `did not set ${name}: a condition refused; ${now}`, exitCode: ExitCode.no, isResult: false };
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
