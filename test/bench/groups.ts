/**
 * Many groups on a node: what they cost while nothing is asked of them, how soon they have leaders again when a process
 * is killed, and whether a step costs more where there are more of them.
 *
 * Idle processor time, memory of the process and the time to new leaders are those of real clusters of three processes
 * on loopback; the heap of a sleeping group and the cost of a put are those of three node machines in this process.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Section } from './table.js';
import { measureMachines } from './group-machines.js';

const GROUP_COUNTS = [10, 1_000, 5_000];
const FIRST_PORT = 23_170;
const IDLE_MS = 20_000;
const POLL_MS = 200;
const PATIENCE_MS = 120_000;
const NODES = [1, 2, 3];

export async function benchGroups(): Promise<Section> {
  const rows: (string | number)[][] = [];
  let fewest = 0;
  for (const groups of GROUP_COUNTS) {
    const { heapBytes, putUs } = measureMachines(groups);
    const real = await measureCluster(groups);
    if (fewest === 0) fewest = real.residentKib;
    const perGroup = groups === GROUP_COUNTS[0] ? '' : ((real.residentKib - fewest) / groups).toFixed(1);
    rows.push([
      groups,
      real.idlePercent.toFixed(2),
      (heapBytes / 1_024).toFixed(2),
      perGroup,
      Math.round(real.startMs),
      Math.round(real.leadersMs),
      putUs.toFixed(1),
    ]);
  }
  return {
    title: 'Many groups: three processes on this machine, nothing asked of them',
    columns: [
      'groups',
      'idle, % of a core',
      'heap KiB a group',
      'resident KiB a group',
      'ms to quiet after start',
      'ms to leaders after kill -9',
      'machine us a put',
    ],
    rows,
    notes: [
      `Idle: the busiest of the three processes, over ${IDLE_MS / 1_000} s, when all groups sleep. Aims: below 2 %, below 8 KiB.`,
      'Heap and the cost of a put are of three machines in this process; resident is what a process has beyond one with few groups.',
    ],
  };
}

interface Measured {
  readonly startMs: number;
  readonly idlePercent: number;
  readonly residentKib: number;
  readonly leadersMs: number;
}

export async function measureCluster(groups: number): Promise<Measured> {
  const data = mkdtempSync(join(tmpdir(), 'wavetank-groups-'));
  const children = NODES.map((node) => startNode(node, groups, data));
  try {
    const startedAt = performance.now();
    await until('all groups sleep', () => allSleep(NODES, groups));
    const startMs = performance.now() - startedAt;
    // What start-up left behind is collected, and what it compiled is compiled.
    await pause(5_000);
    const pids = children.map(({ pid }) => pid ?? 0);
    const before = pids.map(cpuSecondsOf);
    await pause(IDLE_MS);
    const used = pids.map((pid, i) => cpuSecondsOf(pid) - (before[i] ?? 0));
    const idlePercent = (100 * Math.max(...used)) / (IDLE_MS / 1_000);
    const residentKib = Math.max(...pids.map(residentKibOf));

    const killed = children[2] as ChildProcess;
    killed.kill('SIGKILL');
    const killedAt = performance.now();
    await until('all groups have leaders', () => allLed([1, 2], 3, groups));
    return { startMs, idlePercent, residentKib, leadersMs: performance.now() - killedAt };
  } finally {
    await Promise.all(children.map(end));
    rmSync(data, { recursive: true, force: true });
  }
}

function clientPort(node: number): number {
  return FIRST_PORT + 10 * node;
}

function startNode(node: number, groups: number, data: string): ChildProcess {
  const main = fileURLToPath(new URL('../../runtime-node/cli/main.js', import.meta.url));
  const peers = NODES.map((id) => `${id}=127.0.0.1:${clientPort(id) + 5}`).join(',');
  return spawn(
    process.execPath,
    [
      main,
      'serve',
      ...['--id', `${node}`],
      ...['--client', `127.0.0.1:${clientPort(node)}`],
      ...['--peers', peers],
      ...['--data', join(data, `node-${node}`)],
      ...['--partitions', `${groups}`],
      ...['--log-level', 'error'],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

interface GroupReport {
  readonly group: number;
  readonly role: string;
  readonly leader: number;
  readonly asleep: boolean;
}

async function groupsOf(node: number): Promise<readonly GroupReport[]> {
  try {
    const answer = await fetch(`http://127.0.0.1:${clientPort(node)}/v1/status`);
    return ((await answer.json()) as { groups: readonly GroupReport[] }).groups;
  } catch {
    return [];
  }
}

async function allSleep(nodes: readonly number[], groups: number): Promise<boolean> {
  for (const node of nodes) {
    const reports = await groupsOf(node);
    if (reports.length < groups || !reports.every(({ asleep }) => asleep)) return false;
  }
  return true;
}

/** Every group has a leader among these nodes, and all of them follow it. */
async function allLed(nodes: readonly number[], dead: number, groups: number): Promise<boolean> {
  const led = new Set<number>();
  for (const node of nodes) {
    for (const { group, role, leader } of await groupsOf(node)) {
      if (leader === dead) return false;
      if (role === 'leader') led.add(group);
    }
  }
  return led.size >= groups;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const startedAt = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedAt > PATIENCE_MS) {
      throw new Error(`after ${PATIENCE_MS / 1_000} s it is still not so that ${what}`);
    }
    await pause(POLL_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function residentKibOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}
