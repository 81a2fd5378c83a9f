import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDeadline, dropEarliest, type DeadlineHeap } from '../../../core/collections/deadlines.js';
import { monotonicMs } from '../../../core/machine/units.js';
import { deepFreeze } from '../support/pure.js';

interface Deadline {
  readonly at: number;
  readonly id: number;
}

const deadlines = fc.record({ at: fc.nat(20), id: fc.nat(20) });

function inOrder(a: Deadline, b: Deadline): number {
  return a.at - b.at || a.id - b.id;
}

function heapOf(list: readonly Deadline[]): DeadlineHeap | undefined {
  return list.reduce<DeadlineHeap | undefined>(
    (heap, { at, id }) => deepFreeze(addDeadline(heap, monotonicMs(at), id)),
    undefined,
  );
}

function drain(heap: DeadlineHeap | undefined): readonly Deadline[] {
  const taken: Deadline[] = [];
  for (let rest = heap; rest !== undefined; rest = dropEarliest(rest))
    taken.push({ at: rest.at, id: rest.id });
  return taken;
}

describe('a heap of deadlines', () => {
  it('gives them by time, and by id where times are equal', () => {
    fc.assert(
      fc.property(fc.array(deadlines, { maxLength: 100 }), (list) => {
        const heap = heapOf(list);

        expect(drain(heap)).toEqual([...list].sort(inOrder));
      }),
    );
  });

  it('gives the same order whatever was added and taken before', () => {
    fc.assert(
      fc.property(fc.array(fc.option(deadlines), { maxLength: 100 }), (addedOrTaken) => {
        let heap: DeadlineHeap | undefined;
        let model: readonly Deadline[] = [];

        for (const deadline of addedOrTaken) {
          if (deadline !== null) {
            heap = addDeadline(heap, monotonicMs(deadline.at), deadline.id);
            model = [...model, deadline].sort(inOrder);
          } else if (heap !== undefined) {
            heap = dropEarliest(deepFreeze(heap));
            model = model.slice(1);
          }
        }

        expect(drain(heap)).toEqual(model);
      }),
    );
  });

  it('keeps an earlier version when the earliest is taken', () => {
    const heap = heapOf([
      { at: 3, id: 1 },
      { at: 1, id: 2 },
      { at: 2, id: 3 },
    ]) as DeadlineHeap;

    dropEarliest(heap);

    expect(drain(heap).map(({ id }) => id)).toEqual([2, 3, 1]);
  });

  it('is not slow or deep for deadlines that come in order', () => {
    const ascending = Array.from({ length: 20_000 }, (_, at) => ({ at, id: at }));

    expect(drain(heapOf(ascending))).toEqual(ascending);
    expect(drain(heapOf([...ascending].reverse()))).toEqual(ascending);
  });
});
