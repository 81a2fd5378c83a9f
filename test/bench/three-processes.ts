/** A cluster of three processes on this machine, with sockets and LevelDB, for the benches. */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ThreeProcesses {
  /** Where they listen for clients. */
  readonly ports: readonly number[];
  /** CPU seconds that all three have used so far; 0 where the system does not tell. */
  cpuSeconds(): Promise<number>;
  /** The resident memory of the largest; 0 where the system does not tell. */
  residentBytes(): Promise<number>;
  stop(): Promise<void>;
}

const FIRST_PORT = 23_070;
const ETCD_PORT = 23_170;

/** Returns when every node serves. */
export async function startThreeProcesses(): Promise<ThreeProcesses> {
  const data = mkdtempSync(join(tmpdir(), 'wavetank-bench-'));
  const main = fileURLToPath(new URL('../../runtime-node/cli/main.js', import.meta.url));
  const cluster = spawn(process.execPath, [main, 'up', '--client-port', String(FIRST_PORT), '--data', data], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ports = [FIRST_PORT, FIRST_PORT + 10, FIRST_PORT + 20];
  const stopAll = async (): Promise<void> => {
    await stop(cluster);
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await untilReady(ports, isReady);
  } catch (error) {
    await stopAll();
    throw error;
  }
  return { ports, ...watching(await processesOf(ports)), stop: stopAll };
}

/** The same of etcd, as it comes; undefined where it is not installed. */
export async function startThreeEtcds(): Promise<ThreeProcesses | undefined> {
  if (spawnSync('etcd', ['--version']).error !== undefined) return undefined;
  const data = mkdtempSync(join(tmpdir(), 'etcd-bench-'));
  const ports = [0, 1, 2].map((i) => ETCD_PORT + 10 * i);
  const url = (port: number): string => `http://127.0.0.1:${port}`;
  const peers = ports.map((port, i) => `n${i}=${url(port + 5)}`).join(',');
  const nodes = ports.map((port, i) => {
    const listens = ['--listen-client-urls', url(port), '--listen-peer-urls', url(port + 5)];
    const advertises = ['--advertise-client-urls', url(port), '--initial-advertise-peer-urls', url(port + 5)];
    const who = ['--name', `n${i}`, '--data-dir', join(data, `n${i}`), '--initial-cluster', peers];
    return spawn('etcd', [...who, ...listens, ...advertises], { stdio: 'ignore' });
  });
  const stopAll = async (): Promise<void> => {
    await Promise.all(nodes.map(stop));
    rmSync(data, { recursive: true, force: true });
  };
  try {
    await untilReady(ports, isEtcdReady);
  } catch (error) {
    await stopAll();
    throw error;
  }
  return { ports, ...watching(nodes.map(({ pid }) => pid as number)), stop: stopAll };
}

function watching(pids: readonly number[]): Pick<ThreeProcesses, 'cpuSeconds' | 'residentBytes'> {
  return {
    async cpuSeconds() {
      const each = await Promise.all(pids.map(cpuOf));
      return each.reduce((sum, seconds) => sum + seconds, 0);
    },
    residentBytes: async () => Math.max(...(await Promise.all(pids.map(residentOf)))),
  };
}

async function untilReady(
  ports: readonly number[],
  isReadyAt: (port: number) => Promise<boolean>,
): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const ready = await Promise.all(ports.map(isReadyAt));
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

async function isEtcdReady(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/health`);
    return ((await answer.json()) as { health?: unknown }).health === 'true';
  } catch {
    return false;
  }
}

async function processesOf(ports: readonly number[]): Promise<readonly number[]> {
  return Promise.all(
    ports.map(async (port) => {
      const answer = await fetch(`http://127.0.0.1:${port}/v1/status`);
      return ((await answer.json()) as { readonly pid: number }).pid;
    }),
  );
}

async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

async function residentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1_024;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await exited;
}
