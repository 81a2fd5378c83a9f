/** A cluster of one node, with real sockets and a real disk, for as long as the test runs. */

import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

import { startServer } from '../../../runtime-node/index.js';
import { recordingLog } from './recording-log.js';
import { temporaryFolder } from './temporary-folder.js';

/** The base URL at which it takes clients; it is ready for them. */
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
  const endpoint = `http://127.0.0.1:${server.clientAddress.port}`;
  // Nothing is lost by asking sooner, but what a node says of itself differs until then. The limit of the test ends a wait in vain.
  while (!(await fetch(new URL('/v1/cluster/health', endpoint))).ok) await delay(10);
  return endpoint;
}
