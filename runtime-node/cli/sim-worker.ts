/** A worker thread of `wavetank sim`: runs the scenarios that it is given, and reports each. */

import { parentPort, workerData } from 'node:worker_threads';
import { divergenceOf, runSystem, type Scenario, type SeedResult } from '../../sim/index.js';
import { loadSystem } from './system-file.js';

export interface WorkerSettings {
  readonly systemFile: string | undefined;
  readonly profile: string;
  /** Every so many seeds, one is run twice; 0 for none. */
  readonly recheckEvery: number;
}

/** What a worker is given: seeds to draw scenarios from, or one scenario that has a place among others. */
export type Task =
  { readonly seeds: readonly number[] } | { readonly scenario: Scenario; readonly place: number } | 'stop';

/** What it says: what came of each, in order, then that it wants more. */
export type WorkerWord = { readonly result: SeedResult; readonly place: number } | 'done';

const settings = workerData as WorkerSettings;
const port = parentPort;
if (port !== null) {
  const system = await loadSystem(settings.systemFile, settings.profile);
  const runOne = (scenario: Scenario): SeedResult => {
    const report = runSystem(system, scenario);
    const rechecked = settings.recheckEvery > 0 && scenario.seed % settings.recheckEvery === 0;
    return { report, rechecked, divergence: rechecked ? divergenceOf(system, scenario, report) : undefined };
  };
  port.on('message', (task: Task) => {
    if (task === 'stop') {
      port.close();
      return;
    }
    const say = (scenario: Scenario, place: number): void =>
      port.postMessage({ result: runOne(scenario), place } satisfies WorkerWord);
    if ('seeds' in task) task.seeds.forEach((seed, place) => say(system.storm(seed), place));
    else say(task.scenario, task.place);
    port.postMessage('done' satisfies WorkerWord);
  });
}
