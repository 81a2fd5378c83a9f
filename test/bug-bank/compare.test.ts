import { describe, expect, it } from 'vitest';
import { BUGS, type Bug } from './bugs.js';
import { comparisonTable, medianOf } from './compare.js';

describe('hunts side by side', () => {
  it('have the middle one for their median, in whatever order they ended', () => {
    expect([medianOf([30, 4, 700]), medianOf([5]), medianOf([9, 1, 2, 800, 3])]).toEqual([30, 5, 3]);
  });

  it('count one that found nothing as the longest', () => {
    expect([medianOf([undefined, 4, 700]), medianOf([undefined, 4, undefined])]).toEqual([700, undefined]);
  });

  it('are shown with every hunt, and with what they were given where they found nothing', () => {
    const bug = BUGS[0] as Bug;
    const compared = { bug, plain: [undefined, undefined, 90], guided: [10, undefined, 30] };

    const table = comparisonTable([compared], { firstSeed: 1, hunts: 3, maxSeeds: 500 });

    expect(table.split('\n').at(-1)).toBe(
      `| \`${bug.id}\` | > 500 | > 500, > 500, 90 | 30 | 10, > 500, 30 |`,
    );
  });
});
