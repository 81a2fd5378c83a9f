/** `wavetank exists`: says whether a key exists. */

import { Command } from 'commander';

import { infoJson, noKey, readOptions, withReadOptions, type ReadFlags } from './key-value.js';
import { done, no, PROCESS_SEAT, runService, type Seat } from './service.js';

export function existsCommand(seat: Seat = PROCESS_SEAT): Command {
  return withReadOptions(new Command('exists').description('say whether a key exists').argument('<key>'))
    .addHelpText(
      'after',
      `
Exit codes: 0 it exists, 1 it does not, 2 bad arguments, 69 the cluster does not answer.

Example:
  wavetank exists greeting && echo hello`,
    )
    .action((key: string, flags: ReadFlags) =>
      runService(seat, flags, async ({ keys }) => {
        const found = await keys.stat(key, readOptions(flags));
        if (found === undefined) return no(noKey(key, flags), 'doesNotExist');
        return done(`${JSON.stringify(key)} exists, revision ${found.revision}`, 'exists', infoJson(found));
      }),
    );
}
