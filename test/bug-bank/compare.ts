/**
 * Does a guide find bugs in fewer runs? Each bug is hunted both ways from the same few seeds, far apart, and the medians
 * are set side by side. A single hunt says little: how many runs one takes is as scattered as the tosses before a six.
 */

import type { Bug } from './bugs.js';
import { hunt } from './mutant.js';

/** Hunts begin so many seeds apart, so that none meets the storms of another. */
const APART = 10_000;

export interface Comparison {
  readonly bug: Bug;
  /** Runs that each hunt took, in the order of their first seeds; undefined for one that found nothing. */
  readonly plain: readonly (number | undefined)[];
  readonly guided: readonly (number | undefined)[];
}

export interface Starts {
  readonly firstSeed: number;
  /** Hunts of each kind. */
  readonly hunts: number;
  /** Where each gives up. */
  readonly maxSeeds: number;
}

export async function compare(bug: Bug, starts: Starts): Promise<Comparison> {
  const plain: (number | undefined)[] = [];
  const guided: (number | undefined)[] = [];
  for (let i = 0; i < starts.hunts; i += 1) {
    const firstSeed = starts.firstSeed + i * APART;
    const seeds = Array.from({ length: starts.maxSeeds }, (_, place) => firstSeed + place);
    for (const runs of [plain, guided]) {
      // Whatever the profile in which it is found soonest: that is for the guide to find out.
      const found = await hunt({ ...bug, profile: 'storm' }, { seeds, guided: runs === guided });
      runs.push(found === undefined ? undefined : found.seed - firstSeed + 1);
    }
  }
  return { bug, plain, guided };
}

/** The middle of a few hunts; undefined when half of them found nothing. */
export function medianOf(hunts: readonly (number | undefined)[]): number | undefined {
  const ordered = hunts.map((runs) => runs ?? Number.MAX_SAFE_INTEGER).toSorted((a, b) => a - b);
  const middle = ordered[ordered.length >>> 1] ?? Number.MAX_SAFE_INTEGER;
  return middle === Number.MAX_SAFE_INTEGER ? undefined : middle;
}

export function comparisonTable(all: readonly Comparison[], { maxSeeds }: Starts): string {
  const shown = (runs: number | undefined): string => (runs === undefined ? `> ${maxSeeds}` : String(runs));
  return [
    '| id | plain: median | hunts | guided: median | hunts |',
    '|---|---:|---|---:|---|',
    ...all.map(({ bug, plain, guided }) => {
      const cells = [plain, guided].map(
        (hunts) => `${shown(medianOf(hunts))} | ${hunts.map(shown).join(', ')}`,
      );
      return `| \`${bug.id}\` | ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}
