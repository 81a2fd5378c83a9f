/**
 * A snapshot larger than any message may be reaches a real follower that was away, chunk by chunk, while the cluster serves,
 * and no leader is lost over it.
 */

import { afterEach, expect, test } from 'vitest';
import { createClient } from '../../runtime-node/client/index.js';
import { createRealCluster, type GroupReport, type RealCluster } from './real-cluster.js';

const NODES = [1, 2, 3];
const KEYS = 90;
const VALUE = new Uint8Array(1 << 20).fill(7);
/** Nothing is kept behind a snapshot, so that a follower that was away needs it; and leaders stay where they are. */
const SETTINGS =
  'snapshotEveryEntries=20,snapshotPercentOfRecords=0,keepEntries=0,maxKeepEntries=0,placementIntervalMs=0';

let cluster: RealCluster | undefined;

afterEach(async () => {
  await cluster?.destroy();
  cluster = undefined;
});

test('a snapshot of 90 MiB reaches a follower that was away', async () => {
  const running = await createRealCluster(3, 3, ['--partitions', '1', '--set', SETTINGS]);
  cluster = running;
  for (const node of NODES) running.start(node);
  await until(async () => (await partition(running, 1))?.leader !== 0 && (await all(running)).length === 3);
  const leader = (await partition(running, 1))?.leader ?? 0;
  const away = NODES.find((node) => node !== leader) ?? 0;
  const here = NODES.find((node) => node !== leader && node !== away) ?? 0;
  const client = createClient({ endpoints: [running.endpoints[here - 1] as string] });

  await running.kill(away);
  for (let i = 0; i < KEYS; i += 1) {
    const result = await client.keys.set(`large/${i}`, VALUE);
    expect(result.written).toBe(true);
  }
  const before = await partition(running, leader);
  running.start(away);
  await until(async () => (await partition(running, away))?.applied === before?.commit);

  const [one, other] = [await partition(running, away), await partition(running, leader)];
  expect(one).toMatchObject({ applied: before?.applied, digest: before?.digest });
  expect(other).toMatchObject({ role: 'leader', term: before?.term });
});

async function partition(running: RealCluster, node: number): Promise<GroupReport | undefined> {
  return (await running.status(node))?.groups.find(({ group }) => group === 1);
}

/** The nodes that know of a leader of the partition. */
async function all(running: RealCluster): Promise<readonly GroupReport[]> {
  const known = await Promise.all(NODES.map((node) => partition(running, node)));
  return known.filter((report) => report !== undefined).filter(({ leader }) => leader !== 0);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 100));
}
