/** How a run is done again: the command line, with everything that the outcome depends on. */

import { SAME_TWICE, type SweepFailure } from '../../sim/index.js';
import { DEFAULT_PROFILE } from './system-file.js';

/** What a command was told of the system and its storms. */
export interface Tried {
  /** The file of the system; ours when undefined. */
  readonly system?: string;
  readonly profile: string;
}

/** The command for one seed. */
export function againBySeed(failure: Pick<SweepFailure, 'seed' | 'property'>, tried: Tried): string {
  const profile = tried.profile === DEFAULT_PROFILE ? [] : ['--profile', tried.profile];
  return commandOf(['--seed', String(failure.seed), ...profile, ...comparison(failure)], tried);
}

/** The command for a scenario in a file, which holds whatever its profile made of it. */
export function againByFile(file: string, failure: Pick<SweepFailure, 'property'>, tried: Tried): string {
  return commandOf(['--scenario', file, ...comparison(failure)], tried);
}

/** The command for a guided sweep until its `number`th scenario. */
export function againByGuide(number: number, from: number, tried: Tried): string {
  const profile = tried.profile === DEFAULT_PROFILE ? [] : ['--profile', tried.profile];
  const guide = ['--guided', '--from', String(from), '--seeds', String(number), '--keep-going'];
  return commandOf([...guide, ...profile], tried);
}

/** Two runs that differ show only when there are two. */
function comparison({ property }: Pick<SweepFailure, 'property'>): readonly string[] {
  return property === SAME_TWICE ? ['--recheck', '100'] : [];
}

function commandOf(words: readonly string[], { system }: Tried): string {
  const all = system === undefined ? words : [...words, '--system', system];
  return ['npx wavetank sim', ...all.map(quoted)].join(' ');
}

/** A word as a shell takes it for one. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
