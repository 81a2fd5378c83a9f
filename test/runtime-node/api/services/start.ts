/** A node of its own for each file of tests, and the drivers that speak with it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startServer, type Server, type ServerOptions } from '../../../../runtime-node/index.js';
import { recordingLog } from '../../support/recording-log.js';
import type { Driver } from './driver.js';
import { grpcDriver } from './grpc-driver.js';
import { restDriver } from './rest-driver.js';

export const TRANSPORTS = ['REST', 'gRPC'] as const;
export type Transport = (typeof TRANSPORTS)[number];

export interface Service {
  readonly server: Server;
  readonly url: string;
  driver(transport: Transport): Driver;
  stop(): Promise<void>;
}

export const PARTITIONS = 4;

/** A cluster of one node, so that no port must be known before it starts; it leads all that there is. */
export async function startService(options: Partial<ServerOptions> = {}): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), 'wavetank-services-'));
  const server = await startServer({
    cluster: 'test',
    node: 1,
    peers: new Map([[1, { host: '127.0.0.1', port: 1 }]]),
    clientAddress: { host: '127.0.0.1', port: 0 },
    peerAddress: { host: '127.0.0.1', port: 0 },
    dataFolder: folder,
    partitions: PARTITIONS,
    log: recordingLog(),
    onFatal: (reason) => {
      throw new Error(reason);
    },
    tuning: { electionTimeoutMs: 20, heartbeatIntervalMs: 5 },
    ...options,
  });
  const url = `http://127.0.0.1:${server.clientAddress.port}`;
  const drivers: Driver[] = [];
  return {
    server,
    url,
    driver(transport) {
      const made = transport === 'REST' ? restDriver(url) : grpcDriver(url);
      drivers.push(made);
      return made;
    },
    async stop() {
      for (const driver of drivers) driver.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A name that no other test uses. */
export function freshName(what: string): string {
  return `${what}-${(names += 1)}`;
}
let names = 0;

/** Asks again and again until the answer is as it should be: for what an end of a lease brings about, whenever it comes. */
export async function until<Answer>(
  ask: () => Promise<Answer>,
  isSo: (answer: Answer) => boolean,
): Promise<Answer> {
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
