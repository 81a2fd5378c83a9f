/** `wavetank get`: prints the value of a key. */

import { Command } from 'commander';

import type { KeyValue } from '../client/index.js';
import { ExitCode } from './exit-codes.js';
import { infoJson, noKey, readOptions, valueJson, withReadOptions, type ReadFlags } from './key-value.js';
import { done, no, PROCESS_SEAT, runService, type Seat, type Telling } from './service.js';

const END_OF_LINE = new Uint8Array([10]);

interface GetFlags extends ReadFlags {
  readonly raw?: boolean;
}

export function getCommand(seat: Seat = PROCESS_SEAT): Command {
  return withReadOptions(new Command('get').description('print the value of a key').argument('<key>'))
    .option('--raw', "print the value's bytes and nothing else, not even an end of line")
    .addHelpText(
      'after',
      `
Exit codes: 0 found, 1 there is no such key, 2 bad arguments, 69 the cluster does not answer.

Examples:
  wavetank get greeting
  wavetank get greeting --read lease
  wavetank get greeting --revision 0
  wavetank get photos/1 --raw > photo.jpg`,
    )
    .action((key: string, flags: GetFlags) =>
      runService(seat, flags, async ({ keys }) => tell(key, await keys.get(key, readOptions(flags)), flags)),
    );
}

function tell(key: string, found: KeyValue | undefined, flags: GetFlags): Telling {
  if (found === undefined) return no(noKey(key, flags), 'doesNotExist');
  const { value } = found;
  const json = { ...valueJson(value), ...infoJson(found) };
  if (value === null) {
    const text = `the key ${JSON.stringify(key)} has no value (null)`;
    return { text, json: { outcome: 'got', ...json }, exitCode: ExitCode.ok, isResult: false };
  }
  return done(flags.raw === true ? value : Buffer.concat([value, END_OF_LINE]), 'got', json);
}
