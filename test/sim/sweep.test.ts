import { describe, expect, it } from 'vitest';
import { run, stormScenario, type Report } from '../../sim/index.js';

// The long sweep has its own command: npx wavetank sim --seeds 2000. This one keeps a change from breaking the rest.
const SEEDS = 20;
const PER_TEST = 10;

describe('a storm is survived', () => {
  it.each(Array.from({ length: SEEDS / PER_TEST }, (_, i) => [i * PER_TEST + 1, (i + 1) * PER_TEST]))(
    'under the seeds %i to %i',
    (first, last) => {
      const failures: Report[] = [];

      for (let seed = first; seed <= last; seed += 1) {
        const report = run(stormScenario(seed));
        if (report.verdict !== 'valid') failures.push(report);
        expect(report.virtualMs).toBeGreaterThanOrEqual(60_000);
        expect(report.operations).toBeGreaterThanOrEqual(500);
        // A run in which nobody was answered would show nothing.
        expect(report.answered).toBeGreaterThan(report.operations * 0.8);
      }

      expect(failures).toEqual([]);
    },
  );
});
