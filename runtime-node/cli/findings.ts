/** What a sweep found: which failure is told at length, which files are left behind, and how each is run again. */

import type { SweepFailure } from '../../sim/index.js';
import { writeFailure, type Finding } from './failure-files.js';
import { againByFile, againByGuide, againBySeed, type Tried } from './reproduce.js';

export interface Findings {
  /** @param place of the scenario in its sweep. */
  add(finding: Finding, place: number): void;
  /** The one that is told at length: what is broken goes before what is undecided, and early before late. */
  worst(): Finding | undefined;
  /** Writes what must outlive the sweep. Gives the lines that say so of the worst. */
  keep(): readonly string[];
  /** The command that runs a failure again. */
  again(failure: SweepFailure): string;
}

/** A guide's scenarios have no seed to be drawn from again: so many failures leave a file behind. */
const MOST_FILES = 20;

interface Placed {
  readonly finding: Finding;
  readonly place: number;
}

export function createFindings(
  sweep: Tried & { readonly from: number; readonly guided?: boolean },
): Findings {
  const guided = sweep.guided === true;
  let worst: Placed | undefined;
  const early: Placed[] = [];
  const commands = new Map<SweepFailure, string>();
  const again = (failure: SweepFailure): string => commands.get(failure) ?? againBySeed(failure, sweep);
  const keepGuided = ({ finding, place }: Placed): string => {
    const name = `wavetank-failure-guided-${sweep.from}-${place}`;
    commands.set(finding.failure, againByFile(`${name}.json`, finding.failure, sweep));
    return writeFailure(finding, sweep, name);
  };
  return {
    add(finding, place) {
      const placed = { finding, place };
      if (worst === undefined || goesBefore(placed, worst)) worst = placed;
      if (!guided) return;
      commands.set(finding.failure, againByGuide(place, sweep.from, sweep));
      if (early.length < MOST_FILES) early.push(placed);
    },
    worst: () => worst?.finding,
    keep() {
      if (worst === undefined) return [];
      if (guided) {
        for (const one of early) if (one !== worst) keepGuided(one);
        return [keepGuided(worst)];
      }
      const { failure } = worst.finding;
      const files = failure.verdict === 'invalid' ? [writeFailure(worst.finding, sweep)] : [];
      return [...files, `reproduce  ${again(failure)}`];
    },
    again,
  };
}

function goesBefore(a: Placed, b: Placed): boolean {
  const brokenA = a.finding.failure.verdict === 'invalid';
  const brokenB = b.finding.failure.verdict === 'invalid';
  return brokenA === brokenB ? a.place < b.place : brokenA;
}
