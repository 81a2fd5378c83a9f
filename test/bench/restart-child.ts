/** Fills a folder, or starts a node from one that was filled, and tells what that took, as JSON; for `restart.ts`. */

import {
  KeyValueCode,
  radixForEach,
  revision,
  type ClientAnswer,
  type ClientCall,
} from '../../core/index.js';
import type { Filled, Restarted } from './restart.js';
import { openNodeOn, type BenchNode } from './restart-node.js';

const AT_ONCE_BYTES = 4 << 20;
const AT_ONCE = 2_000;

const [step, folder = '', ...numbers] = process.argv.slice(2);
const [keys = 0, bytes = 0, budget = 0] = numbers.map(Number);
process.stdout.write(JSON.stringify(await (step === 'fill' ? fill() : restart())));

async function fill(): Promise<Filled> {
  const node = await openNodeOn(folder, budget);
  let peakRssBytes = 0;
  const atOnce = Math.min(AT_ONCE, Math.ceil(AT_ONCE_BYTES / bytes));
  for (let done = 0; done < keys; done += atOnce) {
    const calls = Array.from({ length: Math.min(atOnce, keys - done) }, (_, i) => setOf(done + i, bytes));
    await Promise.all(calls.map((call) => node.request(call)));
    peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
  }
  await node.close();
  return { peakRssBytes };
}

function setOf(i: number, length: number): ClientCall {
  const value = new Uint8Array(length).fill(i & 0xff);
  const operation = { type: 'Set', key: `bench/${i}`, value, flags: 1 } as const;
  return { operation: { ...operation, compareValue: null, compareRevision: revision(0) } };
}

async function restart(): Promise<Restarted> {
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
    rssBytes: process.memoryUsage.rss(),
    heldBytes: node.state().values?.heldBytes ?? 0,
  };
  await node.close();
  return restarted;
}

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
