import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';

import { describe, expect, it, onTestFinished } from 'vitest';

import { createClient } from '../../../runtime-node/index.js';

type Asked = Readonly<Record<string, unknown>>;

interface FakeNode {
  readonly endpoint: string;
  readonly asked: Asked[];
}

/** A node that answers each request as the list says, and repeats the last. */
async function fakeNode(...answers: readonly (string | number | 'hang up')[]): Promise<FakeNode> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void readText(request).then((text) => {
      asked.push(JSON.parse(text) as Asked);
      answerWith(response, answers[Math.min(asked.length, answers.length) - 1] ?? 500);
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

function answerWith(response: ServerResponse, answer: string | number): void {
  if (answer === 'hang up') response.destroy();
  else if (typeof answer === 'number') response.writeHead(answer).end('{"message":"so be it"}');
  else response.writeHead(200).end(answer);
}

async function deadEndpoint(): Promise<string> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

const SET = '{"type":0,"revision":7,"lastModified":{"n":1,"l":2,"c":3}}';
const MUST_RETRY = '{"type":101,"reason":"no leader"}';

describe('a client', () => {
  it('asks for the read mode that it was told, and for none otherwise', async () => {
    const node = await fakeNode('{"type":3,"value":"","revision":7,"lastModified":{"n":1,"l":2,"c":3}}');
    const client = createClient({ endpoints: [node.endpoint] });
    onTestFinished(() => client.close());

    await client.get('k');
    await client.get('k', { read: 'lease' });
    await client.exists('k', { read: 'stale' });

    expect(node.asked.map(({ readMode }) => readMode)).toEqual([undefined, 'lease', 'stale']);
  });

  it('goes on to the next node when one cannot be reached', async () => {
    const node = await fakeNode(SET);
    const client = createClient({ endpoints: [await deadEndpoint(), node.endpoint] });
    onTestFinished(() => client.close());

    const result = await client.set('k', new Uint8Array([1]));

    expect(result).toMatchObject({
      type: 'Answered',
      endpoint: node.endpoint,
      attempts: 2,
      answer: { revision: 7 },
    });
  });

  it('repeats a write whose answer was lost, or that must be tried again, under the same operation id', async () => {
    const first = await fakeNode('hang up', MUST_RETRY, 503);
    const second = await fakeNode(MUST_RETRY, 'hang up', SET);
    const client = createClient({ endpoints: [first.endpoint, second.endpoint] });
    onTestFinished(() => client.close());

    const result = await client.set('k', null, { flags: 16, compareValue: new Uint8Array(0) });

    const asked = [...first.asked, ...second.asked];
    expect(result).toMatchObject({ type: 'Answered', attempts: 6 });
    expect(asked).toHaveLength(6);
    expect(new Set(asked.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(asked[0]).toMatchObject({ key: 'k', value: null, flags: 16, compareValue: '', durability: 1 });
    expect(asked[0]?.['operationIdHigh']).toBeGreaterThan(0);
  });

  it('gives each write an id of its own', async () => {
    const node = await fakeNode(SET);
    const client = createClient({ endpoints: [node.endpoint] });
    onTestFinished(() => client.close());

    await client.delete('k');
    await client.delete('k');

    expect(node.asked[0]?.['operationIdLow']).not.toBe(node.asked[1]?.['operationIdLow']);
  });

  it('says that nothing happened when no node can be reached', async () => {
    const client = createClient({ endpoints: [await deadEndpoint(), await deadEndpoint()] });
    onTestFinished(() => client.close());

    expect(await client.set('k', null)).toMatchObject({ type: 'Unavailable' });
  });

  it('says that the outcome of a write is unknown when its time is over', async () => {
    const node = await fakeNode(MUST_RETRY);
    const client = createClient({ endpoints: [node.endpoint], timeoutMs: 100 });
    onTestFinished(() => client.close());

    const write = await client.set('k', null);
    const read = await client.get('k');

    expect(write.type).toBe('Unknown');
    expect(write.type === 'Unknown' && write.reason).toContain('no leader');
    expect(read.type).toBe('Unavailable');
  });

  it('does not repeat what a node refuses to understand', async () => {
    const node = await fakeNode(400);
    const client = createClient({ endpoints: [node.endpoint] });
    onTestFinished(() => client.close());

    expect(await client.get('k')).toMatchObject({ type: 'Refused', reason: 'so be it' });
    expect(node.asked).toHaveLength(1);
  });
});
