/**
 * What a cluster of three real processes carries, as its users ask: puts and gets of 256 bytes, locks taken and given
 * back, values of sequences; over HTTP and through gRPC, at 1, 64, 256 and 1,000 outstanding.
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { SEQUENCES, type ServiceResult, type ServiceTask, type WireName, type Work } from './service-task.js';
import type { Section } from './table.js';
import { startThreeEtcds, startThreeProcesses, type ThreeProcesses } from './three-processes.js';

const WIRES: readonly WireName[] = ['http', 'grpc'];
const WORKS: readonly Work[] = ['put', 'get', 'lock', 'next', 'next-keyed'];
const TRANSACTIONS: readonly Work[] = ['one partition', 'two partitions', 'contended'];
const BESIDE_ETCD: readonly Work[] = ['put', 'create', 'get'];
const OUTSTANDING = [1, 64, 256, 1_000];
const COMPILE_MS = 4_000;
const WARM_UP_MS = 500;
const MEASURED_MS = 3_000;

export function benchServices(): Promise<Section> {
  return benchWorks(WORKS, OUTSTANDING, {
    title: 'Services: three processes on this machine (outstanding operations in brackets)',
    notes: [
      'A lock is taken and given back: two requests that count as one.',
      'http: one connection for each outstanding operation. grpc: the batch streams of keys and locks, one to each node; ' +
        'unary calls for sequences, which have none.',
      `next: one value of ${SEQUENCES} sequences, out of blocks that leaders hold. next-keyed: with an idempotency key, so ` +
        'that each is written to the log.',
    ],
  });
}

export function benchTransactions(): Promise<Section> {
  return benchWorks(TRANSACTIONS, [1, 64, 256], {
    title: 'Transactions: scripts on three processes on this machine (outstanding scripts in brackets)',
    notes: [
      'one partition, two partitions: two keys are set. contended: one of 16 numbers is read and set to the next; who finds it locked, or ' +
        'changed at the end, has failed, and asks for the next thing.',
      'http: one connection for each outstanding script. grpc: the batch stream of keys, one to each node.',
    ],
  });
}

/** What a user would pick instead, beside it: etcd on the same machine, in the same minutes, from the same kind of load process. */
export function benchEtcd(): Promise<Section> {
  return benchWorks(
    BESIDE_ETCD,
    OUTSTANDING,
    {
      title: 'Beside etcd: three processes of each on this machine (outstanding operations in brackets)',
      notes: [
        'etcd: unary calls, which are all that it has for these; one connection to each node. It is measured where the program `etcd` is ' +
          'installed. The load process is busy with these calls: a client in Go gets more out of it, at the same CPU of the servers.',
        'http, grpc: this cluster, as in the part `services`.',
        'create: a key that must not be there yet, which is what compare-and-set comes to.',
      ],
    },
    [...WIRES, 'etcd'],
  );
}

async function benchWorks(
  works: readonly Work[],
  outstandings: readonly number[],
  { title, notes }: Pick<Section, 'title' | 'notes'>,
  wires: readonly WireName[] = WIRES,
): Promise<Section> {
  const ours = await startThreeProcesses();
  const etcd = wires.includes('etcd') ? await startThreeEtcds() : undefined;
  try {
    await createSequences(ours.ports[0] as number);
    const rows: (string | number)[][] = [];
    for (const wire of wires) {
      const cluster = wire === 'etcd' ? etcd : ours;
      if (cluster !== undefined) rows.push(...(await benchWire(cluster, wire, works, outstandings)));
    }
    return {
      title,
      columns: [
        '',
        'a second',
        'p50 ms',
        'p99 ms',
        'server CPU s per 1,000',
        'load CPU s per 1,000',
        'failed',
      ],
      rows,
      notes: [
        `Each figure over ${MEASURED_MS / 1_000} s, after ${WARM_UP_MS / 1_000} s of warming up.`,
        ...notes,
      ],
    };
  } finally {
    await Promise.all([ours.stop(), etcd?.stop()]);
  }
}

async function benchWire(
  cluster: ThreeProcesses,
  wire: WireName,
  works: readonly Work[],
  outstandings: readonly number[],
): Promise<(string | number)[][]> {
  const { ports } = cluster;
  const rows: (string | number)[][] = [];
  // Just-in-time compilers want some thousand requests before they show what they can do.
  for (const work of works)
    await load({ wire, work, outstanding: 256, ports, warmUpMs: 0, measuredMs: COMPILE_MS });
  for (const work of works) {
    for (const outstanding of outstandings) {
      const before = await cluster.cpuSeconds();
      const task = { wire, work, outstanding, ports, warmUpMs: WARM_UP_MS, measuredMs: MEASURED_MS };
      const result = await load(task);
      const cpu = (await cluster.cpuSeconds()) - before;
      rows.push([
        `${wire} ${work} (${outstanding})`,
        Math.round((result.count * 1_000) / MEASURED_MS),
        result.p50Ms.toFixed(2),
        result.p99Ms.toFixed(2),
        (cpu / (result.total / 1_000)).toFixed(3),
        (result.cpuSeconds / (result.total / 1_000)).toFixed(3),
        result.failed,
      ]);
    }
  }
  return rows;
}

async function createSequences(port: number): Promise<void> {
  for (let i = 0; i < SEQUENCES; i += 1) {
    await post(port, { name: `bench-${i}` });
  }
}

async function post(port: number, body: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/sequences/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { type } = (await response.json()) as { readonly type: number };
  if (type !== 0) throw new Error(`a sequence could not be created: the answer has type ${type}`);
}

function load(task: ServiceTask): Promise<ServiceResult> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./service-load.js', import.meta.url)));
    child.once('message', (result) => resolve(result as ServiceResult));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the load process ended with ${code}`)));
    child.send(task);
  });
}
