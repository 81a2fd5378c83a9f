/**
 * Puts and gets of a real cluster: three processes with sockets and LevelDB, loopback, keys of 16 bytes, values of
 * 256 bytes, over the public HTTP API; load from a separate process on the same machine.
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadResult, LoadTask } from './load.js';
import type { Section } from './table.js';
import { startThreeProcesses } from './three-processes.js';

const OUTSTANDING = [1, 64, 256];
const COMPILE_MS = 8_000;
const WARM_UP_MS = 1_000;
const MEASURED_MS = 5_000;

export async function benchCluster(): Promise<Section> {
  const cluster = await startThreeProcesses();
  const { ports } = cluster;
  try {
    // Just-in-time compilers want some thousand requests before they show what they can do.
    for (const operation of ['put', 'get'] as const) {
      await load({ operation, outstanding: 64, ports, warmUpMs: 0, measuredMs: COMPILE_MS });
    }
    const rows: (string | number)[][] = [];
    for (const operation of ['put', 'get'] as const) {
      for (const outstanding of OUTSTANDING) {
        const cpuBefore = await cluster.cpuSeconds();
        const result = await load({
          operation,
          outstanding,
          ports,
          warmUpMs: WARM_UP_MS,
          measuredMs: MEASURED_MS,
        });
        const cpu = (await cluster.cpuSeconds()) - cpuBefore;
        rows.push([
          `${operation} (${outstanding})`,
          Math.round((result.count * 1_000) / MEASURED_MS),
          result.p50Ms.toFixed(2),
          result.p99Ms.toFixed(2),
          (cpu / (result.total / 1_000)).toFixed(3),
          result.failed,
        ]);
      }
    }
    return {
      title: 'Cluster: three processes on this machine, over HTTP (outstanding requests in brackets)',
      columns: ['', 'a second', 'p50 ms', 'p99 ms', 'server CPU s per 1,000', 'failed'],
      rows,
      notes: [`Each figure over ${MEASURED_MS / 1_000} s, after ${WARM_UP_MS / 1_000} s of warming up.`],
    };
  } finally {
    await cluster.stop();
  }
}

function load(task: LoadTask): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./load.js', import.meta.url)));
    child.once('message', (result) => resolve(result as LoadResult));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the load process ended with ${code}`)));
    child.send(task);
  });
}
