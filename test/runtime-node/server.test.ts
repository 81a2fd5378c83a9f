import { describe, expect, it, onTestFinished } from 'vitest';

import { askStatus, createClient, startServer, StartRefused, type Server } from '../../runtime-node/index.js';
import { recordingLog } from './support/recording-log.js';
import { temporaryFolder } from './support/temporary-folder.js';

/** A cluster of one node, so that no port must be known before it starts. */
async function serverOn(dataFolder: string, partitions = 4): Promise<Server> {
  const server = await startServer({
    cluster: 'test',
    node: 1,
    peers: new Map([[1, { host: '127.0.0.1', port: 1 }]]),
    clientAddress: { host: '127.0.0.1', port: 0 },
    peerAddress: { host: '127.0.0.1', port: 0 },
    dataFolder,
    partitions,
    log: recordingLog(),
    onFatal: (reason) => {
      throw new Error(reason);
    },
    tuning: { electionTimeoutMs: 20, heartbeatIntervalMs: 5 },
  });
  onTestFinished(() => server.stop());
  return server;
}

const endpointOf = ({ clientAddress }: Server): string => `http://127.0.0.1:${clientAddress.port}`;

describe('a node', () => {
  it('keeps what it acknowledged when it is stopped and started again', async () => {
    const folder = await temporaryFolder();
    const before = await serverOn(folder);
    const client = createClient({ endpoints: [endpointOf(before)] });
    const value = new Uint8Array([0, 255, 10]);

    const { keys } = client;
    const set = await keys.set('k', value);
    const deleted = [await keys.set('gone', value), await keys.delete('gone')];
    await client.close();
    await before.stop();
    const after = await serverOn(folder);
    const second = createClient({ endpoints: [endpointOf(after)] });
    onTestFinished(() => second.close());

    expect(set).toMatchObject({ written: true, revision: 0 });
    expect(deleted[1]).toMatchObject({ deleted: true, revision: 1 });
    expect(await second.keys.get('k')).toMatchObject({ value, revision: 0 });
    expect(await second.keys.exists('gone')).toBe(false);
  });

  it('says who it is and how its partitions are', async () => {
    const folder = await temporaryFolder();
    const server = await serverOn(folder);

    const [report] = await askStatus([endpointOf(server)], 5_000);

    expect(report).toMatchObject({
      type: 'Reached',
      status: { node: 1, pid: process.pid, cluster: 'test', dataFolder: folder, voters: [1] },
    });
    expect(report?.type === 'Reached' && report.status.groups.map(({ group }) => group)).toEqual([
      0, 1, 2, 3, 4,
    ]);
  });

  it('refuses to start on a folder in use, and leaves nothing behind', async () => {
    const folder = await temporaryFolder();
    const first = await serverOn(folder);

    await expect(serverOn(folder)).rejects.toThrow(StartRefused);
    await first.stop();
    await serverOn(folder);
  });

  it('refuses to start with another number of partitions than its data has', async () => {
    const folder = await temporaryFolder();
    await (await serverOn(folder)).stop();

    await expect(serverOn(folder, 8)).rejects.toThrow(
      /number of partitions is 4, but this node was started with 8/,
    );
  });

  it('loses nothing that it acknowledged before it was stopped under load', async () => {
    const folder = await temporaryFolder();
    const server = await serverOn(folder);
    const client = createClient({ endpoints: [endpointOf(server)], timeoutMs: 1_000 });
    await client.keys.set('warm', null);

    const names = Array.from({ length: 50 }, (_, i) => `k${i}`);
    const writes = Promise.allSettled(names.map((key) => client.keys.set(key, null)));
    while (server.status().groups.reduce((sum, group) => sum + group.keys, 0) < 2) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await server.stop();
    const results = await writes;
    const acknowledged = names.filter((_, i) => results[i]?.status === 'fulfilled');
    await client.close();
    const again = await serverOn(folder);
    const reader = createClient({ endpoints: [endpointOf(again)] });
    onTestFinished(() => reader.close());

    expect(acknowledged.length).toBeGreaterThan(0);
    for (const key of acknowledged) expect(await reader.keys.exists(key)).toBe(true);
  });
});
