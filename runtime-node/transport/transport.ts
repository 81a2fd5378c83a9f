/**
 * How nodes reach each other: one connection to each peer for sending and one from each for receiving, with
 * length-prefixed frames. Delivery is not promised; order and wholeness of what is delivered are.
 */

import { nodeId, type NodeId } from '../../core/machine/index.js';
import { formatAddress, parseAddress, type Address } from '../host/address.js';
import { decodeSafely, type Codec } from '../host/codec.js';
import type { TransportPort } from '../host/host.js';
import { listen } from '../host/listen.js';
import type { Log } from '../observe/log.js';
import { PROTOCOL_VERSION, type Hello } from './hello.js';
import { createIncoming } from './incoming.js';
import { openOutgoing, type Outgoing, type OutgoingOptions } from './outgoing.js';

export interface Transport<Message> extends TransportPort<Message> {
  /** Where this node listens for its peers. */
  readonly address: Address;
  /** From now on these are the other nodes, at these addresses. */
  setPeers(peers: ReadonlyMap<NodeId, Address>): void;
  /** Where clients reach another node, as it said last; undefined when it never did. */
  clientUrlOf(peer: NodeId): string | undefined;
  close(): Promise<void>;
}

export interface TransportOptions<Message> {
  readonly cluster: string;
  readonly node: NodeId;
  readonly partitions: number;
  readonly listen: Address;
  /** The other nodes, as they are known at the start. */
  readonly peers: ReadonlyMap<NodeId, Address>;
  /**
   * Whether nodes that are not among the peers may come, and be answered at the address that they say. Whoever does
   * not belong to the cluster's members is none of the transport's business: the machine knows.
   */
  readonly isOpen?: boolean;
  /** Addresses of nodes whose ids are not known: for one that joins. */
  readonly seeds?: readonly Address[];
  /** What peers are told to reach this node at; `listen` unless given. */
  readonly advertised?: Address;
  /** What peers are told where clients reach this node; asked whenever one is greeted. */
  readonly clientUrl?: () => string;
  readonly codec: Codec<readonly Message[]>;
  readonly log: Log;
  /** Larger frames are neither sent nor read. */
  readonly maxFrameBytes?: number;
  /** What may wait for one slow peer; one frame may always wait. */
  readonly maxQueuedBytes?: number;
  /** The first wait before a lost connection is tried again; it doubles from there. */
  readonly firstReconnectMs?: number;
  readonly longestReconnectMs?: number;
}

/** The largest value of a client, base64 aside, with room for what goes around it. */
export const MAX_FRAME_BYTES = 80 << 20;
const MAX_QUEUED_BYTES = 64 << 20;

/**
 * Listens at once, so that a port in use is known early; peers are spoken to from `start` on.
 *
 * @throws StartRefused when the address cannot be listened on.
 */
export async function openTransport<Message>(
  options: TransportOptions<Message>,
): Promise<Transport<Message>> {
  const { cluster, node, partitions, codec, log, maxFrameBytes = MAX_FRAME_BYTES } = options;
  const outgoing = new Map<NodeId, { readonly address: Address; readonly link: Outgoing }>();
  const seeking = new Set<Outgoing>();
  /** The peers that this node is told of, those met as seeds, and those that came by themselves. */
  let told = options.peers;
  const met = new Map<NodeId, Address>();
  const heard = new Map<NodeId, Address>();
  const clientUrls = new Map<NodeId, string>();
  let isStarted = false;
  let receive: ((from: NodeId, messages: readonly Message[]) => void) | undefined;

  // The port may be known only once it is listened on; nobody is greeted before that.
  let reachableAt = options.advertised ?? options.listen;
  function hello(): Hello {
    const client = options.clientUrl?.() ?? '';
    return {
      version: PROTOCOL_VERSION,
      cluster,
      node,
      partitions,
      address: formatAddress(reachableAt),
      client,
    };
  }

  /** What a peer says of itself; one that is still starting has nothing to say to clients yet. */
  function learn(said: Hello): void {
    if (said.client !== '') clientUrls.set(nodeId(said.node), said.client);
  }

  const incoming = createIncoming({
    hello,
    peers: options.isOpen === true ? undefined : [...options.peers.keys()],
    maxFrameBytes,
    log,
    greeted(said) {
      learn(said);
      const id = nodeId(said.node);
      const reachable = parseAddress(said.address);
      // Kept even of one that is told, which may be told no more while it still has to be answered.
      if (options.isOpen === true && reachable !== undefined) heard.set(id, reachable);
      const known = outgoing.get(id);
      if (known === undefined) reach();
      else known.link.tryNow();
    },
    left(peer) {
      if (heard.delete(nodeId(peer))) reach();
    },
    received(peer, body) {
      const decoded = decodeSafely(codec, body);
      if (!decoded.ok) return decoded.reason;
      receive?.(nodeId(peer), decoded.value);
      return undefined;
    },
  });
  const address = await listen(incoming.server, options.listen, 'the other nodes', '--listen');
  reachableAt = options.advertised ?? address;

  /** Opens what is missing, and closes what nobody names any more. */
  function reach(): void {
    if (!isStarted) return;
    const wanted = new Map([...heard, ...met, ...told]);
    for (const [peer, known] of outgoing) {
      const now = wanted.get(peer);
      if (now !== undefined && formatAddress(now) === formatAddress(known.address)) continue;
      known.link.close();
      outgoing.delete(peer);
    }
    for (const [peer, where] of wanted) {
      if (peer === node || outgoing.has(peer)) continue;
      outgoing.set(peer, { address: where, link: openOutgoing(linkTo(peer, where)) });
    }
  }

  function linkTo(peer: NodeId | undefined, where: Address): OutgoingOptions {
    return {
      peer,
      address: where,
      hello: hello(),
      maxQueuedBytes: options.maxQueuedBytes ?? MAX_QUEUED_BYTES,
      firstDelayMs: options.firstReconnectMs ?? 20,
      longestDelayMs: options.longestReconnectMs ?? 1_000,
      log,
      met: learn,
    };
  }

  /** Who a seed is, is known once it answers; then it is a peer like the others. */
  function seek(seed: Address): void {
    const link: Outgoing = openOutgoing({
      ...linkTo(undefined, seed),
      met(said) {
        learn(said);
        seeking.delete(link);
        link.close();
        met.set(nodeId(said.node), seed);
        reach();
      },
    });
    seeking.add(link);
  }

  /** Messages that together are too large for a frame go in several; one that is too large alone goes nowhere. */
  function send(to: NodeId, messages: readonly Message[]): void {
    const link = outgoing.get(to)?.link;
    if (link === undefined || !link.isOpen()) return;
    const frame = codec.encode(messages);
    if (frame.length <= maxFrameBytes) return link.send(frame);
    if (messages.length === 1) {
      log.error(
        { peer: to, bytes: frame.length },
        `a message of ${frame.length} bytes is too large to be sent`,
      );
      return;
    }
    const half = messages.length >> 1;
    send(to, messages.slice(0, half));
    send(to, messages.slice(half));
  }

  return {
    address,
    start(receiver) {
      receive = receiver;
      isStarted = true;
      reach();
      for (const seed of options.seeds ?? []) seek(seed);
    },
    setPeers(peers) {
      told = peers;
      // Who knows the peers by name need seek nobody any more.
      for (const link of seeking) link.close();
      seeking.clear();
      reach();
    },
    clientUrlOf: (peer) => clientUrls.get(peer),
    send,
    async close() {
      isStarted = false;
      for (const link of [...seeking, ...[...outgoing.values()].map((known) => known.link)]) link.close();
      await incoming.close();
    },
  };
}
