/** A cluster of real processes on loopback, to be killed and started again by tests. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

// From the package's own folder: this file runs as it is in tests, and built in programs.
const PACKAGE = dirname(createRequire(import.meta.url).resolve('wavetank/package.json'));
const MAIN = join(PACKAGE, 'dist/runtime-node/cli/main.js');

export interface RealCluster {
  /** Base URLs by node, in the order of their ids: 1, 2, 3 … */
  readonly endpoints: readonly string[];
  /** Where a node listens for the others. */
  peerAddress(node: number): string;
  start(node: number): void;
  /** SIGTERM; returns when the process is gone, with its exit code. */
  stop(node: number): Promise<number | null>;
  /** `kill -9`; returns when the process is gone. */
  kill(node: number): Promise<void>;
  /** Stops the whole process where it stands (SIGSTOP), until `resume` (SIGCONT). It may be killed in between. */
  pause(node: number): void;
  resume(node: number): void;
  status(node: number): Promise<NodeReport | undefined>;
  /** What the processes wrote to their logs, for a failing test. */
  logs(): string;
  destroy(): Promise<void>;
}

export interface NodeReport {
  readonly pid: number;
  readonly groups: readonly GroupReport[];
}

export interface GroupReport {
  readonly group: number;
  readonly role: string;
  readonly leader: number;
  readonly term: number;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  readonly digest: number;
}

/**
 * Prepares a cluster; no process runs yet.
 *
 * @param founders the nodes 1, 2 … with which it begins.
 * @param room how many nodes there may be in all: those beyond the founders join.
 * @param args of `serve`, for every node.
 */
export async function createRealCluster(
  founders = 3,
  room = founders,
  args: readonly string[] = [],
): Promise<RealCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'wavetank-integration-'));
  const nodes = Array.from({ length: room }, (_, i) => i + 1);
  const ports = await freePorts(2 * room);
  const clientPort = (node: number): number => ports[2 * (node - 1)] as number;
  const peerAddress = (node: number): string => `127.0.0.1:${ports[2 * node - 1]}`;
  const firstOnes = nodes.slice(0, founders);
  const peers = firstOnes.map((node) => `${node}=${peerAddress(node)}`).join(',');
  const seeds = firstOnes.map(peerAddress).join(',');
  const running = new Map<number, ChildProcess>();
  const output: string[] = [];

  const kill = async (node: number): Promise<void> => {
    const child = running.get(node);
    if (child === undefined) return;
    running.delete(node);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  return {
    endpoints: nodes.map((node) => `http://127.0.0.1:${clientPort(node)}`),
    peerAddress,
    start(node) {
      const child = spawn(
        process.execPath,
        [
          MAIN,
          'serve',
          ...['--id', String(node)],
          ...['--client', `127.0.0.1:${clientPort(node)}`],
          ...(node <= founders ? ['--peers', peers] : ['--join', seeds, '--listen', peerAddress(node)]),
          ...['--data', join(folder, `node-${node}`)],
          ...args,
        ],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
      running.set(node, child);
    },
    async stop(node) {
      const child = running.get(node);
      if (child === undefined) return null;
      running.delete(node);
      const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      return gone;
    },
    kill,
    pause: (node) => void running.get(node)?.kill('SIGSTOP'),
    resume: (node) => void running.get(node)?.kill('SIGCONT'),
    async status(node) {
      try {
        const answer = await fetch(`http://127.0.0.1:${clientPort(node)}/v1/status`);
        return (await answer.json()) as NodeReport;
      } catch {
        return undefined;
      }
    },
    logs: () => output.join(''),
    async destroy() {
      for (const node of nodes) await kill(node);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
