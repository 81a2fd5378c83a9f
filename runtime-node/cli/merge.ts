/** `wavetank merge`: puts the reports of a sweep's shards together. */

import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { mergeSweeps, remainingSeeds, verdictOf, type SweepFailure } from '../../sim/index.js';
import { reasonOf, refuseArguments } from './refuse.js';
import { againBySeed } from './reproduce.js';
import { SIM_EXIT_CODES } from './sim.js';
import { describeCoverage, describeSweep, sweepJson } from './sweep-text.js';
import { readSweep } from './sweep.js';

interface MergeFlags {
  readonly out?: string;
  readonly coverage?: boolean;
  readonly json?: boolean;
}

export function mergeCommand(): Command {
  return new Command('merge')
    .description('put the reports of the shards of a sweep together')
    .argument('<reports...>', 'files written by `wavetank sim --report`')
    .option('--out <file>', 'write the whole report to this file')
    .option('--coverage', 'show what the sweep reached and what the storms did')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: as those of \`wavetank sim\`; seeds that are missing make the verdict unknown (3).

Example:
  wavetank merge part-*.json --coverage`,
    )
    .action((files: readonly string[], flags: MergeFlags, command: Command) => {
      const reports = files.map((file) => readSweep(file, command));
      let merged;
      try {
        merged = mergeSweeps(reports);
      } catch (error) {
        return refuseArguments(command, reasonOf(error));
      }
      // The file of a user's system may be elsewhere here, so its place is for the reader to fill in.
      const system = merged.system === 'key-value' ? {} : { system: `FILE-OF-${merged.system}` };
      const again = (failure: SweepFailure): string =>
        againBySeed(failure, { ...system, profile: merged.profile });
      const missing = remainingSeeds(merged).length;
      if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(merged)}\n`);
      const verdict = missing > 0 && verdictOf(merged) === 'valid' ? 'unknown' : verdictOf(merged);
      if (flags.json === true) {
        process.stdout.write(
          `${JSON.stringify({ ...(sweepJson(merged, again) as object), verdict, missing })}\n`,
        );
      } else {
        if (flags.coverage === true) process.stdout.write(`${describeCoverage(merged)}\n\n`);
        process.stdout.write(`${describeSweep(merged, again)}\n`);
        if (missing > 0)
          process.stdout.write(`missing: ${missing} seeds of the sweep are in none of the reports\n`);
      }
      process.exitCode = SIM_EXIT_CODES[verdict];
      return undefined;
    });
}
