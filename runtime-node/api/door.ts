/**
 * The one port where clients come in, whether they speak HTTP/1.1 (REST) or HTTP/2 (gRPC).
 *
 * Without TLS the first bytes tell: HTTP/2 with prior knowledge begins with "PRI", which is no method of HTTP/1.1. With TLS
 * both sides have agreed by ALPN; who can do both gets HTTP/1.1, since only gRPC is served by HTTP/2 and its clients
 * offer nothing else.
 */

import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

import { problemJson } from './problem.js';
import type { TlsIdentity } from './tls.js';

export interface Door {
  /** A server that serves HTTP/1.1 by itself. */
  readonly createServer: (handler: RequestListener) => Server;
  /** Lets go of connections on which nothing was said yet. */
  close(): void;
}

const HTTP_2_PREFACE = Buffer.from('PRI');
/** The type of the record with which TLS begins. */
const TLS_HANDSHAKE = 22;
const USE_HTTPS_BODY = problemJson(400, 'this port speaks TLS alone: ask it with https instead of http');
const USE_HTTPS =
  'HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close\r\n' +
  `content-length: ${USE_HTTPS_BODY.length}\r\n\r\n${USE_HTTPS_BODY}`;
/** How long a connection that is refused may stay. */
const REFUSAL_MS = 1_000;
/** A connection on which nothing is said for so long is closed. */
const SILENCE_MS = 60_000;
/**
 * How long a connection is kept after an answer. Longer than clients keep theirs: a request that comes while it is being closed is
 * lost, and nobody knows then whether it was executed.
 */
const KEEP_ALIVE_MS = 130_000;

/** @param takeHttp2 serves a connection on which HTTP/2 is spoken, and decrypted where it was encrypted. */
export function createDoor(tls: TlsIdentity | undefined, takeHttp2: (connection: Duplex) => void): Door {
  const silent = new Set<Socket>();

  function createPlain(handler: RequestListener): Server {
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handler);
    const takeHttp1 = replaceListener(server, 'connection', (socket) => {
      lookAtFirst(socket, silent, (bytes) => {
        const compared = Math.min(bytes.length, HTTP_2_PREFACE.length);
        const mayBeHttp2 = bytes.subarray(0, compared).equals(HTTP_2_PREFACE.subarray(0, compared));
        if (mayBeHttp2 && compared < HTTP_2_PREFACE.length) return undefined;
        return mayBeHttp2 ? takeHttp2 : takeHttp1;
      });
    });
    return server;
  }

  function createEncrypted(identity: TlsIdentity, handler: RequestListener): Server {
    const protocols = { ALPNProtocols: ['http/1.1', 'h2'] };
    const server = createTlsServer({ ...identity, ...protocols, keepAliveTimeout: KEEP_ALIVE_MS }, handler);
    const takeHttp1 = replaceListener(server, 'secureConnection', (socket) => {
      if ((socket as TLSSocket).alpnProtocol === 'h2') takeHttp2(socket);
      else takeHttp1(socket);
    });
    const takeTls = replaceListener(server, 'connection', (socket) => {
      lookAtFirst(socket, silent, (bytes) => (bytes[0] === TLS_HANDSHAKE ? takeTls : refuseCleartext));
    });
    return server;
  }

  return {
    createServer: (handler) => (tls === undefined ? createPlain(handler) : createEncrypted(tls, handler)),
    close() {
      for (const socket of silent) socket.destroy();
    },
  };
}

/** To hang up without a word would look like an answer that was lost. */
function refuseCleartext(socket: Socket): void {
  socket.on('error', ignore);
  socket.setTimeout(REFUSAL_MS, () => socket.destroy());
  // What is left unread when a connection is closed takes the answer away from the other side.
  socket.resume();
  socket.end(USE_HTTPS);
}

/**
 * Waits for what the other side says first, as long as that may take.
 *
 * @param decide is given all bytes so far, and returns who takes the connection; undefined until they are enough.
 */
function lookAtFirst(
  socket: Socket,
  silent: Set<Socket>,
  decide: (bytes: Buffer) => ((socket: Socket) => void) | undefined,
): void {
  silent.add(socket);
  const patience = setTimeout(() => socket.destroy(), SILENCE_MS);
  const decided = (): void => {
    silent.delete(socket);
    clearTimeout(patience);
    socket.removeListener('readable', look);
    socket.removeListener('close', decided);
    socket.removeListener('error', ignore);
  };
  let seen: Buffer = Buffer.alloc(0);
  const look = (): void => {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return;
    seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
    const take = decide(seen);
    if (take === undefined) return;
    decided();
    socket.unshift(seen);
    take(socket);
  };
  socket.on('readable', look);
  socket.on('close', decided);
  socket.on('error', ignore);
}

/** @returns what was done so far with a connection: the server's own way of serving it. */
function replaceListener(
  server: Server,
  event: 'connection' | 'secureConnection',
  take: (socket: Socket) => void,
): (socket: Socket) => void {
  const own = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, take);
  return (socket) => {
    for (const listener of own) listener.call(server, socket);
  };
}

/** A connection that breaks before anything was said is nobody's concern. */
function ignore(): void {}
