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
  type AdminAnswer,
  type AdminCommand,
  type ClientAnswer,
  type ClientCall,
  type NodeId,
  type NodeMessage,
  type NodeOptions,
  type NodeState,
  type Roster,
  type Stored,
} from '../core/index.js';
import { createApi, type Api, type ServerStatus, type TlsIdentity } from './api/index.js';
import {
  formatAddress,
  isEverywhere,
  parseAddress,
  startHost,
  StartRefused,
  type Address,
} from './host/index.js';
import { watchLeadership } from './observe/leader-watch.js';
import { watchMembership } from './observe/member-watch.js';
import { packageVersion, type Log } from './observe/index.js';
import { createFace, type NodeHost, type Surroundings } from './server-face.js';
import { openStorage } from './storage/index.js';
import { openTransport } from './transport/index.js';

export interface ServerOptions {
  readonly cluster: string;
  readonly node: number;
  /**
   * Every voter with whom the cluster begins, with the address on which it listens for the others; this node included.
   * Empty for a node that joins a running cluster.
   */
  readonly peers: ReadonlyMap<number, Address>;
  /** Some nodes of the running cluster that this node is to join. */
  readonly seeds?: readonly Address[];
  readonly clientAddress: Address;
  /** Where this node listens for the others; its own entry of `peers`, unless the way to it leads through a proxy. */
  readonly peerAddress: Address;
  /** Where the others reach it, when it joins; `peerAddress` unless given. */
  readonly advertised?: Address;
  /** The base URL at which clients reach this node; that of `clientAddress` unless given. */
  readonly clientUrl?: string;
  /** With it, clients speak TLS with this node. */
  readonly tls?: TlsIdentity;
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
  request(request: ClientCall): Promise<ClientAnswer>;
  admin(command: AdminCommand): Promise<AdminAnswer>;
  /**
   * Hands over all that this node leads, so that nobody notices its stop; at most for a few seconds. It goes on serving,
   * and says that it is leaving.
   */
  handOver(): Promise<void>;
  /** Finishes what is under way, for a bounded time, then lets go of everything. Harmless when repeated. */
  stop(): Promise<void>;
}

/** What clients are given to get their answers when the node stops. */
const STOP_GRACE_MS = 3_000;
/** What a node is given to hand over what it leads; some of it may have nobody to go to. */
const HAND_OVER_MS = 3_000;
/** After that the others have heard who leads now, and clients that this node is leaving. */
const AFTER_HAND_OVER_MS = 200;

/** @throws StartRefused with what is wrong and what to do. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { cluster, partitions, log } = options;
  const asked = nodeOptionsOf(options, [...options.peers.keys()]);
  const { node } = asked;
  const opened: { close(): Promise<void> }[] = [];
  try {
    const identity = { cluster, node, partitions, voters: asked.voters };
    const codec = { encode: encodeStored, decode: decodeStored };
    const storage = await openStorage<Stored>({ folder: options.dataFolder, identity, codec });
    opened.unshift(storage);
    const nodeOptions = nodeOptionsOf(options, storage.identity.voters);
    warnOfOtherVoters(asked, nodeOptions, log);
    const stored = await storage.load();
    let client = options.clientAddress;
    const ownClientUrl = (): string => options.clientUrl ?? urlOf(client, options.tls !== undefined);
    const transport = await openTransport<NodeMessage>({
      cluster,
      node,
      partitions,
      listen: options.peerAddress,
      peers: othersOf(node, options.peers),
      isOpen: nodeOptions.meta,
      seeds: options.seeds ?? [],
      ...advertisedOf(options),
      clientUrl: ownClientUrl,
      codec: { encode: encodeFrame, decode: decodeFrame },
      log,
    });
    opened.unshift(transport);

    const surroundings = (): Surroundings => ({
      pid: process.pid,
      cluster,
      version: packageVersion(),
      dataFolder: storage.folder,
      clientAddress: formatAddress(client),
      peerAddress: formatAddress(transport.address),
    });
    const face = createFace(nodeOptions, surroundings, (id) =>
      id === node ? ownClientUrl() : transport.clientUrlOf(id),
    );
    const api = await createApi(face, log, options.tls === undefined ? {} : { tls: options.tls });
    opened.unshift(api);
    client = await api.listen(options.clientAddress);

    const host: NodeHost = startHost({
      machine: createNode(nodeOptions),
      stored,
      storage,
      transport,
      log,
      onFatal: options.onFatal,
      watch: followRoster(options, node, (peers) => transport.setPeers(peers)),
    });
    face.attach(host);
    const watches = [watchLeadership(host.state, log), watchMembership(nodeOptions, host.state, log)];
    log.info(
      { client: formatAddress(client), peers: formatAddress(transport.address), data: storage.folder },
      `node ${node} of cluster "${cluster}" takes clients on ${formatAddress(client)}, ` +
        `peers on ${formatAddress(transport.address)}, and keeps its data in ${storage.folder}`,
    );

    if (nodeOptions.voters.length === 0 && stored.length === 0)
      sayHowToJoin(node, transport.address, options, log);

    let stopped: Promise<void> | undefined;
    const handOver = async (): Promise<void> => {
      face.leaving();
      let timeout: NodeJS.Timeout | undefined;
      const patience = new Promise<undefined>((resolve) => {
        timeout = setTimeout(() => resolve(undefined), HAND_OVER_MS);
      });
      const asked = face.admin({ type: 'HandOver' }).catch(() => undefined);
      const answer = await Promise.race([asked, patience]);
      clearTimeout(timeout);
      if (answer?.outcome === 'Done')
        log.info({ event: 'handed-over' }, 'handed over all that this node led');
      else
        log.warn(
          {},
          'could not hand over all that this node leads; the others will have to notice that it is gone',
        );
      await new Promise((resolve) => setTimeout(resolve, AFTER_HAND_OVER_MS));
    };
    const stop = async (): Promise<void> => {
      face.leaving();
      for (const unwatch of watches) unwatch();
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
      admin: face.admin,
      handOver,
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

/** @param founders the voters with whom the cluster began. */
function nodeOptionsOf(options: ServerOptions, founders: readonly number[]): NodeOptions {
  const voters = [...founders].sort((a, b) => a - b).map(nodeId);
  const electionTimeoutMs = options.tuning?.electionTimeoutMs ?? DEFAULT_NODE_OPTIONS.electionTimeoutMs;
  const nodeOptions: NodeOptions = {
    ...DEFAULT_NODE_OPTIONS,
    leaseMs: Math.min(DEFAULT_NODE_OPTIONS.leaseMs, electionTimeoutMs),
    ...options.tuning,
    node: nodeId(options.node),
    voters,
    addresses: voters.map((id) => formatKnown(options.peers.get(id))),
    partitions: options.partitions,
  };
  const problems = checkNodeOptions(nodeOptions);
  if (problems.length > 0)
    throw new StartRefused(`the node's settings are not sound: ${problems.join('; ')}`);
  return nodeOptions;
}

