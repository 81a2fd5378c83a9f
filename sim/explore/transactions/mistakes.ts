/** Mistakes that can be planted in the exploration of transactions, to see that it finds them. */

import type { Operation } from '../../../core/index.js';

export const MISTAKES = ['observations ignored', 'settled unasked'] as const;

/**
 * - `observations ignored`: nobody looks whether what was read is still so.
 * - `settled unasked`: who finds an intent that was left behind drops it, and does not decide first.
 */
export type Mistake = (typeof MISTAKES)[number];

/** The operation as a partition with the mistake understands it. */
export function misunderstood(mistake: Mistake | undefined, operation: Operation): Operation {
  if (mistake !== 'observations ignored' || !('reads' in operation)) return operation;
  return { ...operation, reads: [] };
}
