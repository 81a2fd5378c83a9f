/**
 * `npm run nemesis -- --kills 50 --seed 1`: kills, pauses and restarts real processes under load for some minutes, and says
 * whether the cluster kept every promise.
 */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { wholeNumber } from '../../runtime-node/cli/arguments.js';
import { createMeter } from '../../runtime-node/cli/progress.js';
import { runNemesis, type NemesisResult } from './run.js';

interface Flags {
  readonly kills: number;
  readonly seed: number;
  readonly keep?: string;
  readonly json?: boolean;
}

const command = new Command('nemesis')
  .description(
    'kill, pause and restart the processes of a three-node cluster under load, and check what its clients saw',
  )
  .option('--kills <count>', 'so many processes are killed', wholeNumber('--kills', 1), 50)
  .option('--seed <number>', 'of the order of the blows and of what clients ask', wholeNumber('--seed', 0), 1)
  .option('--keep <folder>', 'where the histories are written if anything is wrong (default: a new folder)')
  .option('--json', 'print the result as one JSON object')
  .addHelpText('after', '\nExit codes: 0 every promise was kept, 1 one was not, 2 bad arguments.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .action(main);
await command.parseAsync();

async function main({ kills, seed, keep, json = false }: Flags): Promise<void> {
  const meter = createMeter(json);
  const keepIn = keep ?? join(tmpdir(), `wavetank-nemesis-seed-${seed}-${process.pid}`);
  const result = await runNemesis({
    seed,
    kills,
    keepIn,
    onBlow: (now) =>
      meter.show(
        (seconds) =>
          `${now.kills}/${kills} kills, ${now.blows} blows, ${now.operations} operations, ` +
          `${Math.round(seconds)} s: ${now.blow}`,
      ),
  });
  meter.finish();
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : describe(result));
  process.exitCode = result.problems.length === 0 ? 0 : 1;
}

function describe(result: NemesisResult): string {
  const lines = [
    `seed        ${result.seed}`,
    `blows       ${result.kills} kills, ${result.pauses} pauses, ${result.restarts} restarts`,
    `operations  ${result.keyOperations} on keys, ${result.lockOperations} on locks, ` +
      `${result.sequenceOperations} on sequences, ${result.transfers} transfers; ${result.unanswered} without an answer`,
    `recovery    at most ${result.slowestRecoveryMs} ms until every kind of client had got on`,
    `real        ${Math.round(result.elapsedMs / 1_000)} s`,
    `verdict     ${result.problems.length === 0 ? 'every promise was kept' : 'NOT every promise was kept'}`,
    ...result.problems.map((problem) => `\n${problem}`),
    ...(result.keptIn === undefined ? [] : [`\nThe histories and the nodes' logs are in ${result.keptIn}`]),
  ];
  return `${lines.join('\n')}\n`;
}
