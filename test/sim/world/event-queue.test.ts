import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventQueue, nextTime, popEvent, pushEvent } from '../../../sim/world/event-queue.js';

type Action = { readonly type: 'push'; readonly at: number } | { readonly type: 'pop' };

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('push' as const), at: fc.nat(12) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('pop' as const) }) },
);

describe('the event queue', () => {
  it('is empty at first', () => {
    const queue = createEventQueue<string>();

    expect(nextTime(queue)).toBeUndefined();
    expect(popEvent(queue)).toBeUndefined();
  });

  it('gives events of one time in the order in which they were put in', () => {
    const queue = createEventQueue<number>();

    for (let i = 0; i < 100; i += 1) pushEvent(queue, i % 2, i);
    const popped = Array.from({ length: 100 }, () => popEvent(queue));

    const even = Array.from({ length: 50 }, (_, i) => 2 * i);
    expect(popped).toEqual([...even, ...even.map((i) => i + 1)]);
  });

  it('does what a list that is always kept sorted does', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const queue = createEventQueue<number>();
        let model: { readonly at: number; readonly item: number }[] = [];

        actions.forEach((next, item) => {
          if (next.type === 'push') {
            pushEvent(queue, next.at, item);
            // A stable sort: equal times stay in the order of insertion.
            model = [...model, { at: next.at, item }].sort((a, b) => a.at - b.at);
          } else {
            expect(popEvent(queue)).toBe(model.shift()?.item);
          }
          expect(nextTime(queue)).toBe(model[0]?.at);
        });

        expect(model.map(() => popEvent(queue))).toEqual(model.map(({ item }) => item));
        expect(popEvent(queue)).toBeUndefined();
      }),
    );
  });
});
