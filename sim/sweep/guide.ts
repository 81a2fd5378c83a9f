/**
 * A guide: chooses the next scenario by what the earlier ones reached.
 *
 * Greybox fuzzing (as in AFLFast) with scenarios for inputs. What was reached in few runs leads to where few runs come:
 * so a guide draws a rare feature, takes a scenario that reached it, and tries its neighbours: the same storm with
 * other luck, another storm over the same cluster, its schedule changed in a few places, or gone on with as another's.
 * Half of all scenarios remain fresh storms, for no neighbour has other settings: a guided sweep never needs more than
 * twice as many runs as a plain one.
 */

import type { Fault } from '../faults/fault.js';
import type { Scenario } from '../faults/scenario.js';
import type { Report } from '../system/run.js';
import type { System } from '../system/system.js';
import { draw, drawBelow, drawChance, drawOne, streamOf, type Stream } from '../world/chance.js';

export interface Guide<Settings> {
  /** The `number`th scenario, counted from 1: a fresh storm, or a neighbour of one that reached something rare. */
  next(number: number): Scenario<Settings>;
  /** Tells the guide what came of a scenario. Gives what it reached that none had reached before. */
  learn(scenario: Scenario<Settings>, report: Report): readonly string[];
}

/** So many storms are fresh before anything can be called rare. */
const WARM_UP = 32;
/** Of a million scenarios after them, so many are fresh storms. */
const FRESH = 500_000;
/** What fewer than one of so many runs reached is rare. */
const RARE = 10;
/** So many scenarios are remembered for each feature, the latest. */
const REMEMBERED = 8;
/** Of a million neighbours, so many are those of a scenario that reached something under a rare fault. */
const COMBINED = 200_000;

/** What is known of one thing that can be reached. */
interface Feature<Settings> {
  runs: number;
  readonly bearers: Scenario<Settings>[];
}

export function createGuide<Settings, S, M, Q, A, D>(
  system: Pick<System<Settings, S, M, Q, A, D>, 'storm'>,
  seed: number,
): Guide<Settings> {
  const stream = streamOf(seed, 'guide');
  let runs = 0;
  /** What was reached, whatever went on; and the same together with a fault that was under way. */
  const plain = new Map<string, Feature<Settings>>();
  const combined = new Map<string, Feature<Settings>>();
  return {
    next(number) {
      const fresh = system.storm(seed + number - 1);
      if (runs < WARM_UP || drawChance(stream, FRESH, number, 1)) return fresh;
      const isCombined = drawChance(stream, COMBINED, number, 2);
      const parent =
        chooseBearer(isCombined ? combined : plain, runs, stream, number, 10) ??
        chooseBearer(combined, runs, stream, number, 10);
      if (parent === undefined) return fresh;
      const other = chooseBearer(plain, runs, stream, number, 20) ?? fresh;
      return neighbour(parent, fresh, other, stream, number);
    },
    learn(scenario, report) {
      runs += 1;
      const news: string[] = [];
      for (const name of Object.keys(report.reached)) {
        const features = name.includes(' · ') ? combined : plain;
        let feature = features.get(name);
        if (feature === undefined) {
          features.set(name, (feature = { runs: 0, bearers: [] }));
          news.push(name);
        }
        feature.runs += 1;
        if (feature.runs * RARE > runs && runs > WARM_UP) continue;
        feature.bearers.push(scenario);
        if (feature.bearers.length > REMEMBERED) feature.bearers.shift();
      }
      return news;
    },
  };
}

/** One of the scenarios that reached a rare feature; each such feature is drawn equally often. */
function chooseBearer<Settings>(
  features: ReadonlyMap<string, Feature<Settings>>,
  runs: number,
  stream: Stream,
  number: number,
  salt: number,
): Scenario<Settings> | undefined {
  const rare = [...features.values()].filter((feature) => feature.runs * RARE <= runs);
  if (rare.length === 0) return undefined;
  const { bearers } = rare[drawBelow(stream, rare.length, number, salt)] as Feature<Settings>;
  return bearers[drawBelow(stream, Math.max(1, bearers.length), number, salt + 1)];
}

