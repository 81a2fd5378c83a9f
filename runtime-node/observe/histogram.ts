/** How long things took, in buckets, as Prometheus counts them. */

import type { Sample } from './exposition.js';

type Labels = NonNullable<Sample['labels']>;

export interface Histogram {
  add(tookMs: number): void;
  samples(labels: Labels): readonly Sample[];
}

/** Upper bounds, in milliseconds: from a read out of memory to what a request may wait at most. */
const BOUNDS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

export function createHistogram(): Histogram {
  /** What took no longer than each bound, and longer than the one before; what took longer than all of them at the end. */
  const counts = BOUNDS_MS.map(() => 0).concat(0);
  let sumMs = 0;
  return {
    add(tookMs) {
      const bound = BOUNDS_MS.findIndex((most) => tookMs <= most);
      const place = bound < 0 ? BOUNDS_MS.length : bound;
      counts[place] = (counts[place] ?? 0) + 1;
      sumMs += tookMs;
    },
    samples(labels) {
      let total = 0;
      // Buckets count all that took no longer than their bound.
      const buckets = counts.map((count, i): Sample => {
        total += count;
        const bound = BOUNDS_MS[i];
        const le = bound === undefined ? '+Inf' : bound / 1_000;
        return { suffix: '_bucket', labels: { ...labels, le }, value: total };
      });
      return [
        ...buckets,
        { suffix: '_sum', labels, value: sumMs / 1_000 },
        { suffix: '_count', labels, value: total },
      ];
    },
  };
}
