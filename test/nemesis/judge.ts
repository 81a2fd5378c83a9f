/** Whether what the clients saw can be: by the checkers of the simulator. */

import {
  checkLinearizable,
  checkLocks,
  checkSequences,
  explainCounterexample,
  explainLocks,
  explainSequences,
  keyValueModel,
  type LockRule,
} from '../../sim/index.js';
import type { Histories } from './load.js';
import { wrongTransfer } from './transfer-work.js';

/** All clients run on one clock, and a lease may last longer than asked for, never shorter. */
const LOCK_RULES: readonly LockRule[] = [
  'mutual exclusion',
  'lease cut short',
  'token went back',
  'token names two grants',
  'not the holder',
];
/** Nodes count whole milliseconds. */
const ROUNDING_MS = 2;

/** What is wrong, in words; empty when nothing is. What tested nothing is wrong too. */
export function judge({ keys, locks, sequences, transfers }: Histories): readonly string[] {
  const problems: string[] = [];
  const linearizable = checkLinearizable(keyValueModel, keys);
  if (linearizable.verdict !== 'valid') problems.push(`keys: ${explainCounterexample(linearizable)}`);
  const held = checkLocks(locks, { driftMs: ROUNDING_MS, rules: LOCK_RULES });
  if (held.verdict !== 'valid') problems.push(`locks: ${explainLocks(held)}`);
  const given = checkSequences(sequences);
  if (given.verdict !== 'valid') problems.push(`sequences: ${explainSequences(given)}`);
  const transfer = wrongTransfer(transfers);
  if (transfer !== undefined) problems.push(`transfers: ${transfer}`);
  return problems;
}
