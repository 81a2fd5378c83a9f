/** `wavetank del`: deletes a key. */

import { Command } from 'commander';

import { infoJson, noKey, withKeyValueOptions } from './key-value.js';
import { done, no, PROCESS_SEAT, runService, type Seat, type ServiceFlags } from './service.js';

export function delCommand(seat: Seat = PROCESS_SEAT): Command {
  return withKeyValueOptions(new Command('del').description('delete a key').argument('<key>'))
    .addHelpText(
      'after',
      `
Exit codes: 0 deleted, 1 there was no such key, 2 bad arguments, 3 unknown whether it was deleted, 69 the cluster does
not answer.

Example:
  wavetank del greeting`,
    )
    .action((key: string, flags: ServiceFlags) =>
      runService(seat, flags, async ({ keys }) => {
        const result = await keys.delete(key, { ephemeral: flags.ephemeral === true });
        if (!result.deleted) return no(noKey(key), 'doesNotExist');
        return done(
          `deleted ${JSON.stringify(key)}, revision ${result.revision}`,
          'deleted',
          infoJson(result),
        );
      }),
    );
}
