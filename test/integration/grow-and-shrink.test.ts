/**
 * A cluster of real processes changes under load: it grows from three to five, has a killed node replaced, and shrinks
 * back to three. Nothing that was acknowledged is lost, and at no time does it stand still for long.
 */

import { afterEach, expect, test } from 'vitest';
import { changeMembers, listMembers, type MembersChange } from '../../runtime-node/index.js';
import {
  checkLinearizable,
  explainCounterexample,
  keyValueModel,
  type KeyValueInput,
  type KeyValueOutput,
  type Operation,
} from '../../sim/index.js';
import { startRealClients } from './real-clients.js';
import { createRealCluster, type RealCluster } from './real-cluster.js';

const FOUNDERS = 3;
const ROOM = 6;
/** The bound, in microseconds. */
const LONGEST_STANDSTILL_US = 3_000_000;
const PATIENCE_MS = 30_000;

let cluster: RealCluster | undefined;

afterEach(async () => {
  await cluster?.destroy();
  cluster = undefined;
});

test('a cluster grows, replaces a dead node and shrinks under load', async () => {
  const running = await createRealCluster(FOUNDERS, ROOM);
  cluster = running;
  for (const node of [1, 2, 3]) running.start(node);
  const clients = startRealClients(running.endpoints, 25);
  await clients.progress(100);

  for (const node of [4, 5]) running.start(node);
  await change(running, { add: [4, 5].map((node) => joining(running, node)) });
  await clients.progress(100);

  const dead = await leaderOf(running, [1, 2, 3, 4, 5], 1);
  await running.kill(dead);
  running.start(6);
  await change(running, { add: [joining(running, 6)], remove: [dead] });
  await clients.progress(100);

  const leaving = [1, 2, 3, 4, 5].filter((node) => node !== dead).slice(0, 2);
  await change(running, { remove: leaving });
  for (const node of leaving) expect(await running.stop(node)).toBe(0);
  await clients.progress(100);
  await clients.stop();

  const left = await members(running);
  expect(left).toEqual([1, 2, 3, 4, 5, 6].filter((node) => node !== dead && !leaving.includes(node)));
  const checked = checkLinearizable(keyValueModel, clients.history);
  expect(checked.verdict, explainCounterexample(checked)).toBe('valid');
  const standstill = longestStandstill(clients.history);
  expect(standstill.us, describe(standstill)).toBeLessThan(LONGEST_STANDSTILL_US);
});

function joining(running: RealCluster, nodeId: number): NonNullable<MembersChange['add']>[number] {
  return { nodeId, endpoint: running.peerAddress(nodeId), role: 'Voter' };
}

/** Asks for a change until it is accepted, and waits until every partition has made it. */
async function change({ endpoints }: RealCluster, wanted: MembersChange): Promise<void> {
  const ask = { endpoints, timeoutMs: PATIENCE_MS };
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const result = await changeMembers(ask, wanted);
    if (result.type === 'Answered' && result.answer.refusal === null) break;
    if (performance.now() > deadline) throw new Error(JSON.stringify(result));
    await pause();
  }
  for (;;) {
    const listed = await listMembers(ask);
    if (listed.type === 'Answered') {
      const { unsettled, leaderless } = listed.answer;
      if (unsettled.length === 0 && leaderless.length === 0) return;
    }
    if (performance.now() > deadline) throw new Error(JSON.stringify(listed));
    await pause();
  }
}

async function members({ endpoints }: RealCluster): Promise<readonly number[]> {
  const listed = await listMembers({ endpoints, timeoutMs: PATIENCE_MS });
  return listed.type === 'Answered' ? listed.answer.members.map(({ nodeId }) => nodeId) : [];
}

async function leaderOf(running: RealCluster, nodes: readonly number[], group: number): Promise<number> {
  for (;;) {
    for (const node of nodes) {
      const report = await running.status(node);
      if (report?.groups.some((known) => known.group === group && known.role === 'leader')) return node;
    }
    await pause();
  }
}

interface Standstill {
  readonly key: string;
  readonly us: number;
  readonly afterUs: number;
}

/** The longest time for which no operation on some key was answered. */
function longestStandstill(history: readonly Operation<KeyValueInput, KeyValueOutput>[]): Standstill {
  let longest: Standstill = { key: 'none', us: 0, afterUs: 0 };
  const begin = Math.min(...history.map(({ answeredAt = Infinity }) => answeredAt));
  for (const key of new Set(history.map((operation) => operation.key))) {
    const times = history
      .filter((operation) => operation.key === key)
      .flatMap(({ answeredAt }) => answeredAt ?? [])
      .sort((a, b) => a - b);
    for (let i = 1; i < times.length; i += 1) {
      const [before, after] = [times[i - 1] as number, times[i] as number];
      if (after - before > longest.us) longest = { key, us: after - before, afterUs: before - begin };
    }
  }
  return longest;
}

function describe({ key, us, afterUs }: Standstill): string {
  return `no operation on ${key} was answered for ${Math.round(us / 1_000)} ms, ${Math.round(afterUs / 1_000)} ms into the run`;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}
