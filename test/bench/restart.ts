/**
 * How long a node takes to be there again, with a million small keys; and what memory a node takes that has ten times as
 * many bytes of values as it may keep there.
 *
 * Both on LevelDB in a temporary folder. It is filled and started again in processes of their own, so that their memory is
 * their own (`restart-child.ts`).
 */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Section } from './table.js';

const SMALL_KEYS = 1_000_000;
const SMALL_BYTES = 64;
const LARGE_KEYS = 65_536;
const LARGE_BYTES = 16_384;
const BUDGET_BYTES = Math.floor((LARGE_KEYS * LARGE_BYTES) / 10);

export interface Filled {
  /** The most that the process had, looked at after every batch. */
  readonly peakRssBytes: number;
}

export interface Restarted {
  readonly loadMs: number;
  readonly startMs: number;
  readonly readyMs: number;
  readonly cpuMs: number;
  readonly keys: number;
  readonly rssBytes: number;
  readonly heldBytes: number;
}

type Measured = Filled & Restarted;

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
      [
        'memory of the process after reading all, MiB',
        ...both(small, large, ({ rssBytes }) => mebibytes(rssBytes)),
      ],
      [
        '… and of the one that wrote them, at most, MiB',
        ...both(small, large, ({ peakRssBytes }) => mebibytes(peakRssBytes)),
      ],
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

function both(a: Measured, b: Measured, tell: (measured: Measured) => string): readonly string[] {
  return [tell(a), tell(b)];
}

function mebibytes(bytes: number): string {
  return (bytes / (1 << 20)).toFixed(1);
}

async function restartOf(keys: number, bytes: number, budget: number): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'wavetank-restart-'));
  try {
    const filled = (await inChild('fill', folder, keys, bytes, budget)) as Filled;
    return { ...filled, ...((await inChild('restart', folder, keys, bytes, budget)) as Restarted) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function inChild(...words: readonly (string | number)[]): Promise<unknown> {
  const script = fileURLToPath(new URL('restart-child.js', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...words.map(String)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`the process that was to ${words[0]} ended with code ${code}`));
    });
  });
}
