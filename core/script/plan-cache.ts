/**
 * Plans of scripts that came before, by what they say.
 *
 * A request that sends a hash wants its plan to be kept. The hash is only that wish: a plan is found by a digest of the text and
 * used only if the text is the same, so that a wrong hash cannot make one script run in the place of another. Bounded in plans and in text; a
 * plan that nobody used for a while goes, and when there is no room new ones are not kept. Nothing of a run is kept.
 */

import { finish, mixText } from '../collections/digest.js';
import {
  emptyOrderedMap,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  type OrderedMap,
} from '../collections/ordered-map.js';
import type { MonotonicMs } from '../machine/units.js';
import type { ScriptLimits } from './limits.js';
import { parseScript } from './parser.js';
import type { Plan } from './plan.js';
import { planScript } from './planner.js';
import type { SyntaxProblem } from './problem.js';

export type PreparedScript =
  | { readonly type: 'Prepared'; readonly plan: Plan }
  | { readonly type: 'Refused'; readonly problem: SyntaxProblem };

/** Parses and plans a script. */
export function prepareScript(source: string, limits?: ScriptLimits): PreparedScript {
  const parsed = parseScript(source, limits);
  return parsed.type === 'Refused' ? parsed : { type: 'Prepared', plan: planScript(parsed.script) };
}

export interface PlanCache {
  readonly limits: PlanCacheLimits;
  /** By digest of the source. */
  readonly plans: OrderedMap<CachedPlan>;
  /** Units of all sources together. */
  readonly sourceLength: number;
  readonly sweptAt: MonotonicMs | undefined;
}

export interface PlanCacheLimits {
  readonly maxPlans: number;
  /** Of all scripts together, in UTF-16 units. A plan takes some tens of times what its text does. */
  readonly maxSourceLength: number;
  /** How long a plan is kept after its latest use, in milliseconds. */
  readonly lifetimeMs: number;
  /** How often those that lapsed are dropped, in milliseconds. */
  readonly sweepEveryMs: number;
}

interface CachedPlan {
  readonly source: string;
  readonly plan: Plan;
  readonly usedAt: MonotonicMs;
}

export const DEFAULT_PLAN_CACHE_LIMITS: PlanCacheLimits = {
  maxPlans: 1_000,
  maxSourceLength: 4 << 20,
  lifetimeMs: 600_000,
  sweepEveryMs: 300_000,
};

export function emptyPlanCache(limits: PlanCacheLimits = DEFAULT_PLAN_CACHE_LIMITS): PlanCache {
  return { limits, plans: emptyOrderedMap(), sourceLength: 0, sweptAt: undefined };
}

export interface PlanWanted {
  readonly source: string;
  /** Absent or empty: the plan is neither looked up nor kept. */
  readonly hash?: string;
  readonly now: MonotonicMs;
  readonly limits?: ScriptLimits;
}

/** The plan of a script, made or found, and the cache that knows of it. Failed parses are not kept. */
export function findPlan(
  cache: PlanCache,
  { source, hash, now, limits }: PlanWanted,
): { readonly cache: PlanCache; readonly prepared: PreparedScript; readonly hit: boolean } {
  if (hash === undefined || hash === '')
    return { cache, prepared: prepareScript(source, limits), hit: false };
  const due = now - (cache.sweptAt ?? now) >= cache.limits.sweepEveryMs;
  const swept = due ? sweep(cache, now) : { ...cache, sweptAt: cache.sweptAt ?? now };
  const digest = digestOf(source);
  const found = mapGet(swept.plans, digest);
  if (found?.source === source && !isLapsed(swept, found, now)) {
    const plans = mapSet(swept.plans, digest, { ...found, usedAt: now });
    return { cache: { ...swept, plans }, prepared: { type: 'Prepared', plan: found.plan }, hit: true };
  }
  const prepared = prepareScript(source, limits);
  if (prepared.type === 'Refused') return { cache: swept, prepared, hit: false };
  return { cache: keep(swept, digest, { source, plan: prepared.plan, usedAt: now }), prepared, hit: false };
}

/** 64 bits of the text. Two texts that share them share a place, of which one is found. */
function digestOf(source: string): string {
  const halves = [mixText(0, source), mixText(0x5bd1_e995, source)];
  return halves.map((half) => finish(half).toString(16).padStart(8, '0')).join('');
}

function keep(cache: PlanCache, digest: string, entry: CachedPlan): PlanCache {
  const cleared = without(cache, digest);
  const roomy = hasRoom(cleared, entry) ? cleared : sweep(cleared, entry.usedAt);
  if (!hasRoom(roomy, entry)) return roomy;
  return {
    ...roomy,
    plans: mapSet(roomy.plans, digest, entry),
    sourceLength: roomy.sourceLength + entry.source.length,
  };
}

function hasRoom({ plans, limits, sourceLength }: PlanCache, { source }: CachedPlan): boolean {
  return plans.size < limits.maxPlans && sourceLength + source.length <= limits.maxSourceLength;
}

function isLapsed({ limits }: PlanCache, { usedAt }: CachedPlan, now: MonotonicMs): boolean {
  return now - usedAt >= limits.lifetimeMs;
}

function without(cache: PlanCache, digest: string): PlanCache {
  const old = mapGet(cache.plans, digest);
  if (old === undefined) return cache;
  const sourceLength = cache.sourceLength - old.source.length;
  return { ...cache, plans: mapDelete(cache.plans, digest), sourceLength };
}

/** Drops all that lapsed. */
function sweep(cache: PlanCache, now: MonotonicMs): PlanCache {
  const lapsed: string[] = [];
  mapForEach(cache.plans, (digest, entry) => {
    if (isLapsed(cache, entry, now)) lapsed.push(digest);
  });
  return { ...lapsed.reduce(without, cache), sweptAt: now };
}
