/** A worker thread of `wavetank sim`: runs the seeds that it is given, and reports each. */

import { parentPort } from 'node:worker_threads';
import { run, stormScenario } from '../../sim/index.js';

interface Task {
  readonly from: number;
  readonly count: number;
}

parentPort?.on('message', (task: Task | 'stop') => {
  if (task === 'stop') {
    parentPort?.close();
    return;
  }
  for (let seed = task.from; seed < task.from + task.count; seed += 1) {
    parentPort?.postMessage(run(stormScenario(seed)));
  }
  parentPort?.postMessage('done');
});
