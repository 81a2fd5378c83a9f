import { expect, it } from 'vitest';
import { BUGS } from '../../bug-bank/bugs.js';
import { shrinkMutant } from './shrink-mutant.js';

/** Seeds that find each bug, and the faults and operations of a minimum that was made by hand. */
const MINIMA = [
  ['figure-8', 5, { faults: 1, operations: 1 }],
  ['vote-before-durable', 1, { faults: 0, operations: 0 }],
  ['retries-unknown', 3, { faults: 0, operations: 1 }],
] as const;

it.each(MINIMA)('%s shrinks to within three times the minimum', (id, seed, minimum) => {
  const mutant = BUGS.find((bug) => bug.id === id) ?? { name: id, edits: [] };

  const { shrunk } = shrinkMutant(mutant, { seed, maxRuns: 1_500 }) ?? {};

  expect(shrunk?.before.faults).toBeGreaterThan(90);
  expect(shrunk?.size.faults).toBeLessThanOrEqual(3 * minimum.faults);
  expect(shrunk?.size.operations).toBeLessThanOrEqual(3 * minimum.operations);
});
