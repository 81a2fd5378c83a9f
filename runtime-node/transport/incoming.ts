/**
 * The connections on which peers send to this node. A stranger gets as far as its greeting: whatever does not fit is
 * logged with its reason, and the connection is closed. No byte from the network can do more than that.
 */

import { createServer, type Server, type Socket } from 'node:net';

import type { Log } from '../observe/log.js';
import { saySeldom } from '../observe/say-seldom.js';
import { createFrameReader, type FrameReader } from './frame.js';
import { decodeHello, disagreement, encodeHello, MAX_HELLO_BYTES, type Hello } from './hello.js';
import { writeFrame } from './outgoing.js';

export interface IncomingOptions {
  /** What this node says of itself, by the time when somebody comes. */
  readonly hello: () => Hello;
  /** Who may come; undefined for everybody of this cluster. */
  readonly peers: readonly number[] | undefined;
  readonly maxFrameBytes: number;
  readonly log: Log;
  /** A peer has greeted this node. */
  readonly greeted: (hello: Hello) => void;
  /** The last connection from a peer is gone. */
  readonly left: (peer: number) => void;
  /** A frame of a peer; answers with why it cannot be read, which ends the connection. */
  readonly received: (peer: number, body: Uint8Array) => string | undefined;
}

const GREETING_TIMEOUT_MS = 5_000;
const COMPLAINT_INTERVAL_MS = 30_000;

/** A server that is not listening yet. */
export function createIncoming(options: IncomingOptions): {
  readonly server: Server;
  close(): Promise<void>;
} {
  const { log } = options;
  const complaints = saySeldom(COMPLAINT_INTERVAL_MS);
  const sockets = new Set<Socket>();
  /** The newest connection of each peer: one that replaces another does so because the other is dead. */
  const current = new Map<number, Socket>();

  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    const from = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
    const reader = createFrameReader();
    let peer: number | undefined;
    sockets.add(socket);
    const timeout = setTimeout(() => refuse('it did not greet'), GREETING_TIMEOUT_MS);

    function refuse(why: string): void {
      const who = peer === undefined ? socket.remoteAddress : `node ${peer}`;
      complaints.about(`${who} ${why}`, (leftOut) =>
        log.warn({ from, peer, repeats: leftOut }, `closed a connection from ${who} (${from}): ${why}`),
      );
      // What was written is still delivered, so that the other side learns who it has reached.
      socket.destroySoon();
    }

    function greet(body: Uint8Array): boolean {
      const hello = options.hello();
      writeFrame(socket, encodeHello(hello));
      const theirs = decodeHello(body);
      const why = theirs.ok ? disagreement(hello, theirs.value, options.peers) : theirs.reason;
      if (!theirs.ok || why !== undefined) {
        refuse(why ?? 'it did not greet');
        return false;
      }
      clearTimeout(timeout);
      peer = theirs.value.node;
      current.get(peer)?.destroy();
      current.set(peer, socket);
      options.greeted(theirs.value);
      return true;
    }

    socket.on('data', (bytes) => {
      if (socket.writableEnded) return;
      reader.push(bytes);
      readFrames(reader);
    });

    function readFrames(frames: FrameReader): void {
      for (;;) {
        const limit = peer === undefined ? MAX_HELLO_BYTES : options.maxFrameBytes;
        const frame = frames.next(limit);
        if (frame.type === 'Incomplete') return;
        if (frame.type === 'TooLarge') {
          return refuse(
            peer === undefined
              ? 'it does not speak the language of Wavetank nodes'
              : `it announced a frame of ${frame.length} bytes; at most ${limit} are allowed`,
          );
        }
        if (frame.type === 'Damaged') {
          return refuse(
            `a frame of ${frame.length} bytes was damaged on the way: its checksum does not match` +
              (peer === undefined ? ', or it does not speak the language of Wavetank nodes' : ''),
          );
        }
        if (peer === undefined) {
          if (!greet(frame.body)) return;
          continue;
        }
        const why = options.received(peer, frame.body);
        if (why !== undefined)
          return refuse(`it sent a malformed frame of ${frame.body.length} bytes: ${why}`);
      }
    }

    socket.on('error', (error) => log.debug({ from, peer }, `connection from ${from}: ${error.message}`));
    socket.on('close', () => {
      clearTimeout(timeout);
      sockets.delete(socket);
      if (peer === undefined || current.get(peer) !== socket) return;
      current.delete(peer);
      options.left(peer);
    });
  });

  return {
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