/** A scenario with the settings of `parent` and something else that is not its own. */
function neighbour<Settings>(
  parent: Scenario<Settings>,
  fresh: Scenario<Settings>,
  other: Scenario<Settings>,
  stream: Stream,
  number: number,
): Scenario<Settings> {
  const luck = { ...parent, seed: fresh.seed };
  switch (drawOne(stream, ['luck', 'storm', 'end', 'places', 'places'] as const, number, 3)) {
    case 'luck':
      return luck;
    case 'storm':
      return { ...luck, faults: inOrder([...strangers(fresh, parent), ...parent.faults.filter(destroys)]) };
    case 'end': {
      const fromMs = drawBelow(stream, parent.calm.atMs, number, 4);
      const begun = parent.faults.filter((fault) => fault.atMs < fromMs || destroys(fault));
      return { ...luck, faults: inOrder([...begun, ...strangers(other, parent, fromMs)]) };
    }
    case 'places': {
      const faults = changeFaults(parent, strangers(fresh, parent), stream, number);
      return { ...(drawBelow(stream, 3, number, 5) === 0 ? parent : luck), faults };
    }
  }
}

function destroys({ type }: Fault): boolean {
  return type === 'BitRot' || type === 'LoseDisk';
}

/**
 * The faults of another scenario, from a moment on, that may strike in this one: they find the nodes and groups that they
 * name, are over before the calm, and destroy nothing, so that the schedule does not come to ask the impossible.
 */
function strangers(from: Scenario, to: Scenario, fromMs = 0): readonly Fault[] {
  if (from.nodes !== to.nodes) return [];
  const groups = groupsNamed(to);
  return from.faults.filter(
    (fault) =>
      !destroys(fault) && fault.atMs >= fromMs && endOf(fault) <= to.calm.atMs && ledGroup(fault) <= groups,
  );
}

function endOf(fault: Fault): number {
  return 'untilMs' in fault ? fault.untilMs : fault.atMs + 1;
}

/** The group whose leader a fault strikes; 0 for one that strikes nobody for leading. */
function ledGroup(fault: Fault): number {
  return 'target' in fault && 'leaderOf' in fault.target ? fault.target.leaderOf : 0;
}

/** How many groups there are at least: a scenario's settings are not the guide's to read. */
function groupsNamed({ faults }: Scenario): number {
  return Math.max(0, ...faults.map(ledGroup));
}

function inOrder(faults: readonly Fault[]): readonly Fault[] {
  return faults.toSorted((a, b) => a.atMs - b.atMs);
}

function changeFaults(
  { faults, calm }: Scenario,
  others: readonly Fault[],
  stream: Stream,
  number: number,
): readonly Fault[] {
  let changed = [...faults];
  const changes = 1 + drawBelow(stream, 6, number, 6);
  for (let i = 0; i < changes; i += 1) {
    const salt = 100 + i * 8;
    const place = drawBelow(stream, Math.max(1, changed.length), number, salt);
    const chosen = changed[place];
    switch (drawBelow(stream, 4, number, salt + 1)) {
      case 0:
        changed = changed.filter((_, at) => at !== place);
        break;
      case 1: {
        const stranger = others[drawBelow(stream, Math.max(1, others.length), number, salt + 2)];
        if (stranger !== undefined) changed.push(stranger);
        break;
      }
      case 2:
        if (chosen !== undefined) changed[place] = shift(chosen, draw(stream, number, salt + 3), calm.atMs);
        break;
      default:
        // What was worth reaching once is tried again soon after.
        if (chosen !== undefined && !destroys(chosen)) {
          changed.push(shift(chosen, draw(stream, number, salt + 4), calm.atMs));
        }
    }
  }
  return inOrder(changed);
}

/** The same fault up to a second earlier or later, still inside the storm. */
function shift(fault: Fault, chance: number, calmAtMs: number): Fault {
  const lastMs = 'untilMs' in fault ? fault.untilMs - fault.atMs : 1;
  const atMs = Math.max(0, Math.min(calmAtMs - lastMs, fault.atMs - 1_000 + (chance % 2_001)));
  return 'untilMs' in fault ? { ...fault, atMs, untilMs: atMs + lastMs } : { ...fault, atMs };
}
