/**
 * A guide: chooses the next scenario by what the earlier ones reached.
 *
 * Greybox fuzzing (as in AFL) with scenarios for inputs: one that reached something new, or something much more often than
 * any before, is kept, and later ones are changed copies of those as often as they are fresh storms. Two runs that reach
 * the same are the same to it, whatever their seeds.
 */

import { changesMembers, type Fault } from '../faults/fault.js';
import type { Scenario } from '../faults/scenario.js';
import type { Report } from '../system/run.js';
import type { System } from '../system/system.js';
import { draw, drawBelow, drawChance, streamOf, type Stream } from '../world/chance.js';

export interface Guide<Settings> {
  /** The `number`th scenario, counted from 1: fresh, or a changed copy of one that reached something new. */
  next(number: number): Scenario<Settings>;
  /** Tells the guide what came of a scenario. Gives what it reached that none had reached before. */
  learn(scenario: Scenario<Settings>, report: Report): readonly string[];
  /** Scenarios kept so far. */
  kept(): number;
}

/** Of a million scenarios, so many are fresh storms. */
const FRESH = 400_000;

export function createGuide<Settings, S, M, Q, A, D>(
  system: Pick<System<Settings, S, M, Q, A, D>, 'storm'>,
  seed: number,
): Guide<Settings> {
  const stream = streamOf(seed, 'guide');
  /** By feature: the buckets of how often it was reached. */
  const known = new Set<string>();
  const corpus: Scenario<Settings>[] = [];
  const rarity = new Map<string, number>();
  /** For each kept scenario: what it was kept for. */
  const reasons: string[][] = [];
  return {
    kept: () => corpus.length,
    next(number) {
      const fresh = system.storm(seed + number - 1);
      if (corpus.length === 0 || drawChance(stream, FRESH, number, 1)) return fresh;
      return change(chooseParent(corpus, reasons, rarity, stream, number), fresh, stream, number);
    },
    learn(scenario, report) {
      const news: string[] = [];
      for (const [feature, count] of Object.entries(report.reached)) {
        rarity.set(feature, (rarity.get(feature) ?? 0) + 1);
        const bucket = `${feature} ${bucketOf(count)}`;
        if (known.has(bucket)) continue;
        known.add(bucket);
        news.push(feature);
      }
      if (news.length > 0) {
        corpus.push(scenario);
        reasons.push(news);
      }
      return news;
    },
  };
}

/** 1, 2, 3–4, 5–8 … : a little more often is nothing new. */
function bucketOf(count: number): number {
  return 32 - Math.clz32(count - 1);
}

/** The kept scenario whose rarest feature is rarest, of a few that are drawn. */
function chooseParent<Settings>(
  corpus: readonly Scenario<Settings>[],
  reasons: readonly (readonly string[])[],
  rarity: ReadonlyMap<string, number>,
  stream: Stream,
  number: number,
): Scenario<Settings> {
  let best = 0;
  let bestRarity = Number.MAX_SAFE_INTEGER;
  for (let round = 0; round < 4; round += 1) {
    const place = drawBelow(stream, corpus.length, number, 10 + round);
    const rarest = Math.min(...(reasons[place] ?? []).map((feature) => rarity.get(feature) ?? 0));
    if (rarest < bestRarity) {
      best = place;
      bestRarity = rarest;
    }
  }
  return corpus[best] as Scenario<Settings>;
}

/** A copy with another seed for everything that is drawn in the run, and a schedule that is changed in a few places. */
function change<Settings>(
  parent: Scenario<Settings>,
  fresh: Scenario<Settings>,
  stream: Stream,
  number: number,
): Scenario<Settings> {
  const sameCluster = fresh.nodes === parent.nodes && fresh.spares === parent.spares;
  const child = { ...parent, seed: drawBelow(stream, 3, number, 2) === 0 ? parent.seed : fresh.seed };
  const strangers = sameCluster ? fresh.faults.filter((fault) => !happensOnce(fault)) : [];
  const faults = changeFaults(parent, strangers, stream, number);
  if (sameCluster && drawBelow(stream, 4, number, 3) === 0) {
    return { ...child, faults, network: fresh.network, disk: fresh.disk };
  }
  return { ...child, faults };
}

/** What may stand in a schedule once, and where it was planned. */
function happensOnce(fault: Fault): boolean {
  return fault.type === 'BitRot' || fault.type === 'LoseDisk' || changesMembers(fault);
}

function changeFaults<Settings>(
  { faults, calm }: Scenario<Settings>,
  strangers: readonly Fault[],
  stream: Stream,
  number: number,
): readonly Fault[] {
  let changed = [...faults];
  const changes = 1 + drawBelow(stream, 6, number, 4);
  for (let i = 0; i < changes; i += 1) {
    const salt = 100 + i * 8;
    const place = drawBelow(stream, Math.max(1, changed.length), number, salt);
    const chosen = changed[place];
    switch (drawBelow(stream, 4, number, salt + 1)) {
      case 0:
        changed = changed.filter((_, at) => at !== place);
        break;
      case 1: {
        const stranger = strangers[drawBelow(stream, Math.max(1, strangers.length), number, salt + 2)];
        if (stranger !== undefined) changed.push(stranger);
        break;
      }
      case 2:
        if (chosen !== undefined) changed[place] = shift(chosen, draw(stream, number, salt + 3), calm.atMs);
        break;
      default:
        // What was worth reaching once is tried again soon after.
        if (chosen !== undefined && !happensOnce(chosen)) {
          changed.push(shift(chosen, draw(stream, number, salt + 4), calm.atMs));
        }
    }
  }
  return changed.sort((a, b) => a.atMs - b.atMs);
}

/** The same fault up to a second earlier or later, still inside the storm. */
function shift(fault: Fault, chance: number, calmAtMs: number): Fault {
  const lastMs = 'untilMs' in fault ? fault.untilMs - fault.atMs : 1;
  const atMs = Math.max(0, Math.min(calmAtMs - lastMs, fault.atMs - 1_000 + (chance % 2_001)));
  return 'untilMs' in fault ? { ...fault, atMs, untilMs: atMs + lastMs } : { ...fault, atMs };
}
