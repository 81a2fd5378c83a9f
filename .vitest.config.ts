import { defineConfig } from 'vitest/config';

/**
 * Tests say what holds, not how fast: the limits below only end a test that hangs. fast-check draws a new seed for
 * every run and prints it, with the path to the counterexample, when a property fails.
 */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', 'node_modules/**', 'dist/**'],
    pool: 'forks',
    maxWorkers: 2,
    // Loading the core anew for each of some hundred files took a tenth of the whole; no test changes what a module holds.
    isolate: false,
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
