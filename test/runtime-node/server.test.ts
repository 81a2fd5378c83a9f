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

    const set = await client.set('k', value);
    const deleted = [await client.set('gone', value), await client.delete('gone')];
    client.close();
    await before.stop();
    const after = await serverOn(folder);
    const second = createClient({ endpoints: [endpointOf(after)] });
    onTestFinished(() => second.close());

    expect(set).toMatchObject({ type: 'Answered', answer: { type: 0, revision: 0 } });
    expect(deleted[1]).toMatchObject({ type: 'Answered', answer: { type: 4, revision: 1 } });
    expect(await second.get('k')).toMatchObject({
      type: 'Answered',
      answer: { type: 3, value, revision: 0 },
    });
    expect(await second.exists('gone')).toMatchObject({ type: 'Answered', answer: { type: 103 } });
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
    await client.set('warm', null);

    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
    const writes = Promise.all(keys.map(async (key) => [key, await client.set(key, null)] as const));
    while (server.status().groups.reduce((sum, group) => sum + group.keys, 0) < 2) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await server.stop();
    const acknowledged = (await writes).filter(([, { type }]) => type === 'Answered').map(([key]) => key);
    client.close();
    const again = await serverOn(folder);
    const reader = createClient({ endpoints: [endpointOf(again)] });
    onTestFinished(() => reader.close());

    expect(acknowledged.length).toBeGreaterThan(0);
    for (const key of acknowledged) expect(await reader.exists(key)).toMatchObject({ answer: { type: 10 } });
  });
});
