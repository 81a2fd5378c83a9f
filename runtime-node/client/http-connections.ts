/**
 * Connections that are kept from one request to the next, each for one request at a time. Node's own client does the same
 * at three times the cost: it is made for every kind of HTTP, and this one for short questions to a few nodes.
 */

import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { createAnswerReader, type AnswerReader, type HttpAnswer } from './http-answer.js';

/** How nodes behind `https:` are known. */
export interface TlsOptions {
  /** Certificates, as PEM, of the authorities to trust beside those of the system. */
  readonly ca?: string | readonly string[];
  /** Take any certificate: for trials alone. */
  readonly insecure?: boolean;
}

export type Outcome =
  | { readonly type: 'Answered'; readonly answer: HttpAnswer }
  /** No connection: nothing was sent. */
  | { readonly type: 'Unreachable'; readonly reason: string }
  /** The request was, or may have been, sent; no whole answer came. */
  | { readonly type: 'Lost'; readonly reason: string };

export interface Connections {
  /**
   * Sends a whole request. `done` is called once, never before this returns.
   *
   * @returns what ends the request early: `done` is then told this reason.
   */
  ask(url: URL, request: string, done: (outcome: Outcome) => void): (reason: string) => void;
  /** Ends all that is under way. Nothing may be asked any more. */
  destroy(): void;
}

interface Connection {
  readonly socket: Socket;
  readonly reader: AnswerReader;
  isOpen: boolean;
  /** Until when it may be used again, by the monotonic clock. */
  keptUntil: number;
  /** Who waits for its answer; undefined while it is idle. */
  done: ((outcome: Outcome) => void) | undefined;
}

export function openConnections({ ca, insecure = false }: TlsOptions = {}): Connections {
  /** By origin, the one that was used last at the end. */
  const idle = new Map<string, Connection[]>();
  const all = new Set<Connection>();

  function connectionTo(url: URL): Connection {
    const waiting = idle.get(url.origin);
    for (let kept = waiting?.pop(); kept !== undefined; kept = waiting?.pop()) {
      const { socket, keptUntil } = kept;
      const isUsable = socket.writable && !socket.readableEnded && keptUntil > performance.now();
      if (isUsable) {
        socket.ref();
        return kept;
      }
      socket.destroy();
    }
    return open(url);
  }

  function open(url: URL): Connection {
    const isTls = url.protocol === 'https:';
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const place = { host, port: Number(url.port === '' ? (isTls ? 443 : 80) : url.port) };
    const trusted = ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] };
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = isTls
      ? connectTls({
          ...place,
          ...trusted,
          ...name,
          rejectUnauthorized: !insecure,
          ALPNProtocols: ['http/1.1'],
        })
      : connectPlain(place);
    const connection: Connection = {
      socket,
      reader: createAnswerReader(),
      isOpen: false,
      keptUntil: 0,
      done: undefined,
    };
    all.add(connection);
    socket.setNoDelay(true);
    socket.once(isTls ? 'secureConnect' : 'connect', () => (connection.isOpen = true));
    socket.on('data', (bytes) => {
      if (connection.done === undefined) socket.destroy();
      else take(connection, url.origin, connection.reader.push(bytes));
    });
    socket.on('end', () => {
      if (connection.done !== undefined) take(connection, url.origin, connection.reader.end());
    });
    socket.on('error', (error) => finish(connection, reasonOf(error)));
    socket.on('close', () => {
      all.delete(connection);
      finish(connection, 'it closed the connection');
      const waiting = idle.get(url.origin);
      const at = waiting?.indexOf(connection) ?? -1;
      if (at >= 0) waiting?.splice(at, 1);
    });
    return connection;
  }

  function take(connection: Connection, origin: string, reading: ReturnType<AnswerReader['push']>): void {
    switch (reading.type) {
      case 'Incomplete':
        return;
      case 'Malformed':
        finish(connection, reading.reason);
        connection.socket.destroy();
        return;
      case 'Whole': {
        const { answer } = reading;
        const { done } = connection;
        connection.done = undefined;
        if (answer.keepsMs > 0 && !connection.socket.destroyed) rest(connection, origin, answer.keepsMs);
        else connection.socket.destroy();
        done?.({ type: 'Answered', answer });
      }
    }
  }

  function rest(connection: Connection, origin: string, keepsMs: number): void {
    connection.keptUntil = performance.now() + keepsMs;
    // An idle connection keeps no program from its end.
    connection.socket.unref();
    const waiting = idle.get(origin);
    if (waiting === undefined) idle.set(origin, [connection]);
    else waiting.push(connection);
  }

  /** Tells whoever waits that there will be no answer. */
  function finish(connection: Connection, reason: string): void {
    const { done, isOpen } = connection;
    connection.done = undefined;
    done?.({ type: isOpen ? 'Lost' : 'Unreachable', reason });
  }

  return {
    ask(url, request, done) {
      const connection = connectionTo(url);
      connection.done = done;
      connection.socket.write(request);
      return (reason) => {
        if (connection.done !== done) return;
        finish(connection, reason);
        connection.socket.destroy();
      };
    },
    destroy() {
      for (const connection of all) {
        finish(connection, 'the client is closed');
        connection.socket.destroy();
      }
    },
  };
}

/** A failure of several addresses at once has an empty message of its own. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((part: Error) => part.message).join('; ');
  const code = 'code' in error ? String(error.code) : '';
  if (UNTRUSTED.includes(code)) {
    return `its certificate is of no authority that is trusted here (${error.message}); name the authority with tls.ca (--ca)`;
  }
  // What answers there took the greeting of TLS for something else.
  if (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER')
    return `what answers there speaks no TLS: is it http instead of https? (${code})`;
  return error.message;
}

/** By which Node says that a chain of certificates leads nowhere. */
const UNTRUSTED = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
];
