/**
 * One HTTP exchange, told so that its caller knows what a failure means: a request that never left can be repeated
 * anywhere, one whose answer was lost may have taken effect.
 */

import { openConnections, type Connections, type Outcome } from './http-connections.js';

export { openConnections, type Connections, type TlsOptions } from './http-connections.js';

export type Exchange =
  | { readonly type: 'Answered'; readonly status: number; readonly body: string }
  | Exclude<Outcome, { readonly type: 'Answered' }>;

export interface ExchangeOptions {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  /** JSON text. */
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Without them the exchange has a connection of its own. */
  readonly connections?: Connections;
}

export function exchange(options: ExchangeOptions): Promise<Exchange> {
  const { url, timeoutMs, signal } = options;
  const connections = options.connections ?? openConnections();
  return new Promise((resolve) => {
    const settle = (outcome: Outcome): void => {
      clearTimeout(timeout);
      signal?.removeEventListener('abort', cancelled);
      if (options.connections === undefined) connections.destroy();
      if (outcome.type !== 'Answered') return resolve(outcome);
      const { status, body } = outcome.answer;
      resolve({ type: 'Answered', status, body });
    };
    const cancelled = (): void => giveUp('cancelled by the caller');
    const giveUp = connections.ask(url, requestOf(options), settle);
    const timeout = setTimeout(() => giveUp(`no answer within ${Math.round(timeoutMs)} ms`), timeoutMs);
    signal?.addEventListener('abort', cancelled, { once: true });
  });
}

function requestOf({ method, url, body }: ExchangeOptions): string {
  const { pathname, search, host, username, password } = url;
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const credentials =
    username === '' ? '' : `authorization: Basic ${Buffer.from(login).toString('base64')}\r\n`;
  const head = `${method} ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\n${credentials}`;
  if (body === undefined) return `${head}\r\n`;
  return `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n` + body;
}
