/** Section 14 of the script specification, and bounds. */

import { describe, expect, it, test } from 'vitest';
import {
  DEFAULT_PLAN_CACHE_LIMITS,
  emptyPlanCache,
  findPlan,
  mapForEach,
  mapSet,
  monotonicMs,
  type PlanCache,
  type PlanCacheLimits,
} from '../../../core/index.js';
import { deepFreeze } from '../support/pure.js';

const HASH = 'any';

function cacheOf(limits: Partial<PlanCacheLimits> = {}): PlanCache {
  return emptyPlanCache({ ...DEFAULT_PLAN_CACHE_LIMITS, ...limits });
}

/** Asks for these scripts one after another, at these times; says which were there. */
function ask(
  cache: PlanCache,
  ...wanted: readonly (readonly [source: string, at: number])[]
): { cache: PlanCache; hits: readonly boolean[] } {
  let kept = deepFreeze(cache);
  const hits = wanted.map(([source, at]) => {
    const found = findPlan(kept, { source, hash: HASH, now: monotonicMs(at) });
    kept = deepFreeze(found.cache);
    return found.hit;
  });
  return { cache: kept, hits };
}

describe('a plan is kept', () => {
  it('and found by what the script says', () => {
    expect(ask(cacheOf(), ['get a', 0], ['get b', 0], ['get a', 1], ['get  a', 1]).hits).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it('as the same plan', () => {
    const first = findPlan(cacheOf(), { source: 'get a', hash: HASH, now: monotonicMs(0) });
    const second = findPlan(first.cache, { source: 'get a', hash: 'another', now: monotonicMs(0) });

    expect(second.prepared).toEqual(first.prepared);
    expect(second.hit).toBe(true);
  });

  it('not without a hash', () => {
    for (const hash of [{}, { hash: '' }]) {
      const { cache, hit } = findPlan(cacheOf(), { source: 'get a', now: monotonicMs(0), ...hash });
      expect(hit).toBe(false);
      expect(cache.plans.size).toBe(0);
    }
  });

  it('not of a text that is no script', () => {
    const { cache, prepared } = findPlan(cacheOf(), { source: 'get', hash: HASH, now: monotonicMs(0) });

    expect(prepared.type).toBe('Refused');
    expect(cache.plans.size).toBe(0);
  });
});

test('two texts with one digest are not taken for each other', () => {
  const { cache } = ask(cacheOf(), ['get a', 0]);
  let plans = cache.plans;
  mapForEach(cache.plans, (digest, entry) => {
    plans = mapSet(plans, digest, { ...entry, source: 'another script' });
  });

  const { cache: after, hits } = ask({ ...cache, plans }, ['get a', 0], ['get a', 0]);

  expect(hits).toEqual([false, true]);
  expect(after.plans.size).toBe(1);
});

describe('a plan goes', () => {
  it('when nobody used it for its lifetime', () => {
    expect(
      ask(cacheOf({ lifetimeMs: 100 }), ['get a', 0], ['get a', 99], ['get a', 198], ['get a', 298]).hits,
    ).toEqual([false, true, true, false]);
  });

  it('from memory, at the next sweep', () => {
    const limits = { lifetimeMs: 100, sweepEveryMs: 300 };

    const before = ask(cacheOf(limits), ['get a', 0], ['get b', 299]).cache;
    const after = ask(before, ['get b', 300]).cache;

    expect(before.plans.size).toBe(2);
    expect(after.plans.size).toBe(1);
    expect(after.sourceLength).toBe(5);
  });
});

describe('there is room', () => {
  it('for so many plans; when it is full new ones are not kept', () => {
    const { cache, hits } = ask(
      cacheOf({ maxPlans: 2 }),
      ['get a', 0],
      ['get b', 0],
      ['get c', 0],
      ['get c', 0],
      ['get a', 0],
    );

    expect(hits).toEqual([false, false, false, false, true]);
    expect(cache.plans.size).toBe(2);
  });

  it('again when others have lapsed, though no sweep was due', () => {
    const limits = { maxPlans: 1, lifetimeMs: 100, sweepEveryMs: 1_000_000 };

    expect(ask(cacheOf(limits), ['get a', 0], ['get b', 100], ['get b', 101]).hits).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('for so much text', () => {
    const { cache } = ask(cacheOf({ maxSourceLength: 12 }), ['get a', 0], ['get b', 0], ['get c', 0]);

    expect(cache.plans.size).toBe(2);
    expect(cache.sourceLength).toBe(10);
  });
});

test('a cache counts what it holds', () => {
  const limits = { maxPlans: 5, lifetimeMs: 50, sweepEveryMs: 20 };
  let cache = cacheOf(limits);
  for (let i = 0; i < 500; i += 1) {
    cache = ask(cache, [`get k${(i * 7) % 11}`, i * 3]).cache;
    expect(cache.plans.size).toBeLessThanOrEqual(5);
  }
  const { cache: swept } = ask(cache, ['get k1', 1_000_000]);
  expect(swept.plans.size).toBe(1);
  expect(swept.sourceLength).toBe('get k1'.length);
});
