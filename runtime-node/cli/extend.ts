/** `wavetank extend`: gives a key a new time to live. */

import { Command } from 'commander';

import { wholeNumber } from './arguments.js';
import { infoJson, noKey, withKeyValueOptions } from './key-value.js';
import { done, no, PROCESS_SEAT, runService, type Seat, type ServiceFlags } from './service.js';

export function extendCommand(seat: Seat = PROCESS_SEAT): Command {
  const command = new Command('extend')
    .description('give a key a new time to live, from now')
    .argument('<key>')
    .argument('<ms>', 'how long it is to live; may be less than what is left', wholeNumber('<ms>', 1));
  return withKeyValueOptions(command)
    .addHelpText(
      'after',
      `
Exit codes: 0 extended, 1 there is no such key, 2 bad arguments, 3 unknown whether it was extended, 69 the cluster does
not answer.

Example:
  wavetank extend sessions/17 60000`,
    )
    .action((key: string, ms: number, flags: ServiceFlags) =>
      runService(seat, flags, async ({ keys }) => {
        const result = await keys.extend(key, ms, { ephemeral: flags.ephemeral === true });
        if (!result.extended) return no(noKey(key), 'doesNotExist');
        return done(`${JSON.stringify(key)} lives for ${ms} ms from now`, 'extended', infoJson(result));
      }),
    );
}
