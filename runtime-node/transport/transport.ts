/**
 * How nodes reach each other: one connection to each peer for sending and one from each for receiving, with
 * length-prefixed frames. Delivery is not promised; order and wholeness of what is delivered are.
 */

import { nodeId, type NodeId } from '../../core/machine/index.js';
import type { Address } from '../host/address.js';
import { decodeSafely, type Codec } from '../host/codec.js';
import type { TransportPort } from '../host/host.js';
import { listen } from '../host/listen.js';
import type { Log } from '../observe/log.js';
import { PROTOCOL_VERSION, type Hello } from './hello.js';
import { createIncoming } from './incoming.js';
import { openOutgoing, type Outgoing } from './outgoing.js';

export interface Transport<Message> extends TransportPort<Message> {
  /** Where this node listens for its peers. */
  readonly address: Address;
  close(): Promise<void>;
}

export interface TransportOptions<Message> {
  readonly cluster: string;
  readonly node: NodeId;
  readonly partitions: number;
  readonly listen: Address;
  /** The other nodes. */
  readonly peers: ReadonlyMap<NodeId, Address>;
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
  const hello: Hello = { version: PROTOCOL_VERSION, cluster, node, partitions };
  const outgoing = new Map<NodeId, Outgoing>();
  let receive: ((from: NodeId, messages: readonly Message[]) => void) | undefined;

  const incoming = createIncoming({
    hello,
    peers: [...options.peers.keys()],
    maxFrameBytes,
    log,
    greeted: (peer) => outgoing.get(nodeId(peer))?.tryNow(),
    received(peer, body) {
      const decoded = decodeSafely(codec, body);
      if (!decoded.ok) return decoded.reason;
      receive?.(nodeId(peer), decoded.value);
      return undefined;
    },
  });
  const address = await listen(incoming.server, options.listen, 'the other nodes', '--listen');

  /** Messages that together are too large for a frame go in several; one that is too large alone goes nowhere. */
  function send(to: NodeId, messages: readonly Message[]): void {
    const link = outgoing.get(to);
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
      for (const [peer, peerAddress] of options.peers) {
        const link = openOutgoing({
          peer,
          address: peerAddress,
          hello,
          maxQueuedBytes: options.maxQueuedBytes ?? MAX_QUEUED_BYTES,
          firstDelayMs: options.firstReconnectMs ?? 20,
          longestDelayMs: options.longestReconnectMs ?? 1_000,
          log,
        });
        outgoing.set(peer, link);
      }
    },
    send,
    async close() {
      for (const link of outgoing.values()) link.close();
      await incoming.close();
    },
  };
}
