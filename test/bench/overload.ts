/**
 * A cluster that is offered three times the puts that it can serve: how much of it is told to come again, whether anything
 * that was acknowledged is lost, and what becomes of the memory of its nodes.
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { OverloadNews, OverloadResult, OverloadTask } from './overload-load.js';
import type { Section } from './table.js';
import { startThreeProcesses } from './three-processes.js';

const CLOSED_MS = 12_000;
const OPEN_MS = 20_000;
const FACTOR = 3;
const SAMPLE_MS = 500;
const MIB = 1 << 20;

interface Seen {
  readonly served: number;
  readonly result: OverloadResult;
  /** The largest resident memory of a node: before the overload, in its first half, in its second, and after it. */
  readonly memory: readonly [number, number, number, number];
}

export async function benchOverload(): Promise<Section> {
  const cluster = await startThreeProcesses();
  try {
    const task = { ports: cluster.ports, closedMs: CLOSED_MS, openMs: OPEN_MS, factor: FACTOR };
    const { served, result, memory } = await watch(task, () => cluster.residentBytes());
    const perSecond = (count: number): number => Math.round((count * 1_000) / OPEN_MS);
    return {
      title: `Overload: ${FACTOR} times the puts that three processes serve, through gRPC's batch streams`,
      columns: ['', ''],
      rows: [
        ['served at 256 outstanding, a second', Math.round(served)],
        ['offered a second', perSecond(result.offered)],
        ['acknowledged a second', perSecond(result.acknowledged)],
        ['told to come again, a second', perSecond(result.putOff)],
        ['without any answer', result.unanswered],
        ['p50 ms of what was acknowledged', result.p50Ms.toFixed(1)],
        ['p99 ms', result.p99Ms.toFixed(1)],
        ['acknowledged and lost, keys', result.lost],
        ['memory of the largest node before, MiB', Math.round(memory[0] / MIB)],
        ['in the first half of the overload', Math.round(memory[1] / MIB)],
        ['in the second half', Math.round(memory[2] / MIB)],
        ['after it', Math.round(memory[3] / MIB)],
      ],
      notes: [
        `${OPEN_MS / 1_000} s of overload, after ${CLOSED_MS / 1_000} s of what can be served.`,
        'A node remembers the newest 32,768 writes of each of its 8 partitions, for repetitions: until they are so many, ' +
          'its memory grows with every write, whatever the load is.',
      ],
    };
  } finally {
    await cluster.stop();
  }
}

function watch(task: OverloadTask, residentBytes: () => Promise<number>): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const memory: [number, number, number, number] = [0, 0, 0, 0];
    let served = 0;
    let servedAt = Infinity;
    let isOffered = false;
    const sampler = setInterval(() => {
      const elapsed = performance.now() - servedAt;
      const place = isOffered ? 3 : elapsed > OPEN_MS / 2 ? 2 : elapsed > 0 ? 1 : 0;
      residentBytes().then((bytes) => (memory[place] = Math.max(memory[place], bytes)), reject);
    }, SAMPLE_MS);
    const child = fork(fileURLToPath(new URL('./overload-load.js', import.meta.url)));
    child.on('message', (message) => {
      const news = message as OverloadNews;
      switch (news.type) {
        case 'Served':
          served = news.perSecond;
          servedAt = performance.now();
          return;
        case 'Offered':
          isOffered = true;
          return;
        case 'Done':
          resolve({ served, result: news.result, memory });
      }
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearInterval(sampler);
      reject(new Error(`the load process ended with ${code}`));
    });
    child.send(task);
  });
}
