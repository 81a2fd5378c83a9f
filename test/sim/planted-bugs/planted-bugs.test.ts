import { describe, expect, it } from 'vitest';
import { applyEdits, hunt, sweepOf } from './mutant.js';
import { BUGS, LEGAL } from './mutants.js';

const MOST_SEEDS = 500;

describe('a sweep finds', () => {
  it.each(BUGS.map((bug) => [bug.name, bug] as const))('%s', async (_name, bug) => {
    const found = await hunt(bug, { seeds: sweepOf(bug, MOST_SEEDS) });

    expect(found, `no seed up to ${MOST_SEEDS} found it`).toBeDefined();
    console.info(`seed ${found?.seed}: ${found?.property}`);
  });
});

describe('a sweep leaves alone', () => {
  it.each(LEGAL.map((change) => [change.name, change] as const))('%s', async (_name, change) => {
    const found = await hunt(change, { seeds: sweepOf(change, 8) });

    expect(found).toBeUndefined();
  });
});

describe('a planted change', () => {
  const edit = { file: 'a.ts', find: 'one', replace: 'two' };

  it('is refused when its text is not there', () => {
    const plant = (): string => applyEdits('a.ts', 'three', [edit]);

    expect(plant).toThrow('stands 0 times in a.ts');
  });

  it('is refused when its text is there twice', () => {
    const plant = (): string => applyEdits('a.ts', 'one one', [edit]);

    expect(plant).toThrow('stands 2 times in a.ts');
  });

  it('is put in literally, whatever signs it holds', () => {
    const planted = applyEdits('a.ts', 'say one', [{ ...edit, replace: '$& $1' }]);

    expect(planted).toBe('say $& $1');
  });
});
