/** Starts a node from a folder that `restart.ts` filled, and tells what that took, as JSON. */

import { KeyValueCode, radixForEach, type ClientAnswer } from '../../core/index.js';
import type { Restarted } from './restart.js';
import { openNodeOn, type BenchNode } from './restart-node.js';

const [folder = '', keys = 0, bytes = 0, budget = 0] = process.argv
  .slice(2)
  .map((word, at) => (at === 0 ? word : Number(word))) as [string, number, number, number];

const from = performance.now();
const node = await openNodeOn(folder, budget);
await untilAllAreThere(node, keys);
const readyMs = performance.now() - from;
const { user, system } = process.cpuUsage();
const cpuMs = (user + system) / 1_000;
await readAll(node, keys, bytes);
const restarted: Restarted = {
  loadMs: node.loadMs,
  startMs: node.startMs,
  readyMs,
  cpuMs,
  keys,
  rssBytes: process.memoryUsage().rss,
  heldBytes: node.state().values?.heldBytes ?? 0,
};
process.stdout.write(JSON.stringify(restarted));
await node.close();

/** A linearizable read of the last key of each partition comes after everything before it was applied. */
async function untilAllAreThere(started: BenchNode, count: number): Promise<void> {
  for (;;) {
    const last = await started.request({ operation: { type: 'Exists', key: `bench/${count - 1}` } });
    let found = 0;
    radixForEach(started.state().groups, ({ partition }) => void (found += partition.keys.size));
    if (last.code === KeyValueCode.exists && found >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Every key once where they are large, a sample where they are small; each must be what was written. */
async function readAll(started: BenchNode, count: number, size: number): Promise<void> {
  const step = Math.max(1, Math.floor(count / 20_000));
  const atOnce = 500;
  for (let done = 0; done < count; done += step * atOnce) {
    const wanted = Array.from({ length: atOnce }, (_, i) => done + i * step).filter((i) => i < count);
    const answers = await Promise.all(
      wanted.map((i) => started.request({ operation: { type: 'Get', key: `bench/${i}` } })),
    );
    answers.forEach((answer, at) => check(answer, wanted[at] ?? 0, size));
  }
}

function check(answer: ClientAnswer, i: number, size: number): void {
  const value = 'value' in answer ? answer.value : null;
  if (value?.length === size && value.every((byte) => byte === (i & 0xff))) return;
  throw new Error(`the key bench/${i} is not what was written: code ${answer.code}, ${value?.length} bytes`);
}
