import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptyFifo,
  fifoFrom,
  fifoPeek,
  fifoPop,
  fifoPush,
  fifoToArray,
} from '../../../core/collections/fifo.js';
import { deepFreeze } from '../support/pure.js';

describe('a queue', () => {
  it('gives back what was put in, oldest first, and keeps every earlier version', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(9)),
        fc.array(fc.option(fc.nat()), { maxLength: 100 }),
        (start, pushesAndPops) => {
          let queue = deepFreeze(fifoFrom<number>(start));
          let model: readonly number[] = start;
          const versions = [[queue, model] as const];

          for (const pushed of pushesAndPops) {
            queue = deepFreeze(pushed === null ? fifoPop(queue) : fifoPush(queue, pushed));
            model = pushed === null ? model.slice(1) : [...model, pushed];
            versions.push([queue, model]);
          }

          for (const [version, expected] of versions) {
            expect(fifoPeek(version)).toBe(expected[0]);
            expect(fifoToArray(version)).toEqual(expected);
          }
        },
      ),
    );
  });

  it('stays empty when something is taken from an empty one', () => {
    expect(fifoPop(emptyFifo())).toBe(emptyFifo());
    expect(fifoPeek(emptyFifo())).toBeUndefined();
    expect(fifoToArray(emptyFifo())).toEqual([]);
  });
});
