import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { monotonicMs } from '../../../core/machine/units.js';
import {
  advance,
  arrive,
  leaveGate,
  nextRefusal,
  OPEN_GATE,
  type Gate,
  type GateSettings,
  type Queued,
} from '../../../core/transactions/admission.js';
import { TRANSACTION_PRIORITIES, type TransactionPriority } from '../../../core/transactions/calls.js';

const SETTINGS: GateSettings = { ceiling: 2, reserved: 1, agingMs: 1_000, maxQueued: 4 };

function queued(number: number, priority: TransactionPriority = 'normal', since = 0, until = 5_000): Queued {
  return { number, priority, since: monotonicMs(since), until: monotonicMs(until) };
}

function admit(gate: Gate, each: Queued, settings = SETTINGS): Gate {
  const arrival = arrive(gate, settings, each);
  if (arrival.type === 'Refused') throw new Error(arrival.reason);
  return arrival.gate;
}

describe('the gate of transactions', () => {
  it('lets everybody pass without a ceiling', () => {
    const settings = { ...SETTINGS, ceiling: 0 };
    let gate = OPEN_GATE;
    for (let i = 0; i < 100; i += 1) gate = admit(gate, queued(i), settings);
    expect(gate.open).toBe(100);
  });

  it('keeps places for what is urgent, which ordinary work never takes, however long it waits', () => {
    let gate = admit(OPEN_GATE, queued(1));
    gate = admit(gate, queued(2, 'normal', 0, 1e6));
    expect(gate).toMatchObject({ open: 1, ordinary: 1 });
    expect(advance(gate, SETTINGS, monotonicMs(100_000)).admitted).toEqual([]);
    expect(arrive(gate, SETTINGS, queued(3, 'high'))).toMatchObject({ type: 'Admitted' });
  });

  it('serves the more urgent first, and of the same the earlier', () => {
    let gate = admit(OPEN_GATE, queued(1));
    gate = admit(gate, queued(2, 'low'));
    gate = admit(gate, queued(3, 'normal'));
    gate = admit(gate, queued(4, 'normal'));
    const { admitted } = advance(leaveGate(gate, 'normal'), SETTINGS, monotonicMs(10));
    expect(admitted.map(({ number }) => number)).toEqual([3]);
  });

  it('moves up those who wait long, to high at most', () => {
    let gate = admit(OPEN_GATE, queued(1));
    gate = admit(gate, queued(2, 'background'));
    gate = admit(gate, queued(3, 'normal', 1_900));
    const { admitted } = advance(leaveGate(gate, 'normal'), SETTINGS, monotonicMs(3_000));
    expect(admitted.map(({ number }) => number)).toEqual([2]);
  });

  it('turns away whom the line cannot take, and who has waited long enough', () => {
    let gate = admit(OPEN_GATE, queued(0));
    for (let i = 1; i <= 4; i += 1) gate = admit(gate, queued(i, 'normal', 0, 100 * i));
    expect(arrive(gate, SETTINGS, queued(9))).toMatchObject({ type: 'Refused' });
    expect(nextRefusal(gate)).toBe(100);
    const { refused } = advance(gate, SETTINGS, monotonicMs(200));
    expect(refused.map(({ number }) => number)).toEqual([1, 2]);
  });

  it('never has more under way than it may, nor ordinary work in the places that are kept', () => {
    const step = fc.record({
      what: fc.constantFrom('arrive', 'leave', 'wait'),
      priority: fc.constantFrom(...TRANSACTION_PRIORITIES),
      ms: fc.nat(2_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (steps, ceiling) => {
        const settings: GateSettings = { ceiling, reserved: 1, agingMs: 500, maxQueued: 5 };
        let gate = OPEN_GATE;
        let now = 0;
        let number = 0;
        const underWay: TransactionPriority[] = [];
        for (const { what, priority, ms } of steps) {
          if (what === 'wait') now += ms;
          if (what === 'leave') {
            const leaving = underWay.shift();
            if (leaving !== undefined) gate = leaveGate(gate, leaving);
          }
          if (what === 'arrive') {
            number += 1;
            const arrival = arrive(gate, settings, queued(number, priority, now, now + 3_000));
            if (arrival.type !== 'Refused') gate = arrival.gate;
            if (arrival.type === 'Admitted') underWay.push(priority);
          }
          const moved = advance(gate, settings, monotonicMs(now));
          gate = moved.gate;
          for (const each of moved.admitted) underWay.push(each.priority);
          const ordinary = underWay.filter((each) => each !== 'high' && each !== 'critical').length;
          expect(gate.open).toBe(underWay.length);
          expect(gate.open).toBeLessThanOrEqual(ceiling);
          expect(ordinary).toBeLessThanOrEqual(ceiling - 1);
          expect(gate.queue.length).toBeLessThanOrEqual(5);
        }
      }),
    );
  });
});
