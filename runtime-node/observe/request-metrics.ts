/** How many requests of which kind ended how, and how long they took. */

import {
  KeyValueCode,
  LockCode,
  ScriptCode,
  SequenceCode,
  SessionCode,
  type ClientAnswer,
  type ClientCall,
  type TransactionAnswer,
  type TransactionCall,
} from '../../core/index.js';
import type { MetricFamily } from './exposition.js';
import { createHistogram, type Histogram } from './histogram.js';
import { createTransactionMetrics } from './transaction-metrics.js';

export interface RequestMetrics {
  /** Takes note of a request from its begin to its end, however it ends; the answer goes on as it is. */
  measure(call: ClientCall, answer: Promise<ClientAnswer>): Promise<ClientAnswer>;
  measureTransaction(call: TransactionCall, answer: Promise<TransactionAnswer>): Promise<TransactionAnswer>;
  families(): readonly MetricFamily[];
}

interface KindMetrics {
  readonly codes: Map<string, number>;
  readonly durations: Histogram;
  underWay: number;
}

export function createRequestMetrics(now: () => number = () => performance.now()): RequestMetrics {
  const kinds = new Map<string, KindMetrics>();
  const transactions = createTransactionMetrics(now);

  function metricsOf(kind: string): KindMetrics {
    const known = kinds.get(kind);
    if (known !== undefined) return known;
    const fresh = { codes: new Map(), durations: createHistogram(), underWay: 0 };
    kinds.set(kind, fresh);
    return fresh;
  }

  async function watch<Answer extends ClientAnswer | TransactionAnswer>(
    kind: string,
    answer: Promise<Answer>,
  ): Promise<Answer> {
    const metrics = metricsOf(kind);
    const startedAt = now();
    metrics.underWay += 1;
    let code = 'stopped';
    try {
      const given = await answer;
      code = codeName(given);
      return given;
    } finally {
      metrics.underWay -= 1;
      metrics.codes.set(code, (metrics.codes.get(code) ?? 0) + 1);
      metrics.durations.add(now() - startedAt);
    }
  }

  return {
    measure: ({ operation }, answer) => watch(operation.type, answer),
    async measureTransaction(call, answer) {
      const given = await watch(call.type, answer);
      transactions.heard(call, given);
      return given;
    },
    families: () => {
      const all = [...kinds];
      return [
        {
          name: 'wavetank_requests_total',
          help: 'Requests that this node has answered to its own clients, by kind and outcome.',
          type: 'counter',
          samples: all.flatMap(([kind, { codes }]) =>
            [...codes].map(([code, value]) => ({ labels: { kind, code }, value })),
          ),
        },
        {
          name: 'wavetank_request_duration_seconds',
          help: 'How long they took, from the node that was asked to its answer.',
          type: 'histogram',
          samples: all.flatMap(([kind, { durations }]) => durations.samples({ kind })),
        },
        {
          name: 'wavetank_requests_under_way',
          help: 'Requests of its own clients that this node has not answered yet.',
          type: 'gauge',
          samples: all.map(([kind, { underWay }]) => ({ labels: { kind }, value: underWay })),
        },
        ...transactions.families(),
      ];
    },
  };
}

const KEY_VALUE_NAMES = namesOf(KeyValueCode);
const LOCK_NAMES = namesOf(LockCode);
const SEQUENCE_NAMES = namesOf(SequenceCode);
const SESSION_NAMES = namesOf(SessionCode);
const SCRIPT_NAMES = namesOf(ScriptCode);

function namesOf(codes: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(codes).map(([name, code]) => [code, name]));
}

function codeName({ family, code }: ClientAnswer | TransactionAnswer): string {
  switch (family) {
    case 'lock':
      return LOCK_NAMES.get(code) ?? String(code);
    case 'sequence':
      return SEQUENCE_NAMES.get(code) ?? String(code);
    case 'session':
      return SESSION_NAMES.get(code) ?? String(code);
    case 'script':
      return SCRIPT_NAMES.get(code) ?? String(code);
    default:
      return KEY_VALUE_NAMES.get(code) ?? String(code);
  }
}
