/**
 * Keeps a repeated complaint from filling a log: the first is said at once, its repeats are counted and said
 * together, at most once in an interval. A peer that is wrongly configured calls back every second, for ever.
 */

export interface SaySeldom {
  /** `say` is called now or, for a repeat within the interval, not at all; it is told how many were left out. */
  about(subject: string, say: (leftOut: number) => void): void;
}

/** @param intervalMs the least time between two sayings about one subject. */
export function saySeldom(intervalMs: number, now: () => number = () => performance.now()): SaySeldom {
  const said = new Map<string, { at: number; leftOut: number }>();
  return {
    about(subject, say) {
      const last = said.get(subject);
      const at = now();
      if (last !== undefined && at - last.at < intervalMs) {
        last.leftOut += 1;
        return;
      }
      // Subjects may hold what strangers send: forget them all rather than remember without bound.
      if (said.size >= 1_000) said.clear();
      said.set(subject, { at, leftOut: 0 });
      say(last?.leftOut ?? 0);
    },
  };
}
