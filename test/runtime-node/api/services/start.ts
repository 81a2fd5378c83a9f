/** A node of its own for each file of tests, and the drivers that speak with it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startServer, type Server, type ServerOptions } from '../../../../runtime-node/index.js';
import { recordingLog } from '../../support/recording-log.js';
import type { EmbeddedOptions } from '../../../../runtime-node/embedded/start-node.js';
import type { Driver, Fields, ServicePath } from './driver.js';
import { grpcDriver } from './grpc-driver.js';
import { clientDriver, embeddedDriver } from './port-driver.js';
import { restDriver } from './rest-driver.js';

/** By which a cluster's nodes are asked. */
export const TRANSPORTS = ['REST', 'gRPC'] as const;
/** All ways to ask: those, our own client, and a node in this process. */
export const FACES = [...TRANSPORTS, 'our client', 'a call in this process'] as const;
export type Face = (typeof FACES)[number];

/** What only a wire can say: our own client has no words for it. */
export function isWireOnly({ durability, transactionId, coordinatorKey }: Fields): boolean {
  const isHalf = (transactionId === undefined) !== (coordinatorKey === undefined);
  return isHalf || (durability !== undefined && durability !== 0 && durability !== 1);
}

export function isWire(face: Face): boolean {
  return face === 'REST' || face === 'gRPC';
}

/** The requests that can be made by that way. */
export function sayable<Row extends readonly [ServicePath, Fields]>(
  face: Face,
  rows: readonly Row[],
): readonly Row[] {
  return isWire(face) ? rows : rows.filter(([, body]) => !isWireOnly(body));
}

export interface Service {
  readonly server: Server;
  readonly url: string;
  /** Of this node; or of one in this process. */
  driver(face: Face): Promise<Driver>;
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
    async driver(face) {
      const { tuning } = options;
      const made = await driverOf(face, url, tuning === undefined ? {} : { tuning });
      drivers.push(made);
      return made;
    },
    async stop() {
      for (const driver of drivers) await driver.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** @param url of the node that is asked, where it is not in this process. */
export async function driverOf(face: Face, url: string, embedded: EmbeddedOptions = {}): Promise<Driver> {
  switch (face) {
    case 'REST':
      return restDriver(url);
    case 'gRPC':
      return grpcDriver(url);
    case 'our client':
      return clientDriver(url);
    case 'a call in this process':
      return embeddedDriver(embedded);
  }
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
