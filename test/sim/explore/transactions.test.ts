import { describe, expect, it } from 'vitest';
import { explore, transactionModel, type Mistake } from '../../../sim/index.js';

const BOUND = { crashes: 1, losses: 0, impatience: 0, retries: 0 };

const look = (maxStates: number, mistake?: Mistake): ReturnType<typeof explore> =>
  explore(transactionModel(BOUND, mistake), { order: 'breadth', maxStates });

describe('two transactions on two partitions with a crash', () => {
  // All 114,467 states take half a minute: `npx wavetank explore --model transactions`.
  it('keep every promise as far as this looks', () => {
    const { verdict, reached } = look(8_000);

    expect(verdict).toBe('unknown');
    expect(reached).toContain('one commits and its coordinator is gone');
  });

  it.each([
    ['observations ignored', 'serializable'],
    ['settled unasked', 'assertions hold'],
  ] as const)('show that somebody errs: %s', (mistake, property) => {
    const { verdict, breach } = look(60_000, mistake);

    expect(verdict).toBe('broken');
    expect(breach?.property).toBe(property);
  });
});
