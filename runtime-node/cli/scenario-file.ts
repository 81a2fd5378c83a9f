/** Scenarios from files: plain JSON, or the header of a trace; checked before anything is done with them. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describeProblem, parseScenario, type Scenario, type Systems } from '../../sim/index.js';
import { reasonOf, refuseArguments } from './refuse.js';
import type { AnySystem } from './system-file.js';

const PROBLEMS_SHOWN = 10;

/** The scenario that a file holds for this system; anything else ends the command with what is wrong. */
export function readScenario(file: string, system: AnySystem, command: Command): Scenario {
  let json: unknown;
  try {
    json = scenarioIn(readFileSync(file, 'utf8'));
  } catch (error) {
    return refuseArguments(command, `cannot read ${file}: ${reasonOf(error)}`);
  }
  const parsed = parseScenario(json, systemsOf(system));
  if (parsed.ok) return parsed.scenario;
  const shown = parsed.problems.slice(0, PROBLEMS_SHOWN).map(describeProblem);
  const more = parsed.problems.length - shown.length;
  const lines = more > 0 ? [...shown, `… and ${more} more`] : shown;
  return refuseArguments(command, `${file} holds no scenario that can be run:\n${lines.join('\n')}`);
}

/** A scenario's text is one JSON value; a trace's is one a line, of which the first holds the scenario. */
function scenarioIn(text: string): unknown {
  const [first = ''] = text.split('\n', 1);
  try {
    const header: unknown = JSON.parse(first);
    if (typeof header === 'object' && header !== null && 'wavetank' in header && 'scenario' in header) {
      return header.scenario;
    }
  } catch {
    // A scenario that is written over several lines: its first line is no JSON by itself.
  }
  return JSON.parse(text);
}

/** What is known of a system: of ours all, of one that comes from a file that its settings are its own affair. */
export function systemsOf({ name }: AnySystem): Systems | undefined {
  if (name === 'key-value') return undefined;
  return {
    [name]: {
      settings: { type: 'anything', about: 'What the machines and clients of this system are told.' },
      groups: () => 1,
      versions: 100,
      check: () => [],
    },
  };
}
