/** Files that outlive a failing run: its scenario, and a trace of it. */

import { writeFileSync } from 'node:fs';
import {
  formatTrace,
  recordRun,
  type KeyValueScenario,
  type Report,
  type Scenario,
  type SweepFailure,
  type TraceAbout,
  type TraceLine,
} from '../../sim/index.js';
import { packageVersion } from '../observe/version.js';
import { againByFile, type Tried } from './reproduce.js';

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

export function writeScenario(file: string, scenario: Scenario): void {
  writeFileSync(file, `${JSON.stringify(scenario, null, 2)}\n`);
}

/** A failing run, and what it was a run of. */
export interface Finding {
  readonly failure: SweepFailure;
  readonly report: Report;
  readonly scenario: Scenario;
}

/**
 * Writes the scenario of a failure and, where our own system broke something, a trace of it. Gives the lines that say so.
 *
 * @param name of the files, but for its ending.
 */
export function writeFailure({ failure, scenario }: Finding, tried: Tried, name = nameOf(scenario)): string {
  writeScenario(`${name}.json`, scenario);
  const lines = [`scenario   ${name}.json (run it again: ${againByFile(`${name}.json`, failure, tried)})`];
  if (scenario.system === 'key-value' && failure.verdict === 'invalid') {
    writeTrace(`${name}.jsonl`, scenario);
    lines.push(`trace      ${name}.jsonl (look into it: npx wavetank replay ${name}.jsonl)`);
  }
  return lines.join('\n');
}

function nameOf({ seed }: Scenario): string {
  return `wavetank-failure-${seed}`;
}
