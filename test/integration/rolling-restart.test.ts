/**
 * Every node of a real cluster is stopped and started again, one after the other, under load: SIGTERM hands over what a
 * node leads, so no request fails, and none has to wait for an election.
 */

import { afterEach, expect, test } from 'vitest';
import { createClient } from '../../runtime-node/client/index.js';
import { createRealCluster, type RealCluster } from './real-cluster.js';

const NODES = [1, 2, 3];
const CLIENTS = 4;
const THINK_MS = 20;

let cluster: RealCluster | undefined;

afterEach(async () => {
  await cluster?.destroy();
  cluster = undefined;
});

test('no request fails while every node is stopped by SIGTERM and started again', async () => {
  const running = await createRealCluster();
  cluster = running;
  for (const node of NODES) running.start(node);
  await untilLed(running, NODES);
  const load = startLoad(running.endpoints);

  const codes: (number | null)[] = [];
  for (const node of NODES) {
    codes.push(await running.stop(node));
    running.start(node);
    await untilLed(running, NODES);
  }
  const { done, failures } = await load.stop();

  expect(codes).toEqual([0, 0, 0]);
  expect(running.logs()).toContain('"event":"handed-over"');
  expect(done).toBeGreaterThan(100);
  expect(failures).toEqual([]);
});

interface Load {
  /** Lets every client finish what it is doing. */
  stop(): Promise<{ readonly done: number; readonly failures: readonly unknown[] }>;
}

/** Clients that each prefer another node, and take what comes for an answer. */
function startLoad(endpoints: readonly string[]): Load {
  const failures: unknown[] = [];
  let done = 0;
  let stopping = false;
  const work = async (number: number): Promise<void> => {
    const mine = endpoints.map((_, i) => endpoints[(i + number) % endpoints.length] as string);
    const client = createClient({ endpoints: mine });
    for (let i = 0; !stopping; i += 1) {
      const key = `rolling/${i % 16}`;
      const asked =
        i % 2 === 0 ? client.keys.set(key, new Uint8Array([number, i % 256])) : client.keys.get(key);
      await asked.then(
        () => (done += 1),
        (error: unknown) => failures.push(error),
      );
      await new Promise((resolve) => setTimeout(resolve, THINK_MS));
    }
    await client.close();
  };
  const workers = Array.from({ length: CLIENTS }, (_, i) => work(i));
  return {
    async stop() {
      stopping = true;
      await Promise.all(workers);
      return { done, failures };
    },
  };
}

/** Groups that none of these nodes leads. */
async function leaderless(running: RealCluster, nodes: readonly number[]): Promise<number> {
  const reports = await Promise.all(nodes.map((node) => running.status(node)));
  const groups = reports[0]?.groups.map(({ group }) => group) ?? [];
  const isLed = (group: number): boolean =>
    reports.some((report) =>
      report?.groups.some((known) => known.group === group && known.role === 'leader'),
    );
  return groups.filter((group) => !isLed(group)).length;
}

async function untilLed(running: RealCluster, nodes: readonly number[]): Promise<void> {
  for (;;) {
    const reports = await Promise.all(nodes.map((node) => running.status(node)));
    const areUp = reports.every((report) => report?.groups.every(({ leader }) => leader !== 0) === true);
    if (areUp && (await leaderless(running, nodes)) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
