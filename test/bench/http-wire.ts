/**
 * HTTP/1.1 over plain sockets, one connection for each lane: so that the load takes little of the machine that it shares
 * with the servers.
 */

import { connect, type Socket } from 'node:net';

import { LEASE_MS, OWNER, VALUE, type Question, type Wire } from './service-task.js';

export async function openHttpWire(ports: readonly number[], lanes: number): Promise<Wire> {
  const open = await Promise.all(
    Array.from({ length: lanes }, (_, lane) => openLane(ports[lane % ports.length] as number)),
  );
  return {
    ask: (lane, question, answered) => open[lane]?.ask(question, answered),
    close() {
      for (const lane of open) lane.close();
    },
  };
}

interface Lane {
  ask(question: Question, answered: (isGood: boolean) => void): void;
  close(): void;
}

function openLane(port: number): Promise<Lane> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    let received = '';
    let waiting: ((isGood: boolean) => void) | undefined;
    socket.once('error', reject);
    socket.once('connect', () =>
      resolve({
        ask(question, answered) {
          waiting = answered;
          socket.write(requestOf(question));
        },
        close: () => socket.end(),
      }),
    );
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const headEnd = received.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const length = /content-length: (\d+)/i.exec(received);
      if (length === null || received.length < headEnd + 4 + Number(length[1])) return;
      const isGood = received.startsWith('HTTP/1.1 200') && /"type":(0|3|103)\b/.test(received);
      received = '';
      waiting?.(isGood);
    });
  });
}

const VALUE_TEXT = VALUE.toString('base64');
const OWNER_TEXT = OWNER.toString('base64');

function requestOf(question: Question): Buffer {
  const [path, body] = pathAndBody(question);
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function pathAndBody(question: Question): readonly [string, string] {
  switch (question.type) {
    case 'put':
      return ['/v1/kv/try-set', `{"key":"${question.key}","value":"${VALUE_TEXT}","flags":1,"durability":1}`];
    case 'create':
      return ['/v1/kv/try-set', `{"key":"${question.key}","value":"${VALUE_TEXT}","flags":9,"durability":1}`];
    case 'get':
      return ['/v1/kv/try-get', `{"key":"${question.key}","revision":-1,"durability":1}`];
    case 'acquire':
      return [
        '/v1/locks/try-lock',
        `{"resource":"${question.lock}","owner":"${OWNER_TEXT}","expiresMs":${LEASE_MS},"durability":1}`,
      ];
    case 'release':
      return [
        '/v1/locks/try-unlock',
        `{"resource":"${question.lock}","owner":"${OWNER_TEXT}","durability":1}`,
      ];
    case 'next':
      return ['/v1/sequences/next', nextBody(question.sequence, question.idempotencyKey)];
    case 'script': {
      const script = Buffer.from(question.script).toString('base64');
      return ['/v1/kv/try-execute-tx-script', `{"script":"${script}","parameters":[],"priority":2}`];
    }
  }
}

function nextBody(sequence: string, key: string | undefined): string {
  return key === undefined ? `{"name":"${sequence}"}` : `{"name":"${sequence}","idempotencyKey":"${key}"}`;
}
