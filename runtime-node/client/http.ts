/**
 * One HTTP exchange, told so that its caller knows what a failure means: a request that never left can be repeated
 * anywhere, one whose answer was lost may have taken effect.
 */

import { Agent, request as httpRequest } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';

export type Exchange =
  | { readonly type: 'Answered'; readonly status: number; readonly body: string }
  /** No connection: nothing was sent. */
  | { readonly type: 'Unreachable'; readonly reason: string }
  /** The request was, or may have been, sent; no whole answer came. */
  | { readonly type: 'Lost'; readonly reason: string };

export interface ExchangeOptions {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  /** JSON text. */
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly agents?: Agents;
}

/** How nodes behind `https:` are known. */
export interface TlsOptions {
  /** Certificates, as PEM, of the authorities to trust beside those of the system. */
  readonly ca?: string | readonly string[];
  /** Take any certificate: for trials alone. */
  readonly insecure?: boolean;
}

export interface Agents {
  readonly http: Agent;
  readonly https: TlsAgent;
  destroy(): void;
}

/** Agents that keep connections, for callers that send more than one request. */
export function keepConnections({ ca, insecure = false }: TlsOptions = {}): Agents {
  const http = new Agent({ keepAlive: true });
  const trusted = ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] };
  const https = new TlsAgent({ keepAlive: true, rejectUnauthorized: !insecure, ...trusted });
  return {
    http,
    https,
    destroy() {
      http.destroy();
      https.destroy();
    },
  };
}

export function exchange(options: ExchangeOptions): Promise<Exchange> {
  const { method, url, body, timeoutMs, signal, agents } = options;
  return new Promise((resolve) => {
    let connected = false;
    const isTls = url.protocol === 'https:';
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const agent = isTls ? agents?.https : agents?.http;
    const requestOf = isTls ? httpsRequest : httpRequest;
    const request = requestOf(url, { method, headers, ...(agent === undefined ? {} : { agent }) });
    const settle = (result: Exchange): void => {
      clearTimeout(timeout);
      signal?.removeEventListener('abort', cancelled);
      resolve(result);
    };
    const failed = (reason: string): void => {
      settle({ type: connected ? 'Lost' : 'Unreachable', reason });
      request.destroy();
    };
    const cancelled = (): void => failed('cancelled by the caller');
    const timeout = setTimeout(() => failed(`no answer within ${Math.round(timeoutMs)} ms`), timeoutMs);
    signal?.addEventListener('abort', cancelled, { once: true });
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once(isTls ? 'secureConnect' : 'connect', () => (connected = true));
      else connected = true;
    });
    request.on('error', (error) => failed(reasonOf(error)));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => failed(reasonOf(error)));
      response.on('end', () =>
        settle({
          type: 'Answered',
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    request.end(body);
  });
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
