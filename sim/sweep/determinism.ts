/**
 * Is a run really a function of its scenario? Run it again and compare, input by input.
 */

import { mixNumber, mixWord } from '../../core/index.js';
import type { Scenario } from '../faults/scenario.js';
import { runSystem, type Report } from '../system/run.js';
import type { System } from '../system/system.js';
import { hashValue } from '../trace/state-hash.js';
import type { Observer } from '../world/world.js';
import type { SeedResult } from './report.js';

/** Runs a scenario, and once more when its seed is one of so many of a hundred, evenly spread, that are compared. */
export function runOnceOrTwice<Settings, S, M, Q, A, D>(
  system: System<Settings, S, M, Q, A, D>,
  scenario: Scenario<Settings>,
  recheckPercent: number,
): SeedResult {
  const report = runSystem(system, scenario);
  const rechecked = recheckPercent > 0 && scenario.seed % Math.ceil(100 / recheckPercent) === 0;
  return { report, rechecked, divergence: rechecked ? divergenceOf(system, scenario, report) : undefined };
}

/** Runs the scenario once more; undefined when nothing differs from the first run's report. */
export function divergenceOf<Settings, S, M, Q, A, D>(
  system: System<Settings, S, M, Q, A, D>,
  scenario: Scenario<Settings>,
  first: Report,
): string | undefined {
  const second = runSystem(system, scenario);
  if (second.hash === first.hash && second.events === first.events && second.verdict === first.verdict) {
    return undefined;
  }
  return firstDivergence(system, scenario) ?? `two runs end with the hashes ${first.hash} and ${second.hash}`;
}

/** The first input at which two runs differ, in words; undefined when they do not. */
export function firstDivergence<Settings, S, M, Q, A, D>(
  system: System<Settings, S, M, Q, A, D>,
  scenario: Scenario<Settings>,
): string | undefined {
  const inputs: number[] = [];
  const outcomes: number[] = [];
  runSystem(system, scenario, {
    observer: (nowUs) =>
      watch(nowUs, (input, outcome) => {
        inputs.push(input);
        outcomes.push(outcome);
      }),
  });
  let found: string | undefined;
  let place = 0;
  runSystem(system, scenario, {
    observer: (nowUs) =>
      watch(nowUs, (input, outcome, words) => {
        if (found === undefined) {
          if (inputs[place] !== input) found = `input ${place + 1} is another in the second run: ${words()}`;
          else if (outcomes[place] !== outcome) {
            found = `input ${place + 1} is the same in both runs, but the node does something else with it: ${words()}`;
          }
        }
        place += 1;
      }),
  });
  if (found === undefined && place !== inputs.length) {
    return `one run has ${inputs.length} inputs, the other ${place}`;
  }
  return found;
}

const LONGEST_INPUT = 400;

function watch<S, M, Q, A, D>(
  nowUs: () => number,
  note: (input: number, outcome: number, words: () => string) => void,
): Observer<S, M, Q, A, D> {
  const see = (node: number, input: unknown, outcome: unknown): void => {
    const words = (): string => {
      const text = JSON.stringify(input, (_, value: unknown) =>
        value instanceof Uint8Array ? [...value] : value,
      );
      return `node ${node} at ${Math.floor(nowUs() / 1_000)} ms is given ${text.slice(0, LONGEST_INPUT)}`;
    };
    note(mixWord(mixNumber(mixNumber(0, nowUs()), node), hashValue(input)), hashValue(outcome), words);
  };
  return {
    started: (node, boot, step) => see(node, boot, [step.state, step.effects]),
    stepped: (node, _before, { now, entropy, events }, step) =>
      see(node, { now, entropy, events }, [step.state, step.effects]),
    synced: () => undefined,
    crashed: (node) => see(node, 'a crash', null),
  };
}
