/** HTTP servers that answer as a list says: what a client makes of nodes that fail in every way. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';

import { onTestFinished } from 'vitest';

export interface Asked {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** JSON with status 200; a status with words; no answer but the end of the connection; or none at all. */
export type FakeAnswer = object | number | 'hang up' | 'silence';

export interface FakeNode {
  readonly endpoint: string;
  readonly asked: Asked[];
}

/** A node that answers each request as the list says, and repeats the last; or as a function of the request says. */
export async function fakeNode(
  ...answers: readonly (FakeAnswer | ((asked: Asked) => FakeAnswer))[]
): Promise<FakeNode> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void readText(request).then((text) => {
      const question = {
        path: request.url ?? '',
        body: JSON.parse(text === '' ? '{}' : text) as Asked['body'],
      };
      asked.push(question);
      const answer = answers[Math.min(asked.length, answers.length) - 1] ?? 500;
      answerWith(response, typeof answer === 'function' ? answer(question) : answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function answerWith(response: ServerResponse, answer: FakeAnswer): void {
  if (answer === 'silence') return;
  if (answer === 'hang up') response.destroy();
  else if (typeof answer === 'number') response.writeHead(answer).end('{"message":"so be it"}');
  else response.writeHead(200).end(JSON.stringify(answer));
}

/** Where nobody listens. */
export async function deadEndpoint(): Promise<string> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
