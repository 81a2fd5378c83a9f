/** Shrinking with real runs of a system. */

import type { Decision, Scenario } from '../faults/scenario.js';
import { runSystem } from '../system/run.js';
import type { System } from '../system/system.js';
import { shrink, type Shrunk, type ShrinkOptions } from './shrink.js';
import type { Found } from './steps.js';

/**
 * Makes a failing scenario of a system small, by running it.
 *
 * @returns undefined when the scenario does not fail.
 */
export function shrinkRun<Settings, S, M, Q, A, D>(
  system: System<Settings, S, M, Q, A, D>,
  scenario: Scenario<Settings>,
  options: ShrinkOptions<Settings> = {},
): Shrunk<Settings> | undefined {
  const { smaller } = system;
  return shrink(scenario, (candidate) => failureOf(system, candidate), {
    fates: (candidate) => fatesOf(system, candidate),
    ...(smaller === undefined ? {} : { smaller: (candidate) => smaller(candidate) }),
    ...options,
  });
}

/** How a scenario fails; undefined when it does not. What a run throws is a failure like any other. */
export function failureOf<Settings, S, M, Q, A, D>(
  system: System<Settings, S, M, Q, A, D>,
  scenario: Scenario<Settings>,
): Found | undefined {
  try {
    const { failure, events } = runSystem(system, scenario);
    return failure === undefined ? undefined : { ...failure, events };
  } catch (error) {
    return { property: 'the run threw', detail: String(error), atUs: scenario.calm.atMs * 1_000 };
  }
}

/** What became of every message of a run, as decisions that would make it so again. */
export function fatesOf<Settings, S, M, Q, A, D>(
  system: System<Settings, S, M, Q, A, D>,
  scenario: Scenario<Settings>,
): readonly Decision[] {
  const fates: Decision[] = [];
  try {
    runSystem(system, scenario, { onFate: (fate) => fates.push(fate) });
  } catch {
    // What was heard until then is what there is; the failure itself is told by `failureOf`.
  }
  return fates;
}
