/**
 * One run of the nemesis: a cluster of three real processes under a mixed load is killed, paused and restarted as planned;
 * after every blow each kind of client must get on, in the end all replicas must be equal, and what the clients saw must be
 * what locks, keys, sequences and transactions promise.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createRealCluster, type RealCluster } from '../integration/real-cluster.js';
import { judge } from './judge.js';
import { startMixedLoad, type Histories, type MixedLoad } from './load.js';
import { describeBlow, killsIn, planOf, type Blow, type Strike } from './plan.js';

export interface NemesisOptions {
  readonly seed: number;
  /** So many processes are killed in all. */
  readonly kills: number;
  /** Called after every blow. */
  readonly onBlow?: (progress: NemesisProgress) => void;
  /** Where the histories are written if anything is wrong. */
  readonly keepIn: string;
}

export interface NemesisProgress {
  readonly kills: number;
  readonly blows: number;
  readonly blow: string;
  readonly operations: number;
}

export interface NemesisResult {
  readonly seed: number;
  readonly kills: number;
  readonly pauses: number;
  readonly restarts: number;
  readonly keyOperations: number;
  readonly lockOperations: number;
  readonly sequenceOperations: number;
  /** Scripts over several partitions. */
  readonly transfers: number;
  readonly unanswered: number;
  /** The longest time after a blow until each kind of client had got on. */
  readonly slowestRecoveryMs: number;
  readonly elapsedMs: number;
  /** Empty when all is well. */
  readonly problems: readonly string[];
  /** Where the histories are, when all is not well. */
  readonly keptIn: string | undefined;
}

const NODES = [1, 2, 3];
/** What each kind of client does after a blow before the next one comes. */
const OPERATIONS_BETWEEN = 25;
const SERVES_WITHIN_MS = 60_000;
const AGREE_WITHIN_MS = 60_000;

