/** The storms do not change members yet, so that these bugs have no seeds: they are held against the code as it is. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUGS } from './bugs.js';
import { MEMBERSHIP } from './bugs/membership.js';
import { applyEdits } from './mutant.js';

const sourceOf = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

describe('bugs of membership and transfer', () => {
  it.each(MEMBERSHIP.map((bug) => [bug.id, bug] as const))('%s can be planted', (_id, { edits }) => {
    for (const { file } of edits) {
      const source = sourceOf(file);

      const planted = applyEdits(file, source, edits);

      expect(planted).not.toBe(source);
    }
  });

  it('have names of their own', () => {
    const ids = [...BUGS, ...MEMBERSHIP].map(({ id }) => id);

    expect(new Set(ids).size).toBe(ids.length);
  });
});
