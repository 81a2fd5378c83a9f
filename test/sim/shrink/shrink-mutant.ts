/** Shrinks what a planted bug breaks, in the mutant's own process. */

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyValueScenario, Shrunk } from '../../../sim/index.js';
import type { KeyValueSettings } from '../../../sim/key-value/settings.js';
import { writeMutant, type Mutant } from '../../bug-bank/mutant.js';

export interface ShrunkMutant {
  readonly shrunk: Shrunk<KeyValueSettings>;
  readonly story: string;
  /** Of one processor. */
  readonly seconds: number;
}

const RUNNER = `
import { describeShrunk, keyValueSystem, shrinkRun, stormScenario } from './sim/index.js';
const { seed, scenario, maxRuns } = JSON.parse(process.argv[2]);
const shrunk = shrinkRun(keyValueSystem(), scenario ?? stormScenario(seed), maxRuns === undefined ? {} : { maxRuns });
const { user, system } = process.cpuUsage();
const seconds = (user + system) / 1e6;
process.stdout.write(JSON.stringify(shrunk === undefined ? null : { shrunk, story: describeShrunk(shrunk), seconds }));
`;

/** @returns undefined when the mutant holds under this seed or scenario. */
export function shrinkMutant(
  mutant: Mutant,
  given: { readonly seed?: number; readonly scenario?: KeyValueScenario; readonly maxRuns?: number },
): ShrunkMutant | undefined {
  const folder = writeMutant(mutant.edits, RUNNER);
  try {
    const output = execFileSync(process.execPath, [join(folder, 'main.js'), JSON.stringify(given)], {
      maxBuffer: 1 << 28,
    });
    return (JSON.parse(output.toString()) as ShrunkMutant | null) ?? undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
