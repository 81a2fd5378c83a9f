import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { describe, expect, it, onTestFinished } from 'vitest';

import { nodeId, type NodeId } from '../../../core/machine/index.js';
import {
  openTransport,
  StartRefused,
  type Address,
  type Transport,
  type TransportOptions,
} from '../../../runtime-node/index.js';
import { createFrameReader, frameHeader } from '../../../runtime-node/transport/frame.js';
import { encodeHello, PROTOCOL_VERSION } from '../../../runtime-node/transport/hello.js';
import { recordingLog, type RecordingLog } from '../support/recording-log.js';
import { linesCodec } from '../support/text-codec.js';

const LOOPBACK = '127.0.0.1';

interface Peer {
  readonly transport: Transport<string>;
  readonly log: RecordingLog;
  readonly received: string[];
  /** Resolves once this message has come, from whomever. */
  got(message: string): Promise<void>;
}

async function openPeer(
  id: number,
  others: Readonly<Record<number, Address>>,
  settings: Partial<TransportOptions<string>> = {},
): Promise<Peer> {
  const log = recordingLog();
  const transport = await openTransport<string>({
    cluster: 'test',
    node: nodeId(id),
    partitions: 8,
    listen: { host: LOOPBACK, port: 0 },
    peers: new Map(Object.entries(others).map(([other, address]) => [nodeId(Number(other)), address])),
    codec: linesCodec,
    log,
    firstReconnectMs: 1,
    longestReconnectMs: 10,
    ...settings,
  });
  onTestFinished(() => transport.close());
  const received: string[] = [];
  const waiting: { readonly message: string; readonly resolve: () => void }[] = [];
  transport.start((from: NodeId, messages) => {
    for (const message of messages) {
      received.push(`${from}: ${message}`);
      for (const waiter of waiting) if (waiter.message === message) waiter.resolve();
    }
  });
  return {
    transport,
    log,
    received,
    got(message) {
      if (received.some((line) => line.endsWith(`: ${message}`))) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ message, resolve }));
    },
  };
}

/** An address on which nothing listens, most likely. */
async function freeAddress(): Promise<Address> {
  const server = createServer();
  const address = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return address;
}

async function listening(server: Server): Promise<Address> {
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return { host: LOOPBACK, port: (server.address() as AddressInfo).port };
}

/** Two nodes that know of each other: the first one's address is settled before it listens. */
async function pair(
  first: Partial<TransportOptions<string>> = {},
  second: Partial<TransportOptions<string>> = {},
): Promise<readonly [Peer, Peer]> {
  const address = await freeAddress();
  const b = await openPeer(2, { 1: address }, second);
  const a = await openPeer(1, { 2: b.transport.address }, { listen: address, ...first });
  return [a, b];
}

/** A stranger's connection; resolves with all that it is sent, when it is closed. */
function stranger(
  address: Address,
  bytes: Uint8Array,
): { readonly socket: Socket; readonly closed: Promise<Buffer> } {
  const socket = connect(address.port, address.host);
  onTestFinished(() => void socket.destroy());
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.write(bytes);
  return {
    socket,
    closed: new Promise((resolve) => socket.once('close', () => resolve(Buffer.concat(chunks)))),
  };
}

function frame(body: Uint8Array): Uint8Array {
  return Buffer.concat([frameHeader(body), body]);
}

const hello = { version: PROTOCOL_VERSION, cluster: 'test', node: 2, partitions: 8, address: '', client: '' };

describe('two nodes', () => {
  it('exchange messages in order, in both directions', async () => {
    const [a, b] = await pair();
    await a.log.waitFor('connected to node 2');
    await b.log.waitFor('connected to node 1');

    a.transport.send(nodeId(2), ['one', 'two']);
    a.transport.send(nodeId(2), ['three']);
    b.transport.send(nodeId(1), ['four']);
    await b.got('three');
    await a.got('four');

    expect(b.received).toEqual(['1: one', '1: two', '1: three']);
    expect(a.received).toEqual(['2: four']);
  });

  it('find each other again when one comes back', async () => {
    const [a, b] = await pair();
    await a.log.waitFor('connected to node 2');
    const { address } = b.transport;

    await b.transport.close();
    await a.log.waitFor('lost the connection to node 2');
    a.transport.send(nodeId(2), ['into the void']);
    const again = await openPeer(2, { 1: a.transport.address }, { listen: address });
    while (a.log.lines.filter(({ message }) => message.startsWith('connected to node 2')).length < 2) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    a.transport.send(nodeId(2), ['hello again']);
    await again.got('hello again');

    expect(again.received).toEqual(['1: hello again']);
  });

  it('send in several frames what is too large for one, and nothing that is too large alone', async () => {
    const [a, b] = await pair({ maxFrameBytes: 10 });
    await a.log.waitFor('connected to node 2');

    a.transport.send(nodeId(2), ['123456', 'this is too long', 'abcdef', 'end']);
    await b.got('end');

    expect(b.received).toEqual(['1: 123456', '1: abcdef', '1: end']);
    expect(a.log.lines.map(({ message }) => message)).toContain(
      'a message of 16 bytes is too large to be sent',
    );
  });

  it('drop the newest frames beyond the bound when the other reads too slowly', async () => {
    // A node that greets, and then reads nothing.
    const deaf = createServer((socket) => {
      socket.once('data', () => {
        socket.write(frame(encodeHello(hello)));
        socket.pause();
      });
      onTestFinished(() => void socket.destroy());
    });
    onTestFinished(() => void deaf.close());
    const a = await openPeer(1, { 2: await listening(deaf) }, { maxQueuedBytes: 1 << 20 });
    await a.log.waitFor('connected to node 2');

    const big = 'x'.repeat(1 << 18);
    for (let i = 0; i < 100; i += 1) {
      a.transport.send(nodeId(2), [big]);
      await new Promise((resolve) => setImmediate(resolve));
    }

    const line = await a.log.waitFor('reads too slowly');
    expect(line.level).toBe('warn');
    expect(a.log.lines.filter(({ message }) => message.includes('reads too slowly')).length).toBeLessThan(10);
  });
});

