import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';

import { credentials } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';

import { KeyValueCode, refusal } from '../../../core/index.js';
import { createApi, type Api, type ApiOptions } from '../../../runtime-node/api/index.js';
import { recordingLog } from '../support/recording-log.js';
import { SOUND_CERT, SOUND_KEY } from './certificates.js';
import { fakeBackend } from './fake-backend.js';
import { grpcDriver } from './services/grpc-driver.js';
import { restDriver } from './services/rest-driver.js';

const HOST = '127.0.0.1';

async function open(options: ApiOptions = {}): Promise<{ readonly api: Api; readonly port: number }> {
  const backend = fakeBackend(() => Promise.resolve(refusal(KeyValueCode.doesNotExist)));
  const api = await createApi(backend, recordingLog(), options);
  onTestFinished(() => api.close());
  const { port } = await api.listen({ host: HOST, port: 0 });
  return { api, port };
}

const tls = { tls: { cert: Buffer.from(SOUND_CERT), key: Buffer.from(SOUND_KEY) } };

/** All that comes until the other side closes. */
function received(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
}

function firstBytes(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => socket.once('data', resolve));
}

describe('one port without TLS', () => {
  it('serves HTTP/1.1 and gRPC', async () => {
    const { port } = await open();
    const grpc = grpcDriver(`http://${HOST}:${port}`);
    onTestFinished(() => grpc.close());

    const answers = await Promise.all([
      restDriver(`http://${HOST}:${port}`).call('kv/try-get', { key: 'k' }),
      grpc.call('kv/try-get', { key: 'k' }),
    ]);

    expect(answers).toMatchObject([{ type: 103 }, { type: 103 }]);
  });

  it.each([[{}], [tls]])('keeps connections for longer than clients do, and says so', async (options) => {
    const { port } = await open(options);
    const socket =
      'tls' in options
        ? tlsConnect({ host: HOST, port, rejectUnauthorized: false })
        : connect({ host: HOST, port });
    onTestFinished(() => void socket.destroy());

    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');

    expect((await firstBytes(socket)).toString()).toMatch(/^keep-alive: timeout=130\r$/im);
  });

  it('understands a greeting that comes byte by byte', async () => {
    const { port } = await open();
    const preface = Buffer.concat([
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
    ]);
    const socket = connect({ host: HOST, port, noDelay: true });
    onTestFinished(() => void socket.destroy());
    const answer = firstBytes(socket);

    for (const byte of preface) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }

    // A frame of settings: three bytes of length, and its type.
    expect((await answer)[3]).toBe(4);
  });

  it('takes a method that begins like that greeting for what it is', async () => {
    const { port } = await open();
    const socket = connect({ host: HOST, port });
    const all = received(socket);

    socket.write('P');
    await new Promise((resolve) => setImmediate(resolve));
    socket.write('ROPFIND / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');

    expect((await all).toString()).toContain('/ takes GET, not PROPFIND');
  });

  it('lets go of those who say nothing when it closes', async () => {
    const { api, port } = await open();
    const socket = connect({ host: HOST, port });
    const gone = received(socket);
    await new Promise((resolve) => socket.once('connect', resolve));

    await api.close();

    expect(await gone).toHaveLength(0);
  });

  it('closes though a gRPC client keeps its connection', async () => {
    const { api, port } = await open();
    const grpc = grpcDriver(`http://${HOST}:${port}`);
    onTestFinished(() => grpc.close());
    await grpc.call('kv/try-get', { key: 'k' });

    await api.close();

    await expect(grpc.call('kv/try-get', { key: 'k' })).rejects.toThrow('UNAVAILABLE');
  });
});

describe('one port with TLS', () => {
  it('serves HTTP/1.1 and gRPC', async () => {
    const { port } = await open(tls);
    const grpc = grpcDriver(`https://localhost:${port}`, credentials.createSsl(Buffer.from(SOUND_CERT)));
    onTestFinished(() => grpc.close());

    const status = await new Promise((resolve, reject) => {
      httpsRequest({ host: 'localhost', port, path: '/', ca: SOUND_CERT, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });

    expect(status).toBe(200);
    expect(await grpc.call('kv/try-get', { key: 'k' })).toMatchObject({ type: 103 });
  });

  it.each([
    [['h2'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [['h2', 'http/1.1'], 'http/1.1'],
    [undefined, false],
  ])('agrees with a client that offers %o on %s', async (offered, agreed) => {
    const { port } = await open(tls);
    const socket = tlsConnect({
      host: 'localhost',
      port,
      ca: SOUND_CERT,
      ...(offered === undefined ? {} : { ALPNProtocols: offered }),
    });
    onTestFinished(() => void socket.destroy());

    await new Promise((resolve) => socket.once('secureConnect', resolve));

    expect(socket.alpnProtocol).toBe(agreed);
  });

  it('does not answer in the clear', async () => {
    const { port } = await open(tls);
    const socket = connect({ host: HOST, port });
    const all = received(socket);

    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');

    // Rather than hanging up, which looks like an answer that was lost.
    const text = (await all).toString();
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain('ask it with https instead of http');
  });
});
