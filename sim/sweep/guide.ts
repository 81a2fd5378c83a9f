/**
 * A guide: chooses the next scenario by what the earlier ones reached.
 *
 * Greybox fuzzing (as in AFLFast) with scenarios for inputs. Rare things come together: of all that fewer than a tenth of
 * storms reach, half is reached by the fifth that reaches most of it, and what one storm reached, its neighbours reach
 * several times as often as strangers do. So a guide takes a scenario that reached much that is rare, or one thing that is,
 * and tries its neighbours: the same storm with other luck or over another sea, or with a few faults changed. A third of
 * all scenarios remain fresh storms, for neighbours have no other settings: guided, nothing needs more than three times
 * as many runs as otherwise.
 *
 * Most of what a storm reaches hangs on its settings, which neighbours share. So where a system has storms of several
 * flavours, a third of the scenarios are of those, each as often as it has been worth it: a bandit with an arm for each,
 * that pays for every rare thing that is reached.
 */

import { changesMembers, type Fault } from '../faults/fault.js';
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
const FRESH = 350_000;
/** Where there are flavours, so many are of those, and of the others so many are fresh storms: a third each. */
const FLAVOURED = 333_333;
const FRESH_OF_THE_OTHERS = 500_000;
/** What fewer than one of so many runs reached is rare. */
const RARE = 10;
/** So many scenarios are remembered for each rare feature, and in all: the latest. */
const BEARERS = 8;
const REMEMBERED = 512;
/** Of so many that are drawn, the one that reached most of what is rare is taken. */
const ROUNDS = 6;

interface Memory<Settings> {
  readonly scenario: Scenario<Settings>;
  readonly reached: readonly string[];
}

/** One thing that can be reached. */
interface Feature<Settings> {
  runs: number;
  readonly bearers: Scenario<Settings>[];
}

/** Storms of one flavour, and what came of them. */
interface Arm<Settings> {
  readonly storm: (seed: number) => Scenario<Settings>;
  runs: number;
  /** Rare things that they reached. */
  paid: number;
}

type Features<Settings> = ReadonlyMap<string, Feature<Settings>>;

export function createGuide<Settings, S, M, Q, A, D>(
  system: Pick<System<Settings, S, M, Q, A, D>, 'storm' | 'flavours'>,
  seed: number,
): Guide<Settings> {
  const stream = streamOf(seed, 'guide');
  // What was reached under which fault comes in so many kinds that nearly every storm is the first to reach some: it counts
  // only for a system of which little else is known.
  const plain = new Map<string, Feature<Settings>>();
  const combined = new Map<string, Feature<Settings>>();
  const memories: Memory<Settings>[] = [];
  const arms: readonly Arm<Settings>[] = (system.flavours ?? []).map((storm) => ({
    storm,
    runs: 0,
    paid: 0,
  }));
  const armOf = new WeakMap<Scenario<Settings>, Arm<Settings>>();
  const flavoured = (number: number): Scenario<Settings> => {
    const arm = drawArm(arms, stream, number);
    const scenario = arm.storm(seed + number - 1);
    armOf.set(scenario, arm);
    // Counted when it is given out: what comes of it may be told only when many more have been.
    arm.runs += 1;
    return scenario;
  };
  let runs = 0;
  return {
    next(number) {
      const fresh = system.storm(seed + number - 1);
      const isWarm = runs >= WARM_UP;
      if (arms.length > 0 && (isWarm ? drawChance(stream, FLAVOURED, number, 4) : number % 2 === 0)) {
        return flavoured(number);
      }
      if (!isWarm || drawChance(stream, arms.length > 0 ? FRESH_OF_THE_OTHERS : FRESH, number, 1))
        return fresh;
      const features = [plain, combined].find((all) => rareOf(all, runs).length > 0);
      if (features === undefined) return fresh;
      const parent =
        (drawBelow(stream, 2, number, 2) === 0
          ? mostSurprising(memories, features, runs, stream, number)
          : undefined) ?? bearerOf(rareOf(features, runs), stream, number);
      return neighbour(parent, fresh, stream, number);
    },
    learn(scenario, { reached }) {
      runs += 1;
      const arm = armOf.get(scenario);
      const news: string[] = [];
      for (const name of Object.keys(reached)) {
        const features = name.includes(' · ') ? combined : plain;
        let feature = features.get(name);
        if (feature === undefined) {
          features.set(name, (feature = { runs: 0, bearers: [] }));
          news.push(name);
        }
        feature.runs += 1;
        if (arm !== undefined && features === plain && isRare(feature, runs)) arm.paid += 1;
        if (runs <= WARM_UP || isRare(feature, runs)) remember(feature.bearers, scenario, BEARERS);
      }
      remember(memories, { scenario, reached: Object.keys(reached) }, REMEMBERED);
      return news;
    },
  };
}

