/**
 * How long a node takes to be there again, with a million small keys; and what memory a node takes that has ten times as
 * many bytes of values as it may keep there.
 *
 * Both on LevelDB in a temporary folder. The filling is not measured; the restart is made in a process of its own, so that
 * its memory is its own (`restart-child.ts`).
 */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { revision, type ClientCall } from '../../core/index.js';
import { openNodeOn, type BenchNode } from './restart-node.js';
import type { Section } from './table.js';

const SMALL_KEYS = 1_000_000;
const SMALL_BYTES = 64;
const LARGE_KEYS = 20_000;
const LARGE_BYTES = 4_096;
const BUDGET_BYTES = (LARGE_KEYS * LARGE_BYTES) / 10;
const AT_ONCE = 2_000;

export interface Restarted {
  readonly loadMs: number;
  readonly startMs: number;
  readonly readyMs: number;
  readonly cpuMs: number;
  readonly keys: number;
  readonly rssBytes: number;
  readonly heldBytes: number;
}

export async function benchRestart(): Promise<Section> {
  const small = await restartOf(SMALL_KEYS, SMALL_BYTES, 256 << 20);
  const large = await restartOf(LARGE_KEYS, LARGE_BYTES, BUDGET_BYTES);
  return {
    title: 'A node that is started again',
    columns: ['', `${SMALL_KEYS} keys of ${SMALL_BYTES} bytes`, `${LARGE_KEYS} keys of ${LARGE_BYTES} bytes`],
    rows: [
      ['reading the disk, ms', ...both(small, large, ({ loadMs }) => loadMs.toFixed(0))],
      ['the state of it, ms', ...both(small, large, ({ startMs }) => startMs.toFixed(0))],
      ['until every key is there again, ms', ...both(small, large, ({ readyMs }) => readyMs.toFixed(0))],
      ['… in processor time of the process, ms', ...both(small, large, ({ cpuMs }) => cpuMs.toFixed(0))],
      ['memory of the process, MiB', ...both(small, large, ({ rssBytes }) => mebibytes(rssBytes))],
      [
        'values in memory after reading all, MiB',
        ...both(small, large, ({ heldBytes }) => mebibytes(heldBytes)),
      ],
    ],
    notes: [
      `The large ones may have ${mebibytes(BUDGET_BYTES)} MiB in memory (maxValueBytesInMemory), a tenth of what there is.`,
      'Times are of the clock on the wall, from the first step to where the third row says.',
    ],
  };
}

function both(a: Restarted, b: Restarted, tell: (restarted: Restarted) => string): readonly string[] {
  return [tell(a), tell(b)];
}

function mebibytes(bytes: number): string {
  return (bytes / (1 << 20)).toFixed(1);
}

async function restartOf(keys: number, bytes: number, budget: number): Promise<Restarted> {
  const folder = await mkdtemp(join(tmpdir(), 'wavetank-restart-'));
  try {
    await fill(await openNodeOn(folder, budget), keys, bytes);
    return await inChild(folder, keys, bytes, budget);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fill(node: BenchNode, keys: number, bytes: number): Promise<void> {
  for (let done = 0; done < keys; done += AT_ONCE) {
    const calls = Array.from({ length: Math.min(AT_ONCE, keys - done) }, (_, i) => setOf(done + i, bytes));
    await Promise.all(calls.map((call) => node.request(call)));
  }
  await node.close();
}

function setOf(i: number, bytes: number): ClientCall {
  const value = new Uint8Array(bytes).fill(i & 0xff);
  const operation = { type: 'Set', key: `bench/${i}`, value, flags: 1 } as const;
  return { operation: { ...operation, compareValue: null, compareRevision: revision(0) } };
}

function inChild(folder: string, keys: number, bytes: number, budget: number): Promise<Restarted> {
  const script = fileURLToPath(new URL('restart-child.js', import.meta.url));
  return new Promise((resolve, reject) => {
    const words = [folder, keys, bytes, budget].map(String);
    const child = spawn(process.execPath, [script, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as Restarted);
      else reject(new Error(`the node that was to start again ended with code ${code}`));
    });
  });
}
