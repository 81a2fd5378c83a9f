/** What every entry of the bank is: a mutant with a short id, by which the command finds it, and a subject. */

import type { ProfileName } from '../../../sim/index.js';
import type { Edit, Mutant } from '../mutant.js';

export interface Bug extends Mutant {
  readonly id: string;
  readonly category: Category;
}

export type Category =
  | 'elections'
  | 'replication'
  | 'reads'
  | 'durability'
  | 'recovery'
  | 'snapshots'
  | 'state machine'
  | 'clock'
  | 'node'
  | 'membership'
  | 'liveness'
  | 'quiescence'
  | 'services'
  | 'pasts'
  | 'values'
  | 'transactions'
  | 'legal';

/** One replacement in a file: `find` stands there exactly once. */
export function edit(file: string, find: string, replace: string): Edit {
  return { file, find, replace };
}

/** The same mistake, hunted in storms of one flavour, where the default ones seldom come by it. */
export function under(profile: ProfileName, mistake: Bug): Bug {
  return { ...mistake, profile };
}

/** Makes the entries of one category. */
export function bugsOf(category: Category): (id: string, name: string, ...edits: readonly Edit[]) => Bug {
  return (id, name, ...edits) => ({ id, name, category, edits });
}
