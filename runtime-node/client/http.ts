/**
 * One HTTP exchange, told so that its caller knows what a failure means: a request that never left can be repeated
 * anywhere, one whose answer was lost may have taken effect.
 */

import { Agent, request as httpRequest } from 'node:http';

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
  readonly agent?: Agent;
}

/** An agent that keeps connections, for callers that send more than one request. */
export function keepConnections(): Agent {
  return new Agent({ keepAlive: true });
}

export function exchange({ method, url, body, timeoutMs, agent }: ExchangeOptions): Promise<Exchange> {
  return new Promise((resolve) => {
    let connected = false;
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = httpRequest(url, { method, headers, ...(agent === undefined ? {} : { agent }) });
    const failed = (reason: string): void => {
      clearTimeout(timeout);
      resolve({ type: connected ? 'Lost' : 'Unreachable', reason });
      request.destroy();
    };
    const timeout = setTimeout(() => failed(`no answer within ${Math.round(timeoutMs)} ms`), timeoutMs);
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => (connected = true));
      else connected = true;
    });
    request.on('error', (error) => failed(reasonOf(error)));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => failed(reasonOf(error)));
      response.on('end', () => {
        clearTimeout(timeout);
        resolve({
          type: 'Answered',
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString('utf8'),
        });
      });
    });
    request.end(body);
  });
}

/** A failure of several addresses at once has an empty message of its own. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((part: Error) => part.message).join('; ');
  return error.message;
}
