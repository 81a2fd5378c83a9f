/** A cluster of one node, with real sockets and a real disk, for as long as the test runs. */

import { onTestFinished } from 'vitest';

import { startServer } from '../../../runtime-node/index.js';
import { recordingLog } from './recording-log.js';
import { temporaryFolder } from './temporary-folder.js';

/** The base URL at which it takes clients. */
export async function realNode(): Promise<string> {
  const server = await startServer({
    cluster: 'test',
    node: 1,
    peers: new Map([[1, { host: '127.0.0.1', port: 1 }]]),
    clientAddress: { host: '127.0.0.1', port: 0 },
    peerAddress: { host: '127.0.0.1', port: 0 },
    dataFolder: await temporaryFolder(),
    partitions: 4,
    log: recordingLog(),
    onFatal: (reason) => {
      throw new Error(reason);
    },
    tuning: { electionTimeoutMs: 20, heartbeatIntervalMs: 5 },
  });
  onTestFinished(() => server.stop());
  return `http://127.0.0.1:${server.clientAddress.port}`;
}
