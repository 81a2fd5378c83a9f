/**
 * The load process of the services' bench: so many lanes, each of which asks for one thing after the other, over HTTP/1.1,
 * through the streams of gRPC, or of etcd.
 */

import { openEtcdWire } from './etcd-wire.js';
import { openGrpcWire } from './grpc-wire.js';
import { openHttpWire } from './http-wire.js';
import {
  SEQUENCES,
  type Question,
  type ServiceResult,
  type ServiceTask,
  type Wire,
  type WireName,
  type Work,
} from './service-task.js';
import { percentile } from './table.js';

const WIRES: Readonly<Record<WireName, (ports: readonly number[], lanes: number) => Promise<Wire>>> = {
  http: openHttpWire,
  grpc: openGrpcWire,
  etcd: openEtcdWire,
};

const KEYS = 10_000;
/** So few that those who add to them meet. */
const COUNTERS = 16;

process.once('message', (task) => {
  void measure(task as ServiceTask).then((result) => {
    process.send?.(result, () => process.exit(0));
  });
});

async function measure(task: ServiceTask): Promise<ServiceResult> {
  const wire = await WIRES[task.wire](task.ports, task.outstanding);
  const from = performance.now() + task.warmUpMs;
  const until = from + task.measuredMs;
  const latencies: number[] = [];
  let total = 0;
  let failed = 0;
  let number = 0;
  const next = (): number => (number += 1);
  await Promise.all(
    Array.from(
      { length: task.outstanding },
      (_, lane) =>
        new Promise<void>((resolve) => {
          const again = (): void => {
            const startedAt = performance.now();
            if (startedAt >= until) return resolve();
            askAll(wire, lane, questionsOf(task.work, lane, next()), (isGood) => {
              const now = performance.now();
              total += 1;
              if (!isGood) failed += 1;
              else if (startedAt >= from && now < until) latencies.push(now - startedAt);
              again();
            });
          };
          again();
        }),
    ),
  );
  wire.close();
  const sorted = Float64Array.from(latencies).sort();
  const { user, system } = process.cpuUsage();
  return {
    count: sorted.length,
    total,
    failed,
    p50Ms: percentile(sorted, 50),
    p99Ms: percentile(sorted, 99),
    cpuSeconds: (user + system) / 1e6,
  };
}

/** One question after the other; good is what is good to the end. */
function askAll(
  wire: Wire,
  lane: number,
  [first, ...others]: readonly Question[],
  done: (isGood: boolean) => void,
): void {
  if (first === undefined) return done(true);
  wire.ask(lane, first, (isGood) => (isGood ? askAll(wire, lane, others, done) : done(false)));
}

function questionsOf(work: Work, lane: number, number: number): readonly Question[] {
  const key = `bench-${String((number * 7_919) % KEYS).padStart(10, '0')}`;
  const lock = `bench-lock-${lane}`;
  switch (work) {
    case 'put':
    case 'get':
      return [{ type: work, key }];
    case 'create':
      return [{ type: work, key: `bench-${process.pid}-${number}` }];
    case 'lock':
      return [
        { type: 'acquire', lock },
        { type: 'release', lock },
      ];
    case 'next':
      return [{ type: 'next', sequence: `bench-${number % SEQUENCES}` }];
    case 'next-keyed': {
      const idempotencyKey = `${process.pid}-${number}`;
      return [{ type: 'next', sequence: `bench-${number % SEQUENCES}`, idempotencyKey }];
    }
    case 'one partition':
      return [{ type: 'script', script: `set "${key}/a" "1" set "${key}/b" "2"` }];
    case 'two partitions':
      return [{ type: 'script', script: `set "${key}/a" "1" set "other-${key}/a" "2"` }];
    case 'contended': {
      const counter = `bench-counter-${number % COUNTERS}`;
      const script = `let n = get "${counter}" if n == null then set "${counter}" 1 else set "${counter}" n + 1 end`;
      return [{ type: 'script', script }];
    }
  }
}
