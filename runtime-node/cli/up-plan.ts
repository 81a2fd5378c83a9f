/** Which nodes `wavetank up` starts, where they listen and keep their data, and the command line of each. */

import { join } from 'node:path';

import { formatAddress, type Address } from '../host/address.js';
import type { TlsFiles } from '../api/tls.js';
import { tlsArguments } from './client-face.js';
import { DEFAULT_PARTITIONS } from './serve.js';
import { settingArguments, type Settings } from './settings.js';

export interface PlannedNode {
  readonly id: number;
  readonly client: Address;
  readonly peer: Address;
  readonly endpoint: string;
  readonly dataFolder: string;
  /** The arguments after `wavetank`. */
  readonly args: readonly string[];
}

export interface PlanOptions {
  readonly nodes: number;
  readonly clientPort: number;
  readonly data: string;
  readonly partitions: number;
  readonly set?: Settings;
  readonly tls?: TlsFiles;
}

const LOOPBACK = '127.0.0.1';
const PORTS_PER_NODE = 10;
const PEER_PORT_OFFSET = 5;

export function planCluster({
  nodes,
  clientPort,
  data,
  partitions,
  set = {},
  tls,
}: PlanOptions): readonly PlannedNode[] {
  const ids = Array.from({ length: nodes }, (_, i) => i + 1);
  const portOf = (id: number): number => clientPort + (id - 1) * PORTS_PER_NODE;
  const peerOf = (id: number): Address => ({ host: LOOPBACK, port: portOf(id) + PEER_PORT_OFFSET });
  const peers = ids.map((id) => `${id}=${formatAddress(peerOf(id))}`).join(',');
  return ids.map((id) => {
    const client = { host: LOOPBACK, port: portOf(id) };
    const dataFolder = join(data, `node-${id}`);
    const args = [
      'serve',
      '--id',
      `${id}`,
      '--client',
      formatAddress(client),
      '--peers',
      peers,
      '--data',
      dataFolder,
    ];
    if (partitions !== DEFAULT_PARTITIONS) args.push('--partitions', `${partitions}`);
    args.push(...settingArguments(set), ...tlsArguments(tls));
    return {
      id,
      client,
      peer: peerOf(id),
      endpoint: `${tls === undefined ? 'http' : 'https'}://${formatAddress(client)}`,
      dataFolder,
      args,
    };
  });
}

/** The last port that a cluster takes when its first is `clientPort`. */
export function lastPort({ nodes, clientPort }: Pick<PlanOptions, 'nodes' | 'clientPort'>): number {
  return clientPort + (nodes - 1) * PORTS_PER_NODE + PEER_PORT_OFFSET;
}

/** A line to be pasted into a shell. */
export function shellLine(args: readonly string[]): string {
  const quoted = args.map((arg) =>
    /^[\w@%+:,./=-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`,
  );
  return ['npx wavetank', ...quoted].join(' ');
}
