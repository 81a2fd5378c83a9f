/**
 * Puts and gets of a real cluster: three processes with sockets and LevelDB, loopback, keys of 16 bytes, values of
 * 256 bytes, over the public HTTP API; load from a separate process on the same machine.
 */

import { fork, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadResult, LoadTask } from './load.js';
import type { Section } from './table.js';

const OUTSTANDING = [1, 64, 256];
const COMPILE_MS = 8_000;
const WARM_UP_MS = 1_000;
const MEASURED_MS = 5_000;
const FIRST_PORT = 23_070;

export async function benchCluster(): Promise<Section> {
  const data = mkdtempSync(join(tmpdir(), 'wavetank-bench-'));
  const main = fileURLToPath(new URL('../../runtime-node/cli/main.js', import.meta.url));
  const cluster = spawn(process.execPath, [main, 'up', '--client-port', String(FIRST_PORT), '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const ports = [FIRST_PORT, FIRST_PORT + 10, FIRST_PORT + 20];
    await untilReady(ports);
    // Just-in-time compilers want some thousand requests before they show what they can do.
    for (const operation of ['put', 'get'] as const) {
      await load({ operation, outstanding: 64, ports, warmUpMs: 0, measuredMs: COMPILE_MS });
    }
    const rows: (string | number)[][] = [];
    for (const operation of ['put', 'get'] as const) {
      for (const outstanding of OUTSTANDING) {
        const cpuBefore = await cpuOf(ports);
        const result = await load({
          operation,
          outstanding,
          ports,
          warmUpMs: WARM_UP_MS,
          measuredMs: MEASURED_MS,
        });
        const cpu = (await cpuOf(ports)) - cpuBefore;
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
    await stop(cluster);
    rmSync(data, { recursive: true, force: true });
  }
}

async function untilReady(ports: readonly number[]): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const ready = await Promise.all(ports.map(isReady));
    if (ready.every((yes) => yes)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the cluster did not become ready within 30 s');
}

async function isReady(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/kv/try-get`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key: 'ready', durability: 1, revision: -1 }),
    });
    return ((await answer.json()) as { type?: number }).type === 103;
  } catch {
    return false;
  }
}

/** CPU seconds that the cluster's processes have used so far. */
async function cpuOf(ports: readonly number[]): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  let seconds = 0;
  for (const port of ports) {
    const status = (await (await fetch(`http://127.0.0.1:${port}/v1/status`)).json()) as { pid: number };
    const stat = await readFile(`/proc/${status.pid}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    seconds += (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
  }
  return seconds;
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

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await exited;
}
