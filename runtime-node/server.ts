/**
 * One node of the cluster, put to sea: the pure node machine of the core, driven by the host, with LevelDB, sockets
 * and the HTTP API around it. Everything here is wiring.
 *
 * It starts from the inside out, so that nothing is served before what is durable has been read, and stops from the
 * outside in, so that what is under way is finished first.
 */

import {
  checkNodeOptions,
  createNode,
  decodeFrame,
  decodeStored,
  DEFAULT_NODE_OPTIONS,
  encodeFrame,
  encodeStored,
  nodeId,
  type KeyValueAnswer,
  type KeyValueRequest,
  type NodeMessage,
  type NodeOptions,
  type Stored,
} from '../core/index.js';
import { createApi, type Api, type ServerStatus } from './api/index.js';
import { formatAddress, startHost, StartRefused, type Address } from './host/index.js';
import { watchLeadership } from './observe/leader-watch.js';
import { packageVersion, type Log } from './observe/index.js';
import { createFace, type NodeHost } from './server-face.js';
import { openStorage } from './storage/index.js';
import { openTransport } from './transport/index.js';

export interface ServerOptions {
  readonly cluster: string;
  readonly node: number;
  /** Every voter with the address on which it listens for the others; this node included. */
  readonly peers: ReadonlyMap<number, Address>;
  readonly clientAddress: Address;
  /** Where this node listens for the others; its own entry of `peers`, unless the way to it leads through a proxy. */
  readonly peerAddress: Address;
  readonly dataFolder: string;
  readonly partitions: number;
  readonly log: Log;
  /** Called when the node can go on no longer; it has stopped by then. */
  readonly onFatal: (reason: string) => void;
  /** Beside the defaults; for tests. */
  readonly tuning?: Partial<Omit<NodeOptions, 'node' | 'voters' | 'partitions'>>;
}

export interface Server {
  readonly clientAddress: Address;
  readonly peerAddress: Address;
  status(): ServerStatus;
  /** The same as through the API, without a socket in between. */
  request(request: KeyValueRequest): Promise<KeyValueAnswer>;
  /** Finishes what is under way, for a bounded time, then lets go of everything. Harmless when repeated. */
  stop(): Promise<void>;
}

/** What clients are given to get their answers when the node stops. */
const STOP_GRACE_MS = 3_000;

/** @throws StartRefused with what is wrong and what to do. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const nodeOptions = nodeOptionsOf(options);
  const { cluster, partitions, log } = options;
  const { node, voters } = nodeOptions;
  const opened: { close(): Promise<void> }[] = [];
  try {
    const identity = { cluster, node, partitions, voters };
    const codec = { encode: encodeStored, decode: decodeStored };
    const storage = await openStorage<Stored>({ folder: options.dataFolder, identity, codec });
    opened.unshift(storage);
    const stored = await storage.load();
    const transport = await openTransport<NodeMessage>({
      cluster,
      node,
      partitions,
      listen: options.peerAddress,
      peers: new Map(voters.filter((id) => id !== node).map((id) => [id, addressOf(options, id)])),
      codec: { encode: encodeFrame, decode: decodeFrame },
      log,
    });
    opened.unshift(transport);

    let client = options.clientAddress;
    const face = createFace(nodeOptions, () => ({
      pid: process.pid,
      cluster,
      version: packageVersion(),
      dataFolder: storage.folder,
      clientAddress: formatAddress(client),
      peerAddress: formatAddress(transport.address),
    }));
    const api = await createApi(face, log);
    opened.unshift(api);
    client = await api.listen(options.clientAddress);

    const host: NodeHost = startHost({
      machine: createNode(nodeOptions),
      stored,
      storage,
      transport,
      log,
      onFatal: options.onFatal,
    });
    face.attach(host);
    const unwatch = watchLeadership(face.groups, log);
    log.info(
      { client: formatAddress(client), peers: formatAddress(transport.address), data: storage.folder },
      `node ${node} of cluster "${cluster}" takes clients on ${formatAddress(client)}, ` +
        `peers on ${formatAddress(transport.address)}, and keeps its data in ${storage.folder}`,
    );

    let stopped: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      face.leaving();
      unwatch();
      await stopServing(api, host);
      await transport.close();
      await storage.close();
      log.info({}, `node ${node} has stopped`);
    };
    return {
      clientAddress: client,
      peerAddress: transport.address,
      status: face.status,
      request: face.request,
      stop: () => (stopped ??= stop()),
    };
  } catch (error) {
    for (const part of opened) await part.close();
    throw error;
  }
}

/** Answers what is under way; whoever still waits after the grace is told that the outcome is unknown. */
async function stopServing(api: Api, host: NodeHost): Promise<void> {
  const grace = setTimeout(() => host.stop(), STOP_GRACE_MS);
  await api.close();
  clearTimeout(grace);
  host.stop();
}

function nodeOptionsOf(options: ServerOptions): NodeOptions {
  const voters = [...options.peers.keys()].sort((a, b) => a - b).map(nodeId);
  const electionTimeoutMs = options.tuning?.electionTimeoutMs ?? DEFAULT_NODE_OPTIONS.electionTimeoutMs;
  const nodeOptions: NodeOptions = {
    ...DEFAULT_NODE_OPTIONS,
    leaseMs: Math.min(DEFAULT_NODE_OPTIONS.leaseMs, electionTimeoutMs),
    ...options.tuning,
    node: nodeId(options.node),
    voters,
    partitions: options.partitions,
  };
  const problems = checkNodeOptions(nodeOptions);
  if (problems.length > 0)
    throw new StartRefused(`the node's settings are not sound: ${problems.join('; ')}`);
  return nodeOptions;
}

function addressOf(options: ServerOptions, id: number): Address {
  const address = options.peers.get(id);
  if (address === undefined) throw new StartRefused(`no address is known for node ${id}`);
  return address;
}
