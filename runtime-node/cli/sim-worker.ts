/** A worker thread of `wavetank sim`: runs the scenarios that it is given, and reports each. */

import { parentPort, workerData } from 'node:worker_threads';
import { runOnceOrTwice, type Scenario, type SeedResult } from '../../sim/index.js';
import { loadSystem } from './system-file.js';

export interface WorkerSettings {
  readonly systemFile: string | undefined;
  readonly profile: string;
  /** Of a hundred seeds, so many are run twice. */
  readonly recheckPercent: number;
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
  port.on('message', (task: Task) => {
    if (task === 'stop') {
      port.close();
      return;
    }
    const say = (scenario: Scenario, place: number): void =>
      port.postMessage({
        result: runOnceOrTwice(system, scenario, settings.recheckPercent),
        place,
      } satisfies WorkerWord);
    if ('seeds' in task) task.seeds.forEach((seed, place) => say(system.storm(seed), place));
    else say(task.scenario, task.place);
    port.postMessage('done' satisfies WorkerWord);
  });
}
