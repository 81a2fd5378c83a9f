/** Transactions a second that the isolation checker judges on one core, and the memory that it takes. */

import { checkIsolation, type MicroOperation, type Transaction } from '../../sim/check/isolation/index.js';
import { drawBelow, streamOf } from '../../sim/world/chance.js';
import type { Section } from './table.js';

const TRANSACTIONS = 100_000;
const ACTIVE_KEYS = 1_000;
const WRITES_OF_A_KEY = 50;
const CLIENTS = 20;
const REPETITIONS = 5;

export function benchIsolation(): Section {
  const rows = (['list-append', 'rw-register'] as const).map((model) => {
    const history = serialHistory(model);
    const measured = Array.from({ length: REPETITIONS }, () => measure(history, model));
    const seconds = Math.min(...measured.map((each) => each.seconds));
    const heap = Math.max(...measured.map((each) => each.heapBytes));
    return [
      model,
      history.length,
      measured[0]?.edges ?? 0,
      seconds.toFixed(3),
      Math.round(history.length / seconds),
      Math.round(heap / (1 << 20)),
    ];
  });
  return {
    title: 'Isolation: valid histories checked at strict serializable, one core',
    columns: ['', 'transactions', 'edges', 'seconds', 'transactions a second', 'MiB taken'],
    rows,
    notes: [
      `Four operations a transaction, ${ACTIVE_KEYS} keys at a time, ${WRITES_OF_A_KEY} writes a key, ${CLIENTS} clients.`,
      `CPU time of the process, the best of ${REPETITIONS}; memory beyond the history, garbage included.`,
    ],
  };
}

function measure(history: readonly Transaction[], model: 'list-append' | 'rw-register') {
  const memoryBefore = process.memoryUsage();
  const before = process.cpuUsage();
  const { verdict, statistics } = checkIsolation(history, { model, level: 'strict-serializable' });
  const { user, system } = process.cpuUsage(before);
  const memory = process.memoryUsage();
  if (verdict !== 'valid') throw new Error(`the history of the bench is ${verdict}`);
  const edges = Object.values(statistics.edges).reduce((sum, count) => sum + count, 0);
  const heapBytes =
    memory.heapUsed - memoryBefore.heapUsed + (memory.arrayBuffers - memoryBefore.arrayBuffers);
  return { seconds: (user + system) / 1e6, heapBytes, edges };
}

/** Transactions take effect one after another, each at a moment within its time; about `CLIENTS` of them overlap. */
function serialHistory(model: 'list-append' | 'rw-register'): readonly Transaction[] {
  const chance = streamOf(7, 'bench/isolation');
  let counter = 0;
  const below = (limit: number): number => drawBelow(chance, limit, counter++);
  const lists = new Map<string, number[]>();
  const generation = new Int32Array(ACTIVE_KEYS);
  const freeAt = new Float64Array(CLIENTS);
  return Array.from({ length: TRANSACTIONS }, (_, id) => {
    const operations = Array.from({ length: 4 }, (): MicroOperation => {
      const slot = below(ACTIVE_KEYS);
      const key = `${slot}.${generation[slot] as number}`;
      const list = lists.get(key) ?? [];
      lists.set(key, list);
      if (below(2) === 0) {
        return model === 'list-append'
          ? { type: 'list', key, values: list.slice() }
          : { type: 'read', key, value: list.at(-1) ?? null };
      }
      const value = list.length + 1;
      list.push(value);
      if (value === WRITES_OF_A_KEY) generation[slot] = (generation[slot] as number) + 1;
      return { type: model === 'list-append' ? 'append' : 'write', key, value };
    });
    const client = id % CLIENTS;
    const effectAt = 100 + id * 10;
    const invokedAt = Math.max(freeAt[client] as number, effectAt - below(100));
    const answeredAt = effectAt + below(90);
    freeAt[client] = answeredAt + 1;
    return { id, client: `c${client}`, outcome: 'committed', invokedAt, answeredAt, operations } as const;
  });
}
