/** The laws that hold of locks where there are no faults, and runs in which many wait for a few of them. */

import { describe, expect, it } from 'vitest';
import { nodeId, wallMs } from '../../../core/machine/units.js';
import { scenarioOf } from '../../../sim/faults/profiles.js';
import { run } from '../../../sim/key-value/system.js';
import type { Attempt } from '../../../sim/key-value/transactions/attempt.js';
import { watchLocks } from '../../../sim/key-value/transactions/lock-watch.js';

const attempt = (id: number): Attempt => ({
  id,
  client: `${id}.0`,
  kind: 'knots',
  mode: 'pessimistic',
  invokedAt: 0,
  answeredAt: undefined,
  ending: 'unknown',
  did: [],
  sights: [],
  contradiction: undefined,
  askedToCommit: false,
});

const session = (i: number) => ({ node: nodeId(1), wall: wallMs(i), counter: 0 });

/** Three attempts of three clients, each with a session. */
function watching() {
  const clock = { us: 0 };
  const watch = watchLocks(() => clock.us);
  const all = [attempt(0), attempt(1), attempt(2)] as const;
  all.forEach((one, i) => watch.begun(one, session(i)));
  return {
    clock,
    watch,
    all,
    /** The `i`th is told again that the other one is in its way. */
    refuse: (i: 0 | 1 | 2, by: number, lock = 'k') => watch.refused(all[i], lock, session(by)),
  };
}

describe('those who wait for each other in a circle', () => {
  it('may do so for a second, and no longer', () => {
    const { clock, refuse } = watching();
    const everybody = (): void => ([0, 1, 2] as const).forEach((i) => refuse(i, (i + 1) % 3));
    everybody();
    clock.us = 1_000_000;
    everybody();
    clock.us = 1_000_001;

    expect(everybody).toThrow(
      'the transactions 0 (for k), 1 (for k), 2 (for k) wait for each other since 1000',
    );
  });

  it('have time from when the circle was closed', () => {
    const { clock, refuse } = watching();
    refuse(0, 1);
    clock.us = 900_000;
    refuse(1, 0);
    clock.us = 1_900_000;
    refuse(0, 1);
    refuse(1, 0);
    refuse(1, 2);
    clock.us = 3_000_000;

    expect(() => refuse(0, 1)).not.toThrow();
  });

  it.each(['given', 'over'] as const)('wait no more when one of them has got on: %s', (how) => {
    const { clock, refuse, watch, all } = watching();
    refuse(0, 1);
    refuse(1, 0);
    if (how === 'over') watch.over(all[1]);
    else watch.given(all[1], 'k');
    clock.us = 5_000_000;

    expect(() => refuse(0, 1)).not.toThrow();
  });
});

describe('whoever waits for a lock', () => {
  it('lets everybody pass once, who may have been before in line, and nobody twice', () => {
    const { watch, refuse, all } = watching();
    refuse(0, 1);
    watch.given(all[1], 'k');
    watch.given(all[2], 'k');
    watch.given(all[1], 'elsewhere');

    expect(() => watch.given(all[1], 'k')).toThrow(
      'transaction 0 waits for k since 0 ms, and client 1.0 has got',
    );
  });

  it('counts anew when he waits the next time', () => {
    const { watch, refuse, all } = watching();
    refuse(0, 1);
    watch.given(all[1], 'k');
    watch.given(all[0], 'k');
    refuse(0, 1);

    expect(() => watch.given(all[1], 'k')).not.toThrow();
  });
});

describe('a sea without faults', () => {
  it.each([1, 2])('where clients lock keys in any order, nobody waits in a circle: seed %d', (seed) => {
    const { verdict, failure, reached } = run(scenarioOf('knots', seed));

    expect([verdict, failure]).toEqual(['valid', undefined]);
    expect(reached['a victim of a deadlock']).toBeGreaterThan(20);
  });

  it.each([1, 2])('where all clients want one lock, everybody gets it in his turn: seed %d', (seed) => {
    const { verdict, failure, reached } = run(scenarioOf('line', seed));

    expect([verdict, failure]).toEqual(['valid', undefined]);
    expect(reached['a lock of another transaction was in the way']).toBeGreaterThan(20);
    expect(reached['a victim of a deadlock']).toBeUndefined();
  });
});
