import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUGS, LEGAL } from './bugs.js';
import { applyEdits, hunt } from './mutant.js';
import { FIRST_SEEDS, NOT_FOUND_YET } from './first-seeds.js';

/** Where a recorded seed no longer finds its bug, so many others may. The whole measurement is `npm run bank`. */
const MOST_SEEDS = 60;
const LEGAL_SEEDS = 2;

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);

// All of them take half an hour, which these tests do not have: they take every twelfth one, so some of most subjects, and leave
// the others, and what has no seed on record, to the command.
const QUICK = BUGS.flatMap((bug, place) => {
  const seed = FIRST_SEEDS[bug.id];
  return seed === undefined || place % 12 > 0 ? [] : [[bug.id, bug.name, bug, seed] as const];
});

describe.concurrent('the tank finds', () => {
  it.each(QUICK)('%s: %s', async (_id, _name, bug, seed) => {
    const found = await hunt(bug, { seeds: [seed, ...upTo(MOST_SEEDS)] });

    expect(found, `no seed up to ${MOST_SEEDS} finds it`).toBeDefined();
  });
});

describe.concurrent('the tank leaves alone', () => {
  it.each(LEGAL.map((change) => [change.id, change.name, change] as const))(
    '%s: %s',
    async (_id, _name, change) => {
      const found = await hunt(change, { seeds: upTo(LEGAL_SEEDS) });

      expect(found).toBeUndefined();
    },
  );
});

describe('the bank', () => {
  it('has a recorded seed for every bug, or says that it is not found yet', () => {
    const without = BUGS.map(({ id }) => id).filter((id) => FIRST_SEEDS[id] === undefined);

    expect(without).toEqual(NOT_FOUND_YET);
  });

  // Also those without a recorded seed, which nothing else here would miss.
  it.each([...BUGS, ...LEGAL].map((bug) => [bug.id, bug] as const))('can plant %s', (_id, { edits }) => {
    for (const file of new Set(edits.map((edit) => edit.file))) {
      const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

      const planted = applyEdits(file, source, edits);

      expect(planted).not.toBe(source);
    }
  });

  it('names every bug once', () => {
    const ids = [...BUGS, ...LEGAL].map(({ id }) => id);

    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has recorded no seed of a bug that it does not hold', () => {
    const ids = BUGS.map(({ id }) => id);

    expect(Object.keys(FIRST_SEEDS).filter((id) => !ids.includes(id))).toEqual([]);
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