describe('two nodes refuse each other, both with the reason, when they', () => {
  it.each([
    [
      { cluster: 'other' },
      'it is of cluster "other", this node of "test"',
      'it is of cluster "test", this node of "other"',
    ],
    [{ partitions: 4 }, 'it has 4 partitions, this node 8', 'it has 8 partitions, this node 4'],
  ])('differ in %o', async (settings, toFirst, toSecond) => {
    const [a, b] = await pair({}, settings);

    expect((await a.log.waitFor(toFirst)).level).toBe('warn');
    expect((await b.log.waitFor(toSecond)).level).toBe('warn');
    a.transport.send(nodeId(2), ['not for you']);
    expect(b.received).toEqual([]);
  });

  it('have the same id', async () => {
    const [a, b] = await pair({}, { node: nodeId(1) });

    await a.log.waitFor('it says that it is node 1, as this one: two nodes have the same --id');
    await b.log.waitFor('it says that it is node 1, as this one');
  });

  it('are reached under an address that is another node’s', async () => {
    const [a] = await pair({}, { node: nodeId(3) });

    await a.log.waitFor('it says that it is node 3, but node 2 was expected');
  });
});

describe('a stranger', () => {
  it.each([
    ['that speaks HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'it does not speak the language'],
    ['that greets with garbage', frame(Buffer.from('{]')), 'it does not speak the language'],
    ['that greets with null', frame(Buffer.from('null')), 'it does not speak the language'],
    [
      'that greets with half a greeting',
      frame(encodeHello({ ...hello, node: 0 })),
      'its greeting is incomplete',
    ],
    ['of another version', frame(encodeHello({ ...hello, version: 99 })), 'it speaks protocol version 99'],
    [
      'that is no peer',
      frame(encodeHello({ ...hello, node: 77 })),
      'it says that it is node 77, but node 2 was expected',
    ],
  ])('%s is logged and cut off', async (_who, bytes, why) => {
    const a = await openPeer(1, { 2: await freeAddress() });

    const { closed } = stranger(a.transport.address, bytes);

    await closed;
    expect((await a.log.waitFor(why)).level).toBe('warn');
  });

  it('is told whom it has reached, if it greets', async () => {
    const a = await openPeer(1, { 2: await freeAddress() });

    const { closed } = stranger(a.transport.address, frame(encodeHello({ ...hello, cluster: 'other' })));

    const reader = createFrameReader();
    reader.push(await closed);
    const answer = reader.next(1_000);
    expect(answer.type === 'Frame' ? JSON.parse(Buffer.from(answer.body).toString()) : answer).toMatchObject({
      cluster: 'test',
      node: 1,
    });
  });
});

describe('a peer', () => {
  it('is cut off when it sends a malformed frame; what came before it counts', async () => {
    const a = await openPeer(1, { 2: await freeAddress() });
    const good = frame(Buffer.from('fine'));
    const bad = frame(Buffer.from([0xff, 0xfe]));

    const { closed } = stranger(
      a.transport.address,
      Buffer.concat([frame(encodeHello(hello)), good, bad, good]),
    );

    await closed;
    const line = await a.log.waitFor('it sent a malformed frame of 2 bytes: it is not text');
    expect(line.fields).toMatchObject({ peer: 2 });
    expect(a.received).toEqual(['2: fine']);
  });

  it('is cut off when a frame was damaged on the way; what came before it counts, and nothing after it', async () => {
    const a = await openPeer(1, { 2: await freeAddress() });
    const damaged = Uint8Array.from(frame(Buffer.from('evil')));
    damaged[damaged.length - 1] = (damaged[damaged.length - 1] as number) ^ 1;

    const { closed } = stranger(
      a.transport.address,
      Buffer.concat([
        frame(encodeHello(hello)),
        frame(Buffer.from('fine')),
        damaged,
        frame(Buffer.from('late')),
      ]),
    );
    await closed;

    await a.log.waitFor('a frame of 4 bytes was damaged on the way: its checksum does not match');
    expect(a.received).toEqual(['2: fine']);
  });

  it('is cut off when its greeting was damaged on the way', async () => {
    const a = await openPeer(1, { 2: await freeAddress() });
    const greeting = Uint8Array.from(frame(encodeHello(hello)));
    greeting[20] = (greeting[20] as number) ^ 64;

    const { closed } = stranger(a.transport.address, greeting);
    await closed;

    await a.log.waitFor('its checksum does not match, or it does not speak the language of Wavetank nodes');
    expect(a.received).toEqual([]);
  });

  it('is cut off when it announces a frame that is too large', async () => {
    const a = await openPeer(1, { 2: await freeAddress() }, { maxFrameBytes: 1_000 });

    const { closed } = stranger(
      a.transport.address,
      Buffer.concat([frame(encodeHello(hello)), frameHeader(new Uint8Array(1_001))]),
    );

    await closed;
    await a.log.waitFor('it announced a frame of 1001 bytes; at most 1000 are allowed');
  });

  it('is cut off when the decoder itself fails', async () => {
    const codec = {
      encode: linesCodec.encode,
      decode: () => {
        throw new Error('a bug');
      },
    };
    const a = await openPeer(1, { 2: await freeAddress() }, { codec });

    const { closed } = stranger(
      a.transport.address,
      Buffer.concat([frame(encodeHello(hello)), frame(Buffer.from('x'))]),
    );

    await closed;
    await a.log.waitFor('the decoder failed: a bug');
  });

  it('that connects anew replaces its old connection', async () => {
    const a = await openPeer(1, { 2: await freeAddress() });

    const old = stranger(a.transport.address, frame(encodeHello(hello)));
    await new Promise((resolve) => old.socket.once('data', resolve));
    const young = stranger(
      a.transport.address,
      Buffer.concat([frame(encodeHello(hello)), frame(Buffer.from('me'))]),
    );
    await old.closed;
    await a.got('me');

    expect(young.socket.destroyed).toBe(false);
  });
});

describe('a port in use', () => {
  it('is refused with the port and what to do', async () => {
    const a = await openPeer(1, {});

    const refusal = await openPeer(2, {}, { listen: a.transport.address }).catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(StartRefused);
    expect(String(refusal)).toContain(`port ${a.transport.address.port} (for the other nodes`);
    expect(String(refusal)).toContain('is in use by another program');
    expect(String(refusal)).toContain('(--listen)');
  });
});

describe('nodes whose peers change', () => {
  it('speak to a peer that they are told of later', async () => {
    const a = await openPeer(1, {}, { isOpen: true });
    const b = await openPeer(2, { 1: a.transport.address }, { isOpen: true });

    a.transport.setPeers(new Map([[nodeId(2), b.transport.address]]));
    const sending = setInterval(() => a.transport.send(nodeId(2), ['told']), 5);
    await b.got('told');
    clearInterval(sending);

    expect(b.received[0]).toBe('1: told');
  });

  it('answer one that they are not told of, at the address that it says', async () => {
    const a = await openPeer(1, {}, { isOpen: true });
    const b = await openPeer(2, { 1: a.transport.address }, { isOpen: true });
    const sending = setInterval(() => {
      b.transport.send(nodeId(1), ['hello']);
      a.transport.send(nodeId(2), ['welcome']);
    }, 5);

    await Promise.all([a.got('hello'), b.got('welcome')]);
    clearInterval(sending);

    expect(b.received[0]).toBe('1: welcome');
  });

  it('say no more to one that is gone and that nobody names any more', async () => {
    const a = await openPeer(1, {}, { isOpen: true });
    const b = await openPeer(2, { 1: a.transport.address }, { isOpen: true });
    const sending = setInterval(() => a.transport.send(nodeId(2), ['still']), 5);
    await b.got('still');

    await b.transport.close();
    const lines = (): readonly string[] => a.log.lines.map(({ message }) => message);
    await untilSo(() => lines().some((line) => line.startsWith('lost the connection to node 2')));
    clearInterval(sending);
    const trouble = lines().filter((line) => line.includes('cannot reach node 2'));

    // Once the one that had come is gone, nobody tries to reach it.
    expect(trouble.length).toBeLessThanOrEqual(1);
  });

  it('find out who is at an address of which they know nothing else', async () => {
    const b = await openPeer(2, {}, { isOpen: true });
    const a = await openPeer(1, {}, { isOpen: true, seeds: [b.transport.address] });
    const sending = setInterval(() => a.transport.send(nodeId(2), ['found']), 5);

    await b.got('found');
    clearInterval(sending);

    expect(b.received[0]).toBe('1: found');
  });

  it('refuse strangers where the members are fixed', async () => {
    const a = await openPeer(1, {});
    await openPeer(2, { 1: a.transport.address });

    await untilSo(() => a.log.lines.some(({ message }) => message.includes('it says that it is node 2')));
  });
});

async function untilSo(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