export async function runNemesis({ seed, kills, onBlow, keepIn }: NemesisOptions): Promise<NemesisResult> {
  const startedAt = performance.now();
  const plan = planOf(seed, kills, NODES);
  const cluster = await createRealCluster(NODES.length);
  const problems: string[] = [];
  const struck: string[] = [];
  let load: MixedLoad | undefined;
  let slowestRecoveryMs = 0;
  let killed = 0;
  try {
    for (const node of NODES) cluster.start(node);
    load = await startMixedLoad(cluster.endpoints, seed);
    for (const strike of plan) {
      const recoveryMs = await endure(cluster, load, strike);
      slowestRecoveryMs = Math.max(slowestRecoveryMs, recoveryMs);
      killed += killsIn(strike.blow);
      const blow = describeBlow(strike.blow);
      struck.push(`${blow}: recovered in ${Math.round(recoveryMs)} ms`);
      onBlow?.({ kills: killed, blows: struck.length, blow, operations: load.done() });
    }
    await load.stop();
    const difference = await differenceOf(cluster);
    if (difference !== undefined) problems.push(difference);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  const histories: Histories = load?.histories() ?? { keys: [], locks: [], sequences: [], transfers: [] };
  problems.push(...judge(histories));
  const logs = cluster.logs();
  await cluster.destroy();
  const keptIn =
    problems.length === 0 ? undefined : keep(keepIn, { seed, histories, problems, struck, logs });
  const { keys, locks, sequences, transfers } = histories;
  const all = [...keys, ...locks, ...sequences, ...transfers];
  return {
    seed,
    kills: killed,
    pauses: plan.filter(({ blow }) => blow.type === 'Pause' || blow.type === 'KillBesidePause').length,
    restarts: plan.filter(({ blow }) => blow.type === 'Restart').length,
    keyOperations: keys.length,
    lockOperations: locks.length,
    sequenceOperations: sequences.length,
    transfers: transfers.length,
    unanswered: all.filter(({ answeredAt }) => answeredAt === undefined).length,
    slowestRecoveryMs: Math.round(slowestRecoveryMs),
    elapsedMs: Math.round(performance.now() - startedAt),
    problems,
    keptIn,
  };
}

/** @returns how long it took, from the end of the blow, until every kind of client got on. */
async function endure(cluster: RealCluster, load: MixedLoad, { restMs, blow }: Strike): Promise<number> {
  load.nextEpoch();
  await pause(restMs);
  await strike(cluster, blow);
  const struckAt = performance.now();
  await load.progress(OPERATIONS_BETWEEN);
  return performance.now() - struckAt;
}

/** Returns when every node runs again. */
async function strike(cluster: RealCluster, blow: Blow): Promise<void> {
  switch (blow.type) {
    case 'Kill':
      await Promise.all(blow.nodes.map((node) => cluster.kill(node)));
      await pause(blow.downMs);
      for (const node of blow.nodes) cluster.start(node);
      return;
    case 'Pause':
      cluster.pause(blow.node);
      await pause(blow.forMs);
      cluster.resume(blow.node);
      return;
    case 'KillBesidePause':
      cluster.pause(blow.paused);
      await cluster.kill(blow.killed);
      await pause(blow.forMs);
      cluster.start(blow.killed);
      cluster.resume(blow.paused);
      return;
    case 'Restart': {
      // Before it serves, it has nothing to hand over, and ends as any process does.
      await untilServing(cluster, blow.node);
      const code = await cluster.stop(blow.node);
      if (code !== 0) throw new Error(`node ${blow.node} ended with exit code ${code} after SIGTERM`);
      cluster.start(blow.node);
      return;
    }
  }
}

async function untilServing(cluster: RealCluster, node: number): Promise<void> {
  const deadline = performance.now() + SERVES_WITHIN_MS;
  while ((await cluster.status(node)) === undefined) {
    if (performance.now() > deadline)
      throw new Error(`node ${node} does not serve ${SERVES_WITHIN_MS / 1_000} s after its start`);
    await pause(50);
  }
}

/** Waits until every replica has applied all that is in its log, and compares them. */
async function differenceOf(cluster: RealCluster): Promise<string | undefined> {
  const deadline = performance.now() + AGREE_WITHIN_MS;
  let seen = '';
  while (performance.now() < deadline) {
    const reports = await Promise.all(NODES.map((node) => cluster.status(node)));
    const texts = reports.map((report) =>
      report?.groups
        .map(({ group, applied, lastIndex, digest }) => [group, applied, lastIndex, digest].join())
        .join(' '),
    );
    const isLevel = reports.every((report) =>
      report?.groups.every(({ applied, lastIndex }) => applied === lastIndex),
    );
    if (isLevel && texts.every((text) => text !== undefined && text === texts[0])) return undefined;
    seen = texts.map((text, i) => `node ${NODES[i]}: ${text ?? 'no answer'}`).join('\n');
    await pause(100);
  }
  return (
    `the replicas are not equal ${AGREE_WITHIN_MS / 1_000} s after the last operation ` +
    `(group, applied, last index, digest):\n${seen}`
  );
}

interface Kept {
  readonly seed: number;
  readonly histories: Histories;
  readonly problems: readonly string[];
  readonly struck: readonly string[];
  readonly logs: string;
}

function keep(folder: string, { seed, histories, problems, struck, logs }: Kept): string {
  mkdirSync(folder, { recursive: true });
  const files: Readonly<Record<string, string>> = {
    'problems.txt': problems.join('\n\n'),
    'blows.txt': [`seed ${seed}`, ...struck].join('\n'),
    'keys.json': toJson(histories.keys),
    'locks.json': toJson(histories.locks),
    'sequences.json': toJson(histories.sequences),
    'transfers.json': toJson(histories.transfers),
    'nodes.log': logs,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), `${text}\n`);
  return folder;
}

/** An operation a line; values of sequences as strings, for they may be larger than JSON's numbers. */
function toJson(history: readonly object[]): string {
  const lines = history.map((operation) =>
    JSON.stringify(operation, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  );
  return `[\n${lines.join(',\n')}\n]`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
