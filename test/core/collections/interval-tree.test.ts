import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  forEachOverlapping,
  intervalAdded,
  intervalOfPrefix,
  intervalRemoved,
  successor,
  type Interval,
  type IntervalTree,
} from '../../../core/collections/interval-tree.js';
import { deepFreeze } from '../support/pure.js';

const text = fc.oneof(
  fc.nat(200).map((n) => n.toString(6)),
  fc.constantFrom('', '\0', 'a', 'a\0', '￿', '￿￿', 'a￿', '\ud800'),
);
const interval: fc.Arbitrary<Interval> = fc.record({ from: text, to: fc.option(text, { nil: undefined }) });

const changes = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: interval }) },
    { weight: 1, arbitrary: fc.record({ remove: fc.nat() }) },
  ),
  { maxLength: 120, size: 'max' },
);

function found(tree: IntervalTree<number>, wanted: Interval): readonly number[] {
  const numbers: number[] = [];
  forEachOverlapping(tree, wanted, (number) => numbers.push(number) > 0);
  return numbers;
}

function heightOf(tree: IntervalTree<number>): number {
  return tree === undefined ? 0 : 1 + Math.max(heightOf(tree.left), heightOf(tree.right));
}

const holds = ({ from, to }: Interval, key: string): boolean => key >= from && (to === undefined || key < to);

/** Half-open intervals overlap where the later of the two beginnings lies in both. */
function overlap(a: Interval, b: Interval): boolean {
  const begin = a.from > b.from ? a.from : b.from;
  return holds(a, begin) && holds(b, begin);
}

describe('a tree of intervals', () => {
  it('finds those that overlap, and no others, in the order in which they begin', () => {
    fc.assert(
      fc.property(changes, fc.array(interval, { maxLength: 8 }), (made, asked) => {
        let tree: IntervalTree<number>;
        let model: { readonly number: number; readonly interval: Interval }[] = [];
        made.forEach((change, number) => {
          deepFreeze(tree);
          if ('add' in change) {
            tree = intervalAdded(tree, change.add, number, number);
            model.push({ number, interval: change.add });
          } else if (model.length > 0) {
            const gone = model[change.remove % model.length];
            model = model.filter((one) => one !== gone);
            if (gone !== undefined) tree = intervalRemoved(tree, gone.interval.from, gone.number);
          }
        });
        model.sort((a, b) =>
          a.interval.from === b.interval.from
            ? a.number - b.number
            : a.interval.from < b.interval.from
              ? -1
              : 1,
        );
        for (const wanted of asked) {
          const expected = model.filter((one) => overlap(one.interval, wanted)).map(({ number }) => number);
          expect(found(tree, wanted)).toEqual(expected);
        }
      }),
    );
  });

  it('is as it was when something is removed that it does not hold', () => {
    const tree = intervalAdded(undefined, { from: 'a', to: 'b' }, 1, 1);

    expect(intervalRemoved(tree, 'a', 2)).toBe(tree);
    expect(intervalRemoved(tree, 'a', 1)).toBeUndefined();
  });

  it('stays flat, whatever the order in which it grows', () => {
    let tree: IntervalTree<number>;
    for (let number = 0; number < 4096; number += 1) {
      const key = String(number).padStart(6, '0');
      tree = intervalAdded(tree, { from: key, to: successor(key) }, number, number);
    }

    expect(heightOf(tree)).toBeLessThan(48);
  });
});

describe('the interval of a prefix', () => {
  it('holds the texts that begin so, and no others', () => {
    fc.assert(
      fc.property(text, text, text, (prefix, rest, other) => {
        const all = intervalOfPrefix(prefix);
        expect(holds(all, prefix + rest)).toBe(true);
        expect(holds(all, other)).toBe(other.startsWith(prefix));
      }),
    );
  });
});
