/**
 * The story with real processes, real sockets, real LevelDB and real `kill -9`, under load all the while; the
 * history that the clients saw is judged by the same checker as in the simulator.
 */

import { afterEach, expect, test } from 'vitest';
import { partitionOfKey } from '../../core/index.js';
import { checkLinearizable, explainCounterexample, keyValueModel } from '../../sim/index.js';
import { startRealClients } from './real-clients.js';
import { createRealCluster, type RealCluster } from './real-cluster.js';

const PARTITIONS = 8;
const NODES = [1, 2, 3];

let cluster: RealCluster | undefined;

afterEach(async () => {
  await cluster?.destroy();
  cluster = undefined;
});

test('killed leaders and a killed cluster lose nothing that was acknowledged', async () => {
  const running = await createRealCluster();
  cluster = running;
  const { endpoints } = running;
  for (const node of NODES) running.start(node);
  const clients = startRealClients(endpoints);
  await clients.progress(300);

  for (let round = 0; round < 2; round += 1) {
    const leader = await leaderOfKey(running, 'integration/0');
    await running.kill(leader);
    await clients.progress(300);
    running.start(leader);
    await clients.progress(300);
  }
  await Promise.all(NODES.map((node) => running.kill(node)));
  for (const node of NODES) running.start(node);
  await clients.progress(300);
  await clients.stop();

  const checked = checkLinearizable(keyValueModel, clients.history);
  expect(checked.verdict, explainCounterexample(checked)).toBe('valid');
  await expectAllToAgree(running);
});

async function leaderOfKey(running: RealCluster, key: string): Promise<number> {
  const group = partitionOfKey(key, PARTITIONS);
  for (;;) {
    for (const node of NODES) {
      const report = await running.status(node);
      if (report?.groups.some((known) => known.group === group && known.role === 'leader')) return node;
    }
    await pause();
  }
}

/** Waits until every replica has applied everything, then compares what they hold. */
async function expectAllToAgree(running: RealCluster): Promise<void> {
  for (;;) {
    const reports = await Promise.all(NODES.map((node) => running.status(node)));
    const level = Array.from({ length: PARTITIONS }, (_, i) => i + 1).every((group) => {
      const known = reports.map((report) => report?.groups.find((each) => each.group === group));
      const [first] = known;
      return (
        first !== undefined &&
        known.every((each) => each?.applied === first.lastIndex && each.applied === each.lastIndex)
      );
    });
    if (level) {
      const digests = reports.map((report) => report?.groups.map(({ group, digest }) => [group, digest]));
      expect(digests[1]).toEqual(digests[0]);
      expect(digests[2]).toEqual(digests[0]);
      return;
    }
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}