/** Empty for an address that names every interface of the machine, and so none that clients could use. */
function urlOf(address: Address, isEncrypted: boolean): string {
  if (isEverywhere(address)) return '';
  return `${isEncrypted ? 'https' : 'http'}://${formatAddress(address)}`;
}

/** Where the others reach this node, where that is another address than the one on which it listens. */
function advertisedOf({ advertised, peers, node }: ServerOptions): { readonly advertised?: Address } {
  const known = advertised ?? peers.get(node);
  return known === undefined ? {} : { advertised: known };
}

function formatKnown(address: Address | undefined): string {
  return address === undefined ? '' : formatAddress(address);
}

function othersOf(node: NodeId, addresses: ReadonlyMap<number, Address>): ReadonlyMap<NodeId, Address> {
  return new Map([...addresses].filter(([id]) => id !== node).map(([id, address]) => [nodeId(id), address]));
}

/** The voters of a command line count once, for a new folder; from then on the log says who votes. */
function warnOfOtherVoters(asked: NodeOptions, kept: NodeOptions, log: Log): void {
  if (asked.voters.length === 0 || asked.voters.join() === kept.voters.join()) return;
  log.warn(
    { asked: asked.voters, kept: kept.voters },
    `--peers names the nodes ${asked.voters.join(', ')}, but this node's data began with ` +
      `${kept.voters.length === 0 ? 'a cluster that it joined' : kept.voters.join(', ')}: ` +
      'members are changed with `wavetank members`, and --peers only says where nodes are',
  );
}

function sayHowToJoin(node: number, listening: Address, options: ServerOptions, log: Log): void {
  const address = formatAddress(options.advertised ?? listening);
  log.info(
    { event: 'joins', address },
    `node ${node} waits to be taken into the cluster; on a machine that reaches it: ` +
      `wavetank members add ${node} --address ${address}`,
  );
}

/**
 * Where the others are: as the roster says, once there is one; until then as the command line says, and as the newest
 * roster says that this node has seen written.
 */
function followRoster(
  { peers }: ServerOptions,
  node: NodeId,
  setPeers: (peers: ReadonlyMap<NodeId, Address>) => void,
): (state: NodeState) => void {
  let followed: Roster | undefined;
  return ({ membership: { roster, book } }) => {
    const newest = roster !== undefined && roster.version >= (book?.version ?? 0) ? roster : book;
    if (newest === undefined || newest === followed) return;
    followed = newest;
    const addresses = new Map<number, Address>();
    for (const member of newest.members) {
      const address = parseAddress(member.address) ?? peers.get(member.node);
      if (address !== undefined) addresses.set(member.node, address);
    }
    setPeers(othersOf(node, addresses));
  };
}
