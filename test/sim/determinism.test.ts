import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, stormScenario, type Report } from '../../sim/index.js';
import { loadSim } from './support/bare-realm.js';
import { bundleSim } from './support/bundle.js';

const SEEDS = [7, 42];

/** The whole report as text: what a user sees must be the same, not only the hash. */
const reportsHere = (): readonly string[] => SEEDS.map((seed) => JSON.stringify(run(stormScenario(seed))));

let expected: readonly string[];
let folder: string;

beforeAll(() => {
  expected = reportsHere();
  folder = mkdtempSync(join(tmpdir(), 'wavetank-worker-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the seeds in a worker thread, which has nothing but the bundle. */
async function reportsInWorker(): Promise<readonly string[]> {
  const file = join(folder, 'worker.mjs');
  const work = `
    import { parentPort } from 'node:worker_threads';
    parentPort.postMessage(${JSON.stringify(SEEDS)}.map((seed) => JSON.stringify(run(stormScenario(seed)))));
  `;
  writeFileSync(join(folder, 'sim.mjs'), await bundleSim('es'));
  writeFileSync(file, `import { run, stormScenario } from './sim.mjs';\n${work}`);
  return new Promise((resolve, reject) => {
    const worker = new Worker(file);
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe('the same seed gives the same report', () => {
  it('in two runs', () => {
    const again = reportsHere();

    expect(again).toEqual(expected);
  });

  it('after other seeds have run in between', () => {
    run(stormScenario(77));

    const again = reportsHere().toReversed();

    expect(again).toEqual(expected.toReversed());
  });

  it('in a worker thread', async () => {
    const there = await reportsInWorker();

    expect(there).toEqual(expected);
  });

  it('in a realm without clocks, chance, timers, promises and Node', async () => {
    const sim = loadSim(await bundleSim('iife'));

    const there = JSON.stringify(sim.run(sim.stormScenario(SEEDS[0] as number)));

    expect(there).toBe(expected[0]);
  });
});

describe('the hash', () => {
  it('is another for every seed', () => {
    const hashes = expected.map((text) => (JSON.parse(text) as Report).hash);

    expect(new Set(hashes).size).toBe(SEEDS.length);
  });

  it('is another when the faults are left out', () => {
    const scenario = stormScenario(SEEDS[0] as number);

    const without = run({ ...scenario, faults: [] });

    expect(without.hash).not.toBe((JSON.parse(expected[0] as string) as Report).hash);
  });
});
