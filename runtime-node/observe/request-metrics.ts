/** How many requests of which kind ended how, and how long they took. */

import {
  KeyValueCode,
  LockCode,
  SequenceCode,
  type ClientAnswer,
  type ClientCall,
} from '../../core/index.js';
import type { MetricFamily, Sample } from './exposition.js';

export interface RequestMetrics {
  /** Takes note of a request from its begin to its end, however it ends; the answer goes on as it is. */
  measure(call: ClientCall, answer: Promise<ClientAnswer>): Promise<ClientAnswer>;
  families(): readonly MetricFamily[];
}

/** Upper bounds, in milliseconds: from a read out of memory to what a request may wait at most. */
const BOUNDS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

interface KindMetrics {
  readonly codes: Map<string, number>;
  /** Requests for each bound that took no longer, and longer than the bound before; those beyond the last one at the end. */
  readonly counts: number[];
  sumMs: number;
  underWay: number;
}

export function createRequestMetrics(now: () => number = () => performance.now()): RequestMetrics {
  const kinds = new Map<string, KindMetrics>();

  function metricsOf(kind: string): KindMetrics {
    const known = kinds.get(kind);
    if (known !== undefined) return known;
    const fresh = { codes: new Map(), counts: BOUNDS_MS.map(() => 0).concat(0), sumMs: 0, underWay: 0 };
    kinds.set(kind, fresh);
    return fresh;
  }

  function ended(metrics: KindMetrics, code: string, tookMs: number): void {
    metrics.underWay -= 1;
    metrics.codes.set(code, (metrics.codes.get(code) ?? 0) + 1);
    metrics.sumMs += tookMs;
    const bound = BOUNDS_MS.findIndex((most) => tookMs <= most);
    const place = bound < 0 ? BOUNDS_MS.length : bound;
    metrics.counts[place] = (metrics.counts[place] ?? 0) + 1;
  }

  return {
    async measure({ operation }, answer) {
      const metrics = metricsOf(operation.type);
      const startedAt = now();
      metrics.underWay += 1;
      let code = 'stopped';
      try {
        const given = await answer;
        code = codeName(given);
        return given;
      } finally {
        ended(metrics, code, now() - startedAt);
      }
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
          samples: all.flatMap(([kind, metrics]) => histogram(kind, metrics)),
        },
        {
          name: 'wavetank_requests_under_way',
          help: 'Requests of its own clients that this node has not answered yet.',
          type: 'gauge',
          samples: all.map(([kind, { underWay }]) => ({ labels: { kind }, value: underWay })),
        },
      ];
    },
  };
}

/** Buckets count all that took no longer than their bound. */
function histogram(kind: string, { counts, sumMs }: KindMetrics): readonly Sample[] {
  let total = 0;
  const buckets = counts.map((count, i): Sample => {
    total += count;
    const bound = BOUNDS_MS[i];
    const le = bound === undefined ? '+Inf' : bound / 1_000;
    return { suffix: '_bucket', labels: { kind, le }, value: total };
  });
  return [
    ...buckets,
    { suffix: '_sum', labels: { kind }, value: sumMs / 1_000 },
    { suffix: '_count', labels: { kind }, value: total },
  ];
}

const KEY_VALUE_NAMES = namesOf(KeyValueCode);
const LOCK_NAMES = namesOf(LockCode);
const SEQUENCE_NAMES = namesOf(SequenceCode);

function namesOf(codes: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(codes).map(([name, code]) => [code, name]));
}

function codeName({ family, code }: ClientAnswer): string {
  switch (family) {
    case 'lock':
      return LOCK_NAMES.get(code) ?? String(code);
    case 'sequence':
      return SEQUENCE_NAMES.get(code) ?? String(code);
    default:
      return KEY_VALUE_NAMES.get(code) ?? String(code);
  }
}
