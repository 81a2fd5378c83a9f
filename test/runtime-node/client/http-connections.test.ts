/** Connections of the client: kept from one request to the next, and never trusted further than the server says. */

import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

import { afterEach, expect, it } from 'vitest';

import {
  exchange,
  openConnections,
  type Connections,
  type Exchange,
} from '../../../runtime-node/client/http.js';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';

let server: Server | undefined;
let connections: Connections | undefined;
const sockets = new Set<Socket>();

afterEach(async () => {
  connections?.destroy();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

/** @param serve is given each request, by its number on the connection, and the number of the connection. */
async function listen(serve: (socket: Socket, request: number, connection: number) => void): Promise<URL> {
  let opened = 0;
  const made = createServer((socket) => {
    const connection = (opened += 1);
    let requests = 0;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => serve(socket, (requests += 1), connection));
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return new URL(`http://127.0.0.1:${(made.address() as AddressInfo).port}/`);
}

function ask(
  url: URL,
  more: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<Exchange> {
  connections ??= openConnections();
  return exchange({ method: 'POST', url, body: '{}', timeoutMs: 10_000, ...more, connections });
}

it('asks again on the connection that was answered', async () => {
  const seen: string[] = [];
  const url = await listen((socket, request, connection) => {
    seen.push(`${connection}.${request}`);
    socket.write(ANSWER);
  });

  const first = await ask(url);
  const second = await ask(url);

  expect([first, second]).toEqual(Array(2).fill({ type: 'Answered', status: 200, body: '{}' }));
  expect(seen).toEqual(['1.1', '1.2']);
});

it('opens as many connections as there are requests at once', async () => {
  const waiting: Socket[] = [];
  const url = await listen((socket) => {
    waiting.push(socket);
    if (waiting.length === 3) for (const each of waiting) each.write(ANSWER);
  });

  const answers = await Promise.all([ask(url), ask(url), ask(url)]);

  expect(answers.map(({ type }) => type)).toEqual(['Answered', 'Answered', 'Answered']);
  expect(new Set(waiting).size).toBe(3);
});

it('does not ask on a connection that the server wants to close', async () => {
  const seen: number[] = [];
  const url = await listen((socket, _request, connection) => {
    seen.push(connection);
    socket.write(ANSWER.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  });

  await ask(url);
  await ask(url);

  expect(seen).toEqual([1, 2]);
});

it('does not ask on a connection that the server has closed', async () => {
  const seen: number[] = [];
  let gone: Promise<unknown> | undefined;
  const url = await listen((socket, _request, connection) => {
    seen.push(connection);
    gone = new Promise((resolve) => socket.once('close', resolve));
    socket.end(ANSWER);
  });

  await ask(url);
  await gone;
  await ask(url);

  expect(seen).toEqual([1, 2]);
});

it('does not ask on a connection on which more came than was asked for', async () => {
  const seen: number[] = [];
  let unasked: Socket | undefined;
  const url = await listen((socket, _request, connection) => {
    seen.push(connection);
    unasked = socket;
    socket.write(ANSWER);
  });

  await ask(url);
  const gone = new Promise((resolve) => unasked?.once('close', resolve));
  unasked?.write(ANSWER);
  await gone;
  await ask(url);

  expect(seen).toEqual([1, 2]);
});

it('tells a request that never left from one whose answer was lost', async () => {
  const url = await listen((socket) => socket.destroy());

  const lost = await ask(url);
  await new Promise((resolve) => server?.close(resolve));
  server = undefined;
  const unreachable = await ask(url);

  expect(lost).toMatchObject({ type: 'Lost' });
  expect(unreachable).toMatchObject({
    type: 'Unreachable',
    reason: expect.stringContaining('ECONNREFUSED') as string,
  });
});

it('gives up when the time is over, when it is told to, and when it is closed; and uses no such connection again', async () => {
  const seen: number[] = [];
  const url = await listen((socket, _request, connection) => {
    seen.push(connection);
    if (connection === 4) socket.write(ANSWER);
  });
  const stop = new AbortController();

  const late = await ask(url, { timeoutMs: 50 });
  const stopped = ask(url, { signal: stop.signal });
  while (seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  const closed = exchange({
    method: 'GET',
    url,
    timeoutMs: 10_000,
    connections: (connections ??= openConnections()),
  });
  while (seen.length < 3) await new Promise((resolve) => setImmediate(resolve));
  connections.destroy();
  connections = undefined;

  expect(late).toEqual({ type: 'Lost', reason: 'no answer within 50 ms' });
  expect(await stopped).toEqual({ type: 'Lost', reason: 'cancelled by the caller' });
  expect(await closed).toEqual({ type: 'Lost', reason: 'the client is closed' });
  expect(await ask(url)).toMatchObject({ type: 'Answered' });
});

it('says who asks, when the URL does', async () => {
  let heard = '';
  const url = await listen((socket) => socket.write(ANSWER));
  server?.on('connection', (socket: Socket) => socket.on('data', (bytes) => (heard += bytes.toString())));
  url.username = 'me';
  url.password = 'p%40ss';

  await ask(url);

  expect(heard).toContain(`authorization: Basic ${Buffer.from('me:p@ss').toString('base64')}\r\n`);
  expect(heard).toContain(`host: ${url.host}\r\n`);
});
