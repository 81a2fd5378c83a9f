/**
 * Storms for fast-check: the scenario of a drawn seed, which shrinks as `shrink` would shrink it.
 *
 * fast-check would shrink the seed, which means nothing. Here a counterexample becomes fewer faults, fewer operations and
 * plainer conditions, in the order in which the shrinker tries them.
 */

import { Arbitrary, Stream, Value, type Random } from 'fast-check';
import { scenarioOf, type ProfileName } from '../faults/profiles.js';
import { parseScenario } from '../faults/schema.js';
import type { KeyValueScenario, KeyValueSettings } from '../key-value/settings.js';
import { smallerKeyValue } from '../key-value/smaller.js';
import { passesOf } from '../shrink/shrink.js';
import type { Hand, Steps } from '../shrink/steps.js';

/**
 * The storm of a seed under a profile; by default under the one that has everything.
 *
 * @example fc.assert(fc.property(storm(), (scenario) => run(scenario).verdict === 'valid'))
 */
export function storm(profile: ProfileName = 'storm'): Arbitrary<KeyValueScenario> {
  return shrinking((random) => scenarioOf(profile, random.nextInt(0, 0x7fff_ffff)));
}

/** Any way to draw scenarios, with our way to shrink them. */
export function shrinking(drawn: (random: Random) => KeyValueScenario): Arbitrary<KeyValueScenario> {
  return new ScenarioArbitrary(drawn);
}

/** A walk through candidates that stands at one of them, and goes on from there if that one is taken. */
interface Standing {
  readonly walk: Steps<KeyValueSettings>;
  isUsed: boolean;
}

class ScenarioArbitrary extends Arbitrary<KeyValueScenario> {
  constructor(private readonly drawn: (random: Random) => KeyValueScenario) {
    super();
  }

  override generate(random: Random): Value<KeyValueScenario> {
    return new Value(this.drawn(random), undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is KeyValueScenario {
    return parseScenario(value).ok;
  }

  override shrink(scenario: KeyValueScenario, context: unknown): Stream<Value<KeyValueScenario>> {
    const standing = context as Standing | undefined;
    if (standing === undefined || standing.isUsed) return new Stream(candidates(walkFrom(scenario), false));
    standing.isUsed = true;
    return new Stream(candidates(standing.walk, true));
  }
}

/** The candidates of a walk, as long as none is taken. */
function* candidates(
  walk: Steps<KeyValueSettings>,
  wasTaken: boolean,
): IterableIterator<Value<KeyValueScenario>, undefined> {
  let next = wasTaken ? walk.next(true) : walk.next();
  while (next.done !== true) {
    const standing: Standing = { walk, isUsed: false };
    yield new Value(next.value.scenario as KeyValueScenario, standing);
    // Whoever went on from here has the walk now.
    if (standing.isUsed) return undefined;
    next = walk.next(false);
  }
  return undefined;
}

/** All passes in turn, again and again until a round gives nothing. */
function* walkFrom(scenario: KeyValueScenario): Steps<KeyValueSettings> {
  const hand: Hand<KeyValueSettings> = { best: scenario, failure: undefined };
  const refused = new Set<string>();
  const passes = passesOf<KeyValueSettings>({ smaller: smallerKeyValue });
  for (let goOn = true; goOn;) {
    const before = hand.best;
    for (const pass of passes) {
      const tries = pass.steps(hand);
      for (let next = tries.next(); next.done !== true;) {
        const text = JSON.stringify(next.value.scenario);
        const isNew = !refused.has(text) && text !== JSON.stringify(hand.best);
        const isTaken = isNew && (yield next.value);
        if (!isTaken) refused.add(text);
        next = tries.next(isTaken);
      }
    }
    goOn = hand.best !== before;
  }
}
