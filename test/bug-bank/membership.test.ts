/** Some of these bugs take storms a long time, and have no seed in the ordinary tests: all are held against the code as it is. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
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
});
