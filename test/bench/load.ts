/**
 * The load process of the cluster bench: one connection for each outstanding request, HTTP/1.1 spoken over plain
 * sockets, so that the load takes little of the machine that it shares with the servers.
 */

import { connect, type Socket } from 'node:net';
import { percentile } from './table.js';

export interface LoadTask {
  readonly operation: 'put' | 'get';
  readonly outstanding: number;
  readonly ports: readonly number[];
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

export interface LoadResult {
  /** Operations answered in the measured time, and all of them. */
  readonly count: number;
  readonly total: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const KEYS = 10_000;
const VALUE = Buffer.alloc(256, 'v').toString('base64');

process.once('message', (task) => {
  void measure(task as LoadTask).then((result) => {
    process.send?.(result, () => process.exit(0));
  });
});

async function measure(task: LoadTask): Promise<LoadResult> {
  const startedAt = performance.now();
  const from = startedAt + task.warmUpMs;
  const until = from + task.measuredMs;
  const latencies: number[] = [];
  let total = 0;
  let failed = 0;
  let sequence = 0;
  const nextRequest = (): Buffer => {
    sequence += 1;
    return requestOf(task.operation, (sequence * 7_919) % KEYS);
  };
  await Promise.all(
    Array.from({ length: task.outstanding }, (_, i) =>
      keepAsking(
        task.ports[i % task.ports.length] as number,
        nextRequest,
        until,
        (sentAt, answeredAt, ok) => {
          total += 1;
          if (!ok) failed += 1;
          else if (sentAt >= from && answeredAt < until) latencies.push(answeredAt - sentAt);
        },
      ),
    ),
  );
  const sorted = Float64Array.from(latencies).sort();
  return {
    count: sorted.length,
    total,
    failed,
    p50Ms: percentile(sorted, 50),
    p99Ms: percentile(sorted, 99),
  };
}

function requestOf(operation: 'put' | 'get', key: number): Buffer {
  const name = `bench-${String(key).padStart(10, '0')}`;
  const body =
    operation === 'put'
      ? `{"key":"${name}","value":"${VALUE}","flags":1,"durability":1}`
      : `{"key":"${name}","revision":-1,"durability":1}`;
  const path = operation === 'put' ? '/v1/kv/try-set' : '/v1/kv/try-get';
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}

/** One request after another on one connection, until the time is over. */
function keepAsking(
  port: number,
  nextRequest: () => Buffer,
  until: number,
  onAnswer: (sentAt: number, answeredAt: number, ok: boolean) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    let sentAt = 0;
    let received = '';
    const ask = (): void => {
      sentAt = performance.now();
      socket.write(nextRequest());
    };
    socket.on('connect', ask);
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const headEnd = received.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const length = /content-length: (\d+)/i.exec(received);
      if (length === null || received.length < headEnd + 4 + Number(length[1])) return;
      const now = performance.now();
      const ok = received.startsWith('HTTP/1.1 200') && /"type":(0|3|103)\b/.test(received);
      received = '';
      onAnswer(sentAt, now, ok);
      if (now < until) ask();
      else {
        socket.end();
        resolve();
      }
    });
  });
}
