/** Files that outlive a failing run: its scenario, and a trace of it. */

import { writeFileSync } from 'node:fs';
import {
  formatTrace,
  recordRun,
  type KeyValueScenario,
  type Scenario,
  type TraceAbout,
  type TraceLine,
} from '../../sim/index.js';
import { packageVersion } from '../observe/version.js';

/** Writes what every node does in a run of our own system. */
export function writeTrace(file: string, scenario: Scenario): void {
  const ours = scenario as KeyValueScenario;
  const { report, lines } = recordRun(ours);
  const failure = report.failure ?? null;
  const about = `seed ${ours.seed}: ${failure?.property ?? 'all holds'}`;
  writeFileSync(file, traceText({ about, scenario: ours, failure }, lines));
}

/** A trace as this version of the program writes it. */
export function traceText(about: Omit<TraceAbout, 'version'>, lines: readonly TraceLine[]): string {
  return formatTrace({ version: packageVersion(), ...about }, lines);
}

/** Writes the scenario of a failure and, for our own system, a trace of it. Gives the lines that say so. */
export function writeFailure(scenario: Scenario): string {
  const name = `wavetank-failure-${scenario.seed}`;
  writeFileSync(`${name}.json`, `${JSON.stringify(scenario, null, 2)}\n`);
  const lines = [`scenario   ${name}.json (run it again: npx wavetank sim --scenario ${name}.json)`];
  if (scenario.system === 'key-value') {
    writeTrace(`${name}.jsonl`, scenario);
    lines.push(`trace      ${name}.jsonl (look into it: npx wavetank replay ${name}.jsonl)`);
  }
  return lines.join('\n');
}