/** An arm that has not been tried yet, in their order; or one of them all, each the more likely the more it paid. */
function drawArm<Settings>(arms: readonly Arm<Settings>[], stream: Stream, number: number): Arm<Settings> {
  const untried = arms.find(({ runs }) => runs === 0);
  if (untried !== undefined) return untried;
  const chances = arms.map(({ runs, paid }) => 1 + Math.floor((CHANCES_FOR_PAY * paid) / runs));
  let drawn = drawBelow(
    stream,
    chances.reduce((sum, each) => sum + each, 0),
    number,
    5,
  );
  const place = chances.findIndex((each) => (drawn -= each) < 0);
  return arms[place] as Arm<Settings>;
}

/** For each rare thing that it reaches in a run, on average, an arm has so many more chances. */
const CHANCES_FOR_PAY = 4;

function rareOf<Settings>(features: Features<Settings>, runs: number): readonly Feature<Settings>[] {
  return [...features.values()].filter((feature) => isRare(feature, runs));
}

function isRare({ runs }: Feature<unknown>, of: number): boolean {
  return runs * RARE <= of;
}

function remember<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}

/** One of the scenarios that reached a rare feature; each such feature is drawn equally often. */
function bearerOf<Settings>(
  rare: readonly Feature<Settings>[],
  stream: Stream,
  number: number,
): Scenario<Settings> {
  return drawOne(stream, drawOne(stream, rare, number, 10).bearers, number, 11);
}

/** Of a few scenarios that are drawn, the one that reached most of what is rare; undefined when all were common. */
function mostSurprising<Settings>(
  memories: readonly Memory<Settings>[],
  features: Features<Settings>,
  runs: number,
  stream: Stream,
  number: number,
): Scenario<Settings> | undefined {
  let best: Scenario<Settings> | undefined;
  let most = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { scenario, reached } = drawOne(stream, memories, number, 20 + round);
    const surprise = surpriseOf(reached, features, runs);
    if (surprise > most) [best, most] = [scenario, surprise];
  }
  return best;
}

/** How much rarer than common all that was reached is, in doublings. */
function surpriseOf(reached: readonly string[], features: Features<unknown>, runs: number): number {
  let surprise = 0;
  for (const name of reached) {
    const feature = features.get(name);
    if (feature !== undefined) surprise += 31 - Math.clz32(Math.floor(runs / feature.runs));
  }
  return surprise;
}

/** A scenario with the settings of `parent` and something else that is not its own. */
function neighbour<Settings>(
  parent: Scenario<Settings>,
  fresh: Scenario<Settings>,
  stream: Stream,
  number: number,
): Scenario<Settings> {
  const luck = { ...parent, seed: fresh.seed };
  switch (drawOne(stream, ['luck', 'sea', 'faults'] as const, number, 3)) {
    case 'luck':
      return luck;
    case 'sea': {
      // Not its clocks: the settings, which stay, may rest on how true they are.
      const { network, disk, host, bends } = fresh;
      return { ...luck, network, disk, host, bends };
    }
    case 'faults':
      return { ...luck, faults: changeFaults(parent, strangers(fresh, parent), stream, number) };
  }
}

/** What may stand in a schedule once, and where it was planned. */
function happensOnce(fault: Fault): boolean {
  return fault.type === 'BitRot' || fault.type === 'LoseDisk' || changesMembers(fault);
}

/** The settings of a scenario may rest on how true its clocks are. */
function skewsClocks({ type }: Fault): boolean {
  return type === 'ClockJump' || type === 'ClockFreeze' || type === 'ClockDrift';
}

/**
 * The faults of another scenario that may strike in this one: they find the nodes and groups that they name, are over
 * before the calm, and destroy nothing, so that the schedule does not come to ask the impossible.
 */
function strangers(from: Scenario, to: Scenario): readonly Fault[] {
  if (from.nodes !== to.nodes || from.spares !== to.spares) return [];
  const groups = groupsNamed(to);
  return from.faults.filter(
    (fault) =>
      !happensOnce(fault) && !skewsClocks(fault) && endOf(fault) <= to.calm.atMs && ledGroup(fault) <= groups,
  );
}

function endOf(fault: Fault): number {
  return 'untilMs' in fault ? fault.untilMs : fault.atMs + 1;
}

/** The group whose leader a fault strikes; 0 for one that strikes nobody for leading. */
function ledGroup(fault: Fault): number {
  if (fault.type === 'Transfer') return fault.group;
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
  const changes = 1 + drawBelow(stream, 4, number, 6);
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
        if (chosen !== undefined && !happensOnce(chosen)) {
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
